//! Whom a zone believes: calibrated, implausible, frozen, and one of two gone.

use growbox_model::room::ClockForm;
use growbox_model::row::{Answer, Question};
use growbox_model::{Quantity, SensorId, SensorSpec, Span};

use crate::bench::{Bench, at, room, tent, warmth};

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
