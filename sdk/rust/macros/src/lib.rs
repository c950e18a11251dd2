//! The two macros of the Rust SDK: `Settings` and `plugin`.

mod asks;
mod plugin;
mod settings;
mod span;

use proc_macro::TokenStream;

/// Makes the fields of a struct the settings of a plug-in.
///
/// A field's doc comment is its description; `#[setting(default = …, min = …, max = …)]` says
/// the rest. A field without a default is required. Where every field has one, the struct gets
/// `Default` too.
#[proc_macro_derive(Settings, attributes(setting))]
pub fn settings(input: TokenStream) -> TokenStream {
    let input = syn::parse_macro_input!(input as syn::DeriveInput);
    settings::derive(&input)
        .unwrap_or_else(syn::Error::into_compile_error)
        .into()
}

/// Makes an `impl Handler for …` a plug-in: its manifest and, on wasm, its exports.
///
/// Id, version and summary are those of the package unless said otherwise. All parts are
/// optional:
///
/// - `reads("sensor.temperature", "control.*")`: the event types it is given;
/// - `zones("tent")`: only of these zones; `delivery = "latest"`: readings may coalesce when it
///   falls behind (`"every"` otherwise);
/// - `tick = "30s"`: woken so often without an event;
/// - `controls(exhaust = "why")`: the role it must be allowed to control, and the sentence a
///   grower reads; `may_control(…)`: the same, but it works without;
/// - `emits("x.own.note" = "why")`, `may_emit(…)`: event types it emits;
/// - `reads_history(temperature = "why")`, `may_read_history(…)`;
/// - `id = "…"`, `summary = "…"`, `state_version = 2`.
#[proc_macro_attribute]
pub fn plugin(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let arguments = syn::parse_macro_input!(arguments as plugin::Arguments);
    let item = syn::parse_macro_input!(item as syn::ItemImpl);
    plugin::expand(&arguments, &item)
        .unwrap_or_else(syn::Error::into_compile_error)
        .into()
}
