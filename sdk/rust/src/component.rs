//! The exported side of a component: start and handle. Only on wasm.

use crate::fault;
use crate::handler::{self, Plugin};
use crate::wire::{Batch, Effect, Fault};
use std::cell::RefCell;

/// The settings of a running instance; not there before `start`.
pub type Running<H> = RefCell<Option<H>>;

/// Takes settings over.
///
/// # Errors
/// Settings that cannot be; the old ones stay.
pub fn start<H: Plugin>(running: &Running<H>, settings: &str) -> Result<(), Fault> {
    let handler = handler::start(settings)?;
    *running.borrow_mut() = Some(handler);
    Ok(())
}

/// Handles a batch.
///
/// # Errors
/// The handler's fault, or that the instance was never started.
pub fn handle<H: Plugin>(running: &Running<H>, batch: &Batch) -> Result<Vec<Effect>, Fault> {
    match running.borrow().as_ref() {
        Some(handler) => handler::run(handler, batch),
        None => Err(fault::permanent("handle was called before start")),
    }
}
