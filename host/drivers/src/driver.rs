//! What a driver is: it takes orders for outputs and reports what it hears from the room.
//!
//! An *address* names one point of the outside (`sim:heater`, `unix:/run/tent.sock#canopy`).
//! Drivers know addresses only; which sensor or device stands behind one is the host's to say.
//!
//! ```text
//!   Order ──send──▶ driver ──▶ Confirmed | Failed        what it knows at once is returned,
//!                     │                                  the rest comes through the sink
//!   room ────────────▶└──────▶ Reading | State | Available | Attached | Unreadable
//! ```

use std::collections::BTreeSet;
use std::sync::Arc;

use growbox_model::{Instant, Objection, Span, Text};

/// What a driver reports.
#[derive(Debug, Clone, PartialEq)]
pub enum DriverEvent {
    /// A sensor said something.
    Reading {
        /// The sensor's address.
        address: Text,
        /// The quantity as the source names it; not yet judged.
        quantity: Text,
        /// The value in `unit`; finite.
        value: f64,
        /// The unit as the source names it; none means the canonical one.
        unit: Option<Text>,
        /// When, where the source says so.
        at: Option<Instant>,
    },
    /// An output is at a level that no order of ours explains: found so on connecting, moved by
    /// somebody else, or gone off by its own timer.
    State {
        /// The output's address.
        address: Text,
        /// Its level, 0…1.
        level: f64,
    },
    /// An output can or cannot be reached. Until the first of these it is not known.
    Available {
        /// The output's address.
        address: Text,
        /// Whether it can be reached.
        available: bool,
    },
    /// An output is where it was ordered to be.
    Confirmed {
        /// The output's address.
        address: Text,
        /// The level, as ordered.
        level: f64,
    },
    /// An output could not be brought to where it was ordered to be.
    Failed {
        /// The output's address.
        address: Text,
        /// The level, as ordered.
        level: f64,
        /// Why, in words.
        message: String,
    },
    /// A far side answered and said whether it is simulated; once per connection.
    Attached {
        /// The driver's address, without a point.
        address: Text,
        /// Whether nothing real hangs on it.
        simulated: bool,
    },
    /// Something came that could not be read. Reported at the first and at every doubling.
    Unreadable {
        /// The driver's address, without a point.
        address: Text,
        /// What was wrong with the last one.
        message: String,
        /// How many so far.
        count: u64,
    },
}

/// Where an output should be.
#[derive(Debug, Clone, PartialEq)]
pub struct Order {
    /// The output's address.
    pub address: Text,
    /// Its level, 0…1.
    pub level: f64,
    /// The output goes off by itself after this unless it is ordered again: the lease that lives
    /// in the device. Counted by the far side, in its own time.
    pub within: Option<Span>,
    /// A dose: `within` is its length. It is told to the far side once and never again; one that
    /// could not be told at once has failed.
    pub pulse: bool,
}

/// Where a driver's threads put what they hear. It may wait, and so hold up the far side, but
/// not for the thread that calls [`Driver::send`].
pub type Sink = Arc<dyn Fn(DriverEvent) + Send + Sync>;

/// A sink into a channel; when the receiver is gone, reports are dropped.
pub fn sink_into(sender: crossbeam_channel::Sender<DriverEvent>) -> Sink {
    Arc::new(move |event| {
        // A receiver that is gone means that the host is ending.
        let _ = sender.send(event);
    })
}

/// One room, or one part of it, reached in one way.
pub trait Driver: Send {
    /// Takes an order without waiting. A newer order for an output replaces the older one.
    /// Returns what is known at once.
    fn send(&mut self, order: Order) -> Vec<DriverEvent>;

    /// Serves one more output, by its name without the driver's prefix, while everything else
    /// goes on. Returns what is known of it at once.
    ///
    /// # Errors
    ///
    /// What is wrong with the name; then nothing has changed.
    fn attach(&mut self, point: &str) -> Result<Vec<DriverEvent>, Objection>;

    /// Serves an output no longer; it stays where it is.
    fn detach(&mut self, point: &str);

    /// Hears these sensors from now on, by their names without the driver's prefix, and no others.
    fn listen(&mut self, points: &BTreeSet<Text>);

    /// Whether nothing real hangs on it; none while the far side has not said.
    fn simulated(&self) -> Option<bool>;

    /// Tells the room clock's time to a driver that lives by it, at each turn of the flow. Returns
    /// what happened up to then, in order. Drivers with a time of their own ignore what it says.
    fn advance(&mut self, _to: Instant) -> Vec<DriverEvent> {
        Vec::new()
    }

    /// When [`Driver::advance`] has something to say next.
    fn next_due(&self) -> Option<Instant> {
        None
    }
}
