//! Pages of the log, and the stories of events.

use serde_json::{Value, json};

use super::{Room, reading};
use crate::Limits;

fn filled(count: usize) -> Room {
    let room = Room::new();
    for n in 0..count {
        room.host.add(reading(&format!("r{n}"), 20.0), None);
    }
    room
}

fn seqs(page: &Value) -> Vec<u64> {
    let events = page["events"].as_array().unwrap();
    events.iter().map(|e| e["seq"].as_u64().unwrap()).collect()
}

#[test]
fn pages_follow_each_other_to_the_end() {
    let room = filled(2_500);
    let get = |path: &str| room.client().get(path).json();
    let first = get("/api/v1/events");
    assert_eq!(seqs(&first), (1..=100).collect::<Vec<_>>());
    assert_eq!(first["next"], 100);
    let long = get("/api/v1/events?after=100&limit=2300");
    assert_eq!(seqs(&long), (101..=2400).collect::<Vec<_>>());
    let last = get("/api/v1/events?after=2400");
    assert_eq!((seqs(&last).len(), &last["next"]), (100, &json!(2500)));
    let beyond = get("/api/v1/events?after=2500");
    assert_eq!(beyond, json!({"events": [], "next": null}));
    assert_eq!(get("/api/v1/events?limit=10000")["next"], Value::Null);
}

#[test]
fn a_page_has_a_bound_in_bytes_too() {
    let limits = Limits {
        page_bytes: 1_000,
        ..Limits::default()
    };
    let room = Room::with(limits, 16);
    for n in 0..20 {
        room.host.add(reading(&format!("r{n}"), 20.0), None);
    }
    let mut after = json!(0);
    let mut told = Vec::new();
    while !after.is_null() {
        let path = format!("/api/v1/events?limit=10000&after={after}");
        let reply = room.client().get(&path);
        assert!(reply.body.len() < 1_500, "{}", reply.body.len());
        let page = reply.json();
        told.extend(seqs(&page));
        after = page["next"].clone();
    }
    assert_eq!(told, (1..=20).collect::<Vec<_>>());
}

#[test]
fn filters_select() {
    let room = filled(3);
    let state = json!({"type": "device.state.changed", "timestamp": "2026-01-15T11:00:00Z",
        "data": {"device_id": "exhaust", "new_state": "on"}});
    room.host.add(state, None);
    let count = |query: &str| {
        let page = room.client().get(&format!("/api/v1/events?{query}"));
        assert_eq!(page.status, 200, "{query}: {}", page.body);
        seqs(&page.json()).len()
    };
    assert_eq!(count("type=sensor.*"), 3);
    assert_eq!(count("type=sensor.humidity"), 0);
    assert_eq!(count("type=sensor.humidity&type=device.state.changed"), 1);
    assert_eq!(count("zone=tent"), 3);
    assert_eq!(count("sensor=canopy&after=1"), 2);
    assert_eq!(count("device=exhaust"), 1);
    assert_eq!(count("from=2026-01-15T11:00:00Z"), 1);
    assert_eq!(count("from=2026-01-15T12:00:00%2B01:00"), 1);
    assert_eq!(count("to=2026-01-15T11:00:00Z"), 3);
}

#[test]
fn a_wrong_query_is_refused_with_what_would_be_right() {
    let room = filled(1);
    for query in [
        "limit=0",
        "limit=10001",
        "limit=many",
        "limit=-1",
        "limit=1&limit=2",
        "from=yesterday",
        "type=sensor.temprature",
        "zone=Tent",
        "sensor=a%20b",
        "device=",
        "after=x",
        "context=1",
        "colour=red",
    ] {
        let reply = room.client().get(&format!("/api/v1/events?{query}"));
        assert_eq!(reply.status, 400, "{query}: {}", reply.body);
        assert!(!reply.code().is_empty());
    }
    let reply = room.client().get("/api/v1/events?limits=1").json();
    assert_eq!(reply["error"]["nearest"], "limit");
}

#[test]
fn context_is_added_where_it_is_asked_for() {
    let room = filled(2);
    let with = room.client().get("/api/v1/events?context=true").json();
    let metadata = &with["events"][1]["metadata"];
    assert_eq!(metadata["correlated_events"], json!(["e1"]));
    assert_eq!(metadata["zone"], "tent");
    let without = room.client().get("/api/v1/events").json();
    assert_eq!(without["events"][1]["metadata"], json!({"zone": "tent"}));
}

#[test]
fn a_log_that_cannot_be_read_is_said_so() {
    let room = filled(1);
    let reply = room.client().get("/api/v1/events?zone=broken");
    assert_eq!(
        (reply.status, reply.code()),
        (500, "log_unreadable".to_owned())
    );
}

/// Two readings; each leads to a request for a device of its own, with verdict and outcome.
fn told() -> Room {
    let room = Room::new();
    let action = |device: &str, kind: &str| json!({"type": format!("device.action.{kind}"), "data": {"device_id": device}});
    for (device, first) in [("exhaust", 1), ("heater", 5)] {
        room.host.add(reading(device, 25.0), None);
        room.host.add(action(device, "requested"), Some(first));
        room.host.add(action(device, "clamped"), Some(first + 1));
        room.host.add(action(device, "executed"), Some(first + 1));
    }
    room.host.add(action("light", "requested"), Some(5));
    room
}

#[test]
fn why_tells_causes_and_consequences() {
    let room = told();
    let why = |id: &str| {
        seqs(
            &room
                .client()
                .get(&format!("/api/v1/events/{id}/why"))
                .json(),
        )
    };
    assert_eq!(why("7"), [5, 6, 7, 8]);
    assert_eq!(why("e2"), [1, 2, 3, 4]);
    assert_eq!(why("heater"), [5, 6, 7, 8, 9]);
    let missing = room.client().get("/api/v1/events/99/why");
    assert_eq!(
        (missing.status, missing.code()),
        (404, "not_found".to_owned())
    );
}

#[test]
fn why_of_a_device_is_its_newest_request() {
    let room = told();
    let state = |device: &str| json!({"type": "device.state.changed", "data": {"device_id": device, "new_state": "on"}});
    room.host.add(state("exhaust"), None);
    room.host.add(state("heater"), None);
    let reply = room.client().get("/api/v1/devices/exhaust/why").json();
    assert_eq!(seqs(&reply), [1, 2, 3, 4, 10]);
    assert_eq!(reply["device"]["owner"], "vpd-control");
    let unknown = room.client().get("/api/v1/devices/heater/why");
    assert_eq!(unknown.status, 404);
    assert!(unknown.body.contains("the devices are: exhaust"));
    assert_eq!(room.client().get("/api/v1/devices/HEATER/why").status, 400);
}

#[test]
fn an_old_request_is_found_behind_many_events() {
    let room = told();
    for n in 0..20_000 {
        room.host.add(reading(&format!("r{n}"), 20.0), None);
    }
    let reply = room.client().get("/api/v1/devices/exhaust/why").json();
    assert_eq!(seqs(&reply), [1, 2, 3, 4]);
}

#[test]
fn related_events_come_with_their_pattern() {
    let room = told();
    let reply = room.client().get("/api/v1/events/2/related");
    assert_eq!(reply.status, 200);
    assert_eq!(reply.json()["pattern"], "climate_swing");
    assert_eq!(room.client().get("/api/v1/events/77/related").status, 404);
    let third = room.client().get("/api/v1/events/3/related").json();
    assert_eq!(seqs(&third), [2]);
}
