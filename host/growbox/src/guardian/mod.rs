//! The guardian: a small process beside the host that makes the room safe when the host is gone.

mod hands;
mod plan;
mod safe;
pub(crate) mod word;

pub use safe::safe;
