//! When the host is believed, killed, started again or given up: decisions alone, time is an argument.

use growbox_model::{Moment, Span};

/// A flow that has turned and is silent for so long hangs.
const SILENCE: Span = Span::seconds(5);
/// A host may take so long until its flow turns for the first time.
const START: Span = Span::seconds(60);
/// Silence counts in the guardian's own looks, each for no more than this: when the machine
/// slept, or the guardian stood still itself, nobody was silent.
const LOOK_AT_MOST: Span = Span::seconds(1);
/// Who has been well for so long is no longer the one that failed.
const WELL: Span = Span::seconds(60);
/// How long it waits before it starts the host again, once more each time.
const BACK_OFF: [Span; 3] = [Span::millis(200), Span::seconds(1), Span::seconds(5)];
/// A new host is kept back until what must be off is off, but no longer than this.
const OFFS_AT_MOST: Span = Span::seconds(2);
/// A host that was asked to end may take so long.
const END_AT_MOST: Span = Span::seconds(10);
/// Whoever leaves without a host brings devices to their safe levels for so long.
const LEAVE_AT_MOST: Span = Span::seconds(30);

/// What the guardian learns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Heard {
    /// The host's flow has turned since it was heard of last.
    Turned,
    /// The host has told what is to be done without it: from here on it drives what it has in
    /// its own hands.
    Planned,
    /// The host's edges are open: from here on it reaches what stands behind a broker too.
    Ready,
    /// Its flow has ended and turns no more; where devices are then is in its last plan.
    Done,
    /// The host has ended.
    Ended {
        /// How.
        end: End,
        /// By its last plan every device is known to be at its safe level.
        safe: bool,
    },
    /// Somebody wants the guardian to end.
    Asked,
}

/// How the host ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// By itself, with this code.
    Code(u8),
    /// By a signal.
    Signal(i32),
}

/// How far devices are without a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Driven {
    /// What must be off is off.
    pub(crate) offs: bool,
    /// Everything is at its safe level.
    pub(crate) all: bool,
}

/// What the guardian is to do.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Act {
    /// Start the host.
    Start,
    /// Ask the host to end.
    Ask,
    /// Kill the host.
    Kill,
    /// Drive devices to their safe levels from now on, for this reason.
    Drive(String),
    /// Drive only what the host does not reach yet, and as far as it wants the same.
    HandOver,
    /// Drive nothing any more: the host does.
    Rest,
    /// Call for help: the host is not started again, for this reason.
    GiveUp(String),
    /// End with this code.
    Leave(u8),
}

/// The guardian's view of its host.
#[derive(Debug)]
pub(crate) struct Watch {
    stage: Stage,
    /// Some host has said what is to be done without it.
    planned: bool,
    failures: usize,
    looked: Moment,
}

#[derive(Debug, Clone, PartialEq)]
enum Stage {
    /// The host runs. Its flow has turned or not yet, is silent for so long, was well for so long.
    Up {
        turned: bool,
        silent: Span,
        well: Span,
    },
    /// It was killed for a reason and is not gone yet; with it the guardian goes, or not.
    Killed { why: String, leaving: bool },
    /// It is gone and comes back.
    Down { since: Moment, retry_at: Moment },
    /// It was asked to end. Its flow is silent for so long, where it is to turn.
    Ending { until: Moment, silent: Option<Span> },
    /// There is no host, and the guardian leaves with this code.
    Leaving { until: Moment, code: u8 },
    /// There is no host, and there will be none.
    Helpless,
}

const UP: Stage = Stage::Up {
    turned: false,
    silent: Span::ZERO,
    well: Span::ZERO,
};

impl Watch {
    /// Over a host that is being started.
    pub(crate) fn new(now: Moment) -> Self {
        Self {
            stage: UP,
            planned: false,
            failures: 0,
            looked: now,
        }
    }

    /// Takes something in.
    pub(crate) fn hear(&mut self, heard: Heard, now: Moment) -> Vec<Act> {
        match heard {
            Heard::Turned => self.turned(),
            Heard::Planned => self.plans(),
            Heard::Ready => self.if_up(Act::Rest),
            Heard::Done => self.done(),
            Heard::Ended { end, safe } => self.ended(end, safe, now),
            Heard::Asked => self.asked(now),
        }
    }

    /// Looks at the clock; to be called several times a second.
    pub(crate) fn look(&mut self, driven: Driven, now: Moment) -> Vec<Act> {
        let step = now.since(self.looked).min(LOOK_AT_MOST);
        self.looked = now;
        match &mut self.stage {
            Stage::Up {
                turned,
                silent,
                well,
            } => {
                *silent = longer(*silent, step);
                if *turned {
                    *well = longer(*well, step);
                }
                let patience = if *turned { SILENCE } else { START };
                let hangs = (*silent >= patience).then(|| silence(*turned, *silent));
                hangs.map_or_else(Vec::new, |why| self.kill(why, false))
            }
            Stage::Down { since, retry_at } => {
                let free = driven.offs || now >= *since + OFFS_AT_MOST;
                if now < *retry_at || !free {
                    return Vec::new();
                }
                self.stage = UP;
                vec![Act::Start]
            }
            Stage::Ending { until, silent } => {
                *silent = silent.map(|silent| longer(silent, step));
                let hangs = silent.filter(|silent| *silent >= SILENCE);
                let why = hangs.map(|silent| silence(true, silent));
                let late = || "the host did not end when it was asked".to_owned();
                let why = why.or_else(|| (now >= *until).then(late));
                why.map_or_else(Vec::new, |why| self.kill(why, true))
            }
            Stage::Leaving { code, .. } if driven.all => vec![Act::Leave(*code)],
            // Whoever asked is not to believe that all is well.
            Stage::Leaving { until, code } if now >= *until => vec![Act::Leave((*code).max(1))],
            _ => Vec::new(),
        }
    }

    fn turned(&mut self) -> Vec<Act> {
        match &mut self.stage {
            Stage::Up { turned, silent, .. } => (*turned, *silent) = (true, Span::ZERO),
            Stage::Ending { silent, .. } => *silent = Some(Span::ZERO),
            _ => {}
        }
        Vec::new()
    }

    /// What is left of the end is the log's and the edges'.
    fn done(&mut self) -> Vec<Act> {
        if let Stage::Ending { silent, .. } = &mut self.stage {
            *silent = None;
        }
        Vec::new()
    }

    /// The last words of a host that is gone leave the devices with the guardian.
    fn plans(&mut self) -> Vec<Act> {
        self.planned = true;
        self.if_up(Act::HandOver)
    }

    fn if_up(&self, act: Act) -> Vec<Act> {
        match self.stage {
            Stage::Up { .. } => vec![act],
            _ => Vec::new(),
        }
    }

    fn ended(&mut self, end: End, safe: bool, now: Moment) -> Vec<Act> {
        match &self.stage {
            _ if end == End::Code(0) && !matches!(self.stage, Stage::Killed { .. }) => {
                if safe {
                    return vec![Act::Leave(0)];
                }
                let why = "the host ended before every device was at its safe level";
                self.leave(why.to_owned(), 0, now)
            }
            // It never drove anything: what is wrong is wrong from the beginning. What the one
            // before it left on is another matter.
            Stage::Up { .. } | Stage::Ending { .. } if !self.planned => {
                self.leave(end.told(), end.code(), now)
            }
            Stage::Up { well, .. } => {
                if *well >= WELL {
                    self.failures = 0;
                }
                self.fail(end.told(), now)
            }
            Stage::Ending { .. } => self.leave(end.told(), end.code(), now),
            Stage::Killed { why, leaving: true } => self.leave(why.clone(), 1, now),
            Stage::Killed { why, .. } => self.fail(why.clone(), now),
            Stage::Down { .. } | Stage::Leaving { .. } | Stage::Helpless => Vec::new(),
        }
    }

    fn asked(&mut self, now: Moment) -> Vec<Act> {
        match &mut self.stage {
            Stage::Up { turned, silent, .. } => {
                self.stage = Stage::Ending {
                    until: now + END_AT_MOST,
                    silent: turned.then_some(*silent),
                };
                vec![Act::Ask]
            }
            Stage::Ending { .. } => vec![Act::Ask],
            Stage::Killed { leaving, .. } => {
                *leaving = true;
                Vec::new()
            }
            Stage::Down { .. } => self.leave("no host was left".to_owned(), 0, now),
            Stage::Helpless => self.leave("no host was left".to_owned(), 1, now),
            Stage::Leaving { code, .. } => vec![Act::Leave((*code).max(1))],
        }
    }

    fn kill(&mut self, why: String, leaving: bool) -> Vec<Act> {
        if let Stage::Up { well, .. } = &self.stage
            && *well >= WELL
        {
            self.failures = 0;
        }
        let told = why.clone();
        self.stage = Stage::Killed { why, leaving };
        vec![Act::Kill, Act::Drive(told)]
    }

    fn fail(&mut self, why: String, now: Moment) -> Vec<Act> {
        let Some(wait) = BACK_OFF.get(self.failures) else {
            self.stage = Stage::Helpless;
            return vec![Act::Drive(why.clone()), Act::GiveUp(why)];
        };
        self.failures += 1;
        self.stage = Stage::Down {
            since: now,
            retry_at: now + *wait,
        };
        vec![Act::Drive(why)]
    }

    fn leave(&mut self, why: String, code: u8, now: Moment) -> Vec<Act> {
        self.stage = Stage::Leaving {
            until: now + LEAVE_AT_MOST,
            code,
        };
        vec![Act::Drive(why)]
    }
}

impl End {
    fn code(self) -> u8 {
        match self {
            Self::Code(code) => code,
            Self::Signal(_) => 1,
        }
    }

    fn told(self) -> String {
        match self {
            Self::Code(code) => format!("the host ended with code {code}"),
            Self::Signal(signal) => format!("the host was ended by signal {signal}"),
        }
    }
}

fn longer(span: Span, by: Span) -> Span {
    Span(span.0.saturating_add(by.0))
}

fn silence(turned: bool, silent: Span) -> String {
    let seconds = silent.0 / Span::seconds(1).0;
    if turned {
        format!("the host hung: its flow has not turned for {seconds} s")
    } else {
        format!("the host did not begin within {seconds} s")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TICK: Span = Span::millis(100);
    const NOT_YET: Driven = Driven {
        offs: false,
        all: false,
    };
    const SAFE: Driven = Driven {
        offs: true,
        all: true,
    };

    fn at(millis: u64) -> Moment {
        Moment(0) + Span::millis(millis)
    }

    /// Looks every 100 ms until it has something to do.
    fn look_until(watch: &mut Watch, from: Moment, driven: Driven) -> (Moment, Vec<Act>) {
        let mut now = from;
        loop {
            now = now + TICK;
            let acts = watch.look(driven, now);
            if !acts.is_empty() || now > from + Span::minutes(5) {
                return (now, acts);
            }
        }
    }

    fn running() -> Watch {
        let mut watch = Watch::new(at(0));
        assert_eq!(watch.hear(Heard::Turned, at(0)), []);
        assert_eq!(watch.hear(Heard::Planned, at(0)), [Act::HandOver]);
        assert_eq!(watch.hear(Heard::Ready, at(0)), [Act::Rest]);
        watch
    }

    fn ended(end: End) -> Heard {
        Heard::Ended { end, safe: false }
    }

    fn killed(signal: i32) -> Heard {
        ended(End::Signal(signal))
    }

    #[test]
    fn a_flow_that_stands_is_killed_after_five_seconds_and_devices_are_driven_at_once() {
        let (now, acts) = look_until(&mut running(), at(0), NOT_YET);
        assert_eq!(now, at(5_000));
        assert!(
            matches!(&acts[..], [Act::Kill, Act::Drive(why)] if why.contains("5 s")),
            "{acts:?}"
        );
    }

    #[test]
    fn a_machine_that_slept_is_no_flow_that_hangs() {
        let mut watch = running();
        for hour in 1..4 {
            assert_eq!(watch.look(NOT_YET, at(hour * 3_600_000)), []);
        }
    }

    #[test]
    fn a_host_may_take_a_minute_to_begin() {
        let (now, acts) = look_until(&mut Watch::new(at(0)), at(0), NOT_YET);
        assert_eq!((now, acts.len()), (at(60_000), 2));
    }

    #[test]
    fn it_starts_again_once_what_must_be_off_is_off() {
        let mut watch = running();
        let acts = watch.hear(killed(9), at(0));
        assert!(matches!(&acts[..], [Act::Drive(why)] if why.contains("signal 9")));
        assert_eq!(
            look_until(&mut watch, at(0), SAFE),
            (at(200), vec![Act::Start])
        );
        let _ = watch.hear(killed(9), at(300));
        assert_eq!(
            look_until(&mut watch, at(300), NOT_YET),
            (at(2_300), vec![Act::Start]),
            "it waits for what does not come off, but not for ever"
        );
    }

    #[test]
    fn the_fourth_failure_in_a_row_is_the_last() {
        let mut watch = running();
        let mut now = at(0);
        for _ in 0..3 {
            let _ = watch.hear(killed(11), now);
            let (then, acts) = look_until(&mut watch, now, SAFE);
            assert_eq!(acts, [Act::Start]);
            now = then;
        }
        let acts = watch.hear(ended(End::Code(2)), now);
        assert!(
            matches!(&acts[..], [Act::Drive(_), Act::GiveUp(_)]),
            "{acts:?}"
        );
        assert_eq!(look_until(&mut watch, now, SAFE).1, []);
        assert_eq!(watch.hear(Heard::Asked, now).len(), 1);
        assert_eq!(watch.look(SAFE, now), [Act::Leave(1)]);
    }

    #[test]
    fn a_minute_of_health_forgives() {
        let mut watch = running();
        let mut now = at(0);
        for _ in 0..8 {
            let _ = watch.hear(killed(11), now);
            let (then, acts) = look_until(&mut watch, now, SAFE);
            assert_eq!(acts, [Act::Start]);
            now = then;
            for _ in 0..620 {
                let _ = watch.hear(Heard::Turned, now);
                now = now + TICK;
                assert_eq!(watch.look(SAFE, now), []);
            }
        }
    }

    #[test]
    fn what_fails_from_the_beginning_is_passed_on() {
        let mut watch = Watch::new(at(0));
        let acts = watch.hear(ended(End::Code(2)), at(50));
        assert!(matches!(&acts[..], [Act::Drive(_)]), "{acts:?}");
        assert_eq!(watch.look(SAFE, at(50)), [Act::Leave(2)]);
    }

    #[test]
    fn asked_it_asks_and_leaves_when_the_host_has_left() {
        let mut watch = running();
        assert_eq!(watch.hear(Heard::Asked, at(0)), [Act::Ask]);
        assert_eq!(watch.hear(Heard::Asked, at(1)), [Act::Ask]);
        let end = Heard::Ended {
            end: End::Code(0),
            safe: true,
        };
        assert_eq!(watch.hear(end, at(2)), [Act::Leave(0)]);
    }

    #[test]
    fn a_host_that_ends_well_is_not_believed_while_a_device_is_not_known_to_be_safe() {
        for (safe, code) in [(true, 0), (false, 1)] {
            let mut watch = running();
            let _ = watch.hear(Heard::Asked, at(0));
            let acts = watch.hear(ended(End::Code(0)), at(0));
            assert!(
                matches!(&acts[..], [Act::Drive(why)] if why.contains("safe level")),
                "{acts:?}"
            );
            let driven = if safe { SAFE } else { NOT_YET };
            let (now, acts) = look_until(&mut watch, at(0), driven);
            assert_eq!(acts, [Act::Leave(code)]);
            assert!(now <= at(0) + LEAVE_AT_MOST);
        }
    }

    #[test]
    fn a_flow_that_stands_while_it_is_to_end_is_killed_like_any_other() {
        let mut watch = running();
        let _ = watch.hear(Heard::Asked, at(0));
        let (now, acts) = look_until(&mut watch, at(0), NOT_YET);
        assert_eq!(now, at(5_000));
        assert!(
            matches!(&acts[..], [Act::Kill, Act::Drive(why)] if why.contains("hung")),
            "{acts:?}"
        );
        let _ = watch.hear(killed(9), now);
        assert_eq!(watch.look(SAFE, now + TICK), [Act::Leave(1)]);
    }

    #[test]
    fn a_host_that_does_not_end_is_killed_and_devices_are_driven_before_it_leaves() {
        let mut watch = running();
        let _ = watch.hear(Heard::Asked, at(0));
        let _ = watch.hear(Heard::Done, at(0));
        let (now, acts) = look_until(&mut watch, at(0), NOT_YET);
        assert_eq!((now, acts.len()), (at(10_000), 2));
        let _ = watch.hear(killed(9), now);
        assert_eq!(watch.look(NOT_YET, now + TICK), []);
        assert_eq!(watch.look(SAFE, now + TICK), [Act::Leave(1)]);
    }

    proptest! {
        /// Whatever happens: no second host beside one, none started or left behind undriven.
        #[test]
        fn there_is_never_more_than_one_host(
            steps in proptest::collection::vec((0..10u8, 0..3_000u64, any::<bool>()), 0..200)
        ) {
            let mut watch = Watch::new(at(0));
            let (mut now, mut alive, mut planned, mut driving) = (at(0), true, false, false);
            let mut known_safe = false;
            for (step, later, safe) in steps {
                now = now + Span::millis(later);
                let acts = match step {
                    0 if alive => {
                        alive = false;
                        watch.hear(killed(9), now)
                    }
                    1 if alive => watch.hear(Heard::Turned, now),
                    2 if alive => {
                        planned = true;
                        watch.hear(Heard::Planned, now)
                    }
                    3 => watch.hear(Heard::Asked, now),
                    4 if alive => {
                        (alive, known_safe) = (false, safe);
                        watch.hear(Heard::Ended { end: End::Code(0), safe }, now)
                    }
                    5 if alive => watch.hear(Heard::Done, now),
                    6 if alive => watch.hear(Heard::Ready, now),
                    _ => watch.look(if safe { SAFE } else { NOT_YET }, now),
                };
                for act in acts {
                    match act {
                        Act::Start => {
                            prop_assert!(!alive && driving);
                            (alive, known_safe) = (true, false);
                        }
                        Act::Kill | Act::Ask => prop_assert!(alive),
                        Act::Drive(_) => driving = true,
                        Act::HandOver | Act::Rest => {
                            prop_assert!(alive);
                            driving = false;
                        }
                        Act::GiveUp(_) => prop_assert!(!alive && driving),
                        Act::Leave(code) => {
                            prop_assert!(!alive && (driving || !planned || known_safe), "{code}");
                            prop_assert!(code != 0 || safe || !planned, "not known to be safe");
                            return Ok(());
                        }
                    }
                }
                prop_assert!(alive || driving || !planned, "a room nobody cares for");
            }
        }
    }
}
