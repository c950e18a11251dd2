//! The events clock: what happens is a function of the events alone.

use growbox_model::incoming::{Incoming, Speaker};
use growbox_model::room::ClockForm;
use growbox_model::row::{PostStatus, Wait};
use growbox_model::{Effect, Event, Fault, Objection, Payload, Quality, Record, Span};
use proptest::prelude::*;
use serde_json::json;
use std::collections::VecDeque;
use std::sync::Arc;

use crate::Input;
use crate::bench::{
    Bench, Guest, asking, at, counting, event, every, guest, room, saying, start_of_time, warmth,
};
use crate::memory::Memory;

type Posted = Result<Incoming, Objection>;

/// What became of a run in lines, without where commits begin and end. Whether a refusal that
/// came after a wait for the rate found somebody to tell, or became a dead letter, is left out.
fn outcome(bench: &Bench) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for commit in &bench.behind.commits {
        lines.extend(commit.events.iter().map(|event| format!("{event:?}")));
        lines.extend(commit.plugin.iter().map(|batch| format!("{batch:?}")));
        let told = |record: &&Record| !matches!(record, Record::DeadLetter(_));
        let records = commit.records.iter().filter(told);
        lines.extend(records.map(|record| format!("{record:?}")));
    }
    lines
}

/// Two that answer each other, one that switches by temperature and tick, one that counts.
fn guests() -> Vec<Guest> {
    let echo = |own: &'static str| {
        move |batch: &growbox_model::Batch, _: &mut crate::memory::State| {
            let said = batch.events.iter().map(|e| saying(own, &[e.seq]));
            Ok::<Vec<Effect>, Fault>(said.collect())
        }
    };
    vec![
        guest(
            "a",
            every(&["sensor.temperature", "x.b.*"]),
            echo("x.a.heard"),
        ),
        guest(
            "b",
            every(&["sensor.temperature", "x.a.*"]),
            echo("x.b.heard"),
        ),
        guest("switching", every(&["sensor.temperature"]), |batch, _| {
            let hot = |e: &Arc<Event>| Some((e.reading()?.value > 25.0, e.seq));
            let asked = batch.events.iter().filter_map(hot);
            let mut effects: Vec<Effect> = asked
                .map(|(hot, seq)| asking(f64::from(u8::from(hot)), &[seq]))
                .collect();
            if batch.tick {
                effects.push(saying("x.switching.tick", &[]));
            }
            Ok(effects)
        })
        .ticking(Span::seconds(45)),
        guest("counting", every(&["*"]), counting),
    ]
}

/// Feeds posts and answers in an order that `dice` chooses.
fn play(events: &[Posted], queue: usize, rate: Option<f64>, mut dice: u64) -> Vec<String> {
    let mut spec = room(ClockForm::Events);
    spec.node.queue = queue;
    spec.filters.readings_per_second = rate;
    let mut bench = Bench::new(spec, guests());
    let mut roll = move |sides: usize| {
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (dice >> 33) as usize % sides
    };
    let mut left: VecDeque<Posted> = events.iter().cloned().collect();
    let mut quiet = 0;
    while quiet < 3 || !bench.flow.is_idle() {
        let mut inputs = Vec::new();
        if !left.is_empty() && roll(3) == 0 {
            let size = 1 + roll(left.len());
            let part = left.drain(..size).collect();
            inputs.push(bench.posting(part, Speaker::Anyone, Wait::Accepted).1);
        }
        if roll(2) == 0 {
            bench.handle();
        }
        for _ in 0..roll(3) {
            if bench.behind.pending.is_empty() {
                break;
            }
            let place = roll(bench.behind.pending.len());
            inputs.extend(bench.behind.pending.remove(place));
        }
        let nothing = inputs.is_empty() && left.is_empty() && bench.behind.pending.is_empty();
        quiet = if nothing { quiet + 1 } else { 0 };
        bench.turn(inputs);
    }
    outcome(&bench)
}

fn an_event() -> impl Strategy<Value = Posted> {
    let time = prop_oneof![
        8 => (0_u64..900).prop_map(Some),
        1 => Just(None),
        1 => Just(Some(30 * 86_400)),
    ];
    let id = prop_oneof![4 => Just(None), 1 => (0_u8..4).prop_map(Some)];
    let kind = prop_oneof![
        6 => Just("sensor.temperature"),
        2 => Just("sensor.humidity"),
        1 => Just("control.stage.changed"),
        1 => Just("device.error"),
    ];
    let source = prop_oneof![9 => Just("one"), 1 => Just("two")];
    (time, id, kind, 0_u8..3, 15.0_f64..35.0, source).prop_map(
        |(seconds, id, kind, sensor, value, source)| {
            let data = match kind {
                "control.stage.changed" => json!({"new_stage": "mid-flower"}),
                "device.error" => json!({"device_id": "switch", "error_code": "E1",
                                         "error_message": "stuck"}),
                _ => json!({"sensor_id": format!("{kind}-{sensor}"), "value": value}),
            };
            event(json!({
                "id": id.map(|id| format!("id-{id}")), "type": kind,
                "timestamp": seconds.map(at), "data": data,
                "metadata": {"zone": "tent", "source": source},
            }))
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]
    #[test]
    fn the_outcome_depends_on_the_events_alone(
        events in proptest::collection::vec(an_event(), 1..40),
        queues in (1_usize..5, 5_usize..60),
        dice in (any::<u64>(), any::<u64>()),
        rate in prop_oneof![Just(None), Just(Some(0.02))],
    ) {
        let one = play(&events, queues.0, rate, dice.0);
        let other = play(&events, queues.1, rate, dice.1);
        for (line, (one, other)) in one.iter().zip(&other).enumerate() {
            prop_assert_eq!(one, other, "line {}", line);
        }
        prop_assert_eq!(one.len(), other.len());
    }
}

#[test]
fn nothing_is_said_before_the_first_event_founds_the_clock() {
    let mut bench = Bench::new(room(ClockForm::Events), guests());
    assert!(bench.events().is_empty(), "{:?}", bench.events());
    assert!(
        !bench.behind.orders.is_empty(),
        "but devices are driven to their safe levels"
    );
    let result = bench.post(vec![warmth("a", 20.0, at(0))]).remove(0);
    let first = &bench.events()[0];
    assert_eq!(first.kind.as_str(), "system.lifecycle.started");
    assert_eq!(first.at, at(0));
    assert!(bench.events().iter().all(|event| event.at == at(0)));
    assert!(result.seq.unwrap() > first.seq);
}

#[test]
fn a_restart_before_the_first_event_does_not_found_it() {
    let before = Bench::new(room(ClockForm::Events), guests());
    let memory = Memory::of(&before.behind.commits);
    let mut bench = Bench::restarted(room(ClockForm::Events), guests(), memory, start_of_time());
    let results = bench.post(vec![warmth("a", 20.0, at(0))]);
    assert_eq!(results[0].status, PostStatus::Accepted, "{results:?}");
    assert_eq!(bench.said("sensor.*")[0].at, at(0));
}

#[test]
fn deadlines_before_an_event_run_in_time_order_each_at_its_own_instant() {
    let ticking = guest("ticking", every(&[]), |batch, _| {
        assert!(batch.tick);
        let mut asked = asking(1.0, &[]);
        if let Effect::Request(request) = &mut asked {
            request.lease = Some(Span::minutes(2));
        }
        Ok(vec![saying("x.ticking.tick", &[]), asked])
    })
    .ticking(Span::minutes(4));
    let mut bench = Bench::new(room(ClockForm::Events), vec![ticking]);
    bench.post(vec![warmth("a", 20.0, at(0)), warmth("a", 20.0, at(1200))]);
    let told: Vec<(String, u64)> = bench
        .events()
        .iter()
        .filter(|e| {
            [
                "x.ticking.tick",
                "sensor.stale",
                "sensor.recovered",
                "device.action.lapsed",
            ]
            .contains(&e.kind.as_str())
        })
        .map(|e| {
            (
                e.kind.to_string(),
                e.at.since(at(0)).as_seconds().round() as u64,
            )
        })
        .collect();
    let line = |kind: &str, second| (kind.to_owned(), second);
    assert_eq!(
        told,
        [
            line("x.ticking.tick", 240),
            line("device.action.lapsed", 360),
            line("x.ticking.tick", 480),
            line("device.action.lapsed", 600),
            line("x.ticking.tick", 720),
            line("device.action.lapsed", 840),
            line("sensor.stale", 900),
            line("x.ticking.tick", 960),
            line("device.action.lapsed", 1080),
            line("x.ticking.tick", 1200),
            line("sensor.recovered", 1200),
        ]
    );
}

#[test]
fn an_event_that_is_refused_moves_no_clock() {
    let mut bench = Bench::new(room(ClockForm::Events), Vec::new());
    let second = event(json!({
        "type": "sensor.temperature", "timestamp": at(5000),
        "data": {"sensor_id": "a", "value": 1}, "metadata": {"zone": "tent", "source": "other"},
    }));
    bench.post(vec![warmth("a", 20.0, at(0)), second]);
    assert!(bench.said("sensor.stale").is_empty());
    assert_eq!(bench.flow.now().unwrap().wall, at(0));
}

#[test]
fn critical_events_keep_their_place() {
    let error = event(json!({
        "type": "device.error", "timestamp": at(10),
        "data": {"device_id": "switch", "error_code": "E", "error_message": "m"},
    }));
    let mut bench = Bench::new(room(ClockForm::Events), Vec::new());
    let (ticket, post) = bench.posting(
        vec![warmth("a", 20.0, at(0)), error],
        Speaker::Operator,
        Wait::Accepted,
    );
    bench.turn([post]);
    bench.run();
    let results = bench.posted(ticket).unwrap();
    assert!(results[0].seq < results[1].seq);
}

#[test]
fn the_first_event_may_not_lie_ahead_of_the_machine_and_later_ones_seven_days() {
    let mut bench = Bench::new(room(ClockForm::Events), Vec::new());
    let days = |n: u64| at(n * 86_400);
    let refused = bench.post(vec![warmth("a", 1.0, days(366))]).remove(0);
    assert_eq!(refused.error.unwrap().code, "too_far_ahead");
    let results = bench.post(vec![
        warmth("a", 1.0, days(0)),
        warmth("a", 1.0, days(8)),
        warmth("a", 1.0, days(7)),
        warmth("a", 1.0, days(14)),
    ]);
    let taken: Vec<bool> = results.iter().map(|r| r.error.is_none()).collect();
    assert_eq!(taken, [true, false, true, true]);
}

#[test]
fn plug_ins_tell_nothing_that_has_not_come_yet() {
    let eager = guest("eager", every(&["sensor.*"]), |batch, _| {
        let Effect::Emit(mut draft) = saying("x.eager.soon", &[]) else {
            unreachable!()
        };
        draft.at = Some(batch.clock.wall.plus(Span(1)));
        Ok(vec![Effect::Emit(draft)])
    });
    let mut bench = Bench::new(room(ClockForm::Events), vec![eager]);
    bench.post(vec![warmth("a", 20.0, at(0))]);
    assert!(bench.said("x.*").is_empty());
}

#[test]
fn a_driver_that_never_answers_is_waited_for_five_seconds() {
    let mut bench = Bench::new(room(ClockForm::Events), guests());
    bench.post(vec![warmth("a", 20.0, at(0))]);
    bench.behind.confirms = false;
    let (_, post) = bench.posting(
        vec![warmth("a", 30.0, at(100)), warmth("a", 30.0, at(101))],
        Speaker::Anyone,
        Wait::Accepted,
    );
    bench.turn([post]);
    bench.run();
    assert_eq!(bench.said("sensor.temperature").len(), 2);
    let patience = bench.wake.machine.unwrap();
    assert!(patience > bench.machine.boot);
    bench.pass(Span::seconds(6));
    assert_eq!(bench.said("sensor.temperature").len(), 3);
}

#[test]
fn a_reading_is_what_validation_made_of_it() {
    let mut bench = Bench::new(room(ClockForm::Events), Vec::new());
    let results = bench.post(vec![warmth("a", 500.0, at(0))]);
    assert_eq!(results[0].quality.as_deref(), Some("bad"));
    let kept = bench.said("sensor.temperature");
    let Payload::Reading(reading) = &kept[0].payload else {
        panic!("not a reading")
    };
    assert_eq!(reading.quality, Quality::Bad);
}

#[test]
fn a_question_is_answered_at_any_time() {
    let mut bench = Bench::new(room(ClockForm::Events), guests());
    let ticket = bench.ticket();
    bench.turn([Input::Ask(ticket, growbox_model::row::Question::Zones)]);
    assert!(bench.behind.answers.contains_key(&ticket));
}
