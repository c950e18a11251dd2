//! What the macros write out; not for authors.

pub use crate::settings::{Field, Given};
pub use crate::wire;

/// The attributes of a manifest that the package fills in.
#[must_use]
pub fn attributes(package: &[(&str, &str)]) -> Vec<(String, String)> {
    let filled = package.iter().filter(|(_, value)| !value.is_empty());
    filled
        .map(|(name, value)| ((*name).to_string(), (*value).to_string()))
        .collect()
}
