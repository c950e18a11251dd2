//! The checker over a real broker: whatever people ask while the broker comes and goes, the devices
//! behind it are never switched as they must not be.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use growbox_tests::checker::{self, Circuit, DeviceLimits, Limits};
use growbox_tests::{Bridge, Broker, Chance, Outside, Room, until};
use serde_json::{Value, json};

use super::connected;

/// Minimum on, minimum off and maximum on, in seconds.
const DEVICES: [(&str, f64, f64, f64); 3] = [
    ("heater", 0.3, 0.6, 4.0),
    ("lamp", 0.6, 0.4, 5.0),
    ("valve", 0.0, 0.8, 6.0),
];
const FUSE: f64 = 2.0;
/// Before, while and after the broker is away.
const STRETCH: Duration = Duration::from_secs(6);
/// Readings of a series that come over MQTT are taken at most ten times a second.
const STEP: Duration = Duration::from_millis(110);

fn tables() -> String {
    let mut tables = String::from(
        "[sensor]\nmark = { zone = \"tent\", source = \"mqtt:sens/mark\", quantity = \"illuminance\" }\n[circuit.fuse]\nmax_amperes = 2\n[device]\n",
    );
    for (name, min_on, min_off, max_on) in DEVICES {
        let more = match name {
            "valve" => "never_with = [\"lamp\"]",
            _ => "circuit = \"fuse\", watts = 300",
        };
        tables.push_str(&format!(
            "{name} = {{ zone = \"tent\", role = \"other\", switched = true, output = \"mqtt:cmnd/{name}\", \
             on = \"1\", off = \"0\", on_for = \"1 {{seconds}}\", state_topic = \"stat/{name}\", \
             min_on = {min_on}, min_off = {min_off}, max_on = {max_on}, settle_time = 0.2, {more} }}\n"
        ));
    }
    tables
}

fn limits() -> Limits {
    let limit = |(name, min_on, min_off, max_on): (&str, f64, f64, f64)| {
        let limit = DeviceLimits {
            min_on,
            min_off,
            max_on: Some(max_on),
            watts: if name == "valve" { 0.0 } else { 300.0 },
            ..DeviceLimits::default()
        };
        (name.to_owned(), limit)
    };
    Limits {
        devices: DEVICES.into_iter().map(limit).collect::<BTreeMap<_, _>>(),
        circuits: vec![Circuit {
            max_amperes: FUSE,
            volts: 230.0,
            devices: ["heater", "lamp"].map(str::to_owned).into(),
        }],
        never_together: vec![("lamp".to_owned(), "valve".to_owned())],
        // Two hops more than a socket has.
        grain: 0.05,
        slack: 2.0,
        forgotten: 0.5,
        ..Limits::default()
    }
}

/// People who want this and that, for a while.
fn ask_around(
    client: &growbox_tests::Client,
    outside: &Outside,
    chance: &mut Chance,
    mark: &mut u32,
) {
    let begun = Instant::now();
    while begun.elapsed() < STRETCH {
        let (name, ..) = DEVICES[usize::try_from(chance.below(3)).expect("one of three")];
        let who = json!({"who": "ann", "reason": "a test"});
        let mut set = who.clone();
        set["level"] = json!(chance.below(3).min(1));
        set["for"] =
            json!([0.2, 1.0, 3.0, 60.0][usize::try_from(chance.below(4)).expect("of four")]);
        let (path, body) = match chance.below(20) {
            0 => ("stop".to_owned(), who),
            1..=3 => ("reset".to_owned(), who),
            4..=6 => (format!("devices/{name}/release"), who),
            _ => (format!("devices/{name}/set"), set),
        };
        let answer = client.post(&format!("/api/v1/{path}"), &body);
        assert!(matches!(answer.status, 200 | 409), "{path}: {answer:?}");
        *mark += 1;
        outside.say("mark", "illuminance", f64::from(*mark));
        // The pace of these people; nobody waits for anything by it.
        std::thread::sleep(STEP);
    }
}

#[test]
fn no_promise_is_broken_while_the_broker_comes_and_goes() {
    let mut broker = Broker::start();
    let port = broker.port();
    let room = Room::new(&format!(
        "[mqtt]\nbroker = \"127.0.0.1:{port}\"\n[zone.tent]\noperation = \"control\"\n{}",
        tables()
    ));
    let socket = room.path().join("far.sock");
    let outside = Outside::new(&socket, &DEVICES.map(|(name, ..)| name), 1.0);
    Bridge::build(&broker, &socket);
    let host = room.start();
    let client = host.client();
    connected(&client, 1.0);
    let (mut chance, mut mark) = (Chance::new(), 0);
    ask_around(&client, &outside, &mut chance, &mut mark);
    outside.vanish();
    broker.kill();
    ask_around(&client, &outside, &mut chance, &mut mark);
    broker.revive();
    outside.appear();
    connected(&client, 2.0);
    ask_around(&client, &outside, &mut chance, &mut mark);
    let switched =
        |entry: &&growbox_tests::Entry| matches!(entry.what, growbox_tests::What::Switched(..));
    assert!(outside.record().iter().filter(switched).count() > 10);
    let _ = client.post("/api/v1/stop", &json!({"who": "ann", "reason": "the end"}));
    until("everything to be off", || {
        let on = DEVICES.iter().any(|(name, ..)| outside.level(name) > 0.0);
        (!on).then_some(())
    });
    let export = room.cli(["events", "export"]).expect(0);
    let line = |line: &str| serde_json::from_str::<Value>(line).expect("an export is JSON lines");
    let log: Vec<Value> = export.lines().skip(1).map(line).collect();
    checker::acquit(&limits(), &outside.record(), &log);
    assert_eq!(host.terminate().code(), Some(0));
}
