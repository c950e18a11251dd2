//! The room as configured: zones, sensors, devices and plug-ins with every default filled in.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::event::Source;
use crate::id::{DeviceId, PluginId, SensorId, Text, ZoneId};
use crate::json::Json;
use crate::manifest::covers;
use crate::objection::Objection;
use crate::protection::{CircuitSpec, Feedback, PowerOn, QuietHours, SafetySpec, Slew};
use crate::quantity::Quantity;
use crate::role::Role;
use crate::time::Span;

/// Which form the room clock takes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ClockForm {
    /// The wall clock.
    System,
    /// The wall clock, so many times faster; simulated rooms only.
    Scaled(f64),
    /// Time comes from the events themselves; simulated rooms only.
    Events,
}

/// Whether growbox may act in a zone. Not to be confused with its mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Operation {
    /// Everything is decided and recorded, nothing is driven.
    Observe,
    /// Controllers act.
    Control,
    /// Controllers are refused; safety works.
    Paused,
}

impl Operation {
    /// The name in the configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Observe => "observe",
            Self::Control => "control",
            Self::Paused => "paused",
        }
    }

    /// The operation of this name.
    pub fn parse(name: &str) -> Result<Self, Objection> {
        match name {
            "observe" => Ok(Self::Observe),
            "control" => Ok(Self::Control),
            "paused" => Ok(Self::Paused),
            _ => Err(Objection::unknown(
                "unknown_operation",
                "operation",
                name,
                ["observe", "control", "paused"],
            )),
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The whole room.
#[derive(Debug, Clone, PartialEq)]
pub struct RoomSpec {
    /// The machine's own settings.
    pub node: NodeSpec,
    /// Zones by id.
    pub zones: BTreeMap<ZoneId, ZoneSpec>,
    /// Sensors by id.
    pub sensors: BTreeMap<SensorId, SensorSpec>,
    /// Devices by id.
    pub devices: BTreeMap<DeviceId, DeviceSpec>,
    /// Plug-ins by id.
    pub plugins: BTreeMap<PluginId, PluginSpec>,
    /// Circuits by id.
    pub circuits: BTreeMap<Text, CircuitSpec>,
    /// Safety rules, configured and shipped, in the order in which they are looked at.
    pub safety: Vec<SafetySpec>,
    /// What admission lets pass.
    pub filters: FilterSpec,
}

/// `[node]`.
#[derive(Debug, Clone, PartialEq)]
pub struct NodeSpec {
    /// The machine's name, for `metadata.processing_node`.
    pub name: Text,
    /// Which form the room clock takes.
    pub clock: ClockForm,
    /// IANA name.
    pub time_zone: String,
    /// Whether sensors that the configuration does not name enter the measures of their zone.
    pub measure_unknown_sensors: bool,
    /// How far ahead of the room clock an event may lie.
    pub max_ahead: Span,
    /// Older than this is late (system clock only).
    pub max_age: Span,
    /// How many events the queue holds.
    pub queue: usize,
    /// How many recent events handlers are served from memory.
    pub ring: usize,
    /// How often `system.health.check` is said, room time; none: never.
    pub health_every: Option<Span>,
    /// The sensor that stops everything while it says 1.
    pub stop_input: Option<SensorId>,
}

impl Default for NodeSpec {
    fn default() -> Self {
        Self {
            name: "growbox".into(),
            clock: ClockForm::System,
            time_zone: "UTC".into(),
            measure_unknown_sensors: false,
            max_ahead: Span::seconds(60),
            max_age: Span::hours(1),
            queue: 1000,
            ring: 8192,
            health_every: None,
            stop_input: None,
        }
    }
}

/// `[zone.ID]`.
#[derive(Debug, Clone, PartialEq)]
pub struct ZoneSpec {
    /// Which.
    pub id: ZoneId,
    /// Growth stage, a name of the table in `growbox-climate`.
    pub stage: Option<Text>,
    /// When the lights go on, seconds after local midnight.
    pub lights_on: Option<u32>,
    /// Overrides the stage's hours of light.
    pub hours_of_light: Option<f64>,
    /// Leaf minus air, °C.
    pub leaf_offset_celsius: f64,
    /// The zone whose air the exhaust draws in.
    pub ambient: Option<ZoneId>,
    /// Whether growbox may act.
    pub operation: Operation,
    /// The control strategy.
    pub mode: Option<Text>,
    /// Targets that override the midpoint of the stage's range.
    pub targets: BTreeMap<Quantity, f64>,
}

impl ZoneSpec {
    /// A zone with nothing configured but its name.
    pub fn bare(id: ZoneId) -> Self {
        Self {
            id,
            stage: None,
            lights_on: None,
            hours_of_light: None,
            leaf_offset_celsius: 0.0,
            ambient: None,
            operation: Operation::Control,
            mode: None,
            targets: BTreeMap::new(),
        }
    }
}

/// One line of `[sensor]`.
#[derive(Debug, Clone, PartialEq)]
pub struct SensorSpec {
    /// Which.
    pub id: SensorId,
    /// The zone it measures in.
    pub zone: Option<ZoneId>,
    /// The one source that may speak for it; none binds the first that does.
    pub source: Option<Source>,
    /// How often it reports; none is learnt.
    pub interval: Option<Span>,
    /// What is added to what it says, by quantity, canonical unit: its calibration.
    pub offsets: BTreeMap<Quantity, f64>,
    /// It is frozen once it has said the very same for so long; none: never.
    pub frozen_after: Option<Span>,
}

impl SensorSpec {
    /// A sensor with nothing configured but its id.
    pub fn bare(id: SensorId) -> Self {
        Self {
            id,
            zone: None,
            source: None,
            interval: None,
            offsets: BTreeMap::new(),
            frozen_after: None,
        }
    }
}

/// One line of `[device]`, with what its role brings.
#[derive(Debug, Clone, PartialEq)]
pub struct DeviceSpec {
    /// Which.
    pub id: DeviceId,
    /// The zone it acts in.
    pub zone: Option<ZoneId>,
    /// What it does.
    pub role: Role,
    /// The driver's address of it, such as `sim:heater`.
    pub output: Text,
    /// Only on and off.
    pub switched: bool,
    /// On is the low level of its pin.
    pub active_low: bool,
    /// Where it goes when in doubt.
    pub safe_level: f64,
    /// Where an emergency stop puts it while its zone is hot, full of CO2 or unknown; else the
    /// stop puts it to its safe level.
    pub emergency_level: f64,
    /// Where it goes at start, once readings are good.
    pub start_level: f64,
    /// Lowest running level.
    pub low: f64,
    /// Highest level.
    pub high: f64,
    /// 0 is clamped to `low`.
    pub never_off: bool,
    /// Shortest time on.
    pub min_on: Span,
    /// Shortest time off.
    pub min_off: Span,
    /// Comfort: shortest time between two switches either way; safety, stop and people skip it.
    pub cool_down: Span,
    /// How fast its level may change while it runs.
    pub slew: Option<Slew>,
    /// Changes of its level smaller than this are not driven while it runs.
    pub deadband: f64,
    /// How often it may leave zero in any hour.
    pub starts_per_hour: Option<u32>,
    /// Hours in which it is quiet.
    pub quiet_hours: Option<QuietHours>,
    /// The circuit it hangs on.
    pub circuit: Option<Text>,
    /// Devices that must be off while it is on, and the other way round.
    pub never_with: Vec<DeviceId>,
    /// Devices that must have been on for `settle_time` before it goes on, and stay on.
    pub needs_first: Vec<DeviceId>,
    /// How long an interlock takes to be true after a switch of the other device.
    pub settle_time: Span,
    /// It only runs while its zone has light.
    pub needs_light: bool,
    /// Longest run.
    pub max_on: Option<Span>,
    /// Pulses it may be given in any 24 hours; none means no bound.
    pub doses_per_day: Option<u32>,
    /// How long a request without a lease lasts.
    pub lease: Span,
    /// Quantities of its zone that must be fresh for it to run.
    pub needs: Vec<Quantity>,
    /// Who may ask, highest first. A plug-in not named here ranks below those that are.
    pub controllers: Vec<PluginId>,
    /// Its power at level 1: for its circuit, for people, and for choosing the frugal device.
    pub watts: Option<f64>,
    /// What else tells whether it does as it is told.
    pub feedback: Option<Feedback>,
    /// What its plug is to do when its power returns; none: as it is.
    pub power_on: Option<PowerOn>,
}

impl DeviceSpec {
    /// A device with nothing configured but role and output.
    pub fn of_role(id: DeviceId, role: Role, output: &str) -> Self {
        let row = role.0;
        let low = row.min_level_percent / 100.0;
        let safe_level = row.safe_level.unwrap_or(low);
        Self {
            id,
            zone: None,
            role,
            output: output.into(),
            switched: row.switched,
            active_low: false,
            safe_level,
            emergency_level: row.emergency_level.unwrap_or(safe_level),
            start_level: safe_level,
            low,
            high: 1.0,
            never_off: row.never_off,
            min_on: row.min_on,
            min_off: row.min_off,
            cool_down: row.cool_down,
            slew: row.slew.filter(|_| !row.switched),
            deadband: 0.0,
            starts_per_hour: row.starts_per_hour,
            quiet_hours: None,
            circuit: None,
            never_with: Vec::new(),
            needs_first: Vec::new(),
            settle_time: Span::seconds(5),
            needs_light: row.needs_light,
            max_on: row.max_on,
            doses_per_day: row.doses_per_day,
            lease: Span::seconds(120),
            needs: row
                .needs
                .iter()
                .filter_map(|q| Quantity::new(q).ok())
                .collect(),
            controllers: Vec::new(),
            watts: None,
            feedback: None,
            power_on: None,
        }
    }
}

impl DeviceSpec {
    /// The level up to which it counts as out of the way of others: what has to move air even in
    /// doubt idles at its lowest running level; everything else is out of the way only when off.
    pub fn idle_level(&self) -> f64 {
        let idles = !self.switched && (self.never_off || self.safe_level > 0.0);
        if idles { self.low } else { 0.0 }
    }
}

/// `[plugin.ID]`.
#[derive(Debug, Clone, PartialEq)]
pub struct PluginSpec {
    /// Which.
    pub id: PluginId,
    /// Where its component is; none means the embedded one.
    pub file: Option<PathBuf>,
    /// Its settings, as its own schema wants them.
    pub settings: Json,
    /// What the operator allows.
    pub grant: Grant,
    /// What the operator takes from that again.
    pub deny: Grant,
    /// CPU time one call may take.
    pub deadline: Span,
    /// Linear memory it may use, bytes.
    pub memory_bytes: u64,
    /// Bytes of stored state it may keep.
    pub state_bytes: u64,
    /// Whether it runs at all.
    pub enabled: bool,
}

impl PluginSpec {
    /// A plug-in with nothing configured but its id.
    pub fn bare(id: PluginId) -> Self {
        Self {
            id,
            file: None,
            settings: Json::trusted("{}"),
            grant: Grant::default(),
            deny: Grant::default(),
            deadline: Span::millis(100),
            memory_bytes: 64 * 1024 * 1024,
            state_bytes: 4 * 1024 * 1024,
            enabled: true,
        }
    }
}

/// What an operator allows a plug-in. Emitting is allowed by asking; everything else only by name.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Grant {
    /// Devices it may command.
    #[serde(default)]
    pub control: Vec<DeviceId>,
    /// Event types; only used to deny.
    #[serde(default)]
    pub emit: Vec<String>,
    /// Quantities whose history it may read, or `*`.
    #[serde(default)]
    pub read_history: Vec<String>,
    /// Zones it may stop, or `*`.
    #[serde(default)]
    pub emergency_stop: Vec<String>,
    /// Origins it may call.
    #[serde(default)]
    pub call: Vec<String>,
}

impl Grant {
    /// Whether `ability` in `scope` is named. `control` scopes are device ids.
    pub fn names(&self, ability: &str, scope: &str) -> bool {
        let any = |list: &[String]| list.iter().any(|pattern| covers(pattern, scope));
        match ability {
            "control" => self.control.iter().any(|device| device.as_str() == scope),
            "emit" => any(&self.emit),
            "read-history" => any(&self.read_history),
            "emergency-stop" => any(&self.emergency_stop),
            "call" => any(&self.call),
            _ => false,
        }
    }
}

/// `[filters]`.
#[derive(Debug, Clone, PartialEq)]
pub struct FilterSpec {
    /// Readings a second per source and type; none means no limit.
    pub readings_per_second: Option<f64>,
    /// The same for readings that come over MQTT, where a chatty device is one line away.
    pub mqtt_readings_per_second: Option<f64>,
    /// Other events a second per source and type.
    pub events_per_second: Option<f64>,
    /// Types (or prefixes) that are not taken at all.
    pub drop_types: Vec<String>,
}

impl Default for FilterSpec {
    fn default() -> Self {
        Self {
            readings_per_second: None,
            mqtt_readings_per_second: Some(10.0),
            events_per_second: None,
            drop_types: Vec::new(),
        }
    }
}
