//! The same events give the same verdicts, however they are cut into requests.

use growbox_tests::{Room, guest, with_seq};
use serde_json::{Value, json};

use crate::office;

/// A room that has to do with dry air: it asks, waits for minimum times, and asks again.
const DEVICES: &str = r#"
[node]
clock = "events"

[zone.office]
stage = "clone"
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
grant = { control = ["exhaust", "heater", "humidifier", "dehumidifier"] }

[plugin.photoperiod]
grant = { control = ["light"] }
"#;

/// Rows of the recording: half a day, light and night.
const ROWS: usize = 720;

#[test]
fn a_recording_gives_the_same_verdicts_twice() {
    let (first, second) = std::thread::scope(|scope| {
        let first = scope.spawn(|| happened(1_000));
        let second = scope.spawn(|| happened(37));
        let joined = "the run has not failed";
        (first.join().expect(joined), second.join().expect(joined))
    });
    let verdicts = |log: &[Value]| {
        let verdict = |event: &&Value| event["type"] == "device.action.granted";
        log.iter().filter(verdict).count()
    };
    println!("{} events, {} granted", first.len(), verdicts(&first));
    assert!(verdicts(&first) > 10, "the room asks for things");
    for (first, second) in first.iter().zip(&second) {
        assert_eq!(first, second);
    }
    assert_eq!(first.len(), second.len());
}

/// What happened in a run of its own, told so that two runs can be compared.
fn happened(request: usize) -> Vec<Value> {
    let counting = guest("counting");
    let room = Room::new(&format!(
        "{DEVICES}\n[plugin.counting]\nfile = {counting:?}\n"
    ));
    let host = room.start();
    let events = office::events(&office::rows()[..ROWS], 0);
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
