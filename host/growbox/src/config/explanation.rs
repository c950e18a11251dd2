//! Where each value of a configuration comes from, and why it is what it is.

use std::fmt::Write as _;

use serde::Serialize;

use crate::render::Table;

/// One value with its origin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// The path of the key, such as `device.heater.min_on`.
    pub key: String,
    /// The value, as the file would say it.
    pub value: String,
    /// Where it comes from.
    #[serde(flatten)]
    pub origin: Origin,
}

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "from", rename_all = "lowercase")]
pub enum Origin {
    /// It stands in the file.
    File {
        /// In this line, from 1.
        line: usize,
    },
    /// It does not; this follows by itself.
    Default {
        /// Because of this.
        why: String,
    },
}

/// All explanations as a table.
pub fn render(file: &str, explanations: &[Explanation]) -> String {
    let mut table = Table::new(["KEY", "VALUE", "FROM"]);
    for row in explanations {
        let from = match &row.origin {
            Origin::File { line } => format!("{file}:{line}"),
            Origin::Default { why } => format!("default: {why}"),
        };
        table.row([row.key.clone(), row.value.clone(), from]);
    }
    let mut out = String::new();
    let _ = write!(out, "{table}");
    out
}
