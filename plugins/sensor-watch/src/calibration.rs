//! When a sensor is due to be calibrated: said once a day, by the wall clock.

use growbox_sdk::calendar;
use growbox_sdk::prelude::*;
use serde::{Deserialize, Serialize};

const DAY: u64 = hours(24).as_nanoseconds();

/// One of `calibration`.
#[derive(Clone, Debug, PartialEq, Settings)]
pub(crate) struct Calibration {
    /// When it was calibrated last: a date such as 2026-10-01, or a time.
    pub(crate) last: String,
    /// How often it should be.
    #[setting(min = "1d")]
    pub(crate) every: Span,
}

/// What is remembered of a sensor that is calibrated.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Note {
    /// Where it was heard.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) zone: Option<String>,
    /// What was said of it last; none while it is not due.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) told: Option<Told>,
}

/// What was said of a sensor last.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Told {
    days: u64,
    last_calibrated: String,
}

/// What is to be said of a sensor. No days: it is no longer due.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Due {
    pub(crate) days_overdue: u64,
    pub(crate) last_calibrated: String,
}

impl Calibration {
    /// When it was calibrated last, in ns since the Unix epoch.
    pub(crate) fn last(&self, utc_offset: i32) -> Result<u64, String> {
        calendar::instant(&self.last, utc_offset)
    }

    /// What is to be said now: once for each day that it is due, and once that it no longer is.
    /// A clock that went back says nothing until the next day.
    pub(crate) fn look(&self, note: &mut Note, wall: u64, utc_offset: i32) -> Option<Due> {
        let last = self.last(utc_offset).ok()?;
        let last_calibrated = calendar::rfc3339(last);
        let due = last.saturating_add(self.every.as_nanoseconds());
        let Some(over) = wall.checked_sub(due) else {
            note.told.take()?;
            return Some(Due {
                days_overdue: 0,
                last_calibrated,
            });
        };
        let days = over / DAY;
        let known = note.told.replace(Told {
            days,
            last_calibrated: last_calibrated.clone(),
        });
        if known.is_some_and(|known| days <= known.days) {
            return None;
        }
        Some(Due {
            days_overdue: days,
            last_calibrated,
        })
    }
}

impl Note {
    /// The last word about a sensor that is not watched any more, where one is owed.
    pub(crate) fn given_up(&mut self) -> Option<Due> {
        let told = self.told.take()?;
        Some(Due {
            days_overdue: 0,
            last_calibrated: told.last_calibrated,
        })
    }
}
