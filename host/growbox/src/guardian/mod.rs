//! The guardian: a small process beside the host that makes the room safe when the host is gone.
//!
//! ```text
//!   host ──words──▶ watch ──acts──▶ guard ──▶ hands: connections of their own
//!                   (pure)           │         ▲
//!                                    └─ plan ──┘  what is due when (pure)
//! ```

mod child;
pub(crate) mod deeds;
mod guard;
mod hands;
mod help;
mod plan;
mod safe;
mod systemd;
mod watch;
pub(crate) mod word;

pub(crate) use guard::guard;
pub(crate) use help::Help;
pub use safe::safe;
pub(crate) use word::given_up;
