//! The growth stages and what a plant wants in each, by day and by night.

use crate::Range;
use core::fmt;

/// How far a plant has grown; `drying` is what comes after.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Stage {
    /// Seeds.
    Germination,
    /// Cuttings without roots.
    Clone,
    /// Young plants.
    EarlyVeg,
    /// Plants in full growth.
    MidVeg,
    /// Plants about to be put into flower.
    LateVeg,
    /// Stretching, first flowers.
    EarlyFlower,
    /// Flowers swell.
    MidFlower,
    /// Flowers ripen.
    LateFlower,
    /// Harvested plants hang to dry, in the dark.
    Drying,
}

/// Whether the light of the photoperiod is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PartOfDay {
    /// The hours of light.
    Day,
    /// The hours of dark.
    Night,
}

impl PartOfDay {
    /// The part of day of a zone's `day`; where it is not known, day values hold.
    #[must_use]
    pub fn of(day: Option<bool>) -> Self {
        if day == Some(false) {
            Self::Night
        } else {
            Self::Day
        }
    }
}

impl fmt::Display for PartOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Day => "day",
            Self::Night => "night",
        })
    }
}

/// What a plant wants of the air and of its water at one time of one stage.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Profile {
    /// Vapour pressure deficit in kPa; nothing to keep while drying.
    pub vpd: Option<Range>,
    /// Air temperature in °C.
    pub temperature: Range,
    /// Relative humidity in %.
    pub humidity: Range,
    /// CO2 in ppm; never added in the dark.
    pub co2: Option<Range>,
    /// Electrical conductivity of the water in mS/cm.
    pub ec: Option<Range>,
}

/// Acidity of the water in every stage.
const PH: Range = Range::new(5.8, 6.2);

impl Stage {
    /// Every stage in the order of growth.
    pub const ALL: [Self; 9] = [
        Self::Germination,
        Self::Clone,
        Self::EarlyVeg,
        Self::MidVeg,
        Self::LateVeg,
        Self::EarlyFlower,
        Self::MidFlower,
        Self::LateFlower,
        Self::Drying,
    ];

    /// The name in configuration and events, such as `mid-veg`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Germination => "germination",
            Self::Clone => "clone",
            Self::EarlyVeg => "early-veg",
            Self::MidVeg => "mid-veg",
            Self::LateVeg => "late-veg",
            Self::EarlyFlower => "early-flower",
            Self::MidFlower => "mid-flower",
            Self::LateFlower => "late-flower",
            Self::Drying => "drying",
        }
    }

    /// The names of all stages in the order of growth, for messages.
    pub fn names() -> impl Iterator<Item = &'static str> {
        Self::ALL.into_iter().map(Self::name)
    }

    /// The stage of that name; none where there is no such stage.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|stage| stage.name() == name)
    }

    /// Hours of light a day: 18 in growth, 12 in flower, none while drying.
    #[must_use]
    pub const fn hours_of_light(self) -> u32 {
        match self {
            Self::Germination | Self::Clone | Self::EarlyVeg | Self::MidVeg | Self::LateVeg => 18,
            Self::EarlyFlower | Self::MidFlower | Self::LateFlower => 12,
            Self::Drying => 0,
        }
    }

    /// Acidity of the water; none while drying.
    #[must_use]
    pub fn ph(self) -> Option<Range> {
        (self != Self::Drying).then_some(PH)
    }

    /// What a plant wants by day or by night.
    #[must_use]
    pub fn profile(self, part: PartOfDay) -> Profile {
        let row = self.row();
        match part {
            PartOfDay::Day => Profile {
                vpd: row.day.vpd,
                temperature: row.day.temperature,
                humidity: row.day.humidity,
                co2: row.co2,
                ec: row.ec,
            },
            PartOfDay::Night => Profile {
                vpd: row.night.vpd,
                temperature: row.night.temperature,
                humidity: row.night.humidity,
                co2: None,
                ec: row.ec,
            },
        }
    }

    /// The table of growers, one row a stage.
    #[rustfmt::skip]
    const fn row(self) -> Row {
        match self {
            //                              day: VPD          °C            %         night: VPD         °C            %          CO2              EC
            Self::Germination => row(air(0.41, 0.70, 20., 25., 65., 85.), air(0.40, 0.55, 18., 23., 70., 90.), ( 400.,  800.), (0.6, 0.9)),
            Self::Clone       => row(air(0.41, 0.65, 20., 26., 65., 85.), air(0.40, 0.50, 18., 23., 70., 90.), ( 400.,  800.), (0.8, 1.2)),
            Self::EarlyVeg    => row(air(0.65, 0.80, 23., 28., 60., 70.), air(0.50, 0.65, 21., 26., 65., 75.), ( 600., 1000.), (1.0, 1.6)),
            Self::MidVeg      => row(air(0.75, 1.10, 21., 27., 58., 70.), air(0.60, 0.95, 19., 25., 63., 75.), ( 600., 1000.), (1.2, 1.8)),
            Self::LateVeg     => row(air(0.90, 1.20, 22., 27., 55., 65.), air(0.75, 1.05, 20., 25., 60., 70.), ( 800., 1200.), (1.4, 2.0)),
            Self::EarlyFlower => row(air(1.00, 1.25, 22., 28., 55., 65.), air(0.80, 1.10, 20., 26., 60., 70.), ( 800., 1200.), (1.6, 2.2)),
            Self::MidFlower   => row(air(1.10, 1.35, 21., 27., 45., 60.), air(0.95, 1.20, 19., 25., 50., 65.), (1000., 1500.), (1.8, 2.4)),
            Self::LateFlower  => row(air(1.15, 1.55, 20., 26., 40., 55.), air(1.00, 1.40, 18., 24., 45., 60.), ( 800., 1200.), (1.4, 2.0)),
            Self::Drying      => Row { day: DRYING, night: DRYING, co2: None, ec: None },
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// One row of the table.
struct Row {
    day: Air,
    night: Air,
    co2: Option<Range>,
    ec: Option<Range>,
}

/// The air of one part of the day.
struct Air {
    vpd: Option<Range>,
    temperature: Range,
    humidity: Range,
}

const DRYING: Air = Air {
    vpd: None,
    temperature: Range::new(15.0, 21.0),
    humidity: Range::new(55.0, 62.0),
};

const fn row(day: Air, night: Air, co2: (f64, f64), ec: (f64, f64)) -> Row {
    Row {
        day,
        night,
        co2: Some(Range::new(co2.0, co2.1)),
        ec: Some(Range::new(ec.0, ec.1)),
    }
}

const fn air(
    vpd_low: f64,
    vpd_high: f64,
    celsius_low: f64,
    celsius_high: f64,
    humidity_low: f64,
    humidity_high: f64,
) -> Air {
    Air {
        vpd: Some(Range::new(vpd_low, vpd_high)),
        temperature: Range::new(celsius_low, celsius_high),
        humidity: Range::new(humidity_low, humidity_high),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_back_to_their_stage() {
        for stage in Stage::ALL {
            assert_eq!(Stage::from_name(stage.name()), Some(stage));
        }
        assert_eq!(Stage::from_name("mid veg"), None);
        assert_eq!(Stage::names().count(), 9);
    }

    #[test]
    fn every_range_runs_upward() {
        for stage in Stage::ALL {
            for part in [PartOfDay::Day, PartOfDay::Night] {
                let profile = stage.profile(part);
                let mut ranges = vec![profile.temperature, profile.humidity];
                ranges.extend([profile.vpd, profile.co2, profile.ec].into_iter().flatten());
                for range in ranges {
                    assert!(range.low < range.high, "{stage} {part}: {range}");
                }
            }
        }
    }

    #[test]
    fn nights_are_cooler_and_damper() {
        for stage in Stage::ALL.into_iter().filter(|s| *s != Stage::Drying) {
            let (day, night) = (
                stage.profile(PartOfDay::Day),
                stage.profile(PartOfDay::Night),
            );
            assert!(night.temperature.low < day.temperature.low, "{stage}");
            assert!(night.humidity.high > day.humidity.high, "{stage}");
            assert!(night.co2.is_none(), "{stage}: no CO2 in the dark");
        }
    }

    #[test]
    fn the_example_of_the_table() {
        let profile = Stage::MidVeg.profile(PartOfDay::Day);
        assert_eq!(profile.vpd, Some(Range::new(0.75, 1.10)));
        assert_eq!(profile.temperature, Range::new(21.0, 27.0));
        assert_eq!(profile.humidity, Range::new(58.0, 70.0));
        assert_eq!(profile.co2, Some(Range::new(600.0, 1000.0)));
        assert_eq!(profile.ec, Some(Range::new(1.2, 1.8)));
    }

    #[test]
    fn flowers_get_twelve_hours_and_drying_none() {
        assert_eq!(Stage::LateVeg.hours_of_light(), 18);
        assert_eq!(Stage::EarlyFlower.hours_of_light(), 12);
        assert_eq!(Stage::Drying.hours_of_light(), 0);
        assert_eq!(Stage::Drying.profile(PartOfDay::Day).vpd, None);
    }

    #[test]
    fn unknown_day_counts_as_day() {
        assert_eq!(PartOfDay::of(None), PartOfDay::Day);
        assert_eq!(PartOfDay::of(Some(false)), PartOfDay::Night);
    }
}
