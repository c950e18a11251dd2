//! The contract as the binding generator writes it: plain structs, usable natively too.
//!
//! Nobody reads this module for its own sake: `wire` names what a handler may meet. It is
//! public because the `plugin` macro exports through it.
#![allow(
    missing_docs,
    reason = "documented item by item in wit/0.1.0/plugin.wit"
)]
#![allow(
    unsafe_code,
    reason = "the generated glue passes pointers to and from the host"
)]
#![allow(clippy::all, clippy::uninlined_format_args, reason = "generated")]

wit_bindgen::generate!({
    path: "../../wit/0.1.0/plugin.wit",
    world: "plugin",
    pub_export_macro: true,
    export_macro_name: "export_handler",
    default_bindings_module: "growbox_sdk::bindings",
    additional_derives: [PartialEq],
    generate_unused_types: true,
});
