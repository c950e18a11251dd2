//! Giving way: what is in the way of safety or a stop goes to its safe level first, whatever runs.

use super::{Hindrance, Obstacle, Subject};

/// Sends a device that is in the way to its safe level; one that only its minimum on keeps running
/// too, and says for whom.
pub(super) fn hinder(subject: &Subject<'_>, level: f64) -> Option<Hindrance> {
    let way = subject.around.beside.gives_way.as_ref()?;
    let safe = subject.spec.safe_level;
    let goes_down = level > safe || (level == 0.0 && is_kept_on(subject));
    (goes_down && !subject.wish.breaks_minimum_on()).then(|| Hindrance {
        policy: way.policy,
        obstacle: Obstacle::GivesWay(way.other.clone(), way.by.clone()),
        level: Some(safe.min(level)),
        free_at: None,
    })
}

fn is_kept_on(subject: &Subject<'_>) -> bool {
    let may_stop = subject.course.may_stop(subject.spec.min_on);
    subject.course.is_on() && may_stop > Some(subject.now())
}
