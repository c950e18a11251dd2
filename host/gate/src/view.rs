//! How devices look from outside: rows for people, views for handlers.

use growbox_model::ports::wall_of;
use growbox_model::row::DeviceRow;
use growbox_model::{DeviceView, Moment, Now, Operation, Requester, Text, ZoneId};

use crate::claim::top;
use crate::device::Device;
use crate::gate::Gate;
use crate::say;
use crate::wish::Owner;

impl Gate {
    /// Every device as people see it, by id: the real level, also where a zone is only observed.
    pub fn rows(&self, now: Now) -> Vec<DeviceRow> {
        self.devices
            .values()
            .map(|device| self.row(device, now))
            .collect()
    }

    /// The devices of a zone as a requester sees them; where it is only observed, as they would be.
    pub fn views(&self, zone: &ZoneId, viewer: Option<&Requester>, now: Now) -> Vec<DeviceView> {
        self.devices
            .values()
            .filter(|device| device.spec.zone.as_ref() == Some(zone))
            .map(|device| view(device, viewer, now))
            .collect()
    }

    fn row(&self, device: &Device, now: Now) -> DeviceRow {
        let stop = self.bonds.stop_of(&device.spec);
        let observed = operation(device) == Operation::Observe;
        let complaint = top(device.claims.values(), &device.spec)
            .and_then(|claim| say::refusal(claim, device, now))
            .or_else(|| say::doses_given(device, operation(device), now));
        DeviceRow {
            id: device.spec.id.clone(),
            zone: device.spec.zone.clone(),
            role: device.spec.role.as_str().into(),
            level: device.real.level,
            since: device.real.level.map(|_| wall_of(device.real.since, now)),
            owner: owner(device),
            why: say::why(device, stop, observed, now).into(),
            until: until(device).map(|moment| wall_of(moment, now)),
            available: device.link.available,
            refusal: complaint.map(Into::into),
            free_at: free_at(device, now).map(|moment| wall_of(moment, now)),
        }
    }
}

fn view(device: &Device, viewer: Option<&Requester>, now: Now) -> DeviceView {
    let course = device.course(operation(device));
    let spec = &device.spec;
    let own = viewer.and_then(|viewer| device.claims.get(viewer));
    DeviceView {
        id: spec.id.clone(),
        role: spec.role,
        switched: spec.switched,
        low: if spec.switched { 0.0 } else { spec.low },
        high: if spec.switched { 1.0 } else { spec.high },
        level: course.level.or(course.heading).unwrap_or(spec.safe_level),
        since: course.since,
        available: device.link.available,
        owner: owner(device),
        until: until(device),
        refusal: own
            .and_then(|claim| say::refusal(claim, device, now))
            .or_else(|| say::doses_given(device, operation(device), now))
            .map(Into::into),
        free_at: free_at(device, now),
    }
}

fn operation(device: &Device) -> Operation {
    device.operation.unwrap_or(Operation::Observe)
}

/// Whose wish it follows; nobody's, where only the host looks after it.
fn owner(device: &Device) -> Option<Text> {
    match &device.standing.wish.owner {
        Owner::Claim(requester) => Some(requester.to_string().into()),
        Owner::Hold => device
            .held
            .as_ref()
            .map(|held| Requester::Person(held.hold.who.clone()).to_string().into()),
        Owner::LockOut(lock) => Some(Requester::Person(lock.who.clone()).to_string().into()),
        Owner::Safety(rule) => Some(format!("safety:{rule}").into()),
        Owner::Nobody | Owner::Start | Owner::Doubt | Owner::Stop | Owner::Leaving | Owner::End => {
            None
        }
    }
}

/// When the lease in force ends; renewals count at once.
fn until(device: &Device) -> Option<Moment> {
    device
        .owner()
        .map_or(device.standing.wish.until, |claim| Some(claim.until))
}

/// When protection lets it cross zero again, where it does not now; while it is off, also when
/// its next dose is free.
fn free_at(device: &Device, now: Now) -> Option<Moment> {
    let course = device.course(operation(device));
    let free = if course.is_on() {
        course.may_stop(device.spec.min_on)
    } else {
        let doses = device.doses(operation(device));
        let limit = device.spec.doses_per_day;
        let dose = limit.and_then(|limit| doses.free_at(limit, now));
        course.may_start(device.spec.min_off).max(dose)
    };
    free.filter(|moment| *moment > now.moment)
}
