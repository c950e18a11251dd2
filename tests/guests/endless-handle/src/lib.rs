//! A guest that never finishes its first batch with an event.

use growbox_sdk::prelude::*;
use std::hint::black_box;

/// Has nothing to set.
#[derive(Debug, Settings)]
pub struct EndlessHandle {}

#[growbox::plugin(id = "endless-handle", reads("sensor.*"))]
impl Handler for EndlessHandle {
    type State = ();

    fn handle(&self, room: &Room, (): &mut (), _: &mut Effects) -> Outcome {
        while !room.events().is_empty() {
            black_box(room);
        }
        Ok(())
    }
}
