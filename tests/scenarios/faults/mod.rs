//! Faults into the real binary, each by name, and random sessions of all of them; `docs/faults.md` is their table.
//!
//! What devices did is told by [`growbox_tests::Outside`], which lives outside the host, and is
//! judged by [`growbox_tests::checker`], which knows nothing of the gate.

mod believed;
mod bench_room;
mod blocked;
mod button;
mod card;
mod clock;
mod day;
mod disk;
mod durable;
pub(crate) mod far_room;
mod fight;
mod flood;
mod guardian;
mod kills;
mod manners;
mod observed;
mod power;
mod safe;
mod sequences;
mod sessions;
mod standstill;
mod stopped;
mod stuck;
mod why;
