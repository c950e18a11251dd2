//! Needs first: a device goes on only after others have run a while, and they run as long as it does.

use super::{Hindrance, Obstacle, Subject};

/// Its name in verdicts.
const NAME: &str = "needs_first";

/// Keeps a device off that lacks another, and on one that another runs on. Unknown is not enough
/// for the one, and as good as on for the other.
pub(super) fn hinder(subject: &Subject<'_>, level: f64) -> Option<Hindrance> {
    if subject.wish.forced || level == subject.spec.safe_level && level > 0.0 {
        return None;
    }
    if level > 0.0 {
        lacks(subject)
    } else {
        carries(subject)
    }
}

fn lacks(subject: &Subject<'_>) -> Option<Hindrance> {
    let lack = subject.around.beside.lacks.as_ref()?;
    Some(Hindrance {
        policy: NAME,
        obstacle: Obstacle::Lacks(lack.other.clone()),
        level: Some(subject.spec.safe_level.min(subject.around.beside.idle)),
        free_at: lack.free_at,
    })
}

fn carries(subject: &Subject<'_>) -> Option<Hindrance> {
    let other = subject.around.beside.carries.as_ref()?;
    subject.course.is_on().then(|| Hindrance {
        policy: NAME,
        obstacle: Obstacle::Carries(other.clone()),
        level: subject.course.position(),
        free_at: None,
    })
}
