//! Sensors as they are: late, noisy, rounded.

use growbox_model::Span;

use super::air::Air;
use super::noise;
use super::substrate::Substrate;

/// The sensors of the tent: one at the canopy, one in the room around, a probe in a pot, a float
/// in the bucket of the pump.
pub const SENSORS: [&str; 4] = ["canopy", "room", "pot", "reservoir"];

/// What is really so.
#[derive(Debug, Clone, Copy)]
pub(super) struct Truth {
    pub(super) tent: Air,
    pub(super) room: Air,
    pub(super) substrate: Substrate,
}

/// What a sensor says about one quantity.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SensorReading {
    /// One of [`SENSORS`].
    pub sensor: &'static str,
    /// The quantity, by its name in the catalogue.
    pub quantity: &'static str,
    /// Its value in `unit`.
    pub value: f64,
    /// The quantity's canonical unit.
    pub unit: &'static str,
}

/// How one quantity of one sensor is made.
struct Channel {
    sensor: &'static str,
    quantity: &'static str,
    unit: &'static str,
    /// Takes its part of the truth.
    truth: fn(&Truth) -> f64,
    /// Time constant of its lag, in seconds.
    lag: f64,
    /// Standard deviation of its noise: absolute, and as a share of the value.
    noise: (f64, f64),
    /// What its last digit is worth.
    resolution: f64,
    /// The values it can say at all.
    range: (f64, f64),
}

const ROWS: usize = 8;

/// A digital temperature and humidity sensor behind its cap (a minute and half a minute of lag,
/// noise of a few last digits), an infra-red CO2 sensor, a photodiode, and the first once more
/// in the room; a capacitive probe and a float. Noise is what data sheets call repeatability.
static CHANNELS: [Channel; ROWS] = [
    temperature("canopy", |truth| truth.tent.celsius),
    humidity("canopy", |truth| truth.tent.humidity()),
    Channel {
        sensor: "canopy",
        quantity: "co2",
        unit: "parts_per_million",
        truth: |truth| truth.tent.co2,
        lag: 60.0,
        noise: (5.0, 0.0),
        resolution: 1.0,
        range: (0.0, 10_000.0),
    },
    Channel {
        sensor: "canopy",
        quantity: "ppfd",
        unit: "micromole_per_square_metre_second",
        truth: |truth| truth.tent.ppfd,
        lag: 1.0,
        noise: (0.0, 0.005),
        resolution: 0.1,
        range: (0.0, 3000.0),
    },
    temperature("room", |truth| truth.room.celsius),
    humidity("room", |truth| truth.room.humidity()),
    Channel {
        sensor: "pot",
        quantity: "soil_moisture",
        unit: "percent",
        truth: |truth| truth.substrate.moisture(),
        lag: 45.0,
        noise: (0.1, 0.0),
        resolution: 0.1,
        range: (0.0, 100.0),
    },
    Channel {
        sensor: "reservoir",
        quantity: "water_level",
        unit: "percent",
        truth: |truth| truth.substrate.level(),
        lag: 5.0,
        noise: (0.2, 0.0),
        resolution: 0.5,
        range: (0.0, 100.0),
    },
];

const fn temperature(sensor: &'static str, truth: fn(&Truth) -> f64) -> Channel {
    Channel {
        sensor,
        quantity: "temperature",
        unit: "celsius",
        truth,
        lag: 60.0,
        noise: (0.04, 0.0),
        resolution: 0.01,
        range: (-40.0, 85.0),
    }
}

const fn humidity(sensor: &'static str, truth: fn(&Truth) -> f64) -> Channel {
    Channel {
        sensor,
        quantity: "humidity",
        unit: "percent",
        truth,
        lag: 30.0,
        noise: (0.12, 0.0),
        resolution: 0.01,
        range: (0.0, 100.0),
    }
}

/// Every sensor's element: where it has got to on its way to the truth.
#[derive(Debug, Clone)]
pub(super) struct Sensors {
    seed: u64,
    felt: [f64; ROWS],
}

impl Sensors {
    /// Sensors that have been there for long.
    pub(super) fn new(seed: u64, truth: &Truth) -> Self {
        Self {
            seed,
            felt: std::array::from_fn(|i| (CHANNELS[i].truth)(truth)),
        }
    }

    /// One second nearer to the truth.
    pub(super) fn follow(&mut self, truth: &Truth) {
        for (felt, channel) in self.felt.iter_mut().zip(&CHANNELS) {
            *felt += ((channel.truth)(truth) - *felt) / channel.lag.max(1.0);
        }
    }

    /// What they say at the second `at`.
    pub(super) fn readings(&self, at: Span) -> Vec<SensorReading> {
        let counter = at.0 / Span::seconds(1).0;
        (0..ROWS).map(|row| self.reading(row, counter)).collect()
    }

    fn reading(&self, row: usize, counter: u64) -> SensorReading {
        let Channel {
            sensor,
            quantity,
            unit,
            noise: (absolute, share),
            resolution,
            range,
            ..
        } = CHANNELS[row];
        let felt = self.felt[row];
        let noisy =
            felt + (absolute + share * felt) * noise::gaussian(self.seed, row as u64, counter);
        // Divided, not multiplied: the nearest number to two decimals, not one beside it.
        let steps = 1.0 / resolution;
        let value = ((noisy * steps).round() / steps).clamp(range.0, range.1);
        SensorReading {
            sensor,
            quantity,
            value,
            unit,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLD: Air = Air {
        celsius: 20.0,
        water: 8.0,
        co2: 450.0,
        ppfd: 0.0,
    };
    const WARM: Air = Air {
        celsius: 30.0,
        ..COLD
    };

    fn truth(tent: Air) -> Truth {
        Truth {
            tent,
            room: COLD,
            substrate: Substrate::new(),
        }
    }

    #[test]
    fn a_step_is_felt_by_two_thirds_after_the_lag() {
        let mut sensors = Sensors::new(1, &truth(COLD));
        for _ in 0..60 {
            sensors.follow(&truth(WARM));
        }
        assert!(
            (26.0..26.7).contains(&sensors.felt[0]),
            "{}",
            sensors.felt[0]
        );
    }

    #[test]
    fn noise_never_freezes_a_reading_and_stays_small() {
        let sensors = Sensors::new(1, &truth(COLD));
        let said: Vec<f64> = (0..100).map(|i| sensors.reading(0, i).value).collect();
        assert!(said.iter().any(|value| *value != said[0]));
        assert!(said.iter().all(|value| (value - 20.0).abs() < 0.3));
        assert!(
            said.iter()
                .all(|value| ((value * 100.0).round() / 100.0) == *value)
        );
    }

    #[test]
    fn quantities_and_units_are_the_catalogues() {
        for channel in &CHANNELS {
            let spec = growbox_model::quantity::find(channel.quantity).unwrap();
            assert_eq!(spec.unit, channel.unit);
            assert!(SENSORS.contains(&channel.sensor));
        }
    }
}
