//! Disks that take nothing: read-only, or full.

use std::fs::{self, File};
use std::io::Write as _;
use std::net::SocketAddr;

use growbox_tests::{Room, until};
use serde_json::{Value, json};

use super::mounted::{self, Mounted};
use super::victim::{POST, TENT, reading};
use super::wire;
use crate::faults::far_room::FarRoom;

/// So long a dose is waited for that must not come, in seconds of the room.
const STRETCH: f64 = 30.0;

#[test]
fn a_read_only_data_directory_is_refused() {
    if !mounted::possible("a_read_only_data_directory_is_refused") {
        return;
    }
    let room = Room::new(TENT);
    assert_eq!(room.start().terminate().code(), Some(0));
    let lived_in = "mount --bind \"$0\" \"$0\" && mount -o remount,ro,bind \"$0\"";
    let empty = "mount -t tmpfs -o ro tmpfs \"$0\"";
    for script in [lived_in, empty] {
        let ended = mounted::run_to_end(&room, script);
        assert_eq!(ended.code, Some(1), "{ended:?}");
        let data = room.data().display().to_string();
        for word in [data.as_str(), "Read-only", "writable"] {
            assert!(ended.stderr.contains(word), "no {word}: {}", ended.stderr);
        }
        let once = ended.stderr.matches("os error").count() == 1;
        assert!(once, "said twice: {}", ended.stderr);
    }
    // Nothing is broken by it.
    assert_eq!(room.start().terminate().code(), Some(0));
}

/// An event near the bound of its size, which no safety rule watches: so the buffer is full soon.
fn heavy() -> Value {
    let notes = vec!["x".repeat(4000); 15];
    json!({
        "type": "sensor.illuminance",
        "data": {"sensor_id": "lux", "value": 20.0},
        "metadata": {"zone": "tent", "notes": notes},
    })
}

#[test]
fn a_full_disk_refuses_and_what_was_accepted_is_kept() {
    if !mounted::possible("a_full_disk_refuses_and_what_was_accepted_is_kept") {
        return;
    }
    let room = Room::new(TENT);
    let host = Mounted::start(&room, "mount -t tmpfs -o size=256m tmpfs \"$0\"");
    let to = host.address;
    let durable = || {
        let line = "POST /api/v1/events?durable=true";
        wire::call(to, line, &[], reading(20.0).to_string().as_bytes())
    };
    assert_eq!(durable().status, 200);
    let ballast = host.data().join("ballast");
    fill(&ballast);
    let (taken, refused) = fill_buffer(to);
    let mut accepted = 1 + taken;
    let message = refused.refused(503, "log_full");
    assert!(message.contains("full"), "{message}");
    assert!(refused.head.contains("retry-after: "), "{}", refused.head);
    // The host stays up, and says so.
    let get = |path: &str| wire::call(to, &format!("GET {path}"), &[], b"");
    assert_eq!(get("/api/v1/live").status, 200);
    assert_eq!(get("/api/v1/devices").json()["devices"][0]["id"], "heater");
    let health = get("/api/v1/health").json();
    assert_eq!(
        health["components"]["storage"]["status"], "critical",
        "{health}"
    );
    // Space comes back, and so does everything that was accepted.
    fs::remove_file(&ballast).expect("is there");
    until("ingestion to go on", || {
        (durable().status == 200).then(|| accepted += 1)
    });
    let mut logged = 0;
    let mut after = 0;
    loop {
        let path = format!("/api/v1/events?type=sensor.*&limit=1000&after={after}");
        let page = get(&path).json();
        let posted = ["sensor.temperature", "sensor.illuminance"];
        let events = page["events"].as_array().into_iter().flatten();
        logged += events
            .filter(|event| posted.iter().any(|kind| event["type"] == *kind))
            .count();
        match page["next"].as_u64() {
            Some(next) => after = next,
            None => break,
        }
    }
    assert_eq!(logged, accepted, "accepted, and not in the log");
    let health = get("/api/v1/health").json();
    assert_eq!(
        health["components"]["storage"]["status"], "healthy",
        "{health}"
    );
    assert_eq!(host.terminate().code(), Some(0));
}

const PUMP: &str = r#"
[node]
clock = "scaled"
speed = 10
[zone.tent]
operation = "control"
[sensor]
pot = { zone = "tent", source = "unix:{folder}/room.sock#pot", interval = "1min" }
[device]
pump = { zone = "tent", role = "pump", min_off = 0, output = "unix:{folder}/room.sock#pump" }
[plugin.irrigation]
grant = { control = ["pump"] }
[plugin.irrigation.settings.zones.tent]
only_by_day = false
dose = 10
soak = "1min"
soil_moisture_below = 60
"#;

/// A dose is ordered only when its request, its verdict and its place in the day's count are on disk.
#[test]
fn a_full_disk_lets_no_dose_out() {
    if !mounted::possible("a_full_disk_lets_no_dose_out") {
        return;
    }
    let bench = FarRoom::new(PUMP, &["pump"], 10.0);
    let host = Mounted::start(&bench.room, "mount -t tmpfs -o size=256m tmpfs \"$0\"");
    let ballast = host.data().join("ballast");
    fill(&ballast);
    let get = |path: &str| wire::call(host.address, &format!("GET {path}"), &[], b"").json();
    let load = json!(vec![heavy(); 100]).to_string();
    until("the log not to be written any more", || {
        let heard = wire::call(host.address, POST, &[], load.as_bytes());
        assert_eq!(heard.status, 202, "there is room in its memory");
        let health = get("/api/v1/health");
        (health["components"]["storage"]["status"] != "healthy").then_some(())
    });
    assert!(bench.outside.say("pot", "soil_moisture", 30.0));
    until("a plug-in to ask for a dose", || {
        let asked = get("/api/v1/events?type=device.action.granted&device=pump");
        (asked["events"] != json!([])).then_some(())
    });
    let then = bench.outside.now();
    until("the dose to be given if it ever is", || {
        (bench.outside.now() > then + STRETCH).then_some(())
    });
    let given = bench.switches("pump", 0.0);
    assert!(given.is_empty(), "nobody could count it: {given:?}");
    fs::remove_file(&ballast).expect("is there");
    // What waited for too long is not given any more, but asked for anew.
    until("a dose again", || {
        bench.outside.say("pot", "soil_moisture", 30.0);
        (bench.outside.level("pump") == 1.0).then_some(())
    });
    bench.follows("pump", 0.0);
    assert_eq!(host.terminate().code(), Some(0));
}

/// Posts until nothing more is taken; how many events were, and the refusal.
pub(super) fn fill_buffer(to: SocketAddr) -> (usize, wire::Heard) {
    let load = json!(vec![heavy(); 100]).to_string();
    let mut taken = 0;
    let refused = until("ingestion to be refused", || {
        let heard = wire::call(to, POST, &[], load.as_bytes());
        if heard.status == 202 {
            taken += 100;
        }
        (heard.status != 202).then_some(heard)
    });
    (taken, refused)
}

/// The same, for who asks no more.
pub(crate) fn fill_log(to: SocketAddr) {
    let _ = fill_buffer(to).1.refused(503, "log_full");
}

/// Writes until nothing fits any more.
pub(crate) fn fill(path: &std::path::Path) {
    let mut file = File::create(path).expect("writable");
    for block in [1 << 20, 1 << 12, 1] {
        let block = vec![0; block];
        while file.write_all(&block).is_ok() {}
    }
}
