//! Rank: a pulse does not wait for whoever goes first; levels do, and are not refused here.

use growbox_model::{Command, Seq};

use super::{Case, Refusal};
use crate::claim::top;
use crate::{pulse, say};

/// Objects to a pulse while a claim that goes before it stands.
pub(super) fn object(case: &Case<'_>) -> Option<Refusal> {
    let Command::Pulse(length) = case.ask.request.command else {
        return None;
    };
    let (spec, now) = (&case.device.spec, case.around.now);
    let course = case.device.course(case.around.operation);
    let own = pulse::claim(case.ask, Seq(u64::MAX), length, spec);
    let standing = case.device.claims.values().filter(|claim| {
        claim.requester != own.requester && claim.until > now.moment && course.counts(claim.cut)
    });
    let winner = top(standing.chain([&own]), spec)?;
    (winner.requester != own.requester)
        .then(|| Refusal::denied("rank", say::outranked_by(winner, spec, now)))
}
