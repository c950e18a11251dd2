//! What a handler returns: things it wants to have happened.

use crate::catalogue::EventType;
use crate::event::Payload;
use crate::id::{Seq, Text, ZoneId};
use crate::json::Json;
use crate::request::Request;
use crate::time::Instant;

/// An event a plug-in wants said.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    /// Its type.
    pub kind: EventType,
    /// Its zone.
    pub zone: Option<ZoneId>,
    /// When it happened; none means the batch's clock.
    pub at: Option<Instant>,
    /// What it carries.
    pub payload: Payload,
    /// Whatever else goes with it.
    pub metadata: Option<Json>,
    /// Its causes; the newest is the cause.
    pub causes: Vec<Seq>,
}

/// A plug-in's granted emergency stop.
#[derive(Debug, Clone, PartialEq)]
pub struct Stop {
    /// Which zone; none means all.
    pub zone: Option<ZoneId>,
    /// Why, in words.
    pub reason: String,
    /// Its causes.
    pub causes: Vec<Seq>,
}

/// An outbound call, performed after commit.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// The plug-in's own name for it; comes back with the answer.
    pub key: String,
    /// `GET`, `POST` …
    pub method: String,
    /// Where to.
    pub url: String,
    /// Names and values.
    pub headers: Vec<(String, String)>,
    /// What is sent.
    pub body: Vec<u8>,
}

/// One thing a handler wants.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Say something.
    Emit(Draft),
    /// Ask for a device.
    Request(Request),
    /// Stop a zone.
    Stop(Stop),
    /// Call outside.
    Call(Call),
    /// Something this host does not know: refused by name.
    Other(Text, Text),
    /// Something whose form the host refuses: the reason, instead of the effect.
    Malformed(String),
}

/// Why a handler could not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The settings are wrong: JSON pointer, why. Refused before it takes over.
    #[error("settings{pointer}: {why}")]
    Settings {
        /// JSON pointer into the settings.
        pointer: String,
        /// Why.
        why: String,
    },
    /// One event is wrong: it is parked, the rest is handled again.
    #[error("event {seq}: {why}")]
    Event {
        /// Which.
        seq: Seq,
        /// Why.
        why: String,
    },
    /// The same batch again, with back-off.
    #[error("{0}")]
    Transient(String),
    /// No use in trying: quarantine.
    #[error("{0}")]
    Permanent(String),
    /// The host ended it: trap, deadline, memory, too large a result.
    #[error("{0}")]
    Trap(String),
}
