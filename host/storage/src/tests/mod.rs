//! The log as a whole: opened, filled, left in every way, opened again.

mod crash;
mod fixtures;
mod life;
mod questions;
mod records;
