//! The host is killed at random moments while a real room is posted: nothing is lost, nothing twice.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use growbox_tests::{Chance, Client, Gone, Row, until, with_seq};
use serde_json::{Value, json};

use crate::office;

const KILLS: usize = 20;
/// So many of them while the host starts; the others while it is posted to.
const EARLY: usize = 5;
/// A host that is posted to lives for up to so long.
const LIFE: Duration = Duration::from_millis(600);
/// A host that starts lives for up to so long.
const START: Duration = Duration::from_millis(800);
/// Rows of one request.
const REQUEST: u64 = 20;
const LEAF_OFFSET: f64 = -1.5;

/// What client and killer share: the host that lives now, and whether there is an end to it.
#[derive(Default)]
struct Meeting {
    client: Mutex<Option<Client>>,
    over: AtomicBool,
}

impl Meeting {
    fn client(&self) -> Option<Client> {
        self.client.lock().expect("nobody panics here").clone()
    }

    fn set(&self, client: Option<Client>) {
        *self.client.lock().expect("nobody panics here") = client;
    }
}

#[test]
fn twenty_kills_lose_nothing_and_double_nothing() {
    let rows = office::rows();
    let room = office::room();
    let meeting = Meeting::default();
    let mut chance = Chance::new();
    let sizes = chance.another();
    let (host, posted) = std::thread::scope(|scope| {
        let feeding = scope.spawn(|| feed(&meeting, &rows, sizes));
        for kill in 0..KILLS {
            let starting = room.launch();
            if kill % (KILLS / EARLY) == 0 {
                chance.moment(START);
                starting.kill();
                continue;
            }
            let host = starting.ready();
            meeting.set(Some(host.stranger()));
            chance.moment(LIFE);
            meeting.set(None);
            host.kill();
        }
        let host = room.start();
        meeting.over.store(true, Ordering::Release);
        meeting.set(Some(host.stranger()));
        let posted = feeding.join().expect("the client has not failed");
        (host, posted)
    });
    println!("{posted} rows over {KILLS} kills");
    assert!(posted > KILLS, "the kills fell into posts");
    let client = host.client();
    settle(&client, &rows[posted - 1], posted - 1);
    office::is_complete(&client, &office::events(&rows[..posted], 0));
    office::has_every_vpd(&client, &rows[..posted], LEAF_OFFSET);
    let log = client.events("");
    starts_are_told(&log);
    assert_eq!(host.terminate().code(), Some(0));
    office::counted(&room, &log);
}

/// Posts row after row, each request until it is answered as durable; how many rows that were.
fn feed(meeting: &Meeting, rows: &[Row], mut sizes: Chance) -> usize {
    let mut done = 0;
    while !meeting.over.load(Ordering::Acquire) {
        let size = usize::try_from(1 + sizes.below(REQUEST)).expect("small");
        let request = &rows[done..rows.len().min(done + size)];
        assert!(!request.is_empty(), "the recording is long enough");
        let events = json!(office::events(request, done));
        until("an answer that is durable", || answered(meeting, &events));
        done += request.len();
    }
    done
}

/// Whether a host has answered that every event of the request is durable.
fn answered(meeting: &Meeting, events: &Value) -> Option<()> {
    let client = meeting.client()?;
    let answer = match client.try_post("/api/v1/events?durable=true", events) {
        Ok(answer) if answer.status == 503 => return None,
        Ok(answer) => answer,
        Err(Gone(_)) => return None,
    };
    for result in answer.results(200) {
        let status = result["status"].as_str();
        assert!(matches!(status, Some("accepted" | "duplicate")), "{result}");
    }
    Some(())
}

/// Every plug-in has handled all that was posted: a repetition that is settled says so.
fn settle(client: &Client, row: &Row, number: usize) {
    let events = json!(row.events(number));
    let answer = client.post("/api/v1/events?settled=true", &events);
    for result in answer.results(200) {
        assert_eq!(result["status"], "duplicate", "{result}");
    }
}

/// Each start but the first says that numbering jumped, and to where.
fn starts_are_told(log: &[Value]) {
    let started = |event: &&Value| event["type"] == "system.lifecycle.started";
    let starts: Vec<&Value> = log.iter().filter(started).collect();
    assert!(starts.len() > KILLS - EARLY, "{} starts", starts.len());
    for start in &starts[1..] {
        assert_eq!(with_seq(start) % (1 << 20), 0, "{start}");
    }
}
