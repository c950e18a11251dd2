//! What came before, as of the batch's view. Needs the ask `read-history`.

use crate::bindings::growbox::plugin::history as wit;
use crate::wire::Event;

pub use wit::{Sample, Window};

/// Readings of a series, one by one or, with a step in nanoseconds, as low, mean and high a step.
///
/// # Errors
/// The host's sentence: not granted, unknown, or more than it gives at once. Natively there is
/// no history.
#[cfg(target_arch = "wasm32")]
pub fn samples(
    sensor: &str,
    quantity: &str,
    window: Window,
    step: Option<u64>,
) -> Result<Vec<Sample>, String> {
    wit::samples(sensor, quantity, window, step)
}

/// Events of these types, in sequence order.
///
/// # Errors
/// The host's sentence: not granted, unknown, or more than it gives at once. Natively there is
/// no history.
#[cfg(target_arch = "wasm32")]
pub fn events(types: &[String], window: Window) -> Result<Vec<Event>, String> {
    wit::events(types, window)
}

/// Natively there is no history.
///
/// # Errors
/// Always.
#[cfg(not(target_arch = "wasm32"))]
pub fn samples(
    _sensor: &str,
    _quantity: &str,
    _window: Window,
    _step: Option<u64>,
) -> Result<Vec<Sample>, String> {
    Err("there is no history outside a host".into())
}

/// Natively there is no history.
///
/// # Errors
/// Always.
#[cfg(not(target_arch = "wasm32"))]
pub fn events(_types: &[String], _window: Window) -> Result<Vec<Event>, String> {
    Err("there is no history outside a host".into())
}
