//! The whole of growbox seen from outside: rooms of the real binary, and what to ask them.
//!
//! ```text
//! Room     a folder of its own: growbox.toml, data/          Room::new(config)
//! Host     `growbox run` in it, until killed or dropped      room.start()
//! Client   an ordinary HTTP client, with the token or not    host.client(), host.stranger()
//! cli      `growbox …` as a person types it                  room.cli(["device", "list"])
//! Outside  devices in this process, with a record             Outside::new(socket, outputs, speed)
//! checker  judges record and exported log by the limits       checker::acquit(limits, record, log)
//! ```
//!
//! The binary is `target/debug/growbox` or what `GROWBOX_BIN` names, guests are in
//! `target/guests` or where `GROWBOX_GUESTS` says. Nothing sleeps in the hope that something
//! has happened by then: it waits until it is so, with a deadline; only who plays a far side or a
//! person keeps a pace. What the host wrote is printed when a test fails.

mod bridge;
mod broker;
mod chance;
pub mod checker;
mod client;
mod counting;
mod far_side;
mod host;
mod outside;
mod place;
mod record;
mod recording;
mod room;
mod state;
mod wait;

pub use bridge::{BELL, Bridge};
pub use broker::{Broker, Peer};
pub use chance::Chance;
pub use client::{Answer, Client, Gone, with_seq};
pub use counting::fold;
pub use far_side::{FarSide, Reply};
pub use host::{Host, Starting};
pub use outside::Outside;
pub use place::{guest, shared_code, workspace};
pub use record::{By, Entry, What};
pub use recording::{Row, office};
pub use room::{Ended, Room};
pub use state::stored_state;
pub use wait::{DEADLINE, until, until_within};
