//! Hold: a device that a person holds is nobody else's to move.

use growbox_model::Command;

use super::{Case, Refusal};
use crate::say;

/// Objects to every level while somebody holds the device.
pub(super) fn object(case: &Case<'_>) -> Option<Refusal> {
    let held = case.device.held.as_ref()?;
    let letting_go = matches!(case.ask.request.command, Command::Release);
    (!letting_go).then(|| Refusal::denied("hold", say::held(&held.hold, &case.device.spec)))
}
