//! Points: which sensor or device stands behind which address of a driver.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use growbox_drivers::DriverEvent;
use growbox_flow::Input;
use growbox_model::incoming::{Incoming, reading};
use growbox_model::ports::DriverReport;
use growbox_model::{
    DeviceId, DeviceSpec, EventType, Payload, Quality, RoomSpec, SensorId, SensorSpec, Source, Text,
};

const DRIVER: &str = "driver:";
const BROKER: &str = "mqtt:";

/// Addresses of a room, both ways; clones see the same ones.
#[derive(Debug, Clone)]
pub(super) struct Points(Arc<RwLock<Named>>);

/// What stands behind each address.
#[derive(Debug)]
struct Named {
    sensors: BTreeMap<Text, SensorSpec>,
    /// Sensors behind the broker, by their names.
    distant: BTreeMap<SensorId, SensorSpec>,
    devices: BTreeMap<Text, DeviceId>,
}

impl Points {
    pub(super) fn of(room: &RoomSpec) -> Self {
        let devices = room.devices.values();
        Self(Arc::new(RwLock::new(Named {
            sensors: sensors(room),
            distant: distant(room),
            devices: devices.map(|d| (d.output.clone(), d.id.clone())).collect(),
        })))
    }

    /// The addresses of sensors.
    pub(super) fn sources(&self) -> Vec<Text> {
        self.named().sensors.keys().cloned().collect()
    }

    /// Hears the sensors of this room from now on.
    pub(super) fn hear(&self, room: &RoomSpec) {
        let mut named = self.named_mut();
        (named.sensors, named.distant) = (sensors(room), distant(room));
    }

    /// A sensor behind the broker, as long as this topic is its source.
    pub(super) fn distant(&self, sensor: &str, topic: &str) -> Option<SensorSpec> {
        let id = SensorId::new(sensor).ok()?;
        let named = self.named();
        let spec = named.distant.get(&id)?;
        let source = spec.source.as_ref()?.as_str().strip_prefix(BROKER)?;
        (source == topic).then(|| spec.clone())
    }

    /// A device stands behind its output from now on.
    pub(super) fn attach(&self, device: &DeviceSpec) {
        let (output, id) = (device.output.clone(), device.id.clone());
        self.named_mut().devices.insert(output, id);
    }

    /// Nothing stands behind this output any more.
    pub(super) fn detach(&self, output: &str) {
        self.named_mut().devices.remove(output);
    }

    fn named(&self) -> RwLockReadGuard<'_, Named> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn named_mut(&self) -> RwLockWriteGuard<'_, Named> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
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
                let named = self.named();
                let sensor = named.sensors.get(&address)?;
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
        self.named()
            .devices
            .get(address)
            .map(|device| Input::Driver(report(device.clone())))
    }
}

fn sensors(room: &RoomSpec) -> BTreeMap<Text, SensorSpec> {
    let address = |sensor: &SensorSpec| {
        let source = sensor.source.as_ref()?.as_str().strip_prefix(DRIVER)?;
        Some((Text::from(source), sensor.clone()))
    };
    room.sensors.values().filter_map(address).collect()
}

fn distant(room: &RoomSpec) -> BTreeMap<SensorId, SensorSpec> {
    let behind = |sensor: &&SensorSpec| {
        let source = sensor.source.as_ref();
        source.is_some_and(|source| source.as_str().starts_with(BROKER))
    };
    let sensors = room.sensors.values().filter(behind);
    sensors.map(|s| (s.id.clone(), s.clone())).collect()
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
