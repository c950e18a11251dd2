//! Lines for the author and the operator, kept by the host with the plug-in's name.

use crate::host::{self, LogLevel};
use std::fmt::Display;

/// What only the author wants to know.
pub fn debug(message: impl Display) {
    host::write(LogLevel::Debug, &message.to_string());
}

/// What the operator may want to know.
pub fn info(message: impl Display) {
    host::write(LogLevel::Info, &message.to_string());
}

/// What the operator should know.
pub fn warn(message: impl Display) {
    host::write(LogLevel::Warn, &message.to_string());
}

/// What the operator must know.
pub fn error(message: impl Display) {
    host::write(LogLevel::Error, &message.to_string());
}
