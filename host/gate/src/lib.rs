//! The one way to an actuator: requests become claims or refusals, claims become transitions; all pure.
//!
//! ```text
//!  request ──decide──▶ refusal (denied, expired)
//!                 └──▶ claim ──settle──▶ order ──driver──▶ confirmed: executed, state changed
//!                        │                           └───▶ failed: tried again, ever more rarely
//!                        └─ replaced: superseded · lease over: lapsed
//! ```
//!
//! **Claim**: requester, level, until. **Wish**: what the top claim (or stop, hold, safe level)
//! wants of the device. **Hindrance**: a policy that keeps the device from it for now.
//! **Course**: where the device is, where it is heading, and when it last crossed zero.
//! Every device has two: the *real* one, and the *imagined* one, along which it moves while its
//! zone is only observed: there everything is decided and recorded, and nothing ordered.
//!
//! **Pulse**: a claim with a length. It waits until its request is on disk, runs once, is never
//! told to a driver again, and what interrupts it ends it (`pulse.rs`).
//!
//! The policies stand in a row, one file each: `policy/mod.rs` shows both rows. Nothing here
//! reads a clock, and nothing here reaches a driver: the flow does what `settle` returns.

mod bonds;
mod claim;
mod course;
mod decide;
mod device;
mod dose;
mod drive;
mod exchange;
mod gate;
mod hold;
mod lock_out;
mod neighbours;
mod policy;
mod pulse;
mod report;
mod rouse;
mod safe;
mod safety;
mod say;
mod settle;
mod starts;
mod view;
mod wish;
mod witness;

#[cfg(test)]
mod bench;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod properties_of_neighbours;
#[cfg(test)]
mod properties_of_pulses;
#[cfg(test)]
mod scenarios;

pub use decide::Ask;
pub use gate::{Gate, Toward, World};
pub use safety::Turn;
pub use settle::{Change, Consequence, Settlement};
pub use witness::{Finding, Mismatch, Testimony};
