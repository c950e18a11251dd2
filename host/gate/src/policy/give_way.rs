//! Giving way: what is in the way of safety or a stop goes to its safe level first, whatever runs.

use super::{Hindrance, Obstacle, Subject};

/// Sends a device that is in the way to its safe level.
pub(super) fn hinder(subject: &Subject<'_>, level: f64) -> Option<Hindrance> {
    let (other, policy) = subject.around.beside.gives_way.as_ref()?;
    let safe = subject.spec.safe_level;
    (level > safe && !subject.wish.forced).then(|| Hindrance {
        policy,
        obstacle: Obstacle::GivesWay(other.clone()),
        level: Some(safe),
        free_at: None,
    })
}
