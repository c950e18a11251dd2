//! How hosts end and begin again: clean or killed, numbers are never used twice and jumps are told.

use growbox_tests::{Host, Room, with_seq};
use serde_json::{Value, json};

const ROOM: &str = "[zone.tent]\nstage = \"mid-veg\"\n";
/// After an unclean end numbers go on at the next multiple of this.
const STRIDE: u64 = 1 << 20;

fn post(host: &Host, id: &str) -> Value {
    let event = json!({"id": id, "type": "sensor.temperature",
        "data": {"sensor_id": "canopy", "value": 24.5}, "metadata": {"zone": "tent"}});
    let answer = host.stranger().post("/api/v1/events?durable=true", &event);
    answer.results(200)[0].clone()
}

#[test]
fn a_clean_end_leaves_no_gap() {
    let room = Room::new(ROOM);
    let host = room.start();
    post(&host, "one");
    assert_eq!(host.terminate().code(), Some(0));
    let host = room.start();
    assert_eq!(post(&host, "one")["status"], "duplicate");
    post(&host, "two");
    let log = host.client().events("");
    let seqs: Vec<u64> = log.iter().map(with_seq).collect();
    assert_eq!(seqs, (1..=seqs.len() as u64).collect::<Vec<_>>());
    let lives: Vec<&str> = log
        .iter()
        .filter_map(|event| event["type"].as_str()?.strip_prefix("system.lifecycle."))
        .collect();
    assert_eq!(lives, ["started", "stopping", "started"]);
    let starts = host.client().events("type=system.lifecycle.started");
    assert!(
        starts
            .iter()
            .all(|start| start["data"]["numbering"].is_null()),
        "{starts:#?}"
    );
    let taken = |event: &Value| event["taken"].as_str().map(str::to_owned);
    let taken: Vec<_> = log.iter().map(taken).collect();
    assert!(taken.is_sorted(), "{taken:#?}");
}

#[test]
fn a_kill_jumps_and_says_so() {
    let room = Room::new(ROOM);
    let host = room.start();
    let one = with_seq(&post(&host, "one"));
    host.kill();
    let host = room.start();
    assert_eq!(post(&host, "one")["status"], "duplicate");
    assert_eq!(post(&host, "one")["seq"], one);
    let two = with_seq(&post(&host, "two"));
    assert!(two > STRIDE, "{two}");
    let starts = host.client().events("type=system.lifecycle.started");
    let numbering = &starts[1]["data"]["numbering"];
    assert_eq!(with_seq(&starts[1]), STRIDE, "{numbering}");
    assert_eq!(numbering["to"], STRIDE, "{numbering}");
    assert!(numbering["from"].as_u64() >= Some(one), "{numbering}");
    host.kill();
    let host = room.start();
    let starts = host.client().events("type=system.lifecycle.started");
    assert_eq!(with_seq(&starts[2]), 2 * STRIDE);
}
