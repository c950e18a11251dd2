//! The witness: a sensor of its own that tells whether a device does as it is told.
//!
//! ```text
//!  told ──▶ driver confirms ──▶ witness agrees                        believed
//!                          └──▶ disagrees for `within` ──▶ doubted ──▶ told again, ever more rarely
//!                                                            └─ three times ──▶ kept at its safe level
//! ```
//!
//! Who is doubted counts as on, as just switched, and as nowhere known, whatever its driver
//! confirms, until the witness agrees. A witness that is stale or implausible says nothing.

use growbox_model::{DeviceId, Feedback, Moment, Now, Operation, Quantity, Record, SensorId, Text};

use crate::device::Device;
use crate::gate::Gate;
use crate::report;
use crate::settle::Settlement;
use crate::wish::Circumstances;

/// Caught so often in a row, a device is kept at its safe level.
const TRIES: u32 = 3;

/// What a witness has shown of a device.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Witness {
    /// Whether it says on, and since when it has said that.
    says: Option<(bool, Moment)>,
    /// How often in a row the device was caught.
    caught: u32,
    /// While it is doubted: its driver has confirmed the newest order.
    pub(crate) confirmed: bool,
    /// It was caught too often: how, in words.
    pub(crate) given_up: Option<Text>,
}

/// What a witness has come to say of a device.
#[derive(Debug, Clone, PartialEq)]
pub struct Testimony {
    /// Which device.
    pub device: DeviceId,
    /// What of it.
    pub finding: Finding,
}

/// Whether a device does as it is told.
#[derive(Debug, Clone, PartialEq)]
pub enum Finding {
    /// It does not, and is told again.
    Doubted(Mismatch),
    /// It does not, again and again, and is kept at its safe level until a person releases it.
    GivenUp(Mismatch),
    /// Its driver could not bring it there, twice in a row, though it can be reached; how, in words.
    Failing(Text),
    /// It does again, or a person has released it.
    Believed,
}

/// How a device was caught.
#[derive(Debug, Clone, PartialEq)]
pub struct Mismatch {
    /// The witness says on.
    pub on: bool,
    /// Both sides, in words.
    pub message: Text,
}

impl Witness {
    /// A restart repairs nothing: who was kept safe still is.
    pub(crate) fn restored(doubts: &[(DeviceId, Text)], device: &DeviceId) -> Self {
        let doubt = doubts.iter().find(|(doubted, _)| doubted == device);
        doubt.map_or_else(Self::default, |(_, how)| Self {
            caught: TRIES,
            given_up: Some(how.clone()),
            ..Self::default()
        })
    }

    /// Whether the device was caught, and has not been seen to do as it is told since.
    pub(crate) fn doubts(&self) -> bool {
        self.caught > 0
    }

    fn hear(&mut self, on: Option<bool>, now: Moment) -> bool {
        if self.says.map(|(says, _)| says) == on {
            return false;
        }
        self.says = on.map(|on| (on, now));
        true
    }
}

impl Gate {
    /// Takes in what a sensor says, where it is somebody's witness; none: it cannot be believed.
    pub fn witness(
        &mut self,
        sensor: &SensorId,
        quantity: &Quantity,
        value: Option<f64>,
        now: Now,
    ) {
        for (witness, device) in &self.witnesses {
            let Feedback { on_above, .. } = witness;
            if witness.sensor != *sensor || witness.quantity != *quantity {
                continue;
            }
            if let Some(device) = self.devices.get_mut(device) {
                let on = value.map(|value| value > *on_above);
                device.roused |= device.witness.hear(on, now.moment);
            }
        }
    }

    /// Whether a sensor is anybody's witness.
    pub fn is_witness(&self, sensor: &SensorId, quantity: &Quantity) -> bool {
        let mut witnesses = self.witnesses.iter().map(|(witness, _)| witness);
        witnesses.any(|witness| witness.sensor == *sensor && witness.quantity == *quantity)
    }

    /// Finds out anew who is witnessed by whom.
    pub(crate) fn call_witnesses(&mut self) {
        let witnessed = self.devices.values().filter_map(|device| {
            let feedback = device.spec.feedback.clone()?;
            Some((feedback, device.spec.id.clone()))
        });
        self.witnesses = witnessed.collect();
    }
}

/// Compares where a device is told to be with what its witness says.
pub(crate) fn compare(device: &mut Device, around: &Circumstances<'_>, out: &mut Settlement) {
    let (Some(feedback), Some((says, since))) = (&device.spec.feedback, device.witness.says) else {
        return;
    };
    let driven = around.operation != Operation::Observe || device.homing;
    // On its way it is nowhere yet; who is doubted stays on its way until the witness agrees.
    let doubted = device.witness.doubts();
    let told = if doubted {
        device.real.heading.filter(|_| device.witness.confirmed)
    } else {
        device.real.level.filter(|_| device.real.heading.is_none())
    };
    let Some(told) = told.filter(|_| driven) else {
        return;
    };
    let now = around.now;
    if says == (told > 0.0) {
        if doubted {
            believe(device, told, now, out);
        }
        return;
    }
    let moved = device.real.moved.unwrap_or(device.real.since);
    let due = since.max(moved).max(device.real.since) + feedback.within;
    if due > now.moment {
        return out.wake(due, now.moment);
    }
    let message = format!(
        "it was told to be {} and {} says that it is {}",
        word(told > 0.0),
        feedback.sensor,
        word(says)
    );
    catch(device, says, message.into(), now, out);
}

/// The device does as it is told again.
fn believe(device: &mut Device, level: f64, now: Now, out: &mut Settlement) {
    if device.witness.given_up.is_some() {
        return report::arrived(device, level, now, out);
    }
    device.witness.caught = 0;
    report::arrived(device, level, now, out);
    testify(device, Finding::Believed, out);
}

fn catch(device: &mut Device, on: bool, message: Text, now: Now, out: &mut Settlement) {
    device.link.failures = device.witness.caught;
    device.witness.caught = device.witness.caught.saturating_add(1);
    report::failed(device, &message, now.moment);
    let mismatch = Mismatch {
        on,
        message: message.clone(),
    };
    if device.witness.caught < TRIES {
        testify(device, Finding::Doubted(mismatch), out);
    } else if device.witness.given_up.replace(message.clone()).is_none() {
        let id = device.spec.id.clone();
        out.records.push(Record::Doubted(id, Some(message)));
        testify(device, Finding::GivenUp(mismatch), out);
    }
}

/// A person has seen to it: it is believed until it is caught again. Whether there was anything
/// to see to.
pub(crate) fn release(device: &mut Device, out: &mut Settlement) -> bool {
    if !device.witness.doubts() {
        return false;
    }
    device.witness.caught = 0;
    if device.witness.given_up.take().is_some() {
        let id = device.spec.id.clone();
        out.records.push(Record::Doubted(id, None));
    }
    device.link.asserted = false;
    device.link.retry = None;
    testify(device, Finding::Believed, out);
    true
}

pub(crate) fn testify(device: &Device, finding: Finding, out: &mut Settlement) {
    out.testimonies.push(Testimony {
        device: device.spec.id.clone(),
        finding,
    });
}

fn word(on: bool) -> &'static str {
    if on { "on" } else { "off" }
}
