//! `gpio:PIN`: relays and contacts on the pins of a Raspberry Pi, by their BCM numbers.
//!
//! A pin is left as it is found until its first order: what is only observed is not touched, nor
//! driven by a polarity that somebody forgot. Then it is driven at once, and keeps its level
//! whatever becomes of this process: what makes it safe then is the guardian. The timer that other
//! devices have of their own is here: an order with an end goes off by itself, in machine time,
//! and one that did not go off is tried again until it does.

#[cfg(test)]
pub(crate) mod bread;
mod inputs;
mod pins;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use growbox_model::{Objection, Span, Text};

use crate::address::{Address, parse_output};
use crate::driver::{Driver, DriverEvent, Order, Sink};
use crate::machine;

use inputs::{Inputs, LOOK};
pub(crate) use pins::raspberry;
pub use pins::{OpenPins, Pins};

/// What did not go off is tried again after this.
const AGAIN: Span = Span::seconds(1);

/// Every relay on a pin of this machine.
pub struct Gpio {
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    /// An end has come closer, or the driver ends.
    changed: Condvar,
    sink: Sink,
}

struct State {
    pins: Box<dyn Pins>,
    relays: BTreeMap<u8, Relay>,
    inputs: Inputs,
    over: bool,
}

/// One relay.
#[derive(Debug)]
struct Relay {
    address: Text,
    active_low: bool,
    /// When it goes off by itself, machine time.
    ends: Option<Span>,
    /// It did not go off, and that is known.
    sticks: bool,
}

impl Gpio {
    /// Opens the pins of this machine.
    ///
    /// # Errors
    ///
    /// `no_pins` where it has none, or they may not be driven.
    pub(crate) fn open(
        pins: &OpenPins,
        outputs: &BTreeSet<Text>,
        sensors: &BTreeSet<Text>,
        sink: &Sink,
    ) -> Result<Self, Objection> {
        let pins = pins().map_err(|why| Objection::new("no_pins", why))?;
        let mut driver = Self::over(pins, outputs, sink)?;
        driver.listen(sensors);
        Ok(driver)
    }

    fn over(pins: Box<dyn Pins>, outputs: &BTreeSet<Text>, sink: &Sink) -> Result<Self, Objection> {
        let state = State {
            pins,
            relays: BTreeMap::new(),
            inputs: Inputs::default(),
            over: false,
        };
        let shared = Arc::new(Shared {
            state: Mutex::new(state),
            changed: Condvar::new(),
            sink: sink.clone(),
        });
        let timed = shared.clone();
        std::thread::Builder::new()
            .name("gpio".into())
            .spawn(move || timed.end_in_time())
            .map_err(|error| Objection::new("no_thread", error.to_string()))?;
        let mut driver = Self { shared };
        sink(DriverEvent::Attached {
            address: "gpio:".into(),
            simulated: false,
        });
        for point in outputs {
            for known in driver.attach(point)? {
                sink(known);
            }
        }
        Ok(driver)
    }
}

impl Drop for Gpio {
    fn drop(&mut self) {
        self.shared.state().over = true;
        self.shared.changed.notify_all();
    }
}

impl Driver for Gpio {
    fn send(&mut self, order: Order) -> Vec<DriverEvent> {
        let done = self.shared.state().obey(&order, machine::now());
        self.shared.changed.notify_all();
        vec![match done {
            Ok(()) => DriverEvent::Confirmed {
                address: order.address,
                level: order.level,
            },
            Err(message) => DriverEvent::Failed {
                address: order.address,
                level: order.level,
                message,
            },
        }]
    }

    fn attach(&mut self, point: &str) -> Result<Vec<DriverEvent>, Objection> {
        let (address, pin, active_low) = relay(&format!("gpio:{point}"))?;
        let mut state = self.shared.state();
        if let Some(other) = state.relays.get(&pin) {
            let message = format!("pin {pin} is that of {} already", other.address);
            return Err(Objection::new("pin_taken", message));
        }
        let taken = state.pins.take(pin);
        let high = taken.map_err(|why| Objection::new("no_pin", format!("{address}: {why}")))?;
        let level = if high == active_low { 0.0 } else { 1.0 };
        let relay = Relay {
            address: address.clone(),
            active_low,
            ends: None,
            sticks: false,
        };
        state.relays.insert(pin, relay);
        let available = DriverEvent::Available {
            address: address.clone(),
            available: true,
        };
        Ok(vec![available, DriverEvent::State { address, level }])
    }

    fn detach(&mut self, point: &str) {
        if let Ok((_, pin, _)) = relay(&format!("gpio:{point}")) {
            let mut state = self.shared.state();
            state.relays.remove(&pin);
            state.pins.leave(pin);
        }
    }

    fn listen(&mut self, points: &BTreeSet<Text>) {
        for why in self.shared.state().listen(points) {
            tracing::error!("not listened to: {why}");
        }
        self.shared.changed.notify_all();
    }

    fn simulated(&self) -> Option<bool> {
        Some(false)
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets relays go off at their ends, until the driver ends.
    fn end_in_time(&self) {
        let mut state = self.state();
        while !state.over {
            let now = machine::now();
            let mut news = state.run_out(now);
            news.extend(state.look(now));
            if !news.is_empty() {
                // The sink may wait for whoever waits in `send`.
                drop(state);
                for event in news {
                    (self.sink)(event);
                }
                state = self.state();
                if state.over {
                    return;
                }
            }
            state = match state.next_look(now) {
                Some(next) => {
                    let wait = machine::until(next, machine::now()).duration();
                    let waited = self.changed.wait_timeout(state, wait);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
                None => {
                    let waited = self.changed.wait(state);
                    waited.unwrap_or_else(PoisonError::into_inner)
                }
            };
        }
    }
}

impl State {
    fn obey(&mut self, order: &Order, now: Span) -> Result<(), String> {
        let (_, pin, _) = relay(&order.address).map_err(|objection| objection.message)?;
        let Some(relay) = self.relays.get_mut(&pin) else {
            return Err(format!("{} is not served", order.address));
        };
        let on = order.level > 0.0;
        let done = drive(&mut *self.pins, pin, on != relay.active_low);
        relay.sticks = !on && done.is_err();
        let pause = relay.sticks.then_some(AGAIN);
        let end = order.within.filter(|_| on).or(pause);
        relay.ends = end.map(|end| Span(now.0.saturating_add(end.0)));
        done
    }

    /// Listens to these contacts; what cannot be listened to, and why.
    fn listen(&mut self, points: &BTreeSet<Text>) -> Vec<String> {
        let is_relay = |pin: u8| self.relays.contains_key(&pin);
        self.inputs.exchange(points, &mut *self.pins, is_relay)
    }

    fn look(&mut self, now: Span) -> Vec<DriverEvent> {
        self.inputs.look(&mut *self.pins, now)
    }

    /// When a relay ends, or contacts are to be looked at again.
    fn next_look(&self, now: Span) -> Option<Span> {
        let ends = self.relays.values().filter_map(|relay| relay.ends).min();
        let look = (!self.inputs.is_empty()).then(|| Span(now.0.saturating_add(LOOK.0)));
        [ends, look].into_iter().flatten().min()
    }

    /// Switches off whose time is over. One that does not go off is told of once, and tried again
    /// until it does.
    fn run_out(&mut self, now: Span) -> Vec<DriverEvent> {
        let over = |relay: &Relay| relay.ends.is_some_and(|end| end <= now);
        let mut news = Vec::new();
        for (pin, relay) in self.relays.iter_mut().filter(|(_, relay)| over(relay)) {
            let done = drive(&mut *self.pins, *pin, relay.active_low);
            let known = std::mem::replace(&mut relay.sticks, done.is_err());
            let again = || Span(now.0.saturating_add(AGAIN.0));
            relay.ends = done.is_err().then(again);
            let address = relay.address.clone();
            match done {
                Ok(()) => news.push(DriverEvent::State {
                    address,
                    level: 0.0,
                }),
                Err(why) if !known => news.push(DriverEvent::Failed {
                    address,
                    level: 0.0,
                    message: format!("its time is over, and it does not go off: {why}"),
                }),
                Err(_) => {}
            }
        }
        news
    }
}

/// Brings a pin where it is wanted; or why it is not there.
fn drive(pins: &mut dyn Pins, pin: u8, wanted: bool) -> Result<(), String> {
    let found = pins.write(pin, wanted)?;
    if found == wanted {
        return Ok(());
    }
    Err(format!(
        "pin {pin} does not follow: something else holds it {}",
        if found { "high" } else { "low" }
    ))
}

/// The relay of an address: its pin, and whether on is low.
fn relay(address: &str) -> Result<(Text, u8, bool), Objection> {
    match parse_output(address)? {
        Address::Pin { pin, active_low } => Ok((address.into(), pin, active_low)),
        other => Err(Objection::new("bad_address", format!("{other} is no pin"))),
    }
}

#[cfg(test)]
mod tests {
    use super::bread::Bread;
    use super::*;
    use crate::driver::sink_into;
    use crossbeam_channel::{Receiver, bounded, unbounded};
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::time::Duration;

    /// This pin is soldered to the supply.
    const STUCK: u8 = 27;

    fn open(outputs: &[&str]) -> (Gpio, Bread, Receiver<DriverEvent>) {
        let bread = Bread::default();
        bread.hold_high(STUCK, true);
        // As a relay board does whose relays are on when they are pulled low.
        bread.pull(5, true);
        bread.pull(6, true);
        let (sender, heard) = unbounded();
        let points = outputs.iter().map(|point| Text::from(*point)).collect();
        let driver = Gpio::over(Box::new(bread.clone()), &points, &sink_into(sender));
        (driver.unwrap(), bread, heard)
    }

    fn order(address: &str, level: f64, within: Option<Span>) -> Order {
        Order {
            address: address.into(),
            level,
            within,
            pulse: false,
        }
    }

    fn state(address: &str, level: f64) -> DriverEvent {
        DriverEvent::State {
            address: address.into(),
            level,
        }
    }

    #[test]
    fn a_pin_is_left_as_it_is_until_its_first_order() {
        let (mut driver, bread, heard) = open(&["5#low", "17", "6"]);
        let heard: Vec<_> = heard.try_iter().collect();
        for told in [
            state("gpio:5#low", 0.0),
            state("gpio:17", 0.0),
            state("gpio:6", 1.0),
        ] {
            assert!(heard.contains(&told), "{told:?} in {heard:?}");
        }
        let driven = || [5, 17, 6].map(|pin| bread.is_driven(pin));
        assert_eq!(driven(), [false, false, false]);
        driver.send(order("gpio:5#low", 0.0, None));
        assert_eq!(driven(), [true, false, false]);
        assert!(bread.is_high(5));
    }

    #[test]
    fn one_that_does_not_go_off_is_told_of_and_tried_again_until_it_does() {
        let (driver, bread, _heard) = open(&["27"]);
        let mut pins = driver.shared.state();
        let at = Span::seconds;
        let obeyed = pins.obey(&order("gpio:27", 1.0, Some(at(1))), at(0));
        assert_eq!((obeyed, pins.run_out(at(0))), (Ok(()), vec![]));
        let told = pins.run_out(at(1));
        assert!(
            matches!(&told[..], [DriverEvent::Failed { level: 0.0, message, .. }]
                if message.contains("something else holds it high")),
            "{told:?}"
        );
        assert_eq!(pins.next_look(at(1)), Some(at(2)));
        assert_eq!(pins.run_out(at(2)), []);
        // Nor does an order lose it.
        assert!(pins.obey(&order("gpio:27", 0.0, None), at(2)).is_err());
        assert_eq!(pins.run_out(at(3)), []);
        bread.hold_high(STUCK, false);
        assert_eq!(pins.run_out(at(4)), [state("gpio:27", 0.0)]);
        assert_eq!((bread.is_high(27), pins.next_look(at(4))), (false, None));
    }

    #[test]
    fn on_is_low_where_the_relay_wants_it_so() {
        let (mut driver, bread, _heard) = open(&["5#low", "17"]);
        for (address, on, off) in [("gpio:5#low", false, true), ("gpio:17", true, false)] {
            let pin = if address == "gpio:17" { 17 } else { 5 };
            driver.send(order(address, 1.0, None));
            assert_eq!(bread.is_high(pin), on);
            driver.send(order(address, 0.0, None));
            assert_eq!(bread.is_high(pin), off);
        }
    }

    #[test]
    fn what_nobody_renews_goes_off_by_itself_and_a_renewal_keeps_it() {
        let (mut driver, bread, heard) = open(&["5#low", "17"]);
        let _ = heard.try_iter().count();
        driver.send(order("gpio:5#low", 1.0, Some(Span::millis(20))));
        driver.send(order("gpio:17", 1.0, Some(Span::millis(20))));
        driver.send(order("gpio:17", 1.0, Some(Span::hours(1))));
        let told = heard.recv_timeout(Duration::from_secs(60)).unwrap();
        assert_eq!(told, state("gpio:5#low", 0.0));
        assert!(bread.is_high(5) && bread.is_high(17));
    }

    #[test]
    fn an_order_is_taken_while_nobody_hears_what_is_told() {
        let (told, telling) = unbounded();
        let (gate, shut) = bounded::<()>(0);
        let opened = Arc::new(AtomicBool::new(false));
        let waits = opened.clone();
        let sink: Sink = Arc::new(move |event| {
            let _ = told.send(event);
            if waits.load(Ordering::Acquire) {
                // Until the test lets it go.
                let _ = shut.recv();
            }
        });
        let points = ["5".into()].into();
        let mut driver = Gpio::over(Box::new(Bread::default()), &points, &sink).unwrap();
        opened.store(true, Ordering::Release);
        driver.send(order("gpio:5", 1.0, Some(Span::millis(1))));
        let gone_off = |event: &DriverEvent| *event == state("gpio:5", 0.0);
        let deadline = std::time::Instant::now() + Duration::from_secs(60);
        // Once as it was found, once as its timer left it: who tells that now waits.
        for _ in 0..2 {
            while !gone_off(&telling.recv_deadline(deadline).unwrap()) {}
        }
        let (done, is_done) = bounded(1);
        std::thread::spawn(move || done.send(driver.send(order("gpio:5", 1.0, None))));
        let known = is_done.recv_timeout(Duration::from_secs(60));
        drop(gate);
        assert!(matches!(
            known.as_deref(),
            Ok([DriverEvent::Confirmed { .. }])
        ));
    }

    #[test]
    fn a_pin_that_does_not_follow_is_found() {
        let (mut driver, _, _) = open(&["27"]);
        let told = driver.send(order("gpio:27", 0.0, None));
        let [DriverEvent::Failed { message, .. }] = &told[..] else {
            panic!("{told:?}")
        };
        assert!(
            message.contains("something else holds it high"),
            "{message}"
        );
    }

    #[test]
    fn one_pin_is_one_relay() {
        let (mut driver, _, _) = open(&["5#low"]);
        assert_eq!(driver.attach("5").unwrap_err().code, "pin_taken");
        driver.detach("5#low");
        assert!(driver.attach("5").is_ok());
    }

    #[test]
    fn a_contact_is_told_when_it_changes_and_by_its_polarity() {
        let (mut driver, bread, heard) = open(&["17"]);
        let points = ["22", "23#low", "17"].map(Text::from);
        driver.listen(&points.into());
        let told = |address: &str, value: f64| {
            let wanted = |event: &DriverEvent| matches!(event, DriverEvent::Reading { address: a, value: v, .. } if **a == *address && *v == value);
            let deadline = std::time::Instant::now() + Duration::from_secs(60);
            while !wanted(&heard.recv_deadline(deadline).unwrap()) {}
        };
        told("gpio:22", 1.0);
        bread.pull(23, false);
        told("gpio:23#low", 1.0);
        bread.pull(22, false);
        told("gpio:22", 0.0);
        driver.listen(&BTreeSet::new());
        assert!(driver.shared.state().inputs.is_empty());
    }

    #[test]
    fn what_bounces_or_stays_is_not_told() {
        let mut pins = Bread::default();
        let mut inputs = Inputs::default();
        let relay = |pin: u8| pin == 5;
        let points = ["22", "5"].map(Text::from).into();
        let wrong = inputs.exchange(&points, &mut pins, relay);
        assert_eq!(wrong, ["gpio:5: pin 5 is that of a relay"]);
        let mut seen = Vec::new();
        for (milliseconds, high) in [(0, true), (20, false), (40, true), (60, true), (80, true)] {
            pins.pull(22, high);
            let news = inputs.look(&mut pins, Span::millis(milliseconds));
            seen.push(news.len());
        }
        assert_eq!(seen, [0, 0, 0, 1, 0]);
        assert_eq!(
            inputs.look(&mut pins, Span::seconds(11)).len(),
            1,
            "it still is"
        );
    }
}
