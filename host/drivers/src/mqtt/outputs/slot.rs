//! One output: what is wanted of it, what it was told, and what it said.

use growbox_model::Span;

use super::power_on::Setting;
use super::{GRACE, Link, Message, SAME_LEVEL, failed};
use crate::driver::{DriverEvent, Order};
use crate::mqtt::plain;
use crate::mqtt::receipts::Receipt;
use crate::mqtt::settings::{OutputForm, OutputPoint, Timer};
use crate::mqtt::zigbee::{self, ZigbeeDevice};

/// Seconds that a timer may have lost on its way here, and that cost it no whole one.
const ON_ITS_WAY: f64 = 0.1;

/// One output behind the broker.
#[derive(Debug)]
pub(super) struct Slot {
    pub(super) point: OutputPoint,
    command_topic: String,
    timer: Timer,
    pub(super) wanted: Option<Wanted>,
    /// What is wanted is to be told, and has failed if it is not until then.
    pub(super) tell_until: Option<Span>,
    awaited_until: Option<Span>,
    pub(super) reported: Option<f64>,
    /// What it reported is not old.
    fresh: bool,
    /// What is awaited is where it said to be when it was told.
    there: bool,
    /// What it says of itself.
    pub(super) present: Option<bool>,
    /// What was last reported of it.
    pub(super) available: Option<bool>,
    pub(super) power_on: Setting,
    /// How many commands it has been told.
    serial: u64,
    /// The newest of them that the broker has taken.
    acknowledged: u64,
    /// It has been ordered something since the session began: until then it may only be observed.
    ordered: bool,
}

/// What is wanted of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted {
    pub(super) level: f64,
    pub(super) within: Option<Span>,
    pub(super) since: Span,
    /// Told at once or never; never again.
    pub(super) pulse: bool,
}

impl Slot {
    pub(super) fn new(base: &str, point: OutputPoint) -> Self {
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
            there: false,
            present: None,
            available: None,
            power_on: Setting::new(power_on),
            serial: 0,
            acknowledged: 0,
            ordered: false,
        }
    }

    /// Nothing is wanted of it any more.
    pub(super) fn forget(&mut self) {
        (self.wanted, self.tell_until, self.awaited_until) = (None, None, None);
    }

    /// It is out of reach: what was wanted has failed, and what it said is old.
    pub(super) fn lose(&mut self, reason: &str) -> Option<DriverEvent> {
        self.reported = None;
        self.give_up(reason)
    }

    /// Why an order cannot be taken.
    pub(super) fn refuses(
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
    pub(super) fn may_wait(&self) -> bool {
        let speaks = match &self.point.form {
            OutputForm::Zigbee(_) => true,
            OutputForm::Mapped(mapped) => mapped.availability_topic.is_some(),
        };
        speaks && self.present.is_none() && self.reported.is_none()
    }

    pub(super) fn look(
        &mut self,
        link: Option<Link>,
        bridge: Option<bool>,
        now: Span,
    ) -> Vec<DriverEvent> {
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
    pub(super) fn tell(
        &mut self,
        index: usize,
        now: Span,
        until: Span,
    ) -> (Option<Message>, Option<DriverEvent>) {
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
        self.serial += 1;
        let message = Message {
            topic: self.command_topic.clone(),
            payload: self.command(level, within),
            at_once: self.wanted.is_some_and(|wanted| wanted.pulse),
            receipt: Some(Receipt {
                output: index,
                serial: self.serial,
            }),
        };
        // What it says counts until it is told otherwise.
        self.there = self.says(level) && (self.awaited_until.is_none() || self.there);
        self.fresh = self.there;
        self.awaited_until = Some(until);
        (Some(message), None)
    }

    /// Whether it says, and not of old, that it is there.
    fn says(&self, level: f64) -> bool {
        self.fresh && self.reported.is_some_and(|reported| same(reported, level))
    }

    fn command(&self, level: f64, within: Option<Span>) -> String {
        // A pulse is no shorter than was asked. Any other timer has some grace, but where it is cut
        // to a longest run, which binds.
        let pulse = self.wanted.is_some_and(|wanted| wanted.pulse);
        let whole = |seconds: f64| {
            if pulse {
                seconds.ceil()
            } else {
                (seconds + ON_ITS_WAY).floor()
            }
        };
        let seconds = within.map(|within| whole(within.as_seconds()).max(1.0) as u64);
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

    pub(super) fn question(&self) -> Option<Message> {
        let OutputForm::Zigbee(output) = &self.point.form else {
            return None;
        };
        Some(Message {
            topic: format!("{}/get", self.command_topic.strip_suffix("/set")?),
            payload: zigbee::question(output),
            at_once: false,
            receipt: None,
        })
    }

    /// Takes a level the output tells. While an order is awaited, other levels are on their way
    /// from an older one or to this one and say nothing; but who was there already has moved.
    pub(super) fn state(&mut self, level: f64, retained: bool) -> Option<DriverEvent> {
        if retained && (self.awaited_until.is_some() || self.fresh) {
            return None;
        }
        self.fresh = !retained;
        let before = self.reported.replace(level);
        let address = self.point.address.clone();
        let wanted = self.wanted.filter(|wanted| same(wanted.level, level));
        match (self.awaited_until, wanted) {
            (Some(_), Some(wanted)) => {
                self.awaited_until = None;
                let level = wanted.level;
                return Some(DriverEvent::Confirmed { address, level });
            }
            (Some(_), None) if !std::mem::take(&mut self.there) => return None,
            _ => {}
        }
        let told = before.is_some_and(|before| same(before, level));
        (!told).then_some(DriverEvent::State { address, level })
    }

    /// When it is overdue.
    pub(super) fn deadline(&self) -> Option<Span> {
        [self.tell_until, self.awaited_until]
            .into_iter()
            .flatten()
            .min()
    }

    pub(super) fn overdue(&mut self, within: Span, now: Span) -> Vec<DriverEvent> {
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
            None => self
                .agrees_silently()
                .map_or_else(|| self.unconfirmed(within), |confirmed| vec![confirmed]),
        }
    }

    /// Who speaks only when something changes says nothing where nothing does: the broker has
    /// taken the command, what it keeps of the output is just that level, and nobody has said
    /// otherwise for as long as an answer may take. Who answers each command is not believed so.
    fn agrees_silently(&mut self) -> Option<DriverEvent> {
        let OutputForm::Mapped(_) = self.point.form else {
            return None;
        };
        let level = self.wanted?.level;
        let taken = self.awaited_until.is_some() && self.acknowledged == self.serial;
        let kept = self.reported.is_some_and(|kept| same(kept, level));
        if !(taken && kept) {
            return None;
        }
        (self.awaited_until, self.fresh) = (None, true);
        let address = self.point.address.clone();
        Some(DriverEvent::Confirmed { address, level })
    }

    /// What the broker makes of a command: its word counts where the output itself says nothing,
    /// or is there already and has no reason to say so again.
    pub(super) fn taken(&mut self, serial: u64, answer: Result<(), String>) -> Option<DriverEvent> {
        let newest = self.serial == serial && self.tell_until.is_none();
        if answer.is_ok() {
            self.acknowledged = self.acknowledged.max(serial);
        }
        let level = self.wanted?.level;
        let counts = !self.answers() || self.says(level);
        if !counts || !newest || self.awaited_until.is_none() {
            return None;
        }
        if let Err(why) = answer {
            return self.give_up(&why);
        }
        self.awaited_until = None;
        let address = self.point.address.clone();
        Some(DriverEvent::Confirmed { address, level })
    }

    fn unconfirmed(&mut self, within: Span) -> Vec<DriverEvent> {
        let said = self.reported.filter(|_| self.fresh);
        let message = match said {
            Some(level) => format!(
                "not confirmed within {within}; it says {:.0} %",
                level * 100.0
            ),
            None if !self.answers() => format!("the broker did not take it within {within}"),
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

    pub(super) fn learn(&mut self, devices: &[ZigbeeDevice]) -> Vec<String> {
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
    pub(super) fn settings(&mut self) -> Option<Message> {
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
            receipt: None,
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
