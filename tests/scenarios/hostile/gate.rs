//! Plug-ins that command what they may not, and one that would wear a relay out.

use std::collections::BTreeMap;

use growbox_model::{Instant, Span};
use growbox_tests::{guest, with_seq};
use serde_json::{Value, json};

use super::victim::{Victim, reading, with};

/// A heater for whoever is granted it, under the clock of events.
fn heater(plugin: &str, granted: &str) -> Victim {
    let file = guest(plugin);
    Victim::new(&format!(
        r#"
[node]
clock = "events"
[zone.tent]
[device]
heater = {{ zone = "tent", role = "heater", output = "null:heater" }}
light = {{ zone = "tent", role = "light", output = "null:light" }}
[plugin.{plugin}]
file = {:?}
grant = {{ control = [{granted}] }}
"#,
        file.display()
    ))
}

/// A temperature every ten seconds.
fn temperatures(count: u64) -> Vec<Value> {
    let begin = Instant::parse("2026-01-15T10:00:00Z").expect("is a time");
    let event = |i| {
        let at = begin.plus(Span::seconds(10 * i));
        with(reading(20.0), "timestamp", json!(at.to_string()))
    };
    (0..count).map(event).collect()
}

/// The verdict on each request: exactly one.
fn verdicts(victim: &Victim) -> Vec<(Value, Value)> {
    let events = victim.host.stranger().events("type=device.action.*");
    let of = |kind: &str| format!("device.action.{kind}");
    let kinds = [
        "granted",
        "clamped",
        "dampened",
        "outranked",
        "denied",
        "expired",
    ]
    .map(of);
    let mut by_cause: BTreeMap<u64, Vec<Value>> = BTreeMap::new();
    for event in &events {
        if kinds.iter().any(|kind| event["type"] == *kind) {
            let cause = event["cause"].as_u64().expect("a verdict has its request");
            by_cause.entry(cause).or_default().push(event.clone());
        }
    }
    let requests = events.into_iter().filter(|e| e["type"] == of("requested"));
    requests
        .map(|request| {
            let mut verdicts = by_cause.remove(&with_seq(&request)).unwrap_or_default();
            assert_eq!(verdicts.len(), 1, "on {request}: {verdicts:?}");
            (request, verdicts.remove(0))
        })
        .collect()
}

#[test]
fn a_device_it_may_not_command_stays_as_it_is() {
    let victim = heater("overreach", "\"light\"");
    victim.host.stranger().settle(&temperatures(3));
    let verdicts = verdicts(&victim);
    assert_eq!(verdicts.len(), 3, "{verdicts:?}");
    for (request, verdict) in verdicts {
        assert_eq!(request["data"]["device_id"], "heater", "{request}");
        assert_eq!(verdict["type"], "device.action.denied", "{verdict}");
        assert_eq!(verdict["data"]["policy"], "grant", "{verdict}");
        let why = verdict["data"]["reason"].as_str().unwrap_or_default();
        for named in [
            "overreach may not command heater",
            "its author makes it ask for the role heater",
            "[plugin.overreach] grant = { control = [\"light\", \"heater\"] }",
        ] {
            assert!(why.contains(named), "no {named} in {why}");
        }
    }
    let row = victim.host.stranger().row("devices", "heater");
    assert_eq!(
        (&row["level"], &row["owner"]),
        (&json!(0.0), &Value::Null),
        "{row}"
    );
    let told = victim.room.cli(["device", "why", "heater"]).expect(0);
    assert!(told.contains("may not command heater"), "{told}");
    victim.well();
}

/// What the denial says would allow it does allow it.
#[test]
fn the_line_that_a_denial_names_is_the_one_that_helps() {
    let victim = heater("toggler", "");
    victim.host.stranger().settle(&temperatures(1));
    let (_, verdict) = verdicts(&victim).remove(0);
    let why = verdict["data"]["reason"].as_str().unwrap_or_default();
    let (_, line) = why.split_once("to allow it: ").expect("a line is named");
    let (table, grant) = line.split_once("] ").expect("a table and a key");
    let before = std::fs::read_to_string(victim.room.config()).expect("is there");
    let after = before.replace("grant = { control = [] }", grant);
    assert!(
        after.contains(&format!("{table}]")) && after != before,
        "{line}"
    );
    let Victim { room, host } = victim;
    host.terminate();
    room.configure(&after);
    let victim = Victim {
        host: room.start(),
        room,
    };
    victim.host.stranger().settle(&temperatures(2)[1..]);
    let verdicts = verdicts(&victim);
    let (_, last) = verdicts.last().expect("two requests");
    assert_ne!(last["type"], "device.action.denied", "{last}");
}

/// The role of a heater: at least a minute on, at least two off.
#[test]
fn dampening_is_seen_and_protects_the_relay() {
    let victim = heater("toggler", "\"heater\"");
    victim.host.stranger().settle(&temperatures(240));
    let verdicts = verdicts(&victim);
    assert_eq!(verdicts.len(), 240, "each temperature asks once");
    for policy in ["minimum_on", "minimum_off"] {
        let dampened = verdicts.iter().filter(|(_, verdict)| {
            verdict["type"] == "device.action.dampened" && verdict["data"]["policy"] == policy
        });
        let reasons: Vec<&Value> = dampened.map(|(_, v)| &v["data"]["reason"]).collect();
        assert!(
            reasons.len() > 10,
            "{policy} is seen {} times",
            reasons.len()
        );
        assert!(
            reasons.iter().all(|reason| reason.is_string()),
            "{reasons:?}"
        );
    }
    let switches = switches(&victim);
    assert!(
        switches.len() > 8,
        "it was hardly ever switched: {switches:?}"
    );
    for pair in switches.windows(2) {
        let ((from, on), (to, other)) = (pair[0], pair[1]);
        assert_ne!(on, other, "switched to what it was: {switches:?}");
        let least = if on {
            Span::minutes(1)
        } else {
            Span::minutes(2)
        };
        assert!(to.since(from) >= least, "{from} → {to}, on: {on}");
    }
    victim.well();
}

/// When the heater went on or off, in room time. After a start it counts as just switched off.
fn switches(victim: &Victim) -> Vec<(Instant, bool)> {
    let begin = temperatures(1)[0]["timestamp"].clone();
    let mut switches = vec![(instant(&begin), false)];
    let changes = victim
        .host
        .stranger()
        .events("type=device.state.changed&device=heater");
    for change in changes {
        if change["data"]["trigger"] == "toggler" {
            let on = change["data"]["new_state"] == "on";
            switches.push((instant(&change["timestamp"]), on));
        }
    }
    switches
}

fn instant(time: &Value) -> Instant {
    Instant::parse(time.as_str().unwrap_or_default()).expect("the host writes RFC 3339")
}
