//! The machine's clocks as the flow wants them.

use growbox_drivers::machine;
use growbox_flow::Machine;
use growbox_model::{Instant, Moment};

/// A wall clock before this has not been set since the board started (2025-01-01).
const UNSET: Instant = Instant(1_735_689_600 * 1_000_000_000);

/// The machine's own clock, which also counts while it sleeps.
pub(crate) fn boot_time() -> Moment {
    Moment(machine::now().0)
}

/// What they say now.
pub(super) fn machine() -> Machine {
    let wall = machine::wall();
    Machine {
        boot: boot_time(),
        wall,
        wall_trusted: wall > UNSET,
    }
}
