//! `growbox run`: the guardian, with the host as its child. It owns nothing of the room while the host lives.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use crossbeam_channel::{Receiver, unbounded};
use growbox_model::Moment;
use rustix::process::Signal;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use super::child::Host;
use super::deeds::Recorder;
use super::hands::Hands;
use super::help::Help;
use super::plan::Safing;
use super::safe::alone;
use super::systemd::Systemd;
use super::watch::{Act, Driven, End, Heard, Watch};
use super::word::{Kept, Word, boot_id};
use crate::room::boot_time;

/// How often it looks.
const TICK: Duration = Duration::from_millis(50);

/// Runs a host and sees to it that the room is safe whenever that is not there.
///
/// # Errors
/// When no host can be started at all, or nobody can be told to end.
pub(crate) fn guard(data: &Path, help: Help) -> anyhow::Result<ExitCode> {
    let signals = signals()?;
    let host = Host::start()?;
    let before = Kept::read(data).unwrap_or_else(|error| {
        tracing::warn!("what the host before left on is not known: safe.json: {error}");
        None
    });
    let mut guardian = Guardian {
        data,
        watch: Watch::new(boot_time()),
        host: Some(host),
        kept: before.map(|kept| Kept {
            given_up: None,
            ..kept
        }),
        inherited: true,
        ended: None,
        help,
        turned: Moment(0),
        hangup: false,
        driving: None,
        systemd: Systemd::of_environment(),
        recorder: Recorder::begin(data.to_owned()).context("no thread for deeds")?,
    };
    loop {
        guardian.wait();
        if let Some(code) = guardian.turn(&signals) {
            return Ok(ExitCode::from(code));
        }
    }
}

struct Guardian<'a> {
    data: &'a Path,
    watch: Watch,
    host: Option<Host>,
    /// What the newest host wants done without it.
    kept: Option<Kept>,
    /// That is of a host before this guardian.
    inherited: bool,
    help: Help,
    /// How its newest host ended.
    ended: Option<End>,
    /// When the host's flow turned last, as it said.
    turned: Moment,
    /// Somebody wants the host to look at its configuration anew.
    hangup: bool,
    driving: Option<Driving>,
    systemd: Systemd,
    recorder: Recorder,
}

/// Devices on their way to their safe levels.
struct Driving {
    safing: Safing,
    hands: Hands,
    why: String,
    /// A host does already what it can.
    shared: bool,
}

impl Guardian<'_> {
    /// Whoever drives listens to the devices meanwhile.
    fn wait(&mut self) {
        match &mut self.driving {
            Some(Driving { safing, hands, .. }) => hands.listen(TICK, safing),
            None => std::thread::sleep(TICK),
        }
    }

    /// Hears everybody, looks at the clock, drives; the code with which it is to end.
    fn turn(&mut self, signals: &Receiver<i32>) -> Option<u8> {
        let now = boot_time();
        self.systemd.beat(now);
        let acts = self.hear(signals, now);
        // What follows from what was heard is begun before it is looked how far it has come.
        if let Some(code) = self.perform_all(acts) {
            return Some(code);
        }
        self.drive(now);
        let acts = self.watch.look(self.driven(), now);
        self.perform_all(acts)
    }

    fn hear(&mut self, signals: &Receiver<i32>, now: Moment) -> Vec<Act> {
        let words: Vec<Word> = match &self.host {
            Some(host) => host.words().try_iter().collect(),
            None => Vec::new(),
        };
        let mut acts = self.take(words, now);
        for signal in signals.try_iter() {
            if signal == SIGHUP {
                self.hangup = true;
            } else {
                acts.extend(self.watch.hear(Heard::Asked, now));
            }
        }
        if let Some(end) = self.host.as_mut().and_then(Host::ended) {
            let last = self.host.take().map(|host| host.last_words());
            acts.extend(self.take(last.unwrap_or_default(), now));
            self.ended = Some(end);
            let safe = self.kept.as_ref().is_none_or(Kept::is_safe);
            acts.extend(self.watch.hear(Heard::Ended { end, safe }, now));
        }
        acts
    }

    fn perform_all(&mut self, acts: Vec<Act>) -> Option<u8> {
        acts.into_iter().find_map(|act| self.perform(act))
    }

    fn take(&mut self, words: Vec<Word>, now: Moment) -> Vec<Act> {
        let mut acts = Vec::new();
        for word in words {
            match word {
                Word::Turned(moment) if moment > self.turned => {
                    self.turned = moment;
                    // Before that a host may not listen yet, and would end.
                    if std::mem::take(&mut self.hangup) {
                        self.signal(Signal::HUP);
                    }
                    acts.extend(self.watch.hear(Heard::Turned, now));
                }
                Word::Turned(_) => {}
                Word::Done => acts.extend(self.watch.hear(Heard::Done, now)),
                Word::Ready => {
                    self.systemd.ready();
                    acts.extend(self.watch.hear(Heard::Ready, now));
                }
                Word::Plan(kept) => {
                    (self.kept, self.inherited) = (Some(*kept), false);
                    acts.extend(self.watch.hear(Heard::Planned, now));
                }
            }
        }
        acts
    }

    fn perform(&mut self, act: Act) -> Option<u8> {
        match act {
            Act::Start => self.start(),
            Act::Ask => {
                self.systemd.stopping();
                self.signal(Signal::TERM);
            }
            Act::Kill => self.signal(Signal::KILL),
            Act::Drive(why) => self.begin_to_drive(why),
            Act::HandOver => self.hand_over(),
            Act::Rest => self.rest(),
            Act::GiveUp(why) => self.give_up(&why),
            Act::Leave(code) => {
                self.rest();
                return Some(code);
            }
        }
        None
    }

    /// Where not even a process can be made, that is one failure more.
    fn start(&mut self) {
        match Host::start() {
            Ok(host) => self.host = Some(host),
            Err(error) => {
                tracing::error!("{error:#}");
                let now = boot_time();
                let failed = Heard::Ended {
                    end: End::Code(1),
                    safe: false,
                };
                for act in self.watch.hear(failed, now) {
                    self.perform(act);
                }
            }
        }
    }

    fn signal(&self, signal: Signal) {
        if let Some(host) = &self.host {
            host.signal(signal);
        }
    }

    /// First the devices, then the words.
    fn begin_to_drive(&mut self, why: String) {
        self.take_over(why.clone());
        self.drive(boot_time());
        if self.driving.is_some() {
            tracing::error!("{why}; its devices are driven to their safe levels");
        } else if !self.has_said_why() {
            tracing::error!("{why}");
        }
        self.systemd.status(why);
    }

    /// A host that ended by itself before it had a plan has said why, and that is all there is.
    fn has_said_why(&self) -> bool {
        self.inherited && matches!(self.ended, Some(End::Code(_)))
    }

    fn take_over(&mut self, why: String) {
        if self.inherited && !self.is_mine() {
            return;
        }
        let Some(kept) = &self.kept else { return };
        if let Some(driving) = &mut self.driving
            && !driving.shared
        {
            driving.why = why;
            return;
        }
        let before = self.driving.take().map(|driving| driving.hands);
        let mut safing = Safing::of(&kept.plan, kept.boot == boot_id(), boot_time());
        match Hands::open(kept, &mut safing, before) {
            Ok(hands) => {
                self.driving = Some(Driving {
                    safing,
                    hands,
                    why,
                    shared: false,
                });
            }
            Err(error) => tracing::error!("cannot drive anything: {error:#}"),
        }
    }

    /// What another host drove is this guardian's once that one and its own are gone: somebody
    /// may have started a second one beside it by mistake.
    fn is_mine(&mut self) -> bool {
        let alone = alone(self.data);
        if let (Err(error), None) = (&alone, &self.host) {
            tracing::error!("{error:#}");
            self.kept = None;
        }
        alone.is_ok()
    }

    fn drive(&mut self, now: Moment) {
        let Some(Driving {
            safing, hands, why, ..
        }) = &mut self.driving
        else {
            return;
        };
        for (output, level) in safing.due(now) {
            hands.tell(output, level, safing);
        }
        for arrival in safing.arrived() {
            tracing::warn!("{} is at {:.0} %", arrival.device, arrival.to * 100.0);
            self.recorder.record(&arrival, &format!("guardian: {why}"));
        }
    }

    /// Without a plan there is nothing to drive.
    fn driven(&self) -> Driven {
        let safing = self.driving.as_ref().map(|driving| &driving.safing);
        let nothing = self.kept.is_none();
        Driven {
            // The next host is to find written down what was done.
            offs: safing.map_or(nothing, Safing::offs_are_done) && self.recorder.is_idle(),
            all: safing.map_or(nothing, Safing::is_done),
        }
    }

    /// The host reaches what stands behind a broker only once its edges are open. Until then
    /// that is held where it is safe, but for what the host wants to be elsewhere.
    fn hand_over(&mut self) {
        let (Some(driving), Some(kept)) = (&mut self.driving, &self.kept) else {
            return;
        };
        driving.shared = true;
        let Driving { safing, hands, .. } = driving;
        let gone = safing.keep_only(|own| hands.is_behind_broker(&own.output) && kept.agrees(own));
        for output in gone {
            hands.let_go(&output);
        }
        if safing.steps().is_empty() {
            self.rest();
        }
    }

    fn rest(&mut self) {
        self.driving = None;
    }

    fn give_up(&mut self, why: &str) {
        let told = format!("{why}, and it failed again each time it was started");
        tracing::error!(
            "{told}: it is not started any more, devices stay at their safe levels; mend the cause, then end and start growbox"
        );
        self.systemd.status(told.clone());
        self.help.clone().call(format!(
            "{told}: it is not started any more, devices stay at their safe levels; mend the cause, then end and start growbox"
        ));
        if let Some(kept) = &mut self.kept {
            kept.given_up = Some(told);
            write_beside(kept.clone(), self.data.to_owned());
        }
    }
}

/// A disk that does not answer holds up no device.
fn write_beside(kept: Kept, data: PathBuf) {
    let thread = std::thread::Builder::new().name("safe-plan".into());
    let begun = thread.spawn(move || {
        if let Err(error) = kept.write(&data) {
            tracing::error!("cannot write safe.json: {error}");
        }
    });
    if let Err(error) = begun {
        tracing::error!("no thread to write safe.json: {error}");
    }
}

/// TERM, INT and HUP as they come.
fn signals() -> anyhow::Result<Receiver<i32>> {
    let mut signals = Signals::new([SIGTERM, SIGINT, SIGHUP]).context("no signals")?;
    let (sender, heard) = unbounded();
    std::thread::Builder::new()
        .name("signals".into())
        .spawn(move || {
            for signal in signals.forever() {
                if sender.send(signal).is_err() {
                    return;
                }
            }
        })
        .context("no thread for signals")?;
    Ok(heard)
}
