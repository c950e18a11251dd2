//! A sensor falls silent: its heater goes off, says why, and comes back with the sensor.

use growbox_tests::{Client, Room, with_seq};
use serde_json::{Value, json};

const ROOM: &str = r#"
[node]
clock = "events"

[zone.tent]
stage = "mid-veg"
operation = "control"

[sensor]
canopy = { zone = "tent", source = "http", interval = "1min" }
corner = { zone = "tent", source = "http", interval = "1min" }

[device]
heater = { zone = "tent", role = "heater", output = "null:heater" }
"#;

/// A minute of the room: humidity always, temperature where its sensor lives.
fn minute(client: &Client, minute: usize, warm: bool) {
    let reading = |sensor: &str, quantity: &str, value: f64| {
        json!({"type": format!("sensor.{quantity}"), "timestamp": at(minute),
            "data": {"sensor_id": sensor, "value": value}})
    };
    let mut events = vec![reading("corner", "humidity", 61.0)];
    events.extend(warm.then(|| reading("canopy", "temperature", 19.5)));
    client.settle(&events);
}

fn at(minute: usize) -> String {
    format!("2026-01-15T{:02}:{:02}:00Z", 10 + minute / 60, minute % 60)
}

/// The levels of the heater so far, with what moved it.
fn moves(client: &Client) -> Vec<(String, String)> {
    let text = |event: &Value, key: &str| event["data"][key].as_str().unwrap_or("").to_owned();
    let changes = client.events("type=device.state.changed&device=heater");
    changes
        .iter()
        .map(|event| (text(event, "new_state"), text(event, "trigger")))
        .collect()
}

#[test]
fn a_heater_does_not_run_without_a_fresh_temperature() {
    let room = Room::new(ROOM);
    let host = room.start();
    let client = host.client();
    (0..3).for_each(|now| minute(&client, now, true));
    let ask = json!({"type": "device.action.requested", "timestamp": at(3),
        "data": {"device_id": "heater", "action": "set", "level": 1.0, "duration": 7200,
            "reason": "it is cold", "requester": "grower"}});
    let asked = client.settle(&[ask])[0]["seq"].clone();
    (3..6).for_each(|now| minute(&client, now, true));
    assert_eq!(client.row("devices", "heater")["level"], 1.0);
    let verdict = client.events("type=device.action.granted&device=heater");
    assert_eq!(verdict[0]["cause"], asked, "{verdict:#?}");

    (6..12).for_each(|now| minute(&client, now, false));
    let stale = client.events("type=sensor.stale");
    assert_eq!(stale.len(), 1, "{stale:#?}");
    assert_eq!(stale[0]["data"]["sensor_id"], "canopy");
    assert_eq!(stale[0]["data"]["quantity"], "temperature");
    assert_eq!(
        stale[0]["timestamp"],
        at(8),
        "three intervals after the last one"
    );
    let zone = client.row("zones", "tent");
    assert_eq!(zone["missing"], json!(["temperature"]));
    assert_eq!(zone["climate"]["temperature"], Value::Null, "{zone:#}");
    let heater = client.row("devices", "heater");
    assert_eq!(heater["level"], 0.0, "{heater:#}");
    let why = format!("{} {}", heater["why"], heater["refusal"]);
    assert!(why.contains("temperature"), "{heater:#}");
    let off = moves(&client).pop().expect("it has moved");
    assert!(off.0 == "off" && off.1.contains("condition"), "{off:?}");
    let switched = client.events("type=device.state.changed&device=heater");
    let order = (with_seq(&stale[0]), switched.last().map(with_seq));
    assert!(order.1 > Some(order.0), "{order:?}");

    (12..16).for_each(|now| minute(&client, now, true));
    let recovered = client.events("type=sensor.recovered");
    assert_eq!(recovered.len(), 1, "{recovered:#?}");
    let heater = client.row("devices", "heater");
    assert_eq!(heater["level"], 1.0, "the claim still stands: {heater:#}");
}
