//! The binary as a library: configuration, command line, text for terminals.

pub mod config;
pub mod render;
