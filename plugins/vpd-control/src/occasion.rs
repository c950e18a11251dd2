//! What of a batch calls for a new decision, zone by zone.

use crate::ID;
use crate::memory::Memory;
use crate::pairs::Quantity;
use crate::report;
use growbox_sdk::denied_device;
use growbox_sdk::prelude::*;
use growbox_sdk::wire::Event;
use std::collections::BTreeMap;

/// Why a zone is decided anew. The last one of a batch counts.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Occasion {
    /// The word in `vpd.recalculation_required`; none where that is not told.
    pub(crate) trigger: Option<&'static str>,
    /// The events behind it.
    pub(crate) causes: Vec<u64>,
}

/// The occasions of a batch.
#[derive(Debug, Default)]
pub(crate) struct Occasions {
    of_zone: BTreeMap<String, Occasion>,
    /// An event without a zone is about every zone.
    of_all: Option<Occasion>,
}

impl Occasions {
    /// Goes through the events once: readings are paired and told, the rest marks its zone.
    pub(crate) fn take(room: &Room, memory: &mut PerZone<Memory>, effects: &mut Effects) -> Self {
        let mut occasions = Self::default();
        for event in room.events() {
            match event.type_.as_str() {
                "sensor.temperature" | "sensor.humidity" => {
                    occasions.take_reading(room, event, memory, effects);
                }
                "sensor.stale" => occasions.take_silence(event, memory),
                "device.action.denied" => take_denial(room, event, memory),
                "control.target.updated" => occasions.take_target(event),
                "control.mode.changed" => occasions.mark(event, "mode_change"),
                "control.stage.changed" => occasions.mark(event, "stage_change"),
                _ => {}
            }
        }
        occasions
    }

    /// Why this zone is decided anew, where it is.
    pub(crate) fn of(&self, zone: &str) -> Option<&Occasion> {
        self.of_zone.get(zone).or(self.of_all.as_ref())
    }

    fn take_reading(
        &mut self,
        room: &Room,
        event: &Event,
        memory: &mut PerZone<Memory>,
        effects: &mut Effects,
    ) {
        let (Some(zone), Some(reading)) = (&event.zone, event.reading()) else {
            return;
        };
        let Some(quantity) = Quantity::from_name(&reading.quantity) else {
            return;
        };
        if !reading.usable() {
            return;
        }
        if let Some(pair) = memory.of(zone).pairs.take(quantity, event, reading) {
            let leaf_offset = room.zone(zone).map_or(0.0, |zone| zone.leaf_offset().0);
            report::vpd(zone, &pair, leaf_offset, effects);
            let trigger = match quantity {
                Quantity::Temperature => "temperature_update",
                Quantity::Humidity => "humidity_update",
            };
            self.insert(zone, Some(trigger), pair.causes().to_vec());
        }
    }

    /// A stale sensor must be acted upon at once.
    fn take_silence(&mut self, event: &Event, memory: &mut PerZone<Memory>) {
        let (Some(zone), Some(data)) = (&event.zone, event.document()) else {
            return;
        };
        let quantity = data["quantity"].as_str().and_then(Quantity::from_name);
        if let (Some(quantity), Some(sensor)) = (quantity, data["sensor_id"].as_str()) {
            memory.of(zone).pairs.forget(quantity, sensor);
            if !self.of_zone.contains_key(zone) {
                self.insert(zone, None, vec![event.seq]);
            }
        }
    }

    /// Only what is kept here matters here.
    fn take_target(&mut self, event: &Event) {
        let data = event.document();
        let parameter = data.as_ref().and_then(|data| data["parameter"].as_str());
        if matches!(parameter, Some("vpd" | "temperature" | "humidity")) {
            self.mark(event, "target_update");
        }
    }

    fn mark(&mut self, event: &Event, trigger: &'static str) {
        match &event.zone {
            Some(zone) => self.insert(zone, Some(trigger), vec![event.seq]),
            None => {
                self.of_all = Some(Occasion {
                    trigger: Some(trigger),
                    causes: vec![event.seq],
                });
            }
        }
    }

    fn insert(&mut self, zone: &str, trigger: Option<&'static str>, causes: Vec<u64>) {
        let occasion = Occasion { trigger, causes };
        match self.of_zone.get_mut(zone) {
            Some(earlier) => *earlier = occasion,
            None => drop(self.of_zone.insert(zone.to_string(), occasion)),
        }
    }
}

/// A device that was denied to this plug-in is left alone for a while.
fn take_denial(room: &Room, event: &Event, memory: &mut PerZone<Memory>) {
    let Some(device) = denied_device(event, ID) else {
        return;
    };
    let home = room
        .zones()
        .find(|zone| zone.devices().any(|known| known.id == device));
    if let Some(zone) = home {
        memory.of(zone).standing.take_denial(&device, room.now());
    }
}
