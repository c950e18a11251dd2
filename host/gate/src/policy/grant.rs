//! Grant: nobody commands a device that the operator did not allow them.

use super::{Case, Refusal};

/// Objects where the grant is missing, and names the line that would allow it.
pub(super) fn object(case: &Case<'_>) -> Option<Refusal> {
    let ask = case.ask;
    (!ask.granted).then(|| {
        let line = if ask.grant_hint.is_empty() {
            String::new()
        } else {
            format!("; to allow it: {}", ask.grant_hint)
        };
        Refusal::denied(
            "grant",
            format!(
                "{} may not command {}{line}",
                ask.requester, case.device.spec.id
            ),
        )
    })
}
