//! What a person is told is done outlives a kill at once: a stop, a hold, a lock-out.

use serde_json::json;

use super::far_room::{FarRoom, set};

const ROOM: &str = r#"
[node]
clock = "scaled"
speed = 1
[zone.tent]
operation = "control"
[device]
lamp = { zone = "tent", role = "other", switched = true, min_on = 0, min_off = 0, output = "unix:{folder}/room.sock#lamp" }
"#;

/// Kills, each as soon as the answer is there.
const KILLS: usize = 8;

/// A person's word is answered, the host killed and another one begun, again and again: `path` says
/// it, `undo` takes it back, and who asks meanwhile is refused with these words.
fn outlives(path: &str, undo: &str, refusal: &str) {
    let bench = FarRoom::new(ROOM, &["lamp"], 1.0);
    let who = json!({"who": "ann", "reason": "a leak"});
    let off = json!({"level": 0.0, "who": "ann", "reason": "a leak"});
    let on = json!({"level": 1.0, "who": "bob", "reason": "a test"});
    let words = if path.ends_with("hold") { &off } else { &who };
    let mut host = bench.room.start();
    for _ in 0..KILLS {
        set(&host, "lamp", 1.0, 600);
        bench.follows("lamp", 1.0);
        let _ = host.client().post(path, words).expect(200);
        host.kill();
        host = bench.room.start();
        let asked = host.client().post("/api/v1/devices/lamp/set", &on);
        let answer = asked.expect(409);
        assert!(answer.to_string().contains(refusal), "{answer}");
        bench.follows("lamp", 0.0);
        let _ = host.client().post(undo, &who).expect(200);
    }
    assert_eq!(host.terminate().code(), Some(0));
}

#[test]
fn a_stop_that_was_answered_outlives_a_kill() {
    outlives("/api/v1/stop", "/api/v1/reset", "stop");
}

#[test]
fn a_hold_that_was_answered_outlives_a_kill() {
    let device = "/api/v1/devices/lamp";
    outlives(
        &format!("{device}/hold"),
        &format!("{device}/release"),
        "held off",
    );
}

#[test]
fn a_lock_out_that_was_answered_outlives_a_kill() {
    let device = "/api/v1/devices/lamp";
    outlives(
        &format!("{device}/lock-out"),
        &format!("{device}/unlock"),
        "locked out",
    );
}
