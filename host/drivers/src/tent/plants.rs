//! What a canopy does to the air: it drinks light and CO2 and breathes out water.

use super::air::Air;

/// Four plants in mid-vegetation drink two to four litres in eighteen hours of light, and
/// nearly all of it goes into the air: 0.04 g/s at the dryness they are kept at. This is the
/// rate under full light at a deficit of 1 kPa, before stomata begin to close.
const TRANSPIRATION: f64 = 0.055;

/// Stomata close in the dark, the skin of the leaf does not: a twelfth remains.
const IN_THE_DARK: f64 = 0.08;

/// Leaves defend themselves: the drier the air the more they close, so that the flow levels
/// off instead of growing with the deficit. Per kPa.
const CLOSING: f64 = 0.4;

/// In still air a wet skin of air lies about each leaf. Without the circulation fan a fifth less
/// evaporates.
const IN_STILL_AIR: f64 = 0.8;

/// A canopy that covers the floor of 1.44 m² and takes up 15 µmol/(m²·s) under 400 µmol of
/// light, in 117 mol of air: 0.18 ppm a second at 450 ppm. This is what it would take with all
/// the light and all the CO2 it can use, so that 0.18 remain there.
const UPTAKE: f64 = 0.56;

/// The light at which the uptake above is reached by half, in µmol/(m²·s): leaves of the sun
/// saturate late.
const HALF_LIGHT: f64 = 250.0;

/// Below this there is no net uptake at any light (the compensation point), in ppm; and so
/// far above it the uptake is half of what it can be.
const COMPENSATION: f64 = 50.0;
const HALF_CO2: f64 = 300.0;

/// What plants breathe out day and night, in ppm a second of the tent's air: a tenth of what
/// they take up by day.
const RESPIRATION: f64 = 0.018;

/// Water that evaporates from the leaves, in g/s. `light` is the lamp's level 0…1.
pub(super) fn transpiration(air: &Air, light: f64, circulation: f64) -> f64 {
    let deficit = air.vpd(0.0).max(0.0);
    let stomata = IN_THE_DARK + (1.0 - IN_THE_DARK) * light;
    let wind = IN_STILL_AIR + (1.0 - IN_STILL_AIR) * circulation;
    TRANSPIRATION * stomata * wind * deficit / (1.0 + CLOSING * deficit)
}

/// The change of CO2 by the plants, in ppm a second; negative under light.
pub(super) fn carbon(air: &Air) -> f64 {
    let light = air.ppfd / (air.ppfd + HALF_LIGHT);
    let above = (air.co2 - COMPENSATION).max(0.0);
    RESPIRATION - UPTAKE * light * above / (above + HALF_CO2)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Air = Air {
        celsius: 25.0,
        water: 14.0,
        co2: 450.0,
        ppfd: 400.0,
    };

    #[test]
    fn light_and_wind_and_dryness_drive_transpiration() {
        let full = transpiration(&DAY, 1.0, 1.0);
        assert!((0.03..0.05).contains(&full), "{full}");
        assert!(transpiration(&DAY, 0.0, 1.0) < full / 10.0);
        assert!(transpiration(&DAY, 1.0, 0.0) < full);
        assert!(transpiration(&Air { water: 8.0, ..DAY }, 1.0, 1.0) > full);
        let saturated = Air {
            water: DAY.saturation(),
            ..DAY
        };
        assert!(transpiration(&saturated, 1.0, 1.0) < 1e-9);
    }

    #[test]
    fn plants_take_up_carbon_by_day_and_give_some_back_by_night() {
        assert!((-0.2..-0.16).contains(&carbon(&DAY)), "{}", carbon(&DAY));
        assert!(carbon(&Air { ppfd: 0.0, ..DAY }) > 0.0);
        assert!(
            carbon(&Air {
                co2: COMPENSATION,
                ..DAY
            }) > 0.0
        );
        assert!(carbon(&Air { co2: 1200.0, ..DAY }) < carbon(&DAY));
    }
}
