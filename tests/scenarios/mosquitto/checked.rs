//! The checker over a real broker: whatever people and a plug-in ask while the broker and the host
//! come and go, the devices behind it, which live on, are never switched as they must not be.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use growbox_tests::checker::{self, Circuit, DeviceLimits, Limits};
use growbox_tests::{Bridge, Broker, Chance, Client, Outside, Room, guest, until};
use serde_json::json;

use super::connected;

/// Minimum on, minimum off and maximum on, in seconds.
const DEVICES: [(&str, f64, f64, f64); 3] = [
    ("heater", 1.0, 0.8, 4.0),
    ("lamp", 1.2, 0.8, 5.0),
    ("valve", 0.0, 0.8, 6.0),
];
const FUSE: f64 = 2.0;
/// A neighbour has been out of the way for so long.
const SETTLE: f64 = 0.2;
/// Before, while and after the broker is away, and after the host was killed.
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
             min_on = {min_on}, min_off = {min_off}, max_on = {max_on}, settle_time = {SETTLE}, {more} }}\n"
        ));
    }
    let puppet = guest("puppet");
    tables.push_str(&format!(
        "[plugin.puppet]\nfile = {puppet:?}\ngrant = {{ control = [\"heater\", \"lamp\", \"valve\"] }}\n"
    ));
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
        settle_time: SETTLE,
        // Two hops more than a socket has.
        grain: 0.05,
        slack: 2.0,
        forgotten: 0.5,
        ..Limits::default()
    }
}

/// People and a plug-in that want this and that, for a while.
fn ask_around(client: &Client, outside: &Outside, chance: &mut Chance, mark: &mut u32) {
    let begun = Instant::now();
    while begun.elapsed() < STRETCH {
        let (name, ..) = DEVICES[usize::try_from(chance.below(3)).expect("one of three")];
        let who = json!({"who": "ann", "reason": "a test"});
        let level = chance.below(3).min(1);
        let length = [0.2, 1.0, 3.0, 60.0][usize::try_from(chance.below(4)).expect("of four")];
        let set = json!({"who": "ann", "reason": "a test", "level": level, "for": length});
        let told = json!({"type": "sensor.motion", "data": {"sensor_id": "puppet", "value": 1},
            "metadata": {"zone": "tent", "ask": {"device": name, "level": level, "lease": length}}});
        let (path, body) = match chance.below(24) {
            0 => ("stop".to_owned(), who),
            1..=3 => ("reset".to_owned(), who),
            4..=6 => (format!("devices/{name}/release"), who),
            7..=13 => ("events".to_owned(), told),
            _ => (format!("devices/{name}/set"), set),
        };
        let answer = client.post(&format!("/api/v1/{path}"), &body);
        assert!(
            matches!(answer.status, 200 | 202 | 409),
            "{path}: {answer:?}"
        );
        *mark += 1;
        outside.say("mark", "illuminance", f64::from(*mark));
        // The pace of these people; nobody waits for anything by it.
        std::thread::sleep(STEP);
    }
}

/// Whatever chance did before, each of them is moved once more, and alone.
fn each_is_turned_on(client: &Client, outside: &Outside) {
    let order = |path: &str, level: f64| {
        let words = json!({"who": "ben", "reason": "its turn", "level": level, "for": 60});
        client.post(&format!("/api/v1/{path}"), &words)
    };
    // Where nothing is stopped there is nothing to take back.
    let who = json!({"who": "ben", "reason": "its turn"});
    let reset = client.post("/api/v1/reset", &who);
    assert!(matches!(reset.status, 200 | 409), "{reset:?}");
    for (name, ..) in DEVICES {
        for (other, ..) in DEVICES {
            let set = order(&format!("devices/{other}/set"), f64::from(other == name));
            let _ = set.expect(200);
        }
        until(&format!("{name} to be on"), || {
            (outside.level(name) == 1.0).then_some(())
        });
    }
}

#[test]
fn no_promise_is_broken_while_broker_and_host_come_and_go() {
    let mut broker = Broker::start();
    let port = broker.port();
    let room = Room::new(&format!(
        "[mqtt]\nbroker = \"127.0.0.1:{port}\"\n[zone.tent]\noperation = \"control\"\n{}",
        tables()
    ));
    let socket = room.path().join("far.sock");
    let outside = Outside::new(&socket, &DEVICES.map(|(name, ..)| name), 1.0);
    let _bridge = Bridge::build(&broker, &socket);
    let (mut chance, mut mark) = (Chance::new(), 0);
    let mut ask = |client: &Client| ask_around(client, &outside, &mut chance, &mut mark);
    let host = room.start();
    let client = host.client();
    connected(&client, 1.0);
    ask(&client);
    broker.kill();
    ask(&client);
    broker.revive();
    connected(&client, 2.0);
    ask(&client);
    host.kill();
    let host = room.start();
    let client = host.client();
    connected(&client, 1.0);
    ask(&client);
    each_is_turned_on(&client, &outside);
    let _ = client.post("/api/v1/stop", &json!({"who": "ann", "reason": "the end"}));
    until("everything to be off", || {
        let on = DEVICES.iter().any(|(name, ..)| outside.level(name) > 0.0);
        (!on).then_some(())
    });
    checker::acquit(&limits(), &outside.record(), &room.export(&room.data()));
    assert_eq!(host.terminate().code(), Some(0));
}
