//! The safe plan: where every device that is driven goes when nobody decides any more.

use growbox_model::{Operation, SafeDevice, SafePlan};

use crate::device::Device;
use crate::gate::Gate;

impl Gate {
    /// The safe plan, its moments in room time, where it is not the one that is `known` already.
    /// What is only observed is not in it: it stays as it is whatever happens to the host.
    pub fn safe_plan(&self, known: Option<&SafePlan>) -> Option<SafePlan> {
        let driven = || self.devices.values().filter(|device| is_driven(device));
        let same = |known: &SafePlan| {
            let mut pairs = driven().zip(&known.devices);
            driven().count() == known.devices.len()
                && pairs.all(|(device, known)| self.is_as_known(device, known))
        };
        (!known.is_some_and(same)).then(|| SafePlan {
            devices: driven().map(|device| self.planned(device)).collect(),
        })
    }

    fn is_as_known(&self, device: &Device, known: &SafeDevice) -> bool {
        let (spec, course) = (&device.spec, &device.real);
        known.device == spec.id
            && known.level == course.position()
            && known.confirmed == course.is_confirmed()
            && known.free_at == course.may_start(spec.min_off)
            && known.bound_until == bound_until(device)
            && known.safe_level == self.safe_level(device)
            && known.min_off == spec.min_off
            && known.active_low == spec.active_low
            && known.output == spec.output
    }

    fn planned(&self, device: &Device) -> SafeDevice {
        let (spec, course) = (&device.spec, &device.real);
        SafeDevice {
            device: spec.id.clone(),
            output: spec.output.clone(),
            active_low: spec.active_low,
            safe_level: self.safe_level(device),
            level: course.position(),
            confirmed: course.is_confirmed(),
            min_off: spec.min_off,
            free_at: course.may_start(spec.min_off),
            bound_until: bound_until(device),
        }
    }

    /// Where it goes when nobody decides any more: what somebody works at stays off, and what a
    /// safety rule or a stop keeps running runs on.
    fn safe_level(&self, device: &Device) -> f64 {
        if self.bonds.locked.contains_key(&device.spec.id) {
            0.0
        } else {
            device.left_at
        }
    }
}

/// Whether the host moves it: by its zone, or because it is still on its way to its safe level.
fn is_driven(device: &Device) -> bool {
    let observed = |operation| operation == Operation::Observe;
    device.homing || device.operation.is_some_and(|at| !observed(at))
}

/// While it is on: until when its minimum on lasts.
fn bound_until(device: &Device) -> Option<growbox_model::Moment> {
    let course = &device.real;
    let bound = course.is_on() && device.spec.min_on > growbox_model::Span::ZERO;
    bound.then(|| course.may_stop(device.spec.min_on)).flatten()
}
