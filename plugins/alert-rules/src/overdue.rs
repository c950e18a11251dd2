//! An event that tells how overdue something is.

use crate::excursion::Position;
use crate::words::figure;
use growbox_sdk::prelude::*;

/// `kind = "overdue"`.
#[derive(Clone, Debug, PartialEq, Settings)]
pub(crate) struct Overdue {
    /// The events that tell it.
    #[setting(default = "sensor.maintenance.calibration_due")]
    pub(crate) r#type: String,
    /// The member of their data that holds the number.
    #[setting(default = "days_overdue")]
    pub(crate) field: String,
    /// More than this is outside.
    pub(crate) more_than: f64,
    /// Only what is in this zone.
    pub(crate) zone: Option<String>,
}

impl Overdue {
    pub(crate) fn position(&self, value: f64, hysteresis: f64) -> Position {
        if value > self.more_than {
            Position::Outside
        } else if hysteresis > 0.0 && value > self.more_than - hysteresis {
            Position::Near
        } else {
            Position::Inside
        }
    }

    /// `leaf: days overdue is 45; it may be 30 (sensor.maintenance.calibration_due)`.
    pub(crate) fn words(&self, subject: Option<&str>, value: f64) -> String {
        format!(
            "{}: {} is {}; it may be {} ({})",
            subject.unwrap_or("something"),
            self.field.replace('_', " "),
            figure(value),
            figure(self.more_than),
            self.r#type,
        )
    }
}
