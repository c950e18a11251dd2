//! Beside: what the policies of one device are told of the others.

use growbox_model::{DeviceId, Moment, Text};

/// All there is to know; nothing for a device that stands alone.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Beside {
    /// Why it counts as dark, for a device that only runs in the light.
    pub(crate) dark: Option<Dark>,
    /// Who keeps it from running.
    pub(crate) excluded: Option<Exclusion>,
    /// Who may still run, though a forced wish has waited for it as long as it does.
    pub(crate) despite: Option<DeviceId>,
    /// Who must run before it, and does not, or not long enough.
    pub(crate) lacks: Option<Lack>,
    /// Who runs only as long as it does.
    pub(crate) carries: Option<DeviceId>,
    /// What its circuit has left.
    pub(crate) power: Option<Power>,
    /// Whose forced wish it is in the way of.
    pub(crate) gives_way: Option<Way>,
    /// The level up to which it is in nobody's way.
    pub(crate) idle: f64,
    /// Seconds after local midnight, where it has quiet hours and somebody knows.
    pub(crate) second_of_day: Option<u32>,
}

/// A forced wish that a device is in the way of.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Way {
    /// Of which device.
    pub(crate) other: DeviceId,
    /// What forces it, for the record: a safety rule, a stop, the end.
    pub(crate) by: Text,
    pub(crate) policy: &'static str,
}

/// Why there is no light.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dark {
    /// By the zone's day.
    Night,
    /// No lamp of the zone is on for certain.
    LampsOff,
    /// The zone has neither a day nor lamps.
    Unknown,
}

/// A neighbour that must not run at the same time.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Exclusion {
    pub(crate) other: DeviceId,
    /// Whether anybody knows where it is.
    pub(crate) known: bool,
    /// Nobody knows where the device itself is either: it is left alone rather than switched off.
    pub(crate) leaves: bool,
    pub(crate) free_at: Option<Moment>,
}

/// A neighbour that must run first.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Lack {
    pub(crate) other: DeviceId,
    /// When it has run long enough; none while it does not run.
    pub(crate) free_at: Option<Moment>,
}

/// A circuit as one of its devices meets it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Power {
    pub(crate) circuit: Text,
    /// Ampere.
    pub(crate) limit: f64,
    /// The level up to which the device fits beside all others.
    pub(crate) highest: f64,
    /// The most it may be at already; nothing where nobody knows.
    pub(crate) here: f64,
    /// When the next device may start on it.
    pub(crate) next_start: Moment,
}
