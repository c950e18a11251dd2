//! A guest that allocates without end when it is given an event.

use growbox_sdk::prelude::*;
use std::hint::black_box;

/// One bite: a mebibyte.
const BITE: usize = 1 << 20;

/// Has nothing to set.
#[derive(Debug, Settings)]
pub struct Greedy {}

#[growbox::plugin(id = "greedy", reads("sensor.*"))]
impl Handler for Greedy {
    type State = ();

    fn handle(&self, room: &Room, (): &mut (), _: &mut Effects) -> Outcome {
        let mut eaten = Vec::new();
        while !room.events().is_empty() {
            // Ones, not zeroes: memory that is only promised costs nothing.
            eaten.push(black_box(vec![1_u8; BITE]));
        }
        Ok(())
    }
}
