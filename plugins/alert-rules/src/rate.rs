//! A reading that changes too fast: the change divided by the time it took.

use crate::excursion::{Position, between};
use crate::series::named;
use crate::words::{about, with_unit};
use growbox_sdk::prelude::*;
use serde::{Deserialize, Serialize};

/// How finely the window is remembered: a value is kept when this part of it has passed.
const PARTS: u64 = 32;

/// `kind = "rate"`.
#[derive(Clone, Debug, PartialEq, Settings)]
pub(crate) struct Rate {
    /// Rising by more than this within `per` is outside, in the quantity's unit.
    #[setting(min = 0.0)]
    pub(crate) rise: Option<f64>,
    /// Falling by more than this within `per` is outside, in the quantity's unit.
    #[setting(min = 0.0)]
    pub(crate) fall: Option<f64>,
    /// The time that rise and fall are meant for.
    #[setting(default = "1h", min = "1s", max = "30d")]
    pub(crate) per: Span,
    /// Each reading is compared with the newest one that is at least so old.
    #[setting(default = "10min", min = "1s", max = "30d")]
    pub(crate) over: Span,
    /// It must be outside for longer than this.
    #[setting(default = "0s", max = "30d")]
    pub(crate) dwell: Span,
}

/// A value to compare with.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Sample {
    at: u64,
    value: f64,
}

impl Rate {
    pub(crate) fn check(&self) -> Result<(), String> {
        if self.rise.is_none() && self.fall.is_none() {
            return Err("name how much may rise, how much may fall, or both".into());
        }
        Ok(())
    }

    /// The change within `per`, once there is a value that is old enough to compare with.
    /// Remembers the reading.
    pub(crate) fn take(&self, samples: &mut Vec<Sample>, at: u64, value: f64) -> Option<f64> {
        if samples.last().is_some_and(|last| at < last.at) {
            return None;
        }
        let old_enough = |sample: &Sample| between(sample.at, at) >= self.over;
        while samples.get(1).is_some_and(old_enough) {
            samples.remove(0);
        }
        let reference = samples.first().copied().filter(old_enough);
        let newest = samples.last().map(|sample| between(sample.at, at));
        if newest.is_none_or(|age| age.as_nanoseconds() >= self.over.as_nanoseconds() / PARTS) {
            samples.push(Sample { at, value });
        }
        let reference = reference?;
        let time = between(reference.at, at).as_seconds();
        Some((value - reference.value) / time * self.per.as_seconds())
    }

    pub(crate) fn position(&self, change: f64, hysteresis: f64) -> Position {
        let beyond = |margin: f64| {
            self.rise.is_some_and(|rise| change > rise - margin)
                || self.fall.is_some_and(|fall| -change > fall - margin)
        };
        if beyond(0.0) {
            Position::Outside
        } else if hysteresis > 0.0 && beyond(hysteresis) {
            Position::Near
        } else {
            Position::Inside
        }
    }

    /// `temperature of canopy rises by 6.1 °C in 1 h; it is 27.3 °C`.
    pub(crate) fn words(&self, reading: &Reading, change: f64) -> String {
        let verb = if change < 0.0 { "falls" } else { "rises" };
        let unit = |value: f64| with_unit(value, &reading.unit);
        let (name, per) = (named(reading), about(self.per));
        let (change, value) = (unit(change.abs()), unit(reading.value));
        format!("{name} {verb} by {change} in {per}; it is {value}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rate() -> Rate {
        Rate {
            rise: Some(5.0),
            fall: None,
            per: hours(1),
            over: minutes(10),
            dwell: Span::ZERO,
        }
    }

    fn at(minute: u64) -> u64 {
        minutes(minute).as_nanoseconds()
    }

    #[test]
    fn the_change_is_divided_by_the_time_it_took() {
        let mut samples = Vec::new();
        assert_eq!(rate().take(&mut samples, at(0), 20.0), None);
        assert_eq!(rate().take(&mut samples, at(9), 30.0), None);
        assert_eq!(rate().take(&mut samples, at(10), 21.0), Some(6.0));
        let slow = rate()
            .take(&mut samples, at(300), 30.0)
            .expect("is old enough");
        assert!((slow - 9.0 / 290.0 * 60.0).abs() < 1e-12);
    }

    #[test]
    fn a_slow_sensor_is_judged_over_its_own_gap() {
        let mut samples = Vec::new();
        rate().take(&mut samples, at(0), 20.0);
        assert_eq!(rate().take(&mut samples, at(120), 26.0), Some(3.0));
        assert_eq!(rate().take(&mut samples, at(240), 24.0), Some(-1.0));
    }

    #[test]
    fn rising_is_not_falling() {
        assert_eq!(rate().position(5.1, 0.0), Position::Outside);
        assert_eq!(rate().position(-50.0, 0.0), Position::Inside);
        assert_eq!(rate().position(4.9, 0.5), Position::Near);
    }

    proptest! {
        /// However often a sensor speaks, what is remembered is bounded, and a steady slope is
        /// found as it is.
        #[test]
        fn a_steady_slope_is_found(gaps in prop::collection::vec(1..90_000_u64, 1..300), slope in -9.0..9.0_f64) {
            let (mut samples, mut now) = (Vec::new(), 0);
            for gap in gaps {
                now += gap;
                let hours = now as f64 / 3_600_000.0;
                if let Some(change) = rate().take(&mut samples, now * 1_000_000, slope * hours) {
                    prop_assert!((change - slope).abs() < 1e-6, "{change} for {slope}");
                }
                prop_assert!(samples.len() <= PARTS as usize + 2);
            }
        }
    }
}
