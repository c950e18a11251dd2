//! A safety rule in a whole room: said once, standing as an alert, before any handler acts.

use growbox_model::room::ClockForm;
use growbox_model::row::{AlertState, Answer, Order, Question};
use growbox_model::{Danger, DeviceId, Quantity, SafetySpec, Span};

use crate::bench::{Bench, asking, at, event, every, field, guest, room, tent, warmth};
use crate::memory::Memory;

/// The switch goes off above 40 °C.
fn bench(latch: bool) -> Bench {
    let mut room = room(ClockForm::System);
    room.safety = vec![SafetySpec {
        id: "hot".into(),
        zone: tent(),
        when: Danger::Above {
            quantity: Quantity::new("temperature").unwrap(),
            limit: 40.0,
            clear: 37.0,
        },
        dwell: Span::ZERO,
        latch,
        devices: [(DeviceId::new("switch").unwrap(), 0.0)].into(),
        message: "it is too hot".into(),
        shipped: false,
    }];
    let eager = guest("eager", every(&["sensor.temperature"]), |batch, _| {
        let event = batch.events.last().expect("a batch has events");
        Ok(vec![asking(1.0, &[event.seq])])
    });
    Bench::new(room, vec![eager])
}

#[test]
fn a_violation_is_said_once_and_before_a_handler_is_heard() {
    let mut bench = bench(true);
    bench.post(vec![warmth("canopy", 43.0, at(1))]);
    bench.run();
    bench.post(vec![warmth("canopy", 43.5, at(2))]);
    bench.run();
    let violations = bench.said("safety.violation");
    assert_eq!(violations.len(), 1);
    assert_eq!(field(&violations[0], "rule"), "hot");
    assert_eq!(
        field(&violations[0], "message"),
        "it is too hot: temperature 43.0"
    );
    let reading = &bench.said("sensor.temperature")[0];
    assert_eq!(violations[0].cause, Some(reading.seq));
    let verdicts = bench.said("device.action.denied");
    assert_eq!(field(&verdicts[0], "policy"), "safety");
    assert!(bench.said("device.action.granted").is_empty());
    let Answer::Alerts(alerts) = bench.ask(Question::Alerts) else {
        panic!("no alerts")
    };
    assert_eq!(
        (&*alerts[0].rule, alerts[0].state),
        ("safety:hot", AlertState::Raised)
    );
}

#[test]
fn a_reset_is_refused_until_it_is_over_and_is_said() {
    let mut bench = bench(true);
    bench.post(vec![warmth("canopy", 43.0, at(1))]);
    bench.run();
    let Answer::Conflict(objection) = bench.order(Order::Reset(None)) else {
        panic!("it is still hot")
    };
    assert_eq!(objection.code, "not_clear");
    bench.post(vec![warmth("canopy", 25.0, at(2))]);
    bench.run();
    assert!(matches!(
        bench.order(Order::Reset(None)),
        Answer::Devices(_)
    ));
    let reset = bench.said("system.emergency.reset");
    assert!(
        field(&reset[0], "message")
            .as_str()
            .unwrap()
            .contains("anna")
    );
    assert_eq!(bench.said("alert.cleared").len(), 1);
}

#[test]
fn without_a_latch_it_lets_go_by_itself() {
    let mut bench = bench(false);
    bench.post(vec![warmth("canopy", 43.0, at(1))]);
    bench.run();
    bench.post(vec![warmth("canopy", 25.0, at(2))]);
    bench.run();
    assert_eq!(bench.said("alert.cleared").len(), 1);
    assert_eq!(bench.said("device.action.denied").len(), 1, "only then");
}

#[test]
fn holds_and_releases_are_recorded_with_who_and_why() {
    let mut bench = bench(true);
    let switch = DeviceId::new("switch").unwrap();
    bench.order(Order::Hold(switch.clone(), Some(1.0), None));
    bench.order(Order::Release(switch));
    let requests = bench.said("device.action.requested");
    let actions: Vec<_> = requests
        .iter()
        .map(|event| field(event, "action"))
        .collect();
    assert_eq!(actions, ["hold", "release"]);
    assert_eq!(field(&requests[0], "requester"), "person:anna");
    let verdicts = bench.said("device.action.granted");
    assert_eq!(verdicts[0].cause, Some(requests[0].seq));
    assert_eq!(verdicts.len(), 2);
}

#[test]
fn what_a_rule_did_leads_back_to_the_reading_it_saw() {
    let mut bench = bench(true);
    bench.post(vec![warmth("canopy", 20.0, at(1))]);
    bench.run();
    bench.pass(Span::minutes(10));
    bench.post(vec![warmth("canopy", 20.0, at(601))]);
    bench.run();
    bench.post(vec![warmth("canopy", 43.0, at(602))]);
    bench.run();
    let changes = bench.said("device.state.changed");
    let by_rule = |trigger: serde_json::Value| {
        let trigger = trigger.as_str().unwrap_or_default().to_owned();
        trigger.starts_with("safety:hot")
    };
    let off = changes
        .iter()
        .find(|event| by_rule(field(event, "trigger")));
    let violation = &bench.said("safety.violation")[0];
    assert_eq!(off.expect("it was on").cause, Some(violation.seq));
    let reading = violation.cause.expect("a reading");
    let readings = bench.said("sensor.temperature");
    assert_eq!(readings.last().map(|event| event.seq), Some(reading));
}

#[test]
fn what_a_rule_watches_goes_ahead_of_what_can_wait() {
    let mut bench = bench(true);
    let light = |lux: f64| {
        event(serde_json::json!({
            "type": "sensor.illuminance", "timestamp": at(1),
            "data": {"sensor_id": "lux", "value": lux}, "metadata": {"zone": "tent"},
        }))
    };
    let celsius = [20.0, 43.0];
    bench.post(vec![
        light(1.0),
        warmth("canopy", celsius[0], at(1)),
        light(2.0),
        warmth("canopy", celsius[1], at(2)),
    ]);
    bench.run();
    let numbers = |kind: &str| -> Vec<_> { bench.said(kind).iter().map(|e| e.seq).collect() };
    let (warm, bright) = (numbers("sensor.temperature"), numbers("sensor.illuminance"));
    assert_eq!((warm.len(), bright.len()), (2, 2));
    assert!(warm[1] < bright[0], "{warm:?} {bright:?}");
    let said = bench.said("sensor.temperature");
    let values = said.iter().map(|event| event.reading().unwrap().value);
    assert!(values.eq(celsius), "and keeps its order");
}

/// The danger that comes after the wall clock went back a day is seen.
fn sees_the_heat_of_yesterday(mut bench: Bench) {
    let yesterday = at(30).minus(Span::hours(24));
    bench.machine.wall = yesterday;
    bench.post(vec![warmth("canopy", 43.0, yesterday)]);
    bench.run();
    assert_eq!(bench.said("safety.violation").len(), 1);
    bench.pass(Span::seconds(2));
    let mild = warmth("canopy", 25.0, yesterday.plus(Span::seconds(1)));
    bench.post(vec![mild, warmth("canopy", 50.0, yesterday)]);
    let reset = bench.order(Order::Reset(None));
    assert!(
        matches!(reset, Answer::Devices(_)),
        "order counts again: {reset:?}"
    );
}

#[test]
fn a_wall_clock_that_goes_back_makes_no_rule_blind() {
    let mut bench = bench(true);
    bench.post(vec![warmth("canopy", 24.0, at(20))]);
    bench.run();
    sees_the_heat_of_yesterday(bench);
}

#[test]
fn nor_does_one_that_is_older_than_the_log() {
    let mut before = bench(true);
    before.post(vec![warmth("canopy", 24.0, at(20))]);
    before.run();
    let memory = Memory::of(&before.behind.commits);
    let yesterday = at(0).minus(Span::hours(24));
    let room = before.flow.room.clone();
    let bench = Bench::restarted(room, Vec::new(), memory, yesterday);
    sees_the_heat_of_yesterday(bench);
}
