//! The recorded office as a room: its configuration, its posts, and what its log must hold.

use std::collections::BTreeMap;

use growbox_tests::{Client, Room, Row, fold, guest, office, stored_state, with_seq, workspace};
use serde_json::{Value, json};

/// How far a VPD may be from the formula, kPa.
const TOLERANCE: f64 = 1e-9;

/// The example's room, with the counting guest beside its plug-in.
pub(crate) fn room() -> Room {
    let example = workspace().join("examples/recording.toml");
    let example = std::fs::read_to_string(example).expect("the example is there");
    let counting = guest("counting");
    Room::new(&format!(
        "{example}\n[plugin.counting]\nfile = {counting:?}\n"
    ))
}

/// The events of rows, the first of which has this number.
pub(crate) fn events(rows: &[Row], first: usize) -> Vec<Value> {
    let numbered = (first..).zip(rows);
    numbered
        .flat_map(|(number, row)| row.events(number))
        .collect()
}

/// Posts events in requests of this size; the last one waits until everything has settled.
pub(crate) fn post(client: &Client, events: &[Value], size: usize) {
    let requests = events.chunks(size);
    let last = requests.len() - 1;
    for (number, request) in requests.enumerate() {
        let (query, status) = if number == last {
            ("?settled=true", 200)
        } else {
            ("", 202)
        };
        let answer = client.post(&format!("/api/v1/events{query}"), &json!(request));
        let results = answer.results(status);
        assert_eq!(results.len(), request.len());
        for (event, result) in request.iter().zip(&results) {
            assert_eq!(result["status"], "accepted", "{event}: {result}");
            assert_eq!(result["quality"], Value::Null, "{event}: {result}");
        }
    }
}

/// The log holds every posted event once, in the order of the posts, and nothing was refused later.
pub(crate) fn is_complete(client: &Client, posted: &[Value]) {
    let log = client.events("");
    let seqs: Vec<u64> = log.iter().map(with_seq).collect();
    assert!(seqs.is_sorted_by(|a, b| a < b), "the log is in order");
    let logged: Vec<&Value> = log
        .iter()
        .filter(|event| event["source"] == "http")
        .collect();
    let ids = |events: &mut dyn Iterator<Item = &Value>| -> Vec<String> {
        events.map(|event| event["id"].to_string()).collect()
    };
    let (is, must) = (ids(&mut logged.iter().copied()), ids(&mut posted.iter()));
    assert_eq!(is.len(), must.len(), "as many as were posted");
    assert!(is == must, "the same, in the same order");
    for (logged, posted) in logged.iter().zip(posted) {
        for member in ["type", "data.value", "data.sensor_id", "metadata.zone"] {
            let pointer = format!("/{}", member.replace('.', "/"));
            assert_eq!(
                logged.pointer(&pointer),
                posted.pointer(&pointer),
                "{logged}"
            );
        }
    }
    let letters = client.get("/api/v1/dead-letters").expect(200);
    assert_eq!(letters["dead_letters"], json!([]));
}

/// One VPD for each row, at its instant, equal to the formula.
pub(crate) fn has_every_vpd(client: &Client, rows: &[Row], leaf_offset: f64) {
    let told = client.events("type=sensor.vpd");
    let mut by_time: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for event in &told {
        let time = event["timestamp"].as_str().expect("a timestamp").to_owned();
        let value = event["data"]["value"].as_f64().expect("a value");
        by_time.entry(time).or_default().push(value);
    }
    assert_eq!(told.len(), rows.len());
    for row in rows {
        let formula = growbox_climate::vpd(row.temperature, row.humidity, leaf_offset);
        match by_time.get(&row.time).map(Vec::as_slice) {
            Some([value]) => assert!((value - formula).abs() <= TOLERANCE, "{row:?}: {value}"),
            other => panic!("{row:?}: {other:?}"),
        }
    }
}

/// What a host that has ended left as the counting guest's state is the fold of its log.
pub(crate) fn counted(room: &Room, log: &[Value]) {
    let count = stored_state(&room.data(), "counting", "count");
    let heard: Vec<&Value> = log.iter().filter(|event| is_of_sensors(event)).collect();
    assert_eq!(count["total"], heard.len(), "{count:#}");
    assert_eq!(
        count["last_seq"],
        heard.last().map_or(0, |event| with_seq(event))
    );
    assert_eq!(count["fold"], fold(heard.iter().copied()));
    let mut by_type: BTreeMap<&str, u64> = BTreeMap::new();
    for event in heard {
        *by_type
            .entry(event["type"].as_str().expect("a type"))
            .or_default() += 1;
    }
    assert_eq!(count["by_type"], json!(by_type));
}

fn is_of_sensors(event: &Value) -> bool {
    let of_sensors = |text: &str| text.starts_with("sensor.");
    event["type"].as_str().is_some_and(of_sensors)
}

/// All rows.
pub(crate) fn rows() -> Vec<Row> {
    let rows = office();
    assert_eq!(rows.len(), 8143, "the recording is whole");
    rows
}
