//! Where words leave the machine: HTTP calls of plug-ins, mail, and the heartbeat.
//!
//! ```text
//!  OpenCall ──▶ queue ──▶ worker ──▶ secrets put in ──▶ http │ mail ──▶ secrets blotted out ──▶ CallAnswer
//!               bounded, one call an origin at a time
//! ```
//!
//! Whether a plug-in may call at all was decided before: what comes here is performed. A far
//! side that hangs, drips or redirects costs its own origin time and nobody else's. A secret
//! stands in a call by name, `${secret:NAME}`; this is the only place that knows what it is,
//! and it gives it to no origin but the ones it is bound to. Nothing of the environment is
//! used: no proxy, no credentials, no certificates beside those inside the binary.

mod book;
mod heartbeat;
mod http;
mod mail;
mod outbound;
mod queue;
mod secret;

pub use book::Book;
pub use heartbeat::{Heartbeat, Pulse};
pub use mail::{MailServer, Security};
pub use outbound::Outbound;
pub use secret::{Secret, Source, placeholder};
