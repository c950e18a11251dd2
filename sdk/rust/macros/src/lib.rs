//! The two macros of the Rust SDK: Settings and plugin.
