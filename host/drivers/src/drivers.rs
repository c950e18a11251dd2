//! All drivers of a room: opened from the addresses it names, each order led to its own.

use std::collections::{BTreeMap, BTreeSet};

use growbox_model::{Instant, Objection, Span, Text};

use crate::address::{Address, parse_output, parse_source};
use crate::driver::{Driver, DriverEvent, Order, Sink};
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

/// Every driver the room's addresses need.
pub struct Drivers {
    drivers: Vec<Box<dyn Driver>>,
    outputs: BTreeMap<Text, usize>,
}

/// Points of each kind, as the addresses name them.
#[derive(Debug, Default)]
struct Points {
    simulated: Served,
    null: Served,
    unix: BTreeMap<Text, Served>,
}

/// Outputs and sensors that one driver serves.
#[derive(Debug, Default)]
struct Served {
    outputs: BTreeSet<Text>,
    sensors: BTreeSet<Text>,
}

impl Drivers {
    /// Opens a driver for every kind, and for every socket, among the addresses. Outputs in this
    /// process are reported available before this returns.
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
            drivers: Vec::new(),
            outputs: BTreeMap::new(),
        };
        drivers
            .open_simulated(&points.simulated, options)
            .map_err(|objection| vec![objection])?;
        drivers.open_null(&points.null);
        for address in drivers.outputs.keys() {
            sink(DriverEvent::Available {
                address: address.clone(),
                available: true,
            });
        }
        for (path, served) in &points.unix {
            drivers
                .open_unix(path, served, options, sink)
                .map_err(|objection| vec![objection])?;
        }
        Ok(drivers)
    }

    fn open_simulated(&mut self, served: &Served, options: Options) -> Result<(), Objection> {
        if served.is_empty() {
            return Ok(());
        }
        let outputs = served.outputs.iter().map(|name| &**name);
        let sensors = served.sensors.iter().map(|name| &**name);
        let room = Simulated::new(Tent::new(options.seed), options.interval, outputs, sensors)?;
        self.add(Box::new(room), "sim:", served);
        Ok(())
    }

    fn open_null(&mut self, served: &Served) {
        if !served.is_empty() {
            self.add(Box::new(Null), "null:", served);
        }
    }

    fn open_unix(
        &mut self,
        path: &str,
        served: &Served,
        options: Options,
        sink: &Sink,
    ) -> Result<(), Objection> {
        let outputs: Vec<Text> = served.outputs.iter().cloned().collect();
        let sensors: Vec<Text> = served.sensors.iter().cloned().collect();
        let room = UnixRoom::open(path, &outputs, &sensors, options.patience, sink.clone())?;
        self.add(Box::new(room), &format!("unix:{path}#"), served);
        Ok(())
    }

    fn add(&mut self, driver: Box<dyn Driver>, prefix: &str, served: &Served) {
        let index = self.drivers.len();
        let addresses = served
            .outputs
            .iter()
            .map(|point| Text::from(format!("{prefix}{point}")));
        self.outputs
            .extend(addresses.map(|address| (address, index)));
        self.drivers.push(driver);
    }
}

impl Driver for Drivers {
    fn send(&mut self, order: Order) -> Vec<DriverEvent> {
        let driver = self
            .outputs
            .get(&order.address)
            .and_then(|index| self.drivers.get_mut(*index));
        let Some(driver) = driver else {
            let message = format!("no driver serves {}", order.address);
            return vec![DriverEvent::Failed {
                address: order.address,
                level: order.level,
                message,
            }];
        };
        driver.send(order)
    }

    /// Not, as soon as one is not; not known, as long as one has not said.
    fn simulated(&self) -> Option<bool> {
        let said: Vec<Option<bool>> = self
            .drivers
            .iter()
            .map(|driver| driver.simulated())
            .collect();
        if said.contains(&Some(false)) {
            return Some(false);
        }
        said.iter().all(Option::is_some).then_some(true)
    }

    fn advance(&mut self, to: Instant) -> Vec<DriverEvent> {
        self.drivers
            .iter_mut()
            .flat_map(|driver| driver.advance(to))
            .collect()
    }

    fn next_due(&self) -> Option<Instant> {
        self.drivers
            .iter()
            .filter_map(|driver| driver.next_due())
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
        for address in outputs {
            points.of(&address).outputs.insert(point(address));
        }
        for address in sensors {
            points.of(&address).sensors.insert(point(address));
        }
        Ok(points)
    }

    fn of(&mut self, address: &Address) -> &mut Served {
        match address {
            Address::Simulated { .. } => &mut self.simulated,
            Address::Null { .. } => &mut self.null,
            Address::Unix { path, .. } => self.unix.entry(path.clone()).or_default(),
        }
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

fn point(address: Address) -> Text {
    match address {
        Address::Simulated { name } | Address::Null { name } => name,
        Address::Unix { point, .. } => point,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::driver::sink_into;
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
    fn everything_wrong_is_told_at_once() {
        let Err(objections) = open(&["gpio:5", "sim:heather"], &["simm:canopy", "sim:roof"]) else {
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
