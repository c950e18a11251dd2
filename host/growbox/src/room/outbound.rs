//! Outbound: calls of plug-ins go out and their answers come in, and the heartbeat hangs on the flow.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use anyhow::Context as _;
use crossbeam_channel::Sender;
use growbox_flow::Input;
use growbox_model::ports::CallAnswer;
use growbox_model::room::ClockForm;
use growbox_model::{Moment, OpenCall};
use growbox_outbound::{Outbound, Pulse};
use growbox_storage::Log;

use super::clock;
use super::heart::Message;
use crate::config::NotifySpec;

/// The flow turns at least once a second; silent for so long, it hangs.
const HANGS: Duration = Duration::from_secs(10);
/// Beyond the commit interval the disk may take so long.
const SLOW_DISK: Duration = Duration::from_secs(30);

/// When the flow last turned, by the machine's clock.
#[derive(Debug, Clone, Default)]
pub(super) struct Beats(Arc<AtomicU64>);

impl Beats {
    /// The flow turns.
    pub(super) fn beat(&self) {
        self.0.store(clock::machine().boot.0, Ordering::Release);
    }

    /// When the flow last turned; none before the first time.
    pub(super) fn last(&self) -> Option<Moment> {
        let last = self.0.load(Ordering::Acquire);
        (last > 0).then_some(Moment(last))
    }

    fn silent_for(&self) -> Duration {
        let last = self.0.load(Ordering::Acquire);
        Duration::from_nanos(clock::machine().boot.0.saturating_sub(last))
    }
}

/// What the room has towards the outside.
pub(super) struct Outside {
    outbound: Option<Arc<Outbound>>,
}

impl Outside {
    /// Starts the workers. A room that lives by its events calls nobody: what it tells of may be
    /// long ago, and must not depend on what others say.
    pub(super) fn open(
        notify: &NotifySpec,
        clock: ClockForm,
        inbox: Sender<Message>,
    ) -> anyhow::Result<Self> {
        if clock == ClockForm::Events {
            return Ok(Self { outbound: None });
        }
        let answer = move |answer| {
            // A heart that is gone means that the host is ending.
            let _ = inbox.send(Message::Input(Input::Called(answer)));
        };
        let outbound = Outbound::start(notify.book.clone(), answer);
        let outbound = outbound.context("no threads for outbound calls")?;
        Ok(Self {
            outbound: Some(Arc::new(outbound)),
        })
    }

    /// What takes over another `[notify]`.
    pub(super) fn renewal(&self) -> Renewal {
        Renewal(self.outbound.as_ref().map(Arc::downgrade))
    }

    /// Takes a call on; where it cannot, this is the answer.
    pub(super) fn call(&self, call: OpenCall) -> Option<CallAnswer> {
        match &self.outbound {
            Some(outbound) => outbound.call(call),
            None => Some(CallAnswer {
                id: call.id,
                outcome: Err("under [node] clock = \"events\" nothing is called".into()),
            }),
        }
    }
}

/// Takes over another `[notify]` while the room runs; the heartbeat waits for a restart.
#[derive(Clone)]
pub(super) struct Renewal(Option<Weak<Outbound>>);

impl Renewal {
    /// From now on these secrets and this mail server.
    pub(super) fn renew(&self, notify: &NotifySpec) {
        // What is gone has nobody to call any more.
        if let Some(outbound) = self.0.as_ref().and_then(Weak::upgrade) {
            outbound.renew(notify.book.clone());
        }
    }
}

/// Pings while the flow turns and what it says is written.
pub(super) fn start_pulse(
    notify: &NotifySpec,
    commit_interval: Duration,
    beats: Beats,
    log: Log,
) -> anyhow::Result<Option<Pulse>> {
    let Some(heartbeat) = notify.heartbeat.clone() else {
        return Ok(None);
    };
    let alive = move || beats.silent_for() < HANGS && is_written(&log, commit_interval);
    let pulse = Pulse::start(heartbeat, notify.book.clone(), alive);
    pulse.map(Some).context("no thread for the heartbeat")
}

fn is_written(log: &Log, commit_interval: Duration) -> bool {
    let health = log.health();
    let waits = health.oldest_unwritten.unwrap_or_default();
    health.error.is_none() && !health.full && waits < commit_interval + SLOW_DISK
}
