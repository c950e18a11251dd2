//! The sample events of the specification go in as they stand, and have the effect they may have.

use growbox_tests::{Client, Room};
use serde_json::{Value, json};

/// The samples, in the order of the specification; its comments are left out, nothing else.
const SAMPLES: &str = include_str!("specification.json");

/// The samples are of January 2025: only a clock that is theirs takes them for news.
const ROOM: &str = r#"
[node]
clock = "events"

[zone.zone1]
stage = "mid-veg"
mode = "VPD_Target"
operation = "control"
"#;

fn samples() -> Vec<Value> {
    let samples: Vec<Value> = serde_json::from_str(SAMPLES).expect("the fixture is JSON");
    assert_eq!(samples.len(), 12);
    samples
}

fn post(client: &Client, events: &[Value]) -> Vec<Value> {
    let answer = client.post("/api/v1/events?settled=true", &json!(events));
    let results = answer.results(200);
    assert_eq!(results.len(), events.len());
    results
}

/// Whether such an event has effect without the token.
fn is_a_sensors(event: &Value) -> bool {
    let of_sensors = |text: &str| text.starts_with("sensor.");
    event["type"].as_str().is_some_and(of_sensors)
}

#[test]
fn with_the_token_the_samples_are_taken_as_they_stand() {
    let room = Room::new(ROOM);
    let host = room.start();
    let client = host.client();
    let before = client.row("zones", "zone1");
    assert_eq!(before["mode"], "VPD_Target", "{before:#}");
    for (sample, result) in samples().iter().zip(post(&client, &samples())) {
        assert_eq!(result["status"], "accepted", "{sample}: {result}");
        assert_eq!(result["foreign"], Value::Null, "{sample}: {result}");
        let logged = seen(&client, &result["seq"]);
        for member in ["type", "data", "metadata"] {
            if let Some(said) = sample.get(member) {
                holds_all(&logged[member], said);
            }
        }
    }
    let zone = client.row("zones", "zone1");
    assert_eq!(zone["climate"]["temperature"]["value"], 24.5, "{zone:#}");
    assert_eq!(zone["mode"], "VPD_Perfection", "{zone:#}");
    assert_eq!(zone["setpoints"]["vpd"]["target"], 1.4, "{zone:#}");
}

#[test]
fn without_the_token_only_sensors_have_effect() {
    let room = Room::new(ROOM);
    let host = room.start();
    let stranger = host.stranger();
    for (sample, result) in samples().iter().zip(post(&stranger, &samples())) {
        assert_eq!(result["status"], "accepted", "{sample}: {result}");
        let foreign = if is_a_sensors(sample) {
            Value::Null
        } else {
            json!(true)
        };
        assert_eq!(result["foreign"], foreign, "{sample}: {result}");
    }
    let zone = stranger.row("zones", "zone1");
    assert_eq!(zone["climate"]["temperature"]["value"], 24.5, "{zone:#}");
    assert_eq!(zone["mode"], "VPD_Target", "{zone:#}");
    assert_ne!(zone["setpoints"]["vpd"]["target"], 1.4, "{zone:#}");
    let logged = stranger.events("type=control.*");
    assert_eq!(logged.len(), 3, "{logged:#?}");
    assert!(
        logged.iter().all(|event| event["foreign"] == true),
        "{logged:#?}"
    );
}

#[test]
fn older_spellings_are_taken_for_what_they_stand_for() {
    let room = Room::new(ROOM);
    let host = room.start();
    let spellings = [
        (
            "sensor.calibration_due",
            "sensor.maintenance.calibration_due",
            json!({"sensor_id": "zone1_co2", "days_overdue": 15, "last_calibrated": "2024-12-01T00:00:00Z"}),
        ),
        (
            "control.target.vpd_updated",
            "control.target.updated",
            json!({"parameter": "vpd", "new_target": 1.1}),
        ),
        (
            "device.action.success",
            "device.action.executed",
            json!({"device_id": "humidifier_main", "action": "activate", "result": "success"}),
        ),
    ];
    for (old, name, data) in spellings {
        let event = json!({"type": old, "timestamp": "2025-01-15T10:30:00Z", "data": data});
        let results = host.client().settle(&[event]);
        let logged = host.client().events(&format!("type={name}"));
        assert_eq!(logged.len(), 1, "{old}: {results:?}");
        assert_eq!(logged[0]["seq"], results[0]["seq"]);
    }
    let zone = host.client().row("zones", "zone1");
    assert_eq!(zone["setpoints"]["vpd"]["target"], 1.1, "{zone:#}");
}

fn seen(client: &Client, seq: &Value) -> Value {
    let log = client.events("");
    let found = log.into_iter().find(|event| event["seq"] == *seq);
    found.unwrap_or_else(|| panic!("{seq} is not in the log"))
}

/// Every member that was said is there as it was said; numbers count by value.
#[track_caller]
fn holds_all(is: &Value, said: &Value) {
    match (is, said) {
        (Value::Object(is), Value::Object(said)) => {
            for (key, said) in said {
                let is = is
                    .get(key)
                    .unwrap_or_else(|| panic!("{key} is lost: {is:?}"));
                holds_all(is, said);
            }
        }
        (Value::Number(is), Value::Number(said)) => assert_eq!(is.as_f64(), said.as_f64()),
        _ => assert_eq!(is, said),
    }
}
