//! Rousing: whom a settling has to look at. Everybody else stands as the last one left them.
//!
//! A device is roused when it was told something, when its deadline has come, or when the world
//! around it answers otherwise than before; and with it everybody it has to do with, because one
//! that moves makes way for others or stands in it. Who has nothing to do with each other settles
//! the same alone as together.

use growbox_model::{Moment, Now};

use crate::device::Device;
use crate::gate::{Gate, World};

impl Gate {
    /// Marks every group of neighbours in which somebody is roused.
    pub(crate) fn rouse(&mut self, world: &impl World, now: Now) {
        let revision = world.revision();
        let known = revision.is_some() && revision == self.revision;
        self.revision = revision;
        let all = std::mem::take(&mut self.all_roused) || !known;
        self.neighbours.sleep(all);
        for (at, device) in self.devices.values_mut().enumerate() {
            if std::mem::take(&mut device.roused) || is_due(device, now.moment) {
                self.neighbours.rouse(at);
            }
        }
        self.neighbours.look_up(world);
    }

    /// Who is still stirred after the last round goes on with the next settling; then: when
    /// anybody is due.
    pub(crate) fn rest(&mut self) -> Option<Moment> {
        for (at, device) in self.devices.values_mut().enumerate() {
            device.roused |= self.neighbours.is_roused(at);
        }
        self.devices.values().filter_map(|device| device.due).min()
    }
}

/// Whether its deadline has come, or hangs on a clock that jumps, or on what is not on disk yet.
fn is_due(device: &Device, now: Moment) -> bool {
    let by_wall = |held: &crate::device::Held| held.hold.until.is_some();
    device.due.is_some_and(|due| due <= now)
        || device.held.as_ref().is_some_and(by_wall)
        || device.claims.values().any(crate::claim::Claim::waits)
}
