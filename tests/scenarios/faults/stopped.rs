//! A stop while it is hot, full of CO2, or nobody knows: the air goes on being changed until it is over.

use growbox_tests::Client;
use serde_json::{Value, json};

use super::far_room::{FarRoom, say};

const ROOM: &str = r#"
[node]
clock = "events"
[zone.tent]
operation = "control"
[sensor]
canopy = { zone = "tent", source = "http", interval = "1min" }
[device]
heater = { zone = "tent", role = "heater", min_on = "10min", min_off = 0, cool_down = 0, output = "unix:{folder}/room.sock#heater" }
exhaust = { zone = "tent", role = "exhaust", min_on = 0, min_off = 0, output = "unix:{folder}/room.sock#exhaust" }
"#;

/// A minute of the room with these measures.
fn minute(client: &Client, minute: usize, measures: &[(&str, f64)]) {
    let reading = |(quantity, value): &(&str, f64)| {
        json!({"type": format!("sensor.{quantity}"), "timestamp": format!("2026-01-15T10:{minute:02}:00Z"),
               "data": {"sensor_id": "canopy", "value": value}})
    };
    let events: Vec<Value> = measures.iter().map(reading).collect();
    client.settle(&events);
}

#[test]
fn a_stop_lets_the_exhaust_run_while_it_is_hot_or_full_of_co2() {
    let bench = FarRoom::new(ROOM, &["heater", "exhaust"], 1.0);
    let host = bench.room.start();
    let client = host.client();
    minute(&client, 0, &[("temperature", 24.0)]);
    bench.follows("exhaust", 0.2);
    super::far_room::set(&host, "heater", 1.0, 3600);
    bench.follows("heater", 1.0);
    // Hot, and no rule has tripped.
    minute(&client, 1, &[("temperature", 38.0)]);
    assert_eq!(bench.outside.level("exhaust"), 0.2);
    say(&host, "stop");
    bench.follows("heater", 0.0);
    bench.follows("exhaust", 1.0);
    minute(&client, 2, &[("temperature", 37.5)]);
    assert_eq!(bench.outside.level("exhaust"), 1.0, "still hot");
    for (at, measures, level, words) in [
        (
            3,
            [("temperature", 30.0), ("co2", 800.0)],
            0.2,
            "cooled down",
        ),
        (
            4,
            [("temperature", 29.0), ("co2", 1600.0)],
            1.0,
            "full of CO2",
        ),
        (5, [("temperature", 28.0), ("co2", 900.0)], 0.2, "aired"),
        // Three intervals later nobody knows how warm it is.
        (9, [("humidity", 60.0), ("co2", 900.0)], 1.0, "unknown"),
        (
            10,
            [("temperature", 25.0), ("co2", 900.0)],
            0.2,
            "known again",
        ),
    ] {
        minute(&client, at, &measures);
        bench.follows("exhaust", level);
        assert_eq!(bench.outside.level("heater"), 0.0, "{words}");
        let row = client.row("devices", "exhaust");
        assert_eq!(row["level"], level, "{words}: {row}");
    }
    let levels = |output: &str| -> Vec<f64> {
        let switches = bench.switches(output, 0.0);
        switches.into_iter().map(|(_, level, _)| level).collect()
    };
    assert_eq!(levels("exhaust"), [0.2, 1.0, 0.2, 1.0, 0.2, 1.0, 0.2]);
    assert_eq!(levels("heater"), [1.0, 0.0]);
    let off = client.events("type=device.state.changed&device=heater");
    let trigger = off.last().expect("it is told")["data"]["trigger"].to_string();
    assert!(trigger.contains("stop"), "minimum on or not: {trigger}");
    say(&host, "reset");
    minute(&client, 11, &[("temperature", 25.0)]);
    assert_eq!(
        bench.outside.level("heater"),
        0.0,
        "no claim outlives a stop"
    );
    assert_eq!(host.terminate().code(), Some(0));
}
