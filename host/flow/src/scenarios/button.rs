//! The stop button: what it last said counts until it says otherwise.

use growbox_model::incoming::Incoming;
use growbox_model::room::ClockForm;
use growbox_model::row::{Answer, Order};
use growbox_model::{SensorId, Span};
use serde_json::{Value, json};

use crate::bench::{Bench, event, room};
use crate::memory::Memory;
use crate::{ConfigChange, Input, Reconfiguration};

fn bench() -> Bench {
    let mut spec = room(ClockForm::System);
    spec.node.stop_input = SensorId::new("button").ok();
    Bench::new(spec, Vec::new())
}

fn contact(sensor: &str, value: f64) -> Incoming {
    let contact = json!({
        "type": "sensor.x_contact",
        "data": {"sensor_id": sensor, "value": value}, "metadata": {"zone": "tent"},
    });
    event(contact).unwrap()
}

fn press(bench: &mut Bench, sensor: &str, value: f64) {
    bench.turn([Input::Readings(vec![contact(sensor, value)])]);
    bench.run();
}

fn reset(bench: &mut Bench) -> Result<(), String> {
    match bench.order(Order::Reset(None)) {
        Answer::Devices(_) => Ok(()),
        Answer::Conflict(objection) => Err(objection.code),
        other => panic!("{other:?}"),
    }
}

#[test]
fn no_reset_is_taken_while_it_is_pressed_however_long_ago_it_said_so() {
    let mut bench = bench();
    press(&mut bench, "button", 1.0);
    assert_eq!(reset(&mut bench), Err("not_clear".into()));
    bench.pass(Span::hours(3));
    assert_eq!(reset(&mut bench), Err("not_clear".into()), "it is silent");
    let memory = Memory::of(&bench.behind.commits);
    let (room, wall) = (bench.flow.room.clone(), bench.machine.wall);
    let mut bench = Bench::restarted(room, Vec::new(), memory, wall);
    assert_eq!(reset(&mut bench), Err("not_clear".into()), "restarted");
    press(&mut bench, "button", 0.0);
    assert_eq!(reset(&mut bench), Ok(()));
}

#[test]
fn another_button_of_a_changed_configuration_stops_from_then_on() {
    let mut bench = bench();
    take_over(&mut bench, "knob");
    press(&mut bench, "button", 1.0);
    assert!(!bench.flow.gate.is_stopped(), "it is none any more");
    press(&mut bench, "knob", 1.0);
    assert!(bench.flow.gate.is_stopped());
    press(&mut bench, "knob", 0.0);
    assert_eq!(reset(&mut bench), Ok(()));
    take_over(&mut bench, "button");
    assert!(bench.flow.gate.is_stopped(), "it is pressed already");
}

fn take_over(bench: &mut Bench, button: &str) {
    let mut room = bench.flow.room.clone();
    room.node.stop_input = SensorId::new(button).ok();
    let change = ConfigChange {
        section: "node".into(),
        parameter: "stop_input".into(),
        old: Value::Null,
        new: json!(button),
    };
    let next = Reconfiguration {
        room,
        changes: vec![change],
        restart_for: Vec::new(),
    };
    bench.turn([Input::Configured(Box::new(next))]);
    bench.run();
}
