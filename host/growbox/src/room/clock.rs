//! The machine's clocks, read in one place.

use growbox_flow::Machine;
use growbox_model::{Instant, Moment, Span};
use rustix::time::{ClockId, clock_gettime};

/// A wall clock before this has not been set since the board started (2025-01-01).
const UNSET: Instant = Instant(1_735_689_600 * 1_000_000_000);

/// The machine's own clock, which also counts while it sleeps.
pub(crate) fn boot_time() -> Moment {
    Moment(read(ClockId::Boottime))
}

/// What they say now.
pub(super) fn machine() -> Machine {
    let wall = Instant(read(ClockId::Realtime));
    Machine {
        boot: boot_time(),
        wall,
        wall_trusted: wall > UNSET,
    }
}

fn read(clock: ClockId) -> u64 {
    let time = clock_gettime(clock);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    Span::seconds(seconds).0 + u64::try_from(time.tv_nsec).unwrap_or(0)
}
