//! A device that does not do as it is told: said as an error, standing as an alert, until it is mended.

use growbox_model::room::ClockForm;
use growbox_model::row::{AlertState, Answer, Order, Question};
use growbox_model::{DeviceId, Feedback, Quantity, SensorId, Span};
use serde_json::json;

use crate::bench::{Bench, field, room};

fn switch() -> DeviceId {
    DeviceId::new("switch").unwrap()
}

fn bench() -> Bench {
    let mut spec = room(ClockForm::System);
    let device = spec.devices.get_mut(&switch()).unwrap();
    (device.min_on, device.min_off) = (Span::ZERO, Span::ZERO);
    device.feedback = Some(Feedback {
        sensor: SensorId::new("meter").unwrap(),
        quantity: Quantity::new("power").unwrap(),
        on_above: 5.0,
        within: Span::seconds(10),
    });
    Bench::new(spec, Vec::new())
}

fn draws(bench: &mut Bench, watts: f64) {
    let reading = json!({"type": "sensor.power", "data": {"sensor_id": "meter", "value": watts}});
    bench.tell(reading);
    bench.run();
}

#[test]
fn a_relay_stuck_on_is_an_error_and_an_alert_until_a_person_has_seen_to_it() {
    let mut bench = bench();
    draws(&mut bench, 0.0);
    bench.order(Order::Set(switch(), 1.0, Some(Span::hours(1))));
    draws(&mut bench, 300.0);
    bench.order(Order::Set(switch(), 0.0, Some(Span::hours(1))));
    for _ in 0..12 {
        bench.pass(Span::seconds(5));
        draws(&mut bench, 300.0);
    }
    let errors = bench.said("device.error");
    let said: Vec<_> = errors.iter().map(|e| field(e, "recovery_action")).collect();
    assert_eq!(
        said,
        [
            "it is told again",
            "it is told again",
            "it is kept at its safe level until a person releases it"
        ]
    );
    assert!(errors.iter().all(|e| field(e, "error_code") == "stuck_on"));
    let Answer::Alerts(alerts) = bench.ask(Question::Alerts) else {
        panic!("no alerts")
    };
    let [alert] = &alerts[..] else {
        panic!("{alerts:?}")
    };
    assert_eq!(
        (&*alert.rule, alert.state),
        ("device:switch", AlertState::Raised)
    );
    draws(&mut bench, 0.0);
    bench.order(Order::Release(switch()));
    assert_eq!(bench.said("alert.cleared").len(), 1);
}

#[test]
fn an_implausible_meter_accuses_nobody() {
    let mut bench = bench();
    draws(&mut bench, 0.0);
    draws(&mut bench, 1e9);
    bench.pass(Span::minutes(1));
    assert!(bench.said("device.error").is_empty());
}
