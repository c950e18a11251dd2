//! The call for help: said on every channel of `[notify]` once the guardian has given up on its host.
//!
//! A thread of its own calls, so that whoever does not answer holds up no device.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use crossbeam_channel::unbounded;
use growbox_model::effect::Call;
use growbox_model::ports::CallAnswer;
use growbox_model::room::ClockForm;
use growbox_model::{CallId, Generation, OpenCall, PluginId};
use growbox_outbound::Outbound;

use crate::config::{self, Configuration, NotifySpec};

/// Whoever is not reached is called again after this.
const AGAIN: Duration = Duration::from_secs(60);
/// So often at most.
const TIMES: usize = 60;
/// How long answers are waited for.
const ANSWER: Duration = Duration::from_secs(60);

/// Who is called, and where it is looked up anew.
#[derive(Debug, Clone)]
pub(crate) struct Help {
    /// As it was when the guardian began.
    notify: NotifySpec,
    /// The configuration.
    file: PathBuf,
}

impl Help {
    /// As configured.
    pub(crate) fn of(configuration: &Configuration, file: &Path) -> Self {
        Self {
            notify: told(configuration),
            file: file.to_owned(),
        }
    }

    /// Calls until everybody has been reached, or nobody can be.
    pub(super) fn call(self, why: String) {
        let thread = std::thread::Builder::new().name("help".into());
        let begun = thread.spawn(move || {
            if let Err(error) = self.call_all(&why) {
                tracing::error!("nobody can be called for help: {error:#}");
            }
        });
        if let Err(error) = begun {
            tracing::error!("nobody can be called for help: {error}");
        }
    }

    fn call_all(self, why: &str) -> anyhow::Result<()> {
        let now = config::load(&self.file).ok();
        let now = now.and_then(|checked| checked.configuration);
        let notify = now.as_ref().map_or(self.notify, told);
        let at = growbox_drivers::machine::wall();
        let title = "growbox: the room has no host any more";
        let calls = notify.calls(title, why, at);
        let mut calls: BTreeMap<CallId, Call> = (1..).map(CallId).zip(calls).collect();
        let (sender, answers) = unbounded();
        let outbound = Outbound::start(notify.book, move |answer| {
            // Nobody waits for it any more.
            let _ = sender.send(answer);
        });
        let outbound = outbound.context("no threads for outbound calls")?;
        for _ in 0..TIMES {
            let mut awaited = calls.len();
            for (id, call) in &calls {
                let refused = outbound.call(open(*id, call.clone())?);
                awaited -= usize::from(refused.is_some());
            }
            let deadline = Instant::now() + ANSWER;
            while awaited > 0
                && let Ok(answer) = answers.recv_deadline(deadline)
            {
                awaited -= 1;
                hear(&answer, &mut calls);
            }
            if calls.is_empty() {
                return Ok(());
            }
            std::thread::sleep(AGAIN);
        }
        anyhow::bail!("{} did not answer", calls.len())
    }
}

/// A room that lives by its events calls nobody: what it tells of may be long ago.
fn told(configuration: &Configuration) -> NotifySpec {
    if configuration.room.node.clock == ClockForm::Events {
        return NotifySpec::default();
    }
    configuration.notify.clone()
}

fn open(id: CallId, call: Call) -> anyhow::Result<OpenCall> {
    Ok(OpenCall {
        id,
        plugin: PluginId::new("guardian")?,
        generation: Generation(1),
        cause: None,
        call,
    })
}

/// Who took it is not called again.
fn hear(answer: &CallAnswer, calls: &mut BTreeMap<CallId, Call>) {
    match &answer.outcome {
        Ok(reply) if (200..300).contains(&reply.status) => {
            calls.remove(&answer.id);
        }
        Ok(reply) => tracing::warn!("a call for help was answered with {}", reply.status),
        Err(why) => tracing::warn!("a call for help: {why}"),
    }
}
