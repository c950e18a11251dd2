//! The log as a whole: opened, filled, left in every way, opened again.

mod crash;
pub(crate) mod fixtures;
mod life;
mod questions;
mod records;
