//! Lanes: who goes ahead of the rest, and is taken in though the log is full.
//!
//! What cannot wait is what safety hangs on: critical events, readings that a safety rule watches,
//! witnesses of devices, the input that stops everything. A full log refuses everything else; these
//! go into its reserve, and beyond that they are heard though nothing remembers them.

use growbox_model::incoming::{Incoming, Speaker};
use growbox_model::ports::{Ports, Ticket};
use growbox_model::row::{Answer, Wait};
use growbox_model::{Objection, Payload};

use crate::flow::{Flow, Life};
use crate::intake::{Feed, Origin};

/// What is taken out of the queue now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Taking {
    Everything,
    /// What goes ahead; the rest waits.
    Ahead,
    Nothing,
}

impl Flow {
    /// What is taken now. Under the events clock there is one lane.
    pub(crate) fn taking(&self, ports: &impl Ports) -> Taking {
        if !self.start_is_durable() {
            return Taking::Nothing;
        }
        match self.refuses(ports) {
            None => Taking::Everything,
            Some(_) if self.life == Life::Running && !self.clock.by_events() => Taking::Ahead,
            Some(_) => Taking::Nothing,
        }
    }

    /// Whether an event goes ahead of what can wait. For a reading that hangs on nothing but its
    /// sensor and quantity, so that a series keeps its order.
    pub(crate) fn goes_ahead(&self, event: &Incoming, speaker: Speaker) -> bool {
        match &event.payload {
            Payload::Document(_) => event.kind.critical() && speaker != Speaker::Anyone,
            Payload::Reading(reading) => {
                let sensor = self.room.sensors.get(&reading.sensor);
                let zone = sensor.and_then(|sensor| sensor.zone.as_ref());
                let measured = sensor.is_some() || self.room.node.measure_unknown_sensors;
                self.room.node.stop_input.as_ref() == Some(&reading.sensor)
                    || measured && self.gate.watches(zone, &reading.quantity)
                    || self.gate.is_witness(&reading.sensor, &reading.quantity)
            }
        }
    }

    /// A post of an edge. While the log is full one is let in that holds nothing but what goes
    /// ahead; of readings a driver hands over, those.
    pub(crate) fn hear_post(
        &mut self,
        ticket: Ticket,
        mut events: Vec<Result<Incoming, Objection>>,
        (speaker, mut wait): (Speaker, Wait),
        ports: &mut impl Ports,
    ) {
        if let Some(reason) = self.refuses(ports) {
            let ahead = |event: &Incoming| self.goes_ahead(event, speaker);
            let taken = events.iter().flatten().filter(|event| ahead(event)).count();
            let mixed = taken < events.iter().flatten().count();
            let open = self.life == Life::Running && !self.clock.by_events();
            if !open || taken == 0 || mixed && speaker != Speaker::Driver {
                return ports.answer(ticket, Answer::Full(reason));
            }
            for event in &mut events {
                if event.as_ref().is_ok_and(|event| !ahead(event)) {
                    *event = Err(Objection::new(LOG_FULL, &*reason));
                }
            }
            if speaker == Speaker::Driver {
                // Its edge would hear no more for waiting for a disk that takes nothing.
                wait = Wait::Accepted;
            }
        }
        let from = Origin::heard(self.machine.boot, speaker);
        self.intake.post(ticket, events, from, wait);
    }

    /// Lets what goes ahead into the queue, out of all that waits before it.
    pub(crate) fn bring_ahead(&mut self) {
        let now = self.machine.boot;
        let mut ahead = Vec::new();
        let mut drivers = std::mem::take(&mut self.intake.drivers);
        let mut feeds = std::mem::take(&mut self.intake.feeds);
        let waiting = feeds.iter_mut().filter(|feed| !feed.parted);
        for events in waiting.map(Feed::part).chain([&mut drivers]) {
            let (first, rest) = std::mem::take(events)
                .into_iter()
                .partition(|(event, origin)| self.goes_ahead(event, origin.speaker));
            *events = rest;
            ahead.push(first);
        }
        feeds.retain(|feed| !feed.events.is_empty());
        (self.intake.drivers, self.intake.feeds) = (drivers, feeds);
        let released = self.intake.admission.release(now, usize::MAX);
        for (event, origin) in released {
            self.intake.unheld(origin);
            self.enqueue(event, origin);
        }
        for (event, origin) in ahead.into_iter().flatten() {
            self.admit(event, origin);
        }
    }
}

/// The code of what a full log refuses.
pub(crate) const LOG_FULL: &str = "log_full";
