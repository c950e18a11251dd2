//! One device: shortest times, longest runs, doses.

use super::moments::Moments;
use super::{DeviceLimits, Fault, Limits};
use crate::record::{By, Entry, What};

const DAY: f64 = 86_400.0;
const HOUR: f64 = 3_600.0;

/// Levels are told to the host as it tells them, but for this.
const ROUNDING: f64 = 1e-6;

/// What may end a run before its shortest time, as the log names it.
/// A host that begins puts what it finds to its safe level: the end of the one before did that.
const MAY_BREAK_MINIMUM_ON: [&str; 7] = [
    "stop",
    "safety",
    "the host ends",
    "guardian",
    "growbox safe",
    "taken out",
    "nobody knew where it was",
];

/// A device's course as the far side saw it.
struct Course {
    /// The entries that tell it.
    on_since: Option<Entry>,
    off_since: Option<Entry>,
    is_on: bool,
    /// Somebody at the device turned it on.
    by_hand: bool,
    /// It cannot be reached.
    away: bool,
    /// Nobody has reached it since.
    lost: bool,
    /// Those that a host ordered.
    starts: Vec<Entry>,
    /// Since when no host runs, where time stands still meanwhile.
    alone: Option<f64>,
    /// For how long that was so while this run lasted.
    alone_for: f64,
}

impl Course {
    /// A host joins.
    fn joined(&mut self, at: f64) {
        let Some(alone) = self.alone.take() else {
            return;
        };
        if let Some(on) = &self.on_since {
            self.alone_for += at - alone.max(on.at);
        }
    }
}

pub(super) fn judge(
    device: &str,
    limit: &DeviceLimits,
    limits: &Limits,
    record: &[Entry],
    moments: &Moments,
    faults: &mut Vec<Fault>,
) {
    let mut course = Course {
        on_since: None,
        off_since: None,
        is_on: false,
        by_hand: false,
        away: false,
        lost: false,
        starts: Vec::new(),
        alone: None,
        alone_for: 0.0,
    };
    let judge = Judge {
        device,
        limit,
        limits,
        moments,
    };
    for entry in record {
        match &entry.what {
            What::Switched(output, level, by) if output == device => {
                judge.level(entry.at, *level, *by, faults);
                judge.switched(&mut course, entry, *level > 0.0, *by, faults);
            }
            // What a hand does meanwhile nobody can see; its own timer was told before it was lost.
            What::Lost => (course.away, course.lost) = (true, true),
            What::Returned => course.away = false,
            What::HungUp if limits.stands_still => course.alone = Some(entry.at),
            What::Joined => {
                course.lost &= course.away;
                course.joined(entry.until);
            }
            _ => {}
        }
    }
    if let Some(last) = record.last() {
        judge.longest(&course, last.at, faults);
    }
    let promise = "doses of a day are bounded";
    judge.often(&course.starts, limit.doses_per_day, DAY, promise, faults);
    let promise = "starts of an hour are bounded";
    judge.often(&course.starts, limit.starts_per_hour, HOUR, promise, faults);
}

struct Judge<'a> {
    device: &'a str,
    limit: &'a DeviceLimits,
    limits: &'a Limits,
    moments: &'a Moments,
}

impl Judge<'_> {
    fn level(&self, at: f64, level: f64, by: By, faults: &mut Vec<Fault>) {
        let Some((low, high)) = self.limit.runs_at.filter(|_| by == By::Order) else {
            return;
        };
        let inside = level >= low - ROUNDING && level <= high + ROUNDING;
        if level != 0.0 && !inside {
            let how = format!(
                "{} at {level}, and it runs from {low} to {high}",
                self.device
            );
            faults.push(Fault::at(at, "levels stay inside the envelope", how));
        }
    }

    fn switched(
        &self,
        course: &mut Course,
        entry: &Entry,
        on: bool,
        by: By,
        faults: &mut Vec<Fault>,
    ) {
        if on == course.is_on {
            return;
        }
        if on {
            self.rested(course, entry, by, faults);
            course.on_since = Some(entry.clone());
            course.alone_for = 0.0;
            course.by_hand = by == By::Hand;
            if by != By::Hand {
                course.starts.push(entry.clone());
            }
        } else {
            self.ran(course, entry, by, faults);
            self.longest(course, entry.at, faults);
            course.on_since = None;
            course.off_since = Some(entry.clone()).filter(|_| !course.lost || by != By::Hand);
        }
        course.is_on = on;
    }

    fn rested(&self, course: &Course, entry: &Entry, by: By, faults: &mut Vec<Fault>) {
        let Some(since) = course.off_since.as_ref().filter(|_| by != By::Hand) else {
            return;
        };
        let rested = entry.until - since.at;
        if rested < self.limit.min_off - self.limits.grain {
            let how = format!(
                "{} rested {rested:.3} of {} s",
                self.device, self.limit.min_off
            );
            faults.push(Fault::at(entry.at, "minimum off is never broken", how));
        }
    }

    fn ran(&self, course: &Course, entry: &Entry, by: By, faults: &mut Vec<Fault>) {
        let Some(since) = course.on_since.as_ref().filter(|_| by != By::Hand) else {
            return;
        };
        let (at, ran) = (entry.at, entry.until - since.at);
        if ran >= self.limit.min_on - self.limits.grain {
            return;
        }
        let slack = self.limits.slack;
        let may = |trigger: &str| {
            MAY_BREAK_MINIMUM_ON
                .iter()
                .any(|word| trigger.contains(word))
        };
        let named = by == By::Order
            && (self.moments.tells(self.device, false, entry, slack, may)
                || self.limits.forgotten > 0.0
                    && self.moments.forgotten(at, self.limits.forgotten));
        if !named {
            let how = format!(
                "{} ran {ran:.3} of {} s, ended by {by:?}, and the log names nobody who may",
                self.device, self.limit.min_on
            );
            faults.push(Fault::at(at, "who breaks minimum on is named", how));
        }
    }

    fn longest(&self, course: &Course, at: f64, faults: &mut Vec<Fault>) {
        // What a hand began in a zone that is only observed is nobody else's to end.
        let began = course.on_since.as_ref().filter(|_| !course.by_hand);
        let (Some(since), Some(most)) = (began, self.limit.max_on) else {
            return;
        };
        let ran = at - since.until - course.alone_for;
        let safety = |trigger: &str| trigger.contains("safety");
        let slack = self.limits.slack;
        if ran > most + slack && !self.moments.tells(self.device, true, since, slack, safety) {
            let how = format!("{} ran {ran:.3} of at most {most} s", self.device);
            faults.push(Fault::at(at, "maximum on binds all but safety", how));
        }
    }

    /// No more starts than these in any stretch of so many seconds.
    fn often(
        &self,
        starts: &[Entry],
        most: Option<usize>,
        stretch: f64,
        promise: &'static str,
        faults: &mut Vec<Fault>,
    ) {
        let Some(most) = most else { return };
        for group in starts.windows(most + 1) {
            let (first, last) = (&group[0], &group[most]);
            let apart = last.until - first.at;
            if apart < stretch - self.limits.slack {
                let how = format!("{} had {} in {apart:.0} s", self.device, most + 1);
                faults.push(Fault::at(last.at, promise, how));
            }
        }
    }
}
