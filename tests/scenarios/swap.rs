//! A plug-in's file is replaced while events flow: nothing is lost, and a broken one changes nothing.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use growbox_tests::{Client, Room, guest};
use serde_json::{Value, json};

use crate::office;

const ROOM: &str = r#"
[zone.tent]
stage = "mid-veg"

[plugin.counting]
file = "{folder}/counting.wasm"
"#;

/// Readings of one request.
const REQUEST: usize = 20;

/// Ends the feeding, also where an assertion fails: else the test would wait for ever.
struct Ending<'a>(&'a AtomicBool);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

#[test]
fn a_replaced_file_takes_over_between_two_batches() {
    let room = Room::new(ROOM);
    let file = room.path().join("counting.wasm");
    let code = fs::read(guest("counting")).expect("the guest is there");
    fs::write(&file, &code).expect("the folder is writable");
    let host = room.start();
    let client = host.client();
    let over = AtomicBool::new(false);
    let posted = std::thread::scope(|scope| {
        let feeding = scope.spawn(|| feed(&host.stranger(), &over));
        let ending = Ending(&over);
        replace(&file, &another(&code, 1));
        let swapped = client.wait_event("type=plugin.swapped", |_| true);
        assert_eq!(swapped["data"]["plugin"], "counting");
        replace(&file, &code[..code.len() / 2]);
        let refused = client.wait_event("type=plugin.refused", |_| true);
        let reason = refused["data"]["reason"].as_str().expect("a reason");
        assert!(reason.len() > 20, "{refused:#}");
        println!("refused: {reason}");
        fs::write(&file, another(&code, 2)).expect("the folder is writable");
        client.wait_event("type=plugin.swapped", |event| {
            event["seq"] != swapped["seq"]
        });
        drop(ending);
        feeding.join().expect("the client has not failed")
    });
    println!("{posted} readings over two swaps");
    let row = client.row("plugins", "counting");
    assert_eq!(
        (&row["state"], &row["generation"]),
        (&json!("running"), &json!(3)),
        "{row:#}"
    );
    client.settle(&[reading(posted)]);
    let log = client.events("");
    let readings = |event: &&Value| event["type"] == "sensor.temperature";
    assert_eq!(log.iter().filter(readings).count(), posted + 1);
    assert_eq!(host.terminate().code(), Some(0));
    office::counted(&room, &log);
}

#[test]
fn a_broken_file_leaves_the_old_one_running() {
    let room = Room::new(ROOM);
    let file = room.path().join("counting.wasm");
    let code = fs::read(guest("counting")).expect("the guest is there");
    fs::write(&file, &code).expect("the folder is writable");
    let host = room.start();
    let client = host.client();
    client.settle(&[reading(0)]);
    fs::write(&file, b"no component at all").expect("the folder is writable");
    client.wait_event("type=plugin.refused", |_| true);
    client.settle(&[reading(1), reading(2)]);
    let row = client.row("plugins", "counting");
    assert_eq!(
        (&row["state"], &row["generation"]),
        (&json!("running"), &json!(1)),
        "{row:#}"
    );
    let why = row["why"].as_str().expect("a reason");
    assert!(why.contains("refused"), "{row:#}");
    assert!(client.events("type=plugin.swapped").is_empty());
    let log = client.events("");
    assert_eq!(host.terminate().code(), Some(0));
    office::counted(&room, &log);
}

/// Posts until it is over; how many readings that were.
fn feed(client: &Client, over: &AtomicBool) -> usize {
    let mut posted = 0;
    while !over.load(Ordering::Acquire) {
        let events: Vec<Value> = (posted..posted + REQUEST).map(reading).collect();
        for result in client.post("/api/v1/events", &json!(events)).results(202) {
            assert_eq!(result["status"], "accepted", "{result}");
        }
        posted += REQUEST;
    }
    posted
}

pub(crate) fn reading(number: usize) -> Value {
    let value = 20.0 + f64::from(u32::try_from(number % 100).expect("small")) / 20.0;
    json!({"id": format!("r{number}"), "type": "sensor.temperature",
        "data": {"sensor_id": "canopy", "value": value}, "metadata": {"zone": "tent"}})
}

/// The same code as another file: a custom section that nobody reads.
fn another(code: &[u8], mark: u8) -> Vec<u8> {
    let name = b"mark";
    let size = u8::try_from(1 + name.len() + 1).expect("small");
    let mut other = code.to_vec();
    other.extend([0, size, 4]);
    other.extend(name);
    other.push(mark);
    other
}

/// A new file takes the old one's name, as installers do.
pub(crate) fn replace(file: &Path, code: &[u8]) {
    let fresh: PathBuf = file.with_extension("new");
    fs::write(&fresh, code).expect("the folder is writable");
    fs::rename(&fresh, file).expect("the folder is writable");
}
