//! Where levels leave and readings enter: one file a kind.

pub mod tent;
