//! The whole handler in a room for tests: what is emitted, asked, renewed, let go and told.

use crate::VpdControl;
use growbox_sdk::climate;
use growbox_sdk::json::{Value, json};
use growbox_sdk::prelude::*;
use growbox_sdk::wire::{Command, Draft, Event};

/// 25 °C and 77 %: VPD 0.73, too damp for mid-veg.
const DAMP: (f64, f64) = (25.0, 77.0);
/// 25 °C and 70 %: VPD 0.95, as mid-veg wants it.
const FINE: (f64, f64) = (25.0, 70.0);
/// 25 °C and 60 %: VPD 1.27, too dry for mid-veg.
const DRY: (f64, f64) = (25.0, 60.0);

/// A tent in mid-veg by day, without devices.
fn tent(air: (f64, f64)) -> TestRoom<VpdControl> {
    TestRoom::with(VpdControl::default())
        .setpoint("vpd", 0.75, 1.10)
        .setpoint("temperature", 21.0, 27.0)
        .setpoint("humidity", 58.0, 70.0)
        .view(|view| view.stage = Some("mid-veg".into()))
        .air(celsius(air.0), percent(air.1))
}

fn pair(room: &mut TestRoom<VpdControl>, air: (f64, f64)) -> [Event; 2] {
    [
        room.reading("temperature", air.0),
        room.reading("humidity", air.1),
    ]
}

fn send_pair(room: &mut TestRoom<VpdControl>, air: (f64, f64)) {
    let pair = pair(room, air);
    room.send(pair);
}

fn data(draft: &Draft) -> Value {
    match &draft.payload {
        Payload::Document(text) => json::from_str(text).expect("is JSON"),
        Payload::Reading(reading) => json!(reading.value),
    }
}

fn warnings(room: &mut TestRoom<VpdControl>) -> Vec<String> {
    let log: Vec<_> = room.store().log().map(ToString::to_string).collect();
    log.into_iter()
        .filter(|line| !line.contains("are heard"))
        .collect()
}

#[test]
fn the_manifest_asks_for_nothing_it_cannot_do_without() {
    let manifest = VpdControl::manifest();
    assert_eq!(
        (manifest.id.as_str(), manifest.tick),
        ("vpd-control", Some(30_000_000_000))
    );
    assert!(
        manifest
            .asks
            .iter()
            .all(|ask| !ask.required && !ask.why.is_empty())
    );
    let controls = manifest.asks.iter().filter(|ask| ask.ability == "control");
    assert_eq!(controls.count(), 7);
    let refused = VpdControl::parse(r#"{"lease": "60s"}"#).expect_err("under three ticks");
    assert_eq!(
        refused,
        fault::settings("/lease", "must be at least \"90s\"")
    );
}

#[test]
fn a_pair_becomes_one_vpd_with_its_instant_and_causes() {
    let mut room = tent(FINE).view(|view| {
        view.attributes = vec![("leaf_offset_celsius".into(), "-1.5".into())];
    });
    let [temperature, humidity] = pair(&mut room, (24.3, 63.7));
    let (at, causes) = (humidity.at, [temperature.seq, humidity.seq]);
    room.send([temperature, humidity]);
    let [vpd] = room.emitted_of("sensor.vpd").collect::<Vec<_>>()[..] else {
        panic!("one VPD");
    };
    let Payload::Reading(reading) = &vpd.payload else {
        panic!("a reading")
    };
    assert_eq!(reading.sensor, "vpd-control.tent");
    assert_eq!(
        (reading.quantity.as_str(), reading.unit.as_str()),
        ("vpd", "kilopascal")
    );
    assert!((reading.value - climate::vpd(24.3, 63.7, -1.5)).abs() < 1e-12);
    assert_eq!((vpd.at, vpd.zone.as_deref()), (Some(at), Some("tent")));
    assert_eq!(vpd.causes, causes);
}

#[test]
fn bad_readings_are_no_half_of_a_pair() {
    let mut room = tent(FINE);
    let [mut temperature, humidity] = pair(&mut room, FINE);
    if let Payload::Reading(reading) = &mut temperature.payload {
        reading.quality = Quality::Bad;
    }
    room.send([temperature, humidity]);
    assert_eq!(room.emitted(), []);
}

#[test]
fn batches_may_be_cut_anywhere() {
    let stream = |room: &mut TestRoom<VpdControl>| -> Vec<Event> {
        let mut events = Vec::new();
        for minute in 0..10_u8 {
            room.wait(minutes(1));
            events.extend(pair(room, (20.0 + f64::from(minute), 60.0)));
        }
        events
    };
    let vpd = |room: &TestRoom<VpdControl>| -> Vec<Draft> {
        room.emitted_of("sensor.vpd").cloned().collect()
    };
    let mut whole = tent(FINE);
    let events = stream(&mut whole);
    whole.send(events);
    let expected = vpd(&whole);
    assert_eq!(expected.len(), 10);
    for length in [1, 3, 7] {
        let mut pieces = tent(FINE);
        let mut found = Vec::new();
        for piece in stream(&mut pieces).chunks(length) {
            pieces.send(piece.to_vec());
            found.extend(vpd(&pieces));
        }
        assert_eq!(found, expected, "cut into pieces of {length}");
    }
}

#[test]
fn without_pairs_ticks_tell_vpd_after_a_while() {
    let mut room = tent(FINE);
    let temperature = room.reading("temperature", 25.0);
    room.send([temperature]).wait(seconds(1));
    let humidity = room.reading("humidity", 60.0);
    room.send([humidity]);
    room.run(minutes(4));
    assert_eq!(room.emitted_of("sensor.vpd").count(), 0);
    let temperature = room.reading("temperature", 25.0);
    room.send([temperature]).wait(seconds(1));
    let humidity = room.reading("humidity", 60.0);
    room.send([humidity]);
    // It is 4:02 now. Ticks from 5:00 on tell: at 5:02, 5:32 and 6:02.
    room.run(minutes(2));
    let told: Vec<_> = room.emitted_of("sensor.vpd").collect();
    assert_eq!(told.len(), 3);
    assert_eq!(told[0].causes, [3, 4]);
    assert_eq!(told[0].at, None);
    assert_eq!(data(told[0]), json!(climate::vpd(25.0, 60.0, 0.0)));
}

#[test]
fn a_silent_room_tells_no_vpd() {
    let mut room = tent(FINE);
    room.run(minutes(20));
    assert_eq!(room.emitted(), []);
}

#[test]
fn recalculation_is_told_once_a_batch() {
    let mut room = tent(FINE);
    let mut events = Vec::new();
    for _ in 0..5 {
        room.wait(seconds(1));
        events.extend(pair(&mut room, FINE));
    }
    room.send(events);
    let told: Vec<_> = room
        .emitted_of("vpd.recalculation_required")
        .map(data)
        .collect();
    assert_eq!(
        told,
        [json!({"zone": "tent", "trigger": "humidity_update"})]
    );
    room.run(minutes(1));
    assert_eq!(
        room.emitted_of("vpd.recalculation_required").count(),
        0,
        "ticks tell nothing"
    );
}

#[test]
fn control_events_trigger_a_recalculation() {
    for (event_type, document, trigger) in [
        (
            "control.target.updated",
            json!({"parameter": "vpd", "new_target": 1.0}),
            "target_update",
        ),
        (
            "control.mode.changed",
            json!({"new_mode": "VPD_Target"}),
            "mode_change",
        ),
        (
            "control.stage.changed",
            json!({"new_stage": "late-veg"}),
            "stage_change",
        ),
    ] {
        let mut room = tent(FINE);
        let mut event = room.document(event_type, &document);
        room.send([event.clone()]);
        let told: Vec<_> = room.emitted().iter().map(data).collect();
        assert_eq!(told, [json!({"zone": "tent", "trigger": trigger})]);
        event.zone = None;
        room.send([event]);
        assert_eq!(
            room.emitted().len(),
            1,
            "without a zone it is about every zone"
        );
    }
    let mut room = tent(FINE);
    let event = room.document(
        "control.target.updated",
        &json!({"parameter": "ph", "new_target": 6}),
    );
    room.send([event]);
    assert_eq!(room.emitted(), []);
}

#[test]
fn an_action_is_told_when_it_changes_and_once_a_minute() {
    let mut room = tent(DAMP);
    send_pair(&mut room, DAMP);
    let [told] = room
        .emitted_of("control.vpd.action_required")
        .collect::<Vec<_>>()[..]
    else {
        panic!("one action");
    };
    assert_eq!(told.metadata.as_deref(), Some(r#"{"priority":"high"}"#));
    assert_eq!(told.causes, [1, 2]);
    let told = data(told);
    assert_eq!(
        (&told["zone"], &told["action"]),
        (&json!("tent"), &json!("raise_vpd"))
    );
    assert_eq!(told["target_vpd"], json!(0.925));
    assert_eq!(
        told["current_vpd"],
        json!(climate::vpd(DAMP.0, DAMP.1, 0.0))
    );

    let count =
        |room: &TestRoom<VpdControl>| room.emitted_of("control.vpd.action_required").count();
    room.wait(seconds(1));
    send_pair(&mut room, DAMP);
    assert_eq!(count(&room), 0, "it lasts");
    room.run(minutes(5));
    assert_eq!(count(&room), 5, "once a minute");
    room.set_air(celsius(DRY.0), percent(DRY.1));
    send_pair(&mut room, DRY);
    assert_eq!(count(&room), 1, "the other way at once");
    room.set_air(celsius(FINE.0), percent(FINE.1));
    send_pair(&mut room, FINE);
    room.run(minutes(5));
    assert_eq!(count(&room), 0);
}

#[test]
fn a_request_is_renewed_in_time_and_word_by_word() {
    let mut room = tent(DAMP).switch("dehumidifier");
    send_pair(&mut room, DAMP);
    room.expect_request("dehumidifier", Level::FULL);
    let first = room.requests()[0].clone();
    assert_eq!(first.lease, Some(120_000_000_000));
    assert_eq!(first.causes, [1, 2]);
    assert_eq!(
        first.reason,
        "VPD 0.73 < 0.75 kPa; humidity 77 % may fall to 58 %"
    );
    room.set_air(celsius(25.0), percent(78.0));
    room.run(minutes(4));
    assert_eq!(room.requests().len(), 4, "every second tick");
    assert!(
        room.requests()
            .iter()
            .all(|request| request.reason == first.reason)
    );
    assert_eq!(room.tent().devices[0].level, 1.0, "it never lapsed");
}

#[test]
fn events_alone_renew_nothing() {
    let mut room = tent(DAMP).switch("dehumidifier");
    for _ in 0..100 {
        room.wait(seconds(1));
        send_pair(&mut room, DAMP);
    }
    room.expect_nothing();
}

#[test]
fn a_claim_that_the_host_lost_is_asked_again() {
    let mut room = tent(DAMP).switch("dehumidifier");
    room.run(seconds(30))
        .expect_request("dehumidifier", Level::FULL);
    room.run(seconds(30)).expect_nothing();
    room.tent().devices[0].owner = None;
    room.run(seconds(30))
        .expect_request("dehumidifier", Level::FULL);
}

#[test]
fn what_is_no_longer_wanted_is_let_go() {
    let mut room = tent(DAMP).switch("dehumidifier").device("circulation");
    room.run(seconds(30))
        .expect_request("circulation", percent(50));
    room.set_air(celsius(FINE.0), percent(FINE.1));
    room.run(seconds(30)).expect_release("dehumidifier");
    assert_eq!(
        room.requests()[0].reason,
        "VPD 0.95 is inside 0.75–1.10 kPa"
    );
    room.run(minutes(10));
    assert!(
        room.requests()
            .iter()
            .all(|request| request.device == "circulation")
    );
    assert_eq!(room.tent().devices[1].level, 0.5);
}

#[test]
fn a_steady_error_is_acted_upon_without_any_event() {
    let mut room = tent(DRY).switch("humidifier");
    room.run(seconds(30))
        .expect_request("humidifier", Level::FULL);
}

#[test]
fn a_silent_sensor_ends_what_was_asked_for_it() {
    let mut room = tent(DRY).switch("humidifier").switch("circulation");
    room.run(seconds(30))
        .expect_request("humidifier", Level::FULL);
    room.silence("humidity")
        .run(seconds(30))
        .expect_release("humidifier");
    let expected = "humidity is silent: nothing to steer by";
    assert!(
        room.requests()
            .iter()
            .any(|request| request.reason == expected)
    );
    room.run(minutes(10));
    assert!(
        room.requests()
            .iter()
            .all(|request| request.device == "circulation")
    );
    assert_eq!(
        warnings(&mut room),
        ["zone tent: humidity is silent; what was asked for it is let go"]
    );
    room.set_air(celsius(DRY.0), percent(DRY.1))
        .run(seconds(30));
    room.expect_request("humidifier", Level::FULL);
}

#[test]
fn a_stale_event_is_acted_upon_at_once() {
    let mut room = tent(DRY).switch("humidifier");
    room.run(seconds(30))
        .expect_request("humidifier", Level::FULL);
    let silence = json!({"sensor_id": "humidity", "quantity": "humidity"});
    let stale = room.document("sensor.stale", &silence);
    room.silence("humidity")
        .send([stale])
        .expect_release("humidifier");
    assert_eq!(room.emitted(), []);
}

#[test]
fn a_denied_device_is_left_alone_and_the_next_one_taken() {
    let mut room = tent(DAMP)
        .device("exhaust")
        .switch("dehumidifier")
        .outside(celsius(21.0), percent(45.0));
    room.run(seconds(30)).expect_request("exhaust", percent(50));
    let denial = json!({"device_id": "exhaust", "requester": "vpd-control", "policy": "grant"});
    let denied = room.document("device.action.denied", &denial);
    room.send([denied]).expect_nothing();
    room.run(minutes(4))
        .expect_request("dehumidifier", Level::FULL);
    assert!(
        room.requests()
            .iter()
            .all(|request| request.device != "exhaust")
    );
    room.run(minutes(2)).expect_request("exhaust", percent(50));
}

#[test]
fn the_denials_of_others_are_their_own() {
    let mut room = tent(DAMP).switch("dehumidifier");
    let denial = json!({"device_id": "dehumidifier", "requester": "dew-guard"});
    let denied = room.document("device.action.denied", &denial);
    room.send([denied])
        .run(seconds(30))
        .expect_request("dehumidifier", Level::FULL);
}

#[test]
fn an_unavailable_device_is_no_means() {
    let mut room = tent(DAMP).switch("dehumidifier").switch("heater");
    room.tent().devices[0].available = false;
    room.run(seconds(30)).expect_request("heater", Level::FULL);
    assert_eq!(room.requests().len(), 1);
}

#[test]
fn in_a_paused_zone_nothing_is_asked_but_vpd_is_told() {
    let mut room = tent(DAMP)
        .switch("dehumidifier")
        .view(|view| view.operation = "paused".into());
    send_pair(&mut room, DAMP);
    room.expect_nothing();
    assert_eq!(room.emitted_of("sensor.vpd").count(), 1);
    assert_eq!(room.emitted_of("control.vpd.action_required").count(), 1);
    room.tent().operation = "control".into();
    room.run(seconds(30))
        .expect_request("dehumidifier", Level::FULL);
}

#[test]
fn the_mode_decides_which_range_is_kept() {
    // 0.95 kPa is fine for mid-veg, but far below a target of 1.4.
    let mut room = tent(FINE).switch("dehumidifier");
    room.tent().setpoints[0].target = 1.4;
    room.run(seconds(30)).expect_nothing();
    room.tent().mode = Some("VPD_Target".into());
    room.run(seconds(30))
        .expect_request("dehumidifier", Level::FULL);
    assert!(
        room.requests()[0]
            .reason
            .starts_with("VPD 0.95 < 1.30 kPa;")
    );
    room.tent().mode = Some("VPD_Perfection".into());
    room.run(seconds(30)).expect_release("dehumidifier");
    assert_eq!(warnings(&mut room), [""; 0]);
}

#[test]
fn an_unknown_mode_is_told_once_and_is_the_default() {
    let mut room = tent(DAMP)
        .switch("dehumidifier")
        .view(|view| view.mode = Some("Moon".into()));
    room.run(minutes(10))
        .expect_request("dehumidifier", Level::FULL);
    assert_eq!(
        warnings(&mut room),
        [
            "zone tent: mode \"Moon\" is none of VPD_Perfection and VPD_Target; VPD_Perfection is used"
        ]
    );
}

#[test]
fn a_profile_that_contradicts_itself_is_told_once() {
    let mut room = tent(FINE)
        .setpoint("vpd", 0.65, 0.80)
        .setpoint("temperature", 23.0, 28.0)
        .setpoint("humidity", 60.0, 70.0)
        .view(|view| view.stage = Some("early-veg".into()));
    send_pair(&mut room, FINE);
    let told: Vec<_> = room.emitted_of("x.vpd-control.profile").map(data).collect();
    let message = "zone tent, early-veg by day: VPD 0.65–0.80 kPa cannot be reached at 23–28 °C \
                   and 60–70 % with a leaf offset of 0 °C, only 0.84–1.51 kPa: allow humidity up \
                   to 72 %, or raise VPD to 0.84 kPa";
    let expected = json!({
        "zone": "tent", "stage": "early-veg", "part_of_day": "day", "message": message,
    });
    assert_eq!(told, [expected]);
    assert_eq!(warnings(&mut room), [message]);
    room.run(minutes(10));
    assert_eq!(room.emitted_of("x.vpd-control.profile").count(), 0);
    // The night agrees with itself; the next day is not told again.
    room.tent().day = Some(false);
    room.tent().setpoints[0].high = 1.2;
    room.run(minutes(1));
    room.tent().day = Some(true);
    room.tent().setpoints[0].high = 0.80;
    room.run(minutes(1));
    assert_eq!(room.emitted_of("x.vpd-control.profile").count(), 0);
}

#[test]
fn the_exhaust_is_not_asked_for_every_small_change() {
    let mut room = tent(DAMP)
        .device("exhaust")
        .outside(celsius(21.0), percent(45.0));
    send_pair(&mut room, DAMP);
    let asked = (0..40).filter(|step| {
        room.wait(seconds(1));
        let air = (25.0, 77.0 + f64::from(*step) * 0.1);
        room.set_air(celsius(air.0), percent(air.1));
        send_pair(&mut room, air);
        !room.requests().is_empty()
    });
    let asked = asked.count();
    assert!(
        (1..=4).contains(&asked),
        "asked {asked} times over 4 % of humidity"
    );
}

#[test]
fn only_devices_that_are_there_are_asked() {
    let mut room = tent(DRY).switch("humidifier");
    room.run(seconds(30))
        .expect_request("humidifier", Level::FULL);
    room.tent().devices.clear();
    room.run(minutes(5)).expect_nothing();
}

#[test]
fn releases_are_asked_once() {
    let mut room = tent(DRY).switch("humidifier");
    room.run(seconds(30));
    room.set_air(celsius(FINE.0), percent(FINE.1))
        .run(minutes(5));
    let released = room
        .requests()
        .iter()
        .filter(|request| request.command == Command::Release);
    assert_eq!(released.count(), 1);
}
