//! The command line against a running host: what a person types, and what programs get to know.

use growbox_tests::{Room, guest, workspace};
use serde_json::Value;

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
