//! What goes wrong on the way: each counted and named, nothing lost, nothing down.

use std::fs;

use growbox_tests::{Broker, until};

use super::{connected, figure, health, room};

const SOIL: &str =
    "[sensor]\nsoil = { zone = \"tent\", source = \"mqtt:soil\", quantity = \"soil_moisture\" }\n";

#[test]
fn bad_payloads_are_counted_named_and_passed() {
    let broker = Broker::start();
    let peer = broker.peer("peer");
    let room = room(&broker, SOIL);
    let host = room.start();
    let client = host.client();
    connected(&client, 1.0);
    let bad: [Vec<u8>; 7] = [
        b"\xff\x00\xfe".to_vec(),
        vec![b'9'; 70_000],
        "[".repeat(20_000).into_bytes(),
        b"NaN".to_vec(),
        b"null".to_vec(),
        b"\"44\"".to_vec(),
        b"{\"a\":".to_vec(),
    ];
    for payload in bad {
        peer.say("soil", payload);
    }
    peer.say("soil", "");
    peer.say("soil", "44");
    client.wait_event("type=sensor.soil_moisture", |_| true);
    assert_eq!(figure(&client, "unreadable"), 7.0);
    assert_eq!(health(&client)["status"], "degraded");
    let named = host.log().matches("address=mqtt:soil").count();
    assert_eq!(named, 3, "the first, the second and the fourth");
    let letters = room.cli(["dead-letters"]).expect(0);
    assert!(letters.contains("mqtt:soil"), "{letters}");
}

#[test]
fn a_broker_that_is_absent_is_waited_for() {
    let mut broker = Broker::start();
    broker.kill();
    let room = room(&broker, SOIL);
    let host = room.start();
    let client = host.client();
    until("the trouble to be told", || {
        health(&client)["why"]
            .as_str()
            .is_some_and(|why| why.contains("cannot reach the broker"))
            .then_some(())
    });
    broker.revive();
    connected(&client, 1.0);
}

#[test]
fn a_wrong_password_is_told_and_the_right_one_taken_up() {
    let mut broker = Broker::start();
    let folder = broker.folder().to_owned();
    let made = std::process::Command::new("mosquitto_passwd")
        .args(["-b", "-c"])
        .arg(folder.join("users"))
        .args(["growbox", "right"])
        .status();
    assert!(
        made.is_ok_and(|status| status.success()),
        "mosquitto brings its tool"
    );
    broker.restart("allow_anonymous false\npassword_file {folder}/users\n");
    fs::write(folder.join("password"), "wrong\n").expect("the folder is writable");
    let port = broker.port();
    let room = growbox_tests::Room::new(&format!(
        "[mqtt]\nbroker = \"127.0.0.1:{port}\"\npassword = {{ file = \"{}\" }}\n[zone.tent]\n{SOIL}",
        folder.join("password").display()
    ));
    let host = room.start();
    let client = host.client();
    until("the refusal to be told", || {
        health(&client)["why"]
            .as_str()
            .is_some_and(|why| why.contains("user or password is wrong"))
            .then_some(())
    });
    assert!(!host.log().contains("wrong\n"), "a password is never shown");
    fs::write(folder.join("password"), "right\n").expect("the folder is writable");
    connected(&client, 1.0);
}

#[test]
fn devices_are_found_and_their_absence_is_plain() {
    let broker = Broker::start();
    let peer = broker.peer("peer");
    let room = growbox_tests::Room::new("");
    let address = format!("127.0.0.1:{}", broker.port());
    let words = ["discover", "--broker", address.as_str(), "--seconds", "1"];
    let nothing = room.cli(words);
    assert_eq!(nothing.code, Some(1), "{}", nothing.stderr);
    assert!(
        nothing.stderr.contains("no Zigbee2MQTT"),
        "{}",
        nothing.stderr
    );
    peer.leave(
        "zigbee2mqtt/bridge/devices",
        r#"[{"friendly_name":"Heater plug","definition":{"vendor":"V","model":"M","exposes":[{"type":"switch","features":[]}]}}]"#,
    );
    let _ = peer.hears("zigbee2mqtt/bridge/devices", 1);
    let found = room.cli(words).expect(0);
    assert!(
        found.contains(
            "heater-plug = { zone = \"tent\", role = \"heater\", output = \"zigbee:Heater plug\""
        ),
        "{found}"
    );
    let gone = room.cli(["discover", "--broker", "127.0.0.1:1", "--seconds", "1"]);
    assert_eq!(gone.code, Some(3), "{}", gone.stderr);
}
