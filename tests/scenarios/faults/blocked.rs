//! A far side that lets the host in and never reads: others go on, and it serves again when it reads.

use growbox_tests::{Outside, Room, until};
use serde_json::json;

const ROOM: &str = r#"
[node]
clock = "scaled"
speed = 1
[zone.tent]
operation = "control"
[device]
stuck = { zone = "tent", role = "other", switched = true, min_on = 0, min_off = 0, output = "unix:{folder}/stuck.sock#stuck" }
lamp = { zone = "tent", role = "other", switched = true, min_on = 0, min_off = 0, output = "unix:{folder}/well.sock#lamp" }
"#;

#[test]
fn a_driver_that_blocks_keeps_nobody_else_waiting() {
    let room = Room::new(ROOM);
    let stuck = Outside::new(&room.path().join("stuck.sock"), &["stuck"], 1.0);
    let well = Outside::new(&room.path().join("well.sock"), &["lamp"], 1.0);
    let host = room.start();
    let client = host.client();
    stuck.deafen(true);
    let set = |device: &str, level: f64| {
        let words = json!({"level": level, "for": 600, "who": "ann", "reason": "a test"});
        let path = format!("/api/v1/devices/{device}/set");
        let _ = client.post(&path, &words).expect(200);
    };
    for turn in 0..5 {
        let level = f64::from(turn % 2);
        set("stuck", 1.0 - level);
        set("lamp", 1.0 - level);
        until("the lamp to follow", || {
            (well.level("lamp") == 1.0 - level).then_some(())
        });
    }
    client.wait_event("type=device.action.failed&device=stuck", |_| true);
    assert_eq!(stuck.level("stuck"), 0.0, "nothing was read");
    stuck.deafen(false);
    until("the other one to follow too", || {
        (stuck.level("stuck") == 1.0).then_some(())
    });
    assert_eq!(host.terminate().code(), Some(0));
    assert_eq!((stuck.level("stuck"), well.level("lamp")), (0.0, 0.0));
}
