//! Limits and calibrations in the real binary: what is told, and the alert that comes of it.

use growbox_tests::Room;
use serde_json::{Value, json};

/// A limit, and a sensor whose calibration was due a year before the events.
const WATCHED: &str = r#"
[node]
clock = "events"

[zone.tent]

[plugin.alert-rules]

[plugin.sensor-watch.settings.limits]
damp = { zone = "tent", quantity = "humidity", above = 80, hysteresis = 2 }

[plugin.sensor-watch.settings.calibration]
probe = { last = 2025-01-01, every = "30d" }
"#;

fn humid(minute: u32, value: f64) -> Value {
    json!({
        "type": "sensor.humidity",
        "timestamp": format!("2026-01-15T10:{minute:02}:00Z"),
        "data": {"sensor_id": "probe", "value": value},
        "metadata": {"zone": "tent"},
    })
}

#[test]
fn limits_and_calibrations_are_told_and_become_alerts() {
    let room = Room::new(WATCHED);
    let host = room.start();
    let client = host.client();
    let values = [70.0, 81.0, 85.0, 79.0, 82.0, 78.0, 83.0, 84.0];
    let readings: Vec<Value> = (1..)
        .zip(values)
        .map(|(minute, value)| humid(minute, value))
        .collect();
    client.settle(&readings);
    let exceeded = client.events("type=sensor.threshold.exceeded");
    let said: Vec<&Value> = exceeded
        .iter()
        .map(|event| &event["data"]["value"])
        .collect();
    assert_eq!(said, [81.0, 83.0], "once an excursion");
    assert_eq!(exceeded[0]["data"]["direction"], "above");
    assert_eq!(exceeded[0]["metadata"]["zone"], "tent");
    let due = client.events("type=sensor.maintenance.calibration_due");
    assert_eq!(due.len(), 1, "once a day: {due:#?}");
    assert_eq!(due[0]["data"]["days_overdue"], 349);
    let raised = client.events("type=alert.raised");
    assert_eq!(raised.len(), 1, "{raised:#?}");
    assert_eq!(raised[0]["data"]["rule"], "sensor_calibration_overdue");
    assert_eq!(raised[0]["data"]["subject"], "probe");
}
