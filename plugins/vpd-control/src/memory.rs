//! What is remembered of a zone from batch to batch; an instance may be lost at any batch's edge.

use crate::decide::{Direction, Held};
use crate::pairs::Pairs;
use growbox_sdk::{Moment, Standing};
use serde::{Deserialize, Serialize};

/// Stored under `zone/ID`.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Memory {
    /// Readings that wait for their counterpart, and the newest of each quantity.
    pub(crate) pairs: Pairs,
    /// On which side of its deadband each purpose is.
    pub(crate) held: Held,
    /// What was asked of devices and still should stand.
    pub(crate) standing: Standing,
    /// What has been said already.
    pub(crate) told: Told,
}

/// What has been said, so that it is not said again with every event.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Told {
    /// Whether both sensors have been heard since the last silence.
    pub(crate) heard: bool,
    /// Whether the profile has been judged at all.
    pub(crate) judged: bool,
    /// The unknown mode that was told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) mode: Option<String>,
    /// The profiles that were told to contradict themselves, such as `early-veg day`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) profiles: Vec<String>,
    /// Which action was called for last, and when; none while VPD is in its range.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) action: Option<(Direction, Moment)>,
}
