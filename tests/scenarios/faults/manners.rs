//! How devices behave beside each other and by the hour: starts of a circuit apart, quiet hours, what
//! needs another first, CO2 never beside the exhaust or in the dark.

use growbox_model::{Instant, Span};
use growbox_tests::{Client, guest};
use serde_json::{Value, json};

use super::far_room::FarRoom;

/// A room of these devices, lines of `name = words`, under the clock of events.
fn bench(devices: &[(&str, &str)], more: &str) -> FarRoom {
    let line = |(name, words): &(&str, &str)| {
        format!(
            "{name} = {{ zone = \"tent\", {words}, min_on = 0, min_off = 0, cool_down = 0, output = \"unix:{{folder}}/room.sock#{name}\" }}\n"
        )
    };
    let devices_text: String = devices.iter().map(line).collect();
    let text = format!(
        "[node]\nclock = \"events\"\ntime_zone = \"UTC\"\n\
         [zone.tent]\noperation = \"control\"\nlights_on = \"06:00\"\nstage = \"mid-veg\"\n\
         [sensor]\ncanopy = {{ zone = \"tent\", source = \"http\", interval = \"1h\" }}\n\
         [device]\n{devices_text}{more}"
    );
    let names: Vec<&str> = devices.iter().map(|(name, _)| *name).collect();
    FarRoom::new(&text, &names, 1.0)
}

/// Milliseconds after a time of day.
fn at(time: &str, millis: u64) -> String {
    let at = Instant::parse(&format!("2026-01-15T{time}Z")).expect("is a time");
    at.plus(Span::millis(millis)).to_string()
}

fn reading(quantity: &str, value: f64, at: &str) -> Value {
    json!({"type": format!("sensor.{quantity}"), "timestamp": at,
           "data": {"sensor_id": "canopy", "value": value}})
}

/// A person's set, as an event of its own.
fn set(device: &str, level: f64, at: &str) -> Value {
    json!({"type": "device.action.requested", "timestamp": at,
           "data": {"device_id": device, "action": "set", "level": level, "duration": 36_000,
                    "reason": "a test", "requester": "ann"}})
}

/// Which policy hinders a device now.
fn policy(client: &Client, device: &str) -> String {
    let filter = format!("type=device.action.*&device={device}");
    let verdicts = client.events(&filter);
    let mut hindered = verdicts
        .iter()
        .filter(|event| event["data"]["policy"].is_string());
    let newest = hindered.next_back().expect("a verdict");
    newest["data"]["policy"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

#[test]
fn two_starts_of_a_circuit_are_two_seconds_apart() {
    let words = "role = \"other\", switched = true, circuit = \"fuse\", watts = 100";
    let fuse = "[circuit.fuse]\nmax_amperes = 10\n";
    let bench = bench(&[("one", words), ("two", words), ("three", words)], fuse);
    let host = bench.room.start();
    let client = host.client();
    client.settle(&[reading("temperature", 24.0, &at("12:00:00", 0))]);
    let now = at("12:00:10", 0);
    client.settle(&[
        set("one", 1.0, &now),
        set("two", 1.0, &now),
        set("three", 1.0, &now),
    ]);
    let on = || {
        let on = |name: &&&str| bench.outside.level(name) > 0.0;
        ["one", "two", "three"].iter().filter(on).count()
    };
    for (millis, wanted) in [(0, 1), (1_900, 1), (2_000, 2), (3_900, 2), (4_000, 3)] {
        client.settle(&[reading("temperature", 24.0, &at("12:00:10", millis))]);
        assert_eq!(on(), wanted, "{millis} ms after all were asked for");
    }
    assert_eq!(host.terminate().code(), Some(0));
}

#[test]
fn quiet_hours_bind_a_plugin_and_not_a_person() {
    let toggler = guest("toggler");
    let plugin =
        format!("[plugin.toggler]\nfile = {toggler:?}\ngrant = {{ control = [\"heater\"] }}\n");
    let words = "role = \"heater\", quiet_hours = \"22:00-07:00\"";
    let bench = bench(&[("heater", words)], &plugin);
    let host = bench.room.start();
    let client = host.client();
    let level = || bench.outside.level("heater");
    // Every temperature asks for the other: on, off, on …
    for (time, wanted, words) in [
        ("21:00:00", 1.0, "it is loud"),
        ("21:10:00", 0.0, "off by its wish"),
        ("21:59:50", 1.0, "it is loud still"),
        ("22:00:10", 0.0, "off by its wish, and by the hour"),
        ("22:10:00", 0.0, "quiet"),
    ] {
        client.settle(&[reading("temperature", 20.0, &at(time, 0))]);
        assert_eq!(level(), wanted, "{time}: {words}");
    }
    assert_eq!(policy(&client, "heater"), "quiet_hours");
    client.settle(&[set("heater", 1.0, &at("22:20:00", 0))]);
    assert_eq!(level(), 1.0, "people do not ask the clock");
    assert_eq!(host.terminate().code(), Some(0));
}

#[test]
fn what_needs_another_first_waits_for_it_and_carries_it() {
    let other = "role = \"other\", switched = true";
    let fogger = format!("{other}, needs_first = [\"mixer\"], settle_time = 5");
    let bench = bench(&[("mixer", other), ("fogger", &fogger)], "");
    let host = bench.room.start();
    let client = host.client();
    let levels = || ["mixer", "fogger"].map(|name| bench.outside.level(name));
    client.settle(&[set("fogger", 1.0, &at("12:00:00", 0))]);
    assert_eq!(levels(), [0.0, 0.0]);
    assert_eq!(policy(&client, "fogger"), "needs_first");
    client.settle(&[set("mixer", 1.0, &at("12:01:00", 0))]);
    assert_eq!(levels(), [1.0, 0.0]);
    client.settle(&[reading("humidity", 60.0, &at("12:01:04", 900))]);
    assert_eq!(levels(), [1.0, 0.0], "not yet");
    client.settle(&[reading("humidity", 60.0, &at("12:01:05", 100))]);
    assert_eq!(levels(), [1.0, 1.0]);
    client.settle(&[set("mixer", 0.0, &at("12:02:00", 0))]);
    assert_eq!(levels(), [1.0, 1.0], "it carries the other one");
    client.settle(&[set("fogger", 0.0, &at("12:03:00", 0))]);
    client.settle(&[reading("humidity", 60.0, &at("12:03:30", 0))]);
    assert_eq!(levels(), [0.0, 0.0]);
    // By the far side's own record the fogger never ran alone.
    let (mut mixer, mut alone) = (0.0, 0);
    let record = bench.outside.record();
    for entry in &record {
        if let growbox_tests::What::Switched(name, level, _) = &entry.what {
            match name.as_str() {
                "mixer" => mixer = *level,
                _ if *level > 0.0 && mixer == 0.0 => alone += 1,
                _ => {}
            }
        }
    }
    assert_eq!(alone, 0, "{record:?}");
    assert_eq!(host.terminate().code(), Some(0));
}

#[test]
fn co2_never_flows_beside_the_exhaust_nor_in_the_dark() {
    let devices = [
        ("exhaust", "role = \"exhaust\", slew_percent = 100"),
        ("valve", "role = \"co2\""),
    ];
    let bench = bench(&devices, "");
    let host = bench.room.start();
    let client = host.client();
    let levels = || ["exhaust", "valve"].map(|name| bench.outside.level(name));
    let co2 = |time: &str| reading("co2", 600.0, &at(time, 0));
    // Day begins at six.
    client.settle(&[co2("05:50:00"), set("valve", 1.0, &at("05:50:00", 0))]);
    assert_eq!(levels(), [0.2, 0.0], "it is dark");
    assert_eq!(policy(&client, "valve"), "needs_light");
    client.settle(&[co2("06:00:10")]);
    assert_eq!(levels(), [0.2, 1.0], "by day, and the exhaust idles");
    client.settle(&[set("exhaust", 0.6, &at("06:01:00", 0))]);
    client.settle(&[co2("06:01:30")]);
    assert_eq!(levels(), [0.2, 1.0], "what runs goes first");
    assert_eq!(policy(&client, "exhaust"), "never_with");
    client.settle(&[set("valve", 0.0, &at("06:02:00", 0))]);
    client.settle(&[co2("06:02:30")]);
    assert_eq!(levels(), [0.6, 0.0]);
    client.settle(&[set("valve", 1.0, &at("06:03:00", 0))]);
    client.settle(&[co2("06:03:30")]);
    assert_eq!(levels(), [0.6, 0.0]);
    assert_eq!(policy(&client, "valve"), "never_with");
    client.settle(&[set("exhaust", 0.0, &at("06:04:00", 0))]);
    client.settle(&[co2("06:04:30")]);
    assert_eq!(levels(), [0.2, 1.0]);
    let (mut exhaust, mut beside) = (0.0, Vec::new());
    let mut valve = 0.0;
    for entry in bench.outside.record() {
        if let growbox_tests::What::Switched(name, level, _) = &entry.what {
            *(if name == "valve" {
                &mut valve
            } else {
                &mut exhaust
            }) = *level;
            if valve > 0.0 && exhaust > 0.2 {
                beside.push(entry);
            }
        }
    }
    assert_eq!(beside, []);
    assert_eq!(host.terminate().code(), Some(0));
}
