//! Devices: which level each one is at, and since when that is accounted for.

use crate::bucket::{Bucket, DEVICES};
use growbox_sdk::prelude::*;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A device's level, accounted up to a moment.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Standing {
    /// 0…1; none while it is not known.
    #[serde(rename = "l")]
    level: Option<f64>,
    #[serde(rename = "u")]
    up_to: Moment,
}

/// All devices that were heard of.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Devices(BTreeMap<String, Standing>);

impl growbox_sdk::Keyed for Devices {
    const PREFIX: &'static str = "devices";
}

impl Devices {
    /// Accounts for every device up to a moment.
    pub(crate) fn account(&mut self, to: Moment, bucket: &mut Bucket) {
        for (device, standing) in &mut self.0 {
            standing.account(device, to, bucket);
        }
    }

    /// A device has changed to a level; what it was at before, where only the event knows.
    pub(crate) fn changed(
        &mut self,
        device: &str,
        (before, level): (Option<f64>, f64),
        at: Moment,
        bucket: &mut Bucket,
    ) {
        let Some(standing) = self.of(device, at) else {
            return;
        };
        standing.account(device, at, bucket);
        let was_on = standing.level.or(before).map(|before| before > 0.0);
        standing.level = Some(level);
        if let (Some(was_on), Some(used)) = (was_on, bucket.device(device)) {
            let is_on = level > 0.0;
            used.switches += u64::from(was_on != is_on);
            used.starts += u64::from(!was_on && is_on);
        }
    }

    /// Learns from a view what no event has told: a level, or that it cannot be known.
    pub(crate) fn seen(&mut self, device: &growbox_sdk::Device, at: Moment, bucket: &mut Bucket) {
        let Some(standing) = self.of(&device.id, at) else {
            return;
        };
        standing.account(&device.id, at, bucket);
        let known = standing.level.or(Some(device.level));
        standing.level = known.filter(|_| device.available);
    }

    /// Nothing is known any more, from a moment on.
    pub(crate) fn forget_levels(&mut self, at: Moment) {
        for standing in self.0.values_mut() {
            *standing = Standing {
                level: None,
                up_to: at,
            };
        }
    }

    fn of(&mut self, device: &str, at: Moment) -> Option<&mut Standing> {
        if !self.0.contains_key(device) {
            if self.0.len() >= DEVICES {
                return None;
            }
            let standing = Standing {
                level: None,
                up_to: at,
            };
            self.0.insert(device.to_owned(), standing);
        }
        self.0.get_mut(device)
    }
}

impl Standing {
    fn account(&mut self, device: &str, to: Moment, bucket: &mut Bucket) {
        let seconds = to.since(self.up_to).as_seconds();
        self.up_to = self.up_to.max(to);
        if let Some(level) = self.level.filter(|_| seconds > 0.0)
            && let Some(used) = bucket.device(device)
        {
            used.known += seconds;
            used.weighted += seconds * level;
            if level > 0.0 {
                used.on += seconds;
            }
        }
    }
}
