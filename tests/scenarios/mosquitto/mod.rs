//! MQTT against a real mosquitto. `cargo xtask test` installs it where it may; else this suite
//! is skipped by name.

mod checked;
mod commands;
mod faults;
mod readings;
mod reload;
mod tls;

use growbox_tests::{Broker, Client, until};
use serde_json::{Value, json};

/// A room behind this broker, with more tables.
fn room(broker: &Broker, tables: &str) -> growbox_tests::Room {
    let port = broker.port();
    growbox_tests::Room::new(&format!(
        "[mqtt]\nbroker = \"127.0.0.1:{port}\"\n[zone.tent]\n{tables}"
    ))
}

/// The session's part of the health.
fn health(client: &Client) -> Value {
    client.get("/api/v1/health").expect(200)["components"]["mqtt"].clone()
}

fn figure(client: &Client, name: &str) -> f64 {
    health(client)["figures"][name].as_f64().unwrap_or(-1.0)
}

/// Waits until the broker is there.
#[track_caller]
fn connected(client: &Client, times: f64) {
    until("the broker to be connected", || {
        (figure(client, "connected") == 1.0 && figure(client, "connections") >= times).then_some(())
    });
}

/// Asks for a level, as a person.
fn ask(client: &Client, device: &str, level: f64) {
    let ask = json!({"type": "device.action.requested",
        "data": {"device_id": device, "action": "set", "level": level, "duration": 60,
            "reason": "a test", "requester": "grower"}});
    let _ = client.post("/api/v1/events", &ask).results(202);
}
