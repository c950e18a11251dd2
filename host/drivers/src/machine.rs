//! The machine clock: for back-offs and deadlines towards the outside, never for logic of the room.

use growbox_model::Span;
use rustix::time::{ClockId, clock_gettime};

/// Time since boot, suspend included, which the standard library's clock leaves out.
pub(crate) fn now() -> Span {
    let time = clock_gettime(ClockId::Boottime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    let nanos = u64::try_from(time.tv_nsec).unwrap_or(0);
    Span(Span::seconds(seconds).0.saturating_add(nanos))
}

/// The time from `now` to `then`; none once it is past.
pub(crate) fn until(then: Span, now: Span) -> Span {
    Span(then.0.saturating_sub(now.0))
}
