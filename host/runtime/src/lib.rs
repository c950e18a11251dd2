//! Plug-ins as WebAssembly components: load, check, run with limits, one actor each.
//!
//! - **Loader**: bytes → audit → compiled code (from the cache, or compiled in a
//!   child process) → `describe` → [`Loaded`], or a [`LoadError`] that says whose
//!   fault it is and what to do next.
//! - **Actor**: one thread per plug-in with an instance, its state in memory and a
//!   slot for one batch. A batch becomes effects and a state delta, or a fault; after
//!   a fault nothing of that batch has happened and the instance is thrown away.
//! - **Limits**: time, memory, results, host calls, log lines and state, each
//!   refused by name ([`limits`]).
//!
//! Nothing here knows where events or state are stored, and no handler gets a
//! file, a socket, an environment variable or a real clock.

mod actor;
mod audit;
mod blame;
mod cache;
mod compile;
mod contract;
mod engine;
mod guest;
mod instance;
mod journal;
mod load;
mod memory;
mod meter;
mod reader;
mod shelf;

pub mod limits;

pub use actor::{Actor, NotTaken};
pub use audit::Objectionable;
pub use blame::Blame;
pub use cache::digest;
pub use compile::{Compiler, compile_file};
pub use journal::{Level, Line};
pub use load::{LoadError, Loaded, Loader, Origin};
