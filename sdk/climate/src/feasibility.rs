//! Whether a VPD range can be reached at all inside a temperature and humidity box.

use crate::{PartOfDay, Profile, Range, Stage, vpd};
use core::fmt;

/// Steps of a search by thirds: the rest of a 100 °C range is below a millionth of a degree.
const SEARCH_STEPS: u32 = 48;

/// The least and the greatest VPD in kPa inside a box of temperature (°C) and humidity (%).
#[must_use]
pub fn reachable_vpd(temperature: Range, humidity: Range, leaf_offset: f64) -> (f64, f64) {
    // More water always lowers VPD, so the extremes lie on the two edges of humidity.
    let driest = |celsius| vpd(celsius, humidity.low, leaf_offset);
    let dampest = |celsius| vpd(celsius, humidity.high, leaf_offset);
    let high = driest(temperature.low).max(driest(temperature.high));
    (least(dampest, temperature), high)
}

/// The least value over a range of a function that falls, then rises (or does one of them).
///
/// VPD over temperature is such a function: with a leaf colder than very damp air it falls
/// first, since a degree adds more water to the air than room to the leaf.
fn least(function: impl Fn(f64) -> f64, over: Range) -> f64 {
    let Range { mut low, mut high } = over;
    for _ in 0..SEARCH_STEPS {
        let third = (high - low) / 3.0;
        if function(low + third) <= function(high - third) {
            high -= third;
        } else {
            low += third;
        }
    }
    let inside = function(f64::midpoint(low, high));
    inside.min(function(over.low)).min(function(over.high))
}

/// A profile that contradicts itself; `Display` is the sentence that tells what to change.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Infeasible {
    /// The VPD asked for, in kPa.
    pub vpd: Range,
    /// The temperature asked for, in °C.
    pub temperature: Range,
    /// The humidity asked for, in %.
    pub humidity: Range,
    /// Leaf minus air, in °C.
    pub leaf_offset: f64,
    /// The VPD that can be had inside temperature and humidity, in kPa.
    pub reachable: Range,
}

impl Infeasible {
    /// What contradicts itself, or none where the ranges agree at least in one point.
    #[must_use]
    pub fn find(vpd: Range, temperature: Range, humidity: Range, leaf_offset: f64) -> Option<Self> {
        let reachable = Range::from(reachable_vpd(temperature, humidity, leaf_offset));
        (!reachable.meets(vpd)).then_some(Self {
            vpd,
            temperature,
            humidity,
            leaf_offset,
            reachable,
        })
    }

    /// Whether the asked VPD lies below what can be had: the box is too warm and dry.
    #[must_use]
    pub fn too_dry(&self) -> bool {
        self.vpd.high < self.reachable.low
    }

    /// The whole per cent of humidity that the box would have to allow, where one helps.
    fn humidity_that_helps(&self) -> Option<f64> {
        let edge = if self.too_dry() {
            self.humidity.high
        } else {
            self.humidity.low
        };
        let step = if self.too_dry() { 1.0 } else { -1.0 };
        let whole = if self.too_dry() {
            edge.floor()
        } else {
            edge.ceil()
        };
        (1..=100)
            .map(|steps| whole + step * f64::from(steps))
            .take_while(|percent| (0.0..=100.0).contains(percent))
            .find(|percent| {
                let humidity = Range::new(
                    self.humidity.low.min(*percent),
                    self.humidity.high.max(*percent),
                );
                Self::find(self.vpd, self.temperature, humidity, self.leaf_offset).is_none()
            })
    }
}

impl fmt::Display for Infeasible {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "VPD {:.2} kPa cannot be reached at {} °C and {} % with a leaf offset of {} °C, \
             only {:.2} kPa: ",
            self.vpd, self.temperature, self.humidity, self.leaf_offset, self.reachable
        )?;
        let (side, verb, bound) = if self.too_dry() {
            ("up", "raise", self.reachable.low)
        } else {
            ("down", "lower", self.reachable.high)
        };
        if let Some(percent) = self.humidity_that_helps() {
            write!(f, "allow humidity {side} to {percent} %, or ")?;
        }
        write!(f, "{verb} VPD to {bound:.2} kPa")
    }
}

impl Profile {
    /// What contradicts itself in this profile at a leaf offset, or none.
    #[must_use]
    pub fn infeasible(&self, leaf_offset: f64) -> Option<Infeasible> {
        Infeasible::find(self.vpd?, self.temperature, self.humidity, leaf_offset)
    }
}

/// What contradicts itself in a stage's day or night at a leaf offset, or none.
#[must_use]
pub fn infeasible(stage: Stage, part: PartOfDay, leaf_offset: f64) -> Option<Infeasible> {
    stage.profile(part).infeasible(leaf_offset)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn early_veg_contradicts_itself_at_no_offset() {
        let found = infeasible(Stage::EarlyVeg, PartOfDay::Day, 0.0).expect("known contradiction");
        assert_eq!(format!("{:.2}", found.reachable), "0.84–1.51");
        assert!(found.too_dry());
        assert_eq!(
            found.to_string(),
            "VPD 0.65–0.80 kPa cannot be reached at 23–28 °C and 60–70 % with a leaf offset of \
             0 °C, only 0.84–1.51 kPa: allow humidity up to 72 %, or raise VPD to 0.84 kPa"
        );
    }

    #[test]
    fn a_colder_leaf_makes_early_veg_possible() {
        assert_eq!(infeasible(Stage::EarlyVeg, PartOfDay::Day, -1.5), None);
    }

    #[test]
    fn drying_asks_for_no_vpd() {
        assert_eq!(infeasible(Stage::Drying, PartOfDay::Day, 0.0), None);
    }

    #[test]
    fn too_damp_a_box_is_told_to_dry() {
        let found = Infeasible::find(
            Range::new(1.5, 1.8),
            Range::new(20.0, 22.0),
            Range::new(70.0, 80.0),
            0.0,
        )
        .expect("far too damp");
        assert!(!found.too_dry());
        assert!(
            found
                .to_string()
                .ends_with("allow humidity down to 43 %, or lower VPD to 0.79 kPa"),
            "{found}"
        );
    }

    fn a_box() -> impl Strategy<Value = (Range, Range)> {
        (5.0..35.0_f64, 0.1..10.0_f64, 0.0..90.0_f64, 0.1..10.0_f64)
            .prop_map(|(t, dt, h, dh)| (Range::new(t, t + dt), Range::new(h, h + dh)))
    }

    proptest! {
        #[test]
        fn everything_inside_the_box_is_within_reach(
            (temperature, humidity) in a_box(), offset in -5.0..5.0_f64,
            along in 0.0..=1.0_f64, across in 0.0..=1.0_f64,
        ) {
            let (low, high) = reachable_vpd(temperature, humidity, offset);
            let celsius = temperature.low + along * (temperature.high - temperature.low);
            let percent = humidity.low + across * (humidity.high - humidity.low);
            let found = vpd(celsius, percent, offset);
            prop_assert!(low - 1e-9 <= found && found <= high + 1e-9, "{low} {found} {high}");
        }

        #[test]
        fn what_lies_between_the_extremes_is_feasible(
            (temperature, humidity) in a_box(), offset in -5.0..5.0_f64, along in 0.0..=1.0_f64,
        ) {
            let (low, high) = reachable_vpd(temperature, humidity, offset);
            let wanted = low + along * (high - low);
            let range = Range::new(wanted - 0.01, wanted + 0.01);
            prop_assert_eq!(Infeasible::find(range, temperature, humidity, offset), None);
        }

        #[test]
        fn the_advice_is_true(
            (temperature, humidity) in a_box(), offset in -3.0..3.0_f64, wanted in 0.0..3.0_f64,
        ) {
            let range = Range::new(wanted, wanted + 0.05);
            if let Some(found) = Infeasible::find(range, temperature, humidity, offset)
                && let Some(percent) = found.humidity_that_helps()
            {
                let wider = Range::new(humidity.low.min(percent), humidity.high.max(percent));
                prop_assert_eq!(Infeasible::find(range, temperature, wider, offset), None);
            }
        }
    }
}
