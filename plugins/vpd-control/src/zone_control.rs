//! One zone, once: look, decide, ask, tell.

use crate::decide::{Decision, Silence, Situation, Wanted, decide};
use crate::means::{Means, Role};
use crate::memory::Memory;
use crate::occasion::Occasion;
use crate::report::{self, OffTarget};
use crate::strategy::Mode;
use crate::{ID, VpdControl};
use growbox_sdk::Placing;
use growbox_sdk::prelude::*;

impl VpdControl {
    /// Decides about a zone and acts upon it.
    pub(crate) fn control(
        &self,
        room: &Room,
        zone: &Zone,
        occasion: Option<&Occasion>,
        memory: &mut Memory,
        effects: &mut Effects,
    ) {
        if room.tick() {
            self.tell_at_tick(room, zone, memory, effects);
        }
        if let Some(occasion) = occasion {
            report::recalculation(zone.id(), occasion, effects);
        }
        report::profile(zone, room.tick(), &mut memory.told, effects);
        let (mode, unknown) = Mode::from_name(zone.mode.as_deref());
        report::unknown_mode(zone.id(), unknown, &mut memory.told);

        let decision = self.decide(room, zone, mode, memory);
        memory.held = decision.held;
        let causes = occasion.map_or(&[][..], |occasion| &occasion.causes);
        let off = self.off_target(zone, &decision);
        report::action(
            zone.id(),
            off,
            &mut memory.told,
            room.now(),
            causes,
            effects,
        );
        self.place(room, zone, causes, &decision, memory, effects);
    }

    /// VPD of a zone in which no pair has come for long.
    fn tell_at_tick(&self, room: &Room, zone: &Zone, memory: &Memory, effects: &mut Effects) {
        if let Some(pair) = memory.pairs.at_tick(room.now(), self.stale_limit) {
            report::vpd(zone.id(), &pair, zone.leaf_offset().0, effects);
        }
    }

    fn decide(&self, room: &Room, zone: &Zone, mode: Mode, memory: &mut Memory) -> Decision {
        let air = self.air(zone);
        let silence = air.as_ref().err().map(ToString::to_string);
        report::hearing(zone.id(), silence.as_deref(), &mut memory.told);
        let vpd = zone
            .setpoint("vpd")
            .map(|setpoint| mode.range(setpoint, self.tolerance.0));
        let situation = Situation {
            air,
            outside: zone
                .ambient()
                .and_then(|zone| zone.air_within(self.stale_limit)),
            wanted: Wanted {
                vpd,
                temperature: zone.range("temperature"),
                humidity: zone.range("humidity"),
            },
            means: &means(room, zone, memory),
            now: room.now(),
            patience: self.patience,
            circulation: self.circulation,
        };
        decide(&situation, &memory.held)
    }

    /// The air, or which sensors are silent.
    fn air(&self, zone: &Zone) -> Result<Air, Silence> {
        zone.air_within(self.stale_limit).ok_or_else(|| {
            let silent =
                |quantity: &&str| zone.measure_within(quantity, self.stale_limit).is_none();
            Silence(
                ["temperature", "humidity"]
                    .into_iter()
                    .filter(silent)
                    .collect(),
            )
        })
    }

    /// How far VPD is off, where it is out of its range.
    fn off_target(&self, zone: &Zone, decision: &Decision) -> Option<OffTarget> {
        Some(OffTarget {
            direction: decision.off_range?,
            current: self.air(zone).ok()?.vpd.0,
            target: zone.setpoint("vpd")?.target,
        })
    }

    /// In a paused zone nothing is asked, and nothing stands any more.
    fn place(
        &self,
        room: &Room,
        zone: &Zone,
        causes: &[u64],
        decision: &Decision,
        memory: &mut Memory,
        effects: &mut Effects,
    ) {
        if zone.paused() {
            memory.standing.forget();
            return;
        }
        let placing = Placing {
            plugin: ID,
            now: room.now(),
            tick: room.tick(),
            lease: self.lease,
            causes,
        };
        let Decision {
            wishes, otherwise, ..
        } = decision;
        memory
            .standing
            .place(placing, zone, wishes, otherwise, effects);
    }
}

/// The devices of the zone that may be used: at hand, of a useful role, not denied just now.
fn means(room: &Room, zone: &Zone, memory: &mut Memory) -> Vec<Means> {
    let standing = &mut memory.standing;
    let mut usable =
        |device: &Device| device.available && !standing.is_denied(&device.id, room.now());
    let usable: Vec<_> = zone.devices().filter(|device| usable(device)).collect();
    let means = |device: Device| {
        Some(Means {
            role: Role::from_name(&device.role)?,
            switched: device.switched,
            running: memory.standing.holds(&device.id),
            id: device.id.clone(),
        })
    };
    usable.into_iter().filter_map(means).collect()
}
