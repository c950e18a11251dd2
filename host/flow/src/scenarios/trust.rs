//! Whom a zone believes: calibrated, implausible, frozen, and one of two gone.

use growbox_model::room::ClockForm;
use growbox_model::row::{Answer, Question};
use growbox_model::{Danger, DeviceId, Quantity, SafetySpec, SensorId, SensorSpec, Span};

use crate::bench::{Bench, at, field, room, tent, warmth};

fn temperature() -> Quantity {
    Quantity::new("temperature").unwrap()
}

/// Sensors `a` and `b`, every ten seconds; `a` reads 0.5 too much, and is frozen after a minute.
fn bench() -> Bench {
    let mut spec = room(ClockForm::System);
    for name in ["a", "b"] {
        let id = SensorId::new(name).unwrap();
        let mut sensor = SensorSpec {
            zone: Some(tent()),
            interval: Some(Span::seconds(10)),
            ..SensorSpec::bare(id.clone())
        };
        if name == "a" {
            sensor.offsets.insert(temperature(), -0.5);
            sensor.frozen_after = Some(Span::minutes(1));
        }
        spec.sensors.insert(id, sensor);
    }
    Bench::new(spec, Vec::new())
}

/// What the tent measures, and what it misses.
fn measured(bench: &mut Bench) -> (Option<f64>, usize) {
    let Answer::Zones(rows) = bench.ask(Question::Zones) else {
        panic!("no zones")
    };
    let tent = rows.into_iter().find(|row| row.id == tent()).unwrap();
    let measure = tent.climate.get("temperature");
    (measure.map(|measure| measure.value), tent.missing.len())
}

#[test]
fn an_offset_is_added_to_what_its_sensor_says_and_to_nobody_else() {
    let mut bench = bench();
    bench.post(vec![warmth("a", 20.5, at(0))]);
    assert_eq!(measured(&mut bench), (Some(20.0), 0));
    bench.post(vec![warmth("b", 21.0, at(0))]);
    assert_eq!(measured(&mut bench).0, Some(20.5));
}

#[test]
fn one_of_two_gone_leaves_the_other_and_both_gone_leave_nothing() {
    let mut bench = bench();
    bench.post(vec![warmth("a", 20.5, at(0)), warmth("b", 23.0, at(0))]);
    bench.pass(Span::seconds(25));
    bench.post(vec![warmth("b", 23.0, at(25))]);
    bench.pass(Span::seconds(10));
    assert_eq!(measured(&mut bench), (Some(23.0), 0), "b speaks alone");
    assert_eq!(bench.said("sensor.stale").len(), 1, "and it is told");
    bench.post(vec![warmth("b", 200.0, at(36))]);
    assert_eq!(measured(&mut bench), (None, 1), "that is no temperature");
}

#[test]
fn who_says_the_very_same_for_too_long_is_not_believed_until_it_moves() {
    let mut bench = bench();
    for tens in 0..=6 {
        bench.post(vec![warmth("a", 20.5, at(tens * 10))]);
        let seen = measured(&mut bench).0;
        assert_eq!(seen, (tens < 6).then_some(20.0), "after {tens}0 s");
        bench.pass(Span::seconds(10));
    }
    bench.post(vec![warmth("a", 20.6, at(70))]);
    assert_eq!(measured(&mut bench).1, 0);
}

/// A switch that goes off above 40 °C and below 10 °C.
fn guarded(names: &[&str]) -> Bench {
    let mut spec = room(ClockForm::System);
    spec.node.measure_unknown_sensors = true;
    let rule = |id: &str, when: Danger| SafetySpec {
        id: id.into(),
        zone: tent(),
        when,
        dwell: Span::ZERO,
        latch: false,
        devices: [(DeviceId::new("switch").unwrap(), 0.0)].into(),
        message: id.into(),
        shipped: false,
    };
    let (limit, clear) = (40.0, 37.0);
    let quantity = temperature();
    let hot = Danger::Above {
        quantity,
        limit,
        clear,
    };
    let (limit, clear) = (10.0, 12.0);
    let quantity = temperature();
    let cold = Danger::Below {
        quantity,
        limit,
        clear,
    };
    spec.safety = vec![rule("hot", hot), rule("cold", cold)];
    let mut bench = Bench::new(spec, Vec::new());
    bench.post(names.iter().map(|name| warmth(name, 20.0, at(0))).collect());
    assert!(bench.said("safety.violation").is_empty());
    bench
}

#[test]
fn of_two_that_disagree_a_rule_believes_who_tells_of_the_danger() {
    let mut bench = guarded(&["a", "b"]);
    bench.post(vec![warmth("a", 45.0, at(1))]);
    assert_eq!(
        measured(&mut bench).0,
        Some(32.5),
        "handlers see the middle"
    );
    bench.post(vec![warmth("a", 20.0, at(2))]);
    bench.post(vec![warmth("b", 5.0, at(3))]);
    let rules: Vec<_> = bench
        .said("safety.violation")
        .iter()
        .map(|e| field(e, "rule"))
        .collect();
    assert_eq!(rules, ["hot", "cold"]);
    assert_eq!(bench.said("alert.cleared").len(), 1, "hot is over");
}

#[test]
fn of_three_the_one_that_is_wrong_is_outvoted() {
    let mut bench = guarded(&["a", "b", "c"]);
    bench.post(vec![warmth("a", 45.0, at(1)), warmth("b", 5.0, at(1))]);
    assert!(bench.said("safety.violation").is_empty());
}
