//! The binary as a library: configuration, the running room, the command line, and text for terminals.

pub mod child;
pub mod cli;
pub mod config;
pub mod demo;
pub mod discover;
pub mod guardian;
pub mod inspect;
pub mod render;
pub mod room;
pub mod run;
pub mod sim;
pub mod telemetry;
