//! The command line against a running host: what a person types, and what programs get to know.

use growbox_tests::{Room, guest, until, with_seq, workspace};
use serde_json::{Value, json};

use crate::faults::far_room::FarRoom;

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// The example tent, which this also proves to run.
fn tent() -> Room {
    let example = workspace().join("examples/tent.toml");
    Room::new(&std::fs::read_to_string(example).expect("the example is there"))
}

#[test]
fn a_running_host_answers_in_words_and_in_json() {
    let room = tent();
    let host = room.start();
    let client = host.client();
    let moved = client.wait_event("type=device.state.changed", |event| {
        !event["cause"].is_null()
    });
    let device = moved["data"]["device_id"]
        .as_str()
        .expect("a device")
        .to_owned();

    let list = room.cli(["device", "list"]).expect(0);
    for word in ["DEVICE", "LEVEL", "WHY", "exhaust", "heater", "light"] {
        assert!(list.contains(word), "{list}");
    }
    let devices = parsed(&room.cli(["device", "list", "--json"]).expect(0));
    assert_eq!(devices["devices"].as_array().map(Vec::len), Some(7));
    let zones = room.cli(["zone", "list"]).expect(0);
    assert!(
        zones.contains("tent") && zones.contains("mid-veg"),
        "{zones}"
    );
    let plugins = room.cli(["plugin", "list"]).expect(0);
    assert!(
        plugins.contains("vpd-control") && plugins.contains("photoperiod"),
        "{plugins}"
    );
    let plugin = room.cli(["plugin", "inspect", "vpd-control"]).expect(0);
    assert!(
        plugin.contains("vpd-control") && plugin.contains("heater"),
        "{plugin}"
    );
    let health = parsed(&room.cli(["health", "--json"]).expect(0));
    assert_eq!(
        health["components"]["storage"]["status"], "healthy",
        "{health:#}"
    );

    // From the outcome back to the reading, by number and by device.
    let number = format!("#{}", moved["seq"]);
    let why = room.cli(["events", "why", &number]).expect(0);
    for word in ["request", "verdict", "outcome"] {
        assert!(why.contains(word), "no {word} in\n{why}");
    }
    let why = room.cli(["device", "why", &device]).expect(0);
    assert!(why.contains(&device), "{why}");
    let related = parsed(&room.cli(["events", "related", &number, "--json"]).expect(0));
    assert!(related["events"].is_array(), "{related:#}");

    let query = [
        "events", "query", "--type", "device.*", "--limit", "3", "--json",
    ];
    let found = parsed(&room.cli(query).expect(0));
    assert_eq!(
        found["events"].as_array().map(Vec::len),
        Some(3),
        "{found:#}"
    );
    let export = room
        .cli(["events", "export", "--type", "sensor.*"])
        .expect(0);
    let lines: Vec<Value> = export.lines().map(parsed).collect();
    assert_eq!(lines[0]["growbox_export"], 1);
    assert!(
        lines.len() > 4
            && lines[1]["type"]
                .as_str()
                .is_some_and(|t| t.starts_with("sensor."))
    );
    let csv = room.cli(["events", "export", "--format", "csv"]).expect(0);
    assert!(csv.starts_with("seq,id,type,timestamp,"), "{}", &csv[..80]);
}

#[test]
fn a_stop_holds_until_reset() {
    let room = tent();
    let host = room.start();
    let client = host.client();
    client.wait_event("type=device.state.changed", |_| true);
    room.cli(["stop", "--zone", "tent", "--reason", "a hand in the fan"])
        .expect(0);
    let told = client.wait_event("type=system.emergency", |_| true);
    assert!(told.to_string().contains("a hand in the fan"), "{told:#}");
    let exhaust = client.row("devices", "exhaust");
    assert!(
        exhaust["why"].to_string().contains("a hand in the fan"),
        "{exhaust:#}"
    );
    growbox_tests::until("the safe levels", || {
        let level = |id: &str| client.row("devices", id)["level"].as_f64();
        let safe = [
            ("heater", 0.0),
            ("light", 0.0),
            ("exhaust", 0.25),
            ("circulation", 1.0),
        ];
        safe.iter()
            .all(|(id, safe)| level(id) == Some(*safe))
            .then_some(())
    });
    let again = room.cli(["reset", "--zone", "tent"]);
    again.expect(0);
    growbox_tests::until("the stop to be over", || {
        let why = client.row("devices", "exhaust")["why"].to_string();
        (!why.contains("a hand in the fan")).then_some(())
    });
}

#[test]
fn exit_codes_tell_whose_fault_it_is() {
    let room = tent();
    let config = room.config();
    let config = config.to_str().expect("temporary paths are text");
    let nobody = room.cli(["device", "list"]);
    assert_eq!(nobody.code, Some(3), "{nobody:?}");
    assert!(nobody.stderr.contains("growbox run"), "{nobody:?}");
    room.cli(["check", "--config", config]).expect(0);
    let explained = room
        .cli(["check", "--explain", "--config", config])
        .expect(0);
    assert!(explained.contains("device.heater"), "{explained}");
    let file = guest("vpd-control");
    let file = file.to_str().expect("a path that is text");
    let inspected = room.cli(["plugin", "inspect", file]).expect(0);
    assert!(inspected.contains("vpd-control"), "{inspected}");

    assert_eq!(room.cli(["device", "lst"]).code, Some(2));
    assert_eq!(
        room.cli(["events", "query", "--limit", "many"]).code,
        Some(2)
    );
    room.configure("[zone.tent]\nstage = \"mid-vge\"\n[device]\nexhaust = { zone = \"tent\", role = \"exaust\", output = \"sim:exhaust\" }\n");
    let wrong = room.cli(["check", "--config", config]);
    assert_eq!(wrong.code, Some(2), "{wrong:?}");
    let words = format!("{}{}", wrong.stdout, wrong.stderr);
    assert!(
        words.contains("mid-veg") && words.contains("\"exhaust\""),
        "all at once: {words}"
    );
    let wrong = room.run_to_end();
    assert_eq!(wrong.code, Some(2), "{wrong:?}");

    room.configure("[zone.tent]\nstage = \"mid-veg\"\n");
    let host = room.start();
    let unknown = room.cli(["device", "why", "exhaust"]);
    assert_eq!(unknown.code, Some(1), "{unknown:?}");
    assert_eq!(room.cli(["events", "why", "#999999"]).code, Some(1));
    assert_eq!(host.terminate().code(), Some(0));
}

/// A heater that a plug-in asks for with every temperature, on and off by turns, and an exhaust.
fn asked() -> FarRoom {
    let toggler = guest("toggler");
    let text = format!(
        r#"
[node]
clock = "events"
[zone.tent]
operation = "control"
[sensor]
canopy = {{ zone = "tent", source = "http", interval = "1min" }}
[device]
heater = {{ zone = "tent", role = "heater", min_on = 0, min_off = 0, cool_down = 0, output = "unix:{{folder}}/room.sock#heater" }}
exhaust = {{ zone = "tent", role = "exhaust", slew_percent = 100, output = "unix:{{folder}}/room.sock#exhaust" }}
[plugin.toggler]
file = {toggler:?}
grant = {{ control = ["heater"] }}
"#
    );
    FarRoom::new(&text, &["heater", "exhaust"], 1.0)
}

/// A temperature, a minute after the one before.
fn warm(minute: u32, value: f64) -> Value {
    json!({"type": "sensor.temperature", "timestamp": format!("2026-01-15T10:{minute:02}:00Z"),
           "data": {"sensor_id": "canopy", "value": value}})
}

#[test]
fn why_leads_from_the_reading_over_handler_request_and_verdict_to_the_outcome() {
    let bench = asked();
    let host = bench.room.start();
    let client = host.client();
    let reading = client.settle(&[warm(0, 20.0)])[0]["seq"].clone();
    bench.follows("heater", 1.0);
    let of = |kind: &str| {
        let events = client.events(&format!("type=device.action.{kind}&device=heater"));
        let [event] = &events[..] else {
            panic!("one of {kind}: {events:?}")
        };
        with_seq(event)
    };
    let why = bench.room.cli(["device", "why", "heater"]).expect(0);
    let parts = [
        (
            "reading",
            reading.as_u64().expect("a number"),
            "canopy 20 °C",
        ),
        ("request", of("requested"), "toggler, generation 1: "),
        ("verdict", of("granted"), "granted"),
        ("outcome", of("executed"), "executed"),
    ];
    let mut lines = why.lines();
    for (part, seq, words) in parts {
        let number = format!("#{seq} ");
        let told = lines.find(|line| line.contains(part) && line.contains(&number));
        let told = told.unwrap_or_else(|| panic!("no {part} {number}, or not in order, in\n{why}"));
        assert!(told.contains(words), "no {words} in {told}");
    }
    assert_eq!(host.terminate().code(), Some(0));
}

#[test]
fn a_zone_that_is_paused_refuses_plugins_and_keeps_its_safety() {
    let bench = asked();
    let host = bench.room.start();
    let client = host.client();
    client.settle(&[warm(0, 20.0)]);
    bench.follows("heater", 1.0);
    let words = "zone set tent --operation paused --yes --who ann --reason";
    let words = words.split(' ').chain(["hands in the tent"]);
    bench.room.cli(words).expect(0);
    bench.follows("heater", 0.0);
    let told = client.events("type=system.config.changed");
    let told = told.last().expect("it is recorded");
    assert_eq!(told["data"]["applied_by"], "ann", "{told}");
    assert_eq!(told["data"]["reason"], "hands in the tent");
    assert_eq!(told["data"]["changes"][0]["new"], "paused");
    for minute in 1..=4 {
        client.settle(&[warm(minute, 20.0)]);
        assert_eq!(bench.outside.level("heater"), 0.0);
    }
    let denied = client.events("type=device.action.denied&device=heater");
    assert!(denied.len() >= 2, "{denied:?}");
    for verdict in &denied {
        assert_eq!(verdict["data"]["policy"], "operation", "{verdict}");
    }
    // Safety goes on: too hot for a minute.
    (5..=7).for_each(|minute| drop(client.settle(&[warm(minute, 41.0)])));
    bench.follows("exhaust", 1.0);
    bench
        .room
        .cli("zone set tent --operation control --yes --who ann".split(' '))
        .expect(0);
    (8..=10).for_each(|minute| drop(client.settle(&[warm(minute, 24.0)])));
    until("the plug-in to be obeyed again", || {
        let granted = client.events("type=device.action.granted&device=heater");
        (granted.len() >= 2).then_some(())
    });
    assert_eq!(host.terminate().code(), Some(0));
}
