//! Leaving: a device on its way out of the configuration takes no more requests.

use super::{Case, Refusal};
use crate::say::LEAVING;

/// Objects to every request of a device that leaves.
pub(super) fn object(case: &Case<'_>) -> Option<Refusal> {
    case.device.leaving?;
    let why = format!(
        "{} is being {LEAVING}; where another takes its place, ask again in a moment",
        case.device.spec.id
    );
    Some(Refusal::denied("leaving", why))
}
