//! Bonds: what binds devices whatever is asked of them: stops, lock-outs, safety rules, the end.

use std::collections::BTreeMap;

use growbox_model::commit::Restored;
use growbox_model::{DeviceId, DeviceSpec, LockOut, Now, Text, ZoneId};

use crate::gate::World;
use crate::policy::beside::Beside;
use crate::safety::Safety;
use crate::wish::Circumstances;

/// A stop in force.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Stop {
    /// Why, in words.
    pub(crate) reason: Text,
}

/// Everything that binds.
#[derive(Debug, Clone)]
pub(crate) struct Bonds {
    /// By zone; none stops everything.
    pub(crate) stops: BTreeMap<Option<ZoneId>, Stop>,
    /// Devices that somebody works at, whether or not they are there now.
    pub(crate) locked: BTreeMap<DeviceId, LockOut>,
    /// The host's own rules.
    pub(crate) safety: Safety,
    /// The process ends: everything goes to its safe level.
    pub(crate) ending: bool,
}

impl Bonds {
    /// With what the log remembers; rules are told later.
    pub(crate) fn restored(restored: &Restored) -> Self {
        let stops = restored.stops.iter().map(|(zone, reason)| {
            let reason = reason.clone();
            (zone.clone(), Stop { reason })
        });
        Self {
            stops: stops.collect(),
            locked: restored.lock_outs.iter().cloned().collect(),
            safety: Safety::default(),
            ending: false,
        }
    }

    /// The stop that binds a device.
    pub(crate) fn stop_of(&self, spec: &DeviceSpec) -> Option<&Stop> {
        let everything = self.stops.get(&None);
        everything.or_else(|| self.stops.get(&spec.zone))
    }

    /// What surrounds a device, its neighbours apart.
    pub(crate) fn around(
        &self,
        spec: &DeviceSpec,
        world: &impl World,
        now: Now,
    ) -> Circumstances<'_> {
        let zone = spec.zone.as_ref();
        let stop = self.stop_of(spec);
        let stale = spec.needs.iter().find(|need| !world.fresh(zone, need));
        Circumstances {
            operation: world.operation(spec),
            stale: stale.cloned(),
            hot: stop.is_some() && self.safety.is_hot(zone, world),
            stop,
            locked: self.locked.get(&spec.id),
            ending: self.ending,
            now,
            written: world.written(),
            beside: Beside::default(),
        }
    }
}
