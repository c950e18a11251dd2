//! Rousing: whom a settling has to look at. Everybody else stands as the last one left them.
//!
//! A device is roused when it was told something, when its deadline has come, or when the world
//! around it answers otherwise than before; and with it everybody it has to do with, because one
//! that moves makes way for others or stands in it. Who has nothing to do with each other settles
//! the same alone as together.

use growbox_model::{Moment, Now};

use crate::claim::Claim;
use crate::device::{Device, Held};
use crate::gate::{Gate, World};
use crate::neighbours::Neighbours;

impl Gate {
    /// Whether everybody is to be looked at: the world answers otherwise than before, or nobody
    /// counts whether it does.
    pub(crate) fn looks_at_all(&mut self, revision: Option<u64>) -> bool {
        let known = revision.is_some() && revision == self.revision;
        self.revision = revision;
        std::mem::take(&mut self.all_roused) || !known
    }
}

/// Marks every group of neighbours in which somebody is roused.
pub(crate) fn wake(
    devices: &mut [&mut Device],
    neighbours: &mut Neighbours,
    all: bool,
    world: &impl World,
    now: Now,
) {
    neighbours.sleep(all);
    for (at, device) in devices.iter_mut().enumerate() {
        if std::mem::take(&mut device.roused) || is_due(device, now.moment) {
            neighbours.rouse(at);
        }
    }
    neighbours.look_up(world);
}

/// Who is still stirred after the last round goes on with the next settling; then: when anybody
/// is due.
pub(crate) fn rest(devices: &mut [&mut Device], neighbours: &Neighbours) -> Option<Moment> {
    if neighbours.anybody_roused() {
        for (at, device) in devices.iter_mut().enumerate() {
            device.roused |= neighbours.is_roused(at);
        }
    }
    devices.iter().filter_map(|device| device.due).min()
}

/// Whether its deadline has come, or hangs on a clock that jumps, or on what is not on disk yet.
fn is_due(device: &Device, now: Moment) -> bool {
    device.restless || device.due.is_some_and(|due| due <= now)
}

/// Whether it is to be looked at each time: something of it hangs on a clock that jumps, or on
/// what is not on disk yet. Only who was told something becomes so, and is settled for that.
pub(crate) fn is_restless(device: &Device) -> bool {
    let by_wall = |held: &Held| held.hold.until.is_some();
    let held = device.held.as_ref().is_some_and(by_wall);
    held || device.counted.is_some() || device.claims.values().any(Claim::waits)
}
