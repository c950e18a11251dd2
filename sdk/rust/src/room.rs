//! One batch, read as a room: the clock, the zones, and what happened.

use crate::time::Moment;
use crate::wire::{Batch, Clock, Event};
use crate::zone::Zone;

/// The room as the host froze it when it cut the batch.
#[derive(Clone, Copy, Debug)]
pub struct Room<'a> {
    batch: &'a Batch,
}

impl<'a> Room<'a> {
    /// The room of a batch.
    #[must_use]
    pub fn of(batch: &'a Batch) -> Self {
        Self { batch }
    }

    /// Room time, for every difference of times.
    #[must_use]
    pub fn now(&self) -> Moment {
        Moment::from_nanoseconds(self.batch.clock.now)
    }

    /// Room time and its label.
    #[must_use]
    pub fn clock(&self) -> Clock {
        self.batch.clock
    }

    /// Whether the tick that the plug-in asked for fell due.
    #[must_use]
    pub fn tick(&self) -> bool {
        self.batch.tick
    }

    /// How many events that would have matched will never come.
    #[must_use]
    pub fn skipped(&self) -> u64 {
        self.batch.skipped
    }

    /// The events of the batch, in sequence order.
    #[must_use]
    pub fn events(&self) -> &'a [Event] {
        &self.batch.events
    }

    /// Every zone.
    pub fn zones(&self) -> impl Iterator<Item = Zone<'a>> + use<'a> {
        let batch = self.batch;
        (0..batch.zones.len()).map(move |index| Zone::of(batch, index))
    }

    /// The zone of this id, where there is one.
    #[must_use]
    pub fn zone(&self, id: &str) -> Option<Zone<'a>> {
        self.zones().find(|zone| zone.id() == id)
    }
}
