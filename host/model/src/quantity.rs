//! The table of quantities: what can be measured, in which unit, and what is plausible.

use std::fmt;

use serde::Serialize;

use crate::id::Text;
use crate::objection::Objection;

/// One row of the table.
#[derive(Debug, PartialEq, Serialize)]
pub struct QuantitySpec {
    /// The name, as in `sensor.<name>`.
    pub name: &'static str,
    /// The canonical unit: what the log, the views and the handlers see.
    pub unit: &'static str,
    /// Other units an edge accepts and converts.
    pub accepted: &'static [AcceptedUnit],
    /// The lowest plausible value, in the canonical unit.
    pub low: f64,
    /// The highest plausible value, in the canonical unit.
    pub high: f64,
}

/// A unit that is converted: canonical = value · factor + offset.
#[derive(Debug, PartialEq, Serialize)]
pub struct AcceptedUnit {
    /// The unit's name.
    pub unit: &'static str,
    /// Multiplied first.
    pub factor: f64,
    /// Added then.
    pub offset: f64,
}

const fn unit(unit: &'static str, factor: f64, offset: f64) -> AcceptedUnit {
    AcceptedUnit {
        unit,
        factor,
        offset,
    }
}

const fn row(
    name: &'static str,
    unit: &'static str,
    accepted: &'static [AcceptedUnit],
    low: f64,
    high: f64,
) -> QuantitySpec {
    QuantitySpec {
        name,
        unit,
        accepted,
        low,
        high,
    }
}

const CELSIUS: &[AcceptedUnit] = &[
    unit("fahrenheit", 5.0 / 9.0, -160.0 / 9.0),
    unit("kelvin", 1.0, -273.15),
];

/// Every quantity the catalogue knows. Plausible ranges are those of the sensors a grow room has.
pub static QUANTITIES: &[QuantitySpec] = &[
    row("temperature", "celsius", CELSIUS, -40.0, 85.0),
    row("leaf_temperature", "celsius", CELSIUS, -40.0, 85.0),
    row(
        "humidity",
        "percent",
        &[unit("ratio", 100.0, 0.0)],
        0.0,
        100.0,
    ),
    row(
        "vpd",
        "kilopascal",
        &[unit("pascal", 0.001, 0.0), unit("hectopascal", 0.1, 0.0)],
        -3.0,
        20.0,
    ),
    row(
        "co2",
        "parts_per_million",
        &[unit("percent", 10_000.0, 0.0)],
        0.0,
        10_000.0,
    ),
    row(
        "illuminance",
        "lux",
        &[unit("kilolux", 1000.0, 0.0)],
        0.0,
        200_000.0,
    ),
    row(
        "ppfd",
        "micromole_per_square_metre_second",
        &[],
        0.0,
        3000.0,
    ),
    row(
        "soil_moisture",
        "percent",
        &[unit("ratio", 100.0, 0.0)],
        0.0,
        100.0,
    ),
    row("ph", "ph", &[], 0.0, 14.0),
    row(
        "ec",
        "millisiemens_per_centimetre",
        &[
            unit("microsiemens_per_centimetre", 0.001, 0.0),
            unit("decisiemens_per_metre", 1.0, 0.0),
        ],
        0.0,
        20.0,
    ),
    row(
        "pressure",
        "hectopascal",
        &[unit("pascal", 0.01, 0.0), unit("kilopascal", 10.0, 0.0)],
        300.0,
        1200.0,
    ),
    row(
        "power",
        "watt",
        &[unit("kilowatt", 1000.0, 0.0)],
        -10_000.0,
        100_000.0,
    ),
    row(
        "energy",
        "kilowatt_hour",
        &[unit("watt_hour", 0.001, 0.0)],
        0.0,
        1e9,
    ),
    row(
        "water_flow",
        "litre_per_minute",
        &[unit("litre_per_hour", 1.0 / 60.0, 0.0)],
        0.0,
        1000.0,
    ),
    row(
        "water_level",
        "percent",
        &[unit("ratio", 100.0, 0.0)],
        0.0,
        100.0,
    ),
    row("door", "open", &[], 0.0, 1.0),
    row("leak", "wet", &[], 0.0, 1.0),
    row("motion", "moving", &[], 0.0, 1.0),
];

/// Usual spellings and symbols of units, and the name they stand for.
static SPELLINGS: &[(&str, &str)] = &[
    ("°c", "celsius"),
    ("c", "celsius"),
    ("degc", "celsius"),
    ("deg_c", "celsius"),
    ("degrees_celsius", "celsius"),
    ("℃", "celsius"),
    ("°f", "fahrenheit"),
    ("f", "fahrenheit"),
    ("degf", "fahrenheit"),
    ("℉", "fahrenheit"),
    ("k", "kelvin"),
    ("%", "percent"),
    ("%rh", "percent"),
    ("pct", "percent"),
    ("% rh", "percent"),
    ("kpa", "kilopascal"),
    ("pa", "pascal"),
    ("hpa", "hectopascal"),
    ("mbar", "hectopascal"),
    ("millibar", "hectopascal"),
    ("ppm", "parts_per_million"),
    ("lx", "lux"),
    ("klx", "kilolux"),
    ("µmol/m²/s", "micromole_per_square_metre_second"),
    ("μmol/m²/s", "micromole_per_square_metre_second"),
    ("umol/m2/s", "micromole_per_square_metre_second"),
    ("µmol/s/m²", "micromole_per_square_metre_second"),
    ("ms/cm", "millisiemens_per_centimetre"),
    ("µs/cm", "microsiemens_per_centimetre"),
    ("μs/cm", "microsiemens_per_centimetre"),
    ("us/cm", "microsiemens_per_centimetre"),
    ("ds/m", "decisiemens_per_metre"),
    ("w", "watt"),
    ("kw", "kilowatt"),
    ("kwh", "kilowatt_hour"),
    ("wh", "watt_hour"),
    ("l/min", "litre_per_minute"),
    ("l/h", "litre_per_hour"),
];

/// The row of a known quantity.
pub fn find(name: &str) -> Option<&'static QuantitySpec> {
    QUANTITIES.iter().find(|row| row.name == name)
}

impl QuantitySpec {
    /// `value` in the canonical unit. No unit means canonical; a wrong one is refused.
    pub fn canonical(&self, value: f64, unit: Option<&str>) -> Result<f64, Objection> {
        let Some(given) = unit else { return Ok(value) };
        if given == self.unit {
            return Ok(value);
        }
        let lower = given.to_lowercase();
        let name = SPELLINGS
            .iter()
            .find(|(s, _)| *s == lower)
            .map_or(lower.as_str(), |(_, n)| n);
        if name == self.unit {
            return Ok(value);
        }
        match self.accepted.iter().find(|a| a.unit == name) {
            Some(accepted) => Ok(value * accepted.factor + accepted.offset),
            None => Err(self.wrong_unit(given)),
        }
    }

    fn wrong_unit(&self, given: &str) -> Objection {
        let others = self.accepted.iter().map(|a| a.unit);
        let all: Vec<&str> = std::iter::once(self.unit).chain(others).collect();
        let mut objection = Objection::new(
            "wrong_unit",
            format!(
                "{} is no unit of {}: {}",
                crate::id::quoted(given),
                self.name,
                all.join(", ")
            ),
        );
        objection.nearest = Some(self.unit.to_owned());
        objection
    }

    /// Whether a value in the canonical unit is one the real world could have.
    pub fn plausible(&self, value: f64) -> bool {
        (self.low..=self.high).contains(&value)
    }
}

/// The name of a quantity: one of the table, or `x_<name>`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Quantity(Text);

impl Quantity {
    /// A quantity of the table, or an own one beginning with `x_`.
    pub fn new(name: &str) -> Result<Self, Objection> {
        if find(name).is_some() || is_own(name) {
            return Ok(Self(name.into()));
        }
        let known = QUANTITIES.iter().map(|row| row.name);
        Err(Objection::unknown(
            "unknown_quantity",
            "quantity",
            name,
            known,
        ))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Its row, where it is not an own one.
    pub fn spec(&self) -> Option<&'static QuantitySpec> {
        find(&self.0)
    }

    /// Whether `true` and `false` are values of it: it only knows yes and no, or nobody knows.
    pub fn yes_or_no(&self) -> bool {
        self.spec()
            .is_none_or(|spec| matches!(spec.unit, "open" | "wet" | "moving"))
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::borrow::Borrow<str> for Quantity {
    fn borrow(&self) -> &str {
        &self.0
    }
}

fn is_own(name: &str) -> bool {
    name.strip_prefix("x_").is_some_and(|rest| {
        (1..=40).contains(&rest.len())
            && rest
                .bytes()
                .all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_converted() {
        let temperature = find("temperature").unwrap();
        assert!((temperature.canonical(77.0, Some("°F")).unwrap() - 25.0).abs() < 1e-9);
        assert!((temperature.canonical(298.15, Some("kelvin")).unwrap() - 25.0).abs() < 1e-9);
        assert_eq!(temperature.canonical(25.0, None).unwrap(), 25.0);
        let wrong = temperature.canonical(25.0, Some("percent")).unwrap_err();
        assert_eq!(wrong.nearest.as_deref(), Some("celsius"));
        assert_eq!(
            find("ec")
                .unwrap()
                .canonical(1200.0, Some("µS/cm"))
                .unwrap(),
            1.2
        );
    }

    #[test]
    fn every_spelling_names_a_unit_of_the_table() {
        for (_, name) in SPELLINGS {
            assert!(
                QUANTITIES
                    .iter()
                    .any(|q| q.unit == *name || q.accepted.iter().any(|a| a.unit == *name)),
                "{name}"
            );
        }
    }

    #[test]
    fn own_quantities_begin_with_x() {
        assert!(Quantity::new("x_sap_flow").is_ok());
        assert!(Quantity::new("x_").is_err());
        assert_eq!(
            Quantity::new("humidty").unwrap_err().nearest.as_deref(),
            Some("humidity")
        );
    }
}
