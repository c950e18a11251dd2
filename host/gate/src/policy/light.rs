//! Light: what plants only use in the light does not run in the dark, nor where nobody knows.

use super::{Hindrance, Obstacle, Subject};

/// Sends a device to its safe level while it counts as dark.
pub(super) fn hinder(subject: &Subject<'_>, level: f64) -> Option<Hindrance> {
    let dark = subject.around.beside.dark?;
    let safe = subject.spec.safe_level;
    if subject.wish.forced || level == 0.0 || level == safe {
        return None;
    }
    Some(Hindrance {
        policy: "needs_light",
        obstacle: Obstacle::Dark(dark),
        level: Some(safe),
        free_at: None,
    })
}
