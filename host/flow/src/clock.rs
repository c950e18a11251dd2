//! The room clock in its three forms.
//!
//! `system` follows the machine, `scaled` runs ahead of it by a factor, `events` stands still
//! until an event or a deadline before it moves it on.

use growbox_model::commit::Restored;
use growbox_model::room::ClockForm;
use growbox_model::{Instant, Moment, Now, Span};

/// What the machine's clocks say: the monotonic one (suspend included) and the wall.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Machine {
    /// CLOCK_BOOTTIME.
    pub boot: Moment,
    /// Wall clock.
    pub wall: Instant,
    /// Whether the wall clock can be believed.
    pub wall_trusted: bool,
}

/// Room time, and what moves it.
#[derive(Debug, Clone)]
pub struct RoomClock {
    form: ClockForm,
    now: Now,
    founded: bool,
    origin: Origin,
}

/// Where the running forms count from.
#[derive(Debug, Clone, Copy)]
struct Origin {
    boot: Moment,
    now: Now,
}

impl RoomClock {
    /// The clock as it goes on after what the log knew.
    pub fn restored(form: ClockForm, known: &Restored, machine: Machine) -> Self {
        let no_event = known.last_seq.0 == 0;
        let now = if no_event && (form == ClockForm::Events || known.moment == Moment(0)) {
            Self::first(form, known, machine)
        } else {
            Self::resumed(form, known, machine)
        };
        let founded = !(no_event && form == ClockForm::Events);
        Self {
            form,
            now,
            founded,
            origin: Origin {
                boot: machine.boot,
                now,
            },
        }
    }

    fn first(form: ClockForm, known: &Restored, machine: Machine) -> Now {
        let wall_trusted = machine.wall_trusted || form == ClockForm::Events;
        Now {
            moment: known.moment + Span(1),
            wall: machine.wall,
            wall_trusted,
        }
    }

    fn resumed(form: ClockForm, known: &Restored, machine: Machine) -> Now {
        let away = machine.wall.since(known.wall);
        match form {
            ClockForm::Events => Now {
                moment: known.moment + Span(1),
                wall: known.newest_at,
                wall_trusted: true,
            },
            ClockForm::System | ClockForm::Scaled(_) => {
                let trusted_gap = machine.wall_trusted && away > Span::ZERO;
                let wall = match form {
                    ClockForm::System => machine.wall,
                    _ => machine.wall.max(known.wall.plus(Span(1))),
                };
                let gap = if trusted_gap { away } else { Span(1) };
                // A wall clock that was set meanwhile lets nothing rest that has not rested.
                let rested = known.ended.map(|ended| machine.boot.since(ended));
                let gap = rested.map_or(gap, |rested| gap.min(rested.max(Span(1))));
                Now {
                    moment: known.moment + gap,
                    wall,
                    wall_trusted: machine.wall_trusted,
                }
            }
        }
    }

    /// Reads the machine: moves the running forms, leaves `events` where it is.
    pub fn read(&mut self, machine: Machine) {
        let passed = machine.boot.since(self.origin.boot);
        match self.form {
            ClockForm::Events => {}
            ClockForm::System => {
                let moment = (self.origin.now.moment + passed).max(self.now.moment);
                self.now = Now {
                    moment,
                    wall: machine.wall,
                    wall_trusted: machine.wall_trusted,
                };
            }
            ClockForm::Scaled(speed) => {
                let passed = Span((passed.0 as f64 * speed) as u64);
                let moment = self.origin.now.moment + passed;
                let wall = self.origin.now.wall.plus(passed);
                self.now = Now {
                    moment,
                    wall,
                    wall_trusted: true,
                };
            }
        }
    }

    /// Under `events`: an event at `at` founds the clock or moves it on; an older one moves nothing.
    pub fn reach(&mut self, at: Instant) {
        if !self.founded {
            self.founded = true;
            self.now.wall = at;
        }
        let ahead = at.since(self.now.wall);
        self.now.wall = self.now.wall.plus(ahead);
        self.now.moment = self.now.moment + ahead;
    }

    /// Under `events`: a deadline before the next event has its own instant.
    pub fn pass_to(&mut self, moment: Moment) {
        let ahead = moment.since(self.now.moment);
        self.now.moment = self.now.moment + ahead;
        self.now.wall = self.now.wall.plus(ahead);
    }

    /// What it says.
    pub fn now(&self) -> Now {
        self.now
    }

    /// What it says, once an event or the machine has founded it.
    pub fn founded(&self) -> Option<Now> {
        self.founded.then_some(self.now)
    }

    /// Whether time comes from the events.
    pub fn by_events(&self) -> bool {
        self.form == ClockForm::Events
    }

    /// The machine time at which a running clock will say `moment`.
    pub fn machine_time_of(&self, moment: Moment) -> Option<Moment> {
        let speed = match self.form {
            ClockForm::Events => return None,
            ClockForm::System => 1.0,
            ClockForm::Scaled(speed) => speed,
        };
        let ahead = moment.since(self.origin.now.moment);
        Some(self.origin.boot + Span((ahead.0 as f64 / speed).ceil() as u64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use growbox_model::Seq;

    fn machine(boot: u64, wall: u64) -> Machine {
        Machine {
            boot: Moment(boot),
            wall: Instant(wall),
            wall_trusted: true,
        }
    }

    #[test]
    fn system_time_never_goes_back() {
        let mut clock =
            RoomClock::restored(ClockForm::System, &Restored::default(), machine(100, 5_000));
        clock.read(machine(150, 1_000));
        assert_eq!(
            (clock.now().moment, clock.now().wall),
            (Moment(51), Instant(1_000))
        );
        let known = Restored {
            moment: Moment(500),
            wall: Instant(2_000),
            last_seq: Seq(3),
            ..Restored::default()
        };
        let resumed = RoomClock::restored(ClockForm::System, &known, machine(0, 2_300));
        assert_eq!(resumed.now().moment, Moment(800), "the wall difference");
        let set_meanwhile = Restored {
            ended: Some(Moment(10)),
            ..known.clone()
        };
        let resumed = RoomClock::restored(ClockForm::System, &set_meanwhile, machine(15, 90_000));
        assert_eq!(
            resumed.now().moment,
            Moment(505),
            "no longer than it was away"
        );
        let stepped_back = RoomClock::restored(ClockForm::System, &known, machine(0, 1_000));
        assert_eq!(stepped_back.now().moment, Moment(501));
    }

    #[test]
    fn scaled_time_runs_ahead() {
        let mut clock = RoomClock::restored(
            ClockForm::Scaled(60.0),
            &Restored::default(),
            machine(0, 1_000),
        );
        clock.read(machine(10, 9));
        assert_eq!(
            (clock.now().moment, clock.now().wall),
            (Moment(601), Instant(1_600))
        );
        assert_eq!(clock.machine_time_of(Moment(601)), Some(Moment(10)));
    }

    #[test]
    fn the_first_event_founds_the_events_clock() {
        let mut clock =
            RoomClock::restored(ClockForm::Events, &Restored::default(), machine(0, 9_000));
        assert_eq!(clock.founded(), None);
        clock.reach(Instant(4_000));
        assert_eq!(
            (clock.now().moment, clock.now().wall),
            (Moment(1), Instant(4_000))
        );
        clock.reach(Instant(3_000));
        assert_eq!(
            clock.now().wall,
            Instant(4_000),
            "an older one moves nothing"
        );
        clock.pass_to(Moment(31));
        assert_eq!(clock.now().wall, Instant(4_030));
        clock.read(machine(5, 10_000));
        assert_eq!(clock.now().wall, Instant(4_030));
    }

    #[test]
    fn a_log_without_an_event_has_not_founded_the_events_clock() {
        let known = Restored {
            moment: Moment(5),
            wall: Instant(9_000),
            ..Restored::default()
        };
        let mut clock = RoomClock::restored(ClockForm::Events, &known, machine(0, 9_500));
        assert_eq!(clock.founded(), None);
        clock.reach(Instant(4_000));
        assert_eq!(
            (clock.now().moment, clock.now().wall),
            (Moment(6), Instant(4_000))
        );
    }
}
