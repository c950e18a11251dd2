//! A device's course: where it is, where it is heading, and when it last crossed zero.

use growbox_model::{Moment, Span};

/// Levels a driver reports within this of what was ordered are the ordered ones: outputs round.
pub(crate) const ROUNDING: f64 = 0.005;

/// By then a driver has confirmed an order, or said that it failed: it takes at most five seconds
/// to tell it, and five until it is confirmed.
const ANSWERED: Span = Span::seconds(11);

/// After its longest run a device rests at least this, whatever its minimum off.
const SHORTEST_REST: Span = Span::seconds(1);

/// Where a device is and what protection remembers of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Course {
    /// Where it is, as far as anybody knows.
    pub(crate) level: Option<f64>,
    /// Since when.
    pub(crate) since: Moment,
    /// Where it was ordered to and has not confirmed to be yet.
    pub(crate) heading: Option<f64>,
    /// When its level was last ordered to change.
    pub(crate) moved: Option<Moment>,
    /// When it last left zero.
    pub(crate) last_on: Option<Moment>,
    /// When it was last seen to have left zero, or told once more or lost before that was seen: its
    /// shortest run counts from here, its longest from when it was told to.
    pub(crate) seen_on: Option<Moment>,
    /// Since when it may have run without an end, where that is longer than since it was last told
    /// to: nobody has seen it off meanwhile.
    pub(crate) run: Option<Moment>,
    /// When it last went to zero.
    pub(crate) last_off: Option<Moment>,
    /// When it last had to stop because it had run its longest time.
    pub(crate) run_out: Option<Moment>,
}

impl Course {
    /// At a known level, free to change.
    pub(crate) fn at(level: f64, now: Moment) -> Self {
        Self {
            level: Some(level),
            ..Self::unknown(now)
        }
    }

    /// Nobody knows where, and nothing is remembered.
    pub(crate) fn unknown(now: Moment) -> Self {
        Self {
            level: None,
            since: now,
            heading: None,
            moved: None,
            last_on: None,
            seen_on: None,
            run: None,
            last_off: None,
            run_out: None,
        }
    }

    /// Where it is or is about to be.
    pub(crate) fn position(&self) -> Option<f64> {
        self.heading.or(self.level)
    }

    /// Whether it is known to have come to where it is or is about to be.
    pub(crate) fn is_confirmed(&self) -> bool {
        self.level.is_some() && self.position() == self.level
    }

    /// Whether it is known to be on.
    pub(crate) fn is_on(&self) -> bool {
        self.position().is_some_and(|level| level > 0.0)
    }

    /// Notes that it leaves for `level`; crossing zero is a switch.
    pub(crate) fn leave_for(&mut self, level: f64, now: Moment) {
        self.moved = Some(now);
        match self.position() {
            Some(old) if (old > 0.0) == (level > 0.0) => {}
            _ if level > 0.0 => (self.run, self.last_on) = (self.runs_on_since(), Some(now)),
            _ => (self.run, self.last_off) = (self.runs_on_since(), Some(now)),
        }
    }

    /// Since when it may have run, where it is not seen to be off.
    fn runs_on_since(&self) -> Option<Moment> {
        let seen_off = self.level == Some(0.0);
        self.run.or(self.last_on).filter(|_| !seen_off)
    }

    /// Notes that it has come to `level`.
    pub(crate) fn reach(&mut self, level: f64, now: Moment) {
        (self.level, self.since) = (Some(level), now);
        if level == 0.0 {
            self.run = None;
        }
    }

    /// Notes that it was found at `level`, which it may have come to this very moment. A run that
    /// nobody saw end goes on.
    pub(crate) fn found(&mut self, level: f64, now: Moment) {
        let unknown = self.position().is_none();
        match self.last_on {
            Some(_) if unknown && level > 0.0 => {}
            _ => self.leave_for(level, now),
        }
    }

    /// Nobody knows where it is any more: it may have switched this very moment, either way. A
    /// longest run that may be going on goes on.
    pub(crate) fn lose(&mut self, now: Moment) {
        if self.leaves_zero() {
            self.seen_on = Some(now);
        }
        if !self.is_on() || self.last_on.is_none() {
            (self.run, self.last_on) = (self.runs_on_since(), Some(now));
        }
        self.last_off = Some(now);
        self.level = None;
        self.heading = None;
        self.since = now;
    }

    /// Whether it ran, was told to go to zero, and nobody has seen that it did.
    pub(crate) fn goes_to_zero(&self) -> bool {
        self.heading == Some(0.0) && self.level.is_some_and(|level| level > 0.0)
    }

    /// Whether it rested, was told to leave zero, and nobody has seen that it did.
    pub(crate) fn leaves_zero(&self) -> bool {
        self.heading.is_some_and(|level| level > 0.0) && self.level.is_none_or(|level| level == 0.0)
    }

    /// When minimum on lets it go to zero. Until it is seen to have left zero, not before its driver
    /// has answered.
    pub(crate) fn may_stop(&self, min_on: Span) -> Option<Moment> {
        let shortest = if self.leaves_zero() && min_on > Span::ZERO {
            min_on.max(ANSWERED)
        } else {
            min_on
        };
        self.last_on.max(self.seen_on).map(|on| on + shortest)
    }

    /// When minimum off lets it leave zero.
    pub(crate) fn may_start(&self, min_off: Span) -> Option<Moment> {
        let rest = if self.rests_after_run() {
            min_off.max(SHORTEST_REST)
        } else {
            min_off
        };
        self.last_off.map(|off| off + rest)
    }

    /// Whether it last went off because it had run its longest time.
    pub(crate) fn rests_after_run(&self) -> bool {
        self.run_out.is_some() && self.run_out == self.last_off
    }

    /// When its longest run is over, while it is not known to be off.
    pub(crate) fn must_stop(&self, max_on: Option<Span>) -> Option<Moment> {
        if self.position() == Some(0.0) {
            return None;
        }
        Some(self.run.or(self.last_on)? + max_on?)
    }

    /// From when on it may overrun its longest run, though it was told off: nobody has seen it off.
    pub(crate) fn overruns_from(&self, max_on: Option<Span>) -> Option<Moment> {
        let told_off = self.heading == Some(0.0);
        Some(self.runs_on_since().filter(|_| told_off)? + max_on?)
    }

    /// Whether a wish of this age still counts: what ran its longest time must be wished anew.
    pub(crate) fn counts(&self, asked: Moment) -> bool {
        self.run_out.is_none_or(|end| asked > end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(seconds: u64) -> Moment {
        Moment(Span::seconds(seconds).0)
    }

    #[test]
    fn only_crossing_zero_is_a_switch() {
        let mut course = Course::at(0.3, at(0));
        course.leave_for(0.9, at(1));
        assert_eq!((course.last_on, course.last_off), (None, None));
        course.leave_for(0.0, at(2));
        assert_eq!((course.last_on, course.last_off), (None, Some(at(2))));
    }

    #[test]
    fn a_lost_device_counts_as_just_switched_but_its_run_goes_on() {
        let mut course = Course::at(1.0, at(0));
        course.last_on = Some(at(5));
        course.lose(at(9));
        assert_eq!(course.level, None);
        assert_eq!(course.may_start(Span::seconds(10)), Some(at(19)));
        assert_eq!(course.must_stop(Some(Span::seconds(10))), Some(at(15)));
    }

    #[test]
    fn who_is_lost_twice_may_have_run_since_the_first_time() {
        let mut course = Course::at(1.0, at(0));
        course.last_on = Some(at(5));
        course.lose(at(9));
        course.lose(at(12));
        assert_eq!(course.must_stop(Some(Span::seconds(10))), Some(at(15)));
        assert_eq!(course.may_start(Span::seconds(10)), Some(at(22)));
    }

    #[test]
    fn who_was_told_off_and_not_seen_off_runs_on() {
        let mut course = Course::at(0.0, at(0));
        course.leave_for(1.0, at(5));
        course.reach(1.0, at(5));
        for failed in [9, 12] {
            course.leave_for(0.0, at(failed));
            course.heading = Some(0.0);
            course.lose(at(failed));
        }
        course.leave_for(1.0, at(13));
        assert_eq!(course.must_stop(Some(Span::seconds(10))), Some(at(15)));
        course.reach(0.0, at(14));
        course.leave_for(1.0, at(20));
        course.heading = Some(1.0);
        assert_eq!(course.must_stop(Some(Span::seconds(10))), Some(at(30)));
    }

    #[test]
    fn a_run_that_ended_by_itself_rests() {
        let mut course = Course::at(0.0, at(0));
        course.last_off = Some(at(3));
        assert_eq!(course.may_start(Span::ZERO), Some(at(3)));
        course.run_out = Some(at(3));
        assert_eq!(course.may_start(Span::ZERO), Some(at(4)));
        assert!(!course.counts(at(3)));
        assert!(course.counts(at(4)));
    }
}
