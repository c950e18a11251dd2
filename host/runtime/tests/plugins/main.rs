//! The runtime as its users see it, with guests written as text.

mod guest;
mod loading;
mod running;
