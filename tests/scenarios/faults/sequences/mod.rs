//! Random sequences in random rooms: thousands of them, each step settled, each moment told.
//!
//! Under the events clock the room has just the time that events bring, and the far side is told
//! the same: no machine is too slow for a limit of a tenth of a second, and a seed brings the
//! very same sequence back. What sessions try with clocks that run, sequences try by number.
//!
//! ```text
//! Plan      a room by chance: limits, interlocks, a fuse, a safety rule; behind a socket, or
//!           (one in four) behind a real broker                              plan.rs
//! Sequence  the room on its way: its time, its host, what people know of it   sequence.rs
//! acts      what anybody may do to it next                                   acts.rs
//! ```
//!
//! `GROWBOX_SEQUENCES=N` plays so many, `GROWBOX_SEED` brings one back.

mod acts;
mod plan;
mod sequence;

use growbox_tests::Chance;

use plan::Plan;
use sequence::Sequence;

/// Steps of one sequence.
const STEPS: usize = 240;
/// Sequences of a test run, unless somebody says otherwise.
const SEQUENCES: usize = 12;

#[test]
fn no_sequence_breaks_a_promise() {
    let wanted = std::env::var("GROWBOX_SEQUENCES");
    let wanted = wanted.map_or(SEQUENCES, |text| text.parse().expect("a number"));
    let mut moves = 0;
    for _ in 0..wanted {
        moves += play();
    }
    println!("{wanted} sequences, {moves} moves");
    // One alone may have hit upon a room in which little may be done.
    assert!(
        moves >= wanted * 10,
        "{moves} moves: hardly anything was tried"
    );
}

/// Plays one sequence to its end; how often a device was moved in it.
fn play() -> usize {
    let mut chance = Chance::new();
    let plan = Plan::draw(&mut chance);
    let mut sequence = Sequence::begin(plan, chance);
    for _ in 0..STEPS {
        acts::one(&mut sequence);
        sequence.look();
    }
    sequence.end()
}
