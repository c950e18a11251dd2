//! Whom a zone believes, over the real binary: a sensor that is frozen, one of two gone, and nobody left.

use growbox_tests::Client;
use serde_json::{Value, json};

use super::far_room::{FarRoom, set};

const ROOM: &str = r#"
[node]
clock = "events"
[zone.tent]
operation = "control"
[sensor]
left = { zone = "tent", source = "http", interval = "10s", frozen_after = "1min" }
right = { zone = "tent", source = "http", interval = "10s", frozen_after = "1min" }
[device]
heater = { zone = "tent", role = "heater", min_on = 0, min_off = 0, cool_down = 0, output = "unix:{folder}/room.sock#heater" }
"#;

/// Who says what, so many tens of seconds after the beginning.
fn say(client: &Client, tens: usize, said: &[(&str, f64)]) {
    let reading = |(sensor, value): &(&str, f64)| {
        let at = format!("2026-01-15T10:{:02}:{}0Z", tens / 6, tens % 6);
        json!({"type": "sensor.temperature", "timestamp": at,
               "data": {"sensor_id": sensor, "value": value}})
    };
    let events: Vec<Value> = said.iter().map(reading).collect();
    client.settle(&events);
}

/// What the zone's row says of the temperature, and what it misses.
fn row(client: &Client) -> (Option<f64>, Value) {
    let row = client.row("zones", "tent");
    let measured = row["climate"]["temperature"]["value"].as_f64();
    (measured, row["missing"].clone())
}

/// Who is told to be silent or not to be believed.
fn told(client: &Client) -> Vec<String> {
    let events = client.events("type=sensor.stale");
    let sensor = |event: &Value| event["data"]["sensor_id"].as_str().unwrap_or("").to_owned();
    events.iter().map(sensor).collect()
}

#[test]
fn a_frozen_sensor_and_one_that_is_gone_are_not_believed() {
    let bench = FarRoom::new(ROOM, &["heater"], 1.0);
    let host = bench.room.start();
    let client = host.client();
    say(&client, 0, &[("left", 20.0), ("right", 22.0)]);
    set(&host, "heater", 1.0, 7200);
    bench.follows("heater", 1.0);
    assert_eq!(row(&client), (Some(21.0), json!([])), "both are believed");
    // The left one says the very same, again and again.
    for tens in 1..=5 {
        say(
            &client,
            tens,
            &[("left", 20.0), ("right", 22.0 + 0.1 * tens as f64)],
        );
    }
    assert_eq!(row(&client).0, Some((20.0 + 22.5) / 2.0));
    say(&client, 6, &[("left", 20.0), ("right", 22.6)]);
    assert_eq!(row(&client), (Some(22.6), json!([])), "the right one alone");
    assert_eq!(bench.outside.level("heater"), 1.0);
    // The right one falls silent, and nobody is left.
    for tens in 7..=10 {
        say(&client, tens, &[("left", 20.0)]);
    }
    assert_eq!(row(&client), (None, json!(["temperature"])));
    assert!(
        told(&client).contains(&"right".to_owned()),
        "{:?}",
        told(&client)
    );
    assert_eq!(
        bench.outside.level("heater"),
        0.0,
        "nobody knows how warm it is"
    );
    let heater = client.row("devices", "heater");
    let why = format!("{} {}", heater["why"], heater["refusal"]);
    assert!(why.contains("temperature"), "{heater}");
    // It moves again, and is believed again: the claim still stands.
    say(&client, 11, &[("left", 20.4)]);
    assert_eq!(row(&client), (Some(20.4), json!([])));
    bench.follows("heater", 1.0);
    let levels: Vec<f64> = bench
        .switches("heater", 0.0)
        .iter()
        .map(|(_, level, _)| *level)
        .collect();
    assert_eq!(levels, [1.0, 0.0, 1.0]);
    assert_eq!(host.terminate().code(), Some(0));
}

#[test]
fn one_of_two_that_is_gone_is_told_and_the_other_speaks_alone() {
    let bench = FarRoom::new(ROOM, &["heater"], 1.0);
    let host = bench.room.start();
    let client = host.client();
    say(&client, 0, &[("left", 20.0), ("right", 22.0)]);
    set(&host, "heater", 1.0, 7200);
    for tens in 1..=4 {
        say(&client, tens, &[("left", 20.0 + 0.1 * tens as f64)]);
    }
    assert_eq!(row(&client), (Some(20.4), json!([])));
    assert_eq!(told(&client), ["right"]);
    bench.follows("heater", 1.0);
    // What is no temperature is kept, and not believed.
    say(&client, 5, &[("left", 200.0)]);
    assert_eq!(row(&client), (None, json!(["temperature"])));
    bench.follows("heater", 0.0);
    assert_eq!(host.terminate().code(), Some(0));
}
