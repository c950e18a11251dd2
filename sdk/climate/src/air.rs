//! Water in air: saturation, deficit, dew point and absolute humidity.

/// 0 °C in kelvin.
const ZERO_CELSIUS_KELVIN: f64 = 273.15;
/// Tetens' constants over water: pressure at 0 °C in kPa, slope, and pole in °C.
const TETENS_KILOPASCAL: f64 = 0.6108;
const TETENS_SLOPE: f64 = 17.27;
const TETENS_CELSIUS: f64 = 237.3;
/// Molar mass of water over the gas constant, in g·K/J (that is g·K/(m³·Pa)).
const WATER_VAPOUR_GRAM_KELVIN: f64 = 2.1674;

/// Saturation vapour pressure in kPa over water at `celsius`, by Tetens' equation.
#[must_use]
pub fn saturation_vapour_pressure(celsius: f64) -> f64 {
    TETENS_KILOPASCAL * (TETENS_SLOPE * celsius / (celsius + TETENS_CELSIUS)).exp()
}

/// Vapour pressure deficit in kPa between the inside of a leaf and the air around it.
///
/// `leaf_offset` is leaf minus air in °C, negative under LED. A negative result means that
/// water condenses on the leaf.
#[must_use]
pub fn vpd(air_celsius: f64, humidity_percent: f64, leaf_offset: f64) -> f64 {
    saturation_vapour_pressure(air_celsius + leaf_offset)
        - humidity_percent / 100.0 * saturation_vapour_pressure(air_celsius)
}

/// Temperature in °C at which the water in the air begins to condense (Tetens, inverted).
///
/// Perfectly dry air has none: the result tends to −237.3 as `humidity_percent` tends to 0.
#[must_use]
pub fn dew_point(air_celsius: f64, humidity_percent: f64) -> f64 {
    if humidity_percent <= 0.0 {
        return -TETENS_CELSIUS;
    }
    let gamma = (humidity_percent / 100.0).ln()
        + TETENS_SLOPE * air_celsius / (TETENS_CELSIUS + air_celsius);
    TETENS_CELSIUS * gamma / (TETENS_SLOPE - gamma)
}

/// Water in the air in g/m³, by the ideal gas law: what an exhaust really exchanges.
#[must_use]
pub fn absolute_humidity(air_celsius: f64, humidity_percent: f64) -> f64 {
    let pascal = humidity_percent / 100.0 * saturation_vapour_pressure(air_celsius) * 1000.0;
    WATER_VAPOUR_GRAM_KELVIN * pascal / (air_celsius + ZERO_CELSIUS_KELVIN)
}

/// Relative humidity in % of air at `air_celsius` that carries `grams_per_cubic_metre` of water.
///
/// Over 100 means more than the air can hold.
#[must_use]
pub fn relative_humidity_from_absolute(air_celsius: f64, grams_per_cubic_metre: f64) -> f64 {
    let pascal =
        grams_per_cubic_metre * (air_celsius + ZERO_CELSIUS_KELVIN) / WATER_VAPOUR_GRAM_KELVIN;
    pascal / (saturation_vapour_pressure(air_celsius) * 1000.0) * 100.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Values of the growers' tables, to two decimals.
    #[test]
    fn vpd_matches_the_tables() {
        for (celsius, humidity, offset, expected) in [
            (25.0, 60.0, 0.0, 1.27),
            (25.0, 60.0, -2.0, 0.91),
            (25.0, 60.0, 2.0, 1.66),
            (28.0, 70.0, -1.5, 0.82),
            (22.0, 45.0, 0.0, 1.45),
            (20.0, 65.0, 0.0, 0.82),
        ] {
            let found = vpd(celsius, humidity, offset);
            assert!(
                (found - expected).abs() < 0.005,
                "{celsius} °C {humidity} % {offset}: {found}"
            );
        }
    }

    #[test]
    fn dew_point_matches_the_table() {
        assert!((dew_point(25.0, 60.0) - 16.7).abs() < 0.05);
    }

    #[test]
    fn dry_air_has_no_dew_point_to_speak_of() {
        assert_eq!(dew_point(25.0, 0.0), -237.3);
        assert!(dew_point(25.0, 1e-300) > -237.3);
    }

    #[test]
    fn warm_room_air_carries_about_fourteen_grams() {
        assert!((absolute_humidity(25.0, 60.0) - 13.8).abs() < 0.05);
    }

    proptest! {
        #[test]
        fn saturated_air_has_no_deficit(celsius in -40.0..85.0_f64) {
            prop_assert!(vpd(celsius, 100.0, 0.0).abs() < 1e-12);
        }

        #[test]
        fn drier_air_has_a_greater_deficit(
            celsius in -20.0..60.0_f64, humidity in 1.0..100.0_f64,
            drier_by in 0.1..1.0_f64, offset in -5.0..5.0_f64,
        ) {
            prop_assert!(vpd(celsius, humidity - drier_by, offset) > vpd(celsius, humidity, offset));
        }

        #[test]
        fn a_warmer_leaf_has_a_greater_deficit(
            celsius in -20.0..60.0_f64, humidity in 0.0..100.0_f64, warmer_by in 0.1..5.0_f64,
        ) {
            prop_assert!(vpd(celsius, humidity, warmer_by) > vpd(celsius, humidity, 0.0));
        }

        #[test]
        fn dew_point_is_never_above_the_air(celsius in -40.0..85.0_f64, humidity in 0.1..100.0_f64) {
            prop_assert!(dew_point(celsius, humidity) <= celsius + 1e-9);
        }

        #[test]
        fn air_cooled_to_its_dew_point_is_saturated(
            celsius in -20.0..60.0_f64, humidity in 1.0..100.0_f64,
        ) {
            let held = humidity / 100.0 * saturation_vapour_pressure(celsius);
            let at_dew = saturation_vapour_pressure(dew_point(celsius, humidity));
            prop_assert!((held - at_dew).abs() < 1e-9);
        }

        #[test]
        fn absolute_humidity_goes_there_and_back(
            celsius in -40.0..85.0_f64, humidity in 0.0..100.0_f64,
        ) {
            let grams = absolute_humidity(celsius, humidity);
            prop_assert!((relative_humidity_from_absolute(celsius, grams) - humidity).abs() < 1e-9);
        }
    }
}
