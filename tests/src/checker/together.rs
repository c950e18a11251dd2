//! Several devices at once: current of a circuit, pairs that never run together, who needs whom first.

use std::collections::BTreeMap;

use super::moments::Moments;
use super::{Circuit, Fault, Limits};
use crate::record::{By, Entry, What};

/// Amperes of rounding.
const ROUNDING: f64 = 1e-6;

/// What may switch a device whatever that means for its neighbours, as the log names it.
const FORCED: [&str; 5] = ["safety", "stop", "the host ends", "lock-out", "guardian"];

/// Where every device is, and since when.
#[derive(Default)]
struct Room<'a> {
    levels: BTreeMap<&'a str, f64>,
    /// The entry with which it last went on or off.
    since: BTreeMap<&'a str, &'a Entry>,
    /// When the host that is connected came: it puts what it finds to safe levels, all at once.
    joined: f64,
}

impl Room<'_> {
    fn level(&self, device: &str) -> f64 {
        self.levels.get(device).copied().unwrap_or(0.0)
    }

    /// For how long at most a device has been where it is, on or off.
    fn lasted(&self, device: &str, until: f64) -> f64 {
        let since = self.since.get(device);
        since.map_or(f64::INFINITY, |entry| until - entry.at)
    }
}

pub(super) fn judge(limits: &Limits, record: &[Entry], moments: &Moments, faults: &mut Vec<Fault>) {
    let mut room = Room {
        joined: f64::NEG_INFINITY,
        ..Room::default()
    };
    for entry in record {
        let (output, level, by) = match &entry.what {
            What::Switched(output, level, by) => (output, *level, *by),
            What::Joined => {
                room.joined = entry.until;
                continue;
            }
            _ => continue,
        };
        let Some((device, _)) = limits.devices.get_key_value(output) else {
            continue;
        };
        let before = room.levels.insert(device, level).unwrap_or(0.0);
        let crossing = Crossing {
            limits,
            moments,
            room: &room,
            device,
            entry,
        };
        if level > before && by == By::Order {
            for circuit in &limits.circuits {
                crossing.current(circuit, faults);
            }
        }
        match (before > 0.0, level > 0.0) {
            (false, true) if by == By::Order => {
                crossing.pairs(faults);
                crossing.needs(faults);
            }
            (true, false) if by == By::Order => crossing.carries(faults),
            _ => {}
        }
        if (before > 0.0) != (level > 0.0) {
            room.since.insert(device, entry);
        }
    }
}

/// A device that has just moved, among the others.
struct Crossing<'a> {
    limits: &'a Limits,
    moments: &'a Moments,
    room: &'a Room<'a>,
    device: &'a str,
    entry: &'a Entry,
}

impl Crossing<'_> {
    fn current(&self, circuit: &Circuit, faults: &mut Vec<Fault>) {
        if !circuit.devices.iter().any(|device| device == self.device) {
            return;
        }
        let draws = circuit.devices.iter().map(|device| {
            let watts = self
                .limits
                .devices
                .get(device)
                .map_or(0.0, |limit| limit.watts);
            watts * self.room.level(device) / circuit.volts
        });
        let amperes: f64 = draws.sum();
        if amperes > circuit.max_amperes + ROUNDING {
            let how = format!(
                "{} rose, and {amperes:.2} A flow where {} may: {:?}",
                self.device, circuit.max_amperes, self.room.levels
            );
            faults.push(Fault::at(self.entry.at, "current is never exceeded", how));
        }
    }

    /// Only safety may start a device beside one it displaced and could not reach, and says so.
    fn pairs(&self, faults: &mut Vec<Fault>) {
        for (one, other) in &self.limits.never_together {
            let partner = match self.device {
                starter if starter == one => other,
                starter if starter == other => one,
                _ => continue,
            };
            let displaced =
                |trigger: &str| trigger.contains("safety") && trigger.contains(partner.as_str());
            if self.room.level(partner) > 0.0 {
                if !self.told(true, displaced) {
                    let how = format!("{} started while {partner} ran", self.device);
                    faults.push(Fault::at(self.entry.at, "never together", how));
                }
            } else if self.too_soon_after(partner) && !self.forced(true) {
                let how = format!("{} started too soon after {partner}", self.device);
                faults.push(Fault::at(self.entry.at, "never together", how));
            }
        }
    }

    /// It starts only where all it needs has run a while.
    fn needs(&self, faults: &mut Vec<Fault>) {
        for (dependent, needed) in &self.limits.needs_first {
            let ready = self.room.level(needed) > 0.0 && !self.too_soon_after(needed);
            if dependent == self.device && !ready && !self.forced(true) {
                let how = format!("{dependent} started before {needed} had run a while");
                faults.push(Fault::at(self.entry.at, "what it needs comes first", how));
            }
        }
    }

    /// Whoever needs it goes off before it does.
    fn carries(&self, faults: &mut Vec<Fault>) {
        let finds = self.entry.at <= self.room.joined + self.limits.grain;
        for (dependent, needed) in &self.limits.needs_first {
            let left_alone = needed == self.device && self.room.level(dependent) > 0.0;
            if left_alone && !finds && !self.forced(false) {
                let how = format!("{needed} went off while {dependent} ran");
                faults.push(Fault::at(self.entry.at, "what it needs comes first", how));
            }
        }
    }

    fn too_soon_after(&self, other: &str) -> bool {
        let lasted = self.room.lasted(other, self.entry.until);
        lasted < self.limits.settle_time - self.limits.grain
    }

    /// The log names what may do so whatever that means for neighbours, or it died with a host
    /// that was killed just then. That two run at once nothing excuses but the log.
    fn forced(&self, on: bool) -> bool {
        let Limits { forgotten, .. } = *self.limits;
        self.told(on, forced) || forgotten > 0.0 && self.moments.forgotten(self.entry.at, forgotten)
    }

    fn told(&self, on: bool, reason: impl Fn(&str) -> bool) -> bool {
        let slack = self.limits.slack;
        self.moments
            .tells(self.device, on, self.entry, slack, reason)
    }
}

fn forced(trigger: &str) -> bool {
    FORCED.iter().any(|word| trigger.contains(word))
}
