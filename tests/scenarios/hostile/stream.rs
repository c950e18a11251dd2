//! Clients of the stream that fall off and come back.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;

use serde_json::{Value, json};

use super::victim::{Victim, temperature};
use super::wire;

const STREAM: &str = "GET /api/v1/events/stream?type=sensor.temperature";

/// A listener of temperatures.
struct Listener(BufReader<TcpStream>);

impl Listener {
    fn new(victim: &Victim, headers: &[(&str, &str)]) -> Self {
        let mut stream = wire::open(victim.address());
        let head = wire::head(victim.address(), STREAM, headers);
        let asked = stream.write_all(format!("{head}\r\n").as_bytes());
        asked.expect("the host listens");
        let mut listener = Self(BufReader::new(stream));
        assert!(listener.line().contains("200"), "no stream");
        listener
    }

    #[track_caller]
    fn line(&mut self) -> String {
        let mut line = String::new();
        let read = self.0.read_line(&mut line).expect("before the deadline");
        assert!(read > 0, "the stream ended");
        line
    }

    /// The next event: its `id`, `event` and `data`.
    #[track_caller]
    fn next(&mut self) -> (u64, String, Value) {
        let mut told = (0, String::new(), Value::Null);
        loop {
            let line = self.line();
            match line.trim_end().split_once(": ") {
                Some(("id", id)) => told.0 = id.parse().expect("a number"),
                Some(("event", kind)) => told.1 = kind.to_owned(),
                Some(("data", data)) => told.2 = serde_json::from_str(data).expect("JSON"),
                _ if line.trim_end().is_empty() && told.0 > 0 => return told,
                _ => {}
            }
        }
    }
}

#[test]
fn a_client_that_fell_off_misses_nothing_and_hears_nothing_twice() {
    let victim = Victim::tent();
    let said = |i: i32| temperature("canopy", &json!(i));
    victim.host.stranger().settle(&[said(1), said(2)]);
    let all = victim.host.stranger().events("type=sensor.temperature");
    let first = all[0]["seq"].to_string();
    let mut listener = Listener::new(&victim, &[("Last-Event-ID", &first)]);
    let (id, kind, event) = listener.next();
    assert_eq!(
        (json!(id), kind.as_str()),
        (event["seq"].clone(), "sensor.temperature")
    );
    assert_eq!(event["data"]["value"], 2.0, "{event}");
    victim.host.stranger().settle(&[said(3)]);
    let (last, _, event) = listener.next();
    assert_eq!(event["data"]["value"], 3.0, "{event}");
    drop(listener);
    let missed: Vec<Value> = (4..304).map(said).collect();
    victim.host.stranger().settle(&missed);
    let mut again = Listener::new(&victim, &[("Last-Event-ID", &last.to_string())]);
    victim.host.stranger().settle(&[said(304)]);
    let mut before = last;
    for value in 4..=304 {
        let (id, _, event) = again.next();
        assert_eq!(event["data"]["value"], f64::from(value), "{event}");
        assert!(id > before, "{id} after {before}");
        before = id;
    }
    victim.well();
}

#[test]
fn a_place_that_is_none_is_refused() {
    let victim = Victim::tent();
    for place in ["x", "-1", "1.5"] {
        let heard = wire::call(victim.address(), STREAM, &[("Last-Event-ID", place)], b"");
        let message = heard.refused(400, "bad_last_event_id");
        assert!(message.contains("Last-Event-ID"), "{message}");
    }
    victim.well();
}

/// Fifty who listen and never read: nobody waits for them.
#[test]
fn listeners_that_never_read_hold_nobody_up() {
    let victim = Victim::tent();
    let deaf: Vec<Listener> = (0..50).map(|_| Listener::new(&victim, &[])).collect();
    let note = "x".repeat(4000);
    let mut event = temperature("canopy", &json!(20));
    event["metadata"]["note"] = json!(note);
    for _ in 0..3 {
        let answer = victim
            .host
            .stranger()
            .post("/api/v1/events", &json!(vec![event.clone(); 500]));
        assert_eq!(answer.results(202).len(), 500);
    }
    victim.well();
    drop(deaf);
    victim.well();
}
