//! Quiet hours: controllers keep a device low by night; people, safety and safe levels do not ask the clock.
//!
//! While the wall clock is not trusted nobody knows the hour, and no hour is quiet: this is
//! comfort, and must not cost the room its air.

use super::{Hindrance, Obstacle, Subject, envelope};

/// Lowers a controller's wish to what is quiet.
pub(super) fn hinder(subject: &Subject<'_>, level: f64) -> Option<Hindrance> {
    let quiet = subject.spec.quiet_hours?;
    let second = subject.around.beside.second_of_day?;
    if !subject.is_controllers(level) || !quiet.hold(second) {
        return None;
    }
    let lowered = if quiet.max_level < subject.spec.low {
        envelope::clamp(0.0, subject.spec)
    } else {
        quiet.max_level
    };
    let left = (quiet.to + DAY - second) % DAY;
    (level > lowered).then(|| Hindrance {
        policy: "quiet_hours",
        obstacle: Obstacle::Quiet,
        level: Some(lowered),
        free_at: Some(subject.now() + growbox_model::Span::seconds(u64::from(left))),
    })
}

/// Seconds of a day.
const DAY: u32 = 86_400;
