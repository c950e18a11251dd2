//! Readings in: Zigbee2MQTT's JSON, plain values, mapped values; all of them, once.

use growbox_tests::{Broker, until};
use serde_json::Value;

use super::{connected, figure, room};

const SENSORS: &str = r#"
[sensor]
canopy = { zone = "tent", source = "zigbee:Tent climate" }
soil = { zone = "tent", source = "mqtt:shed/soil", quantity = "soil_moisture" }
outside = { zone = "tent", source = "mqtt:shed/json", quantity = "temperature", unit = "°F", value = "/air/0" }
"#;

#[test]
fn a_message_becomes_readings_of_its_sensor() {
    let broker = Broker::start();
    let peer = broker.peer("peer");
    let room = room(&broker, SENSORS);
    let host = room.start();
    let client = host.client();
    connected(&client, 1.0);
    peer.say(
        "zigbee2mqtt/Tent climate",
        r#"{"battery":90,"humidity":61,"temperature":24.5}"#,
    );
    peer.say("shed/soil", " 44.5\n");
    peer.say("shed/json", r#"{"air":[77]}"#);
    let outside = client.wait_event("type=sensor.temperature", |event| {
        event["data"]["sensor_id"] == "outside"
    });
    assert_eq!(outside["data"]["value"], 25.0, "{outside:#}");
    let canopy = client.wait_event("type=sensor.humidity", |_| true);
    assert_eq!(canopy["source"], "mqtt:zigbee2mqtt/Tent climate");
    assert_eq!(canopy["metadata"]["zone"], "tent");
    let soil = client.wait_event("type=sensor.soil_moisture", |_| true);
    assert_eq!(soil["data"]["value"], 44.5);
    assert_eq!(peer.heard("growbox/growbox/status"), ["online"]);
    assert_eq!(host.terminate().code(), Some(0));
    assert_eq!(peer.hears("growbox/growbox/status", 2)[1], "offline");
}

#[test]
fn a_host_that_dies_is_told_by_its_last_will() {
    let broker = Broker::start();
    let peer = broker.peer("peer");
    let room = room(&broker, SENSORS);
    let host = room.start();
    connected(&host.client(), 1.0);
    host.kill();
    assert_eq!(peer.hears("growbox/growbox/status", 2)[1], "offline");
}

#[test]
fn what_is_published_while_the_host_is_away_is_not_lost() {
    let broker = Broker::start();
    let peer = broker.peer("peer");
    let room = room(&broker, SENSORS);
    let host = room.start();
    connected(&host.client(), 1.0);
    host.kill();
    for value in 0..8 {
        peer.say("shed/soil", value.to_string());
    }
    let _ = peer.hears("shed/soil", 8);
    let host = room.start();
    let client = host.client();
    let values = until("all of them", || {
        let events = client.events("type=sensor.soil_moisture");
        (events.len() >= 8).then(|| {
            let value = |event: &Value| event["data"]["value"].as_f64();
            events.iter().filter_map(value).collect::<Vec<f64>>()
        })
    });
    assert_eq!(values, (0..8).map(f64::from).collect::<Vec<_>>());
}

#[test]
fn a_retained_value_of_unknown_age_is_no_measure() {
    let broker = Broker::start();
    let peer = broker.peer("peer");
    peer.leave("shed/soil", "44");
    let _ = peer.hears("shed/soil", 1);
    let room = room(&broker, SENSORS);
    let host = room.start();
    let client = host.client();
    let old = client.wait_event("type=sensor.soil_moisture", |_| true);
    assert_eq!(old["data"]["quality"], "bad", "{old:#}");
}

#[test]
fn a_flood_of_retained_messages_is_taken_whole() {
    const TOPICS: usize = 10_000;
    let broker = Broker::start();
    let peer = broker.peer("peer");
    let mut tables = String::from("[sensor]\n");
    for index in 0..TOPICS {
        tables.push_str(&format!(
            "s{index} = {{ zone = \"tent\", source = \"mqtt:flood/{index}\", quantity = \"co2\" }}\n"
        ));
        peer.leave(&format!("flood/{index}"), "700");
    }
    until("the broker to have them all", || {
        (!peer.heard(&format!("flood/{}", TOPICS - 1)).is_empty()).then_some(())
    });
    let room = room(&broker, &tables);
    let host = room.start();
    let client = host.client();
    until("every message to be durable", || {
        (figure(&client, "readings") as usize >= TOPICS).then_some(())
    });
    assert_eq!(figure(&client, "unacknowledged"), 0.0);
    assert_eq!(figure(&client, "passed_over"), 0.0);
}
