//! Points: which sensor or device stands behind which address of a driver.

use std::collections::BTreeMap;

use growbox_drivers::DriverEvent;
use growbox_flow::Input;
use growbox_model::incoming::{Incoming, reading};
use growbox_model::ports::DriverReport;
use growbox_model::{
    DeviceId, EventType, Payload, Quality, RoomSpec, SensorId, SensorSpec, Source, Text,
};

const DRIVER: &str = "driver:";

/// Addresses of a room, both ways.
#[derive(Debug, Clone)]
pub(super) struct Points {
    sensors: BTreeMap<Text, SensorSpec>,
    devices: BTreeMap<Text, DeviceId>,
}

impl Points {
    pub(super) fn of(room: &RoomSpec) -> Self {
        let address = |sensor: &SensorSpec| {
            let source = sensor.source.as_ref()?.as_str().strip_prefix(DRIVER)?;
            Some((Text::from(source), sensor.clone()))
        };
        Self {
            sensors: room.sensors.values().filter_map(address).collect(),
            devices: room
                .devices
                .values()
                .map(|d| (d.output.clone(), d.id.clone()))
                .collect(),
        }
    }

    pub(super) fn sources(&self) -> impl Iterator<Item = &str> {
        self.sensors.keys().map(|address| &**address)
    }

    /// What a driver's word means to the flow.
    pub(super) fn input(&self, event: DriverEvent) -> Option<Input> {
        match event {
            DriverEvent::Reading {
                address,
                quantity,
                value,
                unit,
                at,
            } => {
                let sensor = self.sensors.get(&address)?;
                let read = reading(
                    sensor.id.clone(),
                    &quantity,
                    value,
                    unit.as_deref(),
                    Quality::Good,
                );
                match read {
                    Ok(reading) => Some(Input::Readings(vec![incoming(
                        sensor, &address, reading, at,
                    )])),
                    Err(objection) => {
                        complain(&sensor.id, &objection.message);
                        None
                    }
                }
            }
            DriverEvent::State { address, level } => {
                self.report(&address, |id| DriverReport::Moved(id, level))
            }
            DriverEvent::Available { address, available } => {
                self.report(&address, |id| DriverReport::Available(id, available))
            }
            DriverEvent::Confirmed { address, level } => {
                self.report(&address, |id| DriverReport::Confirmed(id, level))
            }
            DriverEvent::Failed {
                address, message, ..
            } => self.report(&address, |id| DriverReport::Failed(id, message)),
            DriverEvent::Attached { address, simulated } => {
                tracing::info!(%address, simulated, "room attached");
                None
            }
            DriverEvent::Unreadable {
                address,
                message,
                count,
            } => {
                tracing::warn!(%address, count, "cannot read what the room says: {message}");
                None
            }
        }
    }

    fn report(
        &self,
        address: &str,
        report: impl FnOnce(DeviceId) -> DriverReport,
    ) -> Option<Input> {
        self.devices
            .get(address)
            .map(|device| Input::Driver(report(device.clone())))
    }
}

fn incoming(
    sensor: &SensorSpec,
    address: &str,
    reading: growbox_model::Reading,
    at: Option<growbox_model::Instant>,
) -> Incoming {
    Incoming {
        id: None,
        kind: EventType::of_quantity(&reading.quantity),
        zone: sensor.zone.clone(),
        source: Source(format!("{DRIVER}{address}").into()),
        at,
        cause: None,
        payload: Payload::Reading(reading),
        metadata: None,
    }
}

fn complain(sensor: &SensorId, why: &str) {
    tracing::warn!(%sensor, "a driver's reading was refused: {why}");
}
