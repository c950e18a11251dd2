//! A relay that sticks: its driver confirms off, its meter says on. It is found, told, and kept safe.

use growbox_tests::{Outside, Room};
use serde_json::json;

const ROOM: &str = r#"
[node]
clock = "scaled"
speed = 30
[zone.tent]
operation = "control"
[sensor]
meter = { zone = "tent", interval = "1h" }
[device]
heater = { zone = "tent", role = "other", switched = true, min_on = 0, min_off = 0, output = "unix:{folder}/room.sock#heater", feedback = { sensor = "meter", within = "10s" } }
"#;

#[test]
fn a_relay_that_is_stuck_on_is_found_and_a_person_ends_it() {
    let room = Room::new(ROOM);
    let outside = Outside::new(&room.path().join("room.sock"), &["heater"], 30.0);
    let host = room.start();
    let client = host.client();
    let draws = |watts: f64| {
        let reading = json!({"type": "sensor.power", "metadata": {"zone": "tent"},
                             "data": {"sensor_id": "meter", "value": watts}});
        client.settle(&[reading]);
    };
    draws(0.4);
    room.cli([
        "device", "set", "heater", "on", "--for", "1h", "--who", "ann",
    ])
    .expect(0);
    draws(390.0);
    let why = room
        .cli(["device", "set", "heater", "off", "--who", "ann"])
        .expect(0);
    assert!(why.contains("heater"), "{why}");
    let error = client.wait_event("type=device.error", |error| {
        error["data"]["recovery_action"]
            == "it is kept at its safe level until a person releases it"
    });
    assert_eq!(error["data"]["error_code"], "stuck_on");
    assert_eq!(
        outside.level("heater"),
        0.0,
        "the relay was told, and sticks"
    );
    let row = client.row("devices", "heater");
    assert_eq!(
        row["level"],
        serde_json::Value::Null,
        "nobody knows where it is: {row}"
    );
    let alert = client.get("/api/v1/alerts?state=raised").expect(200);
    assert_eq!(alert["alerts"][0]["rule"], "device:heater");
    let refused = client.post(
        "/api/v1/devices/heater/set",
        &json!({"level": 1, "who": "ann", "reason": "to see"}),
    );
    let said = refused.expect(200);
    assert!(
        said["refusal"]
            .as_str()
            .is_some_and(|why| why.contains("mend it")),
        "{said}"
    );
    draws(0.4);
    room.cli([
        "device",
        "release",
        "heater",
        "--who",
        "ann",
        "--reason",
        "new relay",
    ])
    .expect(0);
    let _ = client.wait_event("type=alert.cleared", |_| true);
    assert_eq!(host.terminate().code(), Some(0));
}
