//! Minimum off: once off, a device rests its shortest time; nobody ever breaks it.

use super::{Hindrance, Obstacle, Subject, maximum_on};

/// Keeps a device off that has not rested long enough; one nobody knows the level of is left alone.
pub(super) fn hinder(subject: &Subject<'_>, level: f64) -> Option<Hindrance> {
    let course = subject.course;
    if level == 0.0 || course.is_on() {
        return None;
    }
    let free_at = course.may_start(subject.spec.min_off)?;
    (free_at > subject.now()).then(|| Hindrance {
        policy: if course.rests_after_run() {
            maximum_on::NAME
        } else {
            "minimum_off"
        },
        obstacle: Obstacle::Rests,
        level: course.position(),
        free_at: Some(free_at),
    })
}
