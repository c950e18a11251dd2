//! Listings, health and the plain page.

use std::collections::BTreeMap;

use growbox_model::row::{AlertRow, Answer, ComponentRow, HealthRow, ZoneRow};
use serde_json::json;

use super::Room;
use super::memory::device;

fn zone(id: &str) -> ZoneRow {
    serde_json::from_value(json!({"id": id, "stage": "flower", "operation": "control", "mode": null,
        "day": true, "setpoints": {"vpd": {"low": 1.0, "target": 1.2, "high": 1.4, "unit": "kilopascal"}},
        "climate": {"temperature": {"value": 24.5, "unit": "celsius", "quality": "good",
                                    "taken": "2026-01-15T10:30:00Z"}},
        "missing": ["humidity"]}))
    .unwrap()
}

fn health(overall: &str, part: &str) -> Answer {
    let part = ComponentRow {
        status: part.into(),
        why: None,
        figures: BTreeMap::new(),
    };
    Answer::Health(HealthRow {
        overall: overall.into(),
        components: BTreeMap::from([("storage".into(), part)]),
        latency: BTreeMap::new(),
    })
}

#[test]
fn rows_come_under_their_names() {
    let room = Room::new();
    let devices = room.client().get("/api/v1/devices").json();
    assert_eq!(devices["devices"][0]["id"], "exhaust");
    assert_eq!(devices["devices"][0].get("refusal"), None);
    room.host.answer_next(Answer::Zones(vec![zone("tent")]));
    let zones = room.client().get("/api/v1/zones").json();
    assert_eq!(zones["zones"][0]["climate"]["temperature"]["value"], 24.5);
    room.host.answer_next(Answer::Plugins(Vec::new()));
    let plugins = room.client().get("/api/v1/plugins").json();
    assert_eq!(plugins, json!({"plugins": []}));
    let letters = room.client().get("/api/v1/dead-letters?limit=2").json();
    assert_eq!(letters["dead_letters"].as_array().unwrap().len(), 2);
    assert_eq!(letters["dead_letters"][0]["code"], "unknown_zone");
    assert_eq!(
        room.client().get("/api/v1/dead-letters?limit=0").status,
        400
    );
}

#[test]
fn one_plug_in_is_shown_whole() {
    let room = Room::new();
    let reply = room.client().get("/api/v1/plugins/vpd-control").json();
    assert_eq!(reply["plugin"]["id"], "vpd-control");
    assert_eq!(room.client().get("/api/v1/plugins/nobody").status, 404);
}

#[test]
fn health_is_told_and_readiness_follows_from_it() {
    let room = Room::new();
    for (overall, part, ready) in [
        ("healthy", "healthy", 200),
        ("critical", "degraded", 200),
        ("critical", "critical", 503),
        ("degraded", "starting", 503),
        ("starting", "healthy", 503),
    ] {
        room.host.answer_next(health(overall, part));
        let reply = room.client().get("/api/v1/health");
        assert_eq!(
            (reply.status, reply.json()["overall"].as_str()),
            (200, Some(overall))
        );
        room.host.answer_next(health(overall, part));
        let reply = room.client().get("/api/v1/ready");
        assert_eq!(reply.status, ready, "{overall}, {part}");
        assert_eq!(room.client().get("/api/v1/live").status, 200);
    }
}

#[test]
fn an_answer_that_fits_no_question_is_our_fault() {
    let room = Room::new();
    room.host.answer_next(Answer::Posted(Vec::new()));
    let reply = room.client().get("/api/v1/devices");
    assert_eq!(
        (reply.status, reply.code()),
        (500, "wrong_answer".to_owned())
    );
}

#[test]
fn the_page_shows_zones_devices_and_reasons_as_text() {
    let room = Room::new();
    let mut hostile = device("fan");
    hostile.why = "<script>alert('x')</script> & \"more\"".into();
    hostile.zone = serde_json::from_value(json!("tent")).unwrap();
    hostile.refusal = Some("outranked by <b>anna</b>".into());
    room.host
        .answer_next(Answer::Devices(vec![hostile, device("lamp")]));
    room.host.answer_next(Answer::Zones(vec![zone("tent")]));
    let page = room.client().get("/");
    assert_eq!(page.status, 200);
    assert!(page.head.contains("text/html"));
    assert!(!page.body.contains("<script") && !page.body.contains("<b>"));
    for part in [
        "24.50 °C",
        "missing: humidity",
        "&lt;script&gt;alert(&#39;x&#39;)",
        "35 %",
        "In no zone",
        "flower · day",
    ] {
        assert!(
            page.body.contains(part),
            "{part} is missing in {}",
            page.body
        );
    }
}

fn alert(state: &str) -> AlertRow {
    serde_json::from_value(
        json!({"id": "e17", "rule": "vpd-high", "state": state, "severity": "warning",
        "zone": "tent", "subject": null, "message": "too dry", "since": "2026-01-15T10:00:00Z",
        "raised": "2026-01-15T10:30:00Z", "acknowledged": null, "who": null, "cleared": null,
        "action_taken": null}),
    )
    .unwrap()
}

#[test]
fn alerts_are_listed_by_state() {
    let room = Room::new();
    let all = || Answer::Alerts(vec![alert("raised"), alert("cleared")]);
    for (query, count) in [("", 2), ("?state=raised", 1), ("?state=acknowledged", 0)] {
        room.host.answer_next(all());
        let reply = room.client().get(&format!("/api/v1/alerts{query}")).json();
        assert_eq!(
            reply["alerts"].as_array().map(Vec::len),
            Some(count),
            "{query}"
        );
    }
    let wrong = room.client().get("/api/v1/alerts?state=rised");
    assert_eq!(
        (wrong.status, wrong.code()),
        (400, "unknown_state".to_owned())
    );
    assert_eq!(wrong.json()["error"]["nearest"], "raised");
}

#[test]
fn reports_are_those_of_a_known_window() {
    let room = Room::new();
    let report = json!({"window": "1h", "at": "2026-01-15T10:30:00Z", "report": {"events": 7}});
    let row = serde_json::from_value(report.clone()).unwrap();
    room.host.answer_next(Answer::Analytics(vec![row]));
    let reply = room.client().get("/api/v1/analytics?window=1h").json();
    assert_eq!(reply, json!({"analytics": [report]}));
    let wrong = room.client().get("/api/v1/analytics?window=2h");
    assert_eq!(
        (wrong.status, wrong.code()),
        (400, "unknown_window".to_owned())
    );
}

#[test]
fn a_scrape_is_text() {
    let room = Room::new();
    room.host
        .answer_next(Answer::Metrics(Box::new(crate::metrics::tests::row())));
    let reply = room.client().get("/metrics");
    assert_eq!(reply.status, 200);
    assert!(
        reply.head.contains("text/plain; version=0.0.4"),
        "{}",
        reply.head
    );
    assert!(reply.body.contains("growbox_build_info"), "{}", reply.body);
}
