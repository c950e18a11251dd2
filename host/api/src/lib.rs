//! The HTTP edge: events in, answers and streams out.
//!
//! It reads and bounds what comes from outside, checks who speaks, and asks the
//! [`Host`] for everything else. It knows neither the flow nor the log: a change
//! of a device is an order it passes on, never something it does.
//!
//! ```text
//! connection   slots, idle limit
//!   guard      Host, Origin, token → Speaker
//!     post     body → events → Host::post      → results
//!     query    filter → History                → a page
//!     stream   log, then live                  → SSE
//!     listing  question → Host::ask            → rows
//!     metrics  question → Host::ask            → Prometheus' text
//!     order    token, who, why → Host::order   → the row
//! ```
//!
//! `routes` is the one table of addresses: router and `/openapi.json` are built of it.

mod answer;
mod body;
mod connection;
mod edge;
mod filter;
mod guard;
mod host;
mod html;
mod intake;
mod limits;
mod listing;
mod log;
mod metrics;
mod openapi;
mod order;
mod params;
mod post;
mod query;
mod refusal;
mod routes;
mod serve;
mod story;
mod stream;

pub use growbox_model::row::Wait;
pub use host::{Host, Post};
pub use limits::Limits;
pub use serve::{serve, serve_within};

#[cfg(test)]
mod tests;
