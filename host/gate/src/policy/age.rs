//! Age: what follows from old news is not acted upon.

use growbox_model::{Command, Moment, Span, VerdictKind};

use super::{Case, Refusal};
use crate::decide::lease_end;

/// The newest cause of a request may be so old.
pub(crate) const OLDEST: Span = Span::seconds(60);

/// Objects to old causes, and to leases that ended before anybody looked at them.
pub(super) fn object(case: &Case<'_>) -> Option<Refusal> {
    let now = case.around.now.moment;
    let why = too_old(case.ask.caused_at, now).or_else(|| already_over(case, now))?;
    Some(Refusal {
        kind: VerdictKind::Expired,
        policy: "age",
        why,
        free_at: None,
    })
}

fn too_old(caused_at: Moment, now: Moment) -> Option<String> {
    let age = now.since(caused_at);
    (age > OLDEST).then(|| {
        format!(
            "its newest cause is {:.0} s old, at most {OLDEST} counts",
            age.as_seconds()
        )
    })
}

fn already_over(case: &Case<'_>, now: Moment) -> Option<String> {
    let level = matches!(case.ask.request.command, Command::Level(_));
    (level && lease_end(case.ask, &case.device.spec) <= now)
        .then(|| "its lease was over before it was decided".to_owned())
}
