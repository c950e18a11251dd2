//! Current: a circuit never carries more than its fuse bears, and its devices start one by one.

use super::{Hindrance, Obstacle, Subject};

/// Its name in verdicts.
const NAME: &str = "current";

/// Leaves a device where it is while more would be too much. Nobody goes before this: a forced
/// wish waits until others have given way.
pub(super) fn hinder(subject: &Subject<'_>, level: f64) -> Option<Hindrance> {
    let power = subject.around.beside.power.as_ref()?;
    // Where nobody knows where it is, it may be what is too much: off with it, if off is safe.
    let safe = Some(subject.spec.safe_level).filter(|safe| *safe <= power.highest);
    let here = subject.course.position().or(safe);
    let stays = |obstacle, free_at| Hindrance {
        policy: NAME,
        obstacle,
        level: here,
        free_at,
    };
    if level > power.here && level > power.highest {
        let obstacle = Obstacle::Overload(power.circuit.clone(), power.limit);
        return Some(stays(obstacle, None));
    }
    let starts = level > 0.0 && !subject.course.is_on();
    (starts && power.next_start > subject.now()).then(|| {
        let obstacle = Obstacle::StartsApart(power.circuit.clone());
        stays(obstacle, Some(power.next_start))
    })
}
