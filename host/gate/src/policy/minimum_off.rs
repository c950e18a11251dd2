//! Minimum off: once off, a device rests its shortest time; nobody ever breaks it.

use super::{Hindrance, Subject, maximum_on};
use crate::say;

/// Keeps a device off that has not rested long enough; one nobody knows the level of is left alone.
pub(super) fn hinder(subject: &Subject<'_>, level: f64) -> Option<Hindrance> {
    let course = subject.course;
    if level == 0.0 || course.is_on() {
        return None;
    }
    let free_at = course.may_start(subject.spec.min_off)?;
    let after_run = course.run_out.is_some() && course.run_out == course.last_off;
    (free_at > subject.now().moment).then(|| Hindrance {
        policy: if after_run {
            maximum_on::NAME
        } else {
            "minimum_off"
        },
        why: format!(
            "it rests at least {}, until {}",
            subject.spec.min_off,
            say::clock(free_at, subject.now())
        ),
        level: course.position(),
        free_at: Some(free_at),
    })
}
