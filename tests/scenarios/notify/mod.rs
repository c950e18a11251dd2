//! People are told: each channel in its own form, again where it failed, and no secret anywhere.

mod channels;
mod secrets;
mod trouble;

use growbox_tests::{Client, Room};
use serde_json::{Value, json};

/// A room sixty times as fast as life, so that a second try comes soon.
fn fast(notify: &str) -> Room {
    Room::new(&format!(
        "[node]\nclock = \"scaled\"\nspeed = 60\n[zone.tent]\n[notify]\n{notify}\n"
    ))
}

/// A room by the system clock.
fn real(notify: &str) -> Room {
    Room::new(&format!("[zone.tent]\n[notify]\n{notify}\n"))
}

fn raise(client: &Client, rule: &str) -> Value {
    let data = json!({"rule": rule, "severity": "critical", "message": "31 degrees",
        "action_taken": "emergency_stop"});
    let event = json!({"type": "alert.raised", "data": data, "metadata": {"zone": "tent"}});
    client.settle(&[event]).remove(0)
}

/// The body of a call as JSON.
#[track_caller]
fn body(call: &str) -> Value {
    let (_, body) = call.split_once("\r\n\r\n").expect("a head and a body");
    serde_json::from_str(body).expect("the body is JSON")
}

/// Whether a call has this header, whatever its letters.
fn has_header(call: &str, name: &str, value: &str) -> bool {
    let line = format!("\n{name}: {value}\r").to_lowercase();
    call.to_lowercase().contains(&line)
}
