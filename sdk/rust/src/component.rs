//! The exported side of a component: what the host calls, around a handler.

use crate::fault;
use crate::handler::{self, Plugin};
use crate::wire::{Batch, Effect, Fault};
use std::cell::RefCell;

/// The handler of a running instance; not there before `start`.
pub type Running<H> = RefCell<Option<H>>;

/// Takes settings over. From here on a panic says its place and message in the log, which is
/// all that is left of it: a trap ends the instance.
///
/// # Errors
/// Settings that cannot be; the old ones stay.
pub fn start<H: Plugin>(running: &Running<H>, settings: &str) -> Result<(), Fault> {
    #[cfg(target_arch = "wasm32")]
    std::panic::set_hook(Box::new(|panic| crate::log::error(panic)));
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

/// Exports a [`Plugin`] from the component. The attribute `plugin` does it by itself; this is
/// for a manifest written by hand.
///
/// Only on wasm: a native library cannot export these names.
#[macro_export]
macro_rules! export_plugin {
    ($handler:ty) => {
        #[cfg(target_arch = "wasm32")]
        const _: () = {
            use $crate::{component, wire};

            thread_local! {
                static RUNNING: component::Running<$handler> = component::Running::default();
            }

            struct Exported;

            impl $crate::bindings::exports::growbox::plugin::handler::Guest for Exported {
                fn describe() -> wire::Manifest {
                    <$handler as $crate::Plugin>::manifest()
                }
                fn start(settings: String, _clock: wire::Clock) -> Result<(), wire::Fault> {
                    RUNNING.with(|running| component::start(running, &settings))
                }
                fn handle(batch: wire::Batch) -> Result<Vec<wire::Effect>, wire::Fault> {
                    RUNNING.with(|running| component::handle(running, &batch))
                }
            }

    $crate::bindings::export_handler!(Exported with_types_in $crate::bindings);
        };
    };
}
