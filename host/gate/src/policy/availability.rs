//! Availability: a pulse is not begun on a device that cannot be reached, or that may be on.

use growbox_model::{Command, Operation};

use super::{Case, Refusal};

/// Objects to a pulse where nobody could tell how long it ran. Levels wait for the device.
pub(super) fn object(case: &Case<'_>) -> Option<Refusal> {
    let device = case.device;
    let pulse = matches!(case.ask.request.command, Command::Pulse(_));
    if !pulse || case.around.operation == Operation::Observe {
        return None;
    }
    let what = if !device.link.available {
        "cannot be reached"
    } else if device.real.position().is_none() {
        "may be on or off: its driver has not said"
    } else {
        return None;
    };
    let why = format!("{} {what}; a pulse does not wait", device.spec.id);
    Some(Refusal::denied("availability", why))
}
