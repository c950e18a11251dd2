//! The tent's outputs: their levels, and the timers that put them off by themselves.

use std::fmt;

use growbox_model::{Objection, Span};

/// Every output of the tent, in the order of its declaration.
pub const OUTPUTS: [Output; 7] = [
    Output::Heater,
    Output::Humidifier,
    Output::Dehumidifier,
    Output::Exhaust,
    Output::Circulation,
    Output::Light,
    Output::Pump,
];

/// Something in the tent that can be set to a level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Output {
    /// Fan heater, 400 W, switched.
    Heater,
    /// Ultrasonic humidifier, 290 g/h, switched.
    Humidifier,
    /// Compressor, 130 W, switched; heats.
    Dehumidifier,
    /// Inline fan, 180 m³/h at full speed, any level.
    Exhaust,
    /// Clip fans, any level.
    Circulation,
    /// LED fixture, 240 W and 405 µmol/(m²·s) at full level, any level.
    Light,
    /// Irrigation, 1.8 l/min out of a bucket of 30 l, switched.
    Pump,
}

impl Output {
    /// The name it is addressed by.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Heater => "heater",
            Self::Humidifier => "humidifier",
            Self::Dehumidifier => "dehumidifier",
            Self::Exhaust => "exhaust",
            Self::Circulation => "circulation",
            Self::Light => "light",
            Self::Pump => "pump",
        }
    }

    /// The output of that name.
    ///
    /// # Errors
    ///
    /// `unknown_output`, naming the nearest.
    pub fn named(name: &str) -> Result<Self, Objection> {
        OUTPUTS
            .into_iter()
            .find(|output| output.name() == name)
            .ok_or_else(|| {
                let known = OUTPUTS.map(Self::name);
                Objection::unknown(
                    "unknown_output",
                    "output of the simulated tent",
                    name,
                    known,
                )
            })
    }

    /// Whether it knows only off and on.
    pub const fn switched(self) -> bool {
        matches!(
            self,
            Self::Heater | Self::Humidifier | Self::Dehumidifier | Self::Pump
        )
    }

    fn check(self, level: f64) -> Result<(), Objection> {
        let fits = if self.switched() {
            level == 0.0 || level == 1.0
        } else {
            (0.0..=1.0).contains(&level)
        };
        let form = if self.switched() {
            "0 or 1: it is switched"
        } else {
            "0…1"
        };
        fits.then_some(()).ok_or_else(|| {
            Objection::new(
                "bad_level",
                format!("{level} is no level of {self}, which takes {form}"),
            )
        })
    }
}

impl fmt::Display for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The level of every output, 0…1.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Levels {
    pub(super) heater: f64,
    pub(super) humidifier: f64,
    pub(super) dehumidifier: f64,
    pub(super) exhaust: f64,
    pub(super) circulation: f64,
    pub(super) light: f64,
    pub(super) pump: f64,
}

impl Levels {
    pub(super) fn of(&self, output: Output) -> f64 {
        match output {
            Output::Heater => self.heater,
            Output::Humidifier => self.humidifier,
            Output::Dehumidifier => self.dehumidifier,
            Output::Exhaust => self.exhaust,
            Output::Circulation => self.circulation,
            Output::Light => self.light,
            Output::Pump => self.pump,
        }
    }

    fn slot(&mut self, output: Output) -> &mut f64 {
        match output {
            Output::Heater => &mut self.heater,
            Output::Humidifier => &mut self.humidifier,
            Output::Dehumidifier => &mut self.dehumidifier,
            Output::Exhaust => &mut self.exhaust,
            Output::Circulation => &mut self.circulation,
            Output::Light => &mut self.light,
            Output::Pump => &mut self.pump,
        }
    }
}

/// Levels and, for some of them, the time at which they end.
#[derive(Debug, Clone, Default)]
pub(super) struct Devices {
    levels: Levels,
    until: [Option<Span>; OUTPUTS.len()],
}

impl Devices {
    pub(super) fn levels(&self) -> Levels {
        self.levels
    }

    /// Sets a level and its end; the end of the order before is forgotten. True where the level changed.
    pub(super) fn set(
        &mut self,
        output: Output,
        level: f64,
        until: Option<Span>,
    ) -> Result<bool, Objection> {
        output.check(level)?;
        let slot = self.levels.slot(output);
        let changed = *slot != level;
        *slot = level;
        self.until[output as usize] = until.filter(|_| level > 0.0);
        Ok(changed)
    }

    /// The earliest end of any level.
    pub(super) fn next_lapse(&self) -> Option<Span> {
        self.until.iter().flatten().min().copied()
    }

    /// Puts off what has reached its end by `now`.
    pub(super) fn lapse(&mut self, now: Span) -> Vec<Output> {
        let due = |output: &Output| self.until[*output as usize].is_some_and(|until| until <= now);
        let lapsed: Vec<Output> = OUTPUTS.into_iter().filter(due).collect();
        for output in &lapsed {
            *self.levels.slot(*output) = 0.0;
            self.until[*output as usize] = None;
        }
        lapsed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_checked() {
        let mut devices = Devices::default();
        for level in [f64::NAN, -0.1, 1.1, f64::INFINITY] {
            assert!(
                devices.set(Output::Exhaust, level, None).is_err(),
                "{level}"
            );
        }
        assert!(devices.set(Output::Heater, 0.3, None).is_err());
        assert_eq!(devices.levels(), Levels::default());
        assert!(devices.set(Output::Exhaust, 0.3, None).unwrap());
        assert!(!devices.set(Output::Exhaust, 0.3, None).unwrap());
    }

    #[test]
    fn names_lead_back() {
        for output in OUTPUTS {
            assert_eq!(Output::named(output.name()).unwrap(), output);
        }
        let refusal = Output::named("exaust").unwrap_err();
        assert_eq!(refusal.nearest.as_deref(), Some("exhaust"));
    }

    #[test]
    fn a_newer_order_forgets_the_older_end() {
        let mut devices = Devices::default();
        devices
            .set(Output::Heater, 1.0, Some(Span::seconds(5)))
            .unwrap();
        devices.set(Output::Heater, 1.0, None).unwrap();
        assert_eq!(devices.next_lapse(), None);
        assert!(devices.lapse(Span::hours(1)).is_empty());
    }
}
