//! What is known of the outputs behind the broker: pure, its time an argument.
//!
//! Each output is a slot that holds the newest order only:
//!
//! ```text
//!             order                  published                 state message, same level
//!   at rest ─────────▶ to be told ───────────▶ awaited ─────────────────────────▶ Confirmed
//!                              │ not told in time │ no such message in time
//!                              │                  │
//!                              └──▶ Failed ◀──────┘ either: out of reach
//! ```
//!
//! What is wanted of an output that goes out of reach is forgotten: when it returns, whoever
//! ordered says what is wanted then. An older level would reach the device first, for a moment,
//! and under a stop. While it is known to be out of reach, orders fail; one that comes before
//! anybody knows waits, for what is left of its time.
//!
//! An output without a state topic is believed to be where it was ordered to be once the broker
//! has taken the order, for somebody who listens. Any other is confirmed only by what it says of
//! itself after it was told; where it is there already it need not say so again, and the broker's
//! word is enough. What the broker kept, and what was said before it went away or failed, is old.

use growbox_model::{Span, Text};

use super::payload::Payload;
use super::receipts::Receipt;
use super::settings::{OutputForm, OutputPoint};
use super::zigbee::{self, ZigbeeDevice};
use crate::driver::{DriverEvent, Order};

mod power_on;
mod slot;

use slot::{Slot, Wanted};

/// Levels this close are the same: a dimmer has 254 steps.
const SAME_LEVEL: f64 = 0.005;

/// How long an output that may say that it is away gets for saying so, once the broker is there.
const GRACE: Span = Span::millis(500);

/// Before the session begins nothing is overdue: plug-ins may take long to load.
const NEVER: Span = Span(u64::MAX);

/// A message for the broker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Message {
    pub(super) topic: String,
    pub(super) payload: String,
    /// Nobody may keep it for later: a dose.
    pub(super) at_once: bool,
    /// What is to come back with the broker's acknowledgement.
    pub(super) receipt: Option<Receipt>,
}

/// All outputs.
#[derive(Debug)]
pub(super) struct Outputs {
    slots: Vec<Slot>,
    confirm_within: Span,
    /// Whether there is a session that could tell anybody.
    begun: bool,
    /// Whether the broker is there, and since when; none before the first try.
    link: Option<Link>,
    /// Whether Zigbee2MQTT says that it runs; none while it has not said.
    bridge: Option<bool>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Link {
    Up { since: Span },
    Down,
}

impl Outputs {
    pub(super) fn new(base: &str, points: Vec<OutputPoint>, confirm_within: Span) -> Self {
        Self {
            slots: points
                .into_iter()
                .map(|point| Slot::new(base, point))
                .collect(),
            confirm_within,
            begun: false,
            link: None,
            bridge: None,
        }
    }

    /// The session begins: what is overdue counts from here.
    pub(super) fn begin(&mut self, now: Span) {
        self.begun = true;
        let until = self.until(now);
        let waiting = self.slots.iter_mut();
        for slot in waiting.filter(|slot| slot.tell_until.is_some()) {
            slot.tell_until = Some(until);
        }
    }

    /// When what is ordered or told now is overdue.
    fn until(&self, now: Span) -> Span {
        match self.begun {
            true => Span(now.0.saturating_add(self.confirm_within.0)),
            false => NEVER,
        }
    }

    /// Takes an order; it replaces the one before.
    pub(super) fn order(&mut self, order: &Order, now: Span) -> Vec<DriverEvent> {
        let until = self.until(now);
        let slot = self
            .slots
            .iter_mut()
            .find(|slot| slot.point.address == order.address);
        let Some(slot) = slot else {
            let why = "not an output this driver serves";
            return vec![failed(&order.address, order.level, why)];
        };
        if let Some(why) = slot.refuses(order, self.link, self.bridge) {
            slot.forget();
            return vec![failed(&order.address, order.level, why)];
        }
        slot.wanted = Some(Wanted {
            level: order.level,
            within: order.within,
            since: now,
            pulse: order.pulse,
        });
        slot.tell_until = Some(until);
        Vec::new()
    }

    /// What is known of an output; none where there is no such output.
    pub(super) fn known(&self, address: &str) -> Option<Vec<DriverEvent>> {
        let mut slots = self.slots.iter();
        let slot = slots.find(|slot| &*slot.point.address == address)?;
        let address = || slot.point.address.clone();
        let available = slot.available.map(|available| DriverEvent::Available {
            address: address(),
            available,
        });
        let level = slot.reported.map(|level| DriverEvent::State {
            address: address(),
            level,
        });
        Some(available.into_iter().chain(level).collect())
    }

    /// Nothing is wanted of an output any more.
    pub(super) fn forget(&mut self, address: &str) {
        let slots = self.slots.iter_mut();
        for slot in slots.filter(|slot| &*slot.point.address == address) {
            slot.forget();
        }
    }

    /// The broker is there, and every topic is listened to.
    pub(super) fn connected(&mut self, now: Span) -> Vec<DriverEvent> {
        self.link = Some(Link::Up { since: now });
        for slot in &mut self.slots {
            slot.reported = None;
            slot.present = None;
        }
        self.look(now)
    }

    /// The broker is gone, or never came to be there.
    pub(super) fn lost(&mut self, reason: &str, now: Span) -> Vec<DriverEvent> {
        self.link = Some(Link::Down);
        self.bridge = None;
        let lost = self.slots.iter_mut().filter_map(|slot| slot.lose(reason));
        let mut events: Vec<DriverEvent> = lost.collect();
        events.extend(self.look(now));
        events
    }

    /// Zigbee2MQTT says whether it runs.
    pub(super) fn bridge(&mut self, runs: bool, now: Span) -> Vec<DriverEvent> {
        self.bridge = Some(runs);
        self.look(now)
    }

    /// An output says whether it is there.
    pub(super) fn present(&mut self, index: usize, present: bool, now: Span) -> Vec<DriverEvent> {
        if let Some(slot) = self.slots.get_mut(index) {
            slot.present = Some(present);
        }
        self.look(now)
    }

    /// Reports what has come into reach or gone out of it.
    fn look(&mut self, now: Span) -> Vec<DriverEvent> {
        let (link, bridge) = (self.link, self.bridge);
        let looked = self.slots.iter_mut();
        looked
            .flat_map(|slot| slot.look(link, bridge, now))
            .collect()
    }

    /// Everything that is to be told now, and what is known once it is.
    pub(super) fn messages(&mut self, now: Span) -> (Vec<Message>, Vec<DriverEvent>) {
        let mut then = self.look(now);
        let mut messages = Vec::new();
        let until = self.until(now);
        for (index, slot) in self.slots.iter_mut().enumerate() {
            let (message, event) = slot.tell(index, now, until);
            messages.extend(message);
            messages.extend(slot.settings());
            then.extend(event);
        }
        (messages, then)
    }

    /// What makes outputs say how they are, once the broker is there.
    pub(super) fn questions(&self) -> Vec<Message> {
        self.slots.iter().filter_map(Slot::question).collect()
    }

    /// An output tells its level.
    pub(super) fn state(&mut self, index: usize, level: f64, retained: bool) -> Vec<DriverEvent> {
        let slot = self.slots.get_mut(index);
        let event = slot.and_then(|slot| slot.state(level, retained));
        event.into_iter().collect()
    }

    /// The broker has taken a command, or why it has not.
    pub(super) fn taken(
        &mut self,
        receipt: Receipt,
        answer: Result<(), String>,
    ) -> Vec<DriverEvent> {
        let slot = self.slots.get_mut(receipt.output);
        let event = slot.and_then(|slot| slot.taken(receipt.serial, answer));
        event.into_iter().collect()
    }

    /// What an output says of its settings; what a person should know of that.
    pub(super) fn hear_settings(&mut self, index: usize, payload: &Payload) -> Option<String> {
        let slot = self.slots.get_mut(index)?;
        let OutputForm::Zigbee(output) = &slot.point.form else {
            return None;
        };
        let complaint = slot.power_on.hear(zigbee::power_on(payload, output)?)?;
        Some(format!("{}: {complaint}", slot.point.address))
    }

    /// What stands at an index.
    pub(super) fn point(&self, index: usize) -> Option<&OutputPoint> {
        self.slots.get(index).map(|slot| &slot.point)
    }

    /// The bridge's list tells which outputs have a timer of their own; returns what a person
    /// should know of each output in the list, or missing in it.
    pub(super) fn learn(&mut self, devices: &[ZigbeeDevice]) -> Vec<String> {
        let learnt = self.slots.iter_mut();
        learnt.flat_map(|slot| slot.learn(devices)).collect()
    }

    /// When [`Outputs::messages`] or [`Outputs::overdue`] has something to say next.
    pub(super) fn next_deadline(&self) -> Option<Span> {
        let awaited = self.slots.iter().filter_map(Slot::deadline);
        let grace = match self.link {
            Some(Link::Up { since }) => Some(Span(since.0.saturating_add(GRACE.0))),
            Some(Link::Down) | None => None,
        };
        let unknown = self
            .slots
            .iter()
            .any(|slot| slot.available != Some(true) && slot.may_wait());
        awaited.chain(grace.filter(|_| unknown)).min()
    }

    /// Gives up on what was not told or not confirmed in time.
    pub(super) fn overdue(&mut self, now: Span) -> Vec<DriverEvent> {
        let within = self.confirm_within;
        let due = |slot: &&mut Slot| slot.deadline().is_some_and(|until| until <= now);
        let overdue = self.slots.iter_mut().filter(due);
        overdue.flat_map(|slot| slot.overdue(within, now)).collect()
    }
}

fn failed(address: &Text, level: f64, message: &str) -> DriverEvent {
    DriverEvent::Failed {
        address: address.clone(),
        level,
        message: message.to_owned(),
    }
}

#[cfg(test)]
mod tests;
