//! Starts: a compressor starts only so often in any hour; nobody goes before that.

use super::{Hindrance, Obstacle, Subject};

/// Keeps a device off that has started as often as it may.
pub(super) fn hinder(subject: &Subject<'_>, level: f64) -> Option<Hindrance> {
    let limit = subject.spec.starts_per_hour?;
    if level == 0.0 || subject.course.is_on() {
        return None;
    }
    let free_at = subject.starts.free_at(limit, subject.now())?;
    Some(Hindrance {
        policy: "starts_per_hour",
        obstacle: Obstacle::StartedOften,
        level: subject.course.position(),
        free_at: Some(free_at),
    })
}
