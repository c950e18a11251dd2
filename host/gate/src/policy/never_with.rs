//! Never with: two devices of which one at most may run; what already runs goes first.

use super::{Hindrance, Obstacle, Subject};

/// Keeps a device idle while a neighbour runs, may run, or ran just now. A forced wish waits only
/// for its neighbour to get out of the way, and not for long.
pub(super) fn hinder(subject: &Subject<'_>, level: f64) -> Option<Hindrance> {
    let beside = &subject.around.beside;
    let exclusion = beside.excluded.as_ref()?;
    (level > beside.idle).then(|| Hindrance {
        policy: "never_with",
        obstacle: Obstacle::Excluded(exclusion.other.clone(), exclusion.known),
        level: (!exclusion.leaves).then_some(beside.idle),
        free_at: exclusion.free_at,
    })
}
