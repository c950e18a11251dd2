//! `sim:NAME`: the simulated tent in this process, moved by the room clock.

use std::collections::{BTreeMap, BTreeSet};

use growbox_model::{Instant, Objection, Span, Text};

use crate::driver::{Driver, DriverEvent, Order};
use crate::tent::{Output, Switch, Tent};

/// When the clock leaps ahead, the tent lives through the last day only: by then it has
/// forgotten what was before, but for the state of its outputs.
pub(crate) const LONGEST_LEAP: Span = Span::hours(24);

/// Readings older than this would only be logged as late; they are passed over.
const OLDEST_READING: Span = Span::hours(1);

/// A tent whose time is told to it.
#[derive(Debug)]
pub struct Simulated {
    tent: Tent,
    interval: Span,
    outputs: BTreeMap<Text, Output>,
    sensors: BTreeMap<Text, Text>,
    clock: Option<Clock>,
}

/// Where the tent stands on the room clock.
#[derive(Debug, Clone, Copy)]
struct Clock {
    at: Instant,
    next_reading: Instant,
}

impl Simulated {
    /// Serves the named outputs and sensors of a tent (`heater`, `canopy`, without `sim:`),
    /// with readings every `interval`, at least a second.
    ///
    /// # Errors
    ///
    /// `unknown_output`.
    pub fn new<'a>(
        tent: Tent,
        interval: Span,
        outputs: impl IntoIterator<Item = &'a str>,
        sensors: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self, Objection> {
        let output = |name: &'a str| Ok((address(name), Output::named(name)?));
        Ok(Self {
            tent,
            interval: interval.max(Span::seconds(1)),
            outputs: outputs
                .into_iter()
                .map(output)
                .collect::<Result<_, Objection>>()?,
            sensors: sensors
                .into_iter()
                .map(|name| (name.into(), address(name)))
                .collect(),
            clock: None,
        })
    }

    /// The tent as it is.
    pub fn tent(&self) -> &Tent {
        &self.tent
    }

    /// The first time told is when the tent begins, with a first set of readings.
    fn found(&mut self, now: Instant) -> Clock {
        self.tent.set_time_of_day(Span(now.0 % LONGEST_LEAP.0));
        Clock {
            at: now,
            next_reading: now,
        }
    }

    /// After a clock that went back, or far ahead, the tent goes on from there.
    fn caught_up(&self, clock: Clock, to: Instant) -> Clock {
        if to < clock.at {
            return Clock {
                at: to,
                next_reading: to.plus(self.interval),
            };
        }
        Clock {
            at: clock.at.max(to.minus(LONGEST_LEAP)),
            next_reading: clock.next_reading.max(to.minus(OLDEST_READING)),
        }
    }

    fn step_to(&mut self, clock: &mut Clock, to: Instant) -> Vec<DriverEvent> {
        let lapsed = self.tent.step(to.since(clock.at));
        clock.at = to;
        lapsed
            .iter()
            .filter_map(|switch| self.state(switch))
            .collect()
    }

    fn state(&self, switch: &Switch) -> Option<DriverEvent> {
        let (address, _) = self
            .outputs
            .iter()
            .find(|(_, output)| **output == switch.output)?;
        Some(DriverEvent::State {
            address: address.clone(),
            level: switch.level,
        })
    }

    fn readings(&self, at: Instant) -> Vec<DriverEvent> {
        let served = self.tent.readings().into_iter().filter_map(|reading| {
            Some(DriverEvent::Reading {
                address: self.sensors.get(reading.sensor)?.clone(),
                quantity: reading.quantity.into(),
                value: reading.value,
                unit: Some(reading.unit.into()),
                at: Some(at),
            })
        });
        served.collect()
    }

    fn order(&mut self, order: &Order) -> Result<(), Objection> {
        let Some(output) = self.outputs.get(&order.address) else {
            let known = self.outputs.keys().map(|address| &**address);
            return Err(Objection::unknown(
                "unknown_output",
                "output",
                &order.address,
                known,
            ));
        };
        self.tent
            .set(*output, order.level, order.within)
            .map(|_| ())
    }
}

fn address(name: &str) -> Text {
    format!("sim:{name}").into()
}

impl Driver for Simulated {
    /// The order holds from the time last told on.
    fn send(&mut self, order: Order) -> Vec<DriverEvent> {
        let result = self.order(&order);
        let Order { address, level, .. } = order;
        vec![match result {
            Ok(()) => DriverEvent::Confirmed { address, level },
            Err(refusal) => DriverEvent::Failed {
                address,
                level,
                message: refusal.message,
            },
        }]
    }

    fn attach(&mut self, point: &str) -> Result<Vec<DriverEvent>, Objection> {
        let address = address(point);
        self.outputs.insert(address.clone(), Output::named(point)?);
        Ok(vec![DriverEvent::Available {
            address,
            available: true,
        }])
    }

    fn detach(&mut self, point: &str) {
        self.outputs.remove(&address(point));
    }

    fn listen(&mut self, points: &BTreeSet<Text>) {
        self.sensors = points
            .iter()
            .map(|point| (point.clone(), address(point)))
            .collect();
    }

    fn simulated(&self) -> Option<bool> {
        Some(true)
    }

    fn advance(&mut self, to: Instant) -> Vec<DriverEvent> {
        let mut clock = match self.clock {
            None => self.found(to),
            Some(clock) => self.caught_up(clock, to),
        };
        let mut events = Vec::new();
        while clock.next_reading <= to {
            let due = clock.next_reading;
            events.extend(self.step_to(&mut clock, due));
            events.extend(self.readings(due));
            clock.next_reading = due.plus(self.interval);
        }
        events.extend(self.step_to(&mut clock, to));
        self.clock = Some(clock);
        events
    }

    fn next_due(&self) -> Option<Instant> {
        let clock = self.clock?;
        let lapse = self.tent.next_lapse().map(|lapse| {
            clock
                .at
                .plus(Span(lapse.0.saturating_sub(self.tent.now().0)))
        });
        Some(lapse.map_or(clock.next_reading, |lapse| lapse.min(clock.next_reading)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tent::OUTPUTS;

    const START: Instant = Instant(1_700_000_000_000_000_000);

    fn room() -> Simulated {
        let outputs = OUTPUTS.map(Output::name);
        Simulated::new(Tent::new(1), Span::seconds(10), outputs, ["canopy", "room"]).unwrap()
    }

    fn order(address: &str, level: f64, within: Option<Span>) -> Order {
        Order {
            address: address.into(),
            level,
            within,
            pulse: false,
        }
    }

    fn times(events: &[DriverEvent]) -> Vec<Instant> {
        let mut times: Vec<Instant> = events
            .iter()
            .filter_map(|event| match event {
                DriverEvent::Reading { at, .. } => *at,
                _ => None,
            })
            .collect();
        times.dedup();
        times
    }

    #[test]
    fn readings_come_when_they_are_due() {
        let mut room = room();
        assert_eq!(room.next_due(), None);
        assert_eq!(times(&room.advance(START)), [START]);
        assert_eq!(room.next_due(), Some(START.plus(Span::seconds(10))));
        assert_eq!(room.advance(START.plus(Span::millis(9_999))), []);
        let due = [10, 20].map(|s| START.plus(Span::seconds(s)));
        assert_eq!(times(&room.advance(START.plus(Span::seconds(25)))), due);
    }

    #[test]
    fn however_often_time_is_told_the_readings_are_the_same() {
        let (mut at_once, mut often) = (room(), room());
        let mut all = [at_once.advance(START), often.advance(START)];
        for room in [&mut at_once, &mut often] {
            room.send(order("sim:heater", 1.0, Some(Span::seconds(33))));
        }
        all[0].extend(at_once.advance(START.plus(Span::seconds(60))));
        for tenths in 1..=600 {
            all[1].extend(often.advance(START.plus(Span::millis(100 * tenths))));
        }
        assert_eq!(all[0], all[1]);
        assert!(all[0].contains(&DriverEvent::State {
            address: "sim:heater".into(),
            level: 0.0
        }));
    }

    #[test]
    fn orders_are_confirmed_at_once_or_refused() {
        let mut room = room();
        let confirmed = DriverEvent::Confirmed {
            address: "sim:heater".into(),
            level: 1.0,
        };
        assert_eq!(room.send(order("sim:heater", 1.0, None)), [confirmed]);
        assert_eq!(room.tent().level(Output::Heater), 1.0);
        for refused in [
            order("sim:heater", 0.5, None),
            order("sim:heather", 1.0, None),
        ] {
            let events = room.send(refused);
            assert!(
                matches!(&events[..], [DriverEvent::Failed { .. }]),
                "{events:?}"
            );
        }
        assert_eq!(room.tent().level(Output::Heater), 1.0);
    }

    #[test]
    fn the_end_of_a_level_is_due_too() {
        let mut room = room();
        room.advance(START);
        room.send(order("sim:heater", 1.0, Some(Span::seconds(3))));
        let end = START.plus(Span::seconds(3));
        assert_eq!(room.next_due(), Some(end));
        let off = DriverEvent::State {
            address: "sim:heater".into(),
            level: 0.0,
        };
        assert_eq!(room.advance(end), [off]);
    }

    #[test]
    fn a_clock_that_leaps_brings_no_flood_and_one_that_goes_back_no_stop() {
        let mut room = room();
        room.advance(START);
        let later = START.plus(Span::hours(24 * 365));
        let caught_up = times(&room.advance(later));
        assert_eq!(caught_up.len(), 361);
        assert!(
            caught_up
                .iter()
                .all(|at| later.since(*at) <= OLDEST_READING)
        );
        assert_eq!(room.advance(START), []);
        assert_eq!(times(&room.advance(START.plus(Span::seconds(10)))).len(), 1);
    }

    #[test]
    fn only_what_was_asked_for_is_served() {
        let mut room =
            Simulated::new(Tent::new(1), Span::seconds(10), ["light"], ["room"]).unwrap();
        let events = room.advance(START);
        assert_eq!(events.len(), 2);
        assert!(matches!(
            &room.send(order("sim:heater", 1.0, None))[..],
            [DriverEvent::Failed { .. }]
        ));
        assert!(Simulated::new(Tent::new(1), Span::seconds(10), ["lamp"], []).is_err());
    }
}
