//! One device: shortest times, longest runs, doses.

use super::moments::Moments;
use super::{DeviceLimits, Fault, Limits};
use crate::outside::{By, Entry, What};

const DAY: f64 = 86_400.0;

/// What may end a run before its shortest time, as the log names it.
/// A host that begins puts what it finds to its safe level: the end of the one before did that.
const MAY_BREAK_MINIMUM_ON: [&str; 6] = [
    "stop",
    "safety",
    "the host ends",
    "guardian",
    "taken out",
    "nobody knew where it was",
];

/// A device's course as the far side saw it.
struct Course {
    on_since: Option<f64>,
    off_since: Option<f64>,
    is_on: bool,
    /// It cannot be reached.
    away: bool,
    /// Nobody has reached it since.
    lost: bool,
    starts: Vec<f64>,
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
        away: false,
        lost: false,
        starts: Vec::new(),
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
                judge.switched(&mut course, entry.at, *level > 0.0, *by, faults);
            }
            // From its return it is judged anew: nobody could see that it went off meanwhile. A run
            // that began before is one run all the same.
            What::Lost => {
                (course.away, course.lost) = (true, true);
                course.off_since = None;
            }
            What::Returned => course.away = false,
            What::Joined if course.lost && !course.away => {
                course.lost = false;
            }
            _ => {}
        }
    }
    if let Some(last) = record.last() {
        judge.longest(&course, last.at, faults);
    }
    judge.doses(&course.starts, faults);
}

struct Judge<'a> {
    device: &'a str,
    limit: &'a DeviceLimits,
    limits: &'a Limits,
    moments: &'a Moments,
}

impl Judge<'_> {
    fn switched(&self, course: &mut Course, at: f64, on: bool, by: By, faults: &mut Vec<Fault>) {
        if on == course.is_on {
            return;
        }
        if on {
            self.rested(course, at, by, faults);
            course.on_since = Some(at);
            course.starts.push(at);
        } else {
            self.ran(course, at, by, faults);
            self.longest(course, at, faults);
            course.on_since = None;
            course.off_since = Some(at).filter(|_| !course.lost);
        }
        course.is_on = on;
    }

    fn rested(&self, course: &Course, at: f64, by: By, faults: &mut Vec<Fault>) {
        let Some(since) = course.off_since.filter(|_| by != By::Hand) else {
            return;
        };
        let rested = at - since;
        if rested < self.limit.min_off - self.limits.grain {
            let how = format!(
                "{} rested {rested:.3} of {} s",
                self.device, self.limit.min_off
            );
            faults.push(Fault::at(at, "minimum off is never broken", how));
        }
    }

    fn ran(&self, course: &Course, at: f64, by: By, faults: &mut Vec<Fault>) {
        let Some(since) = course.on_since.filter(|_| by != By::Hand) else {
            return;
        };
        let ran = at - since;
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
            && (self.moments.tells(self.device, false, at, slack, may)
                || self.moments.forgotten(at, self.limits.forgotten));
        if !named {
            let how = format!(
                "{} ran {ran:.3} of {} s, ended by {by:?}, and the log names nobody who may",
                self.device, self.limit.min_on
            );
            faults.push(Fault::at(at, "who breaks minimum on is named", how));
        }
    }

    fn longest(&self, course: &Course, at: f64, faults: &mut Vec<Fault>) {
        let (Some(since), Some(most)) = (course.on_since, self.limit.max_on) else {
            return;
        };
        let ran = at - since;
        let safety = |trigger: &str| trigger.contains("safety");
        let slack = self.limits.slack;
        if ran > most + slack && !self.moments.tells(self.device, true, since, slack, safety) {
            let how = format!("{} ran {ran:.3} of at most {most} s", self.device);
            faults.push(Fault::at(at, "maximum on binds all but safety", how));
        }
    }

    fn doses(&self, starts: &[f64], faults: &mut Vec<Fault>) {
        let Some(most) = self.limit.doses_per_day else {
            return;
        };
        for group in starts.windows(most + 1) {
            let (first, last) = (group[0], group[most]);
            if last - first < DAY - self.limits.slack {
                let how = format!("{} had {} in {:.0} s", self.device, most + 1, last - first);
                faults.push(Fault::at(last, "doses of a day are bounded", how));
            }
        }
    }
}
