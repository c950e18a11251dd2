//! Doses: a device has only so many runs in any 24 hours, pulses or not, whoever asks but safety.

use growbox_model::Command;

use super::{Case, Hindrance, Obstacle, Refusal, Subject};
use crate::say;

/// Its name in verdicts.
const NAME: &str = "doses";

/// Objects to a pulse over the day's bound, and says when the next one is free.
pub(super) fn object(case: &Case<'_>) -> Option<Refusal> {
    let (device, now) = (case.device, case.around.now);
    let Command::Pulse(_) = case.ask.request.command else {
        return None;
    };
    let limit = device.spec.doses_per_day?;
    let doses = device.doses(case.around.operation);
    let free_at = doses.free_at(limit, now)?;
    let why = say::doses(limit, free_at, now);
    Some(Refusal::denied(NAME, why).free_at(Some(free_at)))
}

/// Keeps a device off that has had the day's doses: who cannot have a pulse gets no level either.
/// A pulse counted when it was let in.
pub(super) fn hinder(subject: &Subject<'_>, level: f64) -> Option<Hindrance> {
    let limit = subject.spec.doses_per_day?;
    let wish = subject.wish;
    let rests = level == 0.0 || level == subject.spec.safe_level;
    let had = subject.counted || subject.course.is_on();
    if wish.forced || wish.pulse.is_some() || rests || had {
        return None;
    }
    let free_at = subject.doses.free_at(limit, subject.around.now)?;
    Some(Hindrance {
        policy: NAME,
        obstacle: Obstacle::DosesGiven,
        level: subject.course.position(),
        free_at: Some(free_at),
    })
}
