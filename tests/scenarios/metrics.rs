//! `/metrics` of the real binary: base units, what is fresh, and `promtool`'s opinion where it is installed.

use std::io::Write as _;
use std::process::{Command, Stdio};

use growbox_tests::{Host, Room, until};
use serde_json::json;

const ROOM: &str = "[node]\nunknown_sensors = \"measure\"\n[zone.tent]\nstage = \"mid-veg\"\n\
    [device]\nheater = { zone = \"tent\", role = \"heater\", output = \"null:heater\" }\n\
    [sensor]\nquick = { zone = \"tent\", interval = 1 }\n[plugin.vpd-control]\ngrant = { control = [\"heater\"] }\n";

fn scrape(host: &Host) -> String {
    let answer = host.stranger().get("/metrics");
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.body.as_str().expect("text").to_owned()
}

fn reading(sensor: &str, quantity: &str, value: f64) -> serde_json::Value {
    json!({"type": format!("sensor.{quantity}"), "metadata": {"zone": "tent"},
        "data": {"sensor_id": sensor, "value": value}})
}

#[test]
fn a_scrape_tells_what_is_so_and_promtool_agrees() {
    let room = Room::new(ROOM);
    let host = room.start();
    host.client().settle(&[
        reading("canopy", "temperature", 24.5),
        reading("canopy", "humidity", 64.0),
        reading("quick", "co2", 612.0),
    ]);
    let answer = host
        .stranger()
        .post("/api/v1/events", &json!([{"type": "sensor.nonsense"}]));
    assert_eq!(answer.status, 422);
    let text = scrape(&host);
    for line in [
        "growbox_sensor_temperature_celsius{sensor=\"canopy\",zone=\"tent\"} 24.5",
        "growbox_sensor_humidity_ratio{sensor=\"canopy\",zone=\"tent\"} 0.64",
        "growbox_device_available{device=\"heater\",role=\"heater\",zone=\"tent\"} 1",
        "growbox_plugin_state{plugin=\"vpd-control\",state=\"running\"} 1",
        "growbox_events_taken_total 3",
        "growbox_events_refused_total 1",
    ] {
        assert!(
            text.lines().any(|said| said == line),
            "{line} is missing in\n{text}"
        );
    }
    assert!(
        text.contains("growbox_sensor_co2_ratio{sensor=\"quick\""),
        "{text}"
    );
    promtool(&text);
    until("the silent series to leave", || {
        let text = scrape(&host);
        (!text.contains("sensor=\"quick\"")).then_some(())
    });
    assert!(scrape(&host).contains("sensor=\"canopy\""));
}

/// Prometheus' own checker, where this machine has it.
fn promtool(text: &str) {
    let mut command = Command::new("promtool");
    command.args(["check", "metrics"]).stdin(Stdio::piped());
    let Ok(mut child) = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
    else {
        eprintln!("skipped: promtool is not installed; it comes with Debian's package prometheus");
        return;
    };
    let mut input = child.stdin.take().expect("a pipe was asked for");
    input.write_all(text.as_bytes()).expect("it reads");
    drop(input);
    let output = child.wait_with_output().expect("it ends");
    let said = String::from_utf8_lossy(&output.stderr).into_owned()
        + &String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.trim().is_empty(), "{said}");
}

#[test]
fn a_scrape_is_for_this_machine_as_any_other_question() {
    let room = Room::new(ROOM);
    let host = room.start();
    assert_eq!(
        host.stranger()
            .try_post("/metrics", &json!({}))
            .expect("an answer")
            .status,
        405
    );
    let address = host.address();
    let foreign = ureq::get(format!("http://{address}/metrics"))
        .config()
        .http_status_as_error(false)
        .build()
        .header("Origin", "http://evil.example")
        .call()
        .expect("an answer");
    assert_eq!(foreign.status().as_u16(), 403);
}
