//! Form: a known device, a level from 0 to 1, 0 or 1 where it is switched, leases and pulses with a length.

use growbox_model::{Command, DeviceId, DeviceSpec, Objection, Span};

use super::{Case, Refusal};

/// Its name in verdicts.
pub(crate) const NAME: &str = "form";

/// Objects to what cannot be done at all.
pub(super) fn object(case: &Case<'_>) -> Option<Refusal> {
    let request = case.ask.request;
    let fault = match &request.command {
        Command::Level(level) => check_level(*level, &case.device.spec).err(),
        Command::Release => return None,
        Command::Pulse(length) => check_pulse(*length, &case.device.spec).err(),
        Command::Other(name, _) => Some(not_yet(&growbox_model::id::quoted(name))),
    };
    let fault = fault.or_else(|| check_lease(request.lease));
    fault.map(|why| Refusal::denied(NAME, why))
}

/// The refusal of a device that is not configured; names the nearest one.
pub(crate) fn unknown_device<'a>(
    id: &DeviceId,
    known: impl Iterator<Item = &'a DeviceId>,
) -> Objection {
    Objection::unknown(
        "unknown_device",
        "device",
        id.as_str(),
        known.map(DeviceId::as_str),
    )
}

/// Whether a device can be at this level.
pub(crate) fn check_level(level: f64, spec: &DeviceSpec) -> Result<(), String> {
    if !level.is_finite() || !(0.0..=1.0).contains(&level) {
        return Err(format!("{level} is no level: 0 (off) to 1 (full)"));
    }
    if spec.switched && level != 0.0 && level != 1.0 {
        return Err(format!(
            "{} is switched: its level is 0 or 1, not {level}",
            spec.id
        ));
    }
    Ok(())
}

/// Whether a device can be on for exactly so long.
fn check_pulse(length: Span, spec: &DeviceSpec) -> Result<(), String> {
    if length == Span::ZERO {
        return Err("a pulse of 0 s is over before it begins".to_owned());
    }
    if !spec.switched {
        let id = &spec.id;
        return Err(format!("{id} is not switched: a pulse is on or off"));
    }
    if spec.safe_level > 0.0 {
        return Err(format!(
            "{} is on when in doubt: nothing ends a pulse",
            spec.id
        ));
    }
    Ok(())
}

fn check_lease(lease: Option<Span>) -> Option<String> {
    (lease == Some(Span::ZERO)).then(|| "a lease of 0 s is over before it begins".to_owned())
}

fn not_yet(what: &str) -> String {
    format!("this host does not know {what} as a command; it knows level, pulse and release")
}
