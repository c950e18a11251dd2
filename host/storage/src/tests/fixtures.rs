//! Events and logs to test with.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use growbox_model::commit::Restored;
use growbox_model::{
    Commit, Event, EventType, Generation, Instant, Json, Moment, Now, Payload, PluginCommit,
    PluginId, Quality, Quantity, Reading, Record, SensorId, Seq, Source, ZoneId,
};
use proptest::prelude::*;

use crate::{Limits, Log, Options, open};

/// 2026-01-15T10:30:00Z.
pub(crate) const FOUNDED: u64 = 1_768_473_000_000_000_000;
pub(crate) const SECOND: u64 = 1_000_000_000;
/// No test waits longer than this for the disk.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A log that writes only when asked to.
pub(crate) fn patient() -> Options {
    let mut options = Options::new(Instant(FOUNDED));
    options.limits.commit_interval = Duration::from_secs(3600);
    options.urgent_gap = Duration::ZERO;
    options
}

/// A log that writes at once.
pub(crate) fn prompt() -> Options {
    let mut options = patient();
    options.limits = Limits {
        commit_interval: Duration::ZERO,
        ..options.limits
    };
    options
}

pub(crate) fn opened(dir: &Path, options: &Options) -> (Log, Restored) {
    open(dir, options, |_| {}).unwrap()
}

pub(crate) fn now(moment: u64) -> Now {
    Now {
        moment: Moment(moment),
        wall: Instant(FOUNDED + moment),
        wall_trusted: true,
    }
}

pub(crate) fn commit(events: Vec<Arc<Event>>) -> Commit {
    let moment = events.last().map_or(0, |event| event.taken.0);
    Commit {
        now: now(moment),
        events,
        ..Commit::default()
    }
}

pub(crate) fn records(records: Vec<Record>) -> Commit {
    Commit {
        records,
        ..Commit::default()
    }
}

pub(crate) fn clean_end() -> Commit {
    records(vec![Record::CleanEnd])
}

/// A plain reading: second `seq` of the room, one a second.
pub(crate) fn reading(seq: u64, sensor: &str, value: f64) -> Event {
    Event {
        seq: Seq(seq),
        id: None,
        kind: EventType::known("sensor.temperature"),
        zone: Some(ZoneId::new("tent").unwrap()),
        source: Source("http".into()),
        at: Instant(FOUNDED + seq * SECOND),
        taken: Moment(seq * SECOND),
        taken_at: Instant(FOUNDED + seq * SECOND),
        cause: None,
        generation: None,
        foreign: false,
        late: false,
        payload: Payload::Reading(Reading {
            sensor: SensorId::new(sensor).unwrap(),
            quantity: Quantity::new("temperature").unwrap(),
            value,
            unit: "celsius".into(),
            quality: Quality::Good,
            more: None,
        }),
        metadata: Some(Json::trusted(r#"{"zone":"tent"}"#)),
    }
}

pub(crate) fn readings(seqs: std::ops::RangeInclusive<u64>) -> Vec<Arc<Event>> {
    seqs.map(|seq| Arc::new(reading(seq, "canopy", seq as f64)))
        .collect()
}

pub(crate) fn counter() -> PluginId {
    PluginId::new("counter").unwrap()
}

/// A counting plug-in's batch: one key, and the cursor beside it.
pub(crate) fn counted(generation: u32, cursor: u64, count: u64) -> PluginCommit {
    PluginCommit {
        plugin: counter(),
        generation: Generation(generation),
        cursor: Seq(cursor),
        state: vec![("count".into(), Some(count.to_string().into_bytes()))],
        frame: None,
    }
}

/// Any event the catalogue allows, numbered later.
pub(crate) fn any_event() -> impl Strategy<Value = Event> {
    let labels = (
        prop::option::weighted(0.4, "[a-z]{1,12}"),
        prop::option::of(prop::sample::select(vec!["tent", "room"])),
        prop::sample::select(vec!["http", "http:esp", "driver:sim", "plugin:counter"]),
        prop::option::of(0_u32..4),
        any::<(bool, bool)>(),
    );
    let times = (0_u64..600 * SECOND, 0_u64..5 * SECOND, 0_u64..20);
    (any_payload(), labels, times, any_metadata()).prop_map(
        |((kind, payload), labels, (at, lag, back), metadata)| {
            let (id, zone, source, generation, (foreign, late)) = labels;
            Event {
                seq: Seq(back),
                id: id.map(Into::into),
                kind: EventType::parse(kind).unwrap(),
                zone: zone.map(|zone| ZoneId::new(zone).unwrap()),
                source: Source(source.into()),
                at: Instant(FOUNDED + at),
                taken: Moment(0),
                taken_at: Instant(FOUNDED + at + lag),
                cause: None,
                generation: generation.map(Generation),
                foreign,
                late,
                payload,
                metadata,
            }
        },
    )
}

fn any_metadata() -> impl Strategy<Value = Option<Json>> {
    prop::option::of(prop::sample::select(vec![
        r#"{"zone":"tent"}"#,
        r#"{"zone":"room"}"#,
        r#"{"zone":"tent","source":"esp"}"#,
        "{}",
    ]))
    .prop_map(|text| text.map(Json::trusted))
}

fn any_payload() -> impl Strategy<Value = (&'static str, Payload)> {
    let sensor = prop::sample::select(vec!["canopy", "root:1", "Out.side"]);
    let quality = prop::sample::select(vec![Quality::Good, Quality::Uncertain, Quality::Bad]);
    let more = prop::option::weighted(0.2, Just(Json::trusted(r#"{"room":3}"#)));
    let quantity = prop::sample::select(vec![
        ("sensor.temperature", "temperature", "celsius"),
        ("sensor.humidity", "humidity", "percent"),
        ("sensor.x_sap_flow", "x_sap_flow", "gram_per_hour"),
        ("sensor.x_sap_flow", "x_sap_flow", ""),
    ]);
    let reading = (sensor, quality, more, quantity, -50.0..200.0_f64).prop_map(
        |(sensor, quality, more, (kind, quantity, unit), value)| {
            let reading = Reading {
                sensor: SensorId::new(sensor).unwrap(),
                quantity: Quantity::new(quantity).unwrap(),
                value,
                unit: unit.into(),
                quality,
                more,
            };
            (kind, Payload::Reading(reading))
        },
    );
    let document = prop::sample::select(vec![
        (
            "device.state.changed",
            r#"{"device_id":"heater","new_state":"on"}"#,
        ),
        (
            "device.state.changed",
            r#"{"device_id":"fan","new_state":"on"}"#,
        ),
        ("control.mode.changed", r#"{"new_mode":"VPD_Target"}"#),
        ("x.counter.note", r#"{"device_id":"heater"}"#),
    ])
    .prop_map(|(kind, body)| (kind, Payload::Document(Json::trusted(body))));
    prop_oneof![3 => reading, 1 => document]
}

/// A whole log: numbers that grow, sometimes by a jump; room time that never falls.
pub(crate) fn any_log(most: usize) -> impl Strategy<Value = Vec<Arc<Event>>> {
    let step = (any_event(), 0_u64..3 * SECOND, prop::bool::weighted(0.05));
    prop::collection::vec(step, 0..most).prop_map(|steps| {
        let (mut seq, mut taken) = (0, 0);
        let number = |(mut event, later, jump): (Event, u64, bool)| {
            let back = event.seq.0;
            seq = if jump {
                (seq / 1024 + 1) * 1024
            } else {
                seq + 1
            };
            taken += later;
            event.cause = (1..seq).contains(&back).then(|| Seq(seq - back));
            event.seq = Seq(seq);
            event.taken = Moment(taken);
            Arc::new(event)
        };
        steps.into_iter().map(number).collect()
    })
}
