//! The life of an alert: raised once, acknowledged, cleared, kept over a swap.

use super::{data, room, rules, said};
use crate::AlertRules;
use growbox_sdk::json::{Value, json};
use growbox_sdk::prelude::*;
use proptest::prelude::*;

fn damp() -> Value {
    json!({"damp": {"kind": "threshold", "quantity": "humidity", "above": 80, "dwell": "5min"}})
}

/// One reading of humidity, after a minute.
fn humid(room: &mut TestRoom<AlertRules>, value: f64) -> Vec<(String, Value)> {
    let reading = room.wait(minutes(1)).reading("humidity", value);
    said(room.send([reading]))
}

fn raised(rule: &str) -> Vec<(String, Value)> {
    vec![("alert.raised".into(), rule.into())]
}

fn cleared(rule: &str) -> Vec<(String, Value)> {
    vec![("alert.cleared".into(), rule.into())]
}

fn failure(room: &mut TestRoom<AlertRules>) -> Event {
    room.document(
        "device.error",
        &json!({"device_id": "heater", "error_code": "E1"}),
    )
}

#[test]
fn it_is_raised_once_and_cleared_once() {
    let mut room = room(&damp());
    for _ in 0..6 {
        assert_eq!(humid(&mut room, 85.0), []);
    }
    assert_eq!(humid(&mut room, 86.25), raised("damp"));
    let told = room.emitted()[0].clone();
    assert_eq!(
        data(&told)["message"],
        "humidity of humidity is 86.25 %; it may be at most 80 %; for 6 min"
    );
    assert_eq!(data(&told)["since"], "2026-01-15T10:31:00Z");
    assert_eq!(data(&told)["evidence"], json!([1, 7]));
    assert_eq!(
        (told.zone.as_deref(), told.causes.as_slice()),
        (Some("tent"), &[1, 7][..])
    );
    for _ in 0..60 {
        assert_eq!(humid(&mut room, 90.0), [], "no nagging");
    }
    assert_eq!(humid(&mut room, 80.0), cleared("damp"));
    let over = data(&room.emitted()[0]);
    assert_eq!(
        over["message"],
        "over after 1 h 7 min: humidity of humidity is 80 %; it may be at most 80 %"
    );
    assert_eq!(humid(&mut room, 79.0), []);
}

#[test]
fn an_acknowledged_alert_is_cleared_all_the_same() {
    let mut room = room(&damp());
    for _ in 0..7 {
        humid(&mut room, 85.0);
    }
    let seen = json!({"rule": "damp", "subject": "humidity", "who": "Ann"});
    let seen = room.document("alert.acknowledged", &seen);
    assert_eq!(said(room.send([seen])), []);
    assert_eq!(humid(&mut room, 90.0), []);
    assert_eq!(humid(&mut room, 70.0), cleared("damp"));
    assert_eq!(data(&room.emitted()[0])["who"], "Ann");
}

#[test]
fn zones_and_sensors_are_apart() {
    let mut room =
        room(&json!({"hot": {"kind": "threshold", "quantity": "temperature", "above": 30}}));
    let one = room.reading_of("canopy", "temperature", 31.0);
    let other = room.reading_of("floor", "temperature", 31.0);
    let elsewhere = Event {
        zone: Some("room".into()),
        ..one.clone()
    };
    let nowhere = Event {
        zone: None,
        ..one.clone()
    };
    let bad = room.reading_of("broken", "temperature", 31.0);
    let Payload::Reading(reading) = bad.payload.clone() else {
        unreachable!()
    };
    let bad = Event {
        payload: Payload::Reading(Reading {
            quality: Quality::Bad,
            ..reading
        }),
        ..bad
    };
    let all = [one, other, elsewhere, nowhere, bad];
    assert_eq!(
        room.send(all).emitted().len(),
        4,
        "what is bad is not judged"
    );
}

#[test]
fn a_burst_stops_the_zone_where_that_is_granted() {
    for granted in [true, false] {
        let mut room = room(&json!({}));
        if granted {
            room.tent()
                .attributes
                .push(("emergency_stop".into(), "tent".into()));
        }
        for _ in 0..5 {
            let event = failure(room.wait(minutes(1)));
            assert_eq!(said(room.send([event])), []);
        }
        let event = failure(room.wait(minutes(1)));
        room.send([event]);
        assert_eq!(said(&room), raised("device_failure_burst"));
        let told = data(&room.emitted()[0]);
        assert_eq!(told["severity"], "critical");
        assert_eq!(told["message"], "more than 5 device.error within 10 min");
        assert_eq!(told["evidence"], json!([1, 2, 3, 4, 5, 6]));
        let stops: Vec<_> = room
            .stops()
            .iter()
            .map(|stop| stop.zone.as_deref())
            .collect();
        if granted {
            assert_eq!(stops, [Some("tent")]);
            assert_eq!(told["action_taken"], "emergency_stop");
        } else {
            assert!(stops.is_empty());
            assert_eq!(told["action_taken"], Value::Null, "nothing was done");
            assert!(
                room.store()
                    .log()
                    .any(|line| line.contains("is not granted"))
            );
        }
        let again = failure(&mut room);
        assert_eq!(said(room.send([again])), [], "once");
        assert!(room.stops().is_empty());
    }
}

#[test]
fn a_burst_is_over_when_it_has_been_quiet() {
    let mut room = room(&json!({}));
    let burst: Vec<_> = (0..6).map(|_| failure(&mut room)).collect();
    assert_eq!(said(room.send(burst)), raised("device_failure_burst"));
    assert_eq!(said(room.run(minutes(10))), []);
    assert_eq!(said(room.run(minutes(1))), cleared("device_failure_burst"));
    let slow = failure(&mut room);
    assert_eq!(said(room.send([slow])), [], "it counts from the beginning");
}

#[test]
fn six_failures_in_an_hour_are_no_burst() {
    let mut room = room(&json!({}));
    for _ in 0..12 {
        let event = failure(room.wait(minutes(5)));
        assert_eq!(said(room.send([event])), []);
    }
}

#[test]
fn a_calibration_is_overdue_after_thirty_days() {
    let mut room = room(&json!({}));
    let mut due = |days: u32| {
        let data = json!({"sensor_id": "leaf", "days_overdue": days});
        let event = room
            .wait(hours(24))
            .document("sensor.maintenance.calibration_due", &data);
        said(room.send([event]))
    };
    assert_eq!(due(30), []);
    assert_eq!(due(31), raised("sensor_calibration_overdue"));
    assert_eq!(due(32), []);
    assert_eq!(due(0), cleared("sensor_calibration_overdue"));
}

#[test]
fn vpd_is_judged_by_the_zone_s_target_where_the_rule_has_none() {
    let mut room = room(&json!({})).setpoint("vpd", 0.8, 1.2);
    let mut last = Vec::new();
    for _ in 0..17 {
        assert_eq!(last, []);
        let reading = room.wait(minutes(1)).reading("vpd", 1.25);
        last = said(room.send([reading]));
    }
    assert_eq!(last, raised("vpd_out_of_range"));
    room.tent().setpoints.clear();
    let reading = room.wait(minutes(1)).reading("vpd", 1.0);
    assert_eq!(
        said(room.send([reading])),
        [],
        "without a target nothing is judged"
    );
}

#[test]
fn silence_is_noticed_and_its_end() {
    let mut room =
        room(&json!({"lost": {"kind": "absence", "sensor": "leaf", "silent_for": "10min"}}));
    assert_eq!(said(room.run(minutes(10))), []);
    assert_eq!(said(room.run(minutes(2))), raised("lost"));
    assert_eq!(said(room.run(minutes(60))), []);
    let reading = room.reading_of("leaf", "humidity", 60.0);
    assert_eq!(said(room.send([reading])), cleared("lost"));
    let other = room.wait(minutes(11)).reading_of("desk", "humidity", 60.0);
    room.send([other]);
    assert_eq!(said(room.run(minutes(1))), raised("lost"));
    assert_eq!(
        data(&room.emitted()[0])["message"],
        "nothing heard of leaf for 11 min 30 s"
    );
    assert_eq!(
        room.emitted()[0].zone.as_deref(),
        Some("tent"),
        "where it was heard last"
    );
}

#[test]
fn a_child_is_not_raised_while_its_parent_stands() {
    let mut with = damp();
    with["damp"]["dwell"] = json!("0s");
    with["damp"]["parent"] = json!("offline");
    with["offline"] =
        json!({"kind": "burst", "type": "sensor.stale", "more_than": 0, "within": "1h"});
    let mut room = room(&with);
    let silence = json!({"sensor_id": "other", "quantity": "humidity"});
    let silence = room.document("sensor.stale", &silence);
    assert_eq!(said(room.send([silence])), raised("offline"));
    assert_eq!(humid(&mut room, 90.0), []);
    assert_eq!(said(room.run(minutes(61))), cleared("offline"));
    assert_eq!(humid(&mut room, 90.0), raised("damp"), "it is still so");
}

#[test]
fn a_swap_keeps_what_is_as_before_and_clears_what_vanished() {
    let mut with = damp();
    with["hot"] = json!({"kind": "threshold", "quantity": "temperature", "above": 30});
    let mut room = room(&with);
    for _ in 0..7 {
        humid(&mut room, 85.0);
    }
    let hot = room.reading("temperature", 31.0);
    room.send([hot]);
    room.swap(rules(&with));
    assert_eq!(humid(&mut room, 85.0), [], "still raised");
    with["hot"]["above"] = json!(32);
    room.swap(rules(&with));
    assert_eq!(humid(&mut room, 85.0), cleared("hot"));
    assert!(
        data(&room.emitted()[0])["message"]
            .as_str()
            .unwrap()
            .ends_with("its rule was changed")
    );
    room.swap(AlertRules::default());
    assert_eq!(humid(&mut room, 85.0), cleared("damp"));
    assert!(
        data(&room.emitted()[0])["message"]
            .as_str()
            .unwrap()
            .ends_with("its rule is gone")
    );
    let keys = room
        .store()
        .within(|| Ok(growbox_sdk::State::open()))
        .map(|watches: PerKey<crate::Watch>| watches);
    let left = room.store().within(|| Ok(keys?.stored("damp/")));
    assert_eq!(left, Ok(Vec::new()), "nothing is left behind");
}

#[test]
fn a_flood_is_raised_as_far_as_there_is_room() {
    let mut room =
        room(&json!({"hot": {"kind": "threshold", "quantity": "temperature", "above": 30}}));
    let flood: Vec<_> = (0..300)
        .map(|number| room.reading_of(&format!("s{number}"), "temperature", 31.0))
        .collect();
    assert_eq!(
        room.send(flood).emitted().len(),
        crate::memory::MOST_STANDING
    );
}

proptest! {
    /// Whatever is heard in whatever order, each alert is raised and cleared by turns, and the
    /// effects of a batch have an end.
    #[test]
    fn each_alert_is_raised_and_cleared_by_turns(
        steps in prop::collection::vec((0..5_usize, 0..4_u8, 0..400_u64), 1..120),
        batch in 1..40_usize,
    ) {
        let mut room = room(&json!({
            "damp": {"kind": "threshold", "quantity": "humidity", "above": 80, "dwell": "1min",
                     "clear_hysteresis": 5, "clear_dwell": "2min"},
            "hot": {"kind": "deviation", "quantity": "temperature", "target": 25, "dwell": "0s", "parent": "damp"},
            "fast": {"kind": "rate", "quantity": "humidity", "rise": 30, "fall": 30, "over": "5min"},
            "lost": {"kind": "absence", "sensor": "humidity", "silent_for": "10min"},
        }));
        let mut standing = std::collections::BTreeSet::new();
        let mut waiting = Vec::new();
        for (kind, size, later) in steps {
            room.wait(seconds(later));
            let size = f64::from(size);
            waiting.push(match kind {
                0 | 1 => room.reading("humidity", 70.0 + 5.0 * size),
                2 => room.reading("temperature", 22.0 + 4.0 * size),
                3 => failure(&mut room),
                _ => room.document("sensor.maintenance.calibration_due",
                    &json!({"sensor_id": "leaf", "days_overdue": 20.0 * size})),
            });
            if waiting.len() >= batch {
                room.send(waiting.drain(..));
                check(&room, &mut standing)?;
                room.run(seconds(30));
                check(&room, &mut standing)?;
            }
        }
    }
}

/// That each alert that is said was, or was not, standing before.
fn check(
    room: &TestRoom<AlertRules>,
    standing: &mut std::collections::BTreeSet<String>,
) -> Result<(), TestCaseError> {
    for draft in room.emitted() {
        let data = data(draft);
        let name = format!("{}/{:?}/{}", data["rule"], draft.zone, data["subject"]);
        if draft.type_ == "alert.raised" {
            prop_assert!(standing.insert(name.clone()), "{name} was raised twice");
        } else {
            prop_assert!(standing.remove(&name), "{name} did not stand");
        }
    }
    Ok(())
}
