//! Cool-down: comfort, not protection: controllers let a device be for a while after it switched.

use super::{Hindrance, Obstacle, Subject};

/// Leaves a device as it is that switched not long ago.
pub(super) fn hinder(subject: &Subject<'_>, level: f64) -> Option<Hindrance> {
    let course = subject.course;
    let here = course.position()?;
    if !subject.is_controllers(level)
        || subject.wish.pulse.is_some()
        || (here > 0.0) == (level > 0.0)
    {
        return None;
    }
    let free_at = course.last_on.max(course.last_off)? + subject.spec.cool_down;
    (free_at > subject.now()).then_some(Hindrance {
        policy: "cool_down",
        obstacle: Obstacle::Cools,
        level: Some(here),
        free_at: Some(free_at),
    })
}
