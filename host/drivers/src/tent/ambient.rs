//! The room around the tent: where leaks draw from and the exhaust blows to.

use std::f64::consts::TAU;

use growbox_climate as climate;
use growbox_model::Span;

use super::air::Air;

/// One day.
pub(super) const DAY: Span = Span::hours(24);

/// A heated living room in the cold half of the year: 21 °C on the mean of the day and
/// 45 % there, which is 8.2 g/m³. Drier than every growth stage wants, so that the exhaust
/// dries and the humidifier has something to do; cooler than the tent under its lamp.
const MEAN_CELSIUS: f64 = 21.0;
const HUMIDITY_AT_MEAN: f64 = 45.0;

/// People come home, the sun shines in, the heating is turned down at night: a room swings
/// by a degree or so, and is warmest in the afternoon. Its water does not follow: nobody adds
/// or takes any, so relative humidity swings the other way by itself.
const SWING_KELVIN: f64 = 0.8;
const WARMEST: Span = Span::hours(16);

/// Outdoor air has 425 ppm; a room in which somebody lives and that is aired has a little more.
const CO2_PPM: f64 = 450.0;

/// The air of the room at one instant.
pub(super) struct Ambient {
    /// Temperature, water and CO2; its light is that of the room and counts as none.
    pub(super) air: Air,
}

impl Ambient {
    /// The room `since_midnight`, which may be more than a day.
    pub(super) fn at(since_midnight: Span) -> Self {
        let phase = (since_midnight.as_seconds() - WARMEST.as_seconds()) / DAY.as_seconds();
        Self {
            air: Air {
                celsius: MEAN_CELSIUS + SWING_KELVIN * (TAU * phase).cos(),
                water: climate::absolute_humidity(MEAN_CELSIUS, HUMIDITY_AT_MEAN),
                co2: CO2_PPM,
                ppfd: 0.0,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn afternoons_are_warmest_and_driest() {
        let afternoon = Ambient::at(Span::hours(16)).air;
        let night = Ambient::at(Span::hours(24 + 4)).air;
        assert!((afternoon.celsius - 21.8).abs() < 1e-9);
        assert!((night.celsius - 20.2).abs() < 1e-9);
        assert!(afternoon.humidity() < night.humidity());
    }
}
