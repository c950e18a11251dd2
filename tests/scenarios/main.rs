//! Scenarios over the real binary, one module each.

mod recording;
