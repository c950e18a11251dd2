//! Staleness, ticks and ages under a clock that runs by itself.

use growbox_model::room::ClockForm;
use growbox_model::row::{Answer, PostStatus, Question};
use growbox_model::{SensorId, SensorSpec, Span};
use serde_json::json;

use crate::bench::{Bench, at, every, field, guest, room, saying, tent, warmth};

fn watched() -> Bench {
    let mut spec = room(ClockForm::System);
    let id = SensorId::new("a").unwrap();
    let sensor = SensorSpec {
        zone: Some(tent()),
        interval: Some(Span::seconds(10)),
        ..SensorSpec::bare(id.clone())
    };
    spec.sensors.insert(id, sensor);
    Bench::new(spec, Vec::new())
}

#[test]
fn a_series_is_stale_at_exactly_three_intervals_and_recovers_once() {
    let mut bench = watched();
    bench.post(vec![warmth("a", 20.0, at(0))]);
    bench.pass(Span(Span::seconds(30).0 - 1));
    assert!(bench.said("sensor.stale").is_empty());
    bench.pass(Span(1));
    let stale = bench.said("sensor.stale");
    assert_eq!(stale.len(), 1);
    assert_eq!(field(&stale[0], "sensor_id"), json!("a"));
    assert_eq!(
        stale[0].taken,
        bench.said("sensor.temperature")[0].taken + Span::seconds(30)
    );
    bench.pass(Span::seconds(100));
    assert_eq!(bench.said("sensor.stale").len(), 1, "told once");
    let Answer::Zones(rows) = bench.ask(Question::Zones) else {
        panic!("no zones")
    };
    let tent = rows.iter().find(|row| row.id.as_str() == "tent").unwrap();
    assert_eq!(tent.missing, ["temperature".into()]);
    bench.post(vec![warmth("a", 20.0, at(130)), warmth("a", 20.0, at(131))]);
    let recovered = bench.said("sensor.recovered");
    assert_eq!(recovered.len(), 1);
    assert_eq!(
        recovered[0].cause,
        Some(bench.said("sensor.temperature")[1].seq)
    );
    bench.pass(Span::seconds(31));
    assert_eq!(bench.said("sensor.stale").len(), 2);
}

#[test]
fn ticks_coalesce_while_a_plug_in_is_busy() {
    let ticking = guest("ticking", every(&[]), |_, _| {
        Ok(vec![saying("x.ticking.tick", &[])])
    })
    .ticking(Span::seconds(1));
    let mut bench = Bench::new(room(ClockForm::System), vec![ticking]);
    bench.pass(Span::seconds(3));
    assert_eq!(bench.said("x.ticking.tick").len(), 3);
    bench.machine.boot = bench.machine.boot + Span::seconds(10);
    bench.turn([]);
    assert_eq!(
        bench.batches_of("ticking").len(),
        4,
        "out, and not handled yet"
    );
    bench.machine.boot = bench.machine.boot + Span::seconds(10);
    bench.turn([]);
    bench.run();
    assert_eq!(
        bench.said("x.ticking.tick").len(),
        5,
        "twenty ticks were two batches"
    );
}

#[test]
fn late_events_are_logged_and_drive_nothing() {
    let counting = guest("counting", every(&["*"]), crate::bench::counting);
    let mut bench = Bench::new(room(ClockForm::System), vec![counting]);
    bench.machine.wall = at(7200);
    let results = bench.post(vec![
        warmth("old", 20.0, at(3599)),
        warmth("new", 21.0, at(3600)),
        warmth("ahead", 22.0, at(7261)),
    ]);
    let told: Vec<PostStatus> = results.iter().map(|r| r.status).collect();
    assert_eq!(
        told,
        [PostStatus::Late, PostStatus::Accepted, PostStatus::Refused]
    );
    assert!(bench.said("sensor.*")[0].late);
    assert!(!bench.given("counting").contains(&results[0].seq.unwrap()));
    assert!(bench.given("counting").contains(&results[1].seq.unwrap()));
    let Answer::Zones(rows) = bench.ask(Question::Zones) else {
        panic!("no zones")
    };
    let tent = rows.iter().find(|row| row.id.as_str() == "tent").unwrap();
    assert_eq!(tent.climate["temperature"].value, 21.0);
}

#[test]
fn a_second_source_is_refused_until_the_sensor_is_released() {
    let mut bench = Bench::new(room(ClockForm::System), Vec::new());
    let from = |name: &str| {
        crate::bench::event(json!({
            "type": "sensor.temperature", "data": {"sensor_id": "a", "value": 1},
            "metadata": {"source": name},
        }))
    };
    let results = bench.post(vec![from("one"), from("two")]);
    let objection = results[1].error.clone().unwrap();
    assert_eq!(objection.code, "other_source");
    assert!(objection.message.contains("http:one") && objection.message.contains("http:two"));
    let ticket = bench.ticket();
    let sensor = SensorId::new("a").unwrap();
    bench.turn([crate::Input::Rebind(ticket, sensor)]);
    assert_eq!(
        bench.post(vec![from("two")])[0].status,
        PostStatus::Accepted
    );
    assert!(
        bench
            .records()
            .iter()
            .all(|record| { !matches!(record, growbox_model::Record::DeadLetter(_)) }),
        "who waits for an answer is told"
    );
}
