//! Events that cannot be read, or say what cannot be.

use growbox_tests::until;
use serde_json::{Value, json};

use super::victim::{POST, Victim, reading, temperature, with};
use super::wire;

#[test]
fn what_is_no_json_is_refused_whole() {
    let victim = Victim::tent();
    let good = reading(20.0).to_string();
    let number = |value: &str| good.replace("20.0", value);
    let bodies = [
        String::new(),
        "hello".into(),
        "{\"type\": ".into(),
        good[..good.len() - 1].to_owned(),
        format!("[{good},"),
        format!("[{good},{good}"),
        format!("{good}{good}"),
        number("NaN"),
        number("Infinity"),
        number("-Infinity"),
        number("0x10"),
        number("1."),
        "\"\\ud800\"".into(),
    ];
    for body in bodies {
        let heard = victim.takes_nothing(|| victim.post(&body));
        let message = heard.refused(400, "unreadable_body");
        assert!(message.ends_with("nothing was taken"), "{body}: {message}");
        let hint = &heard.json()["error"]["hint"];
        assert!(hint.is_string(), "{body} gets no hint: {heard:?}");
    }
    let bytes = victim.takes_nothing(|| victim.post(b"\xff\xfe\x00\x01"));
    bytes.refused(400, "unreadable_body");
}

#[test]
fn a_broken_line_refuses_all_lines() {
    let victim = Victim::tent();
    let lines = format!("{}\n{{oops\n{}\n", reading(20.0), reading(21.0));
    let kind = [("Content-Type", "application/x-ndjson")];
    let post = || wire::call(victim.address(), POST, &kind, lines.as_bytes());
    let message = victim.takes_nothing(post).refused(400, "unreadable_body");
    assert!(message.starts_with("line 2 of the body"), "{message}");
}

#[test]
fn nesting_without_end_is_refused_before_it_is_followed() {
    let victim = Victim::tent();
    let bodies = [
        "[".repeat(100_000),
        "{\"a\":".repeat(100_000),
        format!("{{\"type\":\"x\",\"data\":{}", "[".repeat(1_000_000)),
    ];
    for body in bodies {
        let heard = victim.takes_nothing(|| victim.post(&body));
        let message = heard.refused(400, "unreadable_body");
        assert!(message.contains("nested too deeply"), "{message}");
        assert!(message.contains("64"), "{message}");
    }
}

#[test]
fn an_unknown_type_names_the_nearest() {
    let victim = Victim::tent();
    let cases = [
        ("sensor.temprature", "sensor.temperature"),
        ("sensor.humidty", "sensor.humidity"),
        ("Sensor.Temperature", "sensor.temperature"),
        ("device.action.request", "device.action.requested"),
    ];
    for (wrong, nearest) in cases {
        let event = with(reading(20.0), "type", json!(wrong));
        let result = victim.takes_nothing(|| victim.result(&event));
        assert_eq!(result["error"]["code"], "unknown_type", "{result}");
        assert_eq!(result["error"]["nearest"], nearest, "{result}");
        let message = result["error"]["message"].as_str().unwrap_or_default();
        let both = message.contains(wrong) && message.contains(nearest);
        assert!(both, "{message}");
    }
}

#[test]
fn what_is_missing_or_of_the_wrong_kind_is_named() {
    let victim = Victim::tent();
    let mut typeless = reading(20.0);
    typeless.as_object_mut().map(|event| event.remove("type"));
    let mut empty = reading(20.0);
    empty.as_object_mut().map(|event| event.remove("data"));
    let data = |data: Value| with(reading(20.0), "data", data);
    let cases = [
        (typeless, "missing_type", "type"),
        (with(reading(20.0), "type", json!(5)), "bad_type", "type"),
        (empty, "missing_data", "data"),
        (data(json!([1])), "bad_data", "data"),
        (data(json!({"value": 20})), "missing_field", "sensor_id"),
        (
            data(json!({"sensor_id": "canopy"})),
            "missing_field",
            "value",
        ),
        (json!([5]), "not_an_object", "object"),
        (with(reading(20.0), "id", json!(5)), "bad_id", "id"),
    ];
    for (event, code, named) in cases {
        let message = victim.refuses(&event, code);
        assert!(message.contains(named), "{event}: {message}");
    }
    let unit = json!({"sensor_id": "canopy", "value": 20, "unit": "bananas"});
    let message = victim.refuses(&data(unit), "wrong_unit");
    assert!(
        message.contains("bananas") && message.contains("celsius"),
        "{message}"
    );
}

#[test]
fn a_value_that_is_no_finite_number_is_refused() {
    let victim = Victim::tent();
    for value in [
        json!("warm"),
        json!("NaN"),
        json!([20]),
        json!({}),
        json!(true),
    ] {
        let message = victim.refuses(&temperature("canopy", &value), "not_a_number");
        assert!(message.contains("data.value"), "{message}");
    }
    victim.refuses(&temperature("canopy", &Value::Null), "missing_field");
}

/// A number that no double holds is refused, by itself or with its body, and never becomes infinite.
#[test]
fn a_number_beyond_all_doubles_is_refused() {
    let victim = Victim::tent();
    for number in ["1e999", "-1e999"] {
        let body = reading(20.0).to_string().replace("20.0", number);
        let heard = victim.takes_nothing(|| victim.post(&body));
        match heard.status {
            400 => drop(heard.refused(400, "unreadable_body")),
            status => {
                assert_eq!(status, 422, "{heard:?}");
                assert_eq!(heard.json()["results"][0]["error"]["code"], "not_finite");
            }
        }
    }
}

#[test]
fn an_implausible_value_is_kept_as_bad_and_measured_by_nobody() {
    let victim = Victim::tent();
    let result = victim.settled(&reading(500.0));
    assert_eq!(result["status"], "accepted", "{result}");
    assert_eq!(result["quality"], "bad", "{result}");
    until("the zone to miss its temperature", || {
        let zone = victim.zone();
        let missing = zone["missing"] == json!(["temperature"]);
        (missing && zone["climate"].get("temperature").is_none()).then_some(())
    });
    let logged = victim.host.stranger().events("sensor=canopy");
    assert_eq!(logged[0]["data"]["value"], 500.0, "{logged:?}");
    assert_eq!(logged[0]["data"]["quality"], "bad", "{logged:?}");
    victim.well();
    until("the good reading to be the zone's", || {
        (victim.zone()["climate"]["temperature"]["value"] == 20.0).then_some(())
    });
}

#[test]
fn a_zone_that_nobody_configured_is_refused_by_its_nearest() {
    let victim = Victim::tent();
    let zone = |zone: Value| {
        let event = temperature("elsewhere", &json!(20));
        with(event, "metadata", json!({"zone": zone}))
    };
    let message = victim.refuses(&zone(json!("tend")), "unknown_zone");
    assert!(
        message.contains("tend") && message.contains("\"tent\""),
        "{message}"
    );
    victim.refuses(&zone(json!("Not A Zone")), "bad_id");
    victim.refuses(&zone(json!(5)), "bad_zone");
}

#[test]
fn a_sensor_has_one_voice_until_it_is_released() {
    let victim = Victim::tent();
    let from = |sensor: &str, source: &str| {
        let event = temperature(sensor, &json!(20));
        with(event, "metadata", json!({"zone": "tent", "source": source}))
    };
    let message = victim.refuses(&from("canopy", "intruder"), "other_source");
    assert!(message.contains("http:intruder"), "{message}");
    assert_eq!(
        victim.settled(&from("spare", "esp-1"))["status"],
        "accepted"
    );
    let message = victim.refuses(&from("spare", "esp-2"), "other_source");
    for named in ["http:esp-1", "http:esp-2", "growbox doctor --rebind spare"] {
        assert!(message.contains(named), "no {named}: {message}");
    }
    victim.room.cli(["doctor", "--rebind", "spare"]).expect(0);
    assert_eq!(
        victim.settled(&from("spare", "esp-2"))["status"],
        "accepted"
    );
}

#[test]
fn the_good_ones_among_the_bad_are_taken() {
    let victim = Victim::tent();
    let named = with(
        with(reading(20.0), "type", json!("nope")),
        "id",
        json!("mine"),
    );
    let mixed = json!([
        reading(20.0),
        reading(21.0),
        named,
        5,
        temperature("canopy", &json!("x"))
    ]);
    let post = || victim.host.stranger().post("/api/v1/events", &mixed);
    let (taken, answer) = victim.taken(post);
    assert_eq!(taken, 2);
    let results = answer.results(202);
    let said: Vec<(&Value, &Value)> = results
        .iter()
        .map(|r| (&r["index"], &r["status"]))
        .collect();
    let (accepted, refused) = (json!("accepted"), json!("refused"));
    let index: Vec<Value> = (0..5).map(Value::from).collect();
    let expected = [&accepted, &accepted, &refused, &refused, &refused];
    assert_eq!(said, index.iter().zip(expected).collect::<Vec<_>>());
    assert_eq!(results[2]["id"], "mine");
}
