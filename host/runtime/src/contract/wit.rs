//! Types and traits generated from the WIT text. Nothing is written here by hand.
#![allow(missing_docs, reason = "generated; documented in wit/0.1.0/plugin.wit")]
#![allow(clippy::all, clippy::needless_pass_by_value, reason = "generated")]

wasmtime::component::bindgen!({
    path: "../../wit/0.1.0/plugin.wit",
    world: "growbox:plugin/plugin",
    imports: { default: trappable },
});
