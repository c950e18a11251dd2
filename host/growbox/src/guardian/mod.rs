//! The guardian: a small process beside the host that makes the room safe when the host is gone.

pub(crate) mod word;
