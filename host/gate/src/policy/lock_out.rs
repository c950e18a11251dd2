//! Lock-out: what a person works at stays off, whoever asks.

use growbox_model::Command;

use super::{Case, Refusal};
use crate::say;

/// Its name.
pub(crate) const NAME: &str = "lock_out";

/// Objects to everything but off while somebody has locked the device out.
pub(super) fn object(case: &Case<'_>) -> Option<Refusal> {
    let lock = case.around.locked?;
    let moves = match case.ask.request.command {
        Command::Level(level) => level > 0.0,
        Command::Pulse(_) => true,
        _ => false,
    };
    moves.then(|| Refusal::denied(NAME, say::locked(lock, &case.device.spec.id)))
}
