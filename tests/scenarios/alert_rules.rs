//! Alert rules in the real binary: the recording's VPD out of range, a burst that stops a zone.

use growbox_tests::{Client, Room, with_seq};
use serde_json::{Value, json};

use crate::office;

/// The recorded office with leaves as warm as the air, and a rule for each target.
const OFFICE: &str = r#"
[node]
clock = "events"

[zone.office]
leaf_offset_celsius = 0

[plugin.vpd-control]

[plugin.alert-rules.settings.rules]
vpd_out_of_range = { target = 1.6 }
at_1_4 = { kind = "deviation", quantity = "vpd", target = 1.4 }
at_1_2 = { kind = "deviation", quantity = "vpd", target = 1.2 }
at_1_6_patient = { kind = "deviation", quantity = "vpd", target = 1.6, clear_dwell = "5min" }
at_1_4_patient = { kind = "deviation", quantity = "vpd", target = 1.4, clear_dwell = "5min" }
at_1_2_patient = { kind = "deviation", quantity = "vpd", target = 1.2, clear_dwell = "5min" }
"#;

/// Each rule, and how often the recording raises it.
const RAISED: [(&str, usize); 6] = [
    ("vpd_out_of_range", 7),
    ("at_1_4", 5),
    ("at_1_2", 1),
    ("at_1_6_patient", 4),
    ("at_1_4_patient", 3),
    ("at_1_2_patient", 1),
];

/// A zone that may be stopped, and one that may not.
const ZONES: &str = r#"
[zone.tent]
operation = "control"
[zone.shed]
operation = "control"

[device]
lamp = { zone = "tent", role = "light", output = "null:lamp" }

[plugin.alert-rules]
grant = { emergency_stop = ["tent"] }
"#;

fn of_rule(events: &[Value], rule: &str) -> Vec<Value> {
    let of_rule = events.iter().filter(|event| event["data"]["rule"] == rule);
    of_rule.cloned().collect()
}

#[test]
fn the_recording_raises_as_often_as_is_known() {
    let room = Room::new(OFFICE);
    let host = room.start();
    let climate =
        |event: &Value| event["type"] == "sensor.temperature" || event["type"] == "sensor.humidity";
    let events = office::events(&office::rows(), 0);
    let events: Vec<Value> = events.into_iter().filter(climate).collect();
    office::post(&host.stranger(), &events, 2_000);
    let client = host.client();
    let (raised, cleared) = (
        client.events("type=alert.raised"),
        client.events("type=alert.cleared"),
    );
    for (rule, times) in RAISED {
        let raised = of_rule(&raised, rule);
        assert_eq!(raised.len(), times, "{rule}: {raised:#?}");
        take_turns(&raised, &of_rule(&cleared, rule));
    }
    assert_eq!(of_rule(&cleared, "at_1_2"), [] as [Value; 0]);
    let first = &of_rule(&raised, "vpd_out_of_range")[0];
    assert_eq!(first["metadata"]["zone"], "office");
    assert_eq!(first["data"]["severity"], "warning");
    assert_eq!(first["data"]["subject"], "vpd-control.office");
    assert_eq!(first["data"]["since"], "2015-02-04T17:51:00Z");
    assert_eq!(first["data"]["action_taken"], "notification");
    let listed = client.get("/api/v1/alerts").expect(200);
    let listed = listed["alerts"].as_array().expect("a list");
    let standing = |row: &&Value| row["rule"] == "at_1_2" && row["state"] == "raised";
    assert_eq!(listed.iter().filter(standing).count(), 1, "{listed:#?}");
}

/// Raised, cleared, raised …: each number of the log lies between its neighbours of the other kind.
fn take_turns(raised: &[Value], cleared: &[Value]) {
    let mut both: Vec<(u64, bool)> = Vec::new();
    both.extend(raised.iter().map(|event| (with_seq(event), true)));
    both.extend(cleared.iter().map(|event| (with_seq(event), false)));
    both.sort_unstable();
    for (place, (seq, is_raised)) in both.iter().enumerate() {
        assert_eq!(*is_raised, place % 2 == 0, "out of turn at #{seq}");
    }
}

fn errors(zone: &str, count: usize) -> Vec<Value> {
    let error = json!({
        "type": "device.error",
        "data": {"device_id": "lamp", "error_code": "E1", "message": "no answer"},
        "metadata": {"zone": zone},
    });
    vec![error; count]
}

/// What was said of a rule in a zone.
fn raised_in(client: &Client, zone: &str) -> Vec<Value> {
    client.events(&format!("type=alert.raised&zone={zone}"))
}

#[test]
fn a_burst_of_failures_stops_only_what_may_be_stopped() {
    let room = Room::new(ZONES);
    let host = room.start();
    let client = host.client();
    client.settle(&errors("tent", 5));
    assert!(raised_in(&client, "tent").is_empty(), "five are no burst");
    client.settle(&errors("tent", 3));
    client.settle(&errors("shed", 8));
    let (tent, shed) = (raised_in(&client, "tent"), raised_in(&client, "shed"));
    assert_eq!((tent.len(), shed.len()), (1, 1), "once each");
    assert_eq!(tent[0]["data"]["rule"], "device_failure_burst");
    assert_eq!(tent[0]["data"]["severity"], "critical");
    assert_eq!(tent[0]["data"]["action_taken"], "emergency_stop");
    assert_eq!(shed[0]["data"]["action_taken"], Value::Null);
    let stops = client.events("type=system.emergency");
    assert_eq!(stops.len(), 1, "{stops:#?}");
    assert_eq!(stops[0]["metadata"]["zone"], "tent");
    let trouble = client.events("type=plugin.quarantined");
    assert!(trouble.is_empty(), "{trouble:#?}");
}

#[test]
fn what_stands_survives_a_kill_and_is_not_raised_again() {
    let room = Room::new(ZONES);
    let host = room.start();
    let client = host.client();
    client.settle(&errors("tent", 6));
    client.wait_event("type=alert.raised", |_| true);
    // The answer to a durable post comes once all before it is written.
    let sentinel = json!([{"type": "sensor.co2", "data": {"sensor_id": "s", "value": 400}}]);
    drop(
        client
            .post("/api/v1/events?durable=true", &sentinel)
            .expect(200),
    );
    host.kill();
    let host = room.start();
    let client = host.client();
    client.settle(&errors("tent", 2));
    assert_eq!(raised_in(&client, "tent").len(), 1);
}

#[test]
fn a_rule_that_cannot_be_is_refused_by_its_place() {
    let room = Room::new(
        "[zone.tent]\n[plugin.alert-rules.settings.rules.damp]\nkind = \"threshold\"\nabove = 80\n",
    );
    let host = room.start();
    let refused = host.client().wait_event("type=plugin.refused", |event| {
        event["data"]["plugin"] == "alert-rules"
    });
    let reason = refused["data"]["reason"].as_str().expect("a reason");
    assert!(reason.contains("/rules/damp"), "{reason}");
    assert!(
        reason.contains("name a quantity, a sensor or both"),
        "{reason}"
    );
}
