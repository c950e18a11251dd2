//! Minimum off: once off, a device rests its shortest time; nobody ever breaks it.

use growbox_model::{Command, Moment, Span};

use super::{Case, Hindrance, Obstacle, Refusal, Subject, maximum_on};
use crate::course::Course;
use crate::{pulse, say};

/// Its name in verdicts.
const NAME: &str = "minimum_off";

/// Objects to a pulse that could not begin while its request is young: it is on, or it rests.
pub(super) fn object(case: &Case<'_>) -> Option<Refusal> {
    let Command::Pulse(_) = case.ask.request.command else {
        return None;
    };
    let (device, now) = (case.device, case.around.now);
    let (course, rest) = (device.course(case.around.operation), device.spec.min_off);
    if let Some((claim, pulse)) = pulse::of(device) {
        let free_at = pulse.begun.map(|begun| begun + pulse.length + rest);
        let why = format!("a pulse of {} is not over yet", claim.requester);
        return Some(Refusal::denied(NAME, why).free_at(free_at));
    }
    if course.is_on() {
        let why = "it is on already; a pulse begins where it is off".to_owned();
        return Some(Refusal::denied(NAME, why));
    }
    if !course.counts(case.ask.cut) {
        return Some(Refusal::denied(
            maximum_on::NAME,
            say::run_out(&device.spec),
        ));
    }
    let free_at = rests_past(course, rest, pulse::starts_by(case.ask))?;
    let until = say::clock(free_at, now);
    let why = format!("it rests at least {rest}, until {until}; a pulse does not wait so long");
    Some(Refusal::denied(NAME, why).free_at(Some(free_at)))
}

fn rests_past(course: &Course, rest: Span, latest: Moment) -> Option<Moment> {
    course.may_start(rest).filter(|free_at| *free_at >= latest)
}

/// Keeps a device off that has not rested long enough; one nobody knows the level of is left alone.
pub(super) fn hinder(subject: &Subject<'_>, level: f64) -> Option<Hindrance> {
    let course = subject.course;
    if level == 0.0 || course.is_on() {
        return None;
    }
    let free_at = course.may_start(subject.spec.min_off)?;
    // It rests from when it is seen to be off.
    let unseen = course.goes_to_zero() && subject.spec.min_off > Span::ZERO;
    let overruns_from = course.overruns_from(subject.spec.max_on);
    let overruns = overruns_from.is_some_and(|from| from <= subject.now());
    (unseen || overruns || free_at > subject.now()).then(|| Hindrance {
        policy: if overruns || course.rests_after_run() {
            maximum_on::NAME
        } else {
            NAME
        },
        obstacle: Obstacle::Rests,
        level: course.position(),
        free_at: Some(free_at),
    })
}
