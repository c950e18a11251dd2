//! A guest that asks for what an event says: so a test speaks to the gate with the mouth of a plug-in.
//!
//! ```json
//! {"type": "sensor.motion", "data": {…}, "metadata": {"zone": "tent", "ask":
//!     {"device": "lamp", "level": 1.0, "lease": 20.0}}}
//! ```
//!
//! `pulse` (seconds) in the place of `level` asks for a dose; neither lets go.

use growbox_sdk::prelude::*;

/// Has nothing to set.
#[derive(Debug, Settings)]
pub struct Puppet {}

#[growbox::plugin(
    id = "puppet",
    reads("sensor.motion"),
    may_control(
        heater = "because it is told to",
        exhaust = "because it is told to",
        pump = "because it is told to",
        other = "because it is told to"
    )
)]
impl Handler for Puppet {
    type State = ();

    fn handle(&self, room: &Room, (): &mut (), effects: &mut Effects) -> Outcome {
        for event in room.events() {
            let metadata = event.metadata.as_deref().unwrap_or_default();
            let Ok(mut said) = json::from_str::<json::Value>(metadata) else {
                continue;
            };
            ask(&said["ask"].take(), event.seq, effects);
        }
        Ok(())
    }
}

fn ask(said: &json::Value, cause: u64, effects: &mut Effects) {
    let Some(device) = said["device"].as_str() else {
        return;
    };
    let number = |key: &str| said[key].as_f64();
    let length = |key: &str| Span::from_seconds(number(key)?).ok();
    let mut ask = effects.request([device]).caused_by(&[cause]);
    if let Some(level) = number("level") {
        ask = ask.level(Level(level));
    } else if let Some(pulse) = length("pulse") {
        ask = ask.pulse(pulse);
    }
    if let Some(lease) = length("lease") {
        ask = ask.lease(lease);
    }
    ask.because("it was told to");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_asks_for_what_it_is_told() {
        let mut room = TestRoom::with(Puppet {}).switch("heater");
        let mut told = room.reading("motion", 1.0);
        told.metadata = Some(r#"{"ask": {"device": "heater", "level": 1.0}}"#.to_owned());
        room.send([told]).expect_request("heater", Level::FULL);
    }
}
