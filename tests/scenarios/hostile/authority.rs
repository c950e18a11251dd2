//! Strangers who speak without the right to: no token, a wrong one, a web page, a borrowed name.

use growbox_tests::{guest, with_seq};
use serde_json::{Value, json};

use super::victim::{POST, TENT, Victim, reading};
use super::wire;

/// What only the host or somebody with the token may say, with data that would be right.
fn commands() -> Vec<Value> {
    let series = json!({
        "sensor_id": "canopy", "quantity": "temperature",
        "last_seen": "2026-01-01T00:00:00Z", "interval": 60,
    });
    let alarm =
        json!({"rule": "fire", "zone": "tent", "message": "burning", "devices": ["heater"]});
    let cases = [
        ("sensor.stale", series.clone()),
        ("sensor.recovered", series),
        (
            "device.action.requested",
            json!({"device_id": "heater", "action": "set", "level": 1}),
        ),
        (
            "device.action.granted",
            json!({"device_id": "heater", "action": "set", "level": 1}),
        ),
        (
            "device.state.changed",
            json!({
                "device_id": "heater", "old_state": "off", "new_state": "on",
                "trigger": "me", "power_level": 100,
            }),
        ),
        (
            "device.error",
            json!({
                "device_id": "heater", "error_code": "E1", "message": "broken",
                "recovery_action": "none",
            }),
        ),
        (
            "control.mode.changed",
            json!({"new_mode": "VPD_Target", "old_mode": "x", "reason": "y"}),
        ),
        (
            "control.stage.changed",
            json!({"new_stage": "drying", "old_stage": "mid-veg"}),
        ),
        ("control.automation.paused", json!({"reason": "because"})),
        ("plugin.removed", json!({"plugin": "trapping"})),
        (
            "plugin.quarantined",
            json!({"plugin": "trapping", "reason": "because"}),
        ),
        ("safety.violation", alarm.clone()),
        ("system.emergency", alarm),
        ("system.lifecycle.stopping", json!({"reason": "because"})),
        ("storage.gap", json!({})),
        ("x.trapping.note", json!({})),
    ];
    let event = |(kind, data)| json!({"type": kind, "data": data, "metadata": {"zone": "tent"}});
    cases.map(event).to_vec()
}

/// What all listings say, but for the measures and the instants, which pass with time.
fn picture(victim: &Victim) -> Value {
    let client = victim.host.stranger();
    let (mut zone, heater) = (victim.zone(), client.row("devices", "heater"));
    zone["climate"] = Value::Null;
    let level = [&heater["level"], &heater["owner"], &heater["why"]];
    json!([
        zone,
        level,
        heater["available"],
        client.row("plugins", "trapping")["state"]
    ])
}

/// The guest `trapping` answers every event it is given that is no reading: its silence is proof.
#[test]
fn a_command_without_the_token_is_logged_and_reaches_nobody() {
    let file = guest("trapping");
    let plugin = format!("[plugin.trapping]\nfile = {:?}\n", file.display());
    let victim = Victim::new(&format!("{TENT}{plugin}"));
    let before = picture(&victim);
    let path = "/api/v1/events?settled=true";
    for event in commands() {
        let results = victim.host.stranger().post(path, &event).results(200);
        let result = &results[0];
        assert_eq!(result["status"], "accepted", "{event}: {result}");
        assert_eq!(result["foreign"], true, "{event}: {result}");
        let after = with_seq(result) - 1;
        let logged = victim.host.stranger();
        let logged = logged.get(&format!("/api/v1/events?after={after}&limit=1"));
        let logged = &logged.expect(200)["events"][0];
        assert_eq!(logged["type"], event["type"], "{logged}");
        assert_eq!(logged["foreign"], true, "{logged}");
    }
    assert_eq!(picture(&victim), before, "a stranger's word had an effect");
    assert!(
        victim
            .host
            .stranger()
            .events("type=x.trapping.note")
            .iter()
            .all(|note| note["foreign"] == true)
    );
    let verdicts = victim.host.stranger().events("type=device.action.*");
    assert!(
        verdicts.iter().all(|event| event["foreign"] == true),
        "{verdicts:?}"
    );
    // With the token the same words are heard.
    let stale = &commands()[0];
    victim.host.client().settle(std::slice::from_ref(stale));
    let notes = victim.host.client().events("type=x.trapping.note");
    assert!(
        notes.iter().any(|note| note["source"] == "plugin:trapping"),
        "{notes:?}"
    );
    let stop = &commands()[12];
    victim.host.client().settle(std::slice::from_ref(stop));
    assert_ne!(
        picture(&victim),
        before,
        "an emergency of the operator changes nothing"
    );
}

#[test]
fn a_wrong_token_opens_nothing() {
    let victim = Victim::tent();
    let half = victim.host.token()[..32].to_owned();
    for wrong in [
        "Bearer nope",
        "Bearer ",
        "Basic bm9wZQ==",
        "",
        &format!("Bearer {half}"),
    ] {
        let headers = [("Authorization", wrong)];
        for line in ["GET /api/v1/zones", POST, "POST /api/v1/stop"] {
            let body = reading(20.0).to_string();
            let call = || wire::call(victim.address(), line, &headers, body.as_bytes());
            let heard = victim.takes_nothing(call);
            heard.refused(401, "unauthorized");
            let hint = heard.json()["error"]["hint"].to_string();
            assert!(hint.contains("token"), "{hint}");
        }
    }
}

#[test]
fn a_change_needs_the_token() {
    let victim = Victim::tent();
    let body = json!({"who": "nobody", "reason": "because"}).to_string();
    for line in ["POST /api/v1/stop", "POST /api/v1/reset"] {
        let call = || wire::call(victim.address(), line, &[], body.as_bytes());
        victim.takes_nothing(call).refused(401, "unauthorized");
    }
}

#[test]
fn a_web_page_may_not_speak() {
    let victim = Victim::tent();
    let body = reading(20.0).to_string();
    for origin in [
        "https://evil.example",
        "null",
        "http://127.0.0.1:1",
        "http://localhost.evil.example",
    ] {
        for line in [POST, "GET /api/v1/zones", "GET /api/v1/events/stream"] {
            let headers = [("Origin", origin)];
            let call = || wire::call(victim.address(), line, &headers, body.as_bytes());
            let message = victim.takes_nothing(call).refused(403, "foreign_origin");
            assert!(message.contains(origin), "{message}");
        }
    }
    // The page that growbox itself serves may.
    let own = format!("http://{}", victim.address());
    let call = || wire::call(victim.address(), POST, &[("Origin", &own)], body.as_bytes());
    let (taken, heard) = victim.taken(call);
    assert_eq!((taken, heard.status), (1, 202), "{heard:?}");
}

#[test]
fn a_borrowed_name_is_refused() {
    let victim = Victim::tent();
    let to = victim.address();
    let body = reading(20.0).to_string();
    let with_port = format!("evil.example:{}", to.port());
    for host in ["evil.example", &with_port, "127.0.0.1.evil.example", ""] {
        for line in [POST, "GET /api/v1/zones", "GET /"] {
            let call = || wire::call(to, line, &[("Host", host)], body.as_bytes());
            victim.takes_nothing(call).refused(403, "foreign_host");
        }
    }
    let nameless = b"GET /api/v1/zones HTTP/1.1\r\nConnection: close\r\n\r\n";
    wire::say(to, nameless).refused(403, "foreign_host");
    let local = format!("localhost:{}", to.port());
    let heard = wire::call(to, "GET /api/v1/zones", &[("Host", &local)], b"");
    assert_eq!(heard.status, 200, "{heard:?}");
}
