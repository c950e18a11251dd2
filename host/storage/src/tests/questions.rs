//! Every answer equals what a plain list would have said, wherever the events are kept.

use std::collections::BTreeMap;
use std::sync::Arc;

use growbox_model::ports::{EventFilter, History, Sample, Window};
use growbox_model::{DeviceId, Event, Instant, Quality, SensorId, Seq, Span, ZoneId};
use proptest::prelude::*;

use super::fixtures::*;
use crate::{Log, Reader};

/// A third in the table of minutes (written twice), a third beyond it, a third not written at all.
fn in_three_places(log: &Log, events: &[Arc<Event>]) {
    let third = events.len() / 3;
    for half in [&events[..third / 2], &events[third / 2..third]] {
        for event in half {
            log.commit(commit(vec![event.clone()]));
        }
        log.commit(clean_end());
        assert!(log.flush(PATIENCE));
    }
    log.commit(commit(events[third..2 * third].to_vec()));
    assert!(log.flush(PATIENCE));
    for event in &events[2 * third..] {
        log.commit(commit(vec![event.clone()]));
    }
}

fn any_filter() -> impl Strategy<Value = EventFilter> {
    let time = || prop::option::of((0_u64..700).prop_map(|s| Instant(FOUNDED + s * SECOND)));
    let seq = || prop::option::of((0_u64..3000).prop_map(Seq));
    let kinds = prop::collection::vec(
        prop::sample::select(vec![
            "sensor.*",
            "sensor.humidity",
            "device.*",
            "*",
            "x.counter.note",
        ]),
        0..3,
    );
    let zone = prop::option::weighted(0.3, prop::sample::select(vec!["tent", "nowhere"]));
    let sensor = prop::option::weighted(0.3, prop::sample::select(vec!["canopy", "Out.side"]));
    let device = prop::option::weighted(0.3, prop::sample::select(vec!["heater", "none"]));
    let limit = prop_oneof![Just(1000_usize), 0_usize..10];
    (
        (time(), time(), seq(), seq(), limit),
        kinds,
        (zone, sensor, device),
    )
        .prop_map(
            |((from, to, after, up_to, limit), kinds, (zone, sensor, device))| EventFilter {
                from,
                to,
                types: kinds.into_iter().map(str::to_owned).collect(),
                zone: zone.map(|zone| ZoneId::new(zone).unwrap()),
                sensor: sensor.map(|sensor| SensorId::new(sensor).unwrap()),
                device: device.map(|device| DeviceId::new(device).unwrap()),
                after,
                up_to,
                limit,
            },
        )
}

fn check_query(reader: &Reader, events: &[Arc<Event>], filter: &EventFilter) {
    let wanted: Vec<_> = events.iter().filter(|e| filter.wants(e)).cloned().collect();
    let first = &wanted[..wanted.len().min(filter.limit)];
    assert_eq!(reader.query(filter).unwrap(), first, "{filter:?}");
    let newest = &wanted[wanted.len().saturating_sub(filter.limit)..];
    assert_eq!(reader.newest(filter).unwrap(), newest, "{filter:?}");
}

/// Steps, the slow and plain way.
fn plain_samples(
    events: &[Arc<Event>],
    sensor: &str,
    window: Window,
    step: Option<Span>,
) -> Vec<Sample> {
    let mut points: Vec<(u64, u64, f64)> = events
        .iter()
        .filter(|e| e.at >= window.start && e.at < window.end && e.seq <= window.up_to)
        .filter(|e| e.kind.as_str() == "sensor.temperature" && !e.foreign)
        .filter_map(|e| e.reading().map(|r| (e, r)))
        .filter(|(_, r)| r.sensor.as_str() == sensor && r.quality != Quality::Bad)
        .map(|(e, r)| (e.at.0, e.seq.0, r.value))
        .collect();
    points.sort_by_key(|(at, seq, _)| (*at, *seq));
    let mut groups: BTreeMap<(u64, u64), Vec<f64>> = BTreeMap::new();
    for (at, seq, value) in points {
        let key = match step {
            None => (at, seq),
            Some(step) => (at - (at - window.start.0) % step.0, 0),
        };
        groups.entry(key).or_default().push(value);
    }
    let samples = groups.into_iter().map(|((at, _), values)| Sample {
        at: Instant(at),
        low: values.iter().copied().fold(f64::INFINITY, f64::min),
        mean: values.iter().sum::<f64>() / values.len() as f64,
        high: values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        count: values.len() as u32,
    });
    let all: Vec<_> = samples.collect();
    all[all.len().saturating_sub(window.limit as usize)..].to_vec()
}

fn assert_close(found: &[Sample], wanted: &[Sample]) {
    assert_eq!(found.len(), wanted.len(), "{found:?} {wanted:?}");
    for (a, b) in found.iter().zip(wanted) {
        assert_eq!(
            (a.at, a.low, a.high, a.count),
            (b.at, b.low, b.high, b.count)
        );
        assert!((a.mean - b.mean).abs() < 1e-9, "{a:?} {b:?}");
    }
}

fn any_window() -> impl Strategy<Value = (Window, Option<Span>)> {
    let limit = prop_oneof![Just(1000_u32), 0_u32..8];
    let up_to = prop_oneof![Just(u64::MAX), 0_u64..3000];
    let step = prop::option::of((1_u64..200).prop_map(Span::seconds));
    (0_u64..700, 0_u64..700, limit, up_to, step).prop_map(|(start, end, limit, up_to, step)| {
        let window = Window {
            start: Instant(FOUNDED + start * SECOND),
            end: Instant(FOUNDED + end * SECOND),
            limit,
            up_to: Seq(up_to),
        };
        (window, step)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn queries_equal_a_filter_over_a_list(
        events in any_log(90),
        filters in prop::collection::vec(any_filter(), 12),
    ) {
        let dir = tempfile::tempdir().unwrap();
        let (log, _) = opened(dir.path(), &patient());
        in_three_places(&log, &events);
        let reader = log.reader();
        check_query(&reader, &events, &EventFilter { limit: 1000, ..EventFilter::default() });
        for filter in &filters {
            check_query(&reader, &events, filter);
        }
    }

    #[test]
    fn samples_equal_those_of_a_list(
        events in any_log(90),
        windows in prop::collection::vec(any_window(), 12),
    ) {
        let dir = tempfile::tempdir().unwrap();
        let (log, _) = opened(dir.path(), &patient());
        in_three_places(&log, &events);
        let reader = log.reader();
        let canopy = SensorId::new("canopy").unwrap();
        for (window, step) in windows {
            let found = reader.samples(&canopy, "temperature", window, step).unwrap();
            assert_close(&found, &plain_samples(&events, "canopy", window, step));
        }
    }
}

#[test]
fn samples_are_found_hours_back() {
    let dir = tempfile::tempdir().unwrap();
    let (log, _) = opened(dir.path(), &patient());
    let mut events = Vec::new();
    for seq in 1..=60_u64 {
        let mut event = reading(seq, "canopy", seq as f64);
        // One every half hour, and the first ones come last: a buffer that was read out late.
        event.at = Instant(FOUNDED + ((seq + 10) % 60) * 1800 * SECOND);
        events.push(Arc::new(event));
    }
    log.commit(commit(events.clone()));
    log.commit(clean_end());
    assert!(log.flush(PATIENCE));
    let canopy = SensorId::new("canopy").unwrap();
    for limit in [1, 3, 20, 100] {
        let window = Window {
            start: Instant(FOUNDED),
            end: Instant(FOUNDED + 50 * 1800 * SECOND),
            limit,
            up_to: Seq(u64::MAX),
        };
        for step in [None, Some(Span::hours(3))] {
            let found = log
                .reader()
                .samples(&canopy, "temperature", window, step)
                .unwrap();
            assert_close(&found, &plain_samples(&events, "canopy", window, step));
        }
    }
}

#[test]
fn an_event_is_found_by_number_and_by_id() {
    let dir = tempfile::tempdir().unwrap();
    let (log, _) = opened(dir.path(), &patient());
    let named = |seq: u64, id: &str| {
        let mut event = reading(seq, "canopy", 1.0);
        event.id = Some(id.into());
        event.cause = (seq > 1).then(|| Seq(seq - 1));
        Arc::new(event)
    };
    log.commit(commit(vec![named(1, "a"), named(2, "b"), named(3, "a")]));
    assert!(log.flush(PATIENCE));
    log.commit(commit(vec![named(4, "b"), named(5, "e2")]));
    let reader = log.reader();
    let found = |name: &str| reader.find(name).unwrap().map(|event| event.seq.0);
    assert_eq!(found("#2"), Some(2));
    assert_eq!(found("e3"), Some(3));
    assert_eq!(found("a"), Some(3));
    assert_eq!(found("b"), Some(4));
    assert_eq!(
        found("e2"),
        Some(5),
        "an id that looks like a number is an id first"
    );
    assert_eq!((found("#9"), found("c"), found("")), (None, None, None));
    let effects = reader.caused_by(Seq(3), 100).unwrap();
    assert_eq!(effects.iter().map(|e| e.seq.0).collect::<Vec<_>>(), [4]);
}

/// While events move from the tail to the disk, a reader sees each exactly once.
#[test]
fn a_reader_never_misses_or_doubles_what_is_being_written() {
    const LAST: u64 = 3000;
    let dir = tempfile::tempdir().unwrap();
    let (log, _) = opened(dir.path(), &prompt());
    let reader = log.reader();
    let flow = std::thread::spawn(move || {
        for seq in 1..=LAST {
            log.commit(commit(readings(seq..=seq)));
        }
        assert!(log.flush(PATIENCE));
        log
    });
    let mut seen = 0;
    while seen < LAST {
        let all = reader.backlog(Seq(0), usize::MAX).unwrap();
        assert!(all.iter().map(|event| event.seq.0).eq(1..=all.len() as u64));
        assert!(all.len() as u64 >= seen, "what was seen stays");
        seen = all.len() as u64;
        let part = reader.backlog(Seq(seen / 2), 7).unwrap();
        assert!(
            part.iter()
                .map(|event| event.seq.0)
                .eq((seen / 2 + 1..).take(part.len()))
        );
    }
    flow.join().unwrap();
}
