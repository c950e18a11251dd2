//! Admission: priority first (critical bypasses everything), then type, then rate per source and type.
//!
//! Zones are checked with everything else that has an answer, in `validate`. The limiter
//! never starves a sensor's siblings: it keeps the newest reading of every series and lets
//! them pass as tokens come, and it drops other events with a count.

use std::collections::{BTreeMap, HashMap};

use growbox_model::event::Payload;
use growbox_model::incoming::Incoming;
use growbox_model::manifest::covers;
use growbox_model::room::FilterSpec;
use growbox_model::{EventType, Moment, Quantity, SensorId, Source, Span};

/// Why an event does not go on now.
#[derive(Debug, PartialEq)]
pub enum Withheld<E> {
    /// It waits for its turn, in the place of an older one of its series where that waited.
    Held(Option<E>),
    /// The room does not want events of this type.
    Unwanted,
    /// Over the rate, and nothing that coalesces.
    Dropped,
}

type Lane = (Source, EventType);
type Series = (Lane, SensorId, Quantity);

/// The admission filters, with what they hold back.
#[derive(Debug)]
pub struct Admission<E> {
    filters: FilterSpec,
    buckets: HashMap<Lane, Bucket>,
    /// By the order in which their series began to wait, so that every series has its turn.
    held: BTreeMap<u64, Held<E>>,
    places: HashMap<Series, u64>,
    next_place: u64,
    /// Events dropped for their rate.
    pub dropped: u64,
    /// Readings a newer one took the place of.
    pub coalesced: u64,
}

#[derive(Debug)]
struct Held<E> {
    series: Series,
    event: Incoming,
    extra: E,
}

#[derive(Debug)]
struct Bucket {
    tokens: f64,
    filled: Moment,
}

impl<E> Admission<E> {
    /// Admission by these filters.
    pub fn new(filters: FilterSpec) -> Self {
        Self {
            filters,
            buckets: HashMap::new(),
            held: BTreeMap::new(),
            places: HashMap::new(),
            next_place: 0,
            dropped: 0,
            coalesced: 0,
        }
    }

    /// Other filters from now on. What an older one holds back passes by the new rates.
    pub fn exchange(&mut self, filters: FilterSpec) {
        self.filters = filters;
    }

    /// Decides about one event; `extra` is kept beside it while it is held.
    pub fn admit(
        &mut self,
        event: Incoming,
        extra: E,
        now: Moment,
    ) -> Result<(Incoming, E), Withheld<E>> {
        if event.kind.critical() {
            return Ok((event, extra));
        }
        if self
            .filters
            .drop_types
            .iter()
            .any(|t| covers(t, event.kind.as_str()))
        {
            return Err(Withheld::Unwanted);
        }
        let Some(rate) = self.rate(&event) else {
            return Ok((event, extra));
        };
        let lane = (event.source.clone(), event.kind.clone());
        if !self.holds_lane(&lane) && self.take_token(&lane, rate, now) {
            return Ok((event, extra));
        }
        let Payload::Reading(reading) = &event.payload else {
            self.dropped += 1;
            return Err(Withheld::Dropped);
        };
        let series = (lane, reading.sensor.clone(), reading.quantity.clone());
        Err(Withheld::Held(self.hold(series, event, extra)))
    }

    /// The newest of a series waits in its place; gives back what waited there before.
    fn hold(&mut self, series: Series, event: Incoming, extra: E) -> Option<E> {
        let place = *self.places.entry(series.clone()).or_insert_with(|| {
            self.next_place += 1;
            self.next_place
        });
        let held = Held {
            series,
            event,
            extra,
        };
        let older = self.held.insert(place, held)?;
        self.coalesced += 1;
        Some(older.extra)
    }

    /// Held readings whose turn has come, `most` at once.
    pub fn release(&mut self, now: Moment, most: usize) -> Vec<(Incoming, E)> {
        if self.held.is_empty() {
            return Vec::new();
        }
        let waiting: Vec<(u64, Lane)> = self
            .held
            .iter()
            .map(|(place, held)| (*place, held.series.0.clone()))
            .collect();
        let may_pass = |(place, lane): (u64, Lane)| {
            let rate = self.rate(&self.held.get(&place)?.event);
            let free = rate.is_none_or(|rate| self.take_token(&lane, rate, now));
            free.then_some(place)
        };
        let free: Vec<u64> = waiting
            .into_iter()
            .filter_map(may_pass)
            .take(most)
            .collect();
        free.into_iter()
            .filter_map(|place| {
                let held = self.held.remove(&place)?;
                self.places.remove(&held.series);
                Some((held.event, held.extra))
            })
            .collect()
    }

    /// When the next held reading can pass.
    pub fn next_release(&self) -> Option<Moment> {
        self.held
            .values()
            .filter_map(|held| {
                let bucket = self.buckets.get(&held.series.0)?;
                let Some(rate) = self.rate(&held.event) else {
                    return Some(bucket.filled);
                };
                let missing = (1.0 - bucket.tokens).max(0.0);
                Some(bucket.filled + Span::from_seconds(missing / rate)? + Span(1))
            })
            .min()
    }

    fn holds_lane(&self, lane: &Lane) -> bool {
        self.held.values().any(|held| held.series.0 == *lane)
    }

    fn rate(&self, event: &Incoming) -> Option<f64> {
        match event.payload {
            Payload::Reading(_) if event.source.by_mqtt() => {
                let (shipped, set) = (
                    self.filters.mqtt_readings_per_second,
                    self.filters.readings_per_second,
                );
                shipped.into_iter().chain(set).reduce(f64::min)
            }
            Payload::Reading(_) => self.filters.readings_per_second,
            Payload::Document(_) => self.filters.events_per_second,
        }
    }

    /// A bucket holds one second's worth, and at least one.
    fn take_token(&mut self, lane: &Lane, rate: f64, now: Moment) -> bool {
        let size = rate.max(1.0);
        let bucket = self.buckets.entry(lane.clone()).or_insert(Bucket {
            tokens: size,
            filled: now,
        });
        let gained = now.since(bucket.filled).as_seconds() * rate;
        bucket.tokens = (bucket.tokens + gained).min(size);
        bucket.filled = bucket.filled.max(now);
        if bucket.tokens < 1.0 {
            return false;
        }
        bucket.tokens -= 1.0;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn reading(sensor: &str, value: f64) -> Incoming {
        Incoming::read(
            json!({"type": "sensor.temperature", "data": {"sensor_id": sensor, "value": value}}),
            "http",
        )
        .unwrap()
    }

    fn limited() -> Admission<()> {
        Admission::new(FilterSpec {
            readings_per_second: Some(1.0),
            ..FilterSpec::default()
        })
    }

    #[test]
    fn a_noisy_sensor_does_not_starve_its_siblings() {
        let mut admission = limited();
        assert!(
            admission
                .admit(reading("noisy", 0.0), (), Moment(0))
                .is_ok()
        );
        for n in 1..100 {
            assert_eq!(
                admission.admit(reading("noisy", f64::from(n)), (), Moment(0)),
                Err(Withheld::Held((n > 1).then_some(())))
            );
        }
        assert_eq!(
            admission.admit(reading("calm", 7.0), (), Moment(0)),
            Err(Withheld::Held(None))
        );
        assert_eq!(admission.coalesced, 98);
        let mut passed = Vec::new();
        for second in 1..=2 {
            passed.extend(admission.release(Moment(0) + Span::seconds(second), 9));
        }
        let values: Vec<f64> = passed
            .iter()
            .map(|(event, ())| match &event.payload {
                Payload::Reading(r) => r.value,
                Payload::Document(_) => 0.0,
            })
            .collect();
        assert_eq!(values, [99.0, 7.0], "the newest of each series");
    }

    #[test]
    fn a_series_that_never_stops_lets_the_others_pass_in_turn() {
        let mut admission = limited();
        let mut passed = Vec::new();
        for second in 0..6 {
            let now = Moment(0) + Span::seconds(second);
            for sensor in ["a", "b", "z"] {
                passed.extend(admission.admit(reading(sensor, 0.0), (), now).ok());
            }
            passed.extend(admission.release(now, 9));
        }
        let sensors: Vec<String> = passed
            .iter()
            .map(|(event, ())| match &event.payload {
                Payload::Reading(r) => r.sensor.to_string(),
                Payload::Document(_) => String::new(),
            })
            .collect();
        assert_eq!(sensors, ["a", "b", "z", "a", "b", "z"]);
    }

    #[test]
    fn what_was_held_passes_when_the_limit_goes() {
        let mut admission = limited();
        let now = Moment(1);
        let held = (0..50).filter(|n| {
            let event = reading(&format!("s{n}"), 20.0);
            admission.admit(event, (), now).is_err()
        });
        let held = held.count();
        assert!(held > 0);
        admission.exchange(FilterSpec::default());
        assert!(admission.next_release() <= Some(now));
        assert_eq!(admission.release(now, 100).len(), held);
    }

    #[test]
    fn critical_events_bypass() {
        let mut admission: Admission<()> = Admission::new(FilterSpec {
            drop_types: vec!["*".into()],
            ..FilterSpec::default()
        });
        let error = Incoming::read(
            json!({"type": "device.error", "data": {"device_id": "pump"}}),
            "http",
        )
        .unwrap();
        assert!(admission.admit(error, (), Moment(0)).is_ok());
        assert_eq!(
            admission.admit(reading("a", 1.0), (), Moment(0)),
            Err(Withheld::Unwanted)
        );
    }

    #[test]
    fn the_next_release_is_when_a_token_comes() {
        let mut admission = limited();
        admission.admit(reading("a", 1.0), (), Moment(0)).unwrap();
        assert_eq!(admission.next_release(), None);
        let _ = admission.admit(reading("a", 2.0), (), Moment(0));
        let next = admission.next_release().unwrap();
        assert_eq!(admission.release(next, 9).len(), 1);
    }
}
