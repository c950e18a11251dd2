//! The watch: when a health check is said, and how often the wall clock has jumped.
//!
//! A check is said every so often in room time, and soon after the overall status has changed:
//! only once the change has stood for a moment, and never so often that it becomes a flood.

use growbox_model::ports::Ports;
use growbox_model::room::ClockForm;
use growbox_model::{Instant, Moment, Span};
use serde_json::{Map, Value, json};

use crate::clock::Machine;
use crate::flow::{Flow, Life};
use crate::health::Status;
use crate::say::Saying;

/// How often the parts are looked at, machine time.
const LOOK: Span = Span::seconds(1);
/// Devices and sensors get so long after the start before a change is said.
const SETTLING: Span = Span::seconds(10);
/// A change that stands for so long is one.
const STANDS: Span = Span::seconds(2);
/// Two checks are never closer, machine time: a clock that runs fast makes no flood.
const APART: Span = Span::seconds(5);
/// Two steps of the machine's clocks that differ by more than this are a jump.
const JUMP: Span = Span::seconds(2);

/// What is remembered from one look to the next.
#[derive(Debug)]
pub(crate) struct Watch {
    started: Moment,
    /// The next look, machine time.
    look: Moment,
    /// The next regular check, room time; none before the first look.
    check: Option<Moment>,
    said: Status,
    said_at: Option<Moment>,
    /// Another status than the one said, and since when.
    other: Option<(Status, Moment)>,
    /// Jumps of the wall clock, and when the newest was, machine time.
    pub jumps: u64,
    pub jumped: Option<Moment>,
    /// The jump that is not said yet.
    unsaid: Option<Jump>,
    said_jump: Option<Moment>,
}

/// A jump of the wall clock; several in a row are one.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Jump {
    /// What the clock would have said.
    expected: Instant,
    /// How far it jumped, in nanoseconds; negative: back.
    offset: i128,
}

impl Watch {
    pub(crate) fn new(started: Moment) -> Self {
        Self {
            started,
            look: started,
            check: None,
            said: Status::Healthy,
            said_at: None,
            other: None,
            jumps: 0,
            jumped: None,
            unsaid: None,
            said_jump: None,
        }
    }

    /// Compares the steps of the machine's two clocks.
    pub(crate) fn note_wall(&mut self, before: Machine, now: Machine) {
        let passed = now.boot.since(before.boot);
        let expected = before.wall.plus(passed);
        let off = now.wall.since(expected).max(expected.since(now.wall));
        if off > JUMP {
            self.jumps += 1;
            self.jumped = Some(now.boot);
            let offset = i128::from(now.wall.0) - i128::from(expected.0);
            let before = self.unsaid.map_or(0, |jump| jump.offset);
            let offset = offset + before;
            self.unsaid = Some(Jump { expected, offset });
        }
    }

    /// The jump to be said now: a clock that jumps all the time makes no flood.
    fn take_jump(&mut self, machine: Moment) -> Option<Jump> {
        let apart = self.said_jump.is_none_or(|at| machine.since(at) >= APART);
        let jump = self.unsaid.take_if(|_| apart)?;
        self.said_jump = Some(machine);
        Some(jump)
    }

    /// Whether a check is to be said now.
    fn is_due(&mut self, overall: Status, every: Span, room: Moment, machine: Moment) -> bool {
        let check = *self.check.get_or_insert(room + every);
        if overall == self.said {
            self.other = None;
        } else if self.other.is_none_or(|(status, _)| status != overall) {
            self.other = Some((overall, machine));
        }
        let apart = self.said_at.is_none_or(|at| machine.since(at) >= APART);
        let settled = machine.since(self.started) >= SETTLING;
        let changed = self
            .other
            .is_some_and(|(_, since)| settled && machine.since(since) >= STANDS);
        let due = apart && (room >= check || changed);
        if due {
            self.said = overall;
            self.said_at = Some(machine);
            self.other = None;
            self.check = Some(room + every);
        }
        due
    }
}

impl Flow {
    /// Under the system clock a jump of the wall's is said, and what bears its label corrected.
    pub(crate) fn tell_jump(&mut self) {
        let Some(jump) = self.watch.take_jump(self.machine.boot) else {
            return;
        };
        if self.room.node.clock != ClockForm::System || self.life != Life::Running {
            return;
        }
        self.gate.relabel(self.clock.now());
        self.relabel_zones();
        let seconds = jump.offset as f64 / Span::seconds(1).0 as f64;
        let data = json!({
            "expected": jump.expected,
            "found": self.machine.wall,
            "offset_seconds": (seconds * 1000.0).round() / 1000.0,
            "trusted": self.machine.wall_trusted,
        });
        self.announce(Saying::host("system.clock.jumped", &data));
    }

    /// Looks at the parts once a second, and says a check when it is time for one.
    pub(crate) fn check_health(&mut self, ports: &mut impl Ports) {
        let machine = self.machine.boot;
        let (Some(every), Some(now)) = (self.room.node.health_every, self.running()) else {
            return;
        };
        if machine < self.watch.look || self.life != Life::Running {
            return;
        }
        self.watch.look = machine + LOOK;
        let parts = self.parts(ports);
        let overall = parts.iter().map(|(_, part)| part.status).max();
        let overall = overall.unwrap_or(Status::Healthy);
        if !self.watch.is_due(overall, every, now.moment, machine) {
            return;
        }
        let status: Map<String, Value> = parts
            .iter()
            .map(|(name, part)| ((*name).to_owned(), json!(part.status.text())))
            .collect();
        let data = json!({
            "overall_status": overall.text(),
            "component_status": status,
            "latency": self.latency_rows(),
            "next_check": now.wall.plus(every),
        });
        self.say(Saying::host("system.health.check", &data));
    }

    /// When the parts are looked at next, machine time; none where no check is ever said.
    pub(crate) fn next_health_look(&self) -> Option<Moment> {
        let running = self.room.node.health_every.is_some() && self.running().is_some();
        running.then_some(self.watch.look)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const EVERY: Span = Span::seconds(60);

    fn at(seconds: u64) -> Moment {
        Moment(0) + Span::seconds(seconds)
    }

    /// Seconds at which a check is said, looked at each second, room time as machine time.
    fn said(status: impl Fn(u64) -> Status, seconds: u64) -> Vec<u64> {
        let mut watch = Watch::new(at(0));
        let due = |second: &u64| watch.is_due(status(*second), EVERY, at(*second), at(*second));
        (0..seconds).filter(due).collect()
    }

    #[test]
    fn a_check_comes_every_minute() {
        assert_eq!(said(|_| Status::Healthy, 200), [60, 120, 180]);
    }

    #[test]
    fn a_change_is_said_once_it_stands() {
        let fails = |second| {
            if (30..40).contains(&second) {
                Status::Critical
            } else {
                Status::Healthy
            }
        };
        assert_eq!(said(fails, 60), [32, 42]);
        let blinks = |second| {
            if second == 30 {
                Status::Critical
            } else {
                Status::Healthy
            }
        };
        assert_eq!(said(blinks, 60), [0_u64; 0]);
    }

    #[test]
    fn a_start_has_time_to_settle() {
        let starts = |second| {
            if second < 8 {
                Status::Degraded
            } else {
                Status::Healthy
            }
        };
        assert_eq!(said(starts, 60), [0_u64; 0]);
        assert_eq!(said(|_| Status::Degraded, 60), [10]);
    }

    #[test]
    fn a_fast_clock_makes_no_flood() {
        let mut watch = Watch::new(at(0));
        let due =
            |second: &u64| watch.is_due(Status::Healthy, EVERY, at(*second * 600), at(*second));
        assert_eq!((0..20).filter(due).collect::<Vec<u64>>(), [1, 6, 11, 16]);
    }

    #[test]
    fn a_step_of_the_wall_clock_is_a_jump() {
        let machine = |boot, wall| Machine {
            boot: at(boot),
            wall: Instant(0).plus(Span::seconds(wall)),
            wall_trusted: true,
        };
        let mut watch = Watch::new(at(0));
        watch.note_wall(machine(0, 1_000), machine(60, 1_061));
        assert_eq!(watch.jumps, 0);
        watch.note_wall(machine(60, 1_061), machine(61, 900));
        watch.note_wall(machine(61, 900), machine(62, 4_500));
        assert_eq!((watch.jumps, watch.jumped), (2, Some(at(62))));
        let seconds = |watch: &mut Watch, then| {
            let jump = watch.take_jump(at(then));
            jump.map(|jump| jump.offset / i128::from(Span::seconds(1).0))
        };
        assert_eq!(
            seconds(&mut watch, 62),
            Some(3_437),
            "there and back is one"
        );
        watch.note_wall(machine(62, 4_500), machine(63, 4_601));
        assert_eq!(seconds(&mut watch, 63), None, "it makes no flood");
        assert_eq!(seconds(&mut watch, 67), Some(100));
        assert_eq!(seconds(&mut watch, 90), None);
    }

    proptest! {
        #[test]
        fn however_it_flaps_checks_are_apart(flaps in prop::collection::vec(0_u8..3, 300)) {
            let status = |second: u64| match flaps[second as usize] {
                0 => Status::Healthy,
                1 => Status::Degraded,
                _ => Status::Critical,
            };
            let said = said(status, 300);
            prop_assert!(said.windows(2).all(|pair| pair[1] - pair[0] >= 5));
            let regular = [0].iter().chain(&said).copied().collect::<Vec<u64>>();
            prop_assert!(regular.windows(2).all(|pair| pair[1] - pair[0] <= 60));
        }
    }
}
