//! The handler in a test room: what is asked of the pump, and what outlives it.

use super::*;
use growbox_sdk::json::json;
use growbox_sdk::testing::measure;
use growbox_sdk::wire::Fault;

fn with(settings: &str) -> Result<Irrigation, Fault> {
    growbox_sdk::start(&format!("{{\"zones\": {{\"tent\": {settings}}}}}"))
}

fn tent(settings: &str) -> TestRoom<Irrigation> {
    let handler = with(settings).expect("sound settings");
    TestRoom::with(handler)
        .switch("pump")
        .view(|view| view.day = Some(true))
}

fn say(room: &mut TestRoom<Irrigation>, quantity: &str, value: f64) {
    let climate = &mut room.tent().climate;
    climate.retain(|measure| measure.quantity != quantity);
    climate.push(measure(quantity, value));
}

#[test]
fn by_interval_a_dose_is_a_pulse_with_its_reason() {
    let mut room = tent(r#"{"every": "6h", "dose": "40s"}"#);
    room.run(hours(6)).expect_nothing();
    room.run(minutes(1)).expect_pulse("pump", seconds(40));
    assert_eq!(room.requests()[0].reason, "6 h since the last dose");
    room.run(hours(5)).expect_nothing();
}

#[test]
fn by_probe_it_soaks_and_stops_at_the_upper_threshold() {
    let mut room = tent(r#"{"soil_moisture_below": 30, "until": 35}"#);
    say(&mut room, "soil_moisture", 28.0);
    room.run(hours(1));
    assert_eq!(room.requests().len(), 4, "one each quarter of an hour");
    say(&mut room, "soil_moisture", 36.0);
    room.run(hours(1)).expect_nothing();
    say(&mut room, "soil_moisture", 28.0);
    room.run(minutes(1)).expect_pulse("pump", seconds(20));
    room.silence("soil_moisture");
    room.run(hours(3)).expect_nothing();
}

#[test]
fn an_empty_bucket_and_a_silent_float_water_nothing() {
    let mut room = tent(r#"{"every": "1h", "water_level_below": 10}"#);
    room.run(hours(3)).expect_nothing();
    say(&mut room, "water_level", 5.0);
    room.run(hours(1)).expect_nothing();
    say(&mut room, "water_level", 80.0);
    room.run(minutes(1)).expect_pulse("pump", seconds(20));
}

#[test]
fn what_is_due_survives_a_swap_and_a_clock_that_is_not_trusted() {
    let mut room = tent(r#"{"every": "6h"}"#);
    room.run(hours(4)).expect_nothing();
    room.swap(with(r#"{"every": "6h", "dose": "30s"}"#).expect("sound"));
    room.trust_wall(false);
    room.run(hours(2)).expect_nothing();
    room.run(minutes(1)).expect_pulse("pump", seconds(30));
}

#[test]
fn a_refused_dose_is_asked_again_and_the_nights_are_dry() {
    let mut room = tent(r#"{"every": "1h"}"#);
    room.run(minutes(61)).expect_pulse("pump", seconds(20));
    let data = json!({"device_id": "pump", "requester": "irrigation", "policy": "hold"});
    let denied = room.document("device.action.denied", &data);
    room.send([denied]);
    room.run(minutes(6)).expect_pulse("pump", seconds(20));
    room.tent().day = Some(false);
    room.run(hours(3)).expect_nothing();
}

#[test]
fn settings_that_cannot_be_are_refused_by_their_key() {
    for (settings, at, words) in [
        ("{}", "/zones/tent", "never water"),
        (
            r#"{"every": "10s"}"#,
            "/zones/tent/every",
            "not longer than a dose",
        ),
        (
            r#"{"every": "6h", "until": 30}"#,
            "/zones/tent/until",
            "no use",
        ),
        (
            r#"{"soil_moisture_below": 30, "until": 20}"#,
            "/zones/tent/until",
            "below the threshold",
        ),
        (r#"{"evry": "6h"}"#, "/zones/tent/evry", ""),
    ] {
        let refused = with(settings).expect_err(settings);
        let Fault::Settings((pointer, why)) = refused else {
            panic!("{refused:?}");
        };
        assert_eq!(pointer, at);
        assert!(why.contains(words), "{why}");
    }
}
