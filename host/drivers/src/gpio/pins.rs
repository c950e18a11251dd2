//! The pins themselves: a Raspberry Pi's through rppal, or whatever a test puts in their place.

use std::collections::BTreeMap;

use rppal::gpio::{Gpio, InputPin, Level, Mode, OutputPin};

/// Pins that can be driven. Every call comes back at once.
pub(super) trait Pins: Send {
    /// Takes a pin: one that is driven already keeps its level, any other begins at `resting`,
    /// without a spike. Returns where it is.
    fn take(&mut self, pin: u8, resting: bool) -> Result<bool, String>;
    /// Drives a pin high or low, and returns where it is then.
    fn write(&mut self, pin: u8, high: bool) -> Result<bool, String>;
    /// Lets go of a pin; it keeps its level.
    fn leave(&mut self, pin: u8);
    /// Makes a pin an input, pulled up: what is open, or broken, is high.
    fn listen(&mut self, pin: u8) -> Result<(), String>;
    /// Whether an input is high.
    fn look(&mut self, pin: u8) -> Result<bool, String>;
    /// Lets go of an input.
    fn ignore(&mut self, pin: u8);
}

/// The header of a Raspberry Pi.
#[derive(Debug)]
pub(super) struct Raspberry {
    gpio: Gpio,
    taken: BTreeMap<u8, OutputPin>,
    inputs: BTreeMap<u8, InputPin>,
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
            inputs: BTreeMap::new(),
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

    fn listen(&mut self, pin: u8) -> Result<(), String> {
        let raw = self.gpio.get(pin).map_err(|error| error.to_string())?;
        self.inputs.insert(pin, raw.into_input_pullup());
        Ok(())
    }

    fn look(&mut self, pin: u8) -> Result<bool, String> {
        let input = self.inputs.get(&pin);
        let input = input.ok_or_else(|| format!("pin {pin} is not listened to"))?;
        Ok(input.is_high())
    }

    fn ignore(&mut self, pin: u8) {
        self.inputs.remove(&pin);
    }
}
