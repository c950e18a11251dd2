//! Bodies that are too long, cut short, or packed.

use std::io::Write as _;

use growbox_tests::with_seq;
use serde_json::{Value, json};

use super::victim::{POST, Victim, reading, temperature, with};
use super::wire;

const LINES: (&str, &str) = ("Content-Type", "application/x-ndjson");

#[test]
fn ten_megabytes_are_refused_whole() {
    let victim = Victim::tent();
    let good = format!("[{},", reading(20.0)).into_bytes();
    let long = [good, vec![b' '; 10_000_000]].concat();
    let heard = victim.takes_nothing(|| victim.post(&long));
    let message = heard.refused(413, "body_too_large");
    assert!(
        message.contains("8388608") && message.ends_with("nothing was taken"),
        "{message}"
    );
}

/// Whoever announces no length is cut off where the bound is.
#[test]
fn ten_megabytes_in_chunks_are_refused_whole() {
    let victim = Victim::tent();
    let chunk = [
        reading(20.0).to_string().into_bytes(),
        b"\n".repeat(100_000),
    ]
    .concat();
    let headers = [LINES, ("Transfer-Encoding", "chunked")];
    let mut bytes = wire::head(victim.address(), POST, &headers).into_bytes();
    bytes.extend_from_slice(b"\r\n");
    for _ in 0..100 {
        bytes.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
        bytes.extend_from_slice(&chunk);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(b"0\r\n\r\n");
    let heard = victim.takes_nothing(|| wire::say(victim.address(), &bytes));
    heard.refused(413, "body_too_large");
}

/// The half that came would be good by itself: whole lines, whole chunks.
#[test]
fn a_client_that_stops_half_way_has_said_nothing() {
    let victim = Victim::tent();
    let to = victim.address();
    let line = format!("{}\n", reading(20.0));
    let array = format!("[{},{}]", reading(20.0), reading(21.0));
    let halves = [
        (vec![("Content-Length", "100000")], array.clone()),
        (vec![("Content-Length", "1000"), LINES], line.repeat(2)),
        (
            vec![("Transfer-Encoding", "chunked"), LINES],
            format!("{:x}\r\n{line}\r\n", line.len()),
        ),
        (
            vec![("Content-Length", "1000")],
            array[..array.len() / 2].to_owned(),
        ),
    ];
    for (headers, half) in halves {
        let request = format!("{}\r\n{half}", wire::head(to, POST, &headers));
        let heard = victim.takes_nothing(|| wire::cut(to, request.as_bytes()));
        let message = heard.refused(400, "cut_short");
        assert!(message.ends_with("nothing was taken"), "{message}");
        // The same, gone without a word.
        let gone = || wire::open(to).write_all(request.as_bytes());
        victim.takes_nothing(gone).expect("the host listens");
    }
}

#[test]
fn what_is_no_http_disturbs_nobody() {
    let victim = Victim::tent();
    let to = victim.address();
    let heads = "X: y\r\n".repeat(100_000);
    for bytes in [
        b"\x16\x03\x01\x02\x00hello".to_vec(),
        b"GET".to_vec(),
        vec![0; 100_000],
        format!("GET / HTTP/1.1\r\n{heads}\r\n").into_bytes(),
        format!("GET /{} HTTP/1.1\r\n\r\n", "a".repeat(1_000_000)).into_bytes(),
    ] {
        let heard = victim.takes_nothing(|| wire::cut(to, &bytes));
        assert!(heard.status == 0 || heard.status >= 400, "{heard:?}");
    }
    let held: Vec<_> = (0..50).map(|_| wire::open(to)).collect();
    victim.well();
    drop(held);
}

#[test]
fn a_packed_body_is_refused() {
    let victim = Victim::tent();
    let packed = [("Content-Encoding", "gzip")];
    let post = || wire::call(victim.address(), POST, &packed, b"\x1f\x8b");
    let heard = victim.takes_nothing(post);
    heard.refused(415, "unsupported_encoding");
}

#[test]
fn ten_thousand_events_in_one_request_are_fine() {
    let victim = Victim::tent();
    let events: Vec<Value> = (0..10_000).map(|i| reading(f64::from(i % 30))).collect();
    let post = || {
        victim
            .host
            .stranger()
            .post("/api/v1/events", &json!(events))
    };
    let (taken, answer) = victim.taken(post);
    assert_eq!(taken, 10_000);
    let results = answer.results(202);
    let accepted = |result: &Value| result["status"] == "accepted";
    assert!(results.len() == 10_000 && results.iter().all(accepted));
    let numbers: Vec<u64> = results.iter().map(with_seq).collect();
    assert!(numbers.is_sorted_by(|a, b| a < b), "not in order");
}

#[test]
fn what_was_said_before_is_a_duplicate_with_the_number_it_has() {
    let victim = Victim::tent();
    let event = with(reading(20.0), "id", json!("once"));
    let first = victim.result(&event);
    assert_eq!(first["status"], "accepted", "{first}");
    let again = victim.takes_nothing(|| victim.result(&event));
    assert_eq!(again["status"], "duplicate", "{again}");
    assert_eq!(with_seq(&again), with_seq(&first), "{again}");
    // The same id of another source is another event.
    let mut other = with(temperature("elsewhere", &json!(20)), "id", json!("once"));
    other["metadata"]["source"] = json!("esp");
    assert_eq!(victim.result(&other)["status"], "accepted");
    // Within one request too, and across a crash.
    let twins = [
        with(reading(1.0), "id", json!("twin")),
        with(reading(1.0), "id", json!("twin")),
    ];
    let path = "/api/v1/events?durable=true";
    let results = victim
        .host
        .stranger()
        .post(path, &json!(twins))
        .results(200);
    assert_eq!(results[1]["status"], "duplicate", "{results:?}");
    let room = victim.room;
    victim.host.kill();
    let victim = Victim {
        host: room.start(),
        room,
    };
    let after = victim.takes_nothing(|| victim.result(&twins[0]));
    assert_eq!(after["status"], "duplicate", "{after}");
    assert_eq!(with_seq(&after), with_seq(&results[0]), "{after}");
}
