//! Nothing heard of a type or a sensor for too long.

use crate::excursion::Position;
use crate::words::about;
use growbox_sdk::Moment;
use growbox_sdk::prelude::*;
use serde::{Deserialize, Serialize};

/// `kind = "absence"`.
#[derive(Clone, Debug, PartialEq, Settings)]
pub(crate) struct Absence {
    /// The events that should be heard.
    pub(crate) r#type: Option<String>,
    /// The sensor that should be heard.
    pub(crate) sensor: Option<String>,
    /// Only what is in this zone.
    pub(crate) zone: Option<String>,
    /// Not heard for longer than this is outside. It is looked at every 30 s.
    #[setting(min = "1s", max = "366d")]
    pub(crate) silent_for: Span,
}

/// When something was heard last; before that, when the rule began to listen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Heard {
    pub(crate) moment: Moment,
    /// The wall clock's label of it.
    pub(crate) at: u64,
    /// Of which event, and where it was.
    pub(crate) seq: Option<u64>,
    pub(crate) zone: Option<String>,
}

impl Absence {
    pub(crate) fn check(&self) -> Result<(), String> {
        if self.r#type.is_none() && self.sensor.is_none() {
            return Err("name a type, a sensor or both".into());
        }
        Ok(())
    }

    /// Whether an event is what should be heard.
    pub(crate) fn hears(&self, event: &Event) -> bool {
        let sensor = || event.reading().map(|reading| reading.sensor.as_str());
        self.r#type.as_deref().is_none_or(|wanted| event.is(wanted))
            && (self.sensor.is_none() || self.sensor.as_deref() == sensor())
            && (self.zone.is_none() || self.zone == event.zone)
    }

    pub(crate) fn position(&self, heard: Moment, now: Moment) -> Position {
        if now.since(heard) > self.silent_for {
            Position::Outside
        } else {
            Position::Inside
        }
    }

    /// What should be heard.
    pub(crate) fn subject(&self) -> String {
        let names = self.sensor.as_deref().or(self.r#type.as_deref());
        names.unwrap_or_default().to_string()
    }

    /// `nothing heard of leaf for 1 h`.
    pub(crate) fn words(&self, position: Position, silent: Span) -> String {
        match position {
            Position::Outside => {
                format!("nothing heard of {} for {}", self.subject(), about(silent))
            }
            _ => format!("{} is heard again", self.subject()),
        }
    }
}
