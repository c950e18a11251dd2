//! The pins themselves: a Raspberry Pi's through rppal, or whatever a test puts in their place.

use std::collections::BTreeMap;

use rppal::gpio::{Gpio, Level, Mode, OutputPin};

/// Pins that can be driven. Every call comes back at once.
pub(super) trait Pins: Send {
    /// Takes a pin: one that is driven already keeps its level, any other begins at `resting`,
    /// without a spike. Returns where it is.
    fn take(&mut self, pin: u8, resting: bool) -> Result<bool, String>;
    /// Drives a pin high or low, and returns where it is then.
    fn write(&mut self, pin: u8, high: bool) -> Result<bool, String>;
    /// Lets go of a pin; it keeps its level.
    fn leave(&mut self, pin: u8);
}

/// The header of a Raspberry Pi.
#[derive(Debug)]
pub(super) struct Raspberry {
    gpio: Gpio,
    taken: BTreeMap<u8, OutputPin>,
}

impl Raspberry {
    /// Opens it; on another machine this says so.
    pub(super) fn open() -> Result<Self, String> {
        let gpio = Gpio::new().map_err(|error| {
            format!("this machine has no pins that growbox can drive ({error}); gpio: needs a Raspberry Pi and access to /dev/gpiomem")
        })?;
        Ok(Self {
            gpio,
            taken: BTreeMap::new(),
        })
    }
}

impl Pins for Raspberry {
    fn take(&mut self, pin: u8, resting: bool) -> Result<bool, String> {
        let raw = self.gpio.get(pin).map_err(|error| error.to_string())?;
        let driven = raw.mode() == Mode::Output;
        let high = if driven {
            raw.read() == Level::High
        } else {
            resting
        };
        let mut taken = if high {
            raw.into_output_high()
        } else {
            raw.into_output_low()
        };
        taken.set_reset_on_drop(false);
        self.taken.insert(pin, taken);
        Ok(high)
    }

    fn write(&mut self, pin: u8, high: bool) -> Result<bool, String> {
        let taken = self.taken.get_mut(&pin);
        let taken = taken.ok_or_else(|| format!("pin {pin} is not taken"))?;
        taken.write(if high { Level::High } else { Level::Low });
        Ok(taken.is_set_high())
    }

    fn leave(&mut self, pin: u8) {
        self.taken.remove(&pin);
    }
}
