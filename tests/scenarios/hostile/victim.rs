//! A host to attack, and the question asked after every attack: is it still well?

use std::net::SocketAddr;

use growbox_tests::{Host, Room, with_seq};
use serde_json::{Value, json};

use super::wire::{self, Heard};

/// Where events are posted.
pub(super) const POST: &str = "POST /api/v1/events";

/// A zone with a sensor of the outside world and a heater that nobody wants on.
pub(super) const TENT: &str = r#"
[node]
unknown_sensors = "measure"
[zone.tent]
stage = "mid-veg"
[sensor]
canopy = { zone = "tent", source = "http" }
[device]
heater = { zone = "tent", role = "heater", output = "null:heater" }
"#;

/// A running host in its room.
pub(super) struct Victim {
    pub(super) room: Room,
    pub(super) host: Host,
}

impl Victim {
    /// A room as configured, running.
    #[track_caller]
    pub(super) fn new(configuration: &str) -> Self {
        let room = Room::new(configuration);
        let host = room.start();
        Self { room, host }
    }

    /// The usual one.
    #[track_caller]
    pub(super) fn tent() -> Self {
        Self::new(TENT)
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.host.address()
    }

    /// Posts a text as it is, without the token.
    pub(super) fn post(&self, body: impl AsRef<[u8]>) -> Heard {
        wire::call(self.address(), POST, &[], body.as_ref())
    }

    /// Posts one event without the token; its one result.
    #[track_caller]
    pub(super) fn result(&self, event: &Value) -> Value {
        let posted = self.host.stranger().post("/api/v1/events", event);
        posted.body["results"][0].clone()
    }

    /// Posts one event without the token, and waits until everything has settled.
    #[track_caller]
    pub(super) fn settled(&self, event: &Value) -> Value {
        let path = "/api/v1/events?settled=true";
        let posted = self.host.stranger().post(path, event);
        posted.body["results"][0].clone()
    }

    /// Health is answered and a good reading becomes durable: it is well. The reading's number.
    #[track_caller]
    pub(super) fn well(&self) -> u64 {
        let client = self.host.stranger();
        let health = client.get("/api/v1/health").expect(200);
        assert!(health["overall"].is_string(), "{health}");
        let path = "/api/v1/events?durable=true";
        let results = client.post(path, &reading(20.0)).results(200);
        assert_eq!(results[0]["status"], "accepted", "{results:?}");
        with_seq(&results[0])
    }

    /// How many events were taken between two good readings.
    #[track_caller]
    pub(super) fn taken<T>(&self, attack: impl FnOnce() -> T) -> (u64, T) {
        let before = self.well();
        let outcome = attack();
        (self.well() - before - 1, outcome)
    }

    /// An attack of which nothing is taken, and after which the host is well.
    #[track_caller]
    pub(super) fn takes_nothing<T>(&self, attack: impl FnOnce() -> T) -> T {
        let (taken, outcome) = self.taken(attack);
        assert_eq!(taken, 0, "something of it was taken");
        outcome
    }

    /// One event that is refused with this code, and why in words.
    #[track_caller]
    pub(super) fn refuses(&self, event: &Value, code: &str) -> String {
        let result = self.takes_nothing(|| self.result(event));
        assert_eq!(result["status"], "refused", "{event}: {result}");
        assert_eq!(result["error"]["code"], code, "{event}: {result}");
        let message = result["error"]["message"].as_str();
        message.unwrap_or_default().to_owned()
    }

    /// The zone as listed now.
    #[track_caller]
    pub(super) fn zone(&self) -> Value {
        self.host.stranger().row("zones", "tent")
    }
}

/// A good temperature of the canopy.
pub(super) fn reading(value: f64) -> Value {
    temperature("canopy", &json!(value))
}

/// A temperature of any sensor, with whatever for a value.
pub(super) fn temperature(sensor: &str, value: &Value) -> Value {
    json!({
        "type": "sensor.temperature",
        "data": {"sensor_id": sensor, "value": value},
        "metadata": {"zone": "tent"},
    })
}

/// A reading with one more member, or another in its place.
pub(super) fn with(mut event: Value, member: &str, value: Value) -> Value {
    event[member] = value;
    event
}
