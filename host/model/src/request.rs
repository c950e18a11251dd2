//! Requests to devices, and what becomes of them: verdict first, outcomes after.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::id::{DeviceId, PluginId, Seq, Text};
use crate::time::{Moment, Span};

/// What is wanted of a device.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// A level, 0.0 … 1.0.
    Level(f64),
    /// On for exactly so long, once: a dose.
    Pulse(Span),
    /// Let go of an earlier request.
    Release,
    /// Something this host does not know: denied by name.
    Other(Text, Text),
}

/// A handler's or a person's request.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// Which device.
    pub device: DeviceId,
    /// What is wanted.
    pub command: Command,
    /// For how long; none means the device's default.
    pub lease: Option<Span>,
    /// Why, in words.
    pub reason: Text,
    /// The events it follows from; the newest is the cause.
    pub causes: Vec<Seq>,
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Requester {
    /// A plug-in.
    Plugin(PluginId),
    /// A person, by the name they gave.
    Person(Text),
}

impl fmt::Display for Requester {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plugin(id) => id.fmt(f),
            Self::Person(name) => write!(f, "person:{name}"),
        }
    }
}

/// The answer to a request, in the turn that decides it. Exactly one each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum VerdictKind {
    /// In force as asked.
    Granted,
    /// In force, changed by the envelope.
    Clamped,
    /// Recorded; protection or a condition holds the device for now.
    Dampened,
    /// Recorded; somebody above is in force.
    Outranked,
    /// Refused.
    Denied,
    /// Too old to act upon.
    Expired,
}

impl VerdictKind {
    /// The event type that records it.
    pub fn event_type(self) -> &'static str {
        match self {
            Self::Granted => "device.action.granted",
            Self::Clamped => "device.action.clamped",
            Self::Dampened => "device.action.dampened",
            Self::Outranked => "device.action.outranked",
            Self::Denied => "device.action.denied",
            Self::Expired => "device.action.expired",
        }
    }
}

/// A verdict with its reason.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    /// Which.
    pub kind: VerdictKind,
    /// The policy that decided: `form`, `grant`, `age`, `stop`, `hold`, `rank`, `envelope`,
    /// `minimum_off`, `minimum_on`, `maximum_on`, `doses`, `condition`, `operation`, `availability`.
    pub policy: &'static str,
    /// Why, in words.
    pub why: String,
    /// The level in force for this claim, where it has one.
    pub level: Option<f64>,
    /// When the lease ends.
    pub until: Option<Moment>,
    /// When protection would let it change.
    pub free_at: Option<Moment>,
}

/// What became of a request later on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// The driver confirmed.
    Executed,
    /// The driver failed, or the device is not there.
    Failed,
    /// Another claim took its place.
    Superseded,
    /// Its lease ended.
    Lapsed,
}

impl Outcome {
    /// The event type that records it.
    pub fn event_type(self) -> &'static str {
        match self {
            Self::Executed => "device.action.executed",
            Self::Failed => "device.action.failed",
            Self::Superseded => "device.action.superseded",
            Self::Lapsed => "device.action.lapsed",
        }
    }
}
