//! Orders out: told, confirmed by the state, told again after the broker was away.

use growbox_tests::{Broker, until};

use super::{ask, connected, room};

const DEVICES: &str = r#"
[device]
plug = { zone = "tent", role = "other", output = "zigbee:Plug", switched = true, min_on = 0, min_off = 0, timer = "on_time" }
lamp = { zone = "tent", role = "other", output = "mqtt:cmnd/lamp", switched = true, min_on = 0, min_off = 0, on = "1", off = "0", state_topic = "stat/lamp", availability_topic = "tele/lamp" }
"#;

#[test]
fn an_order_is_confirmed_by_the_state_and_carries_its_lease() {
    let broker = Broker::start();
    let peer = broker.peer("peer");
    peer.leave("tele/lamp", "online");
    peer.leave("zigbee2mqtt/Plug/availability", r#"{"state":"online"}"#);
    peer.leave("zigbee2mqtt/Plug", r#"{"state":"OFF"}"#);
    peer.leave("stat/lamp", "0");
    let _ = peer.hears("stat/lamp", 1);
    let room = room(&broker, DEVICES);
    let host = room.start();
    let client = host.client();
    connected(&client, 1.0);
    ask(&client, "plug", 1.0);
    let told = until("the plug to be told", || {
        peer.heard("zigbee2mqtt/Plug/set")
            .into_iter()
            .find(|told| told.contains("ON"))
    });
    assert!(told.contains("\"on_time\":"), "{told}");
    peer.say("zigbee2mqtt/Plug", r#"{"state":"ON"}"#);
    client.wait_event("type=device.action.executed", |event| {
        event["data"]["device_id"] == "plug"
    });
    assert_eq!(client.row("devices", "plug")["level"], 1.0);
    peer.say("zigbee2mqtt/Plug/availability", r#"{"state":"offline"}"#);
    until("the plug to be out of reach", || {
        (client.row("devices", "plug")["available"] == false).then_some(())
    });
}

#[test]
fn what_is_wanted_is_told_again_when_the_broker_is_back() {
    let mut broker = Broker::start();
    let room = room(&broker, DEVICES);
    let host = room.start();
    let client = host.client();
    connected(&client, 1.0);
    broker.kill();
    until("the devices to be out of reach", || {
        (client.row("devices", "lamp")["available"] == false).then_some(())
    });
    broker.revive();
    let peer = broker.peer("peer");
    peer.leave("tele/lamp", "online");
    connected(&client, 2.0);
    ask(&client, "lamp", 1.0);
    until("the lamp to be told", || {
        peer.heard("cmnd/lamp")
            .contains(&"1".to_owned())
            .then_some(())
    });
    peer.say("stat/lamp", "1");
    until("the lamp to be on", || {
        (client.row("devices", "lamp")["level"] == 1.0).then_some(())
    });
    assert_eq!(host.terminate().code(), Some(0));
    assert_eq!(
        peer.heard("cmnd/lamp").last().map(String::as_str),
        Some("0")
    );
}

#[test]
fn safe_reaches_what_is_behind_the_broker_when_the_host_is_gone() {
    let broker = Broker::start();
    let peer = broker.peer("peer");
    peer.leave("tele/lamp", "online");
    peer.leave("stat/lamp", "0");
    let _ = peer.hears("stat/lamp", 1);
    let room = room(&broker, DEVICES);
    let host = room.start();
    let client = host.client();
    connected(&client, 1.0);
    ask(&client, "lamp", 1.0);
    let _ = until("the lamp to be told", || {
        peer.heard("cmnd/lamp").into_iter().find(|told| told == "1")
    });
    peer.leave("stat/lamp", "1");
    until("the lamp to be on", || {
        (client.row("devices", "lamp")["level"] == 1.0).then_some(())
    });
    host.kill();
    let offs = || {
        let told = peer.heard("cmnd/lamp");
        told.iter().filter(|told| *told == "0").count()
    };
    let before = offs();
    std::thread::scope(|scope| {
        let safe = scope.spawn(|| room.cli(["safe", "--within", "10"]));
        until("the lamp to be told to go off", || {
            (offs() > before).then_some(())
        });
        peer.leave("stat/lamp", "0");
        let done = safe.join().expect("nobody panics there");
        assert!(done.stdout.contains("lamp is at 0 %"), "{done:?}");
    });
}
