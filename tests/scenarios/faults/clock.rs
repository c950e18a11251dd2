//! Clocks that lie: the wall's jumps a day forth and back, and the machine has booted anew.

use std::fs;

use growbox_tests::{Host, Outside, Room, until};
use serde_json::{Value, json};

const ROOM: &str = r#"
[zone.tent]
operation = "control"
[device]
lamp = { zone = "tent", role = "other", switched = true, min_on = 0, min_off = 3, output = "unix:{folder}/room.sock#lamp" }
valve = { zone = "tent", role = "other", switched = true, min_on = 0, min_off = 0, output = "unix:{folder}/room.sock#valve" }
"#;

/// A room whose wall clock is moved by what is written into the file `shift`.
fn room() -> (Room, Outside) {
    let room = Room::new(ROOM);
    let outside = Outside::new(&room.path().join("room.sock"), &["lamp", "valve"], 1.0);
    (room, outside)
}

/// A host of this boot.
fn start(room: &Room, boot: &str) -> Host {
    let mut run = room.run();
    run.env("GROWBOX_WALL_SHIFT", room.path().join("shift"))
        .env("GROWBOX_BOOT_ID", boot);
    room.start_as(run)
}

pub(super) fn shift(room: &Room, seconds: i64) {
    let fresh = room.path().join("shift.new");
    fs::write(&fresh, seconds.to_string()).expect("the folder is writable");
    fs::rename(&fresh, room.path().join("shift")).expect("the folder is writable");
}

fn set(host: &Host, device: &str, level: f64, seconds: u64) {
    let set = json!({"level": level, "for": seconds, "who": "ann", "reason": "a test"});
    let path = format!("/api/v1/devices/{device}/set");
    let _ = host.client().post(&path, &set).expect(200);
}

#[test]
fn a_day_forth_and_back_ends_nothing_early_or_late() {
    const DAY: i64 = 86_400;
    let (room, outside) = room();
    let host = start(&room, "one");
    let hold = json!({"level": 1.0, "for": 600, "who": "ann", "reason": "a test"});
    let held = host.client().post("/api/v1/devices/lamp/hold", &hold);
    let _ = held.expect(200);
    until("the lamp to be on", || {
        (outside.level("lamp") == 1.0).then_some(())
    });
    for seconds in [DAY, -DAY, 0] {
        set(&host, "valve", 1.0, 2);
        until("the valve to be on", || {
            (outside.level("valve") == 1.0).then_some(())
        });
        let then = outside.now();
        shift(&room, seconds);
        until("the valve to be off", || {
            (outside.level("valve") == 0.0).then_some(())
        });
        let lasted = outside.now() - then;
        assert!((1.0..20.0).contains(&lasted), "2 s lasted {lasted} s");
        assert_eq!(outside.level("lamp"), 1.0, "it is held for ten minutes");
    }
    let told = host
        .client()
        .wait_event("type=system.clock.jumped", |_| true);
    let offset = told["data"]["offset_seconds"].as_f64().expect("a number");
    assert!((offset - 86_400.0).abs() < 60.0, "{told}");
    assert_eq!(host.terminate().code(), Some(0));
}

/// What the gate says to switching the lamp on now.
fn verdict(host: &Host) -> Value {
    set(host, "lamp", 1.0, 60);
    let answered = |event: &Value| {
        let kind = event["type"].as_str().unwrap_or_default();
        kind.ends_with(".granted") || kind.ends_with(".dampened")
    };
    let events = host.client().events("type=device.action.*&device=lamp");
    let newest = events.into_iter().rev().find(answered);
    newest.expect("what is set is judged before it is answered")
}

#[test]
fn another_boot_makes_every_protected_device_rest_first() {
    let (room, outside) = room();
    let host = start(&room, "one");
    until("the lamp to have rested", || {
        (outside.now() > 4.0).then_some(())
    });
    set(&host, "lamp", 1.0, 1);
    until("the lamp to be on", || {
        (outside.level("lamp") == 1.0).then_some(())
    });
    set(&host, "lamp", 0.0, 1);
    until("the lamp to be off", || {
        (outside.level("lamp") == 0.0).then_some(())
    });
    let off = outside.now();
    until("the lamp to have rested", || {
        (outside.now() > off + 4.0).then_some(())
    });
    assert_eq!(host.terminate().code(), Some(0));

    let host = start(&room, "one");
    assert_eq!(verdict(&host)["type"], "device.action.granted");
    until("the lamp to be on", || {
        (outside.level("lamp") == 1.0).then_some(())
    });
    assert_eq!(host.terminate().code(), Some(0));
    let off = outside.now();
    until("the lamp to have rested", || {
        (outside.now() > off + 4.0).then_some(())
    });

    let host = start(&room, "two");
    let before = outside.now();
    until("the lamp to be on after all", || {
        set(&host, "lamp", 1.0, 60);
        (outside.level("lamp") == 1.0).then_some(())
    });
    let rested = outside.now() - before;
    assert!(rested > 1.5, "it rested only {rested} s after another boot");
    assert_eq!(host.terminate().code(), Some(0));
}

#[test]
fn a_clock_set_forth_between_two_hosts_lets_nothing_rest_that_has_not_rested() {
    let (room, outside) = room();
    let host = start(&room, "one");
    until("the lamp to have rested", || {
        (outside.now() > 4.0).then_some(())
    });
    set(&host, "lamp", 1.0, 60);
    until("the lamp to be on", || {
        (outside.level("lamp") == 1.0).then_some(())
    });
    assert_eq!(host.terminate().code(), Some(0));
    assert_eq!(outside.level("lamp"), 0.0);
    shift(&room, 86_400);
    let host = start(&room, "one");
    assert_eq!(verdict(&host)["type"], "device.action.dampened");
    until("the lamp to be on after all", || {
        set(&host, "lamp", 1.0, 60);
        (outside.level("lamp") == 1.0).then_some(())
    });
    let record = outside.record();
    let switched = |level: f64| {
        let mut entries = record.iter().rev();
        let wanted =
            growbox_tests::What::Switched("lamp".to_owned(), level, growbox_tests::By::Order);
        let entry = entries.find(|entry| entry.what == wanted);
        entry.map(|entry| entry.at).expect("it was switched")
    };
    let rested = switched(1.0) - switched(0.0);
    assert!(rested >= 2.99, "it rested {rested} s");
    assert_eq!(host.terminate().code(), Some(0));
}
