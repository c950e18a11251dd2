//! `null:NAME`: outputs that confirm everything and do nothing, for tests and benchmarks.

use std::collections::BTreeSet;

use growbox_model::{Objection, Text};

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

    fn attach(&mut self, point: &str) -> Result<Vec<DriverEvent>, Objection> {
        Ok(vec![DriverEvent::Available {
            address: format!("null:{point}").into(),
            available: true,
        }])
    }

    fn detach(&mut self, _point: &str) {}

    fn listen(&mut self, _points: &BTreeSet<Text>) {}

    fn simulated(&self) -> Option<bool> {
        Some(true)
    }
}
