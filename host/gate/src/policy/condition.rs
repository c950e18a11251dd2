//! Condition: a device runs only while what it needs to know is fresh; unknown means no.

use super::{Hindrance, Obstacle, Subject};

/// Sends a device whose needs are not fresh to its safe level.
pub(super) fn hinder(subject: &Subject<'_>, level: f64) -> Option<Hindrance> {
    let stale = subject.around.stale.as_ref()?;
    let safe = subject.spec.safe_level;
    if subject.wish.forced || level == 0.0 || level == safe {
        return None;
    }
    Some(Hindrance {
        policy: "condition",
        obstacle: Obstacle::Stale(stale.clone()),
        level: Some(safe),
        free_at: None,
    })
}
