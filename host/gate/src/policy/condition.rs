//! Condition: a device runs only while what it needs to know is fresh; unknown means no.

use growbox_model::Command;

use super::{Case, Hindrance, Obstacle, Refusal, Subject};
use crate::say;

/// Objects to a pulse that would run blind; levels wait until the reading is fresh.
pub(super) fn object(case: &Case<'_>) -> Option<Refusal> {
    let stale = case.around.stale.as_ref()?;
    let pulse = matches!(case.ask.request.command, Command::Pulse(_));
    pulse.then(|| Refusal::denied("condition", say::stale(stale, &case.device.spec)))
}

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
