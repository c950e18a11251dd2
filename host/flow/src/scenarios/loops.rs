//! Loops between plug-ins come to an end: by depth, and by budget.

use std::cell::Cell;
use std::rc::Rc;

use growbox_model::event::Payload;
use growbox_model::json::Json;
use growbox_model::room::ClockForm;
use growbox_model::row::{Answer, Question};
use growbox_model::{Batch, Command, DeviceId, Effect, Request, Span, Stop};
use serde_json::json;

use crate::bench::{Bench, Guest, at, every, field, guest, room, saying, warmth};

fn answering(id: &str, hears: &str, says: &'static str) -> Guest {
    guest(id, every(&["sensor.*", hears]), move |batch, _| {
        Ok(batch
            .events
            .iter()
            .map(|e| saying(says, &[e.seq]))
            .collect())
    })
}

#[test]
fn two_that_answer_each_other_stop_after_eight() {
    for clock in [ClockForm::System, ClockForm::Events] {
        let guests = vec![
            answering("ping", "x.pong.*", "x.ping.said"),
            guest("pong", every(&["x.ping.*"]), |batch, _| {
                Ok(batch
                    .events
                    .iter()
                    .map(|e| saying("x.pong.said", &[e.seq]))
                    .collect())
            }),
        ];
        let mut bench = Bench::new(room(clock), guests);
        bench.post(vec![warmth("a", 20.0, at(0))]);
        assert_eq!(bench.said("x.*").len(), 8);
        let Answer::Plugins(rows) = bench.ask(Question::Plugins) else {
            panic!("no plug-ins")
        };
        assert!(
            rows.iter()
                .any(|row| row.why.as_deref().is_some_and(|why| why.contains("8")))
        );
    }
}

#[test]
fn naming_a_shallow_cause_from_elsewhere_does_not_help() {
    let ping = guest("ping", every(&["sensor.*", "x.pong.*"]), |batch, _| {
        Ok(vec![
            saying("x.ping.said", &[growbox_model::Seq(1)]);
            batch.events.len()
        ])
    });
    let pong = guest("pong", every(&["x.ping.*"]), |batch, _| {
        Ok(vec![saying("x.pong.said", &[]); batch.events.len()])
    });
    let mut bench = Bench::new(room(ClockForm::System), vec![ping, pong]);
    bench.post(vec![warmth("a", 20.0, at(0))]);
    assert_eq!(bench.said("x.*").len(), 8);
}

#[test]
fn the_depth_outlives_a_restart() {
    let guests = || {
        vec![
            answering("ping", "x.pong.*", "x.ping.said"),
            answering("pong", "x.ping.*", "x.pong.said"),
        ]
    };
    let mut bench = Bench::new(room(ClockForm::System), guests());
    bench.post(vec![warmth("a", 20.0, at(0))]);
    let all = bench.said("x.*").len();
    for cut in 1..bench.behind.commits.len() {
        let memory = crate::memory::Memory::of(&bench.behind.commits[..cut]);
        if !memory.events().iter().any(|e| e.kind.matches("sensor.*")) {
            continue;
        }
        let known = memory
            .events()
            .iter()
            .filter(|e| e.kind.matches("x.*"))
            .count();
        let restarted = Bench::restarted(room(ClockForm::System), guests(), memory, at(1));
        assert_eq!(
            known + restarted.said("x.*").len(),
            all,
            "killed after {cut} commits"
        );
    }
}

#[test]
fn what_a_plug_in_emits_has_a_budget() {
    let flood = guest("flood", every(&["sensor.*"]), |_, _| {
        Ok(vec![saying("x.flood.drop", &[]); 5000])
    });
    let mut bench = Bench::new(room(ClockForm::System), vec![flood]);
    bench.post(vec![warmth("a", 20.0, at(0))]);
    let first = bench.said("x.*").len();
    assert!((1000..1010).contains(&first), "{first}");
    bench.pass(Span::seconds(2));
    bench.post(vec![warmth("a", 20.0, at(2))]);
    let second = bench.said("x.*").len() - first;
    assert!((200..210).contains(&second), "{second}");
}

#[test]
fn a_plug_in_that_argues_with_its_verdicts_comes_to_an_end() {
    let level = Rc::new(Cell::new(0.0));
    let arguing = guest(
        "arguing",
        every(&["sensor.*", "device.*"]),
        move |batch, _| {
            level.set(1.0 - level.get());
            let request = Request {
                device: DeviceId::new("switch").unwrap(),
                command: Command::Level(level.get()),
                lease: None,
                reason: "no, otherwise".into(),
                causes: batch.events.iter().map(|e| e.seq).collect(),
            };
            Ok(vec![Effect::Request(request)])
        },
    );
    let mut bench = Bench::new(room(ClockForm::System), vec![arguing]);
    bench.pass(Span::minutes(1));
    bench.post(vec![warmth("a", 20.0, at(60))]);
    let requests = bench.said("device.action.requested").len();
    assert!((2..=16).contains(&requests), "{requests}");
}

#[test]
fn a_plug_in_that_stops_again_and_again_is_heard_and_ends() {
    let mut stopping = guest(
        "stopping",
        every(&["sensor.*", "system.emergency"]),
        |_, _| {
            Ok(vec![Effect::Stop(Stop {
                zone: None,
                reason: "stop".into(),
                causes: Vec::new(),
            })])
        },
    );
    stopping.spec.grant.emergency_stop = vec!["*".into()];
    let mut bench = Bench::new(room(ClockForm::System), vec![stopping]);
    bench.post(vec![warmth("a", 20.0, at(0))]);
    assert_eq!(bench.said("system.emergency").len(), 8);
    let stopped = bench.records();
    assert!(
        stopped
            .iter()
            .any(|r| matches!(r, growbox_model::Record::Stopped(None, Some(_))))
    );
}

#[test]
fn a_plug_in_is_told_where_it_may_stop() {
    let scopes = |grant: &[&str], deny: &[&str]| {
        let telling = |batch: &Batch, _: &mut _| {
            let attributes = batch.zones.iter().flat_map(|zone| &zone.attributes);
            let told = attributes.filter(|(name, _)| &**name == "emergency_stop");
            let told: Vec<&str> = told.map(|(_, scope)| &**scope).collect();
            let Effect::Emit(mut draft) = saying("x.telling.said", &[]) else {
                unreachable!()
            };
            draft.payload = Payload::Document(Json::of(&json!({"told": told})));
            Ok(vec![Effect::Emit(draft)])
        };
        let mut telling = guest("telling", every(&["sensor.*"]), telling);
        let list = |zones: &[&str]| zones.iter().map(ToString::to_string).collect();
        telling.spec.grant.emergency_stop = list(grant);
        telling.spec.deny.emergency_stop = list(deny);
        let mut bench = Bench::new(room(ClockForm::System), vec![telling]);
        bench.post(vec![warmth("a", 20.0, at(0))]);
        let said = bench.said("x.telling.said").remove(0);
        field(&said, "told")
    };
    assert_eq!(scopes(&[], &[]), json!([]));
    assert_eq!(scopes(&["tent"], &[]), json!(["tent"]));
    assert_eq!(scopes(&["*"], &[]), json!(["*", "*"]));
    assert_eq!(scopes(&["*"], &["tent"]), json!(["*"]));
}

#[test]
fn a_plug_in_speaks_for_its_own_sensors_and_its_own_names_only() {
    let wrong = guest("wrong", every(&["sensor.humidity"]), |_, _| {
        let reading = |sensor: &str| {
            let Effect::Emit(mut draft) = saying("sensor.temperature", &[]) else {
                unreachable!()
            };
            let reading = warmth(sensor, 20.0, at(0)).unwrap();
            draft.payload = reading.payload;
            Effect::Emit(draft)
        };
        Ok(vec![
            saying("x.other.said", &[]),
            saying("plugin.loaded", &[]),
            saying("control.stage.changed", &[]),
            reading("taken"),
            reading("mine"),
        ])
    });
    let mut bench = Bench::new(room(ClockForm::System), vec![wrong]);
    bench.post(vec![
        warmth("taken", 20.0, at(0)),
        crate::bench::event(json!({"type": "sensor.humidity",
            "data": {"sensor_id": "h", "value": 50}})),
    ]);
    let said: Vec<String> = bench
        .events()
        .iter()
        .filter(|event| event.source.plugin().is_some())
        .map(|event| event.reading().unwrap().sensor.to_string())
        .collect();
    assert_eq!(said, ["mine"]);
    let stolen = bench.post(vec![warmth("mine", 20.0, at(0))]).remove(0);
    assert_eq!(stolen.error.unwrap().code, "other_source");
}
