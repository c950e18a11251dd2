//! The machine's clocks, read in one place: the one since boot, and the wall's.
//!
//! The clock since boot is for back-offs and deadlines towards the outside, the wall's for what
//! has no time of its own. A build for tests can shift the wall's: see `shift.rs`.

#[cfg(debug_assertions)]
mod shift;

use growbox_model::{Instant, Span};
use rustix::time::{ClockId, clock_gettime};

/// Time since boot, suspend included, which the standard library's clock leaves out.
pub fn now() -> Span {
    Span(read(ClockId::Boottime))
}

/// The wall clock.
pub fn wall() -> Instant {
    let wall = Instant(read(ClockId::Realtime));
    #[cfg(debug_assertions)]
    let wall = shift::shifted(wall);
    wall
}

/// The time from `now` to `then`; none once it is past.
pub(crate) fn until(then: Span, now: Span) -> Span {
    Span(then.0.saturating_sub(now.0))
}

fn read(clock: ClockId) -> u64 {
    let time = clock_gettime(clock);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    let nanos = u64::try_from(time.tv_nsec).unwrap_or(0);
    Span::seconds(seconds).0.saturating_add(nanos)
}
