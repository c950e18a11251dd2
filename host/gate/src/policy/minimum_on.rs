//! Minimum on: once on, a device runs its shortest time; only stop, safety and the end of the process break it.

use growbox_model::Command;

use super::{Case, Hindrance, Obstacle, Refusal, Subject};

/// Objects to a pulse that would be over too soon: nothing is ever made longer than it was asked.
pub(super) fn object(case: &Case<'_>) -> Option<Refusal> {
    let Command::Pulse(length) = case.ask.request.command else {
        return None;
    };
    let shortest = case.device.spec.min_on;
    (length < shortest).then(|| {
        let why = format!("a pulse of {length} is shorter than its shortest run of {shortest}");
        Refusal::denied("minimum_on", why)
    })
}

/// Keeps a device on that has not run long enough.
pub(super) fn hinder(subject: &Subject<'_>, level: f64) -> Option<Hindrance> {
    let forced = subject.wish.breaks_minimum_on() || subject.around.beside.gives_way.is_some();
    if forced || level > 0.0 || !subject.course.is_on() {
        return None;
    }
    let free_at = subject.course.may_stop(subject.spec.min_on)?;
    (free_at > subject.now()).then(|| Hindrance {
        policy: "minimum_on",
        obstacle: Obstacle::Runs,
        level: subject.course.position(),
        free_at: Some(free_at),
    })
}
