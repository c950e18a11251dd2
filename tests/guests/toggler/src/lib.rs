//! A guest that asks for another level of the zone's first heater with every temperature.
//!
//! The first temperature of a zone asks for full, the next one for off, and so on; each request
//! is caused by its event. What reaches the heater is the gate's affair.

use growbox_sdk::prelude::*;
use serde::{Deserialize, Serialize};

/// Has nothing to set.
#[derive(Debug, Settings)]
pub struct Toggler {}

/// What was asked last.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Switch {
    /// Whether that was full.
    pub on: bool,
}

#[growbox::plugin(
    id = "toggler",
    reads("sensor.temperature"),
    may_control(heater = "to see what it takes to wear a relay out")
)]
impl Handler for Toggler {
    type State = PerZone<Switch>;

    fn handle(&self, room: &Room, switches: &mut Self::State, effects: &mut Effects) -> Outcome {
        for event in room.events() {
            let Some(zone) = event.zone.as_deref().and_then(|zone| room.zone(zone)) else {
                continue;
            };
            let switch = switches.of(zone);
            switch.on = !switch.on;
            let level = if switch.on { Level::FULL } else { Level::OFF };
            effects
                .request(zone.devices_of("heater").next())
                .level(level)
                .caused_by(&[event.seq])
                .because(format!("it is the turn of {level}"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_temperature_is_the_other_turn() {
        let mut room = TestRoom::with(Toggler {}).switch("heater");
        for level in [Level::FULL, Level::OFF, Level::FULL] {
            let temperature = room.reading("temperature", 20.0);
            room.send([temperature]).expect_request("heater", level);
        }
    }
}
