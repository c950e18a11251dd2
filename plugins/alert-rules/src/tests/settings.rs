//! Settings: what is shipped, what changes it, and what is refused.

use super::rules;
use crate::AlertRules;
use growbox_sdk::json::{Value, json};
use growbox_sdk::prelude::*;
use growbox_sdk::wire::Fault;

fn names(settings: &AlertRules) -> Vec<&str> {
    let rules = settings.rules.in_order().iter();
    rules.map(|rule| rule.name.as_str()).collect()
}

fn refused(given: &Value) -> (String, String) {
    let settings = json!({"rules": given}).to_string();
    match growbox_sdk::start::<AlertRules>(&settings) {
        Err(Fault::Settings(refusal)) => refusal,
        other => panic!("{settings} gave {other:?}"),
    }
}

#[test]
fn three_rules_are_shipped() {
    let shipped = [
        "device_failure_burst",
        "sensor_calibration_overdue",
        "vpd_out_of_range",
    ];
    assert_eq!(names(&rules(&json!({}))), shipped);
    assert_eq!(names(&AlertRules::default()), shipped);
    let off = rules(&json!({"vpd_out_of_range": {"enabled": false}}));
    assert_eq!(names(&off), shipped[..2]);
}

#[test]
fn a_shipped_rule_keeps_what_is_not_named() {
    let changed = rules(&json!({"vpd_out_of_range": {"target": 1.6}}));
    let rule = &changed.rules.in_order()[2];
    assert_eq!(rule.dwell(), minutes(15));
    let other = rules(&json!({
        "vpd_out_of_range": {"kind": "threshold", "quantity": "vpd", "above": 2.0},
    }));
    assert_eq!(other.rules.in_order()[2].dwell(), Span::ZERO);
}

#[test]
fn parents_go_before_their_children() {
    let sorted = rules(&json!({
        "a": {"kind": "absence", "sensor": "leaf", "silent_for": "1h", "parent": "b"},
        "b": {"kind": "absence", "sensor": "desk", "silent_for": "1h", "parent": "c"},
        "c": {"kind": "absence", "sensor": "door", "silent_for": "1h"},
    }));
    let names = names(&sorted);
    let place = |name| names.iter().position(|other| *other == name);
    assert!(
        place("c") < place("b") && place("b") < place("a"),
        "{names:?}"
    );
}

#[test]
fn what_cannot_be_is_refused_with_its_place_and_what_would_be_right() {
    let damp = |more: Value| {
        let mut rule = json!({"kind": "threshold", "quantity": "humidity", "above": 80});
        for (name, value) in more.as_object().expect("a table") {
            rule[name] = value.clone();
        }
        json!({"damp": rule})
    };
    for (given, pointer, why) in [
        (json!([]), "/rules", "is no table"),
        (json!({"Damp!": {}}), "/rules/Damp!", "a-z 0-9 _ -"),
        (
            json!({"damp": {}}),
            "/rules/damp/kind",
            "one of burst, threshold",
        ),
        (
            json!({"damp": {"kind": "brust"}}),
            "/rules/damp/kind",
            "is none of burst",
        ),
        (
            damp(json!({"abvoe": 1})),
            "/rules/damp/abvoe",
            "there is kind, quantity",
        ),
        (
            damp(json!({"above": "much"})),
            "/rules/damp/above",
            "is no number",
        ),
        (
            damp(json!({"above": null})),
            "/rules/damp",
            "name what is too much",
        ),
        (damp(json!({"below": 90})), "/rules/damp", "less than above"),
        (
            damp(json!({"quantity": null})),
            "/rules/damp",
            "name a quantity",
        ),
        (
            damp(json!({"dwell": "soon"})),
            "/rules/damp/dwell",
            "is no duration",
        ),
        (
            damp(json!({"severity": "bad"})),
            "/rules/damp/severity",
            "info, warning, critical",
        ),
        (
            damp(json!({"actions": ["sms"]})),
            "/rules/damp/actions/0",
            "notification, emergency_stop",
        ),
        (
            damp(json!({"clear_hysteresis": -1})),
            "/rules/damp/clear_hysteresis",
            "at least 0.0",
        ),
        (
            damp(json!({"parent": "wet"})),
            "/rules/damp/parent",
            "no rule \"wet\"",
        ),
        (
            damp(json!({"parent": "damp"})),
            "/rules/damp/parent",
            "circle",
        ),
        (
            json!({"device_failure_burst": {"type": "alert.raised"}}),
            "/rules/device_failure_burst/type",
            "alerts raise no alerts",
        ),
        (
            json!({"device_failure_burst": {"type": "devcie.error"}}),
            "/rules/device_failure_burst/type",
            "is no event type",
        ),
        (
            json!({"device_failure_burst": {"type": "device.*"}}),
            "/rules/device_failure_burst/type",
            "a whole one",
        ),
        (
            json!({"vpd_out_of_range": {"target": 0}}),
            "/rules/vpd_out_of_range/target",
            "more than 0",
        ),
        (
            json!({"quiet": {"kind": "absence", "silent_for": "1h"}}),
            "/rules/quiet",
            "name a type",
        ),
        (
            json!({"quiet": {"kind": "absence", "sensor": "leaf"}}),
            "/rules/quiet/silent_for",
            "is required",
        ),
        (
            json!({"fast": {"kind": "rate", "quantity": "co2"}}),
            "/rules/fast",
            "how much may rise",
        ),
    ] {
        let (at, said) = refused(&given);
        assert_eq!(at, pointer, "{given}: {said}");
        assert!(said.contains(why), "{given}: {said}");
    }
}

#[test]
fn the_schema_names_every_kind_and_takes_the_shipped_rules() {
    let manifest = AlertRules::manifest();
    let schema: Value = manifest.settings_schema.parse().expect("is JSON");
    let rule = &schema["properties"]["rules"]["additionalProperties"]["anyOf"];
    let kinds: Vec<_> = rule
        .as_array()
        .expect("a list")
        .iter()
        .map(|kind| &kind["title"])
        .collect();
    assert_eq!(
        kinds,
        [
            "burst",
            "threshold",
            "overdue",
            "deviation",
            "absence",
            "rate"
        ]
    );
    assert_eq!(schema["required"], json!([]));
    assert!(
        manifest.asks.iter().all(|ask| !ask.required),
        "it works without"
    );
}
