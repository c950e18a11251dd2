//! The stages every event passes on its way into the log and out to the handlers; all pure.
//!
//! Admission decides *whether* an event is taken (`admit`, `duplicate`), the queue *when*
//! (`queue`), validation *as what* (`validate`); correlation tells what happened before
//! (`correlate`), enrichment in which room (`enrich`), and routing who wants to know (`route`).
//! None of them knows the log, the gate, or a plug-in.

pub mod admit;
pub mod correlate;
pub mod duplicate;
pub mod enrich;
pub mod names;
pub mod queue;
pub mod route;
pub mod validate;
