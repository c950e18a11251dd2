//! What the client knows of the room behind the socket: pure, its time an argument.
//!
//! Each output is a slot that holds the newest order only:
//!
//! ```text
//!             order                     written                 state line, same level
//!   at rest ─────────▶ to be written ───────────▶ awaited ───────────────────────────▶ Confirmed
//!                                │ not connected     │ no such line in time, or connection lost
//!                                └────▶ Failed ◀─────┘
//! ```
//!
//! What was ordered before a connection ended, or while there is none, is not asserted on the
//! next one: the host is told that the room is back, and says what is wanted now. Only what is
//! ordered before anybody knows whether the room is there waits for the first connection.
//! `within` counts from the order, so that a level is never asserted for longer than it was
//! meant; what has run out meanwhile is not asserted at all. A pulse is written once, on the
//! connection that stands, with its whole length; no other connection ever hears of it.

use std::collections::{BTreeMap, BTreeSet};

use growbox_model::{Span, Text};

use super::lines::{LINE_BYTES, Line};
use super::wire::{self, FromRoom, Set, ToRoom};
use crate::driver::{DriverEvent, Order};

/// Levels this close are the same: a PWM has eight bits, a fan no more.
const SAME_LEVEL: f64 = 0.005;

/// The room as far as it is known.
#[derive(Debug)]
pub(super) struct Session {
    address: Text,
    confirm_within: Span,
    outputs: BTreeMap<String, Slot>,
    sensors: BTreeMap<String, Text>,
    connected: Option<bool>,
    greeted: bool,
    simulated: Option<bool>,
    unreadable: u64,
}

#[derive(Debug)]
struct Slot {
    address: Text,
    wanted: Option<Wanted>,
    unwritten: bool,
    awaited_until: Option<Span>,
    reported: Option<f64>,
}

#[derive(Debug, Clone, Copy)]
struct Wanted {
    level: f64,
    within: Option<Span>,
    since: Span,
    /// Written at once or never; never again.
    pulse: bool,
}

/// What is to be written, and what is known once it is.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Frames {
    pub(super) bytes: Vec<u8>,
    pub(super) then: Vec<DriverEvent>,
}

impl Session {
    /// The room at `unix:PATH`, of which these points are served.
    pub(super) fn new(
        path: &str,
        confirm_within: Span,
        outputs: &[Text],
        sensors: &[Text],
    ) -> Self {
        let address = |point: &Text| -> Text { format!("unix:{path}#{point}").into() };
        let slot = |point: &Text| (point.to_string(), Slot::new(address(point)));
        Self {
            address: format!("unix:{path}").into(),
            confirm_within,
            outputs: outputs.iter().map(slot).collect(),
            sensors: sensors
                .iter()
                .map(|point| (point.to_string(), address(point)))
                .collect(),
            connected: None,
            greeted: false,
            simulated: None,
            unreadable: 0,
        }
    }

    /// Serves one more output; whether it can be reached is what is known of it.
    pub(super) fn attach(&mut self, point: &str) -> Vec<DriverEvent> {
        let address = self.address_of(point);
        let slot = Slot::new(address.clone());
        self.outputs.insert(point.to_owned(), slot);
        let told = |available| DriverEvent::Available { address, available };
        self.connected.map(told).into_iter().collect()
    }

    /// Serves an output no longer.
    pub(super) fn detach(&mut self, point: &str) {
        self.outputs.remove(point);
    }

    /// Hears these sensors, and no others.
    pub(super) fn listen(&mut self, points: &BTreeSet<Text>) {
        let named = |point: &Text| (point.to_string(), self.address_of(point));
        self.sensors = points.iter().map(named).collect();
    }

    fn address_of(&self, point: &str) -> Text {
        format!("{}#{point}", self.address).into()
    }

    pub(super) fn simulated(&self) -> Option<bool> {
        self.simulated
    }

    /// Takes an order for the output `point`; it replaces the one before.
    pub(super) fn order(&mut self, point: &str, order: &Order, now: Span) -> Vec<DriverEvent> {
        let Some(slot) = self.outputs.get_mut(point) else {
            return vec![failed(
                &order.address,
                order.level,
                "not an output this driver serves",
            )];
        };
        let refused = match self.connected {
            Some(true) => None,
            _ if order.pulse => Some("the room is not connected, and a pulse does not wait"),
            Some(false) => Some("the room is not connected"),
            None => None,
        };
        if let Some(reason) = refused {
            slot.forget();
            return vec![failed(&slot.address, order.level, reason)];
        }
        slot.wanted = Some(Wanted {
            level: order.level,
            within: order.within,
            since: now,
            pulse: order.pulse,
        });
        slot.unwritten = true;
        Vec::new()
    }

    /// The connection stands: every output can be reached.
    pub(super) fn connected(&mut self) -> Vec<DriverEvent> {
        self.greeted = false;
        for slot in self.outputs.values_mut() {
            slot.reported = None;
        }
        self.available(true)
    }

    /// The connection is gone, or never came to be. What was wanted is forgotten: when the room
    /// is there, whoever ordered says what is wanted then. An older level would reach the device
    /// first, for a moment, and wear it; and who wanted it may have been overruled meanwhile.
    pub(super) fn lost(&mut self, reason: &str) -> Vec<DriverEvent> {
        if self.connected == Some(false) {
            return Vec::new();
        }
        let mut events: Vec<DriverEvent> = Vec::new();
        for slot in self.outputs.values_mut() {
            events.extend(slot.give_up(reason));
            slot.forget();
        }
        events.extend(self.available(false));
        events
    }

    /// Availability is reported when it changes.
    fn available(&mut self, available: bool) -> Vec<DriverEvent> {
        if self.connected.replace(available) == Some(available) {
            return Vec::new();
        }
        let report = |slot: &Slot| DriverEvent::Available {
            address: slot.address.clone(),
            available,
        };
        self.outputs.values().map(report).collect()
    }

    /// Everything that is to be written now.
    pub(super) fn frames(&mut self, now: Span) -> Frames {
        let mut frames = Frames::default();
        for (point, slot) in &mut self.outputs {
            slot.write(
                point,
                now,
                now.0.saturating_add(self.confirm_within.0),
                &mut frames,
            );
        }
        frames
    }

    /// Takes a line of the room.
    pub(super) fn line(&mut self, line: &Line) -> Vec<DriverEvent> {
        let message = match read(line) {
            Ok(message) => message,
            Err(reason) => return self.unreadable(reason),
        };
        let mut events: Vec<DriverEvent> = self.greet(&message).into_iter().collect();
        events.extend(match message {
            FromRoom::Simulated(_) => None,
            FromRoom::Reading(reading) => self.reading(reading),
            FromRoom::State(state) => self
                .outputs
                .get_mut(&state.output)
                .and_then(|slot| slot.state(state.level)),
        });
        events
    }

    /// The first line says whether the room is simulated; if it says something else, it is not.
    fn greet(&mut self, message: &FromRoom) -> Option<DriverEvent> {
        if std::mem::replace(&mut self.greeted, true) {
            return None;
        }
        let simulated = *message == FromRoom::Simulated(true);
        self.simulated = Some(simulated);
        Some(DriverEvent::Attached {
            address: self.address.clone(),
            simulated,
        })
    }

    fn reading(&self, reading: wire::Reading) -> Option<DriverEvent> {
        Some(DriverEvent::Reading {
            address: self.sensors.get(&reading.sensor)?.clone(),
            quantity: reading.quantity.into(),
            value: reading.value,
            unit: reading.unit.map(Text::from),
            at: reading.at,
        })
    }

    fn unreadable(&mut self, message: String) -> Vec<DriverEvent> {
        self.greeted = true;
        self.unreadable += 1;
        let (address, count) = (self.address.clone(), self.unreadable);
        if !count.is_power_of_two() {
            return Vec::new();
        }
        vec![DriverEvent::Unreadable {
            address,
            message,
            count,
        }]
    }

    /// When [`Session::overdue`] has something to say next.
    pub(super) fn next_deadline(&self) -> Option<Span> {
        self.outputs
            .values()
            .filter_map(|slot| slot.awaited_until)
            .min()
    }

    /// Gives up on what was not confirmed in time.
    pub(super) fn overdue(&mut self, now: Span) -> Vec<DriverEvent> {
        let due = |slot: &&mut Slot| slot.awaited_until.is_some_and(|until| until <= now);
        let within = self.confirm_within;
        let overdue = self.outputs.values_mut().filter(due);
        overdue.flat_map(|slot| slot.unconfirmed(within)).collect()
    }
}

impl Slot {
    fn new(address: Text) -> Self {
        Self {
            address,
            wanted: None,
            unwritten: false,
            awaited_until: None,
            reported: None,
        }
    }

    /// Wants nothing any more.
    fn forget(&mut self) {
        self.wanted = None;
        self.unwritten = false;
    }

    fn write(&mut self, point: &str, now: Span, until: u64, frames: &mut Frames) {
        if !std::mem::take(&mut self.unwritten) {
            return;
        }
        let Some((level, within)) = self.wanted.and_then(|wanted| wanted.left(now)) else {
            self.wanted = None;
            return;
        };
        let set = Set {
            output: point.to_owned(),
            level,
            within,
        };
        frames.bytes.extend(wire::line(&ToRoom::Set(set)));
        if self.awaited_until.is_none() && self.reported.is_some_and(|at| same(at, level)) {
            frames.then.push(DriverEvent::Confirmed {
                address: self.address.clone(),
                level,
            });
        } else {
            self.awaited_until = Some(Span(until));
        }
    }

    /// Takes a level the room reports. While an order is awaited, other levels are on their way
    /// from an older one or to this one and say nothing.
    fn state(&mut self, level: f64) -> Option<DriverEvent> {
        let before = self.reported.replace(level);
        let address = self.address.clone();
        if self.awaited_until.is_some() {
            let wanted = self.wanted.filter(|wanted| same(wanted.level, level))?;
            self.awaited_until = None;
            return Some(DriverEvent::Confirmed {
                address,
                level: wanted.level,
            });
        }
        (before != Some(level)).then_some(DriverEvent::State { address, level })
    }

    fn unconfirmed(&mut self, within: Span) -> Vec<DriverEvent> {
        let message = match self.reported {
            Some(level) => format!(
                "not confirmed within {within}; the room reports {:.0} %",
                level * 100.0
            ),
            None => format!("not confirmed within {within}; the room reports nothing of it"),
        };
        let mut events: Vec<DriverEvent> = self.give_up(&message).into_iter().collect();
        let address = self.address.clone();
        // Old from here: the next order is confirmed by what is said after it.
        let said = self.reported.take();
        events.extend(said.map(|level| DriverEvent::State { address, level }));
        events
    }

    /// Awaits no longer.
    fn give_up(&mut self, reason: &str) -> Option<DriverEvent> {
        let awaited = self.awaited_until.take().is_some();
        let wanted = self.wanted.filter(|_| awaited || self.unwritten)?;
        Some(failed(&self.address, wanted.level, reason))
    }
}

impl Wanted {
    /// The level, and what is left of its time; none once that has run out while it waited.
    fn left(&self, now: Span) -> Option<(f64, Option<Span>)> {
        let Some(within) = self.within else {
            return Some((self.level, None));
        };
        if self.pulse {
            return Some((self.level, Some(within)));
        }
        let passed = now.0.saturating_sub(self.since.0);
        let left = within
            .0
            .checked_sub(passed)
            .filter(|left| *left > 0 || passed == 0);
        left.map(|left| (self.level, Some(Span(left))))
    }
}

fn read(line: &Line) -> Result<FromRoom, String> {
    let Line::Whole(bytes) = line else {
        return Err(format!("a line longer than {LINE_BYTES} bytes"));
    };
    let message: FromRoom = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    match &message {
        FromRoom::State(state) if !(0.0..=1.0).contains(&state.level) => {
            Err(format!("{} is no level 0…1", state.level))
        }
        _ => Ok(message),
    }
}

fn same(a: f64, b: f64) -> bool {
    (a - b).abs() <= SAME_LEVEL
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
