//! Minimum on: once on, a device runs its shortest time; only stop, safety and the end of the process break it.

use super::{Hindrance, Obstacle, Subject};

/// Keeps a device on that has not run long enough.
pub(super) fn hinder(subject: &Subject<'_>, level: f64) -> Option<Hindrance> {
    if subject.wish.forced || level > 0.0 || !subject.course.is_on() {
        return None;
    }
    let free_at = subject.course.may_stop(subject.spec.min_on)?;
    (free_at > subject.now()).then(|| Hindrance {
        policy: "minimum_on",
        obstacle: Obstacle::Runs,
        level: subject.course.position(),
        free_at: Some(free_at),
    })
}
