//! Where levels leave and readings enter: one file a kind.
//!
//! | address | file |
//! |---|---|
//! | `sim:NAME` | `sim.rs`, over the simulated [`tent`] |
//! | `null:NAME` | `null.rs` |
//!
//! A new kind is a file with a [`Driver`] in it and a form in `address.rs`.
//! Nothing here knows of devices, zones, roles or rules.

mod address;
mod driver;
mod null;
mod sim;
pub mod tent;

pub use address::{Address, parse_address, parse_output, parse_source};
pub use driver::{Driver, DriverEvent, Order, Sink, sink_into};
pub use null::Null;
pub use sim::Simulated;
