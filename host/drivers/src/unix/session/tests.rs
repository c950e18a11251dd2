//! What the client makes of a room, line by line and without a socket.

use super::*;

const HEATER: &str = "unix:/run/tent#heater";

fn session() -> Session {
    Session::new(
        "/run/tent",
        Span::seconds(5),
        &["heater".into(), "fan".into()],
        &["canopy".into()],
    )
}

fn connected() -> Session {
    let mut session = session();
    session.connected();
    session
}

fn at(seconds: u64) -> Span {
    Span::seconds(seconds)
}

fn order(level: f64, within: Option<u64>) -> Order {
    Order {
        address: HEATER.into(),
        level,
        within: within.map(Span::seconds),
        pulse: false,
    }
}

fn written(session: &mut Session, now: Span) -> String {
    String::from_utf8(session.frames(now).bytes).unwrap()
}

fn hears(session: &mut Session, text: &str) -> Vec<DriverEvent> {
    session.line(&Line::Whole(text.as_bytes().to_vec()))
}

fn state(session: &mut Session, level: f64) -> Vec<DriverEvent> {
    // The first line decides about simulated or not and is no business of these tests.
    session.greeted = true;
    hears(
        session,
        &format!(r#"{{"state":{{"output":"heater","level":{level}}}}}"#),
    )
}

fn confirmed(level: f64) -> DriverEvent {
    DriverEvent::Confirmed {
        address: HEATER.into(),
        level,
    }
}

fn moved(level: f64) -> DriverEvent {
    DriverEvent::State {
        address: HEATER.into(),
        level,
    }
}

fn is_failure(event: &DriverEvent, of: f64) -> bool {
    matches!(event, DriverEvent::Failed { address, level, .. } if &**address == HEATER && *level == of)
}

#[test]
fn an_order_is_written_once_and_confirmed_by_the_rooms_word() {
    let mut session = connected();
    assert_eq!(session.order("heater", &order(1.0, Some(60)), at(0)), []);
    let line = "{\"set\":{\"output\":\"heater\",\"level\":1.0,\"within\":60}}\n";
    assert_eq!(written(&mut session, at(0)), line);
    assert_eq!(written(&mut session, at(0)), "");
    assert_eq!(session.next_deadline(), Some(at(5)));
    assert_eq!(state(&mut session, 1.0), [confirmed(1.0)]);
    assert_eq!(session.next_deadline(), None);
    assert_eq!(session.overdue(at(100)), []);
}

#[test]
fn the_newest_order_wins() {
    let mut session = connected();
    session.order("heater", &order(1.0, None), at(0));
    session.order("heater", &order(0.0, None), at(0));
    assert_eq!(
        written(&mut session, at(0)),
        "{\"set\":{\"output\":\"heater\",\"level\":0.0}}\n"
    );
}

#[test]
fn a_state_on_its_way_from_an_older_order_confirms_nothing() {
    let mut session = connected();
    session.order("heater", &order(1.0, None), at(0));
    session.frames(at(0));
    session.order("heater", &order(0.0, None), at(1));
    session.frames(at(1));
    assert_eq!(state(&mut session, 1.0), []);
    assert_eq!(state(&mut session, 0.0), [confirmed(0.0)]);
}

#[test]
fn a_level_the_room_has_already_reported_needs_no_second_word() {
    let mut session = connected();
    assert_eq!(state(&mut session, 1.0), [moved(1.0)]);
    session.order("heater", &order(1.0, Some(60)), at(0));
    let frames = session.frames(at(0));
    assert!(!frames.bytes.is_empty(), "its timer is armed again");
    assert_eq!(frames.then, [confirmed(1.0)]);
    assert_eq!(session.next_deadline(), None);
}

#[test]
fn what_nobody_ordered_is_told_when_it_changes() {
    let mut session = connected();
    assert_eq!(state(&mut session, 0.0), [moved(0.0)]);
    assert_eq!(state(&mut session, 0.0), []);
    assert_eq!(state(&mut session, 1.0), [moved(1.0)]);
}

#[test]
fn what_is_not_confirmed_in_time_has_failed() {
    let mut session = connected();
    session.order("heater", &order(1.0, None), at(0));
    session.frames(at(0));
    state(&mut session, 0.0);
    assert_eq!(session.overdue(at(4)), []);
    let events = session.overdue(at(5));
    assert!(is_failure(&events[0], 1.0), "{events:?}");
    assert_eq!(events[1..], [moved(0.0)]);
    assert_eq!(session.overdue(at(6)), []);
    session.order("heater", &order(0.0, None), at(7));
    assert_eq!(session.frames(at(7)).then, [], "what it said before is old");
    assert_eq!(state(&mut session, 0.0), [confirmed(0.0)]);
}

#[test]
fn a_lost_connection_fails_what_is_awaited_and_makes_outputs_unavailable_once() {
    let mut session = connected();
    session.order("heater", &order(1.0, None), at(0));
    session.frames(at(0));
    let events = session.lost("gone");
    assert!(is_failure(&events[0], 1.0), "{events:?}");
    let gone = |name: &str| DriverEvent::Available {
        address: format!("unix:/run/tent#{name}").into(),
        available: false,
    };
    assert_eq!(events[1..], [gone("fan"), gone("heater")]);
    assert_eq!(session.lost("still gone"), []);
    let events = session.order("heater", &order(0.0, None), at(3));
    assert!(is_failure(&events[0], 0.0), "{events:?}");
    assert_eq!(session.lost("still gone"), []);
}

#[test]
fn an_order_before_the_first_connection_waits_for_it_or_fails_with_it() {
    let mut waits = session();
    assert_eq!(waits.order("heater", &order(1.0, Some(60)), at(0)), []);
    waits.connected();
    let line = "{\"set\":{\"output\":\"heater\",\"level\":1.0,\"within\":20}}\n";
    assert_eq!(written(&mut waits, at(40)), line, "what is left of it");
    let mut fails = session();
    assert_eq!(fails.order("heater", &order(1.0, None), at(0)), []);
    let events = fails.lost("nobody there");
    assert!(is_failure(&events[0], 1.0), "{events:?}");
    fails.connected();
    assert_eq!(written(&mut fails, at(1)), "");
}

#[test]
fn a_room_that_was_lost_hears_only_what_is_ordered_once_it_is_back() {
    let mut session = connected();
    session.order("heater", &order(1.0, Some(60)), at(0));
    session.frames(at(0));
    state(&mut session, 1.0);
    session.lost("gone");
    assert_eq!(session.connected().len(), 2);
    assert_eq!(written(&mut session, at(40)), "");
    session.lost("gone");
    let events = session.order("heater", &order(1.0, Some(60)), at(50));
    assert!(is_failure(&events[0], 1.0), "{events:?}");
    session.connected();
    assert_eq!(written(&mut session, at(90)), "");
    assert_eq!(session.order("heater", &order(0.0, None), at(91)), []);
    assert!(written(&mut session, at(91)).contains("\"level\":0.0"));
    assert_eq!(state(&mut session, 0.0), [confirmed(0.0)]);
}

#[test]
fn what_has_run_out_meanwhile_is_not_asserted() {
    let mut session = session();
    session.order("heater", &order(1.0, Some(60)), at(0));
    session.connected();
    assert_eq!(session.frames(at(60)), Frames::default());
    session.lost("gone");
    session.connected();
    assert_eq!(session.frames(at(61)), Frames::default());
}

#[test]
fn the_first_line_says_whether_the_room_is_simulated() {
    for (first, simulated) in [
        (r#"{"simulated":true}"#, true),
        (r#"{"simulated":false}"#, false),
        (
            r#"{"reading":{"sensor":"canopy","quantity":"co2","value":400}}"#,
            false,
        ),
    ] {
        let mut session = connected();
        assert_eq!(session.simulated(), None);
        let attached = DriverEvent::Attached {
            address: "unix:/run/tent".into(),
            simulated,
        };
        assert_eq!(hears(&mut session, first)[0], attached);
        assert_eq!(session.simulated(), Some(simulated));
        assert_eq!(hears(&mut session, r#"{"simulated":true}"#), []);
        assert_eq!(session.simulated(), Some(simulated));
    }
}

#[test]
fn readings_of_served_sensors_are_passed_on_as_they_are() {
    let mut session = connected();
    session.greeted = true;
    let events = hears(
        &mut session,
        r#"{"reading":{"sensor":"canopy","quantity":"temperature","value":75.2,"unit":"°F"}}"#,
    );
    let expected = DriverEvent::Reading {
        address: "unix:/run/tent#canopy".into(),
        quantity: "temperature".into(),
        value: 75.2,
        unit: Some("°F".into()),
        at: None,
    };
    assert_eq!(events, [expected]);
    let other = r#"{"reading":{"sensor":"attic","quantity":"temperature","value":1}}"#;
    assert_eq!(hears(&mut session, other), []);
}

#[test]
fn what_cannot_be_read_is_counted_and_told_ever_more_rarely() {
    let mut session = connected();
    let mut told = Vec::new();
    for nonsense in [
        "{",
        "[1]",
        r#"{"state":{"output":"heater","level":2}}"#,
        "x",
        "y",
        "z",
        "{}",
    ] {
        told.extend(hears(&mut session, nonsense));
    }
    told.extend(session.line(&Line::TooLong));
    let counts: Vec<u64> = told
        .iter()
        .map(|event| match event {
            DriverEvent::Unreadable { count, .. } => *count,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(counts, [1, 2, 4, 8]);
    assert_eq!(session.connected, Some(true));
}

#[test]
fn an_output_that_is_not_served_is_refused() {
    let events = connected().order("lamp", &order(1.0, None), at(0));
    assert!(is_failure(&events[0], 1.0));
}

#[test]
fn outputs_and_sensors_come_and_go_on_one_connection() {
    let mut session = connected();
    session.detach("heater");
    assert!(state(&mut session, 1.0).is_empty(), "nobody's any more");
    let reached = DriverEvent::Available {
        address: HEATER.into(),
        available: true,
    };
    assert_eq!(session.attach("heater"), [reached]);
    session.order("heater", &order(0.0, None), at(1));
    assert!(written(&mut session, at(1)).contains("heater"));
    assert_eq!(state(&mut session, 0.0), [confirmed(0.0)]);
    session.listen(&["lab".into()].into());
    let of = |sensor: &str| {
        format!(r#"{{"reading":{{"sensor":"{sensor}","quantity":"temperature","value":20.0}}}}"#)
    };
    assert!(hears(&mut session, &of("canopy")).is_empty());
    assert_eq!(hears(&mut session, &of("lab")).len(), 1);
}

#[test]
fn a_pulse_is_written_once_and_never_to_another_connection() {
    let pulse = Order {
        pulse: true,
        ..order(1.0, Some(20))
    };
    let mut session = connected();
    assert_eq!(session.order("heater", &pulse, at(0)), []);
    let line = "{\"set\":{\"output\":\"heater\",\"level\":1.0,\"within\":20}}\n";
    assert_eq!(written(&mut session, Span(1)), line, "its whole length");
    assert_eq!(state(&mut session, 1.0), [confirmed(1.0)]);
    session.lost("gone");
    session.connected();
    assert_eq!(written(&mut session, at(2)), "");
    session.order("heater", &pulse, at(30));
    assert!(
        is_failure(&session.lost("gone")[0], 1.0),
        "it was not even written"
    );
    session.connected();
    assert_eq!(written(&mut session, at(31)), "");
    session.lost("gone");
    assert!(is_failure(&session.order("heater", &pulse, at(40))[0], 1.0));
    session.connected();
    assert_eq!(written(&mut session, at(41)), "");
}
