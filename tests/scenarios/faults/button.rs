//! The button that stops everything: it works without anybody's token, over what a person wants,
//! and as long as it is pressed nobody can reset it.

use growbox_tests::{Outside, Room, until};
use serde_json::json;

const ROOM: &str = r#"
[node]
stop_input = "button"
clock = "scaled"
speed = 1
[zone.tent]
operation = "control"
[sensor]
button = { zone = "tent", source = "unix:{folder}/room.sock#button" }
[device]
lamp = { zone = "tent", role = "other", switched = true, min_on = "1h", min_off = 0, output = "unix:{folder}/room.sock#lamp" }
"#;

#[test]
fn a_pressed_button_stops_everything_and_is_not_reset_while_it_is() {
    let room = Room::new(ROOM);
    let outside = Outside::new(&room.path().join("room.sock"), &["lamp"], 1.0);
    let host = room.start();
    let client = host.client();
    let set = json!({"level": 1, "for": "1h", "who": "ann", "reason": "a test"});
    let _ = client.post("/api/v1/devices/lamp/set", &set).expect(200);
    until("the lamp to be on", || {
        (outside.level("lamp") == 1.0).then_some(())
    });
    // Nobody else may speak for it.
    let stranger = json!({"type": "sensor.x_contact", "metadata": {"zone": "tent"},
                          "data": {"sensor_id": "button", "value": 1}});
    let refused = host
        .stranger()
        .post("/api/v1/events", &stranger)
        .results(422);
    assert_eq!(refused[0]["status"], "refused", "{refused:?}");
    assert_eq!(outside.level("lamp"), 1.0);
    assert!(outside.say("button", "x_contact", 0.0));
    assert!(outside.say("button", "x_contact", 1.0));
    until("the lamp to be off, minimum on or not", || {
        (outside.level("lamp") == 0.0).then_some(())
    });
    let stop = client.wait_event("type=system.emergency", |_| true);
    assert_eq!(stop["data"]["message"], "button says stop");
    let who = json!({"who": "ann", "reason": "too early"});
    let refused = client.post("/api/v1/reset", &who).expect(409);
    assert_eq!(refused["error"]["code"], "not_clear", "{refused}");
    assert_eq!(outside.level("lamp"), 0.0);
    assert!(outside.say("button", "x_contact", 0.0));
    until("it to be reset once it is released", || {
        (client.post("/api/v1/reset", &who).status == 200).then_some(())
    });
    let _ = client.post("/api/v1/devices/lamp/set", &set).expect(200);
    until("the lamp to be on again", || {
        (outside.level("lamp") == 1.0).then_some(())
    });
    assert_eq!(host.terminate().code(), Some(0));
}
