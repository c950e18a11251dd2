//! Health checks: said by the clock and when something changes, true about every part.

use growbox_model::effect::Fault;
use growbox_model::ports::DriverReport;
use growbox_model::room::ClockForm;
use growbox_model::row::{Answer, HealthRow, Question};
use growbox_model::{DeviceId, Span};
use serde_json::json;

use crate::bench::{Bench, Guest, asking, at, every, field, guest, room, warmth};
use crate::{Input, Machine};

fn checked(clock: ClockForm, guests: Vec<Guest>) -> Bench {
    let mut spec = room(clock);
    spec.node.health_every = Some(Span::seconds(60));
    Bench::new(spec, guests)
}

fn health(bench: &mut Bench) -> HealthRow {
    match bench.ask(Question::Health) {
        Answer::Health(row) => row,
        other => panic!("not health: {other:?}"),
    }
}

#[test]
fn a_check_comes_every_minute_with_latency_and_says_when_the_next_is_due() {
    let asks = guest("asks", every(&["sensor.*"]), |batch, _| {
        Ok(vec![asking(1.0, &[batch.last])])
    });
    let mut bench = checked(ClockForm::System, vec![asks]);
    bench.post(vec![warmth("a", 20.0, at(0))]);
    let after = Machine {
        boot: bench.machine.boot + Span::millis(5),
        ..bench.machine
    };
    bench.flow.turn_ended(after);
    bench.pass(Span::seconds(125));
    let checks = bench.said("system.health.check");
    assert_eq!(checks.len(), 2, "{checks:?}");
    assert_eq!(field(&checks[0], "overall_status"), json!("healthy"));
    assert_eq!(field(&checks[0], "component_status")["plugins"], "healthy");
    let latency = field(&checks[0], "latency");
    assert_eq!(latency["heard_to_said"]["count"], 1, "{latency}");
    assert!(latency["heard_to_said"]["p50_milliseconds"].as_f64() >= Some(5.0));
    assert!(latency["request_to_verdict"]["count"].is_u64());
    assert!(latency["handler:asks"]["p99_milliseconds"].is_f64());
    let next = field(&checks[0], "next_check");
    assert_eq!(next, json!(checks[0].at.plus(Span::seconds(60))));
    assert_eq!(checks[0].cause, None);
}

#[test]
fn a_plug_in_that_fails_is_said_soon_and_loading_it_is_not_being_well() {
    let wrong = guest("wrong", every(&["sensor.*"]), |_, _| {
        Err(Fault::Permanent("no".into()))
    });
    let mut bench = checked(ClockForm::System, vec![wrong]);
    bench.pass(Span::seconds(20));
    assert!(bench.said("system.health.check").is_empty());
    bench.post(vec![warmth("a", 20.0, at(20))]);
    bench.pass(Span::seconds(5));
    let checks = bench.said("system.health.check");
    assert_eq!(checks.len(), 1);
    assert_eq!(field(&checks[0], "overall_status"), json!("critical"));
    assert_eq!(field(&checks[0], "component_status")["plugins"], "critical");
    let row = health(&mut bench);
    let why = row.components["plugins"].why.clone().unwrap();
    assert_eq!(&*why, "quarantined: wrong");
}

#[test]
fn a_device_that_is_not_driven_is_critical_until_it_is() {
    let mut bench = checked(ClockForm::System, Vec::new());
    let switch = DeviceId::new("switch").unwrap();
    bench.turn([Input::Driver(DriverReport::Failed(
        switch.clone(),
        "stuck".into(),
    ))]);
    let row = health(&mut bench);
    assert_eq!(&*row.overall, "critical");
    let devices = &row.components["devices"];
    assert_eq!(devices.why.as_deref(), Some("not driven: switch"));
    assert_eq!(devices.figures["failing"], 1.0);
    bench.turn([Input::Driver(DriverReport::Confirmed(switch, 0.0))]);
    assert_eq!(&*health(&mut bench).overall, "healthy");
}

#[test]
fn a_plug_in_that_did_not_load_and_a_silent_sensor_degrade() {
    let mut bench = checked(ClockForm::System, Vec::new());
    bench.turn([Input::Refused {
        plugin: growbox_model::PluginId::new("broken").unwrap(),
        reason: "no component".into(),
    }]);
    bench.post(vec![warmth("a", 20.0, at(0))]);
    let row = health(&mut bench);
    assert_eq!(&*row.overall, "degraded");
    let why = row.components["plugins"].why.as_deref();
    assert_eq!(why, Some("refused: broken"));
    assert_eq!(&*row.components["sensors"].status, "healthy");
    bench.pass(Span::minutes(20));
    let sensors = health(&mut bench).components["sensors"].clone();
    assert_eq!(sensors.figures["stale"], 1.0);
    assert_eq!(&*sensors.status, "degraded");
}

#[test]
fn under_the_events_clock_nothing_of_the_machine_is_said() {
    let mut bench = checked(ClockForm::Events, Vec::new());
    bench.post((0..10).map(|n| warmth("a", 20.0, at(n * 60))).collect());
    assert!(bench.said("system.health.check").is_empty());
}
