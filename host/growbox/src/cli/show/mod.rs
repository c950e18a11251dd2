//! Answers of the host as text for people. Pure: rows and a reader in, text out.

pub(super) mod alerts;
pub(super) mod analytics;
pub(super) mod devices;
pub(super) mod events;
pub(super) mod export;
pub(super) mod health;
pub(super) mod letters;
pub(super) mod plugins;
mod roles;
pub(super) mod told;
pub(super) mod zones;

pub use plugins::manifest_text;
pub(super) use roles::roles;

/// What stands where there is nothing.
const NOTHING: &str = "–";

/// A listing without rows.
fn none(what: &str) -> String {
    format!(" no {what}\n")
}

fn or_nothing<T: ToString>(value: Option<&T>) -> String {
    value.map_or_else(|| NOTHING.to_owned(), ToString::to_string)
}
