//! A guest that takes its time over every event. It has no clock, so it counts instead.

use growbox_sdk::prelude::*;
use std::hint::black_box;

/// Rounds that take about a millisecond on a machine of 2024; slower boards take longer.
const ROUNDS_A_MILLISECOND: u64 = 500_000;

/// How slow it is.
#[derive(Debug, Settings)]
pub struct Slow {
    /// About how many milliseconds every event takes.
    #[setting(default = 5, max = 60_000)]
    pub milliseconds: u32,
}

#[growbox::plugin(id = "slow", reads("sensor.*"))]
impl Handler for Slow {
    type State = ();

    fn handle(&self, room: &Room, (): &mut (), _: &mut Effects) -> Outcome {
        for event in room.events() {
            let rounds = u64::from(self.milliseconds) * ROUNDS_A_MILLISECOND;
            black_box(spin(event.seq, rounds));
        }
        Ok(())
    }
}

/// Each round needs the one before, so that none can be left out.
fn spin(seed: u64, rounds: u64) -> u64 {
    (0..rounds).fold(seed, |value, round| black_box(value.rotate_left(5) ^ round))
}
