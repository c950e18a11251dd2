//! Another configuration while the session lasts: what waits for a restart is named, the rest goes on.

use growbox_tests::{Broker, Client, Host, Room, until};
use serde_json::{Value, json};

use super::{ask, connected, health};

/// Writes another configuration behind the same broker, and waits until it is taken over.
fn exchange(room: &Room, host: &Host, broker: &Broker, head: &str, tables: &str) -> Value {
    let client = host.client();
    let taken_over = || client.events("type=system.config.changed");
    let before = taken_over().len();
    room.configure(&format!(
        "[mqtt]\nbroker = \"127.0.0.1:{}\"\n{head}[zone.tent]\n[zone.lab]\n{tables}",
        broker.port()
    ));
    until("the configuration to be taken over", || {
        taken_over().get(before).map(|event| event["data"].clone())
    })
}

fn hears(client: &Client, sensor: &str, value: f64) -> Value {
    client.wait_event("type=sensor.soil_moisture", |event| {
        event["data"]["sensor_id"] == sensor && event["data"]["value"] == value
    })
}

#[test]
fn sensors_behind_another_topic_wait_for_a_restart_and_go_on_until_then() {
    let broker = Broker::start();
    let peer = broker.peer("peer");
    let soil = |topic: &str, zone: &str| {
        format!(
            "[sensor]\nsoil = {{ zone = \"{zone}\", source = \"mqtt:{topic}\", quantity = \"soil_moisture\" }}\n"
        )
    };
    let room = super::room(&broker, &soil("one", "tent"));
    let host = room.start();
    let client = host.client();
    connected(&client, 1.0);
    let said = exchange(&room, &host, &broker, "", &soil("one", "lab"));
    assert_eq!(said["requires_restart"], false, "{said:#}");
    peer.say("one", "41");
    assert_eq!(hears(&client, "soil", 41.0)["metadata"]["zone"], "lab");
    let more = "new = { zone = \"lab\", source = \"mqtt:new\", quantity = \"soil_moisture\" }\n";
    let tables = soil("two", "lab") + more;
    let said = exchange(&room, &host, &broker, "keep_alive = \"20s\"\n", &tables);
    assert_eq!(said["requires_restart"], true, "{said:#}");
    for key in ["mqtt.keep_alive", "sensor.soil.source", "sensor.new.source"] {
        let named = said["restart_for"].as_array();
        assert!(
            named.is_some_and(|keys| keys.contains(&json!(key))),
            "{key}: {said:#}"
        );
    }
    peer.say("two", "42");
    peer.say("new", "42");
    peer.say("one", "43");
    hears(&client, "soil", 43.0);
    assert_eq!(health(&client)["status"], "healthy");
    assert_eq!(host.terminate().code(), Some(0));
    let host = room.start();
    let client = host.client();
    connected(&client, 1.0);
    peer.say("two", "44");
    peer.say("new", "45");
    hears(&client, "soil", 44.0);
    hears(&client, "new", 45.0);
}

#[test]
fn the_session_outlasts_all_it_serves_and_a_device_comes_back() {
    let lamp = |name: &str, output: &str| {
        format!(
            "[device]\n{name} = {{ zone = \"tent\", role = \"other\", output = \"mqtt:{output}\", switched = true, min_on = 0, min_off = 0, state_topic = \"stat/{output}\" }}\n"
        )
    };
    let broker = Broker::start();
    let peer = broker.peer("peer");
    let room = super::room(&broker, &lamp("lamp", "a"));
    let host = room.start();
    let client = host.client();
    connected(&client, 1.0);
    peer.leave("stat/a", "OFF");
    until("the lamp to be known", || {
        (client.row("devices", "lamp")["available"] == true).then_some(())
    });
    let said = exchange(&room, &host, &broker, "", "");
    assert_eq!(said["requires_restart"], false, "{said:#}");
    let said = exchange(&room, &host, &broker, "", &lamp("light", "a"));
    assert_eq!(said["requires_restart"], false, "{said:#}");
    until("the light to be known", || {
        (client.row("devices", "light")["available"] == true).then_some(())
    });
    ask(&client, "light", 1.0);
    until("the light to be told", || {
        peer.heard("a").contains(&"ON".to_owned()).then_some(())
    });
    peer.say("stat/a", "ON");
    until("the light to be on", || {
        (client.row("devices", "light")["level"] == 1.0).then_some(())
    });
    let said = exchange(&room, &host, &broker, "", &lamp("light", "b"));
    assert_eq!(said["requires_restart"], true, "{said:#}");
    let named = said["restart_for"].as_array();
    assert!(
        named.is_some_and(|keys| keys.contains(&json!("device.light.output"))),
        "{said:#}"
    );
    until("the light to be put to its safe level", || {
        (peer.heard("a").last().map(String::as_str) == Some("OFF")).then_some(())
    });
    peer.say("stat/a", "OFF");
    until("the new light to be out of reach", || {
        (client.row("devices", "light")["available"] == false).then_some(())
    });
    assert!(host.log().contains("is reached after a restart"));
    assert_eq!(health(&client)["figures"]["connections"], 1.0);
}
