//! Starts that count: of a device whose doses are bounded no run begins before its count is on disk.
//!
//! A pulse waits for its request, in the gate. A run by a level has none of its own: it may begin
//! whenever something lets go. So its order waits here, for the commit that bears the count.

use std::collections::BTreeMap;

use growbox_model::ports::{DriveOrder, DriverReport, Ports};
use growbox_model::{DeviceId, Moment, Span};

use crate::flow::Flow;

/// An order whose count is not on disk by then has failed: machine time.
const PATIENCE: Span = Span::seconds(5);

/// Orders that wait for the commit with their count.
#[derive(Debug, Default)]
pub(crate) struct Counted(BTreeMap<DeviceId, Waiting>);

#[derive(Debug)]
struct Waiting {
    order: DriveOrder,
    commit: u64,
    until: Moment,
}

impl Counted {
    /// When patience with the disk ends.
    pub(crate) fn next_patience(&self) -> Option<Moment> {
        self.0.values().map(|waiting| waiting.until).min()
    }

    /// The device is driven no longer.
    pub(crate) fn forget(&mut self, device: &DeviceId) {
        self.0.remove(device);
    }
}

impl Flow {
    /// Tells the driver, or has the order wait for the commit that was handed over last. What is
    /// ordered meanwhile takes its place; off waits for nothing.
    pub(crate) fn drive(&mut self, order: DriveOrder, ports: &mut impl Ports) {
        self.await_driver(order.device.clone());
        let before = self.counted.0.remove(&order.device);
        let before = before.filter(|_| order.level > 0.0);
        let commit = match before {
            Some(waiting) => waiting.commit,
            None if order.counted => ports.written().handed,
            None => return ports.drive(order),
        };
        let until = self.machine.boot + PATIENCE;
        let waiting = Waiting {
            order,
            commit,
            until,
        };
        let device = waiting.order.device.clone();
        self.counted.0.insert(device, waiting);
    }

    /// Drives what is counted for certain; gives up what the disk did not take in time.
    pub(crate) fn drive_counted(&mut self, ports: &mut impl Ports) {
        if self.counted.0.is_empty() {
            return;
        }
        let (durable, now) = (ports.written().durable, self.machine.boot);
        let settled = |waiting: &Waiting| waiting.commit <= durable || waiting.until <= now;
        let settled = self.counted.0.extract_if(.., |_, waiting| settled(waiting));
        for (device, waiting) in settled.collect::<Vec<_>>() {
            if waiting.commit <= durable {
                ports.drive(waiting.order);
            } else {
                let why = "its run counts as a dose, and the count was not on disk in time";
                self.hear_report(DriverReport::Failed(device, why.to_owned()));
            }
        }
    }
}
