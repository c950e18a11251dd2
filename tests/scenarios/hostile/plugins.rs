//! Files that are no plug-ins, and plug-ins that misbehave: named with why, while the room works.

use std::fs;

use growbox_tests::{Room, guest, until, with_seq};
use serde_json::{Value, json};

use super::victim::{TENT, Victim, reading};

/// Beside two that behave: what nobody can load. Their files are made by [`spoil`].
const UNUSABLE: [(&str, &[&str]); 7] = [
    ("truncated", &["damaged or cut short"]),
    ("empty", &["no WebAssembly"]),
    ("scribble", &["no WebAssembly"]),
    (
        "bare-module",
        &["core WebAssembly module", "not a component"],
    ),
    (
        "plainworld",
        &["another world", "greet", "growbox:plugin/handler@0.1.0"],
    ),
    ("endless-describe", &["describe", "deadline"]),
    ("misnamed", &["\"counting\"", "\"misnamed\""]),
];

/// What loads well and then misbehaves with the first reading.
const UNRULY: [(&str, &[&str]); 3] = [
    ("trapping", &["trapped"]),
    ("endless-handle", &["handle", "deadline"]),
    ("greedy", &["memory"]),
];

/// A room with all of them.
fn zoo() -> Victim {
    let mut configuration = TENT.to_owned();
    let names = UNUSABLE.iter().chain(&UNRULY).map(|(name, _)| *name);
    for name in names.chain(["counting", "toggler"]) {
        configuration.push_str(&format!(
            "[plugin.{name}]\nfile = \"{{folder}}/{name}.wasm\"\n"
        ));
    }
    configuration.push_str("grant = { control = [\"heater\"] }\n");
    let room = Room::new(&configuration);
    spoil(&room);
    for name in [
        "plainworld",
        "endless-describe",
        "trapping",
        "endless-handle",
        "greedy",
        "toggler",
        "counting",
    ] {
        put(&room, name, &component(name));
    }
    Victim {
        host: room.start(),
        room,
    }
}

fn spoil(room: &Room) {
    let sound = component("counting");
    put(room, "truncated", &sound[..sound.len() / 2]);
    put(room, "empty", b"");
    put(room, "scribble", b"this is a letter, not a program");
    put(room, "bare-module", b"\0asm\x01\0\0\0");
    put(room, "misnamed", &sound);
}

fn component(name: &str) -> Vec<u8> {
    fs::read(guest(name)).expect("a guest can be read")
}

fn put(room: &Room, name: &str, bytes: &[u8]) {
    let fresh = room.path().join(format!("{name}.part"));
    fs::write(&fresh, bytes).expect("the folder is writable");
    let to = room.path().join(format!("{name}.wasm"));
    fs::rename(fresh, to).expect("the folder is writable");
}

fn row(victim: &Victim, name: &str) -> Value {
    victim.host.stranger().row("plugins", name)
}

#[track_caller]
fn says(row: &Value, words: &[&str]) {
    let why = row["why"].as_str().unwrap_or_default();
    for word in words {
        assert!(why.contains(word), "no {word:?} in {row}");
    }
}

#[test]
fn the_bad_are_named_and_the_room_works() {
    let victim = zoo();
    let refused = victim.host.stranger().events("type=plugin.refused");
    for (name, words) in UNUSABLE {
        let row = row(&victim, name);
        assert_ne!(row["state"], "running", "{row}");
        says(&row, words);
        let told = refused.iter().any(|event| event["data"]["plugin"] == name);
        assert!(told, "no plugin.refused of {name}: {refused:?}");
    }
    // The first reading sets the unruly ones off; nobody waits for them.
    for _ in 0..3 {
        victim.well();
    }
    for (name, words) in UNRULY {
        let row = until(&format!("{name} to be given up"), || {
            Some(row(&victim, name)).filter(|row| row["state"] == "quarantined")
        });
        says(&row, words);
        let told = victim.host.stranger().events("type=plugin.quarantined");
        assert!(
            told.iter().any(|event| event["data"]["plugin"] == name),
            "{told:?}"
        );
        victim.well();
    }
    let answer = victim.settled(&reading(21.0));
    assert_eq!(answer["status"], "accepted", "{answer}");
    for name in ["counting", "toggler"] {
        let row = row(&victim, name);
        assert_eq!(row["state"], "running", "{row}");
        assert_eq!(
            (&row["strikes"], &row["behind"]),
            (&json!(0), &json!(0)),
            "{row}"
        );
    }
    // Requests of the good one were judged all the while.
    let readings = victim
        .host
        .stranger()
        .events("type=sensor.temperature")
        .len();
    let requests = victim
        .host
        .stranger()
        .events("type=device.action.requested")
        .len();
    assert_eq!(requests, readings, "a request for each reading");
    let notes = victim.host.stranger().events("type=x.trapping.note");
    assert!(
        notes.is_empty(),
        "a batch that trapped was heard: {notes:?}"
    );
    let health = victim.host.stranger().get("/api/v1/health").expect(200);
    let why = health["components"]["plugins"]["why"].to_string();
    assert!(
        UNRULY.iter().all(|(name, _)| why.contains(name)),
        "{health}"
    );
    let listed = victim.room.cli(["plugin", "list"]).expect(0);
    for (name, words) in UNUSABLE.iter().chain(&UNRULY) {
        assert!(listed.contains(name), "no {name} in {listed}");
        assert!(words.iter().all(|word| listed.contains(word)), "{listed}");
    }
    assert_eq!(victim.host.terminate().code(), Some(0));
}

#[test]
fn a_file_can_be_looked_at_before_it_is_used() {
    let room = Room::new(TENT);
    spoil(&room);
    put(&room, "plainworld", &component("plainworld"));
    for (name, words) in UNUSABLE.iter().take(5) {
        let ended = room.cli(["plugin", "inspect", &format!("{name}.wasm")]);
        assert_ne!(ended.code, Some(0), "{ended:?}");
        let said = format!("{}{}", ended.stdout, ended.stderr);
        assert!(
            words.iter().all(|word| said.contains(word)),
            "{name}: {said}"
        );
    }
}

#[test]
fn a_bad_file_in_the_place_of_a_good_one_leaves_the_good_one_running() {
    let plugin = "[plugin.counting]\nfile = \"{folder}/counting.wasm\"\n";
    let room = Room::new(&format!("{TENT}{plugin}"));
    let good = component("counting");
    put(&room, "counting", &good);
    let victim = Victim {
        host: room.start(),
        room,
    };
    for (spoilt, word) in [
        (good[..good.len() / 3].to_vec(), "cut short"),
        (component("plainworld"), "another world"),
        (component("endless-describe"), "describe"),
        (component("trapping"), "trapping"),
    ] {
        let after = victim.well();
        put(&victim.room, "counting", &spoilt);
        let refused = victim
            .host
            .stranger()
            .wait_event("type=plugin.refused", |event| with_seq(event) > after);
        let reason = refused["data"]["reason"].as_str().unwrap_or_default();
        assert!(reason.contains(word), "no {word} in {refused}");
        victim.settled(&reading(22.0));
        let row = row(&victim, "counting");
        assert_eq!(
            (&row["state"], &row["generation"], &row["behind"]),
            (&json!("running"), &json!(1), &json!(0)),
            "{row}"
        );
    }
    victim.well();
}
