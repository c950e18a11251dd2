//! Whether a zone gets a dose now: by interval, by soil moisture, and what speaks against it.
//!
//! ```text
//!  wet floor, empty bucket, not known ──▶ blocked, with a word
//!  probe below its threshold ──▶ filling ──▶ a dose, soak, a dose … until it is wet enough
//!  interval over ──────────────────────────▶ a dose
//! ```
//!
//! Times are room time: a wall clock that jumps or cannot be trusted moves no dose. Whether it is
//! day is the host's word; where it has none, a plan for the day waits.

use growbox_sdk::prelude::*;
use serde::{Deserialize, Serialize};

use crate::plan::Plan;

/// After a refusal nothing is asked for so long, unless the host says when.
const AFTER_REFUSAL: Span = minutes(5);

/// What is seen of a zone.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sight {
    /// Room time.
    pub now: Moment,
    /// Whether it is day; none where the host does not know.
    pub day: Option<bool>,
    /// In percent; none where no probe is fresh.
    pub moisture: Option<f64>,
    /// How full the bucket is, in percent; none where that is not known.
    pub water_level: Option<f64>,
    /// Whether the floor is wet; none where no sensor says.
    pub leak: Option<bool>,
    /// The pump; none where the zone has none.
    pub pump: Option<Pump>,
}

/// What is seen of the pump.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pump {
    /// It runs.
    pub on: bool,
    /// It can be reached.
    pub available: bool,
    /// When protection or the doses of its day let it run again.
    pub free_at: Option<Moment>,
}

/// What is remembered of a zone, in ns of room time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Memory {
    /// When it was first seen: an interval counts from here until the first dose.
    since: Option<u64>,
    /// The newest dose that was asked, and the one before it.
    dosed: Option<u64>,
    before: Option<u64>,
    /// Not before this, after a refusal.
    rests_until: Option<u64>,
    /// The probe was below its threshold and is not yet where it should be.
    filling: bool,
    /// What was last said about not watering.
    said: Option<String>,
}

/// What follows.
#[derive(Clone, Debug, PartialEq)]
pub enum Decision {
    /// Nothing is due.
    Idle,
    /// Something is due, or may be, and this speaks against it.
    Wait(String),
    /// A dose, and why.
    Dose(String),
}

impl Memory {
    /// The host refused: the dose was none, and is tried again a little later.
    pub fn take_refusal(&mut self, now: Moment) {
        self.dosed = self.before;
        self.rests_until = Some((now + AFTER_REFUSAL).as_nanoseconds());
    }

    /// What is to be said of waiting: only what was not said before.
    pub fn news(&mut self, decision: &Decision) -> Option<String> {
        let why = match decision {
            Decision::Idle => return None,
            Decision::Wait(why) => Some(why.clone()),
            Decision::Dose(_) => None,
        };
        let news = why.clone().filter(|_| self.said != why);
        self.said = why;
        news
    }

    fn note(&mut self, now: Moment) {
        self.before = self.dosed;
        self.dosed = Some(now.as_nanoseconds());
        self.rests_until = None;
    }
}

/// What a zone gets now.
pub(crate) fn decide(plan: &Plan, memory: &mut Memory, sight: &Sight) -> Decision {
    memory.since.get_or_insert(sight.now.as_nanoseconds());
    fill(plan, memory, sight.moisture);
    let Some(due) = due(plan, memory, sight) else {
        return blind(plan, sight).map_or(Decision::Idle, Decision::Wait);
    };
    if let Some(why) = against(plan, memory, sight) {
        return Decision::Wait(why);
    }
    memory.note(sight.now);
    Decision::Dose(due)
}

/// Between its two thresholds the zone goes on with what it did.
fn fill(plan: &Plan, memory: &mut Memory, moisture: Option<f64>) {
    let (Some(below), Some(moisture)) = (plan.soil_moisture_below, moisture) else {
        memory.filling = false;
        return;
    };
    let until = plan.until.map_or(below.0, |until| until.0);
    memory.filling = moisture < if memory.filling { until } else { below.0 };
}

/// Why a dose is due, if one is.
fn due(plan: &Plan, memory: &Memory, sight: &Sight) -> Option<String> {
    let elapsed = |from: u64| sight.now.since(Moment::from_nanoseconds(from));
    let soaked = memory.dosed.is_none_or(|at| elapsed(at) >= plan.soak);
    if let Some(moisture) = sight.moisture.filter(|_| memory.filling && soaked) {
        let goal = plan.until.or(plan.soil_moisture_below);
        let goal = goal.map_or(0.0, |goal| goal.0);
        return Some(format!("soil moisture {moisture:.0} %, until {goal:.0} %"));
    }
    let last = memory.dosed.or(memory.since)?;
    let every = plan.every.filter(|every| elapsed(last) >= *every)?;
    Some(format!("{} h since the last dose", hours_of(every)))
}

/// A plan that goes by a probe alone waters nothing while the probe is silent.
fn blind(plan: &Plan, sight: &Sight) -> Option<String> {
    let silent = plan.soil_moisture_below.is_some() && sight.moisture.is_none();
    let otherwise = if plan.every.is_some() {
        "only the interval waters"
    } else {
        "nothing is watered blind"
    };
    silent.then(|| format!("no fresh soil moisture: {otherwise}"))
}

/// What speaks against a dose that is due.
fn against(plan: &Plan, memory: &Memory, sight: &Sight) -> Option<String> {
    let Some(pump) = sight.pump else {
        return Some("the zone has no pump".into());
    };
    if sight.leak == Some(true) {
        return Some("the floor is wet".into());
    }
    if plan.leak && sight.leak.is_none() {
        return Some("whether the floor is wet is not known".into());
    }
    if let Some(lowest) = plan.water_level_below {
        match sight.water_level {
            None => return Some("how full the bucket is is not known".into()),
            Some(level) if level < lowest.0 => {
                return Some(format!("the bucket is at {level:.0} %"));
            }
            Some(_) => {}
        }
    }
    if plan.only_by_day && sight.day != Some(true) {
        let known = sight.day.is_some();
        let why = if known {
            "it is night"
        } else {
            "whether it is day is not known"
        };
        return Some(why.into());
    }
    let rests = memory.rests_until.map(Moment::from_nanoseconds);
    if !pump.available {
        Some("the pump cannot be reached".into())
    } else if pump.on {
        Some("the pump runs".into())
    } else if rests.max(pump.free_at).is_some_and(|free| free > sight.now) {
        Some("the pump is not free yet".into())
    } else {
        None
    }
}

fn hours_of(span: Span) -> f64 {
    (span.as_seconds() / 360.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;

    const PUMP: Pump = Pump {
        on: false,
        available: true,
        free_at: None,
    };

    fn at(span: Span) -> Sight {
        Sight {
            now: Moment::default() + span,
            day: Some(true),
            moisture: None,
            water_level: None,
            leak: None,
            pump: Some(PUMP),
        }
    }

    fn by_probe() -> Plan {
        Plan {
            soil_moisture_below: Some(percent(30)),
            until: Some(percent(35)),
            ..Plan::default()
        }
    }

    fn by_interval() -> Plan {
        Plan {
            every: Some(hours(6)),
            ..Plan::default()
        }
    }

    fn doses(decision: &Decision) -> bool {
        matches!(decision, Decision::Dose(_))
    }

    fn wet(moisture: f64, span: Span) -> Sight {
        Sight {
            moisture: Some(moisture),
            ..at(span)
        }
    }

    #[test]
    fn an_interval_counts_from_the_first_sight_and_then_from_each_dose() {
        let (plan, mut memory) = (by_interval(), Memory::default());
        let begun: Vec<u64> = (0..24 * 60)
            .filter(|minute| doses(&decide(&plan, &mut memory, &at(minutes(*minute)))))
            .collect();
        assert_eq!(begun, [360, 720, 1080]);
    }

    #[test]
    fn a_probe_waters_with_soaks_until_it_is_wet_enough() {
        let (plan, mut memory) = (by_probe(), Memory::default());
        for (minute, moisture, dose) in [
            (0, 31.0, false),
            (1, 29.0, true),
            (2, 29.0, false),
            (16, 32.0, true),
            (31, 36.0, false),
            (50, 31.0, false),
            (60, 29.5, true),
        ] {
            let decision = decide(&plan, &mut memory, &wet(moisture, minutes(minute)));
            assert_eq!(doses(&decision), dose, "{minute}: {decision:?}");
        }
    }

    #[test]
    fn a_silent_probe_waters_nothing_and_says_so_once() {
        let (plan, mut memory) = (by_probe(), Memory::default());
        decide(&plan, &mut memory, &wet(29.0, minutes(0)));
        for minute in [20, 40] {
            let decision = decide(&plan, &mut memory, &at(minutes(minute)));
            assert!(!doses(&decision));
            assert_eq!(memory.news(&decision).is_some(), minute == 20);
        }
        let both = Plan {
            every: Some(hours(1)),
            ..by_probe()
        };
        assert!(
            doses(&decide(&both, &mut memory, &at(hours(2)))),
            "the interval does"
        );
    }

    #[test]
    fn what_speaks_against_it_is_named() {
        let float = Plan {
            water_level_below: Some(percent(10)),
            leak: true,
            ..by_interval()
        };
        let sound = Sight {
            water_level: Some(50.0),
            leak: Some(false),
            ..at(hours(7))
        };
        let busy = |pump| Sight {
            pump: Some(pump),
            ..sound
        };
        for (words, sight) in [
            (
                "bucket is at 5 %",
                Sight {
                    water_level: Some(5.0),
                    ..sound
                },
            ),
            (
                "bucket is is not known",
                Sight {
                    water_level: None,
                    ..sound
                },
            ),
            (
                "floor is wet",
                Sight {
                    leak: Some(true),
                    ..sound
                },
            ),
            (
                "wet is not known",
                Sight {
                    leak: None,
                    ..sound
                },
            ),
            (
                "night",
                Sight {
                    day: Some(false),
                    ..sound
                },
            ),
            ("day is not known", Sight { day: None, ..sound }),
            (
                "no pump",
                Sight {
                    pump: None,
                    ..sound
                },
            ),
            ("pump runs", busy(Pump { on: true, ..PUMP })),
            (
                "reached",
                busy(Pump {
                    available: false,
                    ..PUMP
                }),
            ),
            (
                "not free",
                busy(Pump {
                    free_at: Some(Moment::default() + hours(8)),
                    ..PUMP
                }),
            ),
        ] {
            let mut memory = Memory::default();
            decide(&float, &mut memory, &at(Span::ZERO));
            match decide(&float, &mut memory, &sight) {
                Decision::Wait(why) => assert!(why.contains(words), "{why}"),
                other => panic!("{words}: {other:?}"),
            }
            assert!(doses(&decide(&float, &mut memory, &sound)), "{words}");
        }
    }

    #[test]
    fn a_refused_dose_was_none_and_is_tried_again() {
        let (plan, mut memory) = (by_interval(), Memory::default());
        decide(&plan, &mut memory, &at(Span::ZERO));
        assert!(doses(&decide(&plan, &mut memory, &at(hours(6)))));
        memory.take_refusal(Moment::default() + hours(6));
        assert!(!doses(&decide(
            &plan,
            &mut memory,
            &at(hours(6) + minutes(4))
        )));
        assert!(doses(&decide(
            &plan,
            &mut memory,
            &at(hours(6) + minutes(5))
        )));
    }
}
