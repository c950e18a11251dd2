//! Safekeeping: the safe plan goes to the guardian and into `safe.json`, with the beats of the flow.
//!
//! Two threads, so that neither a slow disk nor a guardian that does not read holds up the
//! other, or the flow. Each has a slot that holds the newest plan only.

use std::convert::Infallible;
use std::io::{ErrorKind, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use growbox_model::SafePlan;

use super::outbound::Beats;
use crate::guardian::word::{Behind, Kept, Word, boot_id, stale_file};

/// How often the guardian hears of the flow.
const BEAT: Duration = Duration::from_millis(500);
/// Who moves a device and is killed before the guardian knows has it start again what must rest:
/// so it is told first, though a guardian that does not read is waited for no longer than this.
const TOLD: Duration = Duration::from_millis(20);
/// The last plan of a host that ends is on disk and with the guardian within this, or never.
const LAST_PLAN: Duration = Duration::from_secs(1);

/// Whether the newest plan is on disk, as far as anybody has tried.
#[derive(Debug, Clone, Default)]
pub(super) struct Unwritten(Arc<AtomicBool>);

impl Unwritten {
    /// Whether it is not.
    pub(super) fn is_so(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// Where plans are left; dropped, its threads tell the last one and end.
#[derive(Debug)]
pub(super) struct Safekeeping {
    boot: String,
    broker: Option<Behind>,
    slots: Vec<Slot>,
    /// The number of the newest plan that the guardian has been told, where there is one.
    told: Option<Arc<Told>>,
    /// Of the newest plan.
    number: u64,
    unwritten: Unwritten,
    /// Each closes when its thread has ended.
    threads: Vec<Receiver<Infallible>>,
}

/// Says to the guardian, where there is one, that the edges are open.
pub(super) struct Opening(Option<(Arc<AtomicBool>, Sender<()>)>);

/// How far the guardian has been told.
#[derive(Debug, Default)]
struct Told {
    newest: Mutex<u64>,
    changed: Condvar,
}

/// A plan and its number.
type Numbered = (u64, Kept);

/// Holds the newest plan until its thread takes it.
#[derive(Debug)]
struct Slot {
    newest: Arc<Mutex<Option<Numbered>>>,
    wake: Sender<()>,
}

/// The other side of a slot.
struct Taker {
    newest: Arc<Mutex<Option<Numbered>>>,
    woken: Receiver<()>,
}

impl Safekeeping {
    /// Begins to keep plans in `data`, and to tell them to the guardian where there is one.
    pub(super) fn begin(
        data: PathBuf,
        guardian: Option<UnixStream>,
        broker: Option<Behind>,
        beats: Beats,
    ) -> anyhow::Result<(Self, Opening)> {
        let mut all = Self {
            boot: boot_id(),
            broker,
            slots: Vec::new(),
            told: None,
            number: 0,
            unwritten: Unwritten::default(),
            threads: Vec::new(),
        };
        let plans = all.slot();
        let unwritten = all.unwritten.clone();
        all.spawn("safe-plan", move || keep(&data, &plans, &unwritten))?;
        let Some(stream) = guardian else {
            return Ok((all, Opening(None)));
        };
        let open = Arc::<AtomicBool>::default();
        let plans = all.slot();
        let opening = all
            .slots
            .last()
            .map(|slot| (open.clone(), slot.wake.clone()));
        let told = Arc::<Told>::default();
        all.told = Some(told.clone());
        all.spawn("guardian", move || {
            tell(stream, &plans, &beats, (&open, &told));
            told.note(u64::MAX);
        })?;
        Ok((all, Opening(opening)))
    }

    fn slot(&mut self) -> Taker {
        let newest = Arc::<Mutex<Option<Numbered>>>::default();
        let (wake, woken) = bounded(1);
        self.slots.push(Slot {
            newest: newest.clone(),
            wake,
        });
        Taker { newest, woken }
    }

    fn spawn(&mut self, name: &str, work: impl FnOnce() + Send + 'static) -> anyhow::Result<()> {
        let (ends, ended) = bounded(0);
        let spawned = std::thread::Builder::new()
            .name(name.into())
            .spawn(move || {
                work();
                drop::<Sender<Infallible>>(ends);
            });
        self.threads.push(ended);
        spawned.map(drop).context("no thread for the safe plan")
    }

    /// Whether the newest plan could not be written.
    pub(super) fn is_behind(&self) -> bool {
        self.unwritten.is_so()
    }

    /// Takes a plan; the one before is no longer of interest.
    pub(super) fn take(&mut self, mut plan: SafePlan) {
        // What is in this process ends with it.
        plan.devices
            .retain(|device| !growbox_drivers::is_of_this_process(&device.output));
        let kept = Kept {
            boot: self.boot.clone(),
            plan,
            broker: self.broker.clone(),
            given_up: None,
        };
        self.number += 1;
        for slot in &self.slots {
            slot.leave((self.number, kept.clone()));
        }
        if let Some(told) = &self.told {
            told.wait_for(self.number);
        }
    }
}

impl Told {
    fn wait_for(&self, number: u64) {
        let newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        // Told or not, it goes on.
        drop(
            self.changed
                .wait_timeout_while(newest, TOLD, |newest| *newest < number),
        );
    }

    fn note(&self, number: u64) {
        *self.newest.lock().unwrap_or_else(PoisonError::into_inner) = number;
        self.changed.notify_all();
    }
}

impl Drop for Safekeeping {
    /// A guardian that does not read, or a disk that does not write, holds up no end.
    fn drop(&mut self) {
        self.slots.clear();
        let deadline = Instant::now() + LAST_PLAN;
        for thread in &self.threads {
            let _ = thread.recv_deadline(deadline);
        }
    }
}

impl Opening {
    /// Says so.
    pub(super) fn tell(self) {
        if let Some((open, wake)) = self.0 {
            open.store(true, Ordering::Release);
            // One token is enough.
            let _ = wake.try_send(());
        }
    }
}

impl Slot {
    fn leave(&self, kept: Numbered) {
        let mut newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        *newest = Some(kept);
        // One token is enough; a thread that is gone has said why.
        let _ = self.wake.try_send(());
    }
}

impl Taker {
    fn take(&self) -> Option<Numbered> {
        let mut newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        newest.take()
    }
}

/// Writes each plan; one that cannot be written is said once in a row.
fn keep(data: &Path, plans: &Taker, unwritten: &Unwritten) {
    let mut on_disk = Kept::read(data).ok().flatten();
    // An older process may have written another form of it.
    let mut first = true;
    while plans.woken.recv().is_ok() {
        let Some((_, mut kept)) = plans.take() else {
            continue;
        };
        // Who reads the file tells everybody again, confirmed or not: that is no reason to write.
        for device in &mut kept.plan.devices {
            device.confirmed = false;
        }
        if !std::mem::take(&mut first) && on_disk.as_ref() == Some(&kept) {
            continue;
        }
        match kept.write(data) {
            Ok(()) => {
                on_disk = Some(kept);
                unwritten.0.store(false, Ordering::Release);
                // Where there is none, none is in the way.
                let _ = std::fs::remove_file(stale_file(data));
            }
            Err(error) => {
                if on_disk.as_ref().is_none_or(|old| old.misleads(&kept)) {
                    put_aside(data);
                    on_disk = None;
                }
                if !unwritten.0.swap(true, Ordering::AcqRel) {
                    complain(data, &error);
                }
            }
        }
    }
}

/// What nobody may drive by any more.
fn put_aside(data: &Path) {
    match Kept::put_aside(data) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            tracing::error!("`growbox safe` would drive by a plan that is out of date: {error}");
        }
        _ => {}
    }
}

fn complain(data: &Path, error: &std::io::Error) {
    let data = data.display();
    tracing::error!(
        "cannot write {data}/safe.json: {error}; `growbox safe` drives nothing that has changed since"
    );
}

/// Tells plans at once and beats now and then, until either side is gone.
fn tell(mut stream: UnixStream, plans: &Taker, beats: &Beats, (open, told): (&AtomicBool, &Told)) {
    loop {
        let woken = plans.woken.recv_timeout(BEAT);
        let over = woken == Err(RecvTimeoutError::Disconnected);
        if let Some((number, kept)) = plans.take() {
            if say(&mut stream, &Word::Plan(Box::new(kept))).is_err() {
                return;
            }
            told.note(number);
        }
        let words = [
            open.swap(false, Ordering::AcqRel).then_some(Word::Ready),
            beats.last().map(Word::Turned),
            over.then_some(Word::Done),
        ];
        for word in words.into_iter().flatten() {
            if say(&mut stream, &word).is_err() {
                return;
            }
        }
        if over {
            return;
        }
    }
}

/// Says one word to the guardian.
fn say(stream: &mut UnixStream, word: &Word) -> std::io::Result<()> {
    let mut line = serde_json::to_vec(word)?;
    line.push(b'\n');
    stream.write_all(&line)
}

#[cfg(test)]
mod tests {
    use super::*;
    use growbox_model::{DeviceId, SafeDevice, Span};

    fn plan(output: &str, level: f64) -> SafePlan {
        let device = SafeDevice {
            device: DeviceId::new("heater").unwrap(),
            output: output.into(),
            active_low: false,
            safe_level: 0.0,
            level: Some(level),
            confirmed: true,
            min_off: Span::ZERO,
            free_at: None,
            bound_until: None,
        };
        SafePlan {
            devices: vec![device],
        }
    }

    /// Keeps a plan and ends; whether it could not be written.
    fn kept(data: &Path, plan: SafePlan) -> bool {
        let mut all = Safekeeping {
            boot: boot_id(),
            broker: None,
            slots: Vec::new(),
            told: None,
            number: 0,
            unwritten: Unwritten::default(),
            threads: Vec::new(),
        };
        let (plans, unwritten) = (all.slot(), all.unwritten.clone());
        all.take(plan);
        drop(all);
        keep(data, &plans, &unwritten);
        unwritten.is_so()
    }

    #[test]
    fn a_plan_that_misleads_is_put_aside_when_no_newer_one_can_be_written() {
        let data = tempfile::tempdir().unwrap();
        let data = data.path();
        assert!(!kept(data, plan("unix:/room#a", 1.0)));
        // What is in the way of every new file.
        let hindrance = data.join("safe.new");
        std::fs::create_dir(&hindrance).unwrap();
        assert!(kept(data, plan("unix:/room#a", 0.0)));
        assert!(Kept::read(data).unwrap().is_some(), "off is off by either");
        assert!(kept(data, plan("unix:/room#b", 0.0)));
        assert_eq!(Kept::read(data).unwrap(), None);
        assert!(stale_file(data).exists());
        std::fs::remove_dir(&hindrance).unwrap();
        assert!(!kept(data, plan("unix:/room#b", 0.0)));
        assert!(Kept::read(data).unwrap().is_some() && !stale_file(data).exists());
    }
}
