//! The baseline: what a series usually says at an hour of the day, and when it says something else.
//!
//! Of every quarter of an hour one reading is kept, twenty for each hour of the day: the last
//! five days. Their median and the median distance from it do not mind a few wild readings. What
//! lies further off than so many of these distances is an anomaly, told once until it is over.

use growbox_sdk::prelude::*;
use serde::{Deserialize, Serialize};

/// One reading is kept of each stretch of this length.
const SAMPLE_EVERY: Span = minutes(15);
/// Readings kept for an hour of the day.
pub(crate) const SAMPLES: usize = 20;
const HOURS: usize = 24;
/// For normal noise the standard deviation is so many median distances.
const TO_DEVIATION: f64 = 1.4826;
/// What is usual reaches so many deviations.
const SPREAD_DEVIATIONS: f64 = 3.0;
/// Where nothing ever moves, a deviation is at least this share of the usual value.
const LEAST_SHARE: f64 = 0.02;
/// And at least this much, whatever the unit.
const LEAST: f64 = 1e-3;
/// An excursion is over once the value is this much of the way back.
const OVER_AT: f64 = 0.8;
/// Two anomalies of a series are never told closer than this.
const AGAIN: Span = minutes(15);
/// What no hour of the day foretells: switches, counters, and light that follows a switch.
const UNFORETOLD: [&str; 7] = [
    "door",
    "leak",
    "motion",
    "energy",
    "water_flow",
    "illuminance",
    "ppfd",
];

/// Whether an hour of the day says anything about a quantity.
pub(crate) fn has_hours(quantity: &str) -> bool {
    !UNFORETOLD.contains(&quantity)
}

/// What is read with every reading of a series: small.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Watched {
    /// The stretch of which a reading is kept last.
    #[serde(rename = "s")]
    slot: u64,
    /// The hour that `usual` is of.
    #[serde(rename = "h")]
    hour: u8,
    /// Usual value and deviation; none where too little is known.
    #[serde(rename = "u", skip_serializing_if = "Option::is_none")]
    usual: Option<Usual>,
    #[serde(rename = "o", skip_serializing_if = "std::ops::Not::not", default)]
    out: bool,
    #[serde(rename = "t", skip_serializing_if = "Option::is_none")]
    told: Option<Moment>,
}

impl growbox_sdk::Keyed for Watched {
    const PREFIX: &'static str = "series/";
}

/// What is usual at an hour.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Usual {
    #[serde(rename = "v")]
    pub(crate) value: f64,
    /// A robust standard deviation; more than 0.
    #[serde(rename = "d")]
    pub(crate) deviation: f64,
}

/// The newest readings of every hour of the day.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Baseline(Vec<Vec<f64>>);

impl growbox_sdk::Keyed for Baseline {
    const PREFIX: &'static str = "baseline/";
}

/// How much must be known, and how far off is unusual.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Care {
    pub(crate) samples: usize,
    pub(crate) deviations: f64,
}

/// Something unusual.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Anomaly {
    pub(crate) usual: Usual,
    /// How many deviations it is off.
    pub(crate) deviations: f64,
}

impl Watched {
    /// Whether this reading is one to keep.
    pub(crate) fn samples(&self, at: Moment) -> bool {
        self.slot != slot(at)
    }

    /// Whether the usual value has to be looked up anew.
    pub(crate) fn needs_hour(&self, hour: u8) -> bool {
        self.hour != hour || self.slot == 0
    }

    /// The usual value of an hour, out of the baseline.
    pub(crate) fn look_up(&mut self, baseline: &Baseline, hour: u8, care: Care) {
        self.hour = hour;
        self.usual = baseline.usual(hour, care.samples);
    }

    /// A reading of this moment is kept.
    pub(crate) fn sampled(&mut self, at: Moment) {
        self.slot = slot(at);
    }

    /// How long no reading of it has been kept.
    pub(crate) fn silent_for(&self, now: Moment) -> Span {
        let newest = crate::rings::begin(self.slot.saturating_sub(1), SAMPLE_EVERY);
        now.since(newest)
    }

    /// Judges a reading: an anomaly at the beginning of an excursion.
    pub(crate) fn judge(&mut self, value: f64, at: Moment, care: Care) -> Option<Anomaly> {
        let usual = self.usual?;
        let deviations = (value - usual.value).abs() / usual.deviation;
        if self.out {
            self.out = deviations > care.deviations * OVER_AT;
            return None;
        }
        let again = self.told.is_none_or(|told| at.since(told) >= AGAIN);
        if deviations <= care.deviations || !again {
            return None;
        }
        self.out = true;
        self.told = Some(at);
        Some(Anomaly { usual, deviations })
    }
}

fn slot(at: Moment) -> u64 {
    // Never 0, which is that of a series nobody has heard of.
    crate::rings::number(at, SAMPLE_EVERY) + 1
}

impl Baseline {
    /// Keeps a reading of an hour of the day; the oldest of the hour goes.
    pub(crate) fn keep(&mut self, hour: u8, value: f64) {
        self.0.resize(HOURS, Vec::new());
        if let Some(samples) = self.0.get_mut(usize::from(hour)) {
            samples.push(short(value));
            let surplus = samples.len().saturating_sub(SAMPLES);
            samples.drain(..surplus);
        }
    }

    /// Median and deviation of an hour, where enough is known.
    fn usual(&self, hour: u8, enough: usize) -> Option<Usual> {
        let samples = self.0.get(usize::from(hour))?;
        if samples.len() < enough.max(1) {
            return None;
        }
        let value = median(samples.clone())?;
        let away = samples.iter().map(|sample| (sample - value).abs());
        let away = median(away.collect())?;
        let deviation = (away * TO_DEVIATION)
            .max(spread(samples.clone(), value) / SPREAD_DEVIATIONS)
            .max(value.abs() * LEAST_SHARE)
            .max(LEAST);
        Some(Usual { value, deviation })
    }
}

/// How far from the median the samples reach, but for the outermost eighth on either side: an
/// hour in which the light goes off has two usual values.
fn spread(mut samples: Vec<f64>, median: f64) -> f64 {
    samples.sort_by(f64::total_cmp);
    let outermost = samples.len().div_ceil(8);
    let inner = samples.get(outermost..samples.len() - outermost);
    let away = inner.unwrap_or_default().iter().map(|s| (s - median).abs());
    away.fold(0.0, f64::max)
}

/// Five digits are enough, and short.
fn short(value: f64) -> f64 {
    let Some(digits) = Some(value.abs().log10().floor()).filter(|digits| digits.is_finite()) else {
        return 0.0;
    };
    let scale = 10_f64.powf(4.0 - digits.max(-4.0));
    (value * scale).round() / scale
}

/// The middle one; of an even number the mean of the middle two. None of none.
pub(crate) fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    let upper = *values.get(middle)?;
    match values.len() % 2 {
        1 => Some(upper),
        _ => Some(f64::midpoint(*values.get(middle - 1)?, upper)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const CARE: Care = Care {
        samples: 12,
        deviations: 6.0,
    };

    fn at(minute: u64) -> Moment {
        Moment::from_nanoseconds(0) + minutes(minute)
    }

    fn known(samples: impl IntoIterator<Item = f64>) -> Watched {
        let mut baseline = Baseline::default();
        samples
            .into_iter()
            .for_each(|value| baseline.keep(9, value));
        let mut watched = Watched::default();
        watched.look_up(&baseline, 9, CARE);
        watched
    }

    #[test]
    fn too_little_is_no_baseline() {
        let mut watched = known([20.0; 11]);
        assert_eq!(watched.judge(80.0, at(0), CARE), None);
        assert!(known([20.0; 12]).judge(80.0, at(0), CARE).is_some());
    }

    #[test]
    fn an_excursion_is_told_once() {
        let mut watched = known((0..20).map(|n| 20.0 + f64::from(n % 5) * 0.1));
        let told = |values: &[f64], watched: &mut Watched| {
            let found = values.iter().enumerate();
            let found = found.filter(|(n, v)| {
                let moment = at(*n as u64);
                watched.judge(**v, moment, CARE).is_some()
            });
            found.map(|(n, _)| n).collect::<Vec<_>>()
        };
        assert_eq!(
            told(&[20.3, 35.0, 36.0, 35.0, 20.0, 20.1], &mut watched),
            [1]
        );
        assert!(!watched.out);
        assert_eq!(watched.judge(36.0, at(7), CARE), None, "too soon again");
        assert!(watched.judge(36.0, at(40), CARE).is_some());
    }

    #[test]
    fn a_few_wild_readings_do_not_move_it() {
        let calm = known([20.0, 20.2, 19.8].repeat(6)).usual.unwrap();
        let wild = known([[20.0, 20.2, 19.8].repeat(5), vec![90.0, -30.0, 70.0]].concat());
        let wild = wild.usual.unwrap();
        assert!((calm.value - wild.value).abs() < 0.11, "{calm:?} {wild:?}");
        assert!(wild.deviation < 1.0);
    }

    #[test]
    fn an_hour_may_have_two_usual_values() {
        let mut watched = known([[20.0; 7].to_vec(), vec![26.0; 5]].concat());
        assert_eq!(watched.judge(26.2, at(0), CARE), None);
        assert!(watched.judge(60.0, at(1), CARE).is_some());
    }

    #[test]
    fn five_digits_are_kept() {
        assert_eq!(short(20.123_456), 20.123);
        assert_eq!(short(0.0), 0.0);
        assert_eq!(short(-2_028.512), -2_028.5);
        assert_eq!(short(1e-9), 0.0);
    }

    proptest! {
        #[test]
        fn the_median_has_half_on_either_side(values in prop::collection::vec(-1e6_f64..1e6, 1..50)) {
            let middle = median(values.clone()).unwrap();
            let below = values.iter().filter(|v| **v < middle).count();
            let above = values.iter().filter(|v| **v > middle).count();
            prop_assert!(below * 2 <= values.len() && above * 2 <= values.len());
        }

        #[test]
        fn whatever_is_kept_a_deviation_is_a_number_above_nothing(values in prop::collection::vec(-1e9_f64..1e9, 12..60)) {
            let usual = known(values).usual.unwrap();
            prop_assert!(usual.value.is_finite() && usual.deviation >= LEAST);
        }
    }
}
