//! Doses: a device has only so many pulses in any 24 hours.

use growbox_model::Command;

use super::{Case, Refusal};
use crate::say;

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
    Some(Refusal::denied("doses", why).free_at(Some(free_at)))
}
