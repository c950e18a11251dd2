//! Whom devices hang on: no plug-in that speaks for sensors of its own, nobody from before a crash.

use growbox_model::effect::{Draft, Effect};
use growbox_model::incoming::reading;
use growbox_model::room::ClockForm;
use growbox_model::row::{Answer, Order, Question};
use growbox_model::{
    Danger, DeviceId, EventType, Payload, Quality, Quantity, RoomSpec, SafetySpec, SensorId,
    SensorSpec, Source, Span, Trouble,
};
use serde_json::json;

use crate::Input;
use crate::bench::{Bench, Guest, at, event, every, field, guest, room, tent, warmth};
use crate::memory::Memory;

fn temperature() -> Quantity {
    Quantity::new("temperature").unwrap()
}

fn sensor(id: &str, source: Option<&str>) -> SensorSpec {
    SensorSpec {
        zone: Some(tent()),
        source: source.map(|source| Source(source.into())),
        interval: Some(Span::seconds(10)),
        ..SensorSpec::bare(SensorId::new(id).unwrap())
    }
}

/// The switch runs while it is known how warm it is; it goes off above 40 °C, and blind.
fn spec(sensors: &[SensorSpec]) -> RoomSpec {
    let mut room = room(ClockForm::System);
    room.node.measure_unknown_sensors = false;
    let named = sensors.iter();
    room.sensors = named.map(|s| (s.id.clone(), s.clone())).collect();
    let switch = DeviceId::new("switch").unwrap();
    let device = room.devices.get_mut(&switch).unwrap();
    device.needs = vec![temperature()];
    (device.min_on, device.min_off) = (Span::ZERO, Span::ZERO);
    let rule = |id: &str, when: Danger| SafetySpec {
        id: id.into(),
        zone: tent(),
        when,
        dwell: Span::ZERO,
        latch: true,
        devices: [(switch.clone(), 0.0)].into(),
        message: id.into(),
        shipped: false,
    };
    room.safety = vec![
        rule(
            "hot",
            Danger::Above {
                quantity: temperature(),
                limit: 40.0,
                clear: 37.0,
            },
        ),
        rule(
            "blind",
            Danger::Untrusted {
                quantity: temperature(),
                troubles: vec![Trouble::Stale],
            },
        ),
    ];
    room
}

/// Whenever it is nudged it says that it is 24 °C, by two sensors of its own.
fn liar() -> Guest {
    guest("liar", every(&["sensor.illuminance"]), |_, _| {
        let says = |id: &str| {
            let sensor = SensorId::new(id).unwrap();
            let mild = reading(sensor, "temperature", 24.0, None, Quality::Good).unwrap();
            Effect::Emit(Draft {
                kind: EventType::of_quantity(&mild.quantity),
                zone: Some(tent()),
                at: None,
                payload: Payload::Reading(mild),
                metadata: None,
                causes: Vec::new(),
            })
        };
        Ok(vec![says("s1"), says("s2")])
    })
}

fn nudge(bench: &mut Bench) {
    let light = json!({
        "type": "sensor.illuminance",
        "data": {"sensor_id": "lux", "value": 1.0}, "metadata": {"zone": "tent"},
    });
    bench.post(vec![event(light)]);
}

fn seen(bench: &mut Bench) -> Option<f64> {
    let Answer::Zones(rows) = bench.ask(Question::Zones) else {
        panic!("no zones")
    };
    let tent = rows.into_iter().find(|row| row.id == tent())?;
    Some(tent.climate.get("temperature")?.value)
}

fn tripped(bench: &Bench) -> Vec<serde_json::Value> {
    let violations = bench.said("safety.violation");
    violations.iter().map(|said| field(said, "rule")).collect()
}

fn turn_on(bench: &mut Bench) -> bool {
    let switch = DeviceId::new("switch").unwrap();
    bench.order(Order::Set(switch, 1.0, Some(Span::hours(1))));
    bench.pass(Span::seconds(1));
    bench.behind.orders.last().map(|order| order.level) == Some(1.0)
}

#[test]
fn a_plugin_outvotes_no_sensor_before_a_safety_rule() {
    let mut bench = Bench::new(spec(&[sensor("canopy", None)]), vec![liar()]);
    nudge(&mut bench);
    bench.post(vec![warmth("canopy", 45.0, at(0))]);
    assert_eq!(seen(&mut bench), Some(24.0), "handlers see all three");
    assert_eq!(tripped(&bench), ["hot"]);
}

#[test]
fn a_plugin_hides_no_dead_sensor_and_fulfils_no_need() {
    let mut bench = Bench::new(spec(&[sensor("canopy", None)]), vec![liar()]);
    nudge(&mut bench);
    assert!(!turn_on(&mut bench), "nobody but the plug-in has spoken");
    bench.post(vec![warmth("canopy", 21.0, at(1))]);
    assert!(turn_on(&mut bench));
    for _ in 0..5 {
        bench.pass(Span::seconds(10));
        nudge(&mut bench);
    }
    assert_eq!(tripped(&bench), ["blind"]);
    assert_eq!(bench.behind.orders.last().map(|o| o.level), Some(0.0));
}

#[test]
fn a_plugin_counts_where_the_configuration_names_it_as_the_source() {
    let named = sensor("s1", Some("plugin:liar"));
    let mut bench = Bench::new(spec(&[named]), vec![liar()]);
    nudge(&mut bench);
    assert!(turn_on(&mut bench));
}

#[test]
fn a_sensor_from_outside_that_nobody_configured_counts_where_unknown_ones_do() {
    let mut room = spec(&[]);
    room.node.measure_unknown_sensors = true;
    let mut bench = Bench::new(room, vec![liar()]);
    nudge(&mut bench);
    assert!(!turn_on(&mut bench));
    bench.post(vec![warmth("found", 45.0, at(1))]);
    assert_eq!(tripped(&bench), ["hot"]);
}

/// A switch that needs to know how warm it is, a reading, and an end of the host.
fn away(clean: bool, same_boot: bool) -> Bench {
    let mut before = Bench::new(spec(&[sensor("canopy", None)]), Vec::new());
    before.post(vec![warmth("canopy", 21.0, at(0))]);
    assert!(turn_on(&mut before));
    if clean {
        before.turn([Input::Stop("a test".into())]);
        before.run();
    }
    let mut memory = Memory::of(&before.behind.commits);
    memory.booted_anew(!same_boot);
    let (room, wall) = (before.flow.room.clone(), before.machine.wall);
    Bench::restarted(room, Vec::new(), memory, wall)
}

#[test]
fn after_an_unclean_end_or_another_boot_nobody_is_believed_before_they_have_spoken() {
    for (clean, same_boot) in [(false, true), (true, false), (false, false)] {
        let mut bench = away(clean, same_boot);
        assert_eq!(seen(&mut bench), None);
        assert!(!turn_on(&mut bench), "clean {clean}, same boot {same_boot}");
        bench.post(vec![warmth("canopy", 21.0, at(3))]);
        assert!(turn_on(&mut bench));
    }
}

#[test]
fn after_a_clean_end_within_a_boot_what_is_fresh_still_is() {
    let mut bench = away(true, true);
    assert_eq!(seen(&mut bench), Some(21.0));
    assert!(turn_on(&mut bench));
}
