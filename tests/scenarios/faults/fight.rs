//! Two plug-ins that want the contrary of one heater: each request has its verdict, and
//! the heater is not worn out.

use std::collections::BTreeMap;

use growbox_tests::checker::{self, DeviceLimits, Limits};
use growbox_tests::{By, Entry, What, guest, until};
use serde_json::{Value, json};

use super::far_room::{FarRoom, say, switches};

const SPEED: f64 = 10.0;
const MIN_ON: f64 = 3.0;
const MIN_OFF: f64 = 6.0;
const READINGS: usize = 200;
/// The fight is to be longer than what the stop that ends it could excuse, by far.
const SLACK: f64 = SPEED;

fn configuration() -> String {
    let toggler = guest("toggler");
    format!(
        r#"
[node]
clock = "scaled"
speed = {SPEED}
[zone.tent]
stage = "mid-veg"
operation = "control"
[sensor]
canopy = {{ zone = "tent", source = "http", interval = "1min" }}
mark = {{ zone = "tent", source = "unix:{{folder}}/room.sock#mark", interval = "1min" }}
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

fn limits() -> Limits {
    let limit = DeviceLimits {
        min_on: MIN_ON,
        min_off: MIN_OFF,
        max_on: Some(1800.0),
        ..DeviceLimits::default()
    };
    Limits {
        devices: BTreeMap::from([("heater".to_owned(), limit)]),
        grain: 0.005 * SPEED,
        slack: SLACK,
        forgotten: 0.5 * SPEED,
        ..Limits::default()
    }
}

#[test]
fn two_plugins_that_fight_wear_nothing_out() {
    let bench = FarRoom::new(&configuration(), &["heater"], SPEED);
    let host = bench.room.start();
    let client = host.client();
    let weather = |number: usize| {
        let reading = |quantity: &str, value: f64| {
            json!({"type": format!("sensor.{quantity}"), "metadata": {"zone": "tent"},
                   "data": {"sensor_id": "canopy", "value": value}})
        };
        bench.mark();
        client.settle(&[
            reading("humidity", 85.0),
            reading("temperature", 16.0 + (number % 7) as f64 / 10.0),
        ]);
    };
    let mut number = 0;
    let verdicts = |requester: &str, kind: &str| {
        let filter = format!("type=device.action.{kind}&device=heater");
        let events = client.events(&filter);
        events
            .iter()
            .filter(|event| event["data"]["requester"] == requester)
            .count()
    };
    // The other one asks when it thinks fit, and not with every reading.
    until("both to ask, and the heater to move for a while", || {
        (0..READINGS / 10).for_each(|_| {
            number += 1;
            weather(number);
        });
        let moved = bench.switches("heater", 0.0).len() > 8;
        let long = middle(&bench.outside.record(), bench.outside.now()).is_some();
        let asked = number >= READINGS && verdicts("vpd-control", "requested") > 0;
        (moved && long && asked).then_some(())
    });
    assert!(verdicts("toggler", "requested") > 50);
    assert!(verdicts("toggler", "dampened") > 0, "the heater rests");
    say(&host, "stop");
    bench.follows("heater", 0.0);
    bench.mark();
    client.wait_event("type=sensor.illuminance", |mark| {
        mark["data"]["value"].as_f64() > Some(bench.outside.now() - SLACK)
    });
    let log = bench.export();
    let marks = log.iter().filter(|e| e["data"]["sensor_id"] == "mark");
    assert!(marks.count() >= READINGS, "record and log are side by side");
    checker::acquit(&limits(), &bench.outside.record(), &log);
    a_worn_heater_is_seen(&bench, &log);
    assert_eq!(host.terminate().code(), Some(0));
}

/// A run in the middle, far from what a start or a stop could excuse: when it began and ended.
fn middle(record: &[Entry], end: f64) -> Option<(f64, f64)> {
    let is_mark = |entry: &&Entry| matches!(entry.what, What::Said(..));
    let begin = record.iter().find(is_mark)?.at;
    let far = 2.5 * SLACK;
    let is_run = |pair: &&[(f64, f64, By)]| {
        let ((on, level, _), (off, ..)) = (pair[0], pair[1]);
        level > 0.0 && on > begin + far && off < end - far
    };
    let all = switches(record, "heater");
    let run = all.windows(2).find(is_run)?;
    Some((run[0].0, run[1].0))
}

/// Had the heater gone off too soon in the middle of the fight, nothing would have excused it.
fn a_worn_heater_is_seen(bench: &FarRoom, log: &[Value]) {
    let mut record = bench.outside.record();
    let run = middle(&record, bench.outside.now());
    let (on, off) = run.expect("the fight was long enough");
    let is_off = |entry: &&mut Entry| {
        entry.at == off && matches!(&entry.what, What::Switched(name, ..) if name == "heater")
    };
    let entry = record.iter_mut().find(is_off);
    let early = on + MIN_ON / 2.0;
    let entry = entry.expect("it stands in the record");
    (entry.at, entry.until) = (early, early);
    let faults = checker::judge(&limits(), &record, log);
    let promises: Vec<&str> = faults.iter().map(|fault| fault.promise).collect();
    assert_eq!(promises, ["who breaks minimum on is named"], "{faults:?}");
}
