//! What a handler sees: the clock, the zones as they stood when the batch was cut, and the events.

use std::sync::Arc;

use serde::Serialize;

use crate::event::{Event, Quality};
use crate::id::{DeviceId, Generation, PluginId, Seq, Text, ZoneId};
use crate::quantity::Quantity;
use crate::role::Role;
use crate::room::Operation;
use crate::time::{Instant, Moment};

/// The clock as a guest is told it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Clock {
    /// Room time.
    pub now: Moment,
    /// Its label.
    pub wall: Instant,
    /// Whether the label can be believed.
    pub wall_trusted: bool,
    /// Seconds east of UTC, daylight saving included.
    pub utc_offset: i32,
}

/// Voted over the zone's sensors; fresh and plausible ones only.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Measure {
    /// What.
    pub quantity: Quantity,
    /// Its canonical unit.
    pub unit: Text,
    /// The median of the sensors.
    pub value: f64,
    /// The best quality among them.
    pub quality: Quality,
    /// Of the newest reading in it.
    pub taken: Moment,
    /// The wall-clock label of `taken`.
    pub taken_at: Instant,
}

/// What a quantity should be.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Setpoint {
    /// What.
    pub quantity: Quantity,
    /// Its canonical unit.
    pub unit: Text,
    /// The range's lower end.
    pub low: f64,
    /// Where to be; the midpoint unless set.
    pub target: f64,
    /// The range's upper end.
    pub high: f64,
}

/// A device, as one requester sees it. Levels are 0.0 (off) to 1.0 (full).
#[derive(Debug, Clone, PartialEq)]
pub struct DeviceView {
    /// Which.
    pub id: DeviceId,
    /// What it does to the air.
    pub role: Role,
    /// Only on and off.
    pub switched: bool,
    /// What the envelope allows now, lower end.
    pub low: f64,
    /// What the envelope allows now, upper end.
    pub high: f64,
    /// Where it is.
    pub level: f64,
    /// Since when.
    pub since: Moment,
    /// Whether its driver reaches it.
    pub available: bool,
    /// Whose claim it follows.
    pub owner: Option<Text>,
    /// When that claim's lease ends.
    pub until: Option<Moment>,
    /// Why the viewer's standing request is not (fully) in force.
    pub refusal: Option<Text>,
    /// When protection would let it change.
    pub free_at: Option<Moment>,
}

/// A zone at the instant the flow cut the batch.
#[derive(Debug, Clone, PartialEq)]
pub struct ZoneView {
    /// Which.
    pub zone: ZoneId,
    /// The zone its air comes from.
    pub ambient: Option<ZoneId>,
    /// Its growth stage.
    pub stage: Option<Text>,
    /// Whether growbox may act.
    pub operation: Operation,
    /// The control strategy.
    pub mode: Option<Text>,
    /// Whether it is day; none without `lights_on` or without a trusted clock.
    pub day: Option<bool>,
    /// What should be.
    pub setpoints: Vec<Setpoint>,
    /// What is.
    pub climate: Vec<Measure>,
    /// Quantities whose sensors are stale, bad or absent.
    pub missing: Vec<Quantity>,
    /// Its devices.
    pub devices: Vec<DeviceView>,
    /// Open set; `leaf_offset_celsius` is always there, `day_start` and `day_end` (ns since the
    /// Unix epoch) where the zone has a day of light.
    pub attributes: Vec<(Text, Text)>,
}

/// What the flow cut for one plug-in.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch {
    /// For whom.
    pub plugin: PluginId,
    /// For which of its generations.
    pub generation: Generation,
    /// The clock at the cut.
    pub clock: Clock,
    /// Whether a tick fell due.
    pub tick: bool,
    /// Matching events the plug-in will not get.
    pub skipped: u64,
    /// The first sequence considered.
    pub first: Seq,
    /// The last sequence considered: the cursor once the batch is done.
    pub last: Seq,
    /// The zones, as of the cut.
    pub zones: Arc<Vec<ZoneView>>,
    /// The events.
    pub events: Vec<Arc<Event>>,
    /// Correlation of each event, parallel to `events`: pattern and earlier events.
    pub correlations: Vec<Option<Correlation>>,
}

/// What happened in the 30 s before an event, in the same zone or to the same device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Correlation {
    /// Its name, such as `repeated_failures`.
    pub pattern: Text,
    /// At most 8 sequence numbers, newest first.
    pub events: Vec<Seq>,
}
