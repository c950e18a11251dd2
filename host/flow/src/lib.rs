//! The turn: one event's whole way, top to bottom, over ports.
//!
//! Start with `flow.rs`: it is the page that shows the way. Every other file is one
//! station on it. Nothing here reads a clock, a file or a socket; live running,
//! replay and tests put different things behind `growbox_model::ports::Ports`.

mod alerts;
mod answers;
mod calls;
mod climate;
mod clock;
mod day;
mod effects;
mod flow;
mod health;
mod input;
mod intake;
mod judge;
mod lanes;
mod latency;
mod mailbox;
mod metrics;
mod obey;
mod orders;
mod overrides;
mod pause;
mod permit;
mod plugins;
mod ramps;
mod reconfigure;
mod reports;
mod ring;
mod round;
mod rows;
mod safe;
mod safety;
mod say;
mod series;
mod setpoints;
mod start;
mod trust;
mod watch;
mod witness;
mod zones;

#[cfg(test)]
mod bench;
#[cfg(test)]
mod memory;
#[cfg(test)]
mod scenarios;

pub use clock::{Machine, RoomClock};
pub use flow::Flow;
pub use input::{
    Candidate, ConfigChange, Exchanged, Input, Misconfiguration, Reconfiguration, Wake,
};
pub use start::Start;
pub use zones::UtcOffset;
