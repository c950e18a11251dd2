//! `gpio:PIN`: relays and contacts on the pins of a Raspberry Pi, by their BCM numbers.
//!
//! A pin is driven at once and keeps its level whatever becomes of this process: what makes it
//! safe then is the guardian. The timer that other devices have of their own is here: an order
//! with an end goes off by itself, in machine time.

mod inputs;
mod pins;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use growbox_model::{Objection, Span, Text};

use crate::address::{Address, parse_output};
use crate::driver::{Driver, DriverEvent, Order, Sink};
use crate::machine;

use inputs::{Inputs, LOOK};
use pins::{Pins, Raspberry};

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
}

impl Gpio {
    /// Opens the pins of this machine.
    ///
    /// # Errors
    ///
    /// `no_pins` where it has none, or they may not be driven.
    pub(crate) fn open(
        outputs: &BTreeSet<Text>,
        sensors: &BTreeSet<Text>,
        sink: &Sink,
    ) -> Result<Self, Objection> {
        let pins = Raspberry::open().map_err(|why| Objection::new("no_pins", why))?;
        let mut driver = Self::over(Box::new(pins), outputs, sink)?;
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
        let done = self.shared.state().obey(&order);
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
        let taken = state.pins.take(pin, active_low);
        let high = taken.map_err(|why| Objection::new("no_pin", format!("{address}: {why}")))?;
        let level = if high == active_low { 0.0 } else { 1.0 };
        let relay = Relay {
            address: address.clone(),
            active_low,
            ends: None,
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
    fn obey(&mut self, order: &Order) -> Result<(), String> {
        let (_, pin, _) = relay(&order.address).map_err(|objection| objection.message)?;
        let Some(relay) = self.relays.get_mut(&pin) else {
            return Err(format!("{} is not served", order.address));
        };
        let on = order.level > 0.0;
        let wanted = on != relay.active_low;
        let within = order.within.filter(|_| on);
        relay.ends = within.map(|within| Span(machine::now().0.saturating_add(within.0)));
        let found = self.pins.write(pin, wanted)?;
        if found == wanted {
            return Ok(());
        }
        Err(format!(
            "pin {pin} does not follow: something else holds it {}",
            if found { "high" } else { "low" }
        ))
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

    /// Switches off whose time is over; one that cannot be is tried again with the next order.
    fn run_out(&mut self, now: Span) -> Vec<DriverEvent> {
        let over = |relay: &Relay| relay.ends.is_some_and(|end| end <= now);
        let mut gone_off = Vec::new();
        for (pin, relay) in self.relays.iter_mut().filter(|(_, relay)| over(relay)) {
            relay.ends = None;
            if self.pins.write(*pin, relay.active_low) == Ok(relay.active_low) {
                gone_off.push(DriverEvent::State {
                    address: relay.address.clone(),
                    level: 0.0,
                });
            }
        }
        gone_off
    }
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
    use super::*;
    use crate::driver::sink_into;
    use crossbeam_channel::{Receiver, bounded, unbounded};
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::time::Duration;

    /// Pins that remember; some are driven already, some are held by something else.
    #[derive(Clone, Default)]
    struct Bread(Arc<Mutex<BTreeMap<u8, bool>>>);

    /// This pin is soldered to the supply.
    const STUCK: u8 = 27;

    impl Bread {
        fn high(&self, pin: u8) -> bool {
            self.0.lock().unwrap()[&pin]
        }
    }

    impl Pins for Bread {
        fn take(&mut self, pin: u8, resting: bool) -> Result<bool, String> {
            Ok(*self.0.lock().unwrap().entry(pin).or_insert(resting))
        }

        fn write(&mut self, pin: u8, high: bool) -> Result<bool, String> {
            let high = high || pin == STUCK;
            self.0.lock().unwrap().insert(pin, high);
            Ok(high)
        }

        fn leave(&mut self, _pin: u8) {}

        fn listen(&mut self, pin: u8) -> Result<(), String> {
            self.0.lock().unwrap().entry(pin).or_insert(true);
            Ok(())
        }

        fn look(&mut self, pin: u8) -> Result<bool, String> {
            Ok(self.high(pin))
        }

        fn ignore(&mut self, _pin: u8) {}
    }

    fn open(outputs: &[&str]) -> (Gpio, Bread, Receiver<DriverEvent>) {
        let bread = Bread::default();
        bread.0.lock().unwrap().insert(6, true);
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
    fn a_pin_begins_off_by_its_polarity_or_stays_where_it_is() {
        let (_driver, bread, heard) = open(&["5#low", "17", "6"]);
        assert_eq!((bread.high(5), bread.high(17)), (true, false));
        let heard: Vec<_> = heard.try_iter().collect();
        for told in [
            state("gpio:5#low", 0.0),
            state("gpio:17", 0.0),
            state("gpio:6", 1.0),
        ] {
            assert!(heard.contains(&told), "{told:?} in {heard:?}");
        }
    }

    #[test]
    fn on_is_low_where_the_relay_wants_it_so() {
        let (mut driver, bread, _heard) = open(&["5#low", "17"]);
        for (address, on, off) in [("gpio:5#low", false, true), ("gpio:17", true, false)] {
            let pin = if address == "gpio:17" { 17 } else { 5 };
            driver.send(order(address, 1.0, None));
            assert_eq!(bread.high(pin), on);
            driver.send(order(address, 0.0, None));
            assert_eq!(bread.high(pin), off);
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
        assert!(bread.high(5) && bread.high(17));
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
        bread.0.lock().unwrap().insert(23, false);
        told("gpio:23#low", 1.0);
        bread.0.lock().unwrap().insert(22, false);
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
            pins.0.lock().unwrap().insert(22, high);
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
