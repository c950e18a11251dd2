//! The contract's types, as they cross the border. `wit/0.1.0/plugin.wit` documents each.

pub use crate::bindings::growbox::plugin::types::{
    Ask, Batch, Call, Clock, Command, Correlation, Delivery, DeviceView, Draft, Effect, Event,
    Fault, Manifest, Measure, Payload, Quality, Reading, Request, Setpoint, Stop, Subscription,
    ZoneView,
};

impl Event {
    /// The reading in it; none where it is a document.
    #[must_use]
    pub fn reading(&self) -> Option<&Reading> {
        match &self.payload {
            Payload::Reading(reading) => Some(reading),
            Payload::Document(_) => None,
        }
    }

    /// The document in it as JSON; none where it is a reading or does not parse.
    #[must_use]
    pub fn document(&self) -> Option<serde_json::Value> {
        match &self.payload {
            Payload::Document(text) => serde_json::from_str(text).ok(),
            Payload::Reading(_) => None,
        }
    }

    /// Whether it is of this type.
    #[must_use]
    pub fn is(&self, event_type: &str) -> bool {
        self.type_ == event_type
    }
}

impl Reading {
    /// Whether it may be part of a measure: the host found it plausible.
    #[must_use]
    pub fn usable(&self) -> bool {
        self.quality != Quality::Bad
    }
}

/// The worse of two qualities.
#[must_use]
pub fn worse(one: Quality, other: Quality) -> Quality {
    one.max(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worse_quality_wins() {
        assert_eq!(worse(Quality::Good, Quality::Uncertain), Quality::Uncertain);
        assert_eq!(worse(Quality::Bad, Quality::Good), Quality::Bad);
    }
}
