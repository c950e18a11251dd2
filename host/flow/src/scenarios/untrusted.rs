//! Rules about sensors nobody can believe: each trouble is seen, beside others too.

use growbox_model::room::ClockForm;
use growbox_model::{Danger, DeviceId, Quantity, SafetySpec, SensorId, SensorSpec, Span, Trouble};

use crate::bench::{Bench, at, field, room, tent, warmth};

/// Sensors of these names, every ten seconds, frozen after a minute; the switch goes off in one of
/// these troubles.
fn bench(sensors: &[&str], troubles: &[Trouble]) -> Bench {
    let mut spec = room(ClockForm::System);
    for name in sensors {
        let id = SensorId::new(name).unwrap();
        let sensor = SensorSpec {
            zone: Some(tent()),
            interval: Some(Span::seconds(10)),
            frozen_after: Some(Span::minutes(1)),
            ..SensorSpec::bare(id.clone())
        };
        spec.sensors.insert(id, sensor);
    }
    spec.safety = vec![SafetySpec {
        id: "blind".into(),
        zone: tent(),
        when: Danger::Untrusted {
            quantity: Quantity::new("temperature").unwrap(),
            troubles: troubles.to_vec(),
        },
        dwell: Span::ZERO,
        latch: true,
        devices: [(DeviceId::new("switch").unwrap(), 0.0)].into(),
        message: "nobody knows".into(),
        shipped: false,
    }];
    Bench::new(spec, Vec::new())
}

/// What the rule said, where it has tripped.
fn said(bench: &Bench) -> Option<String> {
    let violation = bench.said("safety.violation").into_iter().next()?;
    Some(field(&violation, "message").as_str()?.to_owned())
}

fn told(trouble: Trouble) -> Option<String> {
    Some(format!("nobody knows: temperature is {trouble}"))
}

#[test]
fn who_never_spoke_is_absent() {
    assert_eq!(
        said(&bench(&["a"], &[Trouble::Absent])),
        told(Trouble::Absent)
    );
    assert_eq!(said(&bench(&["a"], &[Trouble::Stale])), None);
}

#[test]
fn who_speaks_no_more_is_stale() {
    let mut bench = bench(&["a"], &[Trouble::Stale]);
    bench.post(vec![warmth("a", 20.0, at(0))]);
    bench.pass(Span::seconds(29));
    assert_eq!(said(&bench), None);
    bench.pass(Span::seconds(2));
    assert_eq!(said(&bench), told(Trouble::Stale));
}

#[test]
fn who_says_what_cannot_be_is_bad() {
    let mut bench = bench(&["a"], &[Trouble::Bad]);
    bench.post(vec![warmth("a", 20.0, at(0))]);
    assert_eq!(said(&bench), None);
    bench.post(vec![warmth("a", 200.0, at(0))]);
    assert_eq!(said(&bench), told(Trouble::Bad));
}

#[test]
fn who_says_the_very_same_for_too_long_is_frozen() {
    let mut bench = bench(&["a"], &[Trouble::Frozen]);
    for tens in 0..6 {
        bench.post(vec![warmth("a", 20.0, at(tens * 10))]);
        bench.pass(Span::seconds(10));
    }
    assert_eq!(said(&bench), None);
    bench.post(vec![warmth("a", 20.0, at(60))]);
    assert_eq!(said(&bench), told(Trouble::Frozen));
}

#[test]
fn of_two_with_different_troubles_each_is_seen() {
    for (watched, seen) in [
        (Trouble::Stale, true),
        (Trouble::Bad, true),
        (Trouble::Frozen, false),
    ] {
        let mut bench = bench(&["a", "b"], &[watched]);
        bench.post(vec![warmth("a", 20.0, at(0)), warmth("b", 20.0, at(0))]);
        for seconds in [15, 30] {
            bench.pass(Span::seconds(15));
            bench.post(vec![warmth("b", 20.1, at(seconds))]);
        }
        assert_eq!(said(&bench), None, "b is believed");
        bench.post(vec![warmth("b", 200.0, at(30))]);
        assert_eq!(said(&bench), told(watched).filter(|_| seen));
    }
}
