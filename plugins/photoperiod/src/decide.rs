//! How bright it should be: a pure function of where in its day a zone is.

use growbox_sdk::{Moment, Span};
use serde::{Deserialize, Serialize};

/// A ramp goes up and down in steps of so much: a lamp need not follow every tick.
const STEP: f64 = 0.1;

/// Where in its day of light a zone is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Phase {
    /// It is day.
    Day {
        /// Since its start; none where that is not known.
        elapsed: Option<Span>,
        /// Until its end; none where that is not known.
        left: Option<Span>,
        /// Whether the host says so now. Else the clock is not set, and the day that was running
        /// when it last was is held until it would have ended.
        known: bool,
    },
    /// It is night. `known` as above.
    Night {
        /// Whether the host says so now.
        known: bool,
    },
}

/// What the host says of day and night.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Told {
    /// Whether it is day; none where nobody knows.
    pub(crate) day: Option<bool>,
    /// Whether the wall clock can be believed.
    pub(crate) clock_set: bool,
    /// Since the start of the running day.
    pub(crate) elapsed: Option<Span>,
    /// Until its end.
    pub(crate) left: Option<Span>,
}

/// The last thing the host was sure of.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Held {
    /// When the day ends, in room time; none while it is night.
    ends: Option<Moment>,
}

/// The phase of a zone, and what is to be remembered of it. None: nobody knows, and nobody did.
pub(crate) fn phase(told: Told, held: &mut Option<Held>, now: Moment) -> Option<Phase> {
    match told.day {
        Some(true) => {
            *held = told.left.map(|left| Held {
                ends: Some(now + left),
            });
            Some(Phase::Day {
                elapsed: told.elapsed,
                left: told.left,
                known: true,
            })
        }
        Some(false) => {
            *held = Some(Held { ends: None });
            Some(Phase::Night { known: true })
        }
        None if told.clock_set => {
            *held = None;
            None
        }
        None => held.as_ref().map(|held| hold(*held, now)),
    }
}

/// Room time goes on where the wall clock cannot be believed: the day ends as it would have, and
/// no other one begins.
fn hold(held: Held, now: Moment) -> Phase {
    match held.ends.map(|ends| ends.since(now)) {
        Some(left) if left > Span::ZERO => Phase::Day {
            elapsed: None,
            left: Some(left),
            known: false,
        },
        _ => Phase::Night { known: false },
    }
}

/// How long sunrise and sunset take, and how bright it is between them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Course {
    /// From dark to full.
    pub(crate) sunrise: Span,
    /// From full to dark.
    pub(crate) sunset: Span,
    /// Full, 0 to 1.
    pub(crate) full: f64,
}

impl Course {
    /// The level of a lamp that can be dimmed. Never dark by day.
    pub(crate) fn level(self, phase: Phase) -> f64 {
        let Phase::Day { elapsed, left, .. } = phase else {
            return 0.0;
        };
        let share = part(elapsed, self.sunrise).min(part(left, self.sunset));
        let steps = (share / STEP).floor().max(1.0);
        (steps * STEP).min(1.0) * self.full
    }

    /// The ramp that is going on.
    pub(crate) fn ramp(self, phase: Phase) -> Option<&'static str> {
        let Phase::Day { elapsed, left, .. } = phase else {
            return None;
        };
        if part(elapsed, self.sunrise) < 1.0 {
            Some("sunrise")
        } else if part(left, self.sunset) < 1.0 {
            Some("sunset")
        } else {
            None
        }
    }
}

/// How much of a ramp lies behind: 1 where there is none, or where nobody knows.
fn part(done: Option<Span>, whole: Span) -> f64 {
    match done {
        Some(done) if done < whole => done.as_seconds() / whole.as_seconds(),
        _ => 1.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use growbox_sdk::{hours, minutes};

    const COURSE: Course = Course {
        sunrise: minutes(30),
        sunset: minutes(60),
        full: 0.8,
    };

    fn day(elapsed: Span, left: Span) -> Phase {
        Phase::Day {
            elapsed: Some(elapsed),
            left: Some(left),
            known: true,
        }
    }

    fn told(day: Option<bool>, clock_set: bool, left: Span) -> Told {
        Told {
            day,
            clock_set,
            elapsed: Some(hours(1)),
            left: Some(left),
        }
    }

    #[test]
    fn light_rises_stays_and_sets() {
        let level = |elapsed, left| COURSE.level(day(elapsed, left));
        let near = |a: f64, b: f64| (a - b).abs() < 1e-9;
        assert!(near(level(Span::ZERO, hours(18)), 0.08), "never dark");
        assert!(near(level(minutes(15), hours(18)), 0.4));
        assert!(near(level(minutes(30), hours(17)), 0.8));
        assert!(near(level(hours(17), minutes(30)), 0.4));
        assert!(near(COURSE.level(Phase::Night { known: true }), 0.0));
        assert_eq!(COURSE.ramp(day(minutes(5), hours(9))), Some("sunrise"));
        assert_eq!(COURSE.ramp(day(hours(9), minutes(5))), Some("sunset"));
        assert_eq!(COURSE.ramp(day(hours(9), hours(9))), None);
    }

    #[test]
    fn a_level_never_falls_in_the_morning_nor_rises_in_the_evening() {
        let whole = hours(18);
        let levels: Vec<f64> = (0..18 * 60)
            .map(|minute| {
                let elapsed = minutes(minute);
                let left = Moment::default() + whole - (Moment::default() + elapsed);
                COURSE.level(day(elapsed, left))
            })
            .collect();
        let noon = levels.len() / 2;
        assert!(levels[..noon].windows(2).all(|pair| pair[0] <= pair[1]));
        assert!(levels[noon..].windows(2).all(|pair| pair[0] >= pair[1]));
        assert!(
            levels
                .iter()
                .all(|level| (0.08 - 1e-9..=0.8).contains(level))
        );
    }

    #[test]
    fn without_a_clock_the_running_day_ends_and_no_other_begins() {
        let mut held = None;
        let at = |minute: u64| Moment::default() + minutes(minute);
        phase(told(Some(true), true, hours(2)), &mut held, at(0));
        let unset = told(None, false, Span::ZERO);
        let lit = phase(unset, &mut held, at(119));
        assert_eq!(
            lit,
            Some(Phase::Day {
                elapsed: None,
                left: Some(minutes(1)),
                known: false
            })
        );
        let dark = Some(Phase::Night { known: false });
        assert_eq!(phase(unset, &mut held, at(120)), dark);
        assert_eq!(phase(unset, &mut held, at(9000)), dark);
        phase(told(Some(false), true, hours(2)), &mut held, at(9001));
        assert_eq!(phase(unset, &mut held, at(9002)), dark);
    }

    #[test]
    fn who_never_knew_asks_nothing() {
        let mut held = None;
        let now = Moment::default();
        assert_eq!(phase(told(None, false, hours(1)), &mut held, now), None);
        phase(told(Some(true), true, hours(1)), &mut held, now);
        assert_eq!(phase(told(None, true, hours(1)), &mut held, now), None);
        assert_eq!(held, None, "its lights_on was taken away");
    }
}
