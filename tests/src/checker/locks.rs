//! Lock-outs: who works at a device is not surprised by it.

use std::collections::BTreeSet;

use super::{Fault, Limits};
use crate::record::{By, Entry, What};

/// From when somebody was told that a device is locked out until they unlock it nothing but a
/// hand turns it on.
pub(super) fn judge(limits: &Limits, record: &[Entry], faults: &mut Vec<Fault>) {
    let mut locked: BTreeSet<&str> = BTreeSet::new();
    for entry in record {
        match &entry.what {
            What::LockedOut(device) => {
                locked.insert(device);
            }
            What::Unlocked(device) => {
                locked.remove(device.as_str());
            }
            // One that idles on waits for its minimum on; it does not rise any more.
            What::Switched(device, level, By::Order)
                if *level > 0.0
                    && locked.contains(device.as_str())
                    && limits.devices.contains_key(device) =>
            {
                let how = format!("{device} came to {level}");
                faults.push(Fault::at(entry.at, "who is locked out stays off", how));
            }
            _ => {}
        }
    }
}
