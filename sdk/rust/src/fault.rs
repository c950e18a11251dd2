//! Why a handler could not do its work, and what the host should do about it.

use crate::wire::Fault;
use std::fmt::Display;

/// The setting at this JSON pointer cannot be: refused before it takes over.
pub fn settings(pointer: impl Into<String>, why: impl Display) -> Fault {
    Fault::Settings((pointer.into(), why.to_string()))
}

/// This event cannot be handled: it is parked and the rest is handled again.
pub fn event(seq: u64, why: impl Display) -> Fault {
    Fault::Event((seq, why.to_string()))
}

/// It may work in a while: the same batch again, with back-off.
pub fn transient(why: impl Display) -> Fault {
    Fault::Transient(why.to_string())
}

/// It will never work: quarantine.
pub fn permanent(why: impl Display) -> Fault {
    Fault::Permanent(why.to_string())
}
