//! Watering over a whole room: doses reach the outside once, so many a day, and end by themselves.

use growbox_tests::{Client, Room, until};
use serde_json::Value;

use crate::sim::Tent;

/// The pots begin with 38 % of water; a dose of 2 min brings 8 %.
fn room(doses: u32, settings: &str) -> Room {
    Room::new(&format!(
        r#"
[node]
clock = "scaled"
speed = 60

[zone.tent]
operation = "control"

[sensor]
pot = {{ zone = "tent", source = "unix:{{folder}}/tent.sock#pot", interval = "1min" }}
reservoir = {{ zone = "tent", source = "unix:{{folder}}/tent.sock#reservoir", interval = "1min" }}

[device]
pump = {{ zone = "tent", role = "pump", output = "unix:{{folder}}/tent.sock#pump", doses_per_day = {doses} }}

[plugin.irrigation]
grant = {{ control = ["pump"] }}
[plugin.irrigation.settings.zones.tent]
only_by_day = false
dose = "2min"
{settings}
"#
    ))
}

/// How often the pump came on, as the far side wrote it down.
fn doses(tent: &Tent) -> usize {
    let switches = tent.switches();
    let on = switches
        .iter()
        .filter(|(output, level, _)| output == "pump" && *level > 0.0);
    on.count()
}

fn moisture(client: &Client) -> Option<f64> {
    client.row("zones", "tent")["climate"]["soil_moisture"]["value"].as_f64()
}

/// The pump, once it is off and the doses of its day are given.
fn refusal(client: &Client) -> Option<Value> {
    let pump = client.row("devices", "pump");
    let said = pump["refusal"]
        .as_str()
        .is_some_and(|why| why.contains("doses"));
    (said && pump["level"] == 0.0).then_some(pump)
}

#[test]
fn soil_is_kept_moist_and_the_doses_of_a_day_bound_it() {
    let room = room(
        3,
        "soil_moisture_below = 60\nsoak = \"5min\"\nwater_level_below = 10",
    );
    let tent = Tent::start(&room);
    let host = room.start();
    let client = host.client();
    let pump = until("the doses of the day", || refusal(&client));
    assert!(pump["free_at"].is_string(), "{pump}");
    let done = |event: &Value| {
        event["data"]["duration"]
            .as_f64()
            .is_some_and(|ran| ran > 100.0)
    };
    client.wait_event("type=device.action.executed&device=pump", done);
    until("wetter pots", || {
        moisture(&client).filter(|percent| *percent > 43.0)
    });
    until("three doses told as done", || {
        let told = client.events("type=device.action.executed&device=pump");
        let pulses = told.iter().filter(|event| done(event)).count();
        (pulses == 3).then_some(())
    });
    assert_eq!(doses(&tent), 3);
    assert_eq!(
        tent.await_level("pump", 0.0),
        tent.newest("pump").unwrap().1
    );
}

#[test]
fn a_host_killed_in_mid_pulse_leaves_a_pump_that_stops_and_is_not_started_again() {
    let room = room(1, "soil_moisture_below = 60\nsoak = \"1min\"");
    let tent = Tent::start(&room);
    let host = room.start();
    tent.await_level("pump", 1.0);
    host.kill();
    assert_eq!(
        tent.await_level("pump", 0.0),
        "(DeadMan)",
        "by its own timer"
    );
    let host = room.start();
    let client = host.client();
    let failed = |event: &Value| event["data"]["reason"] == "host restarted";
    client.wait_event("type=device.action.failed&device=pump", failed);
    until("the dose that was interrupted counts", || refusal(&client));
    until("a probe's word", || moisture(&client));
    assert_eq!(host.terminate().code(), Some(0));
    assert_eq!(doses(&tent), 1, "neither resumed nor given again");
}
