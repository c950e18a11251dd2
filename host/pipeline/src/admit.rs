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
pub enum Withheld {
    /// It waits for its turn; a newer one of its series takes its place.
    Held,
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
    held: BTreeMap<Series, (Incoming, E)>,
    /// Events dropped for their rate.
    pub dropped: u64,
    /// Readings a newer one took the place of.
    pub coalesced: u64,
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
            dropped: 0,
            coalesced: 0,
        }
    }

    /// Decides about one event; `extra` is kept beside it while it is held.
    pub fn admit(
        &mut self,
        event: Incoming,
        extra: E,
        now: Moment,
    ) -> Result<(Incoming, E), Withheld> {
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
        if self.held.insert(series, (event, extra)).is_some() {
            self.coalesced += 1;
        }
        Err(Withheld::Held)
    }

    /// Held readings whose turn has come.
    pub fn release(&mut self, now: Moment) -> Vec<(Incoming, E)> {
        let mut free = Vec::new();
        let waiting: Vec<Series> = self.held.keys().cloned().collect();
        for series in waiting {
            let Some((event, _)) = self.held.get(&series) else {
                continue;
            };
            let Some(rate) = self.rate(event) else {
                continue;
            };
            if self.take_token(&series.0, rate, now)
                && let Some(entry) = self.held.remove(&series)
            {
                free.push(entry);
            }
        }
        free
    }

    /// When the next held reading can pass.
    pub fn next_release(&self) -> Option<Moment> {
        self.held
            .values()
            .filter_map(|(event, _)| {
                let rate = self.rate(event)?;
                let bucket = self
                    .buckets
                    .get(&(event.source.clone(), event.kind.clone()))?;
                let missing = (1.0 - bucket.tokens).max(0.0);
                Some(bucket.filled + Span::from_seconds(missing / rate)? + Span(1))
            })
            .min()
    }

    fn holds_lane(&self, lane: &Lane) -> bool {
        self.held.keys().any(|(held, _, _)| held == lane)
    }

    fn rate(&self, event: &Incoming) -> Option<f64> {
        match event.payload {
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
                Err(Withheld::Held)
            );
        }
        assert_eq!(
            admission.admit(reading("calm", 7.0), (), Moment(0)),
            Err(Withheld::Held)
        );
        assert_eq!(admission.coalesced, 98);
        let mut passed = Vec::new();
        for second in 1..=2 {
            passed.extend(admission.release(Moment(0) + Span::seconds(second)));
        }
        let values: Vec<f64> = passed
            .iter()
            .map(|(event, ())| match &event.payload {
                Payload::Reading(r) => r.value,
                Payload::Document(_) => 0.0,
            })
            .collect();
        assert_eq!(values, [7.0, 99.0], "the newest of each series");
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
        assert_eq!(admission.release(next).len(), 1);
    }
}
