//! The stream: no gap, no double, whatever happens to the connection.

use std::io::Read;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;

use super::{DEADLINE, Room, reading};
use crate::Limits;

const STREAM: &str = "/api/v1/events/stream";

#[test]
fn live_events_come_with_number_type_and_context() {
    let room = Room::new();
    room.host.add(reading("before", 1.0), None);
    let mut stream = room.client().stream(STREAM);
    room.host.add(reading("after", 2.0), None);
    let frame = stream.next().unwrap();
    assert_eq!((frame.seq, frame.kind.as_str()), (2, "sensor.temperature"));
    assert_eq!(frame.data["id"], "after");
    assert_eq!(
        frame.data["metadata"],
        json!({"zone": "tent", "zone_context": {"stage": "flower"}})
    );
}

#[test]
fn it_begins_in_the_log_where_it_is_told() {
    let room = Room::new();
    for n in 0..1_500 {
        room.host.add(reading(&format!("r{n}"), 1.0), None);
    }
    let from = "?from=2026-01-01T00:00:00Z";
    for (path, id, first) in [
        ("?after=3", "", 4),
        ("?after=3", "7", 8),
        ("", "1499", 1500),
        (from, "", 1),
    ] {
        let client = match id {
            "" => room.client(),
            id => room.client().header("Last-Event-ID", id),
        };
        let mut stream = client.stream(&format!("{STREAM}{path}"));
        for expected in first..=1_500 {
            assert_eq!(stream.next().unwrap().seq, expected);
        }
    }
    let wrong = room.client().header("Last-Event-ID", "e7").get(STREAM);
    assert_eq!(
        (wrong.status, wrong.code()),
        (400, "bad_last_event_id".to_owned())
    );
}

/// Events flow while a client with far too little room reads, goes away and comes back.
#[test]
fn nothing_is_lost_or_doubled_over_lags_and_reconnections() {
    const EVENTS: u64 = 8_000;
    let room = Room::with(Limits::default(), 4);
    let host = Arc::clone(&room.host);
    let flow = std::thread::spawn(move || {
        for n in 0..EVENTS {
            host.add(reading(&format!("r{n}"), 1.0), None);
        }
    });
    let mut seen = 0;
    while seen < EVENTS {
        let client = room.client().header("Last-Event-ID", &seen.to_string());
        let mut stream = client.stream(STREAM);
        for _ in 0..(EVENTS - seen).min(1_700) {
            assert_eq!(stream.next().unwrap().seq, seen + 1);
            seen += 1;
        }
    }
    flow.join().unwrap();
}

#[test]
fn a_reader_that_never_saw_anything_still_misses_nothing() {
    let room = Room::with(Limits::default(), 2);
    room.host.add(reading("before", 1.0), None);
    let mut stream = room
        .client()
        .stream(&format!("{STREAM}?type=sensor.temperature"));
    for n in 0..200 {
        room.host.add(reading(&format!("r{n}"), 1.0), None);
    }
    for expected in 2..=201 {
        assert_eq!(stream.next().unwrap().seq, expected);
    }
}

#[test]
fn filters_hold_for_log_and_live() {
    let room = Room::new();
    let humidity = |id: &str| json!({"id": id, "type": "sensor.humidity", "data": {"sensor_id": "h", "value": 50}});
    room.host.add(reading("a", 1.0), None);
    room.host.add(humidity("b"), None);
    let mut stream = room
        .client()
        .stream(&format!("{STREAM}?after=0&type=sensor.humidity&limit=2"));
    assert_eq!(stream.next().unwrap().seq, 2);
    room.host.add(reading("c", 1.0), None);
    room.host.add(humidity("d"), None);
    assert_eq!(stream.next().unwrap().seq, 4);
    assert!(stream.next().is_none());
    assert_eq!(
        room.client().get(&format!("{STREAM}?type=nothing")).status,
        400
    );
}

#[test]
fn a_quiet_stream_says_that_it_lives() {
    let limits = Limits {
        keep_alive: Duration::from_millis(10),
        ..Limits::default()
    };
    let room = Room::with(limits, 16);
    let mut stream = room.client().stream(STREAM);
    assert_eq!(stream.line().as_deref(), Some(":"));
}

#[test]
fn only_so_many_streams_are_open() {
    let limits = Limits {
        streams: 1,
        ..Limits::default()
    };
    let room = Room::with(limits, 16);
    let _open = room.client().stream(STREAM);
    let second = room.client().get(STREAM);
    assert_eq!(
        (second.status, second.code()),
        (503, "too_many_requests".to_owned())
    );
}

#[test]
fn streams_end_with_the_host() {
    let limits = Limits {
        farewell: DEADLINE,
        ..Limits::default()
    };
    let mut room = Room::with(limits, 16);
    let mut stream = room.client().stream(STREAM);
    let begun = Instant::now();
    room.close();
    assert!(begun.elapsed() < DEADLINE, "it was cut off, not ended");
    assert!(stream.next().is_none());
}

#[test]
fn a_silent_connection_is_let_go_and_its_place_is_free_again() {
    let limits = Limits {
        connections: 1,
        idle: Duration::from_millis(50),
        ..Limits::default()
    };
    let room = Room::with(limits, 16);
    let mut silent = room.client().raw(b"GET / HT");
    assert_eq!(room.client().get("/api/v1/live").status, 200);
    let mut said = Vec::new();
    drop(silent.read_to_end(&mut said)); // closed or reset: either way it ends
    assert!(said.is_empty());
}
