//! Events from the future and from long ago.

use growbox_tests::with_seq;
use serde_json::{Value, json};

use super::victim::{Victim, reading, with};

fn at(time: &str) -> Value {
    with(reading(35.0), "timestamp", json!(time))
}

#[test]
fn what_lies_far_ahead_is_refused() {
    let victim = Victim::tent();
    let message = victim.refuses(&at("2099-01-01T00:00:00Z"), "too_far_ahead");
    let named = message.contains("2099-01-01T00:00:00Z") && message.contains("1min");
    assert!(named, "{message}");
    for outside in [
        "9999-12-31T23:59:59Z",
        "3000-01-01T00:00:00Z",
        "0001-01-01T00:00:00Z",
    ] {
        let message = victim.refuses(&at(outside), "bad_time");
        assert!(message.contains("1970 to 2554"), "{message}");
    }
}

#[test]
fn what_lies_far_behind_is_only_logged() {
    let victim = Victim::tent();
    victim.well();
    let before = victim.zone();
    for time in ["2015-02-04T00:00:00Z", "1970-01-01T00:00:00Z"] {
        let result = victim.settled(&at(time));
        assert_eq!(result["status"], "late", "{result}");
        let seq = with_seq(&result);
        let path = format!("/api/v1/events?after={}&limit=1", seq - 1);
        let logged = victim.host.stranger().get(&path).expect(200);
        assert_eq!(logged["events"][0]["seq"], seq, "{logged}");
        assert_eq!(logged["events"][0]["timestamp"], time, "{logged}");
    }
    assert_eq!(
        victim.zone()["climate"],
        before["climate"],
        "it drove the view"
    );
    victim.well();
}

#[test]
fn what_is_no_time_is_refused() {
    let victim = Victim::tent();
    for time in ["yesterday", "", "2026-13-45T00:00:00Z", "2026-01-15 25:00"] {
        let message = victim.refuses(&at(time), "bad_time");
        assert!(message.contains("RFC 3339"), "{message}");
    }
    let number = with(reading(35.0), "timestamp", json!(1_768_471_200));
    victim.refuses(&number, "bad_timestamp");
}

/// Under the clock of events the first one founds it, and nothing leaps more than a week ahead.
#[test]
fn the_clock_of_events_is_not_torn_away() {
    let victim = Victim::new("[node]\nclock = \"events\"\n[zone.tent]\n");
    let first = victim.settled(&at("2099-01-01T00:00:00Z"));
    assert_eq!(first["error"]["code"], "too_far_ahead", "{first}");
    for (time, status) in [
        ("2026-01-15T10:00:00Z", "accepted"),
        ("2026-01-22T10:00:01Z", "refused"),
        ("2026-01-22T10:00:00Z", "accepted"),
        ("2015-02-04T00:00:00Z", "accepted"),
    ] {
        let result = victim.settled(&at(time));
        assert_eq!(result["status"], status, "{time}: {result}");
    }
    let refused = victim.settled(&at("2026-01-30T10:00:00Z"));
    let message = refused["error"]["message"].as_str().unwrap_or_default();
    assert!(
        message.contains("2026-01-22T10:00:00Z"),
        "the old one moved it: {message}"
    );
    victim.well();
}
