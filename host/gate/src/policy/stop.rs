//! Stop: while a stop is in force only the level it brings may be asked for.

use growbox_model::Command;

use super::{Case, Refusal, envelope};

/// Objects to anything but its level while a stop binds the device, or the process ends.
pub(super) fn object(case: &Case<'_>) -> Option<Refusal> {
    let why = if case.around.ending {
        "the host ends".to_owned()
    } else {
        let reason = &case.around.stop?.reason;
        format!("stopped: {reason}; a person takes it back with growbox reset")
    };
    let spec = &case.device.spec;
    let allowed = match case.ask.request.command {
        Command::Level(level) => envelope::clamp(level, spec) == case.around.stopped_at(spec),
        Command::Pulse(_) => false,
        _ => true,
    };
    (!allowed).then(|| Refusal::denied("stop", why))
}
