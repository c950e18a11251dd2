//! Deadband: a running device is not moved for a change that nobody would notice.

use super::{Hindrance, Obstacle, Subject};

/// Leaves a running device where it is while a controller wants almost the same.
pub(super) fn hinder(subject: &Subject<'_>, level: f64) -> Option<Hindrance> {
    let here = subject.course.position()?;
    let spec = subject.spec;
    let slight = (here - level).abs() < spec.deadband && here != level;
    let end = level == spec.low || level == spec.high;
    let runs = level > 0.0 && here > 0.0 && (spec.low..=spec.high).contains(&here);
    (slight && runs && !end && subject.is_controllers(level)).then_some(Hindrance {
        policy: "deadband",
        obstacle: Obstacle::Slight,
        level: Some(here),
        free_at: None,
    })
}
