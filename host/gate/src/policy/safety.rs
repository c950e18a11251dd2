//! Safety: while a rule has tripped only the level it wants may be asked of its devices.

use growbox_model::Command;

use super::{Case, Refusal, envelope};

/// Objects to anything but the level of the rule that has taken the device.
pub(super) fn object(case: &Case<'_>) -> Option<Refusal> {
    let bound = case.device.safety.as_ref()?;
    let allowed = match case.ask.request.command {
        Command::Level(level) => envelope::clamp(level, &case.device.spec) == bound.level,
        Command::Pulse(_) => false,
        _ => true,
    };
    let why = format!("safety rule {}: {}", bound.rule, bound.message);
    (!allowed).then(|| Refusal::denied("safety", why))
}
