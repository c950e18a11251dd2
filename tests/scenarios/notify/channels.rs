//! Every channel is told, in its own form; `growbox notify test` says which can be.

use std::fs;
use std::net::TcpListener;

use growbox_tests::{FarSide, Reply, Room};
use serde_json::json;

use super::{body, fast, has_header, raise, real};

#[test]
fn an_alert_reaches_every_channel_in_its_own_form() {
    let ntfy = FarSide::http(&[Reply::Status(200, "{}")]);
    let webhook = FarSide::http(&[Reply::Status(204, "")]);
    let telegram = FarSide::http(&[Reply::Status(200, "{\"ok\":true}")]);
    let mail = FarSide::mail();
    let room = real(&format!(
        "ntfy = \"http://{}/tent\"
webhook = \"http://{}/hook\"
telegram = {{ chat = -42, token = {{ file = \"{{folder}}/bot\" }}, url = \"http://{}\" }}
mail = {{ server = \"smtp://{}\", from = \"tent@example.org\", to = \"me@example.org\" }}",
        ntfy.authority(),
        webhook.authority(),
        telegram.authority(),
        mail.authority()
    ));
    fs::write(room.path().join("bot"), "77:abc\n").expect("the folder is writable");
    let host = room.start();
    raise(&host.client(), "device_failure_burst");

    let said = ntfy.hear(1).remove(0);
    assert!(said.starts_with("POST /tent HTTP/1.1\r\n"), "{said}");
    let title = "Critical in tent: device_failure_burst";
    assert!(has_header(&said, "Title", title), "{said}");
    assert!(has_header(&said, "Priority", "5"), "{said}");
    assert!(
        said.ends_with("31 degrees\nDone: emergency_stop"),
        "what was done is told: {said}"
    );

    let said = webhook.hear(1).remove(0);
    assert!(said.starts_with("POST /hook HTTP/1.1\r\n"), "{said}");
    let told = body(&said);
    assert_eq!(told["title"], title, "{told}");
    assert_eq!(told["severity"], "critical", "{told}");
    assert_eq!(told["zone"], "tent", "{told}");
    let key = told["key"].as_str().unwrap_or_default();
    assert!(has_header(&said, "Idempotency-Key", key), "{said}");

    let said = telegram.hear(1).remove(0);
    assert!(said.starts_with("POST /bot77:abc/sendMessage "), "{said}");
    let told = body(&said);
    assert_eq!(told["chat_id"], "-42", "{told}");
    let text = told["text"].as_str().unwrap_or_default();
    assert!(text.starts_with(title), "{told}");

    let said = mail.hear(1).remove(0);
    assert!(has_header(&said, "Subject", title), "{said}");
    assert!(has_header(&said, "To", "me@example.org"), "{said}");
    assert!(said.contains("31 degrees"), "{said}");

    for channel in ["ntfy", "webhook", "telegram", "mail"] {
        let key = format!("{channel}-1");
        let client = host.client();
        let answered = client.wait_event("type=plugin.call.answered", |event| {
            event["data"]["key"] == key.as_str()
        });
        let status = answered["data"]["status"].as_u64().unwrap_or_default();
        assert!((200..300).contains(&status), "{answered}");
    }
}

#[test]
fn a_burst_of_failures_that_stops_a_zone_is_told() {
    let ntfy = FarSide::http(&[Reply::Status(200, "")]);
    let room = Room::new(&format!(
        "[zone.tent]\n[plugin.alert-rules]\n[notify]\nntfy = \"http://{}/tent\"\n",
        ntfy.authority()
    ));
    let host = room.start();
    let error = json!({"type": "device.error", "metadata": {"zone": "tent"},
        "data": {"device_id": "lamp", "error_code": "E1", "message": "no answer"}});
    host.client().settle(&vec![error; 6]);
    let said = ntfy.hear(2);
    let burst = "Critical in tent: device_failure_burst";
    assert!(
        said.iter().any(|call| has_header(call, "Title", burst)),
        "{said:#?}"
    );
}

#[test]
fn a_test_says_what_each_channel_answers() {
    let ntfy = FarSide::http(&[Reply::Status(200, "")]);
    let nobody = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let closed = nobody.local_addr().expect("it has one");
    drop(nobody);
    let room = fast(&format!(
        "ntfy = \"http://{}/tent\"\nwebhook = \"http://{closed}/hook\"",
        ntfy.authority()
    ));
    let away = room.cli(["notify", "test"]);
    assert_eq!(away.code, Some(3), "{}", away.stderr);
    let host = room.start();
    let all = room.cli(["notify", "test"]).expect(1);
    let line = |name: &str| {
        let found = all.lines().find(|line| line.trim().starts_with(name));
        found.unwrap_or_else(|| panic!("no {name}: {all}"))
    };
    assert!(line("ntfy").contains("yes   status 200"), "{all}");
    assert!(line("webhook").contains("no "), "{all}");
    let said = ntfy.hear(1).remove(0);
    assert!(has_header(&said, "Title", "A test"), "{said}");
    let one = room.cli(["notify", "test", "--channel", "ntfy"]).expect(0);
    assert!(!one.contains("webhook"), "{one}");
    let unknown = room.cli(["notify", "test", "--channel", "nfty"]);
    assert_eq!(unknown.code, Some(1), "{}", unknown.stderr);
    assert!(
        unknown.stderr.contains("ntfy, webhook"),
        "{}",
        unknown.stderr
    );
    drop(host);

    let room = Room::new("[zone.tent]\n");
    let _host = room.start();
    let none = room.cli(["notify", "test"]);
    assert_eq!(none.code, Some(1), "{}", none.stderr);
    assert!(none.stderr.contains("[notify] ntfy = "), "{}", none.stderr);
}
