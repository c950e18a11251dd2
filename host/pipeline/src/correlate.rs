//! Correlation: what happened in the 30 s before, in the same zone or to the same device, and its pattern.
//!
//! It never looks into the future, keeps a bounded number of events per zone and device,
//! and names at most eight.

use std::collections::{HashMap, VecDeque};

use growbox_model::batch::Correlation;
use growbox_model::{Event, Moment, Seq, Span, Text, ZoneId};

/// How far back related events lie.
pub const WINDOW: Span = Span::seconds(30);
/// How many related events are named.
pub const NAMED: usize = 8;
/// How many events of a kind a place remembers.
const REMEMBERED: usize = 32;
/// A change of temperature (°C) within the window that makes a swing.
const SWING_CELSIUS: f64 = 2.0;
/// A change of humidity (%) within the window that makes a swing.
const SWING_PERCENT: f64 = 8.0;

/// What an event was, as far as patterns need it.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    Temperature(f64),
    Humidity(f64),
    Reading,
    Failure,
    Action,
    Other,
}

#[derive(Debug, Clone, Copy)]
struct Seen {
    seq: Seq,
    taken: Moment,
    kind: Kind,
}

/// Readings and everything else are remembered apart, so that a flood of one cannot hide the other.
#[derive(Debug, Default)]
struct Place {
    readings: VecDeque<Seen>,
    others: VecDeque<Seen>,
}

/// The recent past, by zone and by device.
#[derive(Debug, Default)]
pub struct Recent {
    zones: HashMap<ZoneId, Place>,
    devices: HashMap<Text, Place>,
}

impl Recent {
    /// What went before this event; then remembers it.
    pub fn observe(&mut self, event: &Event) -> Option<Correlation> {
        let device = device_of(event);
        let seen = Seen {
            seq: event.seq,
            taken: event.taken,
            kind: kind_of(event),
        };
        let mut before: Vec<Seen> = Vec::new();
        if let Some(zone) = &event.zone {
            let place = entry(&mut self.zones, zone);
            place.collect(event.taken, &mut before);
            place.remember(seen);
        }
        if let Some(device) = &device {
            let place = entry(&mut self.devices, device);
            place.collect(event.taken, &mut before);
            place.remember(seen);
        }
        correlation(seen, before)
    }

    /// What went before `event` among `earlier` ones of the log: for queries.
    pub fn explain<'a>(
        event: &Event,
        earlier: impl Iterator<Item = &'a Event>,
    ) -> Option<Correlation> {
        let mut recent = Self::default();
        for before in earlier.filter(|e| e.seq < event.seq) {
            recent.observe(before);
        }
        recent.observe(event)
    }
}

fn entry<'a, K: std::hash::Hash + Eq + Clone>(
    map: &'a mut HashMap<K, Place>,
    key: &K,
) -> &'a mut Place {
    if !map.contains_key(key) {
        map.insert(key.clone(), Place::default());
    }
    map.entry(key.clone()).or_default()
}

impl Place {
    fn collect(&self, now: Moment, into: &mut Vec<Seen>) {
        let recent = |seen: &&Seen| now.since(seen.taken) <= WINDOW;
        into.extend(self.readings.iter().rev().take_while(recent));
        into.extend(self.others.iter().rev().take_while(recent));
    }

    fn remember(&mut self, seen: Seen) {
        let lane = match seen.kind {
            Kind::Temperature(_) | Kind::Humidity(_) | Kind::Reading => &mut self.readings,
            Kind::Failure | Kind::Action | Kind::Other => &mut self.others,
        };
        if lane.len() == REMEMBERED {
            lane.pop_front();
        }
        lane.push_back(seen);
    }
}

fn correlation(event: Seen, mut before: Vec<Seen>) -> Option<Correlation> {
    before.sort_unstable_by_key(|seen| std::cmp::Reverse(seen.seq));
    before.dedup_by_key(|seen| seen.seq);
    if before.is_empty() {
        return None;
    }
    let pattern = pattern(event.kind, &before);
    let events = before.iter().take(NAMED).map(|seen| seen.seq).collect();
    Some(Correlation {
        pattern: pattern.into(),
        events,
    })
}

fn pattern(kind: Kind, before: &[Seen]) -> &'static str {
    let failures = before
        .iter()
        .filter(|seen| seen.kind == Kind::Failure)
        .count();
    let reading = matches!(
        kind,
        Kind::Temperature(_) | Kind::Humidity(_) | Kind::Reading
    );
    if kind == Kind::Failure && failures >= 2 {
        "repeated_failures"
    } else if swings(kind, before) {
        "climate_swing"
    } else if reading && before.iter().any(|seen| seen.kind == Kind::Action) {
        "action_and_response"
    } else {
        "together"
    }
}

fn swings(kind: Kind, before: &[Seen]) -> bool {
    before.iter().any(|seen| match (kind, seen.kind) {
        (Kind::Temperature(now), Kind::Temperature(then)) => (now - then).abs() >= SWING_CELSIUS,
        (Kind::Humidity(now), Kind::Humidity(then)) => (now - then).abs() >= SWING_PERCENT,
        _ => false,
    })
}

fn kind_of(event: &Event) -> Kind {
    if let Some(reading) = event.reading() {
        return match reading.quantity.as_str() {
            "temperature" => Kind::Temperature(reading.value),
            "humidity" => Kind::Humidity(reading.value),
            _ => Kind::Reading,
        };
    }
    match event.kind.as_str() {
        "device.error" | "device.action.failed" => Kind::Failure,
        "device.action.executed" | "device.state.changed" => Kind::Action,
        _ => Kind::Other,
    }
}

fn device_of(event: &Event) -> Option<Text> {
    let document = event
        .document()
        .filter(|_| event.kind.as_str().starts_with("device."))?;
    document
        .map()
        .get("device_id")
        .and_then(|v| v.as_str())
        .map(Into::into)
}

#[cfg(test)]
mod tests {
    use super::*;
    use growbox_model::incoming::Incoming;
    use growbox_model::{Instant, Source};
    use serde_json::{Value, json};

    fn event(seq: u64, seconds: u64, kind: &str, data: &Value) -> Event {
        let incoming = Incoming::read(
            json!({"type": kind, "data": data, "metadata": {"zone": "tent"}}),
            "http",
        )
        .unwrap();
        Event {
            seq: Seq(seq),
            id: None,
            kind: incoming.kind,
            zone: incoming.zone,
            source: Source::host(),
            at: Instant(0),
            taken: Moment(0) + Span::seconds(seconds),
            taken_at: Instant(0),
            cause: None,
            generation: None,
            foreign: false,
            late: false,
            payload: incoming.payload,
            metadata: None,
        }
    }

    fn reading(seq: u64, seconds: u64, celsius: f64) -> Event {
        event(
            seq,
            seconds,
            "sensor.temperature",
            &json!({"sensor_id": "a", "value": celsius}),
        )
    }

    fn failure(seq: u64, seconds: u64) -> Event {
        event(seq, seconds, "device.error", &json!({"device_id": "pump"}))
    }

    #[test]
    fn patterns_are_named() {
        let mut recent = Recent::default();
        assert_eq!(recent.observe(&reading(1, 0, 20.0)), None);
        assert_eq!(
            &*recent.observe(&reading(2, 5, 20.5)).unwrap().pattern,
            "together"
        );
        let swing = recent.observe(&reading(3, 10, 23.0)).unwrap();
        assert_eq!(
            (&*swing.pattern, swing.events),
            ("climate_swing", vec![Seq(2), Seq(1)])
        );
        recent.observe(&failure(4, 60));
        recent.observe(&failure(5, 61));
        assert_eq!(
            &*recent.observe(&failure(6, 62)).unwrap().pattern,
            "repeated_failures"
        );
        recent.observe(&event(
            7,
            120,
            "device.action.executed",
            &json!({"device_id": "fan"}),
        ));
        assert_eq!(
            &*recent.observe(&reading(8, 125, 23.0)).unwrap().pattern,
            "action_and_response"
        );
    }

    #[test]
    fn only_the_thirty_seconds_before_and_at_most_eight() {
        let mut recent = Recent::default();
        for n in 0..40 {
            recent.observe(&reading(n, n, 20.0));
        }
        let named = recent.observe(&reading(40, 60, 20.0)).unwrap().events;
        assert_eq!(named.len(), NAMED);
        assert_eq!(named[0], Seq(39));
        assert_eq!(recent.observe(&reading(41, 200, 20.0)), None);
    }

    #[test]
    fn a_flood_of_readings_does_not_hide_an_action() {
        let mut recent = Recent::default();
        recent.observe(&event(
            1,
            0,
            "device.action.executed",
            &json!({"device_id": "fan"}),
        ));
        for n in 2..500 {
            recent.observe(&reading(n, 1, 20.0));
        }
        assert_eq!(
            &*recent.observe(&reading(500, 2, 20.0)).unwrap().pattern,
            "action_and_response"
        );
    }
}
