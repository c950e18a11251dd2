//! The record of a far side: what really happened outside, and when.

/// Who moved an output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// Whoever is connected.
    Order,
    /// Its own timer.
    Timer,
    /// Somebody at the device.
    Hand,
}

/// What happened outside.
#[derive(Debug, Clone, PartialEq)]
pub enum What {
    /// An output changed its level.
    Switched(String, f64, By),
    /// Somebody connected.
    Joined,
    /// Who was connected is gone.
    HungUp,
    /// The far side went away, by itself.
    Lost,
    /// The far side can be reached again.
    Returned,
    /// A sensor said this to whoever was connected.
    Said(String, f64),
    /// Somebody works at the device from here on, and has been told that it is locked out.
    LockedOut(String),
    /// Nobody does any more.
    Unlocked(String),
}

/// One line of the record.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Seconds of the room since it began: not before this.
    pub at: f64,
    /// By when it had happened: the same, but where the far side is told the time step by step.
    pub until: f64,
    /// What happened.
    pub what: What,
}

impl Entry {
    /// What happened at this very moment.
    #[must_use]
    pub fn new(at: f64, what: What) -> Self {
        Self {
            at,
            until: at,
            what,
        }
    }
}
