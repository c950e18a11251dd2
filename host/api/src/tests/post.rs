//! Events in: every status code, and that nothing is taken of what is refused as a whole.

use std::io::Write;
use std::sync::mpsc;
use std::time::Duration;

use growbox_model::Speaker;
use growbox_model::row::Answer;
use serde_json::{Value, json};

use super::client::read_reply;
use super::memory::Mood;
use super::{DEADLINE, Room, reading};
use crate::{Limits, Wait};

const EVENTS: &str = "/api/v1/events";

#[test]
fn object_array_and_lines_are_taken() {
    let room = Room::new();
    let one = room.client().post_json(EVENTS, &reading("a", 20.0));
    assert_eq!(one.status, 202);
    let expected = json!({"results": [{"index": 0, "id": "a", "status": "accepted", "seq": 1}]});
    assert_eq!(one.json(), expected);
    let two = json!([reading("b", 20.0), reading("c", 21.0)]);
    let two = room.client().post_json(EVENTS, &two).json();
    assert_eq!(two["results"][1]["seq"], 3);
    let lines = format!("{}\n\r\n\n{}", reading("d", 1.0), reading("e", 2.0));
    let client = room
        .client()
        .header("Content-Type", "application/x-ndjson; charset=utf-8");
    let lines = client.post(EVENTS, lines);
    assert_eq!(lines.status, 202);
    assert_eq!(lines.json()["results"].as_array().unwrap().len(), 2);
    assert_eq!(room.host.count(), 5);
}

#[test]
fn what_is_refused_keeps_its_place_and_its_id() {
    let room = Room::new();
    let mut wrong = reading("wrong", 1.0);
    wrong["type"] = json!("sensor.temprature");
    let body = json!([reading("a", 1.0), wrong, 7, reading("b", 2.0)]);
    let reply = room.client().post_json(EVENTS, &body);
    assert_eq!(reply.status, 202);
    let results = &reply.json()["results"];
    assert_eq!(results[1]["status"], "refused");
    assert_eq!(results[1]["id"], "wrong");
    assert_eq!(results[1]["error"]["nearest"], "sensor.temperature");
    assert_eq!(results[2]["error"]["code"], "not_an_object");
    assert_eq!(results[2].get("id"), None);
    assert_eq!(results[3]["seq"], 2);
}

#[test]
fn all_refused_is_422_and_asks_nobody() {
    let room = Room::new();
    let body = json!([{"id": "x", "type": "sensor.temperature"}, {"data": {}}]);
    let reply = room.client().post_json(EVENTS, &body);
    assert_eq!(reply.status, 422);
    let results = &reply.json()["results"];
    assert_eq!(results[0]["id"], "x");
    assert_eq!(results[0]["error"]["code"], "missing_data");
    assert_eq!(results[1]["index"], 1);
    assert!(room.host.posts.lock().unwrap().is_empty());
    assert_eq!(room.client().post(EVENTS, "[]").status, 202);
}

#[test]
fn waiting_and_authority_are_passed_on() {
    let room = Room::new();
    let event = reading("a", 1.0);
    let post = |path: &str| room.client().post_json(path, &event).status;
    assert_eq!(post("/api/v1/events?durable=true"), 200);
    assert_eq!(post("/api/v1/events?durable=true&settled=true"), 200);
    assert_eq!(post("/api/v1/events?durable=false"), 202);
    assert_eq!(post("/api/v1/events?durable=maybe"), 400);
    assert_eq!(post("/api/v1/events?durably=true"), 400);
    let operator = room.client().with_token();
    assert_eq!(operator.post_json(EVENTS, &event).status, 202);
    let posts = room.host.posts.lock().unwrap().clone();
    let waits: Vec<Wait> = posts.iter().map(|post| post.1).collect();
    let expected = [Wait::Durable, Wait::Settled, Wait::Accepted, Wait::Accepted];
    assert_eq!(waits, expected);
    assert_eq!(posts[2].0, Speaker::Anyone);
    assert_eq!(posts[3].0, Speaker::Operator);
}

#[test]
fn an_unreadable_body_is_refused_whole() {
    let room = Room::new();
    let good = reading("a", 1.0).to_string();
    let deep = format!("{}{}", "[".repeat(5000), "]".repeat(5000));
    let infinite = good.replace("1.0", "1e999");
    let not_a_number = good.replace("1.0", "NaN");
    for body in [
        "",
        "{",
        "7",
        "\"event\"",
        "[1,",
        &deep,
        &infinite,
        &not_a_number,
        &format!("[{good},]"),
        &format!("{good}{good}"),
        &format!("{good}\n{good}"),
        "\u{feff}{}",
    ] {
        let reply = room.client().post(EVENTS, body);
        assert_eq!(
            (reply.status, reply.code()),
            (400, "unreadable_body".to_owned()),
            "{body:.60}"
        );
    }
    let broken_text = b"{\"type\": \"\xff\"}";
    assert_eq!(room.client().post(EVENTS, broken_text).status, 400);
    assert_eq!(room.host.count(), 0);
    let message = room.client().post(EVENTS, deep).json()["error"]["message"].to_string();
    assert!(message.contains("nested too deeply"), "{message}");
}

#[test]
fn one_broken_line_is_named_and_nothing_is_taken() {
    let room = Room::new();
    let client = room.client().header("Content-Type", "application/x-ndjson");
    let good = reading("a", 1.0);
    let reply = client.post(EVENTS, format!("{good}\n\n{{\"type\": NaN}}\n{good}"));
    assert_eq!(reply.status, 400);
    let message = reply.json()["error"]["message"].to_string();
    assert!(message.contains("line 3 of the body"), "{message}");
    assert_eq!(room.host.count(), 0);
}

#[test]
fn nesting_within_json_but_beyond_an_event_is_that_events_fault() {
    let room = Room::new();
    let mut deep: Value = json!({});
    for _ in 0..90 {
        deep = json!({ "in": deep });
    }
    let mut event = reading("deep", 1.0);
    event["metadata"]["deep"] = deep;
    let reply = room
        .client()
        .post_json(EVENTS, &json!([event, reading("a", 1.0)]));
    assert_eq!(reply.status, 202);
    assert_eq!(reply.json()["results"][0]["error"]["code"], "too_deep");
}

#[test]
fn a_full_log_and_a_stopping_host_say_come_back() {
    let room = Room::new();
    for (mood, code) in [(Mood::Full, "log_full"), (Mood::Stopping, "stopping")] {
        *room.host.mood.lock().unwrap() = mood;
        let reply = room.client().post_json(EVENTS, &reading("a", 1.0));
        assert_eq!((reply.status, reply.code()), (503, code.to_owned()));
        assert!(reply.has_header("retry-after"));
    }
}

#[test]
fn a_host_that_does_not_answer_is_not_waited_for_without_end() {
    let answer_time = Duration::from_millis(50);
    let room = Room::with(
        Limits {
            answer_time,
            ..Limits::default()
        },
        16,
    );
    let (told, asked) = mpsc::channel();
    *room.host.mood.lock().unwrap() = Mood::Silent(told);
    let reply = room.client().post_json(EVENTS, &reading("a", 1.0));
    assert_eq!((reply.status, reply.code()), (503, "no_answer".to_owned()));
    assert!(asked.recv_timeout(DEADLINE).is_ok());
}

#[test]
fn only_so_many_posts_wait_at_once() {
    let limits = Limits {
        posts: 1,
        ..Limits::default()
    };
    let room = Room::with(limits, 16);
    let (told, asked) = mpsc::channel();
    *room.host.mood.lock().unwrap() = Mood::Silent(told);
    let first = room.client();
    let waiting = std::thread::spawn(move || first.post_json(EVENTS, &reading("a", 1.0)).status);
    let answer = asked.recv_timeout(DEADLINE).unwrap();
    let second = room.client().post_json(EVENTS, &reading("b", 1.0));
    assert_eq!(second.code(), "too_many_requests");
    assert_eq!(second.status, 503);
    answer.send(Answer::Posted(Vec::new())).unwrap();
    assert_eq!(waiting.join().unwrap(), 202);
}

#[test]
fn over_eight_mebibytes_is_413_announced_or_not() {
    let room = Room::new();
    // More than sockets hold, so that only a server that reads on can be told all of it.
    let mut body = vec![b' '; 24 << 20];
    body.extend_from_slice(reading("a", 1.0).to_string().as_bytes());
    let length = body.len();
    let head = format!("POST {EVENTS} HTTP/1.1\r\nHost: localhost\r\n");
    let counted = format!("{head}Connection: close\r\nContent-Length: {length}\r\n\r\n");
    let mut stream = room.client().raw(counted.as_bytes());
    stream.write_all(&body).unwrap();
    let reply = read_reply(stream);
    assert_eq!(
        (reply.status, reply.code()),
        (413, "body_too_large".to_owned())
    );
    let chunked = format!("{head}Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n");
    let mut stream = room.client().raw(chunked.as_bytes());
    for part in body.chunks(1 << 20) {
        stream
            .write_all(format!("{:x}\r\n", part.len()).as_bytes())
            .unwrap();
        stream.write_all(part).unwrap();
        stream.write_all(b"\r\n").unwrap();
    }
    stream.write_all(b"0\r\n\r\n").unwrap();
    assert_eq!(read_reply(stream).status, 413);
    let asked = format!("{head}Expect: 100-continue\r\nContent-Length: 10000000\r\n\r\n");
    let stream = room.client().raw(asked.as_bytes());
    assert_eq!(read_reply(stream).status, 413);
    assert_eq!(room.host.count(), 0);
}

#[test]
fn a_body_that_just_fits_is_taken() {
    let room = Room::new();
    let mut body = reading("a", 1.0).to_string().into_bytes();
    body.resize(8 << 20, b' ');
    assert_eq!(room.client().post(EVENTS, &body).status, 202);
    body.push(b' ');
    assert_eq!(room.client().post(EVENTS, &body).status, 413);
}

#[test]
fn of_a_body_cut_short_nothing_is_taken() {
    let room = Room::new();
    let event = reading("a", 1.0).to_string();
    let head = format!("POST {EVENTS} HTTP/1.1\r\nHost: localhost\r\n");
    // Each of them ends where what came so far is a whole event.
    let counted = format!("{head}Content-Length: {}\r\n\r\n{event}", event.len() + 1);
    let length = event.len();
    let chunked = format!("{head}Transfer-Encoding: chunked\r\n\r\n{length:x}\r\n{event}\r\n");
    for said in [counted, chunked] {
        let reply = room.client().say_and_end(said.as_bytes());
        assert_eq!((reply.status, reply.code()), (400, "cut_short".to_owned()));
    }
    assert_eq!(room.host.count(), 0);
}

#[test]
fn a_client_that_stops_half_way_is_let_go() {
    let limits = Limits {
        body_time: Duration::from_millis(50),
        ..Limits::default()
    };
    let room = Room::with(limits, 16);
    let said = format!("POST {EVENTS} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 500\r\n\r\n[");
    let stream = room.client().raw(said.as_bytes());
    let reply = read_reply(stream);
    assert_eq!(
        (reply.status, reply.code()),
        (408, "body_too_slow".to_owned())
    );
}

#[test]
fn bodies_share_a_bounded_room() {
    let limits = Limits {
        all_bodies_bytes: 1000,
        ..Limits::default()
    };
    let room = Room::with(limits, 16);
    let many = |count: usize| Value::from(vec![reading("a", 1.0); count]);
    let reply = room.client().post_json(EVENTS, &many(20));
    assert_eq!(
        (reply.status, reply.code()),
        (503, "too_many_bytes".to_owned())
    );
    for _ in 0..20 {
        assert_eq!(room.client().post_json(EVENTS, &many(2)).status, 202);
    }
}

#[test]
fn ten_thousand_events_fit_and_too_many_do_not() {
    let room = Room::new();
    let many = |count: usize| Value::from(vec![reading("same", 1.0); count]).to_string();
    let reply = room.client().post(EVENTS, many(10_000));
    assert_eq!(reply.status, 202);
    assert_eq!(reply.json()["results"][9_999]["seq"], 10_000);
    let zeros = format!("[{}0]", "0,".repeat(Limits::default().events));
    let reply = room.client().post(EVENTS, zeros);
    assert_eq!(
        (reply.status, reply.code()),
        (413, "too_many_events".to_owned())
    );
    let lines = "0\n".repeat(Limits::default().events + 1);
    let client = room.client().header("Content-Type", "application/x-ndjson");
    assert_eq!(client.post(EVENTS, lines).code(), "too_many_events");
    assert_eq!(room.host.count(), 10_000);
}

#[test]
fn a_compressed_body_is_not_guessed_at() {
    let room = Room::new();
    let client = room.client().header("Content-Encoding", "gzip");
    let reply = client.post(EVENTS, b"\x1f\x8b");
    assert_eq!(
        (reply.status, reply.code()),
        (415, "unsupported_encoding".to_owned())
    );
}

#[test]
fn stdin_speaks_with_the_token_only() {
    let room = Room::new();
    let path = "/api/v1/events?edge=stdin";
    let refused = room.client().post_json(path, &reading("a", 20.0));
    assert_eq!(refused.status, 401, "{refused:?}");
    let taken = room
        .client()
        .with_token()
        .post_json(path, &reading("a", 20.0));
    assert_eq!(taken.status, 202, "{taken:?}");
    let events = room.client().get("/api/v1/events").json();
    assert_eq!(events["events"][0]["source"], "stdin");
    let unknown = room
        .client()
        .post_json("/api/v1/events?edge=stdn", &reading("b", 20.0));
    assert_eq!(
        (unknown.status, unknown.json()["error"]["nearest"].as_str()),
        (400, Some("stdin"))
    );
}
