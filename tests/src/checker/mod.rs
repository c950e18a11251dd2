//! The independent checker: what really happened outside, judged by the limits alone.
//!
//! It knows nothing of the gate. What devices did comes from the far side's own record, with the
//! far side's own times; the exported log is believed for verdicts and reasons only, and is laid
//! beside the record by the readings that stand in both.
//!
//! ```text
//! Limits                what the devices may do, as plain data
//! Vec<Entry>            what they did                            (Outside::record)
//! Vec<Value>            what the host says it decided, and why   (growbox events export)
//!        └─ judge ─▶ Vec<Fault>, empty where every promise was kept
//! ```
//!
//! Shortest times are judged to the grain of the clocks: no delay on the way can excuse them,
//! because the host counts from what it was told. Longest times are judged with `slack`, since a
//! machine that stands still ends nothing. Where the far side knows only in which step something
//! happened, a fault is what was one in any case.

mod locks;
mod moments;
mod runs;
#[cfg(test)]
mod tests;
mod together;
mod verdicts;

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;

use crate::record::Entry;
use moments::Moments;

/// What one device may do. Times are seconds of the room.
#[derive(Debug, Clone, Default)]
pub struct DeviceLimits {
    /// Once on, at least so long.
    pub min_on: f64,
    /// Once off, at least so long.
    pub min_off: f64,
    /// At most so long in one run.
    pub max_on: Option<f64>,
    /// Runs in any 24 hours.
    pub doses_per_day: Option<usize>,
    /// Starts in any hour.
    pub starts_per_hour: Option<usize>,
    /// Levels it may run at; none: any.
    pub runs_at: Option<(f64, f64)>,
    /// What it draws at full level.
    pub watts: f64,
    /// Where it is safe.
    pub safe_level: f64,
    /// Where a stop brings it while it is hot.
    pub emergency_level: f64,
}

/// A fuse, and the devices behind it.
#[derive(Debug, Clone)]
pub struct Circuit {
    /// The most it may carry.
    pub max_amperes: f64,
    /// Its voltage.
    pub volts: f64,
    /// Who hangs on it.
    pub devices: Vec<String>,
}

/// Everything that binds a room.
#[derive(Debug, Clone, Default)]
pub struct Limits {
    /// By device; its output at the far side has the same name.
    pub devices: BTreeMap<String, DeviceLimits>,
    /// The fuses.
    pub circuits: Vec<Circuit>,
    /// Pairs that never run at once.
    pub never_together: Vec<(String, String)>,
    /// Who starts only after whom, and runs only as long as that.
    pub needs_first: Vec<(String, String)>,
    /// So long a neighbour must have been out of the way, or on.
    pub settle_time: f64,
    /// The grain of the clocks: shortest times may be missed by this.
    pub grain: f64,
    /// What a slow machine may add to longest times, and between an act and its record.
    pub slack: f64,
    /// The room's time stands still while no host runs, and with it the longest run.
    pub stands_still: bool,
    /// What happened so shortly before a host was killed may have died with it, unwritten.
    pub forgotten: f64,
}

/// A promise that was broken.
#[derive(Debug, Clone, PartialEq)]
pub struct Fault {
    /// When, by the far side; none where only the log tells.
    pub at: Option<f64>,
    /// Which promise.
    pub promise: &'static str,
    /// By whom, and how far.
    pub how: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.at {
            Some(at) => write!(f, "{:.3}: {}: {}", at, self.promise, self.how),
            None => write!(f, "{}: {}", self.promise, self.how),
        }
    }
}

impl Fault {
    fn at(at: f64, promise: &'static str, how: String) -> Self {
        Self {
            at: Some(at),
            promise,
            how,
        }
    }

    fn said(promise: &'static str, how: String) -> Self {
        Self {
            at: None,
            promise,
            how,
        }
    }
}

/// Every promise that was broken, in the order of the promises.
#[must_use]
pub fn judge(limits: &Limits, record: &[Entry], log: &[Value]) -> Vec<Fault> {
    let moments = Moments::of(record, log);
    let mut faults = Vec::new();
    for (device, limit) in &limits.devices {
        runs::judge(device, limit, limits, record, &moments, &mut faults);
    }
    together::judge(limits, record, &moments, &mut faults);
    locks::judge(limits, record, &mut faults);
    verdicts::judge(limits, log, &mut faults);
    faults
}

/// The same, as a test wants it.
///
/// # Panics
/// Where a promise was broken; all of them are named.
#[track_caller]
pub fn acquit(limits: &Limits, record: &[Entry], log: &[Value]) {
    let faults = judge(limits, record, log);
    let listed: Vec<String> = faults.iter().take(20).map(Fault::to_string).collect();
    assert!(
        faults.is_empty(),
        "{} promises were broken:\n{}",
        faults.len(),
        listed.join("\n")
    );
}
