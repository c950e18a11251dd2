//! A guest that panics at any reading. What it wrote and emitted before that must not count.

use growbox_sdk::prelude::*;
use serde::{Deserialize, Serialize};

/// Has nothing to set.
#[derive(Debug, Settings)]
pub struct Trapping {}

/// Under the key `tried`: must never be seen in a store.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Tried {
    /// How many readings came before the panic.
    pub readings: u64,
}

impl Stored for Tried {
    const KEY: &'static str = "tried";
}

#[growbox::plugin(
    id = "trapping",
    reads("sensor.*"),
    may_emit("x.trapping.*" = "to show that nothing of a trapped batch is heard"),
)]
impl Handler for Trapping {
    type State = Whole<Tried>;

    fn handle(&self, room: &Room, tried: &mut Self::State, effects: &mut Effects) -> Outcome {
        for event in room.events() {
            tried.readings += 1;
            effects.emit("x.trapping.note", &json::json!({"seq": event.seq}));
            assert!(
                event.reading().is_none(),
                "event {} is a reading",
                event.seq
            );
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[should_panic(expected = "event 1 is a reading")]
    fn a_reading_is_too_much() {
        let mut room = TestRoom::with(Trapping {});
        let reading = room.reading("temperature", 20.0);
        room.send([reading]);
    }
}
