//! The openings of the flow: what it needs of the world, and what it does to it.
//!
//! Live running, replay and tests put different things behind these traits; the
//! flow cannot tell which.

use std::sync::Arc;

use crate::batch::{Batch, Clock};
use crate::catalogue::EventType;
use crate::commit::{CallId, Commit, OpenCall, StateDelta};
use crate::effect::{Effect, Fault};
use crate::event::Event;
use crate::id::{DeviceId, Generation, PluginId, SensorId, Seq, Text, ZoneId};
use crate::room::{DeviceSpec, RoomSpec};
use crate::row::ComponentRow;
use crate::time::{Instant, Moment, Span};

/// What the flow does to the world.
pub trait Ports {
    /// Hands one step to the log. Never blocks.
    fn commit(&mut self, commit: Commit);
    /// How far the log has come with what it was handed.
    fn written(&self) -> Written;
    /// Hands a batch to the plug-in's actor; one is out at a time per plug-in.
    fn deliver(&mut self, batch: Batch);
    /// Tells a driver where an output should be. Never blocks; the newest order wins.
    fn drive(&mut self, order: DriveOrder);
    /// Hands over what is to be done when this process is gone. Never blocks; the newest wins.
    fn safe_plan(&mut self, _plan: crate::protection::SafePlan) {}
    /// Performs an outbound call. Never blocks; its answer comes back as a [`CallAnswer`].
    fn call(&mut self, call: OpenCall);
    /// Answers one question of an edge.
    fn answer(&mut self, ticket: Ticket, answer: crate::row::Answer);
    /// The plug-in is idle: put the candidate that waits for it in its place, as this generation.
    fn exchange(&mut self, plugin: &PluginId, generation: Generation, clock: Clock);
    /// This device is driven from now on.
    fn attach(&mut self, device: &DeviceSpec);
    /// This device is driven no longer; it has been told where to stay.
    fn detach(&mut self, device: &DeviceSpec);
    /// The room is configured like this from now on: which sensors are heard, which plug-ins are
    /// to run. Devices come and go by [`Ports::attach`] and [`Ports::detach`].
    fn reconfigured(&mut self, room: &RoomSpec);
    /// Why the log takes no ordinary event now; none while it does.
    fn log_refusal(&self) -> Option<Text>;
    /// How well the log is, where it can tell.
    fn storage(&self) -> Option<ComponentRow> {
        None
    }
    /// Events after `after`, oldest first, unwritten ones included: for who is behind the ring.
    fn backlog(&mut self, after: Seq, limit: usize) -> Vec<Arc<Event>>;
}

/// How far the log has come: commits are numbered over its whole life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Written {
    /// The newest commit that was handed over.
    pub handed: u64,
    /// The newest one that is fsynced.
    pub durable: u64,
}

/// Names one question of an edge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ticket(pub u64);

/// Where an output should be.
#[derive(Debug, Clone, PartialEq)]
pub struct DriveOrder {
    /// Which device, for the confirmation.
    pub device: DeviceId,
    /// The driver's address of it.
    pub output: Text,
    /// The level.
    pub level: f64,
    /// After so long the far side puts it to off by itself, unless told again.
    pub within: Option<Span>,
    /// A dose: `within` is its length, and it is never told again.
    pub pulse: bool,
}

/// What came of an outbound call.
#[derive(Debug, Clone, PartialEq)]
pub struct CallAnswer {
    /// Which.
    pub id: CallId,
    /// The answer, whatever its status; or why there is none, in words.
    pub outcome: Result<CallReply, String>,
}

/// What the far side of an outbound call said.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct CallReply {
    /// HTTP status; 250 for a mail that its server took.
    pub status: u16,
    /// Names in lower case, and values; only as many as fit an event.
    pub headers: Vec<(Text, Text)>,
    /// What it said, as text, cut to what fits a string of an event.
    pub body: Text,
}

/// What a plug-in made of a batch.
#[derive(Debug, Clone, PartialEq)]
pub struct BatchResult {
    /// Whose.
    pub plugin: PluginId,
    /// Which generation.
    pub generation: Generation,
    /// The last sequence considered, as in the batch.
    pub last: Seq,
    /// Effects and state, or why not.
    pub outcome: Result<Handled, Fault>,
    /// How long the call took, machine time.
    pub elapsed: Span,
    /// Linear memory after the call, bytes.
    pub memory_bytes: u64,
}

/// A batch that went well.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Handled {
    /// What it wants to have happened.
    pub effects: Vec<Effect>,
    /// What changed in its state.
    pub state: StateDelta,
}

/// What a driver reports.
#[derive(Debug, Clone, PartialEq)]
pub enum DriverReport {
    /// The output is at this level.
    Confirmed(DeviceId, f64),
    /// It could not be driven.
    Failed(DeviceId, String),
    /// It can or cannot be reached.
    Available(DeviceId, bool),
    /// Somebody else moved it.
    Moved(DeviceId, f64),
}

impl DriverReport {
    /// The device it is about.
    pub fn device(&self) -> &DeviceId {
        match self {
            Self::Confirmed(device, _)
            | Self::Failed(device, _)
            | Self::Available(device, _)
            | Self::Moved(device, _) => device,
        }
    }
}

/// Reads the log for queries and for handlers' `history`: durable and unwritten events as one.
pub trait History: Send + Sync {
    /// Events by filter, in sequence order.
    fn events(&self, filter: &EventFilter) -> Result<Vec<Arc<Event>>, String>;
    /// Values of one series in steps; without a step, each reading is a sample.
    fn samples(
        &self,
        sensor: &SensorId,
        quantity: &str,
        window: Window,
        step: Option<Span>,
    ) -> Result<Vec<Sample>, String>;
}

/// A stretch of `at`, newest `limit` entries at most, up to a sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// From, inclusive.
    pub start: Instant,
    /// To, exclusive.
    pub end: Instant,
    /// At most so many.
    pub limit: u32,
    /// Nothing newer than this.
    pub up_to: Seq,
}

/// One step of a series.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample {
    /// Start of the step.
    pub at: Instant,
    /// Lowest value.
    pub low: f64,
    /// Mean.
    pub mean: f64,
    /// Highest value.
    pub high: f64,
    /// How many readings.
    pub count: u32,
}

/// Which events a query wants.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct EventFilter {
    /// `at` from, inclusive.
    pub from: Option<Instant>,
    /// `at` to, exclusive.
    pub to: Option<Instant>,
    /// Types or prefixes; none means all.
    pub types: Vec<String>,
    /// One zone.
    pub zone: Option<ZoneId>,
    /// One sensor.
    pub sensor: Option<SensorId>,
    /// One device (`data.device_id`).
    pub device: Option<DeviceId>,
    /// Only after this sequence.
    pub after: Option<Seq>,
    /// Nothing newer than this.
    pub up_to: Option<Seq>,
    /// At most so many.
    pub limit: usize,
}

impl EventFilter {
    /// Whether an event is wanted.
    pub fn wants(&self, event: &Event) -> bool {
        self.from.is_none_or(|from| event.at >= from)
            && self.to.is_none_or(|to| event.at < to)
            && self.after.is_none_or(|after| event.seq > after)
            && self.up_to.is_none_or(|last| event.seq <= last)
            && (self.types.is_empty() || self.types.iter().any(|t| event.kind.matches(t)))
            && self
                .zone
                .as_ref()
                .is_none_or(|zone| event.zone.as_ref() == Some(zone))
            && self
                .sensor
                .as_ref()
                .is_none_or(|sensor| event.reading().is_some_and(|r| r.sensor == *sensor))
            && self
                .device
                .as_ref()
                .is_none_or(|device| concerns(event, device))
    }
}

/// Whether a document's `device_id` names this device.
fn concerns(event: &Event, device: &DeviceId) -> bool {
    event.kind.as_str().starts_with("device.")
        && event.document().is_some_and(|json| {
            json.map().get("device_id").and_then(|v| v.as_str()) == Some(device.as_str())
        })
}

/// A type that matches nothing the catalogue lacks; used where a filter is read from outside.
pub fn is_pattern(text: &str) -> bool {
    text.ends_with('*') || EventType::parse(text).is_ok()
}

/// Room time with which leases and stamps are shown as wall time.
pub fn wall_of(moment: Moment, now: crate::time::Now) -> Instant {
    if moment >= now.moment {
        now.wall.plus(moment.since(now.moment))
    } else {
        now.wall.minus(now.moment.since(moment))
    }
}
