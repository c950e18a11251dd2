//! The live stream over a killed connection and a killed host: `Last-Event-ID` resumes without gap or double.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;

use growbox_tests::{DEADLINE, Host, Room, with_seq};
use serde_json::{Value, json};

const ROOM: &str = "[zone.tent]\nstage = \"mid-veg\"\n";

/// A plain client of the stream, which can be dropped at any instant.
struct Stream(BufReader<TcpStream>);

#[derive(Debug, PartialEq)]
struct Frame {
    id: u64,
    kind: String,
    data: Value,
}

impl Stream {
    fn open(host: &Host, query: &str, last: Option<u64>) -> Self {
        let address = host.address();
        let mut socket = TcpStream::connect(address).expect("the host listens");
        socket.set_read_timeout(Some(DEADLINE)).expect("a socket");
        let resume = last.map_or(String::new(), |last| format!("Last-Event-ID: {last}\r\n"));
        write!(
            socket,
            "GET /api/v1/events/stream?{query} HTTP/1.0\r\nHost: {address}\r\n{resume}\r\n"
        )
        .expect("it reads");
        let mut lines = BufReader::new(socket);
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert_ne!(lines.read_line(&mut head).expect("an answer"), 0, "{head}");
        }
        assert!(
            head.contains(" 200 ") && head.to_lowercase().contains("text/event-stream"),
            "{head}"
        );
        Self(lines)
    }

    fn next(&mut self) -> Frame {
        let (mut id, mut kind, mut data) = (0, String::new(), Value::Null);
        loop {
            let mut line = String::new();
            assert_ne!(
                self.0.read_line(&mut line).expect("it goes on"),
                0,
                "the stream ended"
            );
            match line.trim_end().split_once(": ") {
                Some(("id", text)) => id = text.parse().expect("a number"),
                Some(("event", text)) => text.clone_into(&mut kind),
                Some(("data", text)) => data = serde_json::from_str(text).expect("JSON"),
                _ if line.trim_end().is_empty() && id > 0 => return Frame { id, kind, data },
                _ => {}
            }
        }
    }
}

fn post(host: &Host, count: u32) {
    let event = |number| {
        json!({"type": "sensor.temperature", "metadata": {"zone": "tent"},
        "data": {"sensor_id": "canopy", "value": 20 + number % 5}})
    };
    let events: Vec<Value> = (0..count).map(event).collect();
    let answer = host
        .stranger()
        .post("/api/v1/events?durable=true", &json!(events));
    let results = answer.results(200);
    assert!(
        results.iter().all(|result| result["status"] == "accepted"),
        "{results:#?}"
    );
}

#[test]
fn a_stream_resumes_over_a_lost_connection_and_a_restart() {
    let room = Room::new(ROOM);
    let host = room.start();
    post(&host, 5);
    let mut stream = Stream::open(&host, "type=sensor.*&after=0", None);
    let mut seen: Vec<Frame> = (0..3).map(|_| stream.next()).collect();
    let last = |seen: &[Frame]| seen.last().map(|frame| frame.id);
    drop(stream);
    post(&host, 4);
    let mut stream = Stream::open(&host, "type=sensor.*", last(&seen));
    seen.extend((0..4).map(|_| stream.next()));
    host.kill();

    let host = room.start();
    let mut stream = Stream::open(&host, "type=sensor.*", last(&seen));
    post(&host, 6);
    seen.extend((0..8).map(|_| stream.next()));
    let log = host.client().events("type=sensor.*");
    assert_eq!(log.len(), 15);
    let told: Vec<u64> = seen.iter().map(|frame| frame.id).collect();
    let logged: Vec<u64> = log.iter().map(with_seq).collect();
    assert_eq!(told, logged, "each once, in order");
    for (frame, event) in seen.iter().zip(&log) {
        assert_eq!(json!(frame.kind), event["type"]);
        assert_eq!(frame.data["data"], event["data"]);
        assert_eq!(
            frame.data["metadata"]["zone_context"]["stage"], "mid-veg",
            "{frame:?}"
        );
    }
}

#[test]
fn a_number_that_is_none_is_refused_and_one_to_come_waits() {
    let room = Room::new(ROOM);
    let host = room.start();
    let wrong = host.client().get("/api/v1/events/stream?after=soon");
    assert_eq!(wrong.status, 400, "{}", wrong.body);
    assert_eq!(host.client().get("/api/v1/events/stream?typ=x").status, 400);
    let newest = with_seq(host.client().events("").last().expect("a start"));
    let mut stream = Stream::open(&host, "type=sensor.*", Some(newest));
    post(&host, 1);
    assert!(stream.next().id > newest);
}
