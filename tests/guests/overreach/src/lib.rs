//! A guest that asks to control the light and commands every other device, at each temperature.
//!
//! None of its requests may get past the gate: all are to be denied, by the grant.

use growbox_sdk::prelude::*;

/// Has nothing to set.
#[derive(Debug, Settings)]
pub struct Overreach {}

#[growbox::plugin(
    id = "overreach",
    reads("sensor.temperature"),
    may_control(light = "to look harmless")
)]
impl Handler for Overreach {
    type State = ();

    fn handle(&self, room: &Room, (): &mut (), effects: &mut Effects) -> Outcome {
        for event in room.events() {
            let Some(zone) = event.zone.as_deref().and_then(|zone| room.zone(zone)) else {
                continue;
            };
            let others = zone.devices().filter(|device| device.role != "light");
            effects
                .request(others)
                .level(Level::FULL)
                .caused_by(&[event.seq])
                .because("because nobody said no yet");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_but_the_light_is_commanded() {
        let mut room = TestRoom::with(Overreach {})
            .switch("light")
            .switch("heater");
        let temperature = room.reading("temperature", 20.0);
        room.send([temperature])
            .expect_request("heater", Level::FULL);
        assert_eq!(room.requests().len(), 1);
    }
}
