//! The pins themselves: a Raspberry Pi's through rppal, or whatever a test puts in their place.

use std::collections::BTreeMap;
use std::sync::Arc;

use rppal::gpio::{Gpio, InputPin, Level, OutputPin, Pin};

/// How a machine's pins are opened; or why there are none.
pub type OpenPins = Arc<dyn Fn() -> Result<Box<dyn Pins>, String> + Send + Sync>;

/// Pins that can be driven. Every call comes back at once.
pub trait Pins: Send {
    /// Takes a pin and leaves it as it is, driven or not. Returns whether it is high.
    ///
    /// # Errors
    /// Where there is no such pin, or somebody else has it.
    fn take(&mut self, pin: u8) -> Result<bool, String>;
    /// Drives a pin that was taken high or low, from the first time on and without a spike
    /// before; returns where it is then.
    ///
    /// # Errors
    /// Where it cannot be driven.
    fn write(&mut self, pin: u8, high: bool) -> Result<bool, String>;
    /// Lets go of a pin; it keeps its level.
    fn leave(&mut self, pin: u8);
    /// Makes a pin an input, pulled up: what is open, or broken, is high.
    ///
    /// # Errors
    /// Where there is no such pin, or somebody else has it.
    fn listen(&mut self, pin: u8) -> Result<(), String>;
    /// Whether an input is high.
    ///
    /// # Errors
    /// Where it is not listened to.
    fn look(&mut self, pin: u8) -> Result<bool, String>;
    /// Lets go of an input.
    fn ignore(&mut self, pin: u8);
}

/// The header of a Raspberry Pi.
#[derive(Debug)]
struct Raspberry {
    gpio: Gpio,
    taken: BTreeMap<u8, Taken>,
    inputs: BTreeMap<u8, InputPin>,
}

/// A pin that is somebody's.
#[derive(Debug)]
enum Taken {
    /// Nobody has been ordered anything: it stays what it is.
    Untouched(Pin),
    Driven(OutputPin),
}

/// Opens the header of a Raspberry Pi.
pub(crate) fn raspberry() -> OpenPins {
    Arc::new(|| Ok(Box::new(Raspberry::open()?)))
}

impl Raspberry {
    /// Opens it; on another machine this says so.
    fn open() -> Result<Self, String> {
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
    fn take(&mut self, pin: u8) -> Result<bool, String> {
        let raw = self.gpio.get(pin).map_err(|error| error.to_string())?;
        let high = raw.read() == Level::High;
        self.taken.insert(pin, Taken::Untouched(raw));
        Ok(high)
    }

    fn write(&mut self, pin: u8, high: bool) -> Result<bool, String> {
        let taken = self.taken.remove(&pin);
        let mut driven = match taken.ok_or_else(|| format!("pin {pin} is not taken"))? {
            Taken::Untouched(raw) if high => raw.into_output_high(),
            Taken::Untouched(raw) => raw.into_output_low(),
            Taken::Driven(driven) => driven,
        };
        driven.set_reset_on_drop(false);
        driven.write(if high { Level::High } else { Level::Low });
        let found = driven.is_set_high();
        self.taken.insert(pin, Taken::Driven(driven));
        Ok(found)
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
