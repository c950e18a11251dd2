//! Operation: in a paused zone controllers are refused; people are not.

use growbox_model::{Command, Operation, Requester};

use super::{Case, Refusal};

/// Objects to controllers in a paused zone; letting go is always allowed.
pub(super) fn object(case: &Case<'_>) -> Option<Refusal> {
    let controller = matches!(case.ask.requester, Requester::Plugin(_));
    let letting_go = matches!(case.ask.request.command, Command::Release);
    (case.around.operation == Operation::Paused && controller && !letting_go).then(|| {
        Refusal::denied(
            "operation",
            "the zone is paused: controllers wait until it is resumed".to_owned(),
        )
    })
}
