//! `/openapi.json` is true: what the running host answers is what the document says, and nothing else.

use growbox_tests::{Answer, Client, Room};
use jsonschema::Validator;
use serde_json::{Value, json};

const ROOM: &str = "[node]\nunknown_sensors = \"measure\"\n[zone.tent]\nstage = \"mid-veg\"\nlights_on = \"06:00\"\n\
    [device]\nheater = { zone = \"tent\", role = \"heater\", output = \"null:heater\" }\n\
    fan = { zone = \"tent\", role = \"exhaust\", output = \"null:fan\" }\n\
    [plugin.vpd-control]\ngrant = { control = [\"fan\"] }\n";

/// The document, with every object closed: what it does not name must not be there.
struct Document(Value);

impl Document {
    fn of(client: &Client) -> Self {
        let mut document = client.get("/openapi.json").expect(200);
        assert_eq!(document["openapi"], "3.1.0");
        close(&mut document["components"]["schemas"]);
        Self(document)
    }

    /// What is said of an answer with this status; panics where nothing is.
    fn validator(&self, method: &str, path: &str, status: u16) -> Validator {
        let answer = &self.0["paths"][path][method]["responses"][status.to_string()];
        let schema = &answer["content"]["application/json"]["schema"];
        assert!(
            schema.is_object(),
            "{method} {path} may not answer {status}: {answer:#}"
        );
        let whole = json!({"allOf": [schema], "components": self.0["components"]});
        jsonschema::validator_for(&whole).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    fn check(&self, method: &str, path: &str, answer: &Answer) {
        let validator = self.validator(method, path, answer.status);
        let wrong: Vec<String> = validator
            .iter_errors(&answer.body)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert!(
            wrong.is_empty(),
            "{method} {path}: {wrong:#?} in {:#}",
            answer.body
        );
    }

    /// Asks, and holds the answer against the document.
    fn get(&self, client: &Client, path: &str, address: &str, status: u16) -> Value {
        let answer = client.get(address);
        self.check("get", path, &answer);
        answer.expect(status)
    }

    fn post(&self, client: &Client, path: &str, address: &str, body: &Value, status: u16) -> Value {
        let answer = client.post(address, body);
        self.check("post", path, &answer);
        answer.expect(status)
    }
}

/// Schemas leave room for what a later version adds; this version has to name all it says.
fn close(schema: &mut Value) {
    match schema {
        Value::Object(map) => {
            let open = !map.contains_key("additionalProperties");
            if open && map.get("properties").is_some_and(Value::is_object) {
                map.insert("additionalProperties".into(), json!(false));
            }
            map.values_mut().for_each(close);
        }
        Value::Array(list) => list.iter_mut().for_each(close),
        _ => {}
    }
}

fn reading(quantity: &str, value: f64) -> Value {
    json!({"type": format!("sensor.{quantity}"), "metadata": {"zone": "tent"},
        "data": {"sensor_id": "canopy", "value": value}})
}

#[test]
fn every_question_is_answered_as_documented() {
    let room = Room::new(ROOM);
    let host = room.start();
    let client = host.client();
    let document = Document::of(&client);
    client.settle(&[reading("temperature", 31.0), reading("humidity", 40.0)]);
    let alert = json!({"id": "burnt", "type": "alert.raised", "metadata": {"zone": "tent"}, "data":
        {"rule": "hot", "severity": "warning", "message": "31 °C", "subject": "temperature"}});
    client.settle(&[alert]);
    for listing in [
        "devices",
        "zones",
        "plugins",
        "health",
        "live",
        "ready",
        "alerts",
        "analytics",
        "dead-letters",
    ] {
        let path = format!("/api/v1/{listing}");
        document.get(&client, &path, &path, 200);
    }
    let alerts = document.get(
        &client,
        "/api/v1/alerts",
        "/api/v1/alerts?state=raised",
        200,
    );
    assert_eq!(
        alerts["alerts"][0]["id"], "burnt",
        "there is something to check: {alerts:#}"
    );
    let page = document.get(
        &client,
        "/api/v1/events",
        "/api/v1/events?context=true&limit=1000",
        200,
    );
    assert!(
        page["events"]
            .as_array()
            .is_some_and(|events| events.len() > 4),
        "{page:#}"
    );
    document.get(
        &client,
        "/api/v1/events/{id}/why",
        "/api/v1/events/burnt/why",
        200,
    );
    document.get(
        &client,
        "/api/v1/events/{id}/related",
        "/api/v1/events/burnt/related",
        200,
    );
    document.get(
        &client,
        "/api/v1/devices/{id}/why",
        "/api/v1/devices/fan/why",
        200,
    );
    document.get(
        &client,
        "/api/v1/plugins/{id}",
        "/api/v1/plugins/vpd-control",
        200,
    );
    document.get(&client, "/openapi.json", "/openapi.json", 200);
}

#[test]
fn every_change_is_answered_as_documented() {
    let room = Room::new(ROOM);
    let host = room.start();
    let client = host.client();
    let document = Document::of(&client);
    let at = |what: &str| format!("/api/v1/{what}");
    let events = at("events");
    document.post(
        &client,
        &events,
        &events,
        &json!([reading("co2", 600.0), {"type": "sensor.tmperature"}]),
        202,
    );
    document.post(
        &client,
        &events,
        &at("events?durable=true"),
        &reading("co2", 900_000.0),
        200,
    );
    document.post(
        &client,
        &events,
        &events,
        &json!([{"type": "sensor.tmperature"}]),
        422,
    );
    let stop = json!({"zone": "tent", "who": "anna", "reason": "a look"});
    document.post(&client, &at("stop"), &at("stop"), &stop, 200);
    document.post(&client, &at("reset"), &at("reset"), &stop, 200);
    let zone = json!({"stage": "mid-flower", "targets.vpd": 1.2});
    document.post(&client, &at("zones/{id}"), &at("zones/tent"), &zone, 200);
    let set = json!({"level": 0.6, "for": "10min"});
    document.post(
        &client,
        &at("devices/{id}/set"),
        &at("devices/fan/set"),
        &set,
        200,
    );
    document.post(
        &client,
        &at("devices/{id}/hold"),
        &at("devices/fan/hold"),
        &json!({}),
        200,
    );
    document.post(
        &client,
        &at("devices/{id}/release"),
        &at("devices/fan/release"),
        &json!({}),
        200,
    );
    document.post(
        &client,
        &at("sensors/{id}/rebind"),
        &at("sensors/canopy/rebind"),
        &json!({}),
        200,
    );
    let alert = json!({"id": "burnt", "type": "alert.raised", "metadata": {"zone": "tent"}, "data":
        {"rule": "hot", "severity": "warning", "message": "31 °C", "subject": "temperature"}});
    client.settle(&[alert]);
    let acknowledge = at("alerts/{id}/acknowledge");
    let row = document.post(
        &client,
        &acknowledge,
        &at("alerts/burnt/acknowledge"),
        &json!({"who": "anna"}),
        200,
    );
    assert_eq!(
        (&row["state"], &row["who"]),
        (&json!("acknowledged"), &json!("anna"))
    );
}

#[test]
fn refusals_are_documented_too() {
    let room = Room::new(ROOM);
    let host = room.start();
    let (client, stranger) = (host.client(), host.stranger());
    let document = Document::of(&client);
    let at = |what: &str| format!("/api/v1/{what}");
    for (path, address) in [
        ("devices/{id}/set", "devices/nobody/set"),
        ("zones/{id}", "zones/nobody"),
        ("alerts/{id}/acknowledge", "alerts/nobody/acknowledge"),
        ("sensors/{id}/rebind", "sensors/nobody/rebind"),
    ] {
        let body = if path.starts_with("zones") {
            json!({"stage": "clone"})
        } else if path.contains("set") {
            json!({"level": 1})
        } else {
            json!({})
        };
        document.post(&stranger, &at(path), &at(address), &body, 401);
        document.post(&client, &at(path), &at(address), &body, 404);
    }
    document.post(
        &client,
        &at("devices/{id}/set"),
        &at("devices/fan/set"),
        &json!({"level": 7}),
        400,
    );
    document.post(
        &client,
        &at("zones/{id}"),
        &at("zones/tent"),
        &json!({"stage": "mid-flwer"}),
        409,
    );
    for (path, address, status) in [
        ("events", "events?limit=0", 400),
        ("events/stream", "events/stream?after=x", 400),
        ("events/{id}/why", "events/nobody/why", 404),
        ("devices/{id}/why", "devices/nobody/why", 404),
        ("plugins/{id}", "plugins/nobody", 404),
        ("alerts", "alerts?state=x", 400),
        ("analytics", "analytics?window=1w", 400),
        ("dead-letters", "dead-letters?limit=none", 400),
    ] {
        document.get(&client, &at(path), &at(address), status);
    }
}
