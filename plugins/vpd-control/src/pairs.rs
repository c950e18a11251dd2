//! Temperature and humidity of one instant make one VPD: computed from events, never from a view.

use growbox_sdk::climate;
use growbox_sdk::wire::{Event, Quality, Reading, worse};
use growbox_sdk::{Moment, Span};
use serde::{Deserialize, Serialize};

/// How many readings wait for their counterpart, per zone; the oldest is given up first.
///
/// One is enough where a sensor sends both quantities together. The rest is room for sensors
/// that are posted one after the other; each waiting reading is some 60 bytes of state that
/// are written with every batch, so there is no more of it.
const WAITING: usize = 64;

/// The two quantities that make a VPD.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Quantity {
    /// Of the air, in °C.
    Temperature,
    /// Relative, in %.
    Humidity,
}

impl Quantity {
    /// The quantity of that name, where it is one of the two.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        match name {
            "temperature" => Some(Self::Temperature),
            "humidity" => Some(Self::Humidity),
            _ => None,
        }
    }
}

/// A reading, as far as a pair needs it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Half {
    value: f64,
    seq: u64,
    at: u64,
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    uncertain: bool,
}

impl Half {
    fn of(event: &Event, reading: &Reading) -> Self {
        Self {
            value: reading.value,
            seq: event.seq,
            at: event.at,
            uncertain: reading.quality == Quality::Uncertain,
        }
    }

    fn quality(&self) -> Quality {
        if self.uncertain {
            Quality::Uncertain
        } else {
            Quality::Good
        }
    }
}

/// The newest reading of a quantity.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Newest {
    sensor: String,
    taken: Moment,
    half: Half,
}

/// A zone's readings on their way to become VPD.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Pairs {
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<Newest>,
    #[serde(skip_serializing_if = "Option::is_none")]
    humidity: Option<Newest>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    waiting: Vec<(Quantity, Half)>,
    /// The instant of the last pair: of several sensors the first two make the zone's VPD.
    #[serde(skip_serializing_if = "Option::is_none")]
    paired_at: Option<u64>,
    /// When the last pair came in; before the first one, when the first reading did.
    #[serde(skip_serializing_if = "Option::is_none")]
    quiet_since: Option<Moment>,
}

/// A temperature and a humidity that belong together.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Pair {
    temperature: Half,
    humidity: Half,
    /// When both were so, in ns since the Unix epoch; none: now.
    pub(crate) at: Option<u64>,
}

impl Pair {
    /// VPD in kPa round a leaf that is so much warmer than the air.
    pub(crate) fn vpd(&self, leaf_offset: f64) -> f64 {
        climate::vpd(self.temperature.value, self.humidity.value, leaf_offset)
    }

    /// The worse of the two.
    pub(crate) fn quality(&self) -> Quality {
        worse(self.temperature.quality(), self.humidity.quality())
    }

    /// The two readings, in sequence order.
    pub(crate) fn causes(&self) -> [u64; 2] {
        let (one, other) = (self.temperature.seq, self.humidity.seq);
        [one.min(other), one.max(other)]
    }
}

impl Pairs {
    /// Takes a reading that is not bad. Gives the pair it completes.
    pub(crate) fn take(
        &mut self,
        quantity: Quantity,
        event: &Event,
        reading: &Reading,
    ) -> Option<Pair> {
        self.remember(quantity, event, reading);
        if self.paired_at == Some(event.at) {
            return None;
        }
        let half = Half::of(event, reading);
        let same = |(_, waiting): &(Quantity, Half)| waiting.at == half.at;
        match self.waiting.iter().rposition(same) {
            Some(index) if self.waiting[index].0 != quantity => {
                let (_, other) = self.waiting.remove(index);
                self.paired_at = Some(event.at);
                self.quiet_since = Some(Moment::from_nanoseconds(event.taken));
                Some(pair_of(quantity, half, other))
            }
            Some(_) => None,
            None => {
                self.wait(quantity, half);
                None
            }
        }
    }

    /// The pair of a tick: where no pair came for the limit, the newest of each that is not
    /// older than it. The two may not lie further apart either.
    pub(crate) fn at_tick(&self, now: Moment, limit: Span) -> Option<Pair> {
        if now.since(self.quiet_since?) < limit {
            return None;
        }
        let fresh = |newest: &Option<Newest>| {
            let newest = newest.as_ref()?;
            (now.since(newest.taken) <= limit).then(|| newest.half.clone())
        };
        let (temperature, humidity) = (fresh(&self.temperature)?, fresh(&self.humidity)?);
        let apart = Span::from_nanoseconds(temperature.at.abs_diff(humidity.at));
        (apart <= limit).then_some(Pair {
            temperature,
            humidity,
            at: None,
        })
    }

    /// Forgets the newest reading of a sensor that the host calls stale.
    pub(crate) fn forget(&mut self, quantity: Quantity, sensor: &str) {
        let newest = self.newest(quantity);
        if newest
            .as_ref()
            .is_some_and(|newest| newest.sensor == sensor)
        {
            *newest = None;
        }
    }

    fn newest(&mut self, quantity: Quantity) -> &mut Option<Newest> {
        match quantity {
            Quantity::Temperature => &mut self.temperature,
            Quantity::Humidity => &mut self.humidity,
        }
    }

    fn remember(&mut self, quantity: Quantity, event: &Event, reading: &Reading) {
        let taken = Moment::from_nanoseconds(event.taken);
        self.quiet_since.get_or_insert(taken);
        let half = Half::of(event, reading);
        match self.newest(quantity) {
            Some(newest) if newest.half.at > half.at => {}
            Some(newest) => {
                newest.sensor.clone_from(&reading.sensor);
                newest.taken = taken;
                newest.half = half;
            }
            none => {
                *none = Some(Newest {
                    sensor: reading.sensor.clone(),
                    taken,
                    half,
                });
            }
        }
    }

    fn wait(&mut self, quantity: Quantity, half: Half) {
        if self.waiting.len() >= WAITING {
            self.waiting.remove(0);
        }
        self.waiting.push((quantity, half));
    }
}

fn pair_of(quantity: Quantity, half: Half, other: Half) -> Pair {
    let at = Some(half.at);
    let (temperature, humidity) = match quantity {
        Quantity::Temperature => (half, other),
        Quantity::Humidity => (other, half),
    };
    Pair {
        temperature,
        humidity,
        at,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Quantity::{Humidity, Temperature};
    use growbox_sdk::wire::Payload;
    use growbox_sdk::{minutes, seconds};
    use proptest::prelude::*;

    const LIMIT: Span = minutes(5);

    fn name_of(quantity: Quantity) -> &'static str {
        match quantity {
            Temperature => "temperature",
            Humidity => "humidity",
        }
    }

    fn moment(span: Span) -> Moment {
        Moment::default() + span
    }

    /// A reading whose `at` is its moment.
    fn reading(seq: u64, quantity: Quantity, value: f64, at: Span) -> Event {
        Event {
            seq,
            type_: format!("sensor.{}", name_of(quantity)),
            zone: Some("tent".into()),
            source: "test".into(),
            at: at.as_nanoseconds(),
            taken: at.as_nanoseconds(),
            cause: None,
            correlation: None,
            payload: Payload::Reading(Reading {
                sensor: name_of(quantity).into(),
                quantity: name_of(quantity).into(),
                value,
                unit: String::new(),
                quality: Quality::Good,
            }),
            metadata: None,
        }
    }

    fn take(pairs: &mut Pairs, quantity: Quantity, event: &Event) -> Option<Pair> {
        pairs.take(quantity, event, event.reading().expect("is one"))
    }

    fn give(pairs: &mut Pairs, seq: u64, quantity: Quantity, value: f64, at: Span) -> Option<Pair> {
        take(pairs, quantity, &reading(seq, quantity, value, at))
    }

    #[test]
    fn equal_instants_make_a_pair_in_either_order() {
        for (first, second, values) in [
            (Temperature, Humidity, [25.0, 60.0]),
            (Humidity, Temperature, [60.0, 25.0]),
        ] {
            let mut pairs = Pairs::default();
            assert_eq!(give(&mut pairs, 1, first, values[0], minutes(1)), None);
            let pair = give(&mut pairs, 2, second, values[1], minutes(1)).expect("is one");
            assert_eq!(pair.vpd(0.0), climate::vpd(25.0, 60.0, 0.0));
            assert_eq!(pair.at, Some(minutes(1).as_nanoseconds()));
            assert_eq!(pair.causes(), [1, 2]);
        }
    }

    #[test]
    fn other_instants_make_none() {
        let mut pairs = Pairs::default();
        give(&mut pairs, 1, Temperature, 25.0, minutes(1));
        assert_eq!(give(&mut pairs, 2, Humidity, 60.0, minutes(2)), None);
        assert!(give(&mut pairs, 3, Temperature, 26.0, minutes(2)).is_some());
    }

    #[test]
    fn readings_that_come_in_blocks_pair_too() {
        let mut pairs = Pairs::default();
        for seq in 0..50 {
            assert_eq!(give(&mut pairs, seq, Temperature, 25.0, minutes(seq)), None);
        }
        for seq in 0..50 {
            assert!(give(&mut pairs, 100 + seq, Humidity, 60.0, minutes(seq)).is_some());
        }
        assert!(pairs.waiting.is_empty());
    }

    #[test]
    fn of_several_sensors_the_first_two_count() {
        let mut pairs = Pairs::default();
        give(&mut pairs, 1, Temperature, 25.0, minutes(1));
        assert_eq!(give(&mut pairs, 2, Temperature, 29.0, minutes(1)), None);
        let pair = give(&mut pairs, 3, Humidity, 60.0, minutes(1)).expect("is one");
        assert_eq!(pair.causes(), [1, 3]);
        assert_eq!(give(&mut pairs, 4, Humidity, 50.0, minutes(1)), None);
        assert!(pairs.waiting.is_empty());
    }

    #[test]
    fn the_worse_half_is_the_quality() {
        let mut pairs = Pairs::default();
        let mut event = reading(1, Temperature, 25.0, minutes(1));
        if let Payload::Reading(reading) = &mut event.payload {
            reading.quality = Quality::Uncertain;
        }
        take(&mut pairs, Temperature, &event);
        let pair = give(&mut pairs, 2, Humidity, 60.0, minutes(1)).expect("is one");
        assert_eq!(pair.quality(), Quality::Uncertain);
    }

    #[test]
    fn a_tick_pairs_the_newest_after_a_quiet_limit() {
        let mut pairs = Pairs::default();
        give(&mut pairs, 1, Temperature, 25.0, minutes(1));
        give(&mut pairs, 2, Humidity, 60.0, minutes(2));
        give(&mut pairs, 3, Temperature, 24.0, minutes(4));
        assert_eq!(
            pairs.at_tick(moment(minutes(5)), LIMIT),
            None,
            "only four minutes quiet"
        );
        let pair = pairs
            .at_tick(moment(minutes(6)), LIMIT)
            .expect("quiet for five minutes");
        assert_eq!(pair.causes(), [2, 3]);
        assert_eq!(pair.at, None);
        assert!(pairs.at_tick(moment(minutes(7)), LIMIT).is_some());
        let late = moment(minutes(7) + seconds(1));
        assert_eq!(
            pairs.at_tick(late, LIMIT),
            None,
            "humidity is older than its limit"
        );
    }

    #[test]
    fn while_pairs_come_ticks_are_silent() {
        let mut pairs = Pairs::default();
        for minute in 1..20 {
            give(&mut pairs, 2 * minute, Temperature, 25.0, minutes(minute));
            give(&mut pairs, 2 * minute + 1, Humidity, 60.0, minutes(minute));
            assert_eq!(
                pairs.at_tick(moment(minutes(minute) + seconds(59)), LIMIT),
                None
            );
        }
    }

    #[test]
    fn a_stale_sensor_is_forgotten() {
        let mut pairs = Pairs::default();
        give(&mut pairs, 1, Temperature, 25.0, minutes(1));
        give(&mut pairs, 2, Humidity, 60.0, minutes(2));
        pairs.forget(Humidity, "another");
        assert!(pairs.at_tick(moment(minutes(6)), LIMIT).is_some());
        pairs.forget(Humidity, "humidity");
        assert_eq!(pairs.at_tick(moment(minutes(6)), LIMIT), None);
    }

    #[test]
    fn late_readings_do_not_become_the_newest() {
        let mut pairs = Pairs::default();
        give(&mut pairs, 1, Temperature, 25.0, minutes(9));
        give(&mut pairs, 2, Temperature, 10.0, minutes(1));
        give(&mut pairs, 3, Humidity, 60.0, minutes(10));
        let pair = pairs
            .at_tick(moment(minutes(14)), LIMIT)
            .expect("quiet since 9");
        assert_eq!(pair.causes(), [1, 3]);
    }

    proptest! {
        /// Whatever the order within a small window: one VPD for each instant, no more.
        #[test]
        fn one_vpd_an_instant(order in Just((0..40_u64).collect::<Vec<_>>()).prop_shuffle()) {
            let mut pairs = Pairs::default();
            let mut found = Vec::new();
            for (seq, which) in order.iter().enumerate() {
                let quantity = if which % 2 == 0 { Temperature } else { Humidity };
                let instant = minutes(which / 2);
                let value = 20.0 + (which / 2) as f64;
                found.extend(give(&mut pairs, seq as u64, quantity, value, instant));
            }
            prop_assert_eq!(found.len(), 20);
            prop_assert!(found.iter().all(|pair| pair.temperature.at == pair.humidity.at));
            prop_assert!(found.iter().all(|pair| pair.temperature.value == pair.humidity.value));
            prop_assert!(pairs.waiting.is_empty());
        }

        /// What waits is bounded, whatever comes.
        #[test]
        fn waiting_is_bounded(instants in prop::collection::vec(0..10_000_u64, 0..500)) {
            let mut pairs = Pairs::default();
            for (seq, instant) in instants.into_iter().enumerate() {
                give(&mut pairs, seq as u64, Temperature, 20.0, seconds(instant));
            }
            prop_assert!(pairs.waiting.len() <= WAITING);
        }
    }
}
