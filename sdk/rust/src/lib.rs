//! What the author of a handler in Rust uses.
