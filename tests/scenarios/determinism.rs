//! The same events give the same verdicts, however they are cut into requests.

use std::collections::BTreeMap;
use std::ops::Range;

use growbox_tests::{Room, guest, with_seq};
use serde_json::{Value, json};

use crate::office;

/// A room that has to do with dry air, and with a guest that wants the heater on and off and on.
const DEVICES: &str = r#"
[node]
clock = "events"

[zone.office]
stage = "late-flower"
mode = "VPD_Target"
targets = { vpd = 1.5 }
lights_on = "06:00"
leaf_offset_celsius = -1.0
operation = "control"

[sensor]
desk = { zone = "office", source = "http", interval = "1min" }

[device]
exhaust = { zone = "office", role = "exhaust", output = "null:exhaust" }
heater = { zone = "office", role = "heater", output = "null:heater", watts = 400 }
humidifier = { zone = "office", role = "humidifier", output = "null:humidifier", watts = 30 }
dehumidifier = { zone = "office", role = "dehumidifier", output = "null:dehumidifier" }
light = { zone = "office", role = "light", output = "null:light" }

[plugin.vpd-control]
grant = { control = ["exhaust", "humidifier", "dehumidifier"] }

[plugin.photoperiod]
grant = { control = ["light"] }
"#;

/// Rows of the recording in which its VPD crosses the target again and again, from night to day.
const ROWS: Range<usize> = 4_680..5_400;

#[test]
fn a_recording_gives_the_same_verdicts_twice() {
    let (first, second) = std::thread::scope(|scope| {
        let first = scope.spawn(|| happened(1_000));
        let second = scope.spawn(|| happened(37));
        let joined = "the run has not failed";
        (first.join().expect(joined), second.join().expect(joined))
    });
    let mut happened: BTreeMap<&str, usize> = BTreeMap::new();
    for event in &first {
        *happened
            .entry(event["type"].as_str().expect("a type"))
            .or_default() += 1;
    }
    println!("{happened:#?}");
    for kind in ["granted", "dampened", "executed", "superseded"] {
        let kind = format!("device.action.{kind}");
        assert!(
            happened.get(&*kind) > Some(&10),
            "the room asks for things: {kind}"
        );
    }
    for (first, second) in first.iter().zip(&second) {
        assert_eq!(first, second);
    }
    assert_eq!(first.len(), second.len());
}

/// What happened in a run of its own, told so that two runs can be compared.
fn happened(request: usize) -> Vec<Value> {
    let toggler = guest("toggler");
    let room = Room::new(&format!(
        "{DEVICES}\n[plugin.toggler]\nfile = {toggler:?}\ngrant = {{ control = [\"heater\"] }}\n"
    ));
    let host = room.start();
    let events = office::events(&office::rows()[ROWS], ROWS.start);
    office::post(&host.stranger(), &events, request);
    let log = host.client().events("");
    assert_eq!(host.terminate().code(), Some(0));
    comparable(&log)
}

/// Events after the first posted one; numbers count from it, so that only order and distance matter.
fn comparable(log: &[Value]) -> Vec<Value> {
    let posted = |event: &Value| event["source"] == "http";
    let begin = log.iter().position(posted).expect("something was posted");
    let first = with_seq(&log[begin]);
    let from_first = |event: &Value, member: &str| {
        event[member]
            .as_u64()
            .map(|seq| i128::from(seq) - i128::from(first))
    };
    let comparable = |event: &Value| {
        let mut one = event.clone();
        one["seq"] = json!(from_first(event, "seq").map(|seq| seq.to_string()));
        one["cause"] = json!(from_first(event, "cause").map(|seq| seq.to_string()));
        one["id"] = Value::Null;
        one
    };
    log[begin..].iter().map(comparable).collect()
}
