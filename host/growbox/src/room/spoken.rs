//! How sensors and devices behind the broker are spoken to: what of it waits for a restart.

use std::collections::{BTreeMap, BTreeSet};

use growbox_drivers::mqtt::{OutputPoint, SensorPoint};
use growbox_model::{DeviceSpec, RoomSpec};

use crate::config::Configuration;

/// How sensors and devices behind the broker are spoken to, by their tables.
pub(super) struct Spoken {
    sensors: BTreeMap<String, SensorPoint>,
    outputs: BTreeMap<String, OutputPoint>,
}

impl Spoken {
    pub(super) fn of(configuration: &Configuration) -> Self {
        let mqtt = configuration.mqtt.as_ref();
        let sensors = mqtt.map_or(&[][..], |mqtt| &mqtt.sensors);
        let outputs = mqtt.map_or(&[][..], |mqtt| &mqtt.outputs);
        let devices = configuration.room.devices.values();
        let output = |device: &DeviceSpec| {
            let point = outputs.iter().find(|p| p.address == device.output)?;
            Some((format!("device.{}", device.id), point.clone()))
        };
        Self {
            sensors: sensors
                .iter()
                .map(|point| (format!("sensor.{}", point.sensor), point.clone()))
                .collect(),
            outputs: devices.filter_map(output).collect(),
        }
    }

    /// The tables of what is spoken to otherwise in `next`, or only there. What is left out
    /// there needs no restart: it is not heard and not told any more.
    pub(super) fn differences(&self, next: &Self) -> BTreeSet<String> {
        let sensors = next.sensors.iter();
        let sensors = sensors.filter(|(table, point)| self.sensors.get(*table) != Some(*point));
        let outputs = next.outputs.iter();
        // Under another name an output is spoken to as before.
        let outputs = outputs.filter(|(_, point)| !self.outputs.values().any(|old| old == *point));
        let (sensors, outputs) = (sensors.map(|(t, _)| t), outputs.map(|(t, _)| t));
        sensors.chain(outputs).cloned().collect()
    }
}

/// The room, with sensors that wait for a restart still behind the sources they had.
pub(super) fn keeping_sources(
    mut room: RoomSpec,
    told: &RoomSpec,
    distant: &BTreeSet<String>,
) -> RoomSpec {
    for (id, sensor) in &mut room.sensors {
        if let Some(old) = told.sensors.get(id)
            && distant.contains(&format!("sensor.{id}"))
        {
            sensor.source.clone_from(&old.source);
        }
    }
    room
}
