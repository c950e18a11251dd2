//! Protection: what a device may do beyond its level, which circuit feeds it, and which readings end everything.
//!
//! Everything here is configuration with its defaults filled in; the gate acts on it.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::id::{DeviceId, SensorId, Text, ZoneId};
use crate::quantity::Quantity;
use crate::time::{Instant, Moment, Span};

/// How fast a level may change while the device runs: at most one step in each stretch.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Slew {
    /// The largest step, 0…1.
    pub step: f64,
    /// Between two steps.
    pub every: Span,
}

/// Hours in which a device is to be quiet, by the local clock of the node.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct QuietHours {
    /// From, seconds after local midnight.
    pub from: u32,
    /// To, seconds after local midnight; before `from` it is the next day.
    pub to: u32,
    /// The highest level meanwhile.
    pub max_level: f64,
}

impl QuietHours {
    /// Whether a time of day lies in them.
    pub fn hold(&self, second_of_day: u32) -> bool {
        if self.from <= self.to {
            (self.from..self.to).contains(&second_of_day)
        } else {
            second_of_day >= self.from || second_of_day < self.to
        }
    }
}

/// What else tells whether a device does as it is told.
#[derive(Debug, Clone, PartialEq)]
pub struct Feedback {
    /// The sensor that tells: a power reading, a state topic, an input pin.
    pub sensor: SensorId,
    /// Its quantity.
    pub quantity: Quantity,
    /// The device is on while the reading is above this, in the canonical unit.
    pub on_above: f64,
    /// How long after a switch the reading may take to agree.
    pub within: Span,
}

/// What a plug does when its power returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PowerOn {
    /// It stays off.
    Off,
    /// It goes on.
    On,
    /// As it was before.
    Previous,
}

/// `[circuit.ID]`: a fuse, and what may hang on it at once.
#[derive(Debug, Clone, PartialEq)]
pub struct CircuitSpec {
    /// Which.
    pub id: Text,
    /// The most it may carry, ampere.
    pub max_amperes: f64,
    /// Its voltage.
    pub volts: f64,
}

impl CircuitSpec {
    /// What a device of so many watts draws of it at a level, ampere.
    pub fn draw(&self, watts: f64, level: f64) -> f64 {
        watts * level / self.volts
    }
}

/// `[safety.ID]`, or one that a role brings: a condition, and where devices go while it holds.
#[derive(Debug, Clone, PartialEq)]
pub struct SafetySpec {
    /// Which.
    pub id: Text,
    /// The zone it watches.
    pub zone: ZoneId,
    /// What must not be.
    pub when: Danger,
    /// How long it must have been so.
    pub dwell: Span,
    /// Whether a person must reset it; else it ends by itself once it has been well for `dwell`.
    pub latch: bool,
    /// Where devices go. May be empty: then it only says so.
    pub devices: BTreeMap<DeviceId, f64>,
    /// What to tell people.
    pub message: Text,
    /// Shipped with growbox rather than configured.
    pub shipped: bool,
}

/// What a safety rule watches for.
#[derive(Debug, Clone, PartialEq)]
pub enum Danger {
    /// A measure at or above a limit; over once it is below `clear`.
    Above {
        /// Of what.
        quantity: Quantity,
        /// The limit, canonical unit.
        limit: f64,
        /// Where it is over; at most the limit.
        clear: f64,
    },
    /// A measure at or below a limit; over once it is above `clear`.
    Below {
        /// Of what.
        quantity: Quantity,
        /// The limit, canonical unit.
        limit: f64,
        /// Where it is over; at least the limit.
        clear: f64,
    },
    /// Air at most so far above its dew point; over once it is `clear` above.
    NearDewPoint {
        /// The margin, °C.
        margin: f64,
        /// Where it is over, °C.
        clear: f64,
    },
    /// No sensor of this quantity in the zone can be believed.
    Untrusted {
        /// Of what.
        quantity: Quantity,
        /// Why it cannot be believed: any of these.
        troubles: Vec<Trouble>,
    },
}

/// Why a sensor is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Trouble {
    /// Nothing came for three times its interval.
    Stale,
    /// It said something outside its plausible range.
    Bad,
    /// It has said the very same for far longer than its noise allows.
    Frozen,
    /// It never spoke since the start.
    Absent,
}

impl Trouble {
    /// Its name in the configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stale => "stale",
            Self::Bad => "bad",
            Self::Frozen => "frozen",
            Self::Absent => "absent",
        }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A safety rule that has tripped, as the log keeps it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Trip {
    /// Which rule.
    pub rule: Text,
    /// Where.
    pub zone: ZoneId,
    /// Why, with the reading, in words.
    pub message: Text,
    /// Since when.
    pub since: Instant,
    /// It stands until a person resets it.
    pub latched: bool,
}

/// A device that is locked out, as the log keeps it: it stays off until a person unlocks it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LockOut {
    /// Who: a person's name.
    pub who: Text,
    /// Why.
    pub reason: Text,
    /// Since when.
    pub since: Instant,
}

/// What the guardian does when the host is gone: handed over at every change, kept as `safe.json`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct SafePlan {
    /// Where each device goes, in the order in which it is driven. Those that are only observed are not in it.
    pub devices: Vec<SafeDevice>,
}

/// One device of the safe plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SafeDevice {
    /// Which.
    pub device: DeviceId,
    /// The driver's address of it.
    pub output: Text,
    /// On is the low level of its pin.
    #[serde(default)]
    pub active_low: bool,
    /// Where it is safe.
    pub safe_level: f64,
    /// Where it is or is heading as far as the host knows; none while unknown.
    pub level: Option<f64>,
    /// Its driver has said that it is there.
    #[serde(default)]
    pub confirmed: bool,
    /// It has to rest so long before it may go on.
    pub min_off: Span,
    /// When its minimum off lets it go on, machine clock (CLOCK_BOOTTIME); none: at once.
    pub free_at: Option<Moment>,
    /// Its minimum on lasts until then, machine clock; the guardian breaks it, and says so.
    #[serde(default)]
    pub bound_until: Option<Moment>,
}

impl SafeDevice {
    /// Whether it is known to be at its safe level.
    pub fn is_safe(&self) -> bool {
        self.confirmed && self.level == Some(self.safe_level)
    }
}

/// What the guardian did to a device while there was no host.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Deed {
    /// When it was confirmed, by the machine's wall clock.
    pub at: Instant,
    /// Which device.
    pub device: DeviceId,
    /// The level the host knew last.
    pub from: Option<f64>,
    /// Its safe level.
    pub to: f64,
    /// Why there was no host.
    pub why: Text,
}
