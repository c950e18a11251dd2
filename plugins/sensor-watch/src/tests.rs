//! Limits and calibrations as a room sees them.

use crate::SensorWatch;
use growbox_sdk::json::{Value, json};
use growbox_sdk::prelude::*;
use growbox_sdk::wire::{Draft, Fault};

fn watch(settings: &Value) -> SensorWatch {
    growbox_sdk::start(&settings.to_string()).expect("the settings are in order")
}

fn data(draft: &Draft) -> Value {
    match &draft.payload {
        Payload::Document(text) => text.parse().expect("is JSON"),
        Payload::Reading(reading) => panic!("no document: {reading:?}"),
    }
}

/// How many days overdue the last batches said, one by one.
fn days(room: &TestRoom<SensorWatch>) -> Vec<Value> {
    let said = room.emitted_of("sensor.maintenance.calibration_due");
    said.map(|draft| data(draft)["days_overdue"].clone())
        .collect()
}

/// The room's first day is 2026-01-15, half past ten.
fn calibrated(last: &str) -> Value {
    json!({"calibration": {"leaf": {"last": last, "every": "30d"}}})
}

#[test]
fn a_limit_is_told_once_an_excursion() {
    let limits = json!({"limits": {"damp": {
        "zone": "tent", "quantity": "humidity", "above": 80, "severity": "critical",
    }}});
    let mut room = TestRoom::with(watch(&limits));
    let mut said = |value: f64| {
        let reading = room
            .wait(minutes(1))
            .reading_of("canopy", "humidity", value);
        room.send([reading]).emitted().to_vec()
    };
    let told = said(85.0);
    assert_eq!(told[0].type_, "sensor.threshold.exceeded");
    assert_eq!(told[0].zone.as_deref(), Some("tent"));
    let expected = json!({
        "sensor_id": "canopy", "quantity": "humidity", "value": 85.0, "threshold": 80.0,
        "direction": "above", "severity": "critical",
    });
    assert_eq!(data(&told[0]), expected);
    assert!(said(86.0).is_empty() && said(79.0).is_empty());
    assert_eq!(said(85.0).len(), 1, "another excursion");
}

#[test]
fn a_limit_that_is_as_before_remembers() {
    let limits = json!({"limits": {"damp": {"quantity": "humidity", "above": 80}}});
    let mut room = TestRoom::with(watch(&limits));
    let damp = room.reading("humidity", 85.0);
    assert_eq!(room.send([damp.clone()]).emitted().len(), 1);
    room.swap(watch(&limits));
    assert!(room.send([damp.clone()]).emitted().is_empty());
    room.swap(watch(
        &json!({"limits": {"damp": {"quantity": "humidity", "above": 70}}}),
    ));
    assert_eq!(room.send([damp]).emitted().len(), 1, "another limit");
}

#[test]
fn what_is_due_is_told_once_a_day() {
    let mut room = TestRoom::with(watch(&calibrated("2025-12-16")));
    let reading = room.reading_of("leaf", "humidity", 60.0);
    room.send([reading]);
    assert_eq!(days(room.run(minutes(5))), [0]);
    assert_eq!(room.emitted()[0].zone.as_deref(), Some("tent"));
    assert_eq!(
        data(&room.emitted()[0])["last_calibrated"],
        "2025-12-16T00:00:00Z"
    );
    assert_eq!(days(room.run(hours(24 * 3))), [1, 2, 3]);
    assert_eq!(days(room.run(hours(10))), [] as [Value; 0]);
}

#[test]
fn what_is_not_due_is_not_told() {
    let mut room = TestRoom::with(watch(&calibrated("2025-12-17")));
    assert_eq!(days(room.run(hours(13))), [] as [Value; 0]);
    assert_eq!(days(room.run(hours(1))), [0]);
}

#[test]
fn a_calibration_ends_it_and_so_does_giving_it_up() {
    for (then, last) in [
        (calibrated("2026-01-14"), "2026-01-14T00:00:00Z"),
        (json!({}), "2025-11-01T00:00:00Z"),
    ] {
        let mut room = TestRoom::with(watch(&calibrated("2025-11-01")));
        assert_eq!(days(room.run(minutes(5))), [45]);
        room.swap(watch(&then));
        assert_eq!(days(room.run(minutes(5))), [0]);
        assert_eq!(data(&room.emitted()[0])["last_calibrated"], last);
        assert_eq!(days(room.run(hours(48))), [] as [Value; 0]);
    }
}

#[test]
fn a_clock_that_cannot_be_trusted_is_not_asked() {
    let mut room = TestRoom::with(watch(&calibrated("2025-11-01")));
    room.trust_wall(false);
    assert_eq!(days(room.run(hours(48))), [] as [Value; 0]);
    room.trust_wall(true);
    assert_eq!(days(room.run(minutes(5))), [47]);
}

#[test]
fn what_cannot_be_is_refused_with_its_place_and_what_would_be_right() {
    for (settings, pointer, why) in [
        (
            json!({"limits": {"damp": {"above": 80}}}),
            "/limits/damp",
            "name a quantity",
        ),
        (
            json!({"limits": {"damp": {"sensor": "a"}}}),
            "/limits/damp",
            "name what is too much",
        ),
        (
            json!({"limits": {"damp": {"sensor": "a", "above": 1, "below": 2}}}),
            "/limits/damp",
            "below must be less",
        ),
        (
            json!({"limits": {"damp": {"sensor": "a", "abov": 1}}}),
            "/limits/damp/abov",
            "there is sensor, zone",
        ),
        (json!({"limits": {"a/b": {}}}), "/limits/a~1b", "without /"),
        (
            json!({"calibration": {"leaf": {"last": "soon", "every": "30d"}}}),
            "/calibration/leaf/last",
            "write \"2026-10-01\"",
        ),
        (
            json!({"calibration": {"leaf": {"last": "2026-10-01", "every": "1h"}}}),
            "/calibration/leaf/every",
            "at least \"1d\"",
        ),
        (
            json!({"calibration": {"leaf": {"last": "2026-10-01"}}}),
            "/calibration/leaf/every",
            "is required",
        ),
    ] {
        match growbox_sdk::start::<SensorWatch>(&settings.to_string()) {
            Err(Fault::Settings((at, said))) => {
                assert_eq!(at, pointer, "{said}");
                assert!(said.contains(why), "{settings}: {said}");
            }
            other => panic!("{settings} gave {other:?}"),
        }
    }
}
