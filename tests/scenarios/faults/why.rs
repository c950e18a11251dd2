//! Why a device is where a safety rule brought it: back to the reading, over a dwell and a kill.

use growbox_tests::{Host, Outside, Room, until};
use serde_json::{Value, json};

const ROOM: &str = r#"
[node]
clock = "scaled"
speed = 30
unknown_sensors = "measure"
[zone.tent]
operation = "control"
[device]
heater = { zone = "tent", role = "other", switched = true, min_on = "1h", min_off = 0, output = "unix:{folder}/room.sock#heater" }
[safety.far-too-hot]
quantity = "temperature"
above = 41
clear = 35
dwell = 10
devices = { heater = 0 }
"#;

#[test]
fn what_a_rule_did_is_told_from_the_reading_to_the_device() {
    let room = Room::new(ROOM);
    let outside = Outside::new(&room.path().join("room.sock"), &["heater"], 30.0);
    let host = room.start();
    let client = host.client();
    room.cli([
        "device", "set", "heater", "on", "--for", "1h", "--who", "ann",
    ])
    .expect(0);
    until("the heater to be on", || {
        (outside.level("heater") == 1.0).then_some(())
    });
    let reading = |value: f64| {
        json!({"type": "sensor.temperature", "metadata": {"zone": "tent"},
               "data": {"sensor_id": "canopy", "value": value}})
    };
    client.settle(&[reading(24.0)]);
    client.settle(&[reading(43.5)]);
    until("the rule to have its dwell, minimum on or not", || {
        (outside.level("heater") == 0.0).then_some(())
    });
    let moved_by_the_rule = |host: &Host, times: usize| {
        until("the log to say so", || {
            let changes = host.client().events("type=device.state.changed");
            let trigger = |change: &Value| change["data"]["trigger"].as_str().map(str::to_owned);
            let triggers = changes.iter().filter_map(trigger);
            let mine = triggers.filter(|trigger| trigger.starts_with("safety:far-too-hot"));
            (mine.count() == times).then_some(())
        });
    };
    moved_by_the_rule(&host, 1);
    let told = |words: &str| {
        let said = room.cli(["device", "why", "heater", "--json"]).expect(0);
        let story: Value = serde_json::from_str(&said).expect("JSON was asked for");
        let events = story["events"].as_array().cloned().unwrap_or_default();
        let of = |kind: &str| {
            let mut mine = events.iter().filter(|event| event["type"] == kind);
            let event = mine.next_back().cloned();
            event.unwrap_or_else(|| panic!("{words}: no {kind} in {story:#}"))
        };
        let (hot, violation) = (of("sensor.temperature"), of("safety.violation"));
        let change = of("device.state.changed");
        assert_eq!(hot["data"]["value"], 43.5, "{words}");
        assert_eq!(violation["data"]["rule"], "far-too-hot", "{words}");
        let trigger = change["data"]["trigger"].as_str().unwrap_or_default();
        assert!(trigger.starts_with("safety:far-too-hot"), "{trigger}");
    };
    told("while it runs");
    host.kill();
    let host = room.start();
    // Somebody turns it on by hand, and the rule, which still stands, turns it off again.
    outside.turn("heater", 1.0);
    moved_by_the_rule(&host, 2);
    told("after a kill");
    assert_eq!(host.terminate().code(), Some(0));
}
