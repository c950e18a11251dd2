//! Two plug-ins that want the contrary of one heater: each request has its verdict, and
//! the heater is not worn out.

use std::collections::BTreeMap;

use growbox_tests::checker::{self, DeviceLimits, Limits};
use growbox_tests::{Outside, Room, guest, until};
use serde_json::{Value, json};

const SPEED: f64 = 10.0;
const MIN_ON: f64 = 3.0;
const MIN_OFF: f64 = 6.0;
const READINGS: usize = 200;

fn configuration() -> String {
    let toggler = guest("toggler");
    format!(
        r#"
[node]
clock = "scaled"
speed = {SPEED}
unknown_sensors = "measure"
[zone.tent]
stage = "mid-veg"
operation = "control"
[device]
heater = {{ zone = "tent", role = "heater", output = "unix:{{folder}}/room.sock#heater", min_on = {MIN_ON}, min_off = {MIN_OFF}, cool_down = 0, controllers = ["toggler", "vpd-control"] }}
[plugin.toggler]
file = {toggler:?}
grant = {{ control = ["heater"] }}
[plugin.vpd-control]
grant = {{ control = ["heater"] }}
"#
    )
}

#[test]
fn two_plugins_that_fight_wear_nothing_out() {
    let room = Room::new(&configuration());
    let outside = Outside::new(&room.path().join("room.sock"), &["heater"], SPEED);
    let host = room.start();
    let client = host.client();
    let weather = |number: usize| {
        let reading = |quantity: &str, value: f64| {
            json!({"type": format!("sensor.{quantity}"), "metadata": {"zone": "tent"},
                   "data": {"sensor_id": "canopy", "value": value}})
        };
        client.settle(&[
            reading("humidity", 85.0),
            // The mark that lays record and log side by side is the reading itself.
            reading("temperature", 16.0 + (number % 7) as f64 / 10.0),
        ]);
    };
    (0..READINGS).for_each(weather);
    let verdicts = |requester: &str, kind: &str| {
        let filter = format!("type=device.action.{kind}&device=heater");
        let events = client.events(&filter);
        events
            .iter()
            .filter(|event| event["data"]["requester"] == requester)
            .count()
    };
    // It asks when it thinks fit, and not with every reading.
    let mut number = READINGS;
    until("the other one to ask too", || {
        number += 1;
        weather(number);
        (verdicts("vpd-control", "requested") > 0).then_some(())
    });
    assert!(verdicts("toggler", "requested") > 50);
    assert!(verdicts("toggler", "dampened") > 0, "the heater rests");
    let who = json!({"who": "ann", "reason": "enough"});
    let _ = client.post("/api/v1/stop", &who).expect(200);
    until("the heater to be off", || {
        (outside.level("heater") == 0.0).then_some(())
    });
    let export = room.cli(["events", "export"]).expect(0);
    let line = |line: &str| serde_json::from_str::<Value>(line).expect("an export is JSON lines");
    let log: Vec<Value> = export.lines().skip(1).map(line).collect();
    let limit = DeviceLimits {
        min_on: MIN_ON,
        min_off: MIN_OFF,
        max_on: Some(1800.0),
        ..DeviceLimits::default()
    };
    let limits = Limits {
        devices: BTreeMap::from([("heater".to_owned(), limit)]),
        grain: 0.005 * SPEED,
        slack: 2.0 * SPEED,
        forgotten: 0.5 * SPEED,
        ..Limits::default()
    };
    checker::acquit(&limits, &outside.record(), &log);
    assert_eq!(host.terminate().code(), Some(0));
}
