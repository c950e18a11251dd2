//! The vocabulary of growbox: what is said, by whom, about what, and when.
//!
//! Every other crate of the host speaks in these words. Nothing here reads a
//! clock, a file or a socket; time arrives as an argument.

pub mod batch;
pub mod catalogue;
pub mod commit;
pub mod effect;
pub mod event;
pub mod id;
pub mod incoming;
pub mod json;
pub mod manifest;
pub mod objection;
pub mod origin;
pub mod ports;
pub mod protection;
pub mod quantity;
pub mod request;
pub mod role;
pub mod room;
pub mod row;
pub mod time;

pub use batch::{Batch, Clock, DeviceView, Measure, Setpoint, ZoneView};
pub use catalogue::EventType;
pub use commit::{CallId, Commit, Dose, Frame, OpenCall, PluginCommit, Record, StateDelta};
pub use effect::{Call, Draft, Effect, Fault, Stop};
pub use event::{Event, Payload, Quality, Reading, Source};
pub use id::{DeviceId, Generation, PluginId, SensorId, Seq, Text, ZoneId};
pub use incoming::{Incoming, Speaker};
pub use json::Json;
pub use manifest::{Ask, Delivery, Manifest, Subscription};
pub use objection::Objection;
pub use protection::{
    CircuitSpec, Danger, Deed, Feedback, LockOut, PowerOn, QuietHours, SafeDevice, SafePlan,
    SafetySpec, Slew, Trip, Trouble,
};
pub use quantity::Quantity;
pub use request::{Command, Outcome, Request, Requester, Verdict, VerdictKind};
pub use role::Role;
pub use room::{DeviceSpec, Operation, PluginSpec, RoomSpec, SensorSpec, ZoneSpec};
pub use time::{Instant, Moment, Now, Span};
