//! What the flow hands to the log: one message, one transaction, never split.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::batch::Clock;
use crate::effect::Call;
use crate::event::{Event, Source};
use crate::id::{DeviceId, Generation, PluginId, SensorId, Seq, Text, ZoneId};
use crate::json::Json;
use crate::protection::{LockOut, Trip};
use crate::row::{AlertRow, AnalyticsRow};
use crate::time::{Instant, Moment, Now, Span};

/// Everything one step of the flow wants to survive, together or not at all.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Commit {
    /// The room clock at the step; stored as the newest known time.
    pub now: Now,
    /// Events, in sequence order, following the ones before without overlap.
    pub events: Vec<Arc<Event>>,
    /// What a plug-in's batch did to its state, with its cursor.
    pub plugin: Option<PluginCommit>,
    /// Everything else.
    pub records: Vec<Record>,
    /// Whether somebody waits for it: commit at once instead of with company.
    pub urgent: bool,
}

impl Commit {
    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.events.is_empty() && self.plugin.is_none() && self.records.is_empty()
    }
}

/// State, cursor and frame of one finished batch.
#[derive(Debug, Clone, PartialEq)]
pub struct PluginCommit {
    /// Whose.
    pub plugin: PluginId,
    /// Which generation.
    pub generation: Generation,
    /// The last sequence considered.
    pub cursor: Seq,
    /// What changed in its state.
    pub state: StateDelta,
    /// The batch, so that it can be explained and run again; only where it had effects.
    pub frame: Option<Frame>,
}

/// Changed keys of a plug-in's state: new value, or none where the key was removed.
pub type StateDelta = Vec<(Text, Option<Vec<u8>>)>;

/// How a batch was cut.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Frame {
    /// First sequence considered.
    pub first: Seq,
    /// Last sequence considered.
    pub last: Seq,
    /// The newest event the views knew.
    pub view: Seq,
    /// The clock the batch was told.
    pub clock: Clock,
    /// Whether it was a tick.
    pub tick: bool,
}

/// A fact with a table of its own.
#[derive(Debug, Clone, PartialEq)]
pub enum Record {
    /// A sensor belongs to a source; none releases it.
    Bound(SensorId, Option<Source>),
    /// A device crossed zero or changed its level.
    Switched(Switch),
    /// Somebody with the token changed a zone's setting until the file changes that key; none takes it back.
    Override(ZoneId, Text, Option<Json>),
    /// A person holds a device at a level; none releases it.
    Hold(DeviceId, Option<Hold>),
    /// A zone (none: all) is stopped; a missing reason resets it.
    Stopped(Option<ZoneId>, Option<Text>),
    /// A safety rule of a zone tripped; none: it is over, or was reset.
    Tripped(Text, ZoneId, Option<Trip>),
    /// A device is locked out; none: released.
    LockedOut(DeviceId, Option<LockOut>),
    /// A device was caught too often by its witness, how; none: a person has released it.
    Doubted(DeviceId, Option<Text>),
    /// A device left zero: counted for its starts per hour.
    Started(DeviceId, Moment),
    /// A pulse was let in: it counts from here, in one commit with its request, also if it never runs.
    Dosed(Dose),
    /// A request is in force and waits for its end.
    Opened(Seq, DeviceId),
    /// It has ended.
    Closed(Seq),
    /// Something accepted and then refused, or refused by an edge that cannot answer.
    DeadLetter(DeadLetter),
    /// A generation of a plug-in took over: version and digest of its code.
    Generation(PluginId, Generation, Text, Text),
    /// An alert was raised, acknowledged or cleared: as it stands now.
    Alert(AlertRow),
    /// The newest report over its window.
    Report(AnalyticsRow),
    /// A plug-in's outbound call is to be performed, at least once, whatever happens to the host.
    CallOpened(OpenCall),
    /// It has been answered, or given up.
    CallClosed(CallId),
    /// The host ended cleanly.
    CleanEnd,
}

/// Names one outbound call while it is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CallId(pub u64);

/// An outbound call that waits for its answer.
#[derive(Debug, Clone, PartialEq)]
pub struct OpenCall {
    /// Its name; the next is always larger than every open one.
    pub id: CallId,
    /// Whose.
    pub plugin: PluginId,
    /// Of which generation.
    pub generation: Generation,
    /// The event it follows from: the cause of the answer.
    pub cause: Option<Seq>,
    /// What is to be called. Secrets stand in it by name, never in clear.
    pub call: Call,
}

/// A change of a device's level, as protection remembers it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Switch {
    /// Which.
    pub device: DeviceId,
    /// The new level.
    pub level: f64,
    /// When, in room time.
    pub moment: Moment,
    /// When, by the wall clock.
    pub wall: Instant,
}

/// One pulse of a device, for the doses a day may have.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Dose {
    /// Which.
    pub device: DeviceId,
    /// How long.
    pub length: Span,
    /// When, in room time, which goes on over restarts and which nobody can set.
    pub moment: Moment,
    /// When, by the wall clock.
    pub wall: Instant,
}

/// A person's hold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Hold {
    /// Held at.
    pub level: f64,
    /// Until, by the wall clock, since it survives restarts; none means until released.
    pub until: Option<Instant>,
    /// Who.
    pub who: Text,
    /// Why.
    pub reason: Text,
}

/// One dead letter.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DeadLetter {
    /// When it was refused.
    pub taken: Instant,
    /// Who said it.
    pub source: Source,
    /// Stable code of the reason.
    pub code: Text,
    /// The reason in words.
    pub message: Text,
    /// What was said, shortened to the bounds.
    pub body: Text,
}

/// What the log knew when the host started.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Restored {
    /// The newest durable event.
    pub last_seq: Seq,
    /// The first event still in the log.
    pub first_seq: Seq,
    /// Whether the last end was a clean one (or there was none before).
    pub clean: bool,
    /// Whether the machine has not been started anew since; what the log cannot know, the
    /// caller tells. Only a clean end within the same boot keeps what protection knows.
    pub same_boot: bool,
    /// When it ended cleanly in this boot, machine clock; what the log cannot know either.
    pub ended: Option<Moment>,
    /// The newest stored room time.
    pub moment: Moment,
    /// The wall clock at that time.
    pub wall: Instant,
    /// The largest `at` of any event, for the events clock.
    pub newest_at: Instant,
    /// Bound sensors.
    pub bindings: Vec<(SensorId, Source)>,
    /// The newest switch of each device.
    pub switches: Vec<Switch>,
    /// Overrides: zone, key, value.
    pub overrides: Vec<(ZoneId, Text, Json)>,
    /// Holds.
    pub holds: Vec<(DeviceId, Hold)>,
    /// Stopped zones (none: all) and why.
    pub stops: Vec<(Option<ZoneId>, Text)>,
    /// Safety rules that have tripped.
    pub trips: Vec<Trip>,
    /// Devices that are locked out.
    pub lock_outs: Vec<(DeviceId, LockOut)>,
    /// Devices that are kept at their safe level because their witness caught them, and how.
    pub doubts: Vec<(DeviceId, Text)>,
    /// When each device left zero, of the newest hour of room time, oldest first.
    pub starts: Vec<(DeviceId, Moment)>,
    /// Requests that were open.
    pub open: Vec<(Seq, DeviceId)>,
    /// Plug-ins: newest generation, version, digest, cursor.
    pub plugins: Vec<RestoredPlugin>,
    /// Alerts that stand, and the newest cleared ones, oldest first.
    pub alerts: Vec<AlertRow>,
    /// The newest report of each window.
    pub reports: Vec<AnalyticsRow>,
    /// Outbound calls without an answer, oldest first.
    pub calls: Vec<OpenCall>,
    /// Pulses given to each device, oldest first: those of the newest 24 hours.
    pub doses: Vec<Dose>,
    /// Strings that are interned: with their number the bound is kept.
    pub texts: Vec<Text>,
    /// Ids given by clients in the log's tail: source, id, seq.
    pub ids: Vec<(Source, Text, Seq)>,
    /// The newest events, oldest first: what views, ring and correlation are rebuilt from.
    pub tail: Vec<Arc<Event>>,
}

/// A plug-in as the log knew it.
#[derive(Debug, Clone, PartialEq)]
pub struct RestoredPlugin {
    /// Which.
    pub plugin: PluginId,
    /// Its newest generation.
    pub generation: Generation,
    /// Its version.
    pub version: Text,
    /// The digest of its code.
    pub digest: Text,
    /// Its cursor; none where it never finished a batch.
    pub cursor: Option<Seq>,
}
