//! The contract 0.1.0, as generated from `wit/0.1.0`, and its translation to the model.
//!
//! A later version gets a folder of its own beside this one; the model stays.

mod effects;
mod imports;
mod manifest;
mod views;
pub(crate) mod wit;

pub(crate) use effects::{effects, fault};
pub(crate) use manifest::manifest;
pub(crate) use views::{batch, clock};

/// The version of the contract served here.
pub(crate) const VERSION: &str = "0.1.0";

/// What a component may import.
pub(crate) const IMPORTS: [&str; 4] = [
    "growbox:plugin/types@0.1.0",
    "growbox:plugin/log@0.1.0",
    "growbox:plugin/state@0.1.0",
    "growbox:plugin/history@0.1.0",
];

/// What a component must export.
pub(crate) const HANDLER: &str = "growbox:plugin/handler@0.1.0";
