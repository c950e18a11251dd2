//! Maximum on: the longest run counts from the switch, untouched by renewal; then the device rests.

use super::{Hindrance, Obstacle, Subject};
use crate::wish::{Owner, Wish};

/// Its name in verdicts; the rest after a run bears it too.
pub(super) const NAME: &str = "maximum_on";

/// Safety goes on for as long as its danger does; where a device goes at the end of the process, of
/// its own time in the room is no run. A stop is: people forget it. Who is to be off, and is kept
/// on by its minimum on alone, runs no longer than its longest either.
pub(crate) fn is_exempt(wish: &Wish) -> bool {
    use Owner::{End, Leaving, Safety};
    wish.level > 0.0 && matches!(wish.owner, Safety(_) | End | Leaving)
}

/// Ends a run that has lasted its longest time.
pub(super) fn hinder(subject: &Subject<'_>, level: f64) -> Option<Hindrance> {
    // A pulse was cut to the longest run when it was let in, and ends by itself.
    if is_exempt(subject.wish) || level == 0.0 || subject.wish.pulse.is_some() {
        return None;
    }
    let end = subject.course.must_stop(subject.spec.max_on)?;
    let now = subject.now();
    (end <= now).then(|| Hindrance {
        policy: NAME,
        obstacle: Obstacle::RunOut,
        level: Some(0.0),
        free_at: Some(now + subject.spec.min_off),
    })
}
