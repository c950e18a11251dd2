//! The bounds of the outside contract: what lies on each is taken, what lies beyond is refused by name.

use serde_json::{Value, json};

use super::victim::{Victim, reading, temperature, with};

/// On the bound it is taken, beyond it is refused with this code, in words that name the bound.
fn bound(victim: &Victim, on: &Value, beyond: &Value, code: &str, named: &str) {
    let (taken, result) = victim.taken(|| victim.result(on));
    assert_eq!(result["status"], "accepted", "on the bound: {result}");
    assert_eq!(taken, 1);
    let message = victim.refuses(beyond, code);
    assert!(message.contains(named), "no {named} in {message}");
}

#[test]
fn ids_have_their_length() {
    let victim = Victim::tent();
    let id = |bytes| with(reading(20.0), "id", json!("i".repeat(bytes)));
    bound(&victim, &id(128), &id(129), "bad_id", "128 bytes");
    victim.refuses(&id(0), "bad_id");
    let sensor = |bytes| temperature(&"s".repeat(bytes), &json!(20));
    bound(&victim, &sensor(64), &sensor(65), "bad_id", "{1,64}");
    for wrong in ["", "a b", "a/b", "a\0b", "ä"] {
        victim.refuses(&temperature(wrong, &json!(20)), "bad_id");
    }
}

#[test]
fn a_type_has_its_length() {
    let victim = Victim::tent();
    let own = |bytes: usize| format!("x.p.{}", "a".repeat(bytes - 4));
    let event = |bytes| json!({"type": own(bytes), "data": {}});
    bound(
        &victim,
        &event(128),
        &event(129),
        "type_too_long",
        "128 bytes",
    );
}

#[test]
fn a_string_has_its_length() {
    let victim = Victim::tent();
    let note = |bytes| {
        let metadata = json!({"zone": "tent", "note": "x".repeat(bytes)});
        with(reading(20.0), "metadata", metadata)
    };
    bound(&victim, &note(4096), &note(4097), "string_too_long", "4096");
    let mut key = reading(20.0);
    key["data"]["k".repeat(4097)] = json!(1);
    victim.refuses(&key, "string_too_long");
}

#[test]
fn data_and_metadata_together_have_their_size() {
    let victim = Victim::tent();
    let notes = |count| {
        let notes = vec!["x".repeat(4000); count];
        with(
            reading(20.0),
            "metadata",
            json!({"zone": "tent", "notes": notes}),
        )
    };
    bound(
        &victim,
        &notes(16),
        &notes(17),
        "event_too_large",
        "65536 bytes",
    );
}

#[test]
fn nesting_has_its_depth() {
    let victim = Victim::tent();
    // `data` is the first level.
    let nested = |levels: usize| {
        let deep = (2..levels).fold(json!({}), |inner, _| json!({"in": inner}));
        let mut event = reading(20.0);
        event["data"]["deep"] = deep;
        event
    };
    bound(&victim, &nested(64), &nested(66), "too_deep", "64");
}

#[test]
fn a_page_has_its_length() {
    let victim = Victim::tent();
    let client = victim.host.stranger();
    drop(client.get("/api/v1/events?limit=10000").expect(200));
    for limit in ["10001", "0", "-1", "many", ""] {
        let answer = client
            .get(&format!("/api/v1/events?limit={limit}"))
            .expect(400);
        let message = answer["error"]["message"].to_string();
        assert!(message.contains("from 1 to 10000"), "{message}");
    }
    let typed = client.get("/api/v1/events?limt=5").expect(400);
    assert_eq!(typed["error"]["nearest"], "limit", "{typed}");
    victim.well();
}

#[test]
fn there_are_so_many_series_and_no_more() {
    let victim = Victim::tent();
    victim.well(); // The first series.
    let sensors = (1..4096).map(|i| temperature(&format!("s{i}"), &json!(20)));
    victim.host.stranger().settle(&sensors.collect::<Vec<_>>());
    let message = victim.refuses(&temperature("one-more", &json!(20)), "too_many_series");
    assert!(
        message.contains("one-more") && message.contains("4096"),
        "{message}"
    );
    let known = victim.result(&temperature("s4095", &json!(21)));
    assert_eq!(known["status"], "accepted", "{known}");
}

/// Names are stored once and for ever: strangers may add so many, and the rest is refused by name.
#[test]
fn there_are_so_many_names_and_no_more() {
    let victim = Victim::tent();
    let (per_request, requests) = (10_000, 7);
    let mut accepted = Vec::new();
    for request in 0..requests {
        let names = (0..per_request).map(|i| format!("stranger-{}", request * per_request + i));
        let names: Vec<String> = names.collect();
        let said = names.iter().map(|source| from(source)).collect();
        let stranger = victim.host.stranger();
        let answer = stranger.post("/api/v1/events", &Value::Array(said));
        for (name, result) in names.into_iter().zip(answer_results(answer)) {
            if result["status"] == "accepted" {
                accepted.push(json!(format!("http:{name}")));
                continue;
            }
            assert_eq!(result["error"]["code"], "too_many_strings", "{result}");
            let message = result["error"]["message"].to_string();
            assert!(
                message.contains(&name) && message.contains("65536"),
                "{message}"
            );
        }
    }
    assert!((64_000..65_536).contains(&accepted.len()));
    victim.well();
    let known = victim.result(&from("stranger-0"));
    assert_eq!(
        known["status"], "accepted",
        "a name in use goes on: {known}"
    );
    let refused = victim.refuses(&temperature("new-sensor", &json!(20)), "too_many_strings");
    assert!(refused.contains("new-sensor"), "{refused}");
    accepted.push(json!("http:stranger-0"));
    let logged = victim.host.stranger().events("type=x.a.b");
    let sources = logged.iter().map(|event| event["source"].clone());
    assert!(sources.eq(accepted), "what was accepted is in the log");
}

/// All refused is another status than some accepted.
fn answer_results(answer: growbox_tests::Answer) -> Vec<Value> {
    let status = answer.status;
    answer.results(status)
}

fn from(source: &str) -> Value {
    json!({"type": "x.a.b", "data": {}, "metadata": {"source": source}})
}
