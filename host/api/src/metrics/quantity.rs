//! The metric of a quantity: one name per quantity, in Prometheus' base units.

use growbox_model::Quantity;

/// How a quantity is shown.
#[derive(Debug, PartialEq)]
pub(super) struct QuantityMetric {
    /// `growbox_sensor_QUANTITY_UNIT`.
    pub(super) name: String,
    /// What it is.
    pub(super) help: String,
    /// From the canonical unit to the base unit.
    pub(super) factor: f64,
    /// Whether the quantity is a label: own ones share a name.
    pub(super) names_quantity: bool,
}

/// Canonical unit, base unit, factor. No base unit: a plain number or a state.
const UNITS: &[(&str, &str, f64)] = &[
    ("celsius", "celsius", 1.0),
    ("percent", "ratio", 0.01),
    ("kilopascal", "pascals", 1000.0),
    ("hectopascal", "pascals", 100.0),
    ("parts_per_million", "ratio", 1e-6),
    ("lux", "lux", 1.0),
    (
        "micromole_per_square_metre_second",
        "moles_per_square_metre_second",
        1e-6,
    ),
    ("millisiemens_per_centimetre", "siemens_per_metre", 0.1),
    ("watt", "watts", 1.0),
    ("kilowatt_hour", "joules", 3.6e6),
    ("litre_per_minute", "cubic_metres_per_second", 1e-3 / 60.0),
    ("ph", "", 1.0),
    ("open", "", 1.0),
    ("wet", "", 1.0),
    ("moving", "", 1.0),
];

/// The metric of a quantity; none for one of the table whose unit nobody has given a base.
pub(super) fn metric(quantity: &Quantity, unit: &str) -> Option<QuantityMetric> {
    if quantity.spec().is_none() {
        return Some(QuantityMetric {
            name: "growbox_sensor_own".into(),
            help: "Newest reading of a quantity of one's own, in its own unit; fresh ones only."
                .into(),
            factor: 1.0,
            names_quantity: true,
        });
    }
    let (_, base, factor) = UNITS.iter().find(|(canonical, ..)| *canonical == unit)?;
    let name = quantity.as_str();
    let suffix = if base.is_empty() {
        String::new()
    } else {
        format!("_{base}")
    };
    let words = name.replace('_', " ");
    let of = if base.is_empty() {
        String::new()
    } else {
        format!(" in {}", base.replace('_', " "))
    };
    Some(QuantityMetric {
        name: format!("growbox_sensor_{name}{suffix}"),
        help: format!("Newest reading of {words}{of}; fresh ones only."),
        factor: *factor,
        names_quantity: false,
    })
}

#[cfg(test)]
mod tests {
    use growbox_model::quantity::QUANTITIES;

    use super::*;

    #[test]
    fn every_quantity_of_the_table_has_a_metric_in_a_base_unit() {
        for row in QUANTITIES {
            let quantity = Quantity::new(row.name).unwrap();
            let metric = metric(&quantity, row.unit).unwrap_or_else(|| panic!("{}", row.name));
            assert!(metric.name.starts_with("growbox_sensor_"), "{metric:?}");
            for foreign in [
                "kilo", "hecto", "milli", "micro", "percent", "hour", "minute",
            ] {
                assert!(!metric.name.contains(foreign), "{metric:?}");
            }
        }
    }

    #[test]
    fn values_become_base_units() {
        let shown = |name: &str, unit: &str, value: f64| {
            let metric = metric(&Quantity::new(name).unwrap(), unit).unwrap();
            (metric.name, value * metric.factor)
        };
        assert_eq!(
            shown("temperature", "celsius", 24.5),
            ("growbox_sensor_temperature_celsius".into(), 24.5)
        );
        assert_eq!(
            shown("humidity", "percent", 64.0),
            ("growbox_sensor_humidity_ratio".into(), 0.64)
        );
        assert_eq!(
            shown("vpd", "kilopascal", 1.5),
            ("growbox_sensor_vpd_pascals".into(), 1500.0)
        );
        assert_eq!(
            shown("energy", "kilowatt_hour", 2.0),
            ("growbox_sensor_energy_joules".into(), 7.2e6)
        );
        assert_eq!(
            shown("x_wind", "beaufort", 3.0),
            ("growbox_sensor_own".into(), 3.0)
        );
    }
}
