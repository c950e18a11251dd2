//! `null:NAME`: outputs that confirm everything and do nothing, for tests and benchmarks.

use crate::driver::{Driver, DriverEvent, Order};

/// Every `null:` output at once; nothing needs to be remembered.
#[derive(Debug, Default)]
pub struct Null;

impl Driver for Null {
    fn send(&mut self, order: Order) -> Vec<DriverEvent> {
        vec![DriverEvent::Confirmed {
            address: order.address,
            level: order.level,
        }]
    }

    fn simulated(&self) -> Option<bool> {
        Some(true)
    }
}
