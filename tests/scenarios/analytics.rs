//! Reports of the real binary: an empty log, and counts that anybody can count again.

use growbox_tests::{Client, Room};
use serde_json::{Value, json};

/// A room whose time comes from what is posted.
const BY_EVENTS: &str = r#"
[node]
clock = "events"
unknown_sensors = "measure"
[zone.tent]
stage = "mid-veg"
[plugin.analytics]
[plugin.vpd-control]
"#;

/// A room in which an hour passes in a minute, and nothing happens.
const EMPTY: &str = r#"
[node]
clock = "scaled"
speed = 600
[zone.tent]
[plugin.analytics]
"#;

/// The newest report over a window.
fn newest(client: &Client, window: &str) -> Option<Value> {
    let path = format!("/api/v1/analytics?window={window}");
    let mut answer = client.get(&path).expect(200);
    let row = answer["analytics"].get_mut(0)?.take();
    assert_eq!(row["window"], window, "{row}");
    Some(row["report"].clone())
}

#[test]
fn a_report_over_an_empty_log_is_whole() {
    let room = Room::new(EMPTY);
    let host = room.start();
    let client = host.client();
    for window in ["1h", "1d", "7d"] {
        let about = format!("type=analytics.report&window={window}");
        client.wait_event("type=analytics.report", |event| {
            event["data"]["window"] == window
        });
        let report = newest(&client, window).expect(&about);
        assert_eq!(report["failures"], json!([]), "{report}");
        assert_eq!(report["anomalies"], json!([]), "{report}");
        let text = report.to_string();
        assert!(!text.contains("null") && !text.contains("NaN"), "{text}");
    }
    let wrong = client.get("/api/v1/analytics?window=2h").expect(400);
    assert!(wrong.to_string().contains("1h, 1d and 7d"), "{wrong}");
    let shown = room.cli(["analytics", "--window", "1h"]).expect(0);
    assert!(shown.contains("1h"), "{shown}");
}

#[test]
fn the_hour_is_what_a_count_over_the_log_gives() {
    let room = Room::new(BY_EVENTS);
    let host = room.start();
    let client = host.client();
    let stamp = |minute: u32| format!("2026-01-15T{:02}:{:02}:00Z", 8 + minute / 60, minute % 60);
    for minute in 0..150 {
        let reading = |quantity: &str, value: f64| {
            json!({"type": format!("sensor.{quantity}"), "timestamp": stamp(minute),
                   "data": {"sensor_id": format!("canopy-{quantity}"), "value": value},
                   "metadata": {"zone": "tent"}})
        };
        let warm = 24.0 + f64::from(minute % 7) / 10.0;
        client.settle(&[reading("temperature", warm), reading("humidity", 60.0)]);
    }
    let report = newest(&client, "1h").expect("reports come every five minutes");
    let bounds = [&report["from"], &report["to"]].map(|at| at.as_str().expect("a time").to_owned());
    let between = format!("from={}&to={}", bounds[0], bounds[1]);
    for kind in ["sensor.temperature", "sensor.humidity", "sensor.vpd"] {
        let logged = client.events(&format!("type={kind}&{between}")).len();
        let told = report["frequency"][kind]["count"].as_u64().unwrap_or(0);
        // The report closes a minute that its own tick may fall into.
        let apart = told.abs_diff(logged as u64);
        assert!(
            apart <= 1 && told >= 55,
            "{kind}: {told} told, {logged} logged in {report}"
        );
    }
    let in_band = &report["climate"]["tent"];
    assert!(in_band.is_object(), "{report}");
}
