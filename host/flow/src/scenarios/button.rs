//! The stop button: what it last said counts until it says otherwise.

use growbox_model::incoming::Incoming;
use growbox_model::room::ClockForm;
use growbox_model::row::{Answer, Order};
use growbox_model::{SensorId, Span};
use serde_json::json;

use crate::Input;
use crate::bench::{Bench, event, room};
use crate::memory::Memory;

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
