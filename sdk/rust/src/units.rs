//! Units as types, so that a temperature and a difference of temperatures are not mixed up.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::ops::{Add, Sub};

macro_rules! unit {
    ($(#[$doc:meta])* $name:ident, $unit:literal, $symbol:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub f64);

        impl $name {
            /// The unit's name in events and settings.
            pub const UNIT: &'static str = $unit;

            /// The bare number.
            #[must_use]
            pub const fn value(self) -> f64 {
                self.0
            }
        }

        /// The number, with as many places as asked for, and the symbol.
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)?;
                f.write_str(concat!(" ", $symbol))
            }
        }
    };
}

/// A quantity whose differences are of the same unit.
macro_rules! differs_in_itself {
    ($($name:ident),*) => {$(
        impl Sub for $name {
            type Output = Self;
            fn sub(self, other: Self) -> Self {
                Self(self.0 - other.0)
            }
        }

        impl Add for $name {
            type Output = Self;
            fn add(self, other: Self) -> Self {
                Self(self.0 + other.0)
            }
        }
    )*};
}

unit!(
    /// A temperature.
    Celsius, "celsius", "°C"
);
unit!(
    /// A difference of temperatures.
    CelsiusDelta, "celsius", "°C"
);
unit!(
    /// A pressure, or a deficit of it.
    Kilopascal, "kilopascal", "kPa"
);
unit!(
    /// A share of a hundred: relative humidity, or the level of a device.
    Percent, "percent", "%"
);
unit!(
    /// Water in air.
    GramsPerCubicMetre, "gram_per_cubic_metre", "g/m³"
);

differs_in_itself!(CelsiusDelta, Kilopascal, Percent, GramsPerCubicMetre);

impl Sub for Celsius {
    type Output = CelsiusDelta;
    fn sub(self, other: Self) -> CelsiusDelta {
        CelsiusDelta(self.0 - other.0)
    }
}

impl Add<CelsiusDelta> for Celsius {
    type Output = Self;
    fn add(self, other: CelsiusDelta) -> Self {
        Self(self.0 + other.0)
    }
}

/// A temperature in °C.
pub fn celsius(value: impl Into<f64>) -> Celsius {
    Celsius(value.into())
}

/// A pressure in kPa.
pub fn kilopascal(value: impl Into<f64>) -> Kilopascal {
    Kilopascal(value.into())
}

/// So much of a hundred.
pub fn percent(value: impl Into<f64>) -> Percent {
    Percent(value.into())
}

/// What a device is asked to do: 0.0 is off, 1.0 is full.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Level(pub f64);

impl Level {
    /// Off.
    pub const OFF: Self = Self(0.0);
    /// Full.
    pub const FULL: Self = Self(1.0);
}

impl From<Percent> for Level {
    fn from(share: Percent) -> Self {
        Self(share.0 / 100.0)
    }
}

/// `off`, `full`, or per cent.
impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0.0 => f.write_str("off"),
            1.0 => f.write_str("full"),
            share => write!(f, "{:.0} %", share * 100.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_is_not_a_temperature() {
        let margin: CelsiusDelta = celsius(20.0) - celsius(18.5);
        assert_eq!(margin, CelsiusDelta(1.5));
        assert_eq!(celsius(18.5) + margin, celsius(20));
    }

    #[test]
    fn units_are_written_behind_numbers() {
        assert_eq!(format!("{:.1}", CelsiusDelta(0.96)), "1.0 °C");
        assert_eq!(kilopascal(0.9).to_string(), "0.9 kPa");
    }

    #[test]
    fn per_cent_becomes_a_level() {
        assert_eq!(Level::from(percent(80)), Level(0.8));
        assert_eq!(Level(0.35).to_string(), "35 %");
        assert_eq!(Level::OFF.to_string(), "off");
    }
}
