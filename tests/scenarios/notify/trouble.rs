//! Far sides that fail, redirect, hang and refuse; and a host that is killed in the middle.

use growbox_tests::{FarSide, Reply};

use super::{body, fast, raise, real};

#[test]
fn a_failure_is_tried_again_with_the_same_key() {
    let webhook = FarSide::http(&[Reply::Status(500, "later"), Reply::Status(200, "")]);
    let room = fast(&format!("webhook = \"http://{}/\"", webhook.authority()));
    let host = room.start();
    raise(&host.client(), "hot");
    let said = webhook.hear(2);
    assert_eq!(body(&said[0]), body(&said[1]));
    let client = host.client();
    client.wait_event("type=plugin.call.answered", |event| {
        event["data"]["status"] == 200
    });
    assert!(client.events("type=x.notifier.gave_up").is_empty());
}

#[test]
fn a_redirect_is_not_followed_and_given_up_by_name() {
    let elsewhere = FarSide::http(&[Reply::Status(200, "")]);
    let to = format!("http://{}/taken", elsewhere.authority());
    let webhook = FarSide::http(&[Reply::Redirect(to.clone())]);
    let room = real(&format!("webhook = \"http://{}/\"", webhook.authority()));
    let host = room.start();
    raise(&host.client(), "hot");
    let client = host.client();
    let gave_up = client.wait_event("type=x.notifier.gave_up", |_| true);
    let reason = gave_up["data"]["reason"].as_str().unwrap_or_default();
    assert!(reason.contains(&to), "{gave_up}");
    assert_eq!(gave_up["data"]["channel"], "webhook", "{gave_up}");
    assert_eq!(webhook.said().len(), 1);
    assert!(elsewhere.said().is_empty(), "{:?}", elsewhere.said());
}

#[test]
fn one_that_hangs_holds_up_no_other() {
    let webhook = FarSide::http(&[Reply::Silence]);
    let ntfy = FarSide::http(&[Reply::Status(200, "")]);
    let room = real(&format!(
        "webhook = \"http://{}/\"\nntfy = \"http://{}/tent\"",
        webhook.authority(),
        ntfy.authority()
    ));
    let host = room.start();
    let client = host.client();
    raise(&client, "hot");
    let hanging = webhook.hear(1);
    assert_eq!(hanging.len(), 1);
    for rule in ["dry", "dark"] {
        raise(&client, rule);
    }
    let told = ntfy.hear(3);
    assert_eq!(told.len(), 3, "{told:?}");
    client.wait_event("type=plugin.call.answered", |event| {
        event["data"]["key"] == "ntfy-3"
    });
    let answers = client.events("type=plugin.call.answered");
    let hung = answers
        .iter()
        .filter(|event| event["data"]["key"] == "webhook-1");
    assert_eq!(hung.count(), 0, "it hangs still: {answers:#?}");
}

#[test]
fn a_message_on_its_way_outlives_a_kill() {
    let ntfy = FarSide::http(&[Reply::Silence, Reply::Status(200, "")]);
    let room = real(&format!("ntfy = \"http://{}/tent\"", ntfy.authority()));
    let host = room.start();
    raise(&host.client(), "hot");
    let first = ntfy.hear(1).remove(0);
    host.kill();
    let host = room.start();
    let again = ntfy.hear(2).remove(1);
    let sent = |call: &str| call.split_once("\r\n\r\n").map(|(_, text)| text.to_owned());
    assert_eq!(sent(&first), sent(&again));
    let client = host.client();
    let answered = client.wait_event("type=plugin.call.answered", |_| true);
    assert_eq!(answered["data"]["key"], "ntfy-1", "{answered}");
    assert_eq!(answered["data"]["status"], 200, "{answered}");
}
