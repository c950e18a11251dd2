//! Rows of the listings and answers of the edges: what API and terminal show.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::id::{DeviceId, PluginId, SensorId, Seq, Text, ZoneId};
use crate::json::Json;
use crate::objection::Objection;
use crate::quantity::Quantity;
use crate::time::Instant;

/// How much has to have happened before a post is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wait {
    /// Its events are taken.
    Accepted,
    /// They are fsynced.
    Durable,
    /// Every plug-in has handled them, and the gate has settled.
    Settled,
}

/// What became of one posted event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PostResult {
    /// Its place in the request.
    pub index: usize,
    /// Its id, where one was given or made.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub id: Option<Text>,
    /// Accepted, duplicate, late or refused.
    pub status: PostStatus,
    /// Its number, where it has one already.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub seq: Option<Seq>,
    /// `bad` for an implausible reading.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub quality: Option<Text>,
    /// Said without the right to: logged, without effect.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub foreign: bool,
    /// Why it was refused.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub error: Option<Objection>,
}

/// The four answers to a posted event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PostStatus {
    /// Taken.
    Accepted,
    /// Known already: same source, same id.
    Duplicate,
    /// Too old to act upon: logged only.
    Late,
    /// Not taken.
    Refused,
}

/// `GET /api/v1/devices`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DeviceRow {
    /// Which.
    pub id: DeviceId,
    /// Its zone.
    pub zone: Option<ZoneId>,
    /// Its role.
    pub role: Text,
    /// Where it is, 0…1; none while unknown.
    pub level: Option<f64>,
    /// Since when.
    pub since: Option<Instant>,
    /// Whose claim it follows.
    pub owner: Option<Text>,
    /// Why it is where it is.
    pub why: Text,
    /// When the lease ends.
    pub until: Option<Instant>,
    /// Whether its driver reaches it.
    pub available: bool,
    /// Why somebody's standing request is not (fully) in force.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub refusal: Option<Text>,
    /// When protection would let it change.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub free_at: Option<Instant>,
}

/// `GET /api/v1/zones`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ZoneRow {
    /// Which.
    pub id: ZoneId,
    /// Growth stage.
    pub stage: Option<Text>,
    /// `observe`, `control`, `paused`.
    pub operation: Text,
    /// Control strategy.
    pub mode: Option<Text>,
    /// Whether it is day.
    pub day: Option<bool>,
    /// Set points by quantity.
    pub setpoints: BTreeMap<Text, SetpointRow>,
    /// Measures by quantity.
    pub climate: BTreeMap<Text, MeasureRow>,
    /// Quantities whose sensors are stale, bad or absent.
    pub missing: Vec<Text>,
}

/// One set point of a zone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SetpointRow {
    /// The range's lower end.
    pub low: f64,
    /// Where to be.
    pub target: f64,
    /// The range's upper end.
    pub high: f64,
    /// Unit of all three.
    pub unit: Text,
}

/// One measure of a zone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MeasureRow {
    /// The value.
    pub value: f64,
    /// Its unit.
    pub unit: Text,
    /// Its quality.
    pub quality: Text,
    /// Of the newest reading in it.
    pub taken: Instant,
}

/// `GET /api/v1/plugins`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PluginRow {
    /// Which.
    pub id: PluginId,
    /// Its version.
    pub version: Text,
    /// `running`, `waiting`, `backing-off`, `quarantined`, `refused`.
    pub state: Text,
    /// Its generation; none before the first.
    pub generation: Option<u32>,
    /// How many events it has not considered yet.
    pub behind: u64,
    /// Faults since it last was well, for people: `strikes` of five quarantine it.
    pub strikes: u32,
    /// Linear memory.
    pub memory_bytes: u64,
    /// Devices it may command.
    pub controls: Vec<DeviceId>,
    /// What it waits for, or what its last fault was.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub why: Option<Text>,
}

/// `GET /api/v1/health`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HealthRow {
    /// `healthy`, `degraded`, `critical`.
    pub overall: Text,
    /// Each part with its figures.
    pub components: BTreeMap<Text, ComponentRow>,
    /// Of `heard_to_said`, `request_to_verdict` and `handler:ID`, as far as there was any lately.
    #[serde(default)]
    pub latency: BTreeMap<Text, LatencyRow>,
}

/// How long something took in the newest five minutes, machine time.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct LatencyRow {
    /// How often.
    pub count: u64,
    /// Half took no longer.
    pub p50_milliseconds: f64,
    /// 95 of 100 took no longer.
    pub p95_milliseconds: f64,
    /// 99 of 100 took no longer.
    pub p99_milliseconds: f64,
}

/// One part of the health.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ComponentRow {
    /// `healthy`, `degraded`, `critical`.
    pub status: Text,
    /// In one sentence, where it is not healthy.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub why: Option<Text>,
    /// Figures by name.
    pub figures: BTreeMap<Text, f64>,
}

/// `GET /api/v1/alerts`: one alert from its raising on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AlertRow {
    /// The id of the event that raised it, as shown: `growbox alerts acknowledge ID` takes it.
    pub id: Text,
    /// Which rule; rule, zone and subject together name one alert.
    pub rule: Text,
    /// `raised`, `acknowledged` or `cleared`.
    pub state: AlertState,
    /// `info`, `warning` or `critical`, as the rule says.
    pub severity: Text,
    /// The zone it is about.
    pub zone: Option<ZoneId>,
    /// The device, sensor or quantity it is about.
    pub subject: Option<Text>,
    /// What is wrong, in words.
    pub message: Text,
    /// Since when that is so: the first of the readings that led to it.
    pub since: Instant,
    /// When it was raised.
    pub raised: Instant,
    /// When somebody acknowledged it.
    pub acknowledged: Option<Instant>,
    /// Who acknowledged it.
    pub who: Option<Text>,
    /// When it was cleared.
    pub cleared: Option<Instant>,
    /// What the rule did beside raising it.
    pub action_taken: Option<Text>,
}

/// Where an alert is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AlertState {
    /// Nobody has seen it yet.
    Raised,
    /// Somebody has; it is still so.
    Acknowledged,
    /// It is no longer so.
    Cleared,
}

/// `GET /api/v1/analytics`: the newest report over one window.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AnalyticsRow {
    /// `1h`, `1d` or `7d`.
    pub window: Text,
    /// When it was made.
    pub at: Instant,
    /// `data` of the `analytics.report`.
    pub report: Json,
}

/// What `/metrics` shows beside the listings: one turn's view of everything that is counted.
#[derive(Debug, Clone, PartialEq)]
pub struct MetricsRow {
    /// Every series that is fresh.
    pub series: Vec<SeriesRow>,
    /// All devices.
    pub devices: Vec<DeviceRow>,
    /// How often each device was switched since the host started.
    pub switches: BTreeMap<DeviceId, u64>,
    /// All plug-ins.
    pub plugins: Vec<PluginRow>,
    /// How often each plug-in failed since the host started.
    pub faults: BTreeMap<PluginId, u64>,
    /// Requests by verdict since the host started.
    pub verdicts: BTreeMap<Text, u64>,
    /// Events from outside that got a number since the host started.
    pub taken: u64,
    /// Events that were refused since the host started.
    pub refused: u64,
    /// How well everything is.
    pub health: HealthRow,
}

/// The newest reading of one quantity of one sensor.
#[derive(Debug, Clone, PartialEq)]
pub struct SeriesRow {
    /// Whose.
    pub sensor: SensorId,
    /// Of what.
    pub quantity: Quantity,
    /// Where.
    pub zone: Option<ZoneId>,
    /// The value, in the canonical unit.
    pub value: f64,
    /// That unit.
    pub unit: Text,
}

/// A question of an edge to the flow.
#[derive(Debug, Clone, PartialEq)]
pub enum Question {
    /// Everything that is counted.
    Metrics,
    /// Alerts that stand, and the newest ones that were cleared.
    Alerts,
    /// The newest report of a window; without one, of every window.
    Analytics(Option<Text>),
    /// All devices.
    Devices,
    /// All zones.
    Zones,
    /// All plug-ins.
    Plugins,
    /// How well everything is.
    Health,
}

/// A change somebody with the token wants.
#[derive(Debug, Clone, PartialEq)]
pub enum Order {
    /// A person's `set` of a device: level, for how long.
    Set(DeviceId, f64, Option<crate::time::Span>),
    /// A person holds a device at a level (none: where it is), for how long (none: until released).
    Hold(DeviceId, Option<f64>, Option<crate::time::Span>),
    /// A person lets go of set and hold.
    Release(DeviceId),
    /// A person works at a device: it goes off and nobody moves it.
    LockOut(DeviceId),
    /// The end of that.
    Unlock(DeviceId),
    /// Stop a zone, or everything.
    Stop(Option<ZoneId>),
    /// Take back a stop.
    Reset(Option<ZoneId>),
    /// Change a zone: keys of its configuration, as JSON values.
    Zone(ZoneId, Json),
    /// Somebody has seen the alert of this id.
    Acknowledge(Text),
}

/// Who orders, and why.
#[derive(Debug, Clone, PartialEq)]
pub struct Signature {
    /// The name the person gave.
    pub who: Text,
    /// The reason they gave.
    pub reason: Text,
}

/// The flow's answer to a post, a question or an order.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// To a post.
    Posted(Vec<PostResult>),
    /// The log takes nothing now: the reason.
    Full(Text),
    /// All devices, or the one ordered about.
    Devices(Vec<DeviceRow>),
    /// All zones, or the one ordered about.
    Zones(Vec<ZoneRow>),
    /// All plug-ins.
    Plugins(Vec<PluginRow>),
    /// How well everything is.
    Health(HealthRow),
    /// All alerts, or the one ordered about.
    Alerts(Vec<AlertRow>),
    /// The newest reports.
    Analytics(Vec<AnalyticsRow>),
    /// Everything that is counted.
    Metrics(Box<MetricsRow>),
    /// There is no such thing.
    NotFound(Objection),
    /// Refused, and why.
    Conflict(Objection),
}
