//! One batch, read as a room: the clock, the zones, and what happened.

use crate::time::Moment;
use crate::wire::{Batch, Clock, Event};
use crate::zone::Zone;

/// The attribute of a zone that says how far a stop is granted: `*` everywhere, or the zone's id.
const EMERGENCY_STOP: &str = "emergency_stop";

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

    /// Whether a stop of this zone, or without one of everything, is granted: what is said to
    /// have been done can then be true.
    #[must_use]
    pub fn may_stop(&self, zone: Option<&str>) -> bool {
        let everything = |zone: &Zone| zone.attribute(EMERGENCY_STOP) == Some("*");
        match zone {
            Some(zone) => self
                .zone(zone)
                .is_some_and(|zone| zone.attribute(EMERGENCY_STOP).is_some()),
            None => self.zones().any(|zone| everything(&zone)),
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{batch, zone};
    use crate::time::minutes;

    #[test]
    fn a_stop_is_granted_zone_by_zone_or_everywhere() {
        let granted = |scope: &str| {
            let mut tent = zone("tent");
            tent.attributes = vec![(EMERGENCY_STOP.into(), scope.into())];
            batch(minutes(1), vec![tent, zone("room")])
        };
        let one = granted("tent");
        let room = Room::of(&one);
        assert!(room.may_stop(Some("tent")) && !room.may_stop(Some("room")));
        assert!(!room.may_stop(None));
        assert!(Room::of(&granted("*")).may_stop(None));
    }
}
