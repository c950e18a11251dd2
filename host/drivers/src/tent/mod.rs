//! The simulated tent: a grow tent of 1.2 m that behaves believably and always the same.
//!
//! ```text
//!   set(output, level, within) ──▶ devices ─┐
//!                                           ├─▶ balance: heat, water, CO2 ──▶ air ──▶ sensors ──▶ readings
//!   ambient (21 °C, 45 %, day rhythm) ──────┤                                  │
//!   plants (light and dryness drive them) ◀─┴──────────────────────────────────┘
//!     ▲ drink                                                                        ▲
//!   pots ◀── pump ◀── bucket ─────────────────────────────────────────────────────────┘
//! ```
//!
//! Time is an argument: the tent moves only in [`Tent::step`]. Inside, the
//! physics run on a fixed grid of one second, so that a minute at once and sixty
//! seconds one by one give the same air to the last bit, at any speed. Noise is a
//! function of seed, series and second: the same seed, the same readings.
//!
//! What is left out, because no controller can tell: the temperature of leaves
//! (the configuration has an offset for it), layers of air, the wetness of walls.

mod air;
mod ambient;
mod balance;
mod devices;
mod noise;
mod plants;
mod sensors;
mod substrate;

use growbox_model::{Objection, Span};

pub use air::Air;
pub use devices::{OUTPUTS, Output};
pub use sensors::{SENSORS, SensorReading};

use ambient::Ambient;
use devices::Devices;
use sensors::{Sensors, Truth};
use substrate::Substrate;

/// The grid on which the physics run. The fastest balance of the tent (exhaust at full
/// speed) has a time constant of minutes, so that a step of one second errs by far less
/// than a sensor sees, and a simulated day is 86 400 short steps.
const TICK: Span = Span::seconds(1);

/// A tent with its air, plants, devices and sensors.
#[derive(Debug, Clone)]
pub struct Tent {
    now: Span,
    ticked: Span,
    time_of_day: Span,
    air: Air,
    substrate: Substrate,
    devices: Devices,
    sensors: Sensors,
}

/// An output that changed its level.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Switch {
    /// When, in the tent's own time.
    pub at: Span,
    /// Which.
    pub output: Output,
    /// To which level, 0…1.
    pub level: f64,
    /// Why.
    pub by: SwitchedBy,
}

/// Why an output changed its level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SwitchedBy {
    /// Somebody set it.
    Order,
    /// It was set with a time limit and nobody set it again.
    DeadMan,
}

impl Tent {
    /// A tent at midnight, its air that of the room around it, everything off.
    pub fn new(seed: u64) -> Self {
        let ambient = Ambient::at(Span::ZERO);
        Self {
            now: Span::ZERO,
            ticked: Span::ZERO,
            time_of_day: Span::ZERO,
            air: ambient.air,
            substrate: Substrate::new(),
            devices: Devices::default(),
            sensors: Sensors::new(
                seed,
                &Truth {
                    tent: ambient.air,
                    room: ambient.air,
                    substrate: Substrate::new(),
                },
            ),
        }
    }

    /// Says which time of day the tent's present second is (the room around it has a day rhythm).
    pub fn set_time_of_day(&mut self, time_of_day: Span) {
        self.time_of_day =
            Span((time_of_day.0 + ambient::DAY.0 - self.now.0 % ambient::DAY.0) % ambient::DAY.0);
    }

    /// The tent's own time: the sum of its steps.
    pub fn now(&self) -> Span {
        self.now
    }

    /// Lets `span` pass; returns the outputs that went off by themselves, in order of time.
    pub fn step(&mut self, span: Span) -> Vec<Switch> {
        let target = Span(self.now.0.saturating_add(span.0));
        let mut lapsed = Vec::new();
        loop {
            let tick = Span(self.ticked.0.saturating_add(TICK.0));
            self.now = self
                .devices
                .next_lapse()
                .unwrap_or(target)
                .min(tick)
                .min(target)
                .max(self.now);
            if self.now == tick {
                self.tick();
            }
            lapsed.extend(self.lapse());
            if self.now >= target {
                return lapsed;
            }
        }
    }

    fn tick(&mut self) {
        let ambient = self.ambient();
        let (levels, seconds) = (self.devices.levels(), TICK.as_seconds());
        let supply = self.substrate.supply();
        let drunk = supply * plants::transpiration(&self.air, levels.light, levels.circulation);
        self.substrate = self.substrate.after(levels.pump, drunk, seconds);
        self.air = balance::after(self.air, &ambient.air, &levels, drunk, seconds);
        self.ticked = self.now;
        self.sensors.follow(&Truth {
            tent: self.air,
            room: ambient.air,
            substrate: self.substrate,
        });
    }

    fn lapse(&mut self) -> impl Iterator<Item = Switch> + use<> {
        let at = self.now;
        let off = self.devices.lapse(at);
        off.into_iter().map(move |output| Switch {
            at,
            output,
            level: 0.0,
            by: SwitchedBy::DeadMan,
        })
    }

    /// Sets an output to a level 0…1. With `within` it goes off by itself after that
    /// time unless it is set again. Returns the switch where the level changed.
    ///
    /// # Errors
    ///
    /// The level is none, or the output is switched and the level is neither 0 nor 1.
    pub fn set(
        &mut self,
        output: Output,
        level: f64,
        within: Option<Span>,
    ) -> Result<Option<Switch>, Objection> {
        let until = within.map(|span| Span(self.now.0.saturating_add(span.0)));
        let changed = self.devices.set(output, level, until)?;
        let at = self.now;
        Ok(changed.then_some(Switch {
            at,
            output,
            level,
            by: SwitchedBy::Order,
        }))
    }

    /// When the next output goes off by itself, in the tent's own time.
    pub fn next_lapse(&self) -> Option<Span> {
        self.devices.next_lapse()
    }

    /// The level of an output, 0…1.
    pub fn level(&self, output: Output) -> f64 {
        self.devices.levels().of(output)
    }

    /// The true air of the tent, which no sensor sees.
    pub fn air(&self) -> Air {
        self.air
    }

    /// The true water of the pots, in percent of their volume, which no sensor sees.
    pub fn moisture(&self) -> f64 {
        self.substrate.moisture()
    }

    /// Somebody fills the bucket that the pump draws from.
    pub fn refill(&mut self) {
        self.substrate.refill();
    }

    /// The true air around the tent.
    pub fn ambient_air(&self) -> Air {
        self.ambient().air
    }

    fn ambient(&self) -> Ambient {
        Ambient::at(Span(self.time_of_day.0.saturating_add(self.now.0)))
    }

    /// What every sensor says now: late, noisy and rounded. The same second says the same.
    pub fn readings(&self) -> Vec<SensorReading> {
        self.sensors.readings(self.ticked)
    }
}

#[cfg(test)]
mod tests;
