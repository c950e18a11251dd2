//! What an author writes, and the one way in which it is run.

use crate::effects::Effects;
use crate::room::Room;
use crate::settings::Settings;
use crate::state::State;
use crate::wire::{Batch, Effect, Fault, Manifest};

/// Done, or why not. A fault means that nothing of the batch happened.
pub type Outcome = Result<(), Fault>;

/// A handler: its settings are its fields, its memory is its state.
pub trait Handler: Settings {
    /// What it remembers from batch to batch; `()` where that is nothing.
    type State: State;

    /// Whether settings that are each in order also fit together.
    ///
    /// # Errors
    /// `fault::settings` with the JSON pointer of what does not fit.
    fn check(&self) -> Outcome {
        Ok(())
    }

    /// Turns a batch into effects.
    ///
    /// # Errors
    /// A fault of `fault::…`, which says what the host should do about it.
    fn handle(&self, room: &Room, state: &mut Self::State, effects: &mut Effects) -> Outcome;
}

/// A handler with a manifest. Written by the attribute `plugin`.
pub trait Plugin: Handler {
    /// What it is, what it reads, and what it asks for.
    fn manifest() -> Manifest;
}

/// Settings from JSON text, each field checked, then all together.
///
/// # Errors
/// `fault::settings` with the JSON pointer of what cannot be.
pub fn start<H: Handler>(settings: &str) -> Result<H, Fault> {
    let handler = H::parse(settings)?;
    handler.check()?;
    Ok(handler)
}

/// One batch: state is opened, handled, saved.
///
/// # Errors
/// The handler's fault, or a state that does not parse.
pub fn run<H: Handler>(handler: &H, batch: &Batch) -> Result<Vec<Effect>, Fault> {
    let mut state = H::State::open();
    let mut effects = Effects::default();
    handler.handle(&Room::of(batch), &mut state, &mut effects)?;
    state.save()?;
    Ok(effects.into_list())
}
