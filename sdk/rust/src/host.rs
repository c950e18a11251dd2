//! The two imports every handler may use, state and log: the host's on wasm, a map natively.

#[cfg(not(target_arch = "wasm32"))]
pub(crate) use crate::native::backend::{get, keys, remove, set, write};

#[cfg(target_arch = "wasm32")]
pub(crate) use imports::{get, keys, remove, set, write};

pub(crate) use crate::bindings::growbox::plugin::log::Level as LogLevel;

#[cfg(target_arch = "wasm32")]
mod imports {
    pub(crate) use crate::bindings::growbox::plugin::log::write;
    pub(crate) use crate::bindings::growbox::plugin::state::{get, keys, remove, set};
}
