//! What comes into the flow, and when it wants to be woken again.

use growbox_model::commit::DeadLetter;
use growbox_model::incoming::{Incoming, Speaker};
use growbox_model::ports::{BatchResult, CallAnswer, DriverReport, Ticket};
use growbox_model::row::{Order, Question, Signature, Wait};
use growbox_model::{
    Manifest, Moment, Objection, PluginId, PluginSpec, RoomSpec, SensorId, Seq, StateDelta, Text,
};
use serde::Serialize;
use serde_json::Value;

/// One message to the flow.
#[derive(Debug)]
pub enum Input {
    /// Events from an edge that waits for an answer.
    Post {
        /// Names the question.
        ticket: Ticket,
        /// The events, refused ones in their place.
        events: Vec<Result<Incoming, Objection>>,
        /// With whose authority.
        speaker: Speaker,
        /// How long to wait.
        wait: Wait,
    },
    /// A question of an edge.
    Ask(Ticket, Question),
    /// An order of somebody with the token.
    Order(Ticket, Order, Signature),
    /// Release a sensor from its source.
    Rebind(Ticket, SensorId),
    /// Readings of a driver.
    Readings(Vec<Incoming>),
    /// Something an edge refused that cannot answer; when, is the flow's to say.
    DeadLetter(DeadLetter),
    /// What a driver reports of an output.
    Driver(DriverReport),
    /// What a plug-in made of a batch.
    Handled(BatchResult),
    /// What came of an outbound call.
    Called(CallAnswer),
    /// New code or settings of a plug-in are loaded and checked.
    Candidate(Box<Candidate>),
    /// The exchange the flow asked for has happened, or not.
    Exchanged(Exchanged),
    /// A plug-in's file is refused; the old one goes on.
    Refused {
        /// Which.
        plugin: PluginId,
        /// Why.
        reason: String,
    },
    /// The log had to drop events: the first, the last, and how many of those between.
    Gap(Seq, Seq, u64),
    /// The configuration file has changed, and is right.
    Configured(Box<Reconfiguration>),
    /// It has changed, and is wrong; the old one goes on.
    Misconfigured(Misconfiguration),
    /// Everything up to this event is fsynced.
    Durable(Seq),
    /// The process is about to end.
    Stop(Text),
}

/// Another configuration for a room that runs, checked completely.
#[derive(Debug, Clone)]
pub struct Reconfiguration {
    /// The room as it is to be.
    pub room: RoomSpec,
    /// What the file says otherwise than before; none where it says the same again.
    pub changes: Vec<ConfigChange>,
    /// Keys in which the file differs from what runs, and which only a restart takes over.
    pub restart_for: Vec<String>,
}

/// One key of the file that has another value now.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ConfigChange {
    /// The table, such as `zone.tent`.
    pub section: String,
    /// The key in it.
    pub parameter: String,
    /// What it said; null where it said nothing. Secrets are only told as changed.
    pub old: Value,
    /// What it says; null where it says nothing.
    pub new: Value,
}

/// A file that was refused.
#[derive(Debug, Clone, PartialEq)]
pub struct Misconfiguration {
    /// Which file.
    pub file: String,
    /// All that is wrong with it, each in a sentence with its line and key.
    pub message: String,
    /// The same, one object each.
    pub reasons: Vec<Value>,
}

/// A plug-in's code, loaded and described, waiting for its turn.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// Its configuration.
    pub spec: PluginSpec,
    /// What it says of itself.
    pub manifest: Manifest,
    /// The digest of its code.
    pub digest: Text,
}

/// The end of an exchange.
#[derive(Debug)]
pub struct Exchanged {
    /// Which.
    pub plugin: PluginId,
    /// State written by `start`, or why it refused.
    pub outcome: Result<StateDelta, String>,
}

/// When the flow wants to be woken, if nothing comes before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Wake {
    /// Room time.
    pub room: Option<Moment>,
    /// Machine time.
    pub machine: Option<Moment>,
}
