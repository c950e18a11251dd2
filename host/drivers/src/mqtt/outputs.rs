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
//! An output without a state topic is believed to be where it was ordered to be. Only what an
//! output says of itself after it was told confirms anything, or at rest, where it is there
//! already: what the broker kept, and what was said before it went away or failed, is old.

use growbox_model::{Span, Text};

use super::payload::Payload;
use super::plain;
use super::settings::{OutputForm, OutputPoint, Timer};
use super::zigbee::{self, ZigbeeDevice};
use crate::driver::{DriverEvent, Order};

mod power_on;

use power_on::Setting;

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

#[derive(Debug)]
struct Slot {
    point: OutputPoint,
    command_topic: String,
    timer: Timer,
    wanted: Option<Wanted>,
    /// What is wanted is to be told, and has failed if it is not until then.
    tell_until: Option<Span>,
    awaited_until: Option<Span>,
    reported: Option<f64>,
    /// What it reported is not old.
    fresh: bool,
    /// What it says of itself.
    present: Option<bool>,
    /// What was last reported of it.
    available: Option<bool>,
    power_on: Setting,
    /// It has been ordered something since the session began: until then it may only be observed.
    ordered: bool,
}

#[derive(Debug, Clone, Copy)]
struct Wanted {
    level: f64,
    within: Option<Span>,
    since: Span,
    /// Told at once or never; never again.
    pulse: bool,
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
        for slot in &mut self.slots {
            let (message, event) = slot.tell(now, until);
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

impl Slot {
    fn new(base: &str, point: OutputPoint) -> Self {
        let (command_topic, timer, power_on) = match &point.form {
            OutputForm::Zigbee(zigbee) => (
                format!("{base}/{}/set", zigbee.name),
                zigbee.timer.unwrap_or(Timer::None),
                zigbee.power_on,
            ),
            OutputForm::Mapped(mapped) => (mapped.topic.to_string(), Timer::None, None),
        };
        Self {
            point,
            command_topic,
            timer,
            wanted: None,
            tell_until: None,
            awaited_until: None,
            reported: None,
            fresh: false,
            present: None,
            available: None,
            power_on: Setting::new(power_on),
            ordered: false,
        }
    }

    /// Nothing is wanted of it any more.
    fn forget(&mut self) {
        (self.wanted, self.tell_until, self.awaited_until) = (None, None, None);
    }

    /// It is out of reach: what was wanted has failed, and what it said is old.
    fn lose(&mut self, reason: &str) -> Option<DriverEvent> {
        self.reported = None;
        self.give_up(reason)
    }

    /// Why an order cannot be taken.
    fn refuses(
        &self,
        order: &Order,
        link: Option<Link>,
        bridge: Option<bool>,
    ) -> Option<&'static str> {
        match self.available {
            Some(true) => None,
            _ if order.pulse => Some("it cannot be reached, and a pulse does not wait"),
            Some(false) => {
                let why = self.out_of_reach(link, bridge);
                Some(why.unwrap_or("it was away, and has not said yet that it is back"))
            }
            None => None,
        }
    }

    /// Why it cannot be reached; none where it can, or nobody knows yet.
    fn out_of_reach(&self, link: Option<Link>, bridge: Option<bool>) -> Option<&'static str> {
        let zigbee = matches!(self.point.form, OutputForm::Zigbee(_));
        if link == Some(Link::Down) {
            Some("the MQTT broker is not connected")
        } else if zigbee && bridge == Some(false) {
            Some("Zigbee2MQTT says that it is offline")
        } else if self.present == Some(false) {
            Some("it says that it is offline")
        } else {
            None
        }
    }

    /// Whether it may say that it is away, and has not said anything yet.
    fn may_wait(&self) -> bool {
        let speaks = match &self.point.form {
            OutputForm::Zigbee(_) => true,
            OutputForm::Mapped(mapped) => mapped.availability_topic.is_some(),
        };
        speaks && self.present.is_none() && self.reported.is_none()
    }

    fn look(&mut self, link: Option<Link>, bridge: Option<bool>, now: Span) -> Vec<DriverEvent> {
        let Some(link) = link else { return Vec::new() };
        let out_of_reach = self.out_of_reach(Some(link), bridge);
        let patient = match link {
            Link::Up { since } => now.0.saturating_sub(since.0) < GRACE.0 && self.may_wait(),
            Link::Down => false,
        };
        if out_of_reach.is_none() && patient {
            return Vec::new();
        }
        let available = out_of_reach.is_none();
        if self.available.replace(available) == Some(available) {
            return Vec::new();
        }
        let given_up = out_of_reach.and_then(|why| self.lose(why));
        let report = DriverEvent::Available {
            address: self.point.address.clone(),
            available,
        };
        given_up.into_iter().chain([report]).collect()
    }

    /// The message for what is wanted, where that is to be told and it can be.
    fn tell(&mut self, now: Span, until: Span) -> (Option<Message>, Option<DriverEvent>) {
        if self.available != Some(true) || self.tell_until.is_none() {
            return (None, None);
        }
        let Some((level, within)) = self.wanted.and_then(|wanted| wanted.left(now)) else {
            return (
                None,
                self.give_up("its time ran out before it could be told"),
            );
        };
        (self.tell_until, self.ordered) = (None, true);
        let message = Message {
            topic: self.command_topic.clone(),
            payload: self.command(level, within),
            at_once: self.wanted.is_some_and(|wanted| wanted.pulse),
        };
        let there = self.fresh && self.reported.is_some_and(|reported| same(reported, level));
        if !self.answers() || (there && self.awaited_until.is_none()) {
            let address = self.point.address.clone();
            return (
                Some(message),
                Some(DriverEvent::Confirmed { address, level }),
            );
        }
        self.awaited_until = Some(until);
        self.fresh = false;
        (Some(message), None)
    }

    fn command(&self, level: f64, within: Option<Span>) -> String {
        // A timer that ends a little late is made good by the lease itself; one that ends early
        // would switch a device that is meant to run.
        let seconds = within.map(|within| within.as_seconds().ceil().max(1.0) as u64);
        match &self.point.form {
            OutputForm::Zigbee(output) => {
                let timer = seconds.map(|seconds| (self.timer, seconds));
                zigbee::command(output, self.point.switched, level, timer)
            }
            OutputForm::Mapped(output) => plain::command(output, level, seconds),
        }
    }

    /// Whether it says how it is.
    fn answers(&self) -> bool {
        match &self.point.form {
            OutputForm::Zigbee(_) => true,
            OutputForm::Mapped(mapped) => mapped.state_topic.is_some(),
        }
    }

    fn question(&self) -> Option<Message> {
        let OutputForm::Zigbee(output) = &self.point.form else {
            return None;
        };
        Some(Message {
            topic: format!("{}/get", self.command_topic.strip_suffix("/set")?),
            payload: zigbee::question(output),
            at_once: false,
        })
    }

    /// Takes a level the output tells. While an order is awaited, other levels are on their way
    /// from an older one or to this one and say nothing.
    fn state(&mut self, level: f64, retained: bool) -> Option<DriverEvent> {
        if retained && (self.awaited_until.is_some() || self.fresh) {
            return None;
        }
        self.fresh = !retained;
        let before = self.reported.replace(level);
        let address = self.point.address.clone();
        if self.awaited_until.is_some() {
            let wanted = self.wanted.filter(|wanted| same(wanted.level, level))?;
            self.awaited_until = None;
            return Some(DriverEvent::Confirmed {
                address,
                level: wanted.level,
            });
        }
        let told = before.is_some_and(|before| same(before, level));
        (!told).then_some(DriverEvent::State { address, level })
    }

    /// When it is overdue.
    fn deadline(&self) -> Option<Span> {
        [self.tell_until, self.awaited_until]
            .into_iter()
            .flatten()
            .min()
    }

    fn overdue(&mut self, within: Span, now: Span) -> Vec<DriverEvent> {
        match self.tell_until {
            Some(until) if until <= now => {
                let why = format!("nobody could be told within {within}");
                self.give_up(&why).into_iter().collect()
            }
            // What is awaited is wanted no longer: a newer order is about to be told.
            Some(_) => {
                self.awaited_until = None;
                Vec::new()
            }
            None => self.unconfirmed(within),
        }
    }

    fn unconfirmed(&mut self, within: Span) -> Vec<DriverEvent> {
        let said = self.reported.filter(|_| self.fresh);
        let message = match said {
            Some(level) => format!(
                "not confirmed within {within}; it says {:.0} %",
                level * 100.0
            ),
            None => format!("not confirmed within {within}; it says nothing"),
        };
        let mut events: Vec<DriverEvent> = self.give_up(&message).into_iter().collect();
        let address = self.point.address.clone();
        events.extend(said.map(|level| DriverEvent::State { address, level }));
        events
    }

    /// Wants no longer what is to be told or awaited, and says so. What it said is old from here.
    fn give_up(&mut self, reason: &str) -> Option<DriverEvent> {
        let open = self.deadline().is_some();
        let wanted = self.wanted.filter(|_| open);
        self.forget();
        self.fresh = false;
        Some(failed(&self.point.address, wanted?.level, reason))
    }

    fn learn(&mut self, devices: &[ZigbeeDevice]) -> Vec<String> {
        let OutputForm::Zigbee(output) = &self.point.form else {
            return Vec::new();
        };
        let address = &self.point.address;
        let Some(device) = devices.iter().find(|device| *device.name == *output.name) else {
            return vec![format!(
                "{address}: Zigbee2MQTT knows no device of this name"
            )];
        };
        self.timer = output.timer.unwrap_or(device.timer);
        let dims = self.point.switched || device.dims;
        let undimmed = (!dims).then(|| "it does not dim; add switched = true".to_owned());
        let timerless = (dims && self.timer == Timer::None)
            .then(|| "no timer of its own: it stays on if growbox dies while it is on".to_owned());
        let words = [undimmed, timerless, self.power_on.learn(&device.power_on)];
        let words = words.into_iter().flatten();
        words.map(|word| format!("{address}: {word}")).collect()
    }

    /// What its settings are to be, where it is ours to drive, there, and does not have them yet.
    fn settings(&mut self) -> Option<Message> {
        let OutputForm::Zigbee(output) = &self.point.form else {
            return None;
        };
        if self.available != Some(true) || !self.ordered {
            return None;
        }
        let wanted = self.power_on.tell()?;
        Some(Message {
            topic: self.command_topic.clone(),
            payload: zigbee::power_on_command(output, wanted),
            at_once: false,
        })
    }
}

impl Wanted {
    /// The level, and what is left of its time; none once that has run out while it waited.
    fn left(&self, now: Span) -> Option<(f64, Option<Span>)> {
        let Some(within) = self.within else {
            return Some((self.level, None));
        };
        let passed = now.0.saturating_sub(self.since.0);
        let left = within.0.checked_sub(passed);
        let left = left.filter(|left| *left > 0 || passed == 0);
        left.map(|left| (self.level, Some(Span(left))))
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
