//! Where levels leave and readings enter: one file a kind.
//!
//! | address | file |
//! |---|---|
//! | `sim:NAME` | `sim.rs`, over the simulated [`tent`] |
//! | `unix:PATH#NAME` | `unix/`; its far side is [`room_server`] |
//! | `zigbee:NAME`, `mqtt:TOPIC` | `mqtt/` |
//! | `gpio:PIN` | `gpio/`, through rppal |
//! | `null:NAME` | `null.rs` |
//!
//! A new kind is a file with a [`Driver`] in it, a form in `address.rs` and a line in `drivers.rs`.
//! Nothing here knows of devices, zones, roles or rules.

mod address;
mod back_off;
mod driver;
mod drivers;
mod gpio;
pub mod machine;
pub mod mqtt;
mod null;
pub mod room_server;
mod sim;
pub mod tent;
mod unix;

pub use address::{Address, is_of_this_process, parse_address, parse_output, parse_source};
pub use driver::{Driver, DriverEvent, Order, Sink, sink_into};
pub use drivers::{Drivers, Options};
pub use gpio::{Gpio, OpenPins, Pins};
pub use null::Null;
pub use sim::Simulated;
pub use unix::{Patience, UnixRoom};
