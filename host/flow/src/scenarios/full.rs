//! A log that takes nothing: what safety hangs on is heard all the same, by every edge.

use growbox_model::incoming::{Incoming, Speaker};
use growbox_model::room::ClockForm;
use growbox_model::row::{Answer, Order, PostStatus, Wait};
use growbox_model::{
    Danger, DeviceId, Feedback, Objection, Quantity, SafetySpec, SensorId, Span, Text,
};
use serde_json::{Value, json};

use crate::Input;
use crate::bench::{Bench, at, event, room, tent, warmth};

fn switch() -> DeviceId {
    DeviceId::new("switch").unwrap()
}

/// The switch is on, off above 40 °C, watched by a meter, with a stop button; the queue holds two
/// events; and the log is full.
fn bench() -> Bench {
    let mut spec = room(ClockForm::System);
    spec.node.queue = 2;
    spec.node.stop_input = SensorId::new("button").ok();
    let device = spec.devices.get_mut(&switch()).unwrap();
    (device.min_on, device.min_off) = (Span::ZERO, Span::ZERO);
    device.feedback = Some(Feedback {
        sensor: SensorId::new("meter").unwrap(),
        quantity: Quantity::new("power").unwrap(),
        on_above: 5.0,
        within: Span::seconds(10),
    });
    spec.safety = vec![SafetySpec {
        id: "hot".into(),
        zone: tent(),
        when: Danger::Above {
            quantity: Quantity::new("temperature").unwrap(),
            limit: 40.0,
            clear: 37.0,
        },
        dwell: Span::ZERO,
        latch: true,
        devices: [(switch(), 0.0)].into(),
        message: "it is too hot".into(),
        shipped: false,
    }];
    let mut bench = Bench::new(spec, Vec::new());
    bench.order(Order::Set(switch(), 1.0, Some(Span::hours(1))));
    bench.pass(Span::seconds(1));
    assert_eq!(level(&bench), 1.0);
    bench.behind.refusal = Some("no room".into());
    bench
}

fn level(bench: &Bench) -> f64 {
    bench.behind.orders.last().unwrap().level
}

fn say(kind: &str, sensor: &str, value: f64) -> Result<Incoming, Objection> {
    event(json!({
        "type": kind,
        "data": {"sensor_id": sensor, "value": value}, "metadata": {"zone": "tent"},
    }))
}

fn light(lux: f64) -> Result<Incoming, Objection> {
    say("sensor.illuminance", "lux", lux)
}

fn hand_in(bench: &mut Bench, events: Vec<Result<Incoming, Objection>>, by: Speaker) -> Answer {
    let (ticket, post) = bench.posting(events, by, Wait::Accepted);
    bench.turn([post]);
    bench.run();
    bench.behind.answers[&ticket].clone()
}

fn refused() -> Answer {
    Answer::Full(Text::from("no room"))
}

fn emergency() -> Result<Incoming, Objection> {
    event(json!({"type": "system.emergency", "data": {"message": "smoke"}}))
}

#[test]
fn the_heat_is_seen_and_what_can_wait_is_refused() {
    let mut bench = bench();
    let warm = || warmth("canopy", 43.0, at(1));
    assert_eq!(
        hand_in(&mut bench, vec![light(1.0)], Speaker::Anyone),
        refused()
    );
    let mixed = vec![warm(), light(1.0)];
    assert_eq!(hand_in(&mut bench, mixed, Speaker::Anyone), refused());
    assert_eq!(level(&bench), 1.0, "of what is refused nothing is taken");
    let Answer::Posted(results) = hand_in(&mut bench, vec![warm()], Speaker::Anyone) else {
        panic!("refused")
    };
    assert_eq!(results[0].status, PostStatus::Accepted);
    assert_eq!(
        (bench.said("safety.violation").len(), level(&bench)),
        (1, 0.0)
    );
}

#[test]
fn a_stop_with_the_token_is_one_and_without_it_finds_no_room() {
    let mut bench = bench();
    let stranger = hand_in(&mut bench, vec![emergency()], Speaker::Anyone);
    assert_eq!((stranger, level(&bench)), (refused(), 1.0));
    let operator = hand_in(&mut bench, vec![emergency()], Speaker::Operator);
    assert!(matches!(operator, Answer::Posted(_)));
    assert_eq!(level(&bench), 0.0);
}

#[test]
fn a_driver_is_heard_behind_a_queue_that_is_full_of_what_can_wait() {
    let mut bench = bench();
    let mut readings: Vec<Incoming> = (0..9)
        .filter_map(|lux| light(f64::from(lux)).ok())
        .collect();
    readings.extend(warmth("canopy", 43.0, at(1)));
    bench.turn([Input::Readings(readings)]);
    bench.run();
    assert_eq!(level(&bench), 0.0);
    assert!(bench.said("sensor.illuminance").is_empty());
    bench.behind.refusal = None;
    bench.run();
    assert_eq!(bench.said("sensor.illuminance").len(), 9, "nothing is lost");
}

#[test]
fn of_many_readings_a_driver_hands_over_those_are_taken_that_cannot_wait() {
    let mut bench = bench();
    let readings = vec![light(1.0), warmth("canopy", 43.0, at(1))];
    let (ticket, post) = bench.posting(readings, Speaker::Driver, Wait::Durable);
    bench.behind.fsyncs = false;
    bench.turn([post]);
    let results = bench.posted(ticket).expect("it does not wait for the disk");
    let codes = results
        .iter()
        .map(|result| Some(&*result.error.as_ref()?.code));
    assert!(codes.eq([Some("log_full"), None]));
    assert_eq!(level(&bench), 0.0);
}

#[test]
fn the_stop_button_and_witnesses_are_heard() {
    let mut bench = bench();
    let power = say("sensor.power", "meter", 0.0).unwrap();
    bench.turn([Input::Readings(vec![power])]);
    bench.pass(Span::seconds(15));
    let errors = bench.said("device.error");
    let code = errors
        .first()
        .map(|error| error.data()["error_code"].clone());
    assert_eq!(code, Some(Value::from("stuck_off")));
    let pressed = say("sensor.x_contact", "button", 1.0).unwrap();
    bench.turn([Input::Readings(vec![pressed])]);
    bench.run();
    assert_eq!(
        (bench.said("system.emergency").len(), level(&bench)),
        (1, 0.0)
    );
}
