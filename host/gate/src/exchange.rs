//! Exchange: the device table changes while the room runs; who leaves goes to its safe level first.
//!
//! ```text
//!  same role and output ──▶ stays: its limits change; protection and claims as they were
//!  another, or none     ──▶ leaves: claims lapse, safe level, then detached (`gone`)
//!  new, or the other one ─▶ waits until nobody leaves under its name or from its output,
//!                           then attached as at start (`came`): protected as just switched
//! ```

use std::collections::BTreeMap;

use growbox_model::commit::Restored;
use growbox_model::{DeviceId, DeviceSpec, Moment, Now, Operation, Outcome, Record, Span};

use crate::device::{Device, Held, Start};
use crate::dose::Doses;
use crate::gate::{Gate, close_all};
use crate::policy::envelope;
use crate::settle::Settlement;
use crate::starts::Starts;
use crate::witness;

/// Who does not reach its safe level in this time is let go all the same: its driver or its
/// minimum off stands in the way, and neither gets better by waiting.
const LEAVE_WITHIN: Span = Span::seconds(30);

/// Why claims of a leaving device end.
const LEAVES: &str = "the device is taken out of the configuration";

/// A device that waits to be attached, with what a person holds it at.
#[derive(Debug, Clone)]
pub(crate) struct Arrival {
    spec: DeviceSpec,
    held: Option<Held>,
}

/// What a device has had of what it may have so often: who comes back under its name has had it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Had {
    doses: Doses,
    starts: Starts,
}

impl Had {
    /// What the log remembers of devices that are not there.
    pub(crate) fn restored(
        restored: &Restored,
        there: &BTreeMap<DeviceId, Device>,
        now: Now,
    ) -> BTreeMap<DeviceId, Self> {
        let dosed = restored.doses.iter().map(|dose| &dose.device);
        let started = restored.starts.iter().map(|(id, _)| id);
        let absent = dosed.chain(started).filter(|id| !there.contains_key(*id));
        let of = |id: &DeviceId| Self {
            doses: Doses::restored(&restored.doses, id, now),
            starts: Starts::restored(&restored.starts, id, true, now.moment),
        };
        absent.map(|id| (id.clone(), of(id))).collect()
    }
}

impl Gate {
    /// Takes over another device table. What follows from it comes with the next settlings.
    pub fn exchange(&mut self, wanted: &BTreeMap<DeviceId, DeviceSpec>, now: Now) {
        (self.wired, self.all_roused) = (false, true);
        self.exchanging = true;
        let out = &mut self.pending;
        let mut waited = std::mem::take(&mut self.arrivals);
        for device in self.devices.values_mut() {
            let id = device.spec.id.clone();
            if let Some(arrival) = waited.remove(&id) {
                device.held = arrival.held;
            }
            match wanted.get(&id) {
                Some(spec) if same_output(spec, &device.spec) => adapt(device, spec),
                Some(spec) => {
                    leave(device, now.moment, out);
                    let arrival = Arrival {
                        spec: spec.clone(),
                        held: device.held.take(),
                    };
                    self.arrivals.insert(id, arrival);
                }
                None => {
                    leave(device, now.moment, out);
                    if device.held.take().is_some() {
                        out.records.push(Record::Hold(id, None));
                    }
                }
            }
        }
        for (id, spec) in wanted {
            if !self.devices.contains_key(id) {
                let arrival = waited.remove(id).map_or_else(
                    || Arrival {
                        spec: spec.clone(),
                        held: None,
                    },
                    |waited| Arrival {
                        spec: spec.clone(),
                        ..waited
                    },
                );
                self.arrivals.insert(id.clone(), arrival);
            }
        }
    }

    /// Lets go who has left, and takes in who waited for that.
    pub(crate) fn admit(&mut self, now: Now, out: &mut Settlement) {
        if !self.exchanging {
            return;
        }
        let (gone, stay) = std::mem::take(&mut self.devices)
            .into_iter()
            .partition(|(_, device)| has_left(device, now.moment));
        self.devices = stay;
        let gone: BTreeMap<DeviceId, Device> = gone;
        for (id, mut device) in gone {
            // Whoever comes under its name is another thing, which nobody has caught.
            witness::release(&mut device, out);
            self.wired = false;
            let (doses, starts) = (device.doses, device.starts);
            self.absent.insert(id, Had { doses, starts });
            out.gone.push(device.spec);
        }
        for (id, arrival) in std::mem::take(&mut self.arrivals) {
            let output = &arrival.spec.output;
            let taken = |device: &Device| device.spec.id == id || device.spec.output == *output;
            if self.devices.values().any(taken) {
                self.arrivals.insert(id, arrival);
            } else {
                self.wired = false;
                out.came.push(arrival.spec.clone());
                let had = self.absent.remove(&id).unwrap_or_default();
                self.devices.insert(id, arrival.device(had, now));
            }
        }
        if !out.came.is_empty() {
            self.bind();
        }
        let leaves = |device: &Device| device.leaving.is_some();
        self.exchanging = !self.arrivals.is_empty() || self.devices.values().any(leaves);
    }
}

impl Arrival {
    /// As at start, after nobody knows what: a start just now is added to those it had.
    fn device(self, had: Had, now: Now) -> Device {
        let mut device = Device::new(self.spec, &Restored::default(), now);
        device.held = self.held;
        device.doses = had.doses;
        device.starts = had.starts;
        device.starts.add(now.moment);
        hold_inside(&mut device);
        device
    }
}

/// Whether it is the same thing behind the same output, whatever its limits.
fn same_output(one: &DeviceSpec, other: &DeviceSpec) -> bool {
    one.role == other.role && one.output == other.output && one.switched == other.switched
}

/// Other limits for a device that stays; claims and holds come inside them.
fn adapt(device: &mut Device, spec: &DeviceSpec) {
    device.leaving = None;
    if device.spec == *spec {
        return;
    }
    device.spec = spec.clone();
    for claim in device.claims.values_mut() {
        claim.level = envelope::clamp(claim.asked, spec);
    }
    hold_inside(device);
}

fn hold_inside(device: &mut Device) {
    if let Some(held) = &mut device.held {
        held.hold.level = envelope::clamp(held.hold.level, &device.spec);
    }
}

fn leave(device: &mut Device, now: Moment, out: &mut Settlement) {
    close_all(device, Outcome::Lapsed, LEAVES, out);
    device.start = Start::Over;
    device.leaving.get_or_insert(now + LEAVE_WITHIN);
}

/// Whether a leaving device is where it is safe, or cannot be brought there.
fn has_left(device: &Device, now: Moment) -> bool {
    let Some(patience) = device.leaving else {
        return false;
    };
    let safe = device.real.level == Some(device.spec.safe_level)
        && device.real.heading.is_none()
        && device.link.asserted;
    let never_driven = device.operation == Some(Operation::Observe) && !device.homing;
    safe || never_driven || !device.link.available || now >= patience
}
