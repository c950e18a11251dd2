//! The host under attack: every bad input gets a clear answer, nothing is lost, nothing goes down.
//!
//! Each module is a kind of attacker or of confused person; `victim` is who they meet.

mod authority;
mod bodies;
mod bounds;
mod command_line;
mod configuration;
mod data_directory;
pub(crate) mod disk;
mod gate;
pub(crate) mod mounted;
mod people;
mod plugins;
mod readings;
mod stream;
mod times;
mod victim;
mod wire;
