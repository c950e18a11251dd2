//! Orders out: told, confirmed by the state, told again after the broker was away.

use growbox_tests::{Broker, until};
use serde_json::json;

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
    told_on(&peer);
    peer.say("stat/lamp", "1");
    followed(&client);
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
    followed(&client);
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

/// The lamp is told to go on.
fn told_on(peer: &growbox_tests::Peer) {
    until("the lamp to be told", || {
        peer.heard("cmnd/lamp")
            .contains(&"1".to_owned())
            .then_some(())
    });
}

/// The lamp has said that it is on.
fn followed(client: &growbox_tests::Client) {
    until("the lamp to be on", || {
        (client.row("devices", "lamp")["level"] == 1.0).then_some(())
    });
}

/// The lamp is there and on.
fn lamp_is_on(broker: &Broker, client: &growbox_tests::Client) -> growbox_tests::Peer {
    let peer = broker.peer("peer");
    peer.leave("tele/lamp", "online");
    peer.leave("stat/lamp", "0");
    connected(client, 1.0);
    ask(client, "lamp", 1.0);
    told_on(&peer);
    peer.say("stat/lamp", "1");
    followed(client);
    peer
}

#[test]
fn without_a_state_topic_the_brokers_word_counts_and_one_that_nobody_hears_has_failed() {
    let broker = Broker::start();
    let fan = "[device]\nfan = { zone = \"tent\", role = \"other\", output = \"mqtt:cmnd/fan\", switched = true, min_on = 0, min_off = 0 }\n";
    let room = room(&broker, fan);
    let host = room.start();
    let client = host.client();
    connected(&client, 1.0);
    until("it to be known that nobody listens", || {
        let row = client.row("devices", "fan").to_string();
        row.contains("nobody listens").then_some(())
    });
    let peer = broker.peer("peer");
    peer.leave("tele/peer", "online");
    ask(&client, "fan", 1.0);
    client.wait_event("type=device.action.executed", |event| {
        event["data"]["device_id"] == "fan"
    });
    // The broker's word may be quicker than its delivery.
    until("the peer to hear of it", || {
        let heard = peer.heard("cmnd/fan");
        heard.contains(&"ON".to_owned()).then_some(())
    });
}

#[test]
fn a_device_that_returns_under_a_stop_hears_nothing_of_before() {
    let broker = Broker::start();
    let room = room(&broker, DEVICES);
    let host = room.start();
    let client = host.client();
    let peer = lamp_is_on(&broker, &client);
    let told = peer.heard("cmnd/lamp").len();
    peer.leave("tele/lamp", "offline");
    until("the lamp to be out of reach", || {
        (client.row("devices", "lamp")["available"] == false).then_some(())
    });
    let who = json!({"who": "ann", "reason": "a test"});
    let _ = client.post("/api/v1/stop", &who).expect(200);
    peer.leave("tele/lamp", "online");
    let since = until("the lamp to be told", || {
        let since = peer.heard("cmnd/lamp").split_off(told);
        since.contains(&"0".to_owned()).then_some(since)
    });
    assert!(!since.contains(&"1".to_owned()), "{since:?}");
}

#[test]
fn a_button_behind_the_broker_stops_everything() {
    let broker = Broker::start();
    let port = broker.port();
    let room = growbox_tests::Room::new(&format!(
        "[mqtt]\nbroker = \"127.0.0.1:{port}\"\nstop_topic = \"shed/stop\"\n[zone.tent]\n{DEVICES}"
    ));
    let host = room.start();
    let client = host.client();
    let peer = lamp_is_on(&broker, &client);
    // A button that is let go, and what the broker kept, stop nobody.
    peer.say("shed/stop", "OFF");
    peer.say("shed/stop", "pressed");
    until("the lamp to be told", || {
        let told = peer.heard("cmnd/lamp");
        (told.last().map(String::as_str) == Some("0")).then_some(())
    });
    let stops = client.events("type=system.emergency");
    assert_eq!(stops.len(), 1, "{stops:?}");
    assert_eq!(stops[0]["data"]["message"], "pressed");
    let who = json!({"who": "ann", "reason": "a test"});
    let _ = client.post("/api/v1/reset", &who).expect(200);
    let reset = client.wait_event("type=system.emergency.reset", |_| true);
    assert_eq!(reset["data"]["message"], "reset by ann: a test");
}

#[test]
fn a_guardian_reaches_what_is_behind_the_broker_by_itself() {
    let broker = Broker::start();
    let room = room(&broker, DEVICES);
    let host = room.start_guarded();
    let peer = lamp_is_on(&broker, &host.client());
    let told = peer.heard("cmnd/lamp").len();
    rustix::process::kill_process(host.guarded_pid(), rustix::process::Signal::KILL)
        .expect("a host can be killed");
    until("the lamp to be told", || {
        let since = peer.heard("cmnd/lamp").split_off(told);
        since.contains(&"0".to_owned()).then_some(())
    });
    peer.say("stat/lamp", "0");
    let log = until("the guardian to be told", || {
        let log = host.log();
        log.contains("lamp is at 0 %").then_some(log)
    });
    assert!(log.contains("the host was ended by signal 9"), "{log}");
}

#[test]
fn a_guardian_that_comes_again_does_not_take_old_words_for_new_ones() {
    let broker = Broker::start();
    let room = room(&broker, DEVICES);
    let mut host = room.start_guarded();
    let peer = lamp_is_on(&broker, &host.client());
    let offs = |told: usize| {
        let since = peer.heard("cmnd/lamp").split_off(told);
        since.iter().filter(|word| *word == "0").count()
    };
    let told = peer.heard("cmnd/lamp").len();
    host = host.replaced_after(rustix::process::Signal::KILL);
    until("the lamp to be told", || (offs(told) > 0).then_some(()));
    // What it says while no guardian listens: nobody is to hear of it later.
    peer.say("stat/lamp", "0");
    peer.leave("stat/lamp", "1");
    let told = peer.heard("cmnd/lamp").len();
    rustix::process::kill_process(host.guarded_pid(), rustix::process::Signal::KILL)
        .expect("a host can be killed");
    until("the lamp to be told until it answers", || {
        (offs(told) >= 3).then_some(())
    });
}

#[test]
fn a_plug_is_told_to_stay_off_when_its_power_returns_and_is_asked_whether_it_will() {
    let broker = Broker::start();
    let peer = broker.peer("peer");
    let list = json!([{
        "friendly_name": "Plug", "type": "Router",
        "definition": {"vendor": "x", "model": "y", "exposes": [
            {"type": "switch", "features": [{"name": "state", "access": 7}]},
            {"type": "enum", "name": "power_on_behavior", "access": 7,
             "values": ["off", "previous", "on"]}
        ]}
    }]);
    peer.leave("zigbee2mqtt/bridge/devices", list.to_string());
    peer.leave("zigbee2mqtt/Plug/availability", r#"{"state":"online"}"#);
    peer.leave(
        "zigbee2mqtt/Plug",
        r#"{"state":"OFF","power_on_behavior":"previous"}"#,
    );
    peer.leave("tele/lamp", "online");
    let room = room(&broker, DEVICES);
    let host = room.start();
    connected(&host.client(), 1.0);
    let told = |times: usize| {
        until("the plug to be told", || {
            let told = peer.heard("zigbee2mqtt/Plug/set");
            let settings = told
                .iter()
                .filter(|told| told.contains("power_on_behavior"));
            (settings.count() == times).then_some(())
        });
    };
    told(1);
    assert!(
        peer.heard("zigbee2mqtt/Plug/set")
            .contains(&r#"{"power_on_behavior":"off"}"#.to_owned())
    );
    peer.say(
        "zigbee2mqtt/Plug",
        r#"{"state":"OFF","power_on_behavior":"previous"}"#,
    );
    told(2);
    peer.say(
        "zigbee2mqtt/Plug",
        r#"{"state":"OFF","power_on_behavior":"off"}"#,
    );
    assert_eq!(host.terminate().code(), Some(0));
    told(2);
}

#[test]
fn a_state_topic_that_says_otherwise_is_an_error_and_an_alert_until_it_agrees() {
    let broker = Broker::start();
    let peer = broker.peer("peer");
    peer.leave("tele/lamp", "online");
    peer.leave("stat/lamp", "0");
    let port = broker.port();
    let room = growbox_tests::Room::new(&format!(
        "[mqtt]\nbroker = \"127.0.0.1:{port}\"\n[zone.tent]\n{DEVICES}"
    ));
    let host = room.start();
    let client = host.client();
    connected(&client, 1.0);
    ask(&client, "lamp", 1.0);
    let error = client.wait_event("type=device.error", |_| true);
    assert_eq!(error["data"]["device_id"], "lamp");
    assert_eq!(error["data"]["error_code"], "driver_failed");
    let alerts = client.get("/api/v1/alerts?state=raised").expect(200);
    assert_eq!(alerts["alerts"][0]["rule"], "device:lamp");
    let told = peer.heard("cmnd/lamp").len();
    until("it to be told again", || {
        (peer.heard("cmnd/lamp").len() > told).then_some(())
    });
    peer.say("stat/lamp", "1");
    let _ = client.wait_event("type=alert.cleared", |_| true);
    assert_eq!(client.row("devices", "lamp")["level"], 1.0);
    assert_eq!(host.terminate().code(), Some(0));
}
