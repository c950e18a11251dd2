//! Alerts and reports outlive the process: listed, acknowledged, killed, listed again.

use growbox_tests::{Client, Room};
use serde_json::{Value, json};

const TENT: &str = r"
[zone.tent]
";

fn say(client: &Client, kind: &str, data: &Value) -> Value {
    let event = json!({"type": kind, "data": data, "metadata": {"zone": "tent"}});
    let results = client
        .post("/api/v1/events?durable=true", &event)
        .results(200);
    assert_eq!(results[0]["status"], "accepted", "{results:?}");
    results[0].clone()
}

fn alerts(client: &Client) -> Value {
    client.get("/api/v1/alerts").expect(200)["alerts"].take()
}

#[test]
fn alerts_and_reports_outlive_a_kill() {
    let room = Room::new(TENT);
    let host = room.start();
    let client = host.client();
    let hot = |subject: &str| json!({"rule": "hot", "subject": subject, "message": "too hot"});
    let raised = say(&client, "alert.raised", &hot("canopy"));
    say(&client, "alert.raised", &hot("roots"));
    say(&client, "alert.cleared", &hot("roots"));
    let report = json!({"window": "1h", "frequency": {"sensor.temperature": 60}});
    say(&client, "analytics.report", &report);
    let before = alerts(&client);
    assert_eq!(before[0]["id"], raised["id"], "{before}");
    assert_eq!(before[1]["state"], "cleared", "{before}");
    host.kill();

    let host = room.start();
    let client = host.client();
    assert_eq!(alerts(&client), before);
    let analytics = client.get("/api/v1/analytics?window=1h").expect(200);
    assert_eq!(analytics["analytics"][0]["report"], report, "{analytics}");

    let id = raised["id"].as_str().expect("an id");
    let acknowledge = format!("/api/v1/alerts/{id}/acknowledge");
    let signed = json!({"who": "ann", "reason": "the door was open"});
    let stranger = host.stranger().post(&acknowledge, &signed);
    drop(stranger.expect(401));
    let row = client.post(&acknowledge, &signed).expect(200);
    assert!(row.to_string().contains("\"acknowledged\""), "{row}");
    let said = client.wait_event("type=alert.acknowledged", |_| true);
    assert_eq!(said["cause"], raised["seq"], "{said}");
    assert_eq!(said["data"]["who"], "ann", "{said}");
    drop(client.post(&acknowledge, &signed).expect(409));
    let mistyped = client.post("/api/v1/alerts/e0/acknowledge", &signed);
    drop(mistyped.expect(404));
}
