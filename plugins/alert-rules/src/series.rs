//! Which readings a rule is about: of a quantity, of a sensor, of a zone.

use growbox_sdk::prelude::*;

/// Chooses readings. What is not named may be any.
#[derive(Clone, Debug, PartialEq, Settings)]
pub(crate) struct Series {
    /// Only readings of this quantity, such as humidity.
    pub(crate) quantity: Option<String>,
    /// Only readings of this sensor.
    pub(crate) sensor: Option<String>,
    /// Only what is in this zone.
    pub(crate) zone: Option<String>,
}

impl Series {
    /// The reading in an event, where it is one of these and may be part of a measure.
    pub(crate) fn reading<'e>(&self, event: &'e Event) -> Option<&'e Reading> {
        let reading = event.reading().filter(|reading| reading.usable())?;
        let is = |wanted: &Option<String>, given: &str| {
            wanted.as_deref().is_none_or(|wanted| wanted == given)
        };
        let chosen = is(&self.quantity, &reading.quantity) && is(&self.sensor, &reading.sensor);
        (chosen && self.has_zone(event)).then_some(reading)
    }

    /// Whether an event is in the zone.
    pub(crate) fn has_zone(&self, event: &Event) -> bool {
        self.zone.is_none() || self.zone == event.zone
    }

    /// That it chooses something: all readings together have no limit in common.
    pub(crate) fn check(&self) -> Result<(), String> {
        if self.quantity.is_none() && self.sensor.is_none() {
            return Err("name a quantity, a sensor or both".into());
        }
        Ok(())
    }
}

/// What a reading is called in words: `humidity of canopy`.
pub(crate) fn named(reading: &Reading) -> String {
    let quantity = match reading.quantity.as_str() {
        "vpd" => "VPD",
        "co2" => "CO2",
        other => other.trim_start_matches("x_"),
    };
    format!("{} of {}", quantity.replace('_', " "), reading.sensor)
}
