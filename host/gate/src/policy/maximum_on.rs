//! Maximum on: the longest run counts from the switch, untouched by renewal; then the device rests.

use super::{Hindrance, Obstacle, Subject};

/// Its name in verdicts; the rest after a run bears it too.
pub(super) const NAME: &str = "maximum_on";

/// Ends a run that has lasted its longest time.
pub(super) fn hinder(subject: &Subject<'_>, level: f64) -> Option<Hindrance> {
    // A pulse was cut to the longest run when it was let in, and ends by itself.
    if subject.wish.forced || level == 0.0 || subject.wish.pulse.is_some() {
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
