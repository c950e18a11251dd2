//! All drivers of a room: opened from the addresses it names, each order led to its own.

use std::collections::{BTreeMap, BTreeSet};

use growbox_model::{Instant, Objection, Span, Text};

use crate::address::{Address, parse_output, parse_source};
use crate::driver::{Driver, DriverEvent, Order, Sink};
use crate::gpio::{Gpio, OpenPins, raspberry};
use crate::null::Null;
use crate::sim::Simulated;
use crate::tent::Tent;
use crate::unix::{Patience, UnixRoom};

/// What drivers may be told beside their addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// The simulated tent's noise.
    pub seed: u64,
    /// How often the simulated tent's sensors speak, in room time.
    pub interval: Span,
    /// How patient the drivers of rooms in other processes are.
    pub patience: Patience,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            seed: 1,
            interval: Span::seconds(10),
            patience: Patience::default(),
        }
    }
}

/// Every driver the room's addresses need, by the prefix of the addresses it serves.
pub struct Drivers {
    seats: BTreeMap<Text, Seat>,
    options: Options,
    pins: OpenPins,
    sink: Sink,
}

/// One driver, and what it serves.
struct Seat {
    driver: Box<dyn Driver>,
    served: Served,
}

/// What each driver is to serve, by the prefix of its addresses.
#[derive(Debug, Default)]
struct Points(BTreeMap<Text, Served>);

/// The prefix of the tent's addresses.
const SIMULATED: &str = "sim:";
/// The prefix of the machine's own pins.
const PINS: &str = "gpio:";
/// The prefix of addresses behind which there is nothing.
const NULL: &str = "null:";
/// Stands for the prefixes of all addresses behind the broker, whose points are whole addresses.
const BROKER: &str = "mqtt";

/// Outputs and sensors that one driver serves.
#[derive(Debug, Default)]
struct Served {
    outputs: BTreeSet<Text>,
    sensors: BTreeSet<Text>,
}

impl Drivers {
    /// Opens a driver for every kind, and for every socket, among the addresses. Outputs in this
    /// process are reported available before this returns. What is behind a broker is left out:
    /// who knows the broker lets it [`Drivers::join`].
    ///
    /// # Errors
    ///
    /// Everything that is wrong with the addresses, not only the first; then nothing is opened.
    pub fn open<'a>(
        outputs: impl IntoIterator<Item = &'a str>,
        sources: impl IntoIterator<Item = &'a str>,
        options: Options,
        sink: &Sink,
    ) -> Result<Self, Vec<Objection>> {
        let points = Points::read(outputs, sources)?;
        let mut drivers = Self {
            seats: BTreeMap::new(),
            options,
            pins: raspberry(),
            sink: sink.clone(),
        };
        for (prefix, served) in points.0 {
            drivers
                .seat(prefix, served)
                .map_err(|objection| vec![objection])?;
        }
        Ok(drivers)
    }

    /// Opens this machine's pins in this way from now on: whoever has none puts others in their
    /// place. Pins that are open already stay.
    #[must_use]
    pub fn with_pins(mut self, pins: OpenPins) -> Self {
        self.pins = pins;
        self
    }

    /// Takes in the driver of everything behind the broker, for these outputs.
    pub fn join(&mut self, driver: Box<dyn Driver>, outputs: BTreeSet<Text>) {
        let served = Served {
            outputs,
            sensors: BTreeSet::new(),
        };
        self.seats.insert(BROKER.into(), Seat { driver, served });
    }

    /// Serves one more output while everything else goes on. Returns what is known of it at once.
    ///
    /// # Errors
    ///
    /// What is wrong with the address; then nothing has changed.
    pub fn attach(&mut self, output: &str) -> Result<Vec<DriverEvent>, Objection> {
        let (prefix, point) = split(parse_output(output)?);
        if !self.seats.contains_key(&prefix) {
            self.seat(prefix.clone(), Served::default())?;
        }
        let Some(seat) = self.seats.get_mut(&prefix) else {
            let message =
                format!("{output} is reached after a restart: no broker is connected yet");
            return Err(Objection::new("needs_restart", message));
        };
        let known = seat.driver.attach(&point)?;
        seat.served.outputs.insert(point);
        Ok(known)
    }

    /// Serves an output no longer; it stays where it is. A driver that serves nothing ends,
    /// but for the broker's.
    pub fn detach(&mut self, output: &str) {
        let Ok(address) = parse_output(output) else {
            return;
        };
        let (prefix, point) = split(address);
        if let Some(seat) = self.seats.get_mut(&prefix) {
            seat.driver.detach(&point);
            seat.served.outputs.remove(&point);
        }
        self.close_idle();
    }

    /// Hears these sensors from now on, and no others.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with the addresses; then nothing has changed.
    pub fn listen<'a>(
        &mut self,
        sources: impl IntoIterator<Item = &'a str>,
    ) -> Result<(), Vec<Objection>> {
        let mut wanted = Points::read([], sources)?;
        for (prefix, seat) in &mut self.seats {
            let sensors = wanted.0.remove(prefix).unwrap_or_default().sensors;
            if seat.served.sensors != sensors {
                seat.driver.listen(&sensors);
                seat.served.sensors = sensors;
            }
        }
        for (prefix, served) in wanted.0 {
            self.seat(prefix, served)
                .map_err(|objection| vec![objection])?;
        }
        self.close_idle();
        Ok(())
    }

    /// Opens the driver of a prefix with all it serves, so that nothing it says first is missed.
    fn seat(&mut self, prefix: Text, served: Served) -> Result<(), Objection> {
        let outputs = || served.outputs.iter().map(|point| &**point);
        let driver: Box<dyn Driver> = match &*prefix {
            SIMULATED => {
                let sensors = served.sensors.iter().map(|point| &**point);
                let (tent, interval) = (Tent::new(self.options.seed), self.options.interval);
                Box::new(Simulated::new(tent, interval, outputs(), sensors)?)
            }
            NULL => Box::new(Null),
            PINS => {
                let (outputs, sensors) = (&served.outputs, &served.sensors);
                Box::new(Gpio::open(&self.pins, outputs, sensors, &self.sink)?)
            }
            BROKER => return Ok(()),
            socket => Box::new(self.unix(socket, &served)?),
        };
        if matches!(&*prefix, SIMULATED | NULL) {
            for point in outputs() {
                (self.sink)(DriverEvent::Available {
                    address: format!("{prefix}{point}").into(),
                    available: true,
                });
            }
        }
        self.seats.insert(prefix, Seat { driver, served });
        Ok(())
    }

    fn unix(&self, prefix: &str, served: &Served) -> Result<UnixRoom, Objection> {
        let path = prefix
            .strip_prefix("unix:")
            .and_then(|path| path.strip_suffix('#'));
        let path = path.unwrap_or(prefix);
        let outputs: Vec<Text> = served.outputs.iter().cloned().collect();
        let sensors: Vec<Text> = served.sensors.iter().cloned().collect();
        let (patience, sink) = (self.options.patience, self.sink.clone());
        UnixRoom::open(path, &outputs, &sensors, patience, sink)
    }

    /// What is behind the broker stays: its session hears sensors that are not counted here.
    fn close_idle(&mut self) {
        self.seats
            .retain(|prefix, seat| &**prefix == BROKER || !seat.served.is_empty());
    }

    /// Leads an order to its driver. Returns what is known at once.
    pub fn send(&mut self, order: Order) -> Vec<DriverEvent> {
        let seat = parse_output(&order.address).ok().map(split);
        let seat = seat
            .and_then(|(prefix, point)| Some((self.seats.get_mut(&prefix)?, point)))
            .filter(|(seat, point)| seat.served.outputs.contains(point));
        let Some((seat, _)) = seat else {
            let message = format!("no driver serves {}", order.address);
            return vec![DriverEvent::Failed {
                address: order.address,
                level: order.level,
                message,
            }];
        };
        seat.driver.send(order)
    }

    /// Whether nothing real hangs on any: not, as soon as it does on one; not known, as long as
    /// one has not said.
    pub fn simulated(&self) -> Option<bool> {
        let said: Vec<Option<bool>> = self
            .seats
            .values()
            .map(|seat| seat.driver.simulated())
            .collect();
        if said.contains(&Some(false)) {
            return Some(false);
        }
        said.iter().all(Option::is_some).then_some(true)
    }

    /// Tells the room clock's time to drivers that live by it. Returns what happened up to then.
    pub fn advance(&mut self, to: Instant) -> Vec<DriverEvent> {
        self.seats
            .values_mut()
            .flat_map(|seat| seat.driver.advance(to))
            .collect()
    }

    /// When [`Drivers::advance`] has something to say next.
    pub fn next_due(&self) -> Option<Instant> {
        self.seats
            .values()
            .filter_map(|seat| seat.driver.next_due())
            .min()
    }
}

impl Points {
    fn read<'a>(
        outputs: impl IntoIterator<Item = &'a str>,
        sources: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self, Vec<Objection>> {
        let (outputs, mut objections) = sorted(outputs, parse_output);
        let (sensors, more) = sorted(sources, parse_source);
        objections.extend(more);
        if !objections.is_empty() {
            return Err(objections);
        }
        let mut points = Self::default();
        for (prefix, point) in outputs.into_iter().map(split) {
            points.0.entry(prefix).or_default().outputs.insert(point);
        }
        for (prefix, point) in sensors.into_iter().map(split) {
            points.0.entry(prefix).or_default().sensors.insert(point);
        }
        Ok(points)
    }
}

/// What can be read of `texts`, and what is wrong with the rest.
fn sorted<'a>(
    texts: impl IntoIterator<Item = &'a str>,
    parse: fn(&str) -> Result<Address, Objection>,
) -> (Vec<Address>, Vec<Objection>) {
    let (mut addresses, mut objections) = (Vec::new(), Vec::new());
    for text in texts {
        match parse(text) {
            Ok(address) => addresses.push(address),
            Err(objection) => objections.push(objection),
        }
    }
    (addresses, objections)
}

impl Served {
    fn is_empty(&self) -> bool {
        self.outputs.is_empty() && self.sensors.is_empty()
    }
}

/// An address as its driver's prefix and the point behind it.
fn split(address: Address) -> (Text, Text) {
    match address {
        Address::Zigbee { .. } | Address::Mqtt { .. } => {
            (BROKER.into(), address.to_string().into())
        }
        Address::Simulated { name } => (SIMULATED.into(), name),
        Address::Null { name } => (NULL.into(), name),
        pin @ Address::Pin { .. } => {
            let point = pin.to_string();
            let point = point.strip_prefix(PINS).unwrap_or(&point);
            (PINS.into(), point.into())
        }
        Address::Unix { path, point } => (format!("unix:{path}#").into(), point),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::driver::sink_into;
    use crate::gpio::bread::Bread;
    use crossbeam_channel::unbounded;

    fn open(
        outputs: &[&str],
        sources: &[&str],
    ) -> Result<(Drivers, Vec<DriverEvent>), Vec<Objection>> {
        let (sender, heard) = unbounded();
        let (outputs, sources) = (outputs.iter().copied(), sources.iter().copied());
        let drivers = Drivers::open(outputs, sources, Options::default(), &sink_into(sender))?;
        Ok((drivers, heard.try_iter().collect()))
    }

    fn order(address: &str) -> Order {
        Order {
            address: address.into(),
            level: 1.0,
            within: None,
            pulse: false,
        }
    }

    #[test]
    fn orders_find_their_driver() {
        let (mut drivers, heard) = open(&["sim:heater", "null:pump"], &["sim:canopy"]).unwrap();
        assert_eq!(heard.len(), 2);
        assert_eq!(drivers.simulated(), Some(true));
        for address in ["sim:heater", "null:pump"] {
            let confirmed = DriverEvent::Confirmed {
                address: address.into(),
                level: 1.0,
            };
            assert_eq!(drivers.send(order(address)), [confirmed]);
        }
        for address in ["sim:light", "null:lamp", "gpio:5"] {
            assert!(matches!(
                &drivers.send(order(address))[..],
                [DriverEvent::Failed { .. }]
            ));
        }
    }

    #[test]
    fn time_reaches_the_tent_and_only_where_there_is_one() {
        let (mut drivers, _) = open(&[], &["sim:room"]).unwrap();
        assert_eq!(drivers.advance(Instant(0)).len(), 2);
        assert_eq!(drivers.next_due(), Some(Instant(0).plus(Span::seconds(10))));
        let (mut drivers, _) = open(&["null:pump"], &[]).unwrap();
        assert_eq!(drivers.advance(Instant(0)), []);
        assert_eq!(drivers.next_due(), None);
    }

    #[test]
    fn outputs_and_sensors_come_and_go_while_the_rest_goes_on() {
        let (mut drivers, _) = open(&["sim:heater"], &["sim:canopy"]).unwrap();
        drivers.advance(Instant(0));
        let available = |address: &str| DriverEvent::Available {
            address: address.into(),
            available: true,
        };
        assert_eq!(
            drivers.attach("sim:light").unwrap(),
            [available("sim:light")]
        );
        assert_eq!(
            drivers.attach("null:pump").unwrap(),
            [available("null:pump")]
        );
        assert!(drivers.attach("sim:lamp").is_err());
        for address in ["sim:light", "null:pump"] {
            let told = drivers.send(order(address));
            assert!(
                matches!(&told[..], [DriverEvent::Confirmed { .. }]),
                "{told:?}"
            );
        }
        drivers.detach("null:pump");
        drivers.detach("sim:heater");
        for address in ["sim:heater", "null:pump"] {
            let told = drivers.send(order(address));
            assert!(
                matches!(&told[..], [DriverEvent::Failed { .. }]),
                "{told:?}"
            );
        }
        drivers.listen(["sim:room"]).unwrap();
        let heard = drivers.advance(Instant(0).plus(Span::seconds(10)));
        let of_room = |event: &DriverEvent| matches!(event, DriverEvent::Reading { address, .. } if &**address == "sim:room");
        assert!(!heard.is_empty() && heard.iter().all(of_room), "{heard:?}");
        assert!(drivers.listen(["sim:roof"]).is_err());
        drivers.detach("sim:light");
        drivers.listen([]).unwrap();
        assert_eq!(drivers.next_due(), None, "a tent nobody asks for has ended");
    }

    #[test]
    fn hands_drive_pins_safe_by_their_polarity_and_touch_none_before() {
        let bread = Bread::default();
        // As a host left them that is gone: the heater, on when low, and the pump are on.
        for (pin, high) in [(5, false), (17, true), (22, true)] {
            bread.pull(pin, high);
        }
        let (drivers, _) = open(&[], &[]).unwrap();
        let mut hands = drivers.with_pins(bread.opener());
        for address in ["gpio:5#low", "gpio:17", "gpio:22"] {
            let known = hands.attach(address).unwrap();
            let on = |event: &DriverEvent| matches!(event, DriverEvent::State { level: 1.0, .. });
            assert!(known.iter().any(on), "{known:?}");
        }
        assert!(!bread.is_high(5) && bread.is_high(17));
        for address in ["gpio:5#low", "gpio:17"] {
            let safe = Order {
                level: 0.0,
                ..order(address)
            };
            let told = hands.send(safe);
            assert!(
                matches!(&told[..], [DriverEvent::Confirmed { level: 0.0, .. }]),
                "{told:?}"
            );
        }
        assert!(bread.is_high(5) && !bread.is_high(17));
        assert!(bread.is_high(22) && !bread.is_driven(22), "not told yet");
    }

    #[test]
    fn everything_wrong_is_told_at_once() {
        let Err(objections) = open(&["pwm:5", "sim:heather"], &["simm:canopy", "sim:roof"]) else {
            panic!("opened");
        };
        let codes: Vec<&str> = objections
            .iter()
            .map(|objection| &*objection.code)
            .collect();
        assert_eq!(
            codes,
            [
                "no_driver",
                "unknown_output",
                "unknown_kind",
                "unknown_sensor"
            ]
        );
    }

    #[test]
    fn a_room_that_has_not_said_is_not_known_to_be_simulated() {
        let folder = tempfile::tempdir().unwrap();
        let output = format!("unix:{}/none#heater", folder.path().display());
        let (drivers, _) = open(&["sim:heater", &output], &[]).unwrap();
        assert_eq!(drivers.simulated(), None);
    }
}
