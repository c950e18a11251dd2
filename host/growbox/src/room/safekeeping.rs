//! Safekeeping: the safe plan goes to the guardian and into `safe.json`, with the beats of the flow.
//!
//! Two threads, so that neither a slow disk nor a guardian that does not read holds up the
//! other, or the flow. Each has a slot that holds the newest plan only.

use std::io::Write;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use growbox_model::SafePlan;

use super::outbound::Beats;
use crate::guardian::word::{Behind, Kept, Word, boot_id};

/// How often the guardian hears of the flow.
const BEAT: Duration = Duration::from_millis(500);

/// Where plans are left; dropped, its threads end.
#[derive(Debug)]
pub(super) struct Safekeeping {
    boot: String,
    broker: Option<Behind>,
    file: Slot,
    guardian: Option<Slot>,
}

/// Holds the newest plan until its thread takes it.
#[derive(Debug)]
struct Slot {
    newest: Arc<Mutex<Option<Kept>>>,
    wake: Sender<()>,
}

/// The other side of a slot.
struct Taker {
    newest: Arc<Mutex<Option<Kept>>>,
    woken: Receiver<()>,
}

impl Safekeeping {
    /// Begins to keep plans in `data`, and to tell them to the guardian where there is one.
    pub(super) fn begin(
        data: PathBuf,
        guardian: Option<UnixStream>,
        broker: Option<Behind>,
        beats: Beats,
    ) -> anyhow::Result<Self> {
        let (file, plans) = slot();
        std::thread::Builder::new()
            .name("safe-plan".into())
            .spawn(move || keep(&data, &plans))
            .context("no thread for the safe plan")?;
        let guardian = guardian.map(|stream| {
            let (slot, plans) = slot();
            let told = std::thread::Builder::new()
                .name("guardian".into())
                .spawn(move || tell(stream, &plans, &beats));
            told.map(|_| slot).context("no thread for the guardian")
        });
        Ok(Self {
            boot: boot_id(),
            broker,
            file,
            guardian: guardian.transpose()?,
        })
    }

    /// Takes a plan; the one before is no longer of interest.
    pub(super) fn take(&self, mut plan: SafePlan) {
        // What is in this process ends with it.
        plan.devices
            .retain(|device| !growbox_drivers::is_of_this_process(&device.output));
        let kept = Kept {
            boot: self.boot.clone(),
            plan,
            broker: self.broker.clone(),
            given_up: None,
        };
        for slot in self.guardian.iter().chain([&self.file]) {
            slot.leave(kept.clone());
        }
    }
}

fn slot() -> (Slot, Taker) {
    let newest = Arc::<Mutex<Option<Kept>>>::default();
    let (wake, woken) = bounded(1);
    let slot = Slot {
        newest: newest.clone(),
        wake,
    };
    (slot, Taker { newest, woken })
}

impl Slot {
    fn leave(&self, kept: Kept) {
        let mut newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        *newest = Some(kept);
        // One token is enough; a thread that is gone has said why.
        let _ = self.wake.try_send(());
    }
}

impl Taker {
    fn take(&self) -> Option<Kept> {
        let mut newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        newest.take()
    }
}

/// Writes each plan; one that cannot be written is said once in a row.
fn keep(data: &std::path::Path, plans: &Taker) {
    let mut well = true;
    while plans.woken.recv().is_ok() {
        let Some(kept) = plans.take() else { continue };
        let written = kept.write(data);
        if let Err(error) = &written
            && well
        {
            let data = data.display();
            tracing::error!(
                "cannot write {data}/safe.json: {error}; `growbox safe` knows only what was written before"
            );
        }
        well = written.is_ok();
    }
}

/// Tells plans at once and beats now and then, until either side is gone.
fn tell(mut stream: UnixStream, plans: &Taker, beats: &Beats) {
    loop {
        let woken = plans.woken.recv_timeout(BEAT);
        let plan = plans.take().map(|kept| Word::Plan(Box::new(kept)));
        let turned = beats.last().map(Word::Turned);
        for word in plan.into_iter().chain(turned) {
            if say(&mut stream, &word).is_err() {
                return;
            }
        }
        if woken == Err(RecvTimeoutError::Disconnected) {
            return;
        }
    }
}

/// Says one word to the guardian.
pub(super) fn say(stream: &mut UnixStream, word: &Word) -> std::io::Result<()> {
    let mut line = serde_json::to_vec(word)?;
    line.push(b'\n');
    stream.write_all(&line)
}
