//! The machine clock: for back-offs and deadlines towards the outside, never for logic of the room.

use growbox_model::{Instant, Span};
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

/// The wall clock, for what has no time of its own.
pub(crate) fn wall() -> Instant {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let nanos = since.map_or(0, |since| since.as_nanos());
    Instant(u64::try_from(nanos).unwrap_or(u64::MAX))
}
