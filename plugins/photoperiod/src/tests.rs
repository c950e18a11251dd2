//! The handler in a test room, hour by hour.

use super::*;
use growbox_sdk::json::json;

fn tent(day: Option<bool>) -> TestRoom<Photoperiod> {
    TestRoom::with(Photoperiod::default())
        .switch("light")
        .view(|view| {
            view.stage = Some("mid-veg".into());
            view.day = day;
        })
}

#[test]
fn the_light_follows_the_day() {
    let mut room = tent(Some(true));
    room.run(seconds(30)).expect_request("light", Level::FULL);
    room.tent().day = Some(false);
    room.run(seconds(30)).expect_request("light", Level::OFF);
    assert_eq!(room.requests()[0].reason, "night");
}

/// Gives the zone a day of light that begins so long from now.
fn day_of_light(room: &mut TestRoom<Photoperiod>, begins_in: Span, length: Span) {
    let start = room.wall() + begins_in.as_nanoseconds();
    let end = start + length.as_nanoseconds();
    let told = |name: &str, instant: u64| (name.into(), instant.to_string());
    room.tent().attributes = vec![told("day_start", start), told("day_end", end)];
}

#[test]
fn the_reason_tells_how_long_the_day_is() {
    let mut room = tent(Some(true));
    day_of_light(&mut room, Span::ZERO, hours(12));
    room.run(seconds(30));
    assert_eq!(room.requests()[0].reason, "12 h day");
    let mut room = tent(Some(true));
    room.run(seconds(30));
    assert_eq!(room.requests()[0].reason, "day", "nobody says");
}

#[test]
fn a_light_that_dims_has_a_sunrise_and_a_sunset() {
    let ramps = Photoperiod {
        sunrise: minutes(20),
        sunset: minutes(10),
        ..Photoperiod::default()
    };
    let mut room = TestRoom::with(ramps)
        .device("light")
        .view(|view| view.day = Some(true));
    day_of_light(&mut room, Span::ZERO, hours(12));
    room.run(minutes(10));
    assert_eq!(room.tent().devices[0].level, 0.5);
    assert_eq!(room.requests()[0].reason, "sunrise of a 12 h day");
    room.run(minutes(10)).expect_request("light", Level::FULL);
    room.wait(hours(11)).run(minutes(35));
    assert_eq!(
        room.tent().devices[0].level,
        0.5,
        "five minutes before the end"
    );
}

#[test]
fn a_switch_knows_no_ramps() {
    let ramps = Photoperiod {
        sunrise: hours(1),
        ..Photoperiod::default()
    };
    let mut room = TestRoom::with(ramps)
        .switch("light")
        .view(|view| view.day = Some(true));
    day_of_light(&mut room, Span::ZERO, hours(12));
    room.run(seconds(30)).expect_request("light", Level::FULL);
    assert_eq!(room.requests()[0].reason, "12 h day");
}

#[test]
fn while_the_clock_is_not_set_the_running_day_is_held_to_its_end() {
    let mut room = tent(Some(true));
    day_of_light(&mut room, Span::ZERO, hours(2));
    room.run(minutes(1));
    room.tent().day = None;
    room.tent().attributes.clear();
    room.trust_wall(false).run(minutes(100)).tent();
    assert_eq!(room.tent().devices[0].level, 1.0);
    room.run(minutes(20)).expect_request("light", Level::OFF);
    room.run(hours(30));
    assert_eq!(room.tent().devices[0].level, 0.0, "and no other day begins");
}

#[test]
fn a_clock_set_over_a_switching_time_finds_the_light_where_it_should_be() {
    let mut room = tent(Some(true));
    day_of_light(&mut room, Span::ZERO, hours(12));
    room.run(minutes(1)).expect_request("light", Level::FULL);
    room.tent().day = Some(false);
    room.run(seconds(30)).expect_request("light", Level::OFF);
    room.tent().day = Some(true);
    room.run(seconds(30)).expect_request("light", Level::FULL);
}

#[test]
fn a_whole_day_is_without_a_gap() {
    let mut room = tent(Some(true));
    for _ in 0..60 {
        room.run(minutes(2));
        assert_eq!(room.tent().devices[0].level, 1.0);
        assert_eq!(room.requests().len(), 2, "renewed every second tick");
    }
}

#[test]
fn without_knowing_the_day_the_light_is_let_go() {
    let mut room = tent(None);
    room.run(minutes(5)).expect_nothing();
    let mut room = tent(Some(true));
    room.run(minutes(1));
    room.tent().day = None;
    room.run(seconds(30)).expect_release("light");
    room.run(minutes(5)).expect_nothing();
}

#[test]
fn a_change_of_stage_is_acted_upon_at_once() {
    let mut room = tent(Some(true));
    room.run(minutes(1));
    let changed = room.document("control.stage.changed", &json!({"new_stage": "drying"}));
    let seq = changed.seq;
    room.tent().day = Some(false);
    room.send([changed]).expect_request("light", Level::OFF);
    assert_eq!(room.requests()[0].causes, [seq]);
}

#[test]
fn a_denied_light_is_left_alone_for_a_while() {
    let mut room = tent(Some(true));
    room.run(seconds(30)).expect_request("light", Level::FULL);
    let denial = json!({"device_id": "light", "requester": "photoperiod"});
    let denied = room.document("device.action.denied", &denial);
    room.send([denied]).expect_nothing();
    room.run(minutes(4)).expect_nothing();
    room.run(minutes(2)).expect_request("light", Level::FULL);
}

#[test]
fn zones_without_light_and_paused_zones_are_left_alone() {
    TestRoom::with(Photoperiod::default())
        .switch("heater")
        .view(|view| view.day = Some(true))
        .run(minutes(5))
        .expect_nothing();
    tent(Some(true))
        .view(|view| view.operation = "paused".into())
        .run(minutes(5))
        .expect_nothing();
}

#[test]
fn it_works_without_being_allowed_to() {
    assert!(Photoperiod::manifest().asks.iter().all(|ask| !ask.required));
}
