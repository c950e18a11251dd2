//! The notifier in a room for tests: what goes out, when, and how often.

use growbox_sdk::json::{Value, json};
use growbox_sdk::prelude::*;
use growbox_sdk::wire::Call;

use super::Notifier;

fn settings() -> Notifier {
    Notifier {
        ntfy: Some("https://ntfy.example/tent".into()),
        ..Notifier::default()
    }
}

fn room() -> TestRoom<Notifier> {
    TestRoom::with(settings())
}

fn alert(room: &mut TestRoom<Notifier>, rule: &str, severity: &str) {
    let data = json!({"rule": rule, "severity": severity, "message": "out of band"});
    let event = room.document("alert.raised", &data);
    room.send([event]);
}

fn answer(room: &mut TestRoom<Notifier>, key: &str, mut answer: Value) {
    answer["plugin"] = "notifier".into();
    answer["key"] = key.into();
    let event = room.document("plugin.call.answered", &answer);
    room.send([event]);
}

fn done(room: &mut TestRoom<Notifier>) {
    let keys: Vec<String> = room.calls().iter().map(|call| call.key.clone()).collect();
    for key in keys {
        answer(room, &key, json!({"status": 200}));
    }
}

fn header<'c>(call: &'c Call, name: &str) -> &'c str {
    let found = call.headers.iter().find(|(known, _)| known == name);
    found.map_or("", |(_, value)| value)
}

fn text(call: &Call) -> &str {
    std::str::from_utf8(&call.body).expect("text")
}

#[test]
fn an_alert_goes_to_every_channel_in_its_own_form() {
    let mut room = TestRoom::with(Notifier {
        ntfy_authorization: Some("Bearer ${secret:ntfy}".into()),
        webhook: Some("https://hook.example/x".into()),
        telegram: Some("https://api.telegram.org/bot${secret:telegram}/sendMessage".into()),
        telegram_chat: Some("-42".into()),
        mail: Some("mailto:me@example.org".into()),
        ..settings()
    });
    alert(&mut room, "too-dry", "critical");
    let [ntfy, webhook, telegram, mail] = room.calls() else {
        panic!("four calls: {:?}", room.calls());
    };
    assert_eq!(header(ntfy, "Title"), "Critical in tent: too-dry");
    assert_eq!(header(ntfy, "Priority"), "5");
    assert_eq!(header(ntfy, "Authorization"), "Bearer ${secret:ntfy}");
    assert_eq!((ntfy.key.as_str(), text(ntfy)), ("ntfy-1", "out of band"));
    let posted: Value = json::from_str(text(webhook)).expect("JSON");
    assert_eq!(
        posted,
        json!({
            "key": "webhook-1", "title": "Critical in tent: too-dry", "text": "out of band",
            "severity": "critical", "type": "alert.raised", "zone": "tent",
            "timestamp": "2026-01-15T10:30:00Z",
        })
    );
    let posted: Value = json::from_str(text(telegram)).expect("JSON");
    assert_eq!(posted["chat_id"], "-42");
    assert_eq!(posted["text"], "Critical in tent: too-dry\nout of band");
    assert_eq!(mail.url, "mailto:me@example.org");
    assert_eq!(header(mail, "Subject"), "Critical in tent: too-dry");
}

#[test]
fn the_same_alert_is_said_once_and_its_end_too() {
    let mut room = room();
    alert(&mut room, "too-dry", "warning");
    assert_eq!(room.calls().len(), 1);
    done(&mut room);
    alert(&mut room, "too-dry", "warning");
    assert!(room.calls().is_empty(), "{:?}", room.calls());
    let over = room.document("alert.cleared", &json!({"rule": "too-dry"}));
    room.send([over]);
    assert_eq!(header(&room.calls()[0], "Title"), "Over in tent: too-dry");
    done(&mut room);
    let over = room.document("alert.cleared", &json!({"rule": "never-raised"}));
    room.send([over]);
    assert!(room.calls().is_empty());
}

#[test]
fn what_is_less_than_least_is_not_said() {
    let mut room = TestRoom::with(Notifier {
        least: "critical".into(),
        ..settings()
    });
    alert(&mut room, "damp", "warning");
    assert!(room.calls().is_empty());
    alert(&mut room, "fire", "critical");
    assert_eq!(room.calls().len(), 1);
}

#[test]
fn a_failure_is_tried_again_each_time_later() {
    let mut room = room();
    alert(&mut room, "hot", "critical");
    let mut waits = Vec::new();
    for _ in 0..5 {
        answer(
            &mut room,
            "ntfy-1",
            json!({"error": "refuses the connection"}),
        );
        let mut ticks = u64::from(room.calls().is_empty());
        while room.calls().is_empty() {
            room.run(seconds(5));
            ticks += 1;
        }
        assert_eq!(room.calls()[0].key, "ntfy-1", "the same message");
        waits.push((ticks - 1) * 5);
    }
    assert_eq!(waits, [5, 10, 20, 40, 80]);
    answer(&mut room, "ntfy-1", json!({"status": 200}));
    room.run(minutes(30));
    assert!(room.calls().is_empty());
}

#[test]
fn a_busy_far_side_says_when() {
    let mut room = room();
    alert(&mut room, "hot", "critical");
    let busy = json!({"status": 429, "headers": {"retry-after": "120"}});
    answer(&mut room, "ntfy-1", busy);
    room.run(seconds(115));
    assert!(room.calls().is_empty());
    room.run(seconds(5));
    assert_eq!(room.calls().len(), 1);
}

#[test]
fn a_refusal_is_given_up_and_said() {
    let mut room = room();
    alert(&mut room, "hot", "critical");
    answer(&mut room, "ntfy-1", json!({"status": 403, "body": "no"}));
    let told: Vec<_> = room.emitted_of("x.notifier.gave_up").collect();
    let Payload::Document(data) = &told[0].payload else {
        panic!("a document");
    };
    let data: Value = json::from_str(data).expect("JSON");
    assert_eq!(data["reason"], "status 403 no");
    assert_eq!(
        (&data["key"], &data["attempts"]),
        (&json!("ntfy-1"), &json!(1))
    );
    room.run(minutes(20));
    assert!(room.calls().is_empty());
    alert(&mut room, "wet", "critical");
    let elsewhere = json!({"status": 302, "headers": {"location": "https://b.example/"}});
    answer(&mut room, "ntfy-2", elsewhere);
    let told = format!("{:?}", room.emitted());
    assert!(told.contains("redirects to https://b.example/"), "{told}");
}

#[test]
fn one_call_at_a_time_keeps_the_order() {
    let mut room = room();
    alert(&mut room, "one", "critical");
    alert(&mut room, "two", "critical");
    assert!(room.calls().is_empty());
    answer(&mut room, "ntfy-1", json!({"status": 200}));
    assert_eq!(room.calls()[0].key, "ntfy-2");
}

#[test]
fn the_surplus_of_an_hour_is_one_message() {
    let mut room = TestRoom::with(Notifier {
        rate: 3,
        repeat: Span::ZERO,
        ..settings()
    });
    let mut sent = 0;
    for number in 0..15 {
        alert(&mut room, &format!("rule-{number}"), "warning");
        sent += room.calls().len();
        done(&mut room);
    }
    assert_eq!(sent, 3);
    alert(&mut room, "fire", "critical");
    assert_eq!(room.calls().len(), 1, "what is critical goes on");
    done(&mut room);
    room.run(minutes(61));
    let [rest] = room.calls() else {
        panic!("one message: {:?}", room.calls());
    };
    assert_eq!(header(rest, "Title"), "and 12 more");
    assert!(
        text(rest).starts_with("Warning in tent: rule-14"),
        "{}",
        text(rest)
    );
    done(&mut room);
    room.run(minutes(30));
    assert!(room.calls().is_empty());
}

/// A test room's log was founded at 10:30 UTC.
fn quiet(hours: &str) -> TestRoom<Notifier> {
    TestRoom::with(Notifier {
        quiet_hours: Some(hours.into()),
        repeat: Span::ZERO,
        ..settings()
    })
}

#[test]
fn quiet_hours_keep_what_can_wait() {
    let mut room = quiet("22:00-10:40");
    alert(&mut room, "damp", "warning");
    alert(&mut room, "dry", "warning");
    assert!(room.calls().is_empty());
    alert(&mut room, "fire", "critical");
    assert_eq!(room.calls().len(), 1, "what is critical passes");
    done(&mut room);
    room.run(minutes(9));
    assert!(room.calls().is_empty());
    room.run(minutes(1));
    let [kept] = room.calls() else {
        panic!("one message: {:?}", room.calls());
    };
    assert_eq!(header(kept, "Title"), "2 messages while it was quiet");
    assert!(text(kept).contains("damp") && text(kept).contains("dry"));
}

#[test]
fn a_clock_that_is_not_set_makes_no_silence() {
    let mut room = quiet("10:00-11:00");
    room.trust_wall(false);
    alert(&mut room, "damp", "warning");
    assert_eq!(room.calls().len(), 1);
}

#[test]
fn a_critical_alert_is_said_again_until_it_is_seen() {
    let mut room = room();
    alert(&mut room, "hot", "critical");
    done(&mut room);
    room.run(minutes(59));
    assert!(room.calls().is_empty());
    room.run(minutes(1));
    assert_eq!(
        header(&room.calls()[0], "Title"),
        "Still critical in tent: hot"
    );
    done(&mut room);
    let seen = room.document("alert.acknowledged", &json!({"rule": "hot"}));
    room.send([seen]);
    room.run(hours(3));
    assert!(room.calls().is_empty());
}

#[test]
fn an_unclean_end_is_told_with_its_length() {
    let mut room = room();
    let clean = room.document("system.lifecycle.started", &json!({"version": "0.1.0"}));
    room.send([clean]);
    assert!(room.calls().is_empty());
    let since = json!({"off_since": "2026-01-15T02:14:30Z"});
    let back = room.document("system.lifecycle.started", &since);
    room.send([back]);
    assert_eq!(
        header(&room.calls()[0], "Title"),
        "Warning in tent: off 02:14–10:30"
    );
}

#[test]
fn other_trouble_is_told_too_and_not_twice_an_hour() {
    for (kind, data, title) in [
        (
            "device.error",
            json!({"device_id": "heater", "error_code": "timeout"}),
            "Critical in tent: heater",
        ),
        (
            "safety.violation",
            json!({"rule": "hot", "message": "38 °C"}),
            "Critical in tent: safety rule hot",
        ),
        (
            "system.emergency",
            json!({"message": "smoke"}),
            "Critical in tent: emergency stop",
        ),
        (
            "storage.gap",
            json!({"reason": "disk full"}),
            "Warning in tent: the log has a gap",
        ),
        (
            "plugin.quarantined",
            json!({"plugin": "leafy"}),
            "Warning in tent: plug-in leafy is quarantined",
        ),
    ] {
        let mut room = room();
        for count in [1, 0] {
            let event = room.document(kind, &data);
            room.send([event]);
            assert_eq!(room.calls().len(), count, "{kind}");
            if count == 1 {
                assert_eq!(header(&room.calls()[0], "Title"), title);
                done(&mut room);
            }
        }
    }
}

#[test]
fn a_test_goes_out_at_once_and_is_tried_once() {
    let mut room = quiet("00:00-23:59");
    let test = room.document("x.notifier.test", &json!({"channel": "ntfy"}));
    let seq = test.seq;
    room.send([test]);
    assert_eq!(room.calls()[0].key, format!("ntfy-test-{seq}"));
    assert_eq!(room.emitted_of("x.notifier.tested").count(), 1);
    answer(
        &mut room,
        &format!("ntfy-test-{seq}"),
        json!({"error": "no"}),
    );
    room.run(minutes(5));
    assert!(room.calls().is_empty());
    let test = room.document("x.notifier.test", &json!({"channel": "smoke"}));
    room.send([test]);
    assert!(room.calls().is_empty());
}

#[test]
fn answers_of_others_and_foreign_keys_change_nothing() {
    let mut room = room();
    alert(&mut room, "hot", "critical");
    let other = json!({"plugin": "other", "key": "ntfy-1", "status": 200});
    let event = room.document("plugin.call.answered", &other);
    room.send([event]);
    answer(&mut room, "ntfy-9", json!({"status": 200}));
    alert(&mut room, "wet", "critical");
    assert!(room.calls().is_empty(), "the first is still out");
}

#[test]
fn however_much_happens_what_is_remembered_is_bounded() {
    let mut room = TestRoom::with(Notifier {
        webhook: Some("https://a.example".into()),
        telegram: Some("https://b.example".into()),
        mail: Some("mailto:me@example.org".into()),
        quiet_hours: Some("00:00-23:59".into()),
        ..settings()
    });
    for number in 0..600 {
        let long = "\"\u{7}".repeat(2000);
        let severity = if number % 2 == 0 {
            "critical"
        } else {
            "warning"
        };
        let rule = format!("{number}{long}");
        let data = json!({"rule": rule, "severity": severity, "message": long});
        let event = room.document("alert.raised", &data);
        room.send([event]);
    }
    let stored = room.store().text("notes").map_or(0, str::len);
    assert!((1..256 * 1024).contains(&stored), "{stored} bytes");
}

#[test]
fn settings_that_cannot_be_are_refused() {
    for (text, pointer) in [
        (r#"{"least":"loud"}"#, "/least"),
        (r#"{"quiet_hours":"late"}"#, "/quiet_hours"),
        (r#"{"quiet_hours":"22:00-24:00"}"#, "/quiet_hours"),
    ] {
        let refused = growbox_sdk::start::<Notifier>(text).expect_err(text);
        assert!(format!("{refused:?}").contains(pointer), "{refused:?}");
    }
}
