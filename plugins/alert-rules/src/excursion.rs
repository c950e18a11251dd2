//! Dwell times: from the first reading outside to the alert, and from it back to quiet.
//!
//! Time is event time, `at`. A reading that is older than one already seen changes nothing.

use growbox_sdk::Span;
use serde::{Deserialize, Serialize};

/// On which side of a condition something lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Position {
    /// The condition holds.
    Outside,
    /// It does not, but not by the hysteresis that clears a raised alert.
    Near,
    /// It does not.
    Inside,
}

/// What began something: when, in ns since the Unix epoch, and by which event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct First {
    pub(crate) at: u64,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) seq: Option<u64>,
}

/// How long it takes to raise and to clear.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Patience {
    /// Raised when it has been outside for longer; no time at all: at once.
    pub(crate) dwell: Span,
    /// Cleared when it has been inside for so long; no time at all: at once.
    pub(crate) clear_dwell: Span,
}

/// What a reading changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// Nothing.
    Stays,
    /// An alert is due, since then. Said again with every reading until one stands.
    Raise(First),
    /// The alert that stands is over.
    Clear,
}

/// How long something has been outside, and inside again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Excursion {
    /// The newest reading.
    last: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    outside: Option<First>,
    #[serde(skip_serializing_if = "Option::is_none")]
    inside: Option<u64>,
}

impl Excursion {
    /// Takes what a reading at `at` shows. `first`: what began it, should it begin now.
    /// `stands`: whether its alert stands.
    pub(crate) fn step(
        &mut self,
        position: Position,
        at: u64,
        first: First,
        patience: Patience,
        stands: bool,
    ) -> Turn {
        if at < self.last {
            return Turn::Stays;
        }
        self.last = at;
        if stands {
            self.step_raised(position, at, patience.clear_dwell)
        } else {
            self.step_quiet(position, at, first, patience.dwell)
        }
    }

    /// The newest reading it was shown.
    pub(crate) fn last(&self) -> u64 {
        self.last
    }

    fn step_quiet(&mut self, position: Position, at: u64, first: First, dwell: Span) -> Turn {
        self.inside = None;
        if position != Position::Outside {
            self.outside = None;
            return Turn::Stays;
        }
        let first = *self.outside.get_or_insert(first);
        let held = between(first.at, at);
        if held > dwell || dwell == Span::ZERO {
            Turn::Raise(first)
        } else {
            Turn::Stays
        }
    }

    fn step_raised(&mut self, position: Position, at: u64, clear_dwell: Span) -> Turn {
        if position != Position::Inside {
            self.inside = None;
            return Turn::Stays;
        }
        let since = *self.inside.get_or_insert(at);
        if between(since, at) < clear_dwell {
            return Turn::Stays;
        }
        self.outside = None;
        self.inside = None;
        Turn::Clear
    }
}

/// The time from one instant to a later one.
pub(crate) fn between(earlier: u64, later: u64) -> Span {
    Span::from_nanoseconds(later.saturating_sub(earlier))
}

#[cfg(test)]
mod tests {
    use super::*;
    use Position::{Inside, Near, Outside};
    use growbox_sdk::{minutes, seconds};
    use proptest::prelude::*;

    const PATIENT: Patience = Patience {
        dwell: seconds(900),
        clear_dwell: minutes(5),
    };

    fn at(second: u64) -> u64 {
        second * 1_000_000_000
    }

    fn step(excursion: &mut Excursion, position: Position, second: u64, stands: bool) -> Turn {
        let first = First {
            at: at(second),
            seq: Some(second),
        };
        excursion.step(position, at(second), first, PATIENT, stands)
    }

    #[test]
    fn it_is_due_when_the_dwell_is_exceeded_and_not_before() {
        let mut excursion = Excursion::default();
        let first = First {
            at: at(10),
            seq: Some(10),
        };
        assert_eq!(step(&mut excursion, Outside, 10, false), Turn::Stays);
        assert_eq!(step(&mut excursion, Outside, 910, false), Turn::Stays);
        assert_eq!(
            step(&mut excursion, Outside, 911, false),
            Turn::Raise(first)
        );
        let again = step(&mut excursion, Outside, 912, false);
        assert_eq!(again, Turn::Raise(first), "due until one stands");
    }

    #[test]
    fn the_first_one_inside_ends_a_dwell() {
        for back in [Inside, Near] {
            let mut excursion = Excursion::default();
            step(&mut excursion, Outside, 0, false);
            step(&mut excursion, back, 880, false);
            step(&mut excursion, Outside, 890, false);
            assert_eq!(step(&mut excursion, Outside, 1000, false), Turn::Stays);
        }
    }

    #[test]
    fn what_stands_is_cleared_after_a_dwell_inside() {
        let mut excursion = Excursion::default();
        assert_eq!(step(&mut excursion, Inside, 0, true), Turn::Stays);
        assert_eq!(step(&mut excursion, Near, 200, true), Turn::Stays);
        assert_eq!(step(&mut excursion, Inside, 400, true), Turn::Stays);
        assert_eq!(step(&mut excursion, Inside, 699, true), Turn::Stays);
        assert_eq!(step(&mut excursion, Inside, 700, true), Turn::Clear);
    }

    #[test]
    fn without_dwell_it_turns_at_once() {
        let mut excursion = Excursion::default();
        let first = First { at: 5, seq: None };
        let none = Patience::default();
        let raise = excursion.step(Outside, 5, first, none, false);
        assert_eq!(raise, Turn::Raise(first));
        assert_eq!(excursion.step(Inside, 5, first, none, true), Turn::Clear);
    }

    #[test]
    fn what_is_older_changes_nothing() {
        let mut excursion = Excursion::default();
        step(&mut excursion, Outside, 1000, false);
        let before = excursion.clone();
        assert_eq!(step(&mut excursion, Inside, 999, false), Turn::Stays);
        assert_eq!(excursion, before);
    }

    proptest! {
        /// Told of its own turns, it raises and clears by turns; and what it raises has been
        /// outside without a break for longer than the dwell.
        #[test]
        fn raised_and_cleared_alternate(steps in prop::collection::vec((0..3_u8, 0..600_u64), 0..200)) {
            let mut excursion = Excursion::default();
            let (mut now, mut stands, mut outside_since) = (0, false, None);
            for (position, later) in steps {
                now += later;
                let position = [Outside, Near, Inside][usize::from(position)];
                if position == Outside {
                    outside_since.get_or_insert(now);
                } else {
                    outside_since = None;
                }
                match step(&mut excursion, position, now, stands) {
                    Turn::Raise(first) => {
                        prop_assert!(!stands);
                        let since = outside_since.expect("is outside");
                        prop_assert!(now - since > 900);
                        prop_assert_eq!(first.at, at(since));
                        stands = true;
                    }
                    Turn::Clear => {
                        prop_assert!(stands && position == Inside);
                        stands = false;
                    }
                    Turn::Stays => {
                        let due = outside_since.is_some_and(|since| now - since > 900);
                        prop_assert!(stands || !due, "what is due is said");
                    }
                }
            }
        }
    }
}
