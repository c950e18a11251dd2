//! A limit: what is beyond it for longer than its dwell is said once, until it has come back.

use growbox_sdk::Setting;
use growbox_sdk::json::Value;
use growbox_sdk::prelude::*;
use growbox_sdk::table::{one_of, schema_of_words};
use serde::{Deserialize, Serialize};

/// One of `limits`.
#[derive(Clone, Debug, PartialEq, Settings)]
pub(crate) struct Limit {
    /// Only readings of this sensor.
    pub(crate) sensor: Option<String>,
    /// Only readings in this zone.
    pub(crate) zone: Option<String>,
    /// Only readings of this quantity, such as humidity.
    pub(crate) quantity: Option<String>,
    /// More than this is beyond it, in the quantity's unit.
    pub(crate) above: Option<f64>,
    /// Less than this is beyond it, in the quantity's unit.
    pub(crate) below: Option<f64>,
    /// How bad it is.
    #[setting(default = "warning")]
    pub(crate) severity: Severity,
    /// How far inside a reading must be to count as back, in the quantity's unit.
    #[setting(default = 0.0, min = 0.0)]
    pub(crate) hysteresis: f64,
    /// It must be beyond for longer than this.
    #[setting(default = "0s", max = "30d")]
    pub(crate) dwell: Span,
}

/// How bad it is to be beyond a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Severity {
    /// Worth knowing.
    Info,
    /// Worth looking at.
    Warning,
    /// Worth getting up for.
    Critical,
}

const SEVERITIES: [(&str, Severity); 3] = [
    ("info", Severity::Info),
    ("warning", Severity::Warning),
    ("critical", Severity::Critical),
];

impl Severity {
    pub(crate) fn word(self) -> &'static str {
        let found = SEVERITIES.iter().find(|(_, severity)| *severity == self);
        found.map_or("", |(word, _)| word)
    }
}

impl Setting for Severity {
    fn schema() -> Value {
        schema_of_words(&SEVERITIES)
    }
    fn read(value: &Value) -> Result<Self, String> {
        one_of(value, &SEVERITIES)
    }
}

/// On which side of its limits a reading is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Direction {
    Above,
    Below,
}

impl Direction {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Above => "above",
            Self::Below => "below",
        }
    }
}

/// What is said of a reading beyond its limit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Exceeded {
    pub(crate) threshold: f64,
    pub(crate) direction: Direction,
}

/// How far a series is with a limit. Stored under `limit/NAME/SENSOR/QUANTITY`.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Excursion {
    /// The newest reading.
    last: u64,
    /// On which side it is beyond, since when, and whether that has been said.
    #[serde(skip_serializing_if = "Option::is_none")]
    beyond: Option<(Direction, u64, bool)>,
}

impl Limit {
    pub(crate) fn check(&self) -> Result<(), String> {
        if self.quantity.is_none() && self.sensor.is_none() {
            return Err("name a quantity, a sensor or both".into());
        }
        match (self.above, self.below) {
            (None, None) => Err("name what is too much (above), too little (below) or both".into()),
            (Some(above), Some(below)) if below >= above => {
                Err("below must be less than above, or every value is beyond".into())
            }
            _ => Ok(()),
        }
    }

    /// Whether a reading is one of those it is about.
    pub(crate) fn concerns(&self, zone: Option<&str>, reading: &Reading) -> bool {
        let is = |wanted: &Option<String>, given: &str| {
            wanted.as_deref().is_none_or(|wanted| wanted == given)
        };
        is(&self.sensor, &reading.sensor)
            && is(&self.quantity, &reading.quantity)
            && (self.zone.is_none() || self.zone.as_deref() == zone)
    }

    /// Takes a reading that happened `at`; what is to be said, once an excursion. One that is
    /// older than those before it changes nothing.
    pub(crate) fn take(&self, excursion: &mut Excursion, at: u64, value: f64) -> Option<Exceeded> {
        if at < excursion.last {
            return None;
        }
        excursion.last = at;
        let Some(exceeded) = self.beyond(value) else {
            let near = excursion
                .beyond
                .is_some_and(|(direction, _, told)| told && self.near(direction, value));
            if !near {
                excursion.beyond = None;
            }
            return None;
        };
        let (since, told) = match excursion.beyond {
            Some((direction, since, told)) if direction == exceeded.direction => (since, told),
            _ => (at, false),
        };
        let held = Span::from_nanoseconds(at - since.min(at));
        let due = held > self.dwell || self.dwell == Span::ZERO;
        excursion.beyond = Some((exceeded.direction, since, told || due));
        (due && !told).then_some(exceeded)
    }

    fn beyond(&self, value: f64) -> Option<Exceeded> {
        let exceeded = |limit: Option<f64>, direction| {
            limit.map(|threshold| Exceeded {
                threshold,
                direction,
            })
        };
        let above = exceeded(self.above, Direction::Above);
        let below = exceeded(self.below, Direction::Below);
        above
            .filter(|above| value > above.threshold)
            .or(below.filter(|below| value < below.threshold))
    }

    /// Whether a value is not far enough inside to count as back from that side.
    fn near(&self, direction: Direction, value: f64) -> bool {
        match direction {
            Direction::Above => self
                .above
                .is_some_and(|above| value > above - self.hysteresis),
            Direction::Below => self
                .below
                .is_some_and(|below| value < below + self.hysteresis),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn limit() -> Limit {
        Limit {
            sensor: None,
            zone: None,
            quantity: Some("humidity".into()),
            above: Some(80.0),
            below: Some(40.0),
            severity: Severity::Warning,
            hysteresis: 3.0,
            dwell: minutes(5),
        }
    }

    fn directions(readings: &[(u64, f64)]) -> Vec<&'static str> {
        let mut excursion = Excursion::default();
        let take = |(minute, value): &(u64, f64)| {
            limit().take(&mut excursion, minutes(*minute).as_nanoseconds(), *value)
        };
        let said = readings.iter().filter_map(take);
        said.map(|exceeded| exceeded.direction.word()).collect()
    }

    #[test]
    fn an_excursion_is_said_once_when_its_dwell_is_exceeded() {
        assert!(directions(&[(0, 81.0), (5, 85.0)]).is_empty());
        assert_eq!(directions(&[(0, 81.0), (6, 85.0), (7, 90.0)]), ["above"]);
        assert!(directions(&[(0, 81.0), (3, 80.0), (6, 81.0)]).is_empty());
    }

    #[test]
    fn it_is_over_when_it_is_back_by_the_hysteresis() {
        let out = [(0, 81.0), (6, 81.0), (7, 78.0), (8, 81.0), (20, 81.0)];
        assert_eq!(directions(&out), ["above"]);
        let out = [(0, 81.0), (6, 81.0), (7, 77.0), (8, 81.0), (20, 81.0)];
        assert_eq!(directions(&out), ["above", "above"]);
    }

    #[test]
    fn the_other_side_is_another_excursion() {
        let out = [(0, 81.0), (6, 81.0), (7, 39.0), (13, 39.0)];
        assert_eq!(directions(&out), ["above", "below"]);
    }

    #[test]
    fn what_is_older_changes_nothing() {
        assert_eq!(directions(&[(10, 81.0), (9, 50.0), (16, 81.0)]), ["above"]);
    }

    proptest! {
        /// Between two words about the same side there is a reading that was back.
        #[test]
        fn it_is_said_once_an_excursion(steps in prop::collection::vec((1..8_u64, 30.0..90.0_f64), 0..100)) {
            let (mut excursion, mut now, mut said) = (Excursion::default(), 0, None);
            for (later, value) in steps {
                now += later;
                let out = limit().take(&mut excursion, minutes(now).as_nanoseconds(), value);
                if value <= 77.0 && said == Some(Direction::Above) || value >= 43.0 && said == Some(Direction::Below) {
                    said = None;
                }
                if let Some(exceeded) = out {
                    prop_assert_ne!(said, Some(exceeded.direction));
                    said = Some(exceeded.direction);
                }
            }
        }
    }
}
