//! The runtime as its users see it, with guests written as text.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on says so by panicking"
)]

mod guest;
mod loading;
mod running;
