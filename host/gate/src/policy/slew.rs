//! Slew: the level of a running device changes step by step; from off, and to its safe level, it goes at once.

use super::{Hindrance, Obstacle, Subject};

/// Rounding that is no step of its own.
const HAIR: f64 = 1e-9;

/// Goes one step towards a controller's or a start level, where the last step is long enough ago.
pub(super) fn hinder(subject: &Subject<'_>, level: f64) -> Option<Hindrance> {
    let slew = subject.spec.slew?;
    let inside = subject.spec.low.max(HAIR)..=subject.spec.high;
    // From off, and from where somebody's hand left it, it goes at once.
    let here = subject
        .course
        .position()
        .filter(|here| inside.contains(here))?;
    let way = level - here;
    if level == 0.0 || way.abs() < HAIR || !subject.is_controllers(level) {
        return None;
    }
    let ready = subject.course.moved.map(|moved| moved + slew.every);
    if let Some(ready) = ready.filter(|ready| *ready > subject.now()) {
        return Some(steps(here, ready));
    }
    let near = way.abs() <= slew.step + HAIR;
    (!near).then(|| steps(here + slew.step.copysign(way), subject.now() + slew.every))
}

fn steps(level: f64, free_at: growbox_model::Moment) -> Hindrance {
    // Levels are told to people in percent and to drivers in hundredths at best.
    let level = (level * 10_000.0).round() / 10_000.0;
    Hindrance {
        policy: "slew",
        obstacle: Obstacle::Steps,
        level: Some(level),
        free_at: Some(free_at),
    }
}
