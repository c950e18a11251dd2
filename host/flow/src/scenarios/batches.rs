//! Batches: bounded, one out, coalesced where wanted, served from the log to who is behind.

use growbox_model::manifest::Delivery;
use growbox_model::room::ClockForm;
use growbox_model::row::{Answer, Question};
use growbox_model::{Fault, Seq, Span};
use serde_json::json;

use crate::Input;
use crate::bench::{
    Bench, asking, at, counting, event, every, fold, folded, guest, room, saying, warmth,
};

fn many(n: u64) -> Vec<Result<growbox_model::incoming::Incoming, growbox_model::Objection>> {
    (0..n)
        .map(|i| warmth(&format!("s{}", i % 3), i as f64 / 100.0, at(0)))
        .collect()
}

#[test]
fn one_batch_is_out_and_none_holds_more_than_256_events() {
    let mut bench = Bench::new(
        room(ClockForm::System),
        vec![guest("counting", every(&["*"]), counting)],
    );
    let (_, post) = bench.posting(
        many(2000),
        growbox_model::incoming::Speaker::Anyone,
        growbox_model::row::Wait::Accepted,
    );
    let before = bench.batches_of("counting").len();
    bench.turn([post]);
    bench.turn([]);
    assert_eq!(bench.batches_of("counting").len(), before + 1);
    bench.run();
    let batches = bench.batches_of("counting");
    assert!(batches.iter().all(|batch| batch.events.len() <= 256));
    assert!(
        batches
            .windows(2)
            .all(|pair| pair[1].first.0 == pair[0].last.0 + 1),
        "nothing is left out between two batches"
    );
    let seen = bench
        .events()
        .iter()
        .fold((0, 0), |sum, event| fold(sum, event.seq));
    assert_eq!(folded(&bench.state("counting")), seen);
}

#[test]
fn a_batch_holds_at_most_256_kib() {
    let mut bench = Bench::new(
        room(ClockForm::System),
        vec![guest("counting", every(&["device.error"]), counting)],
    );
    let big = |_| {
        event(json!({
            "type": "device.error",
            "data": {"device_id": "switch", "error_code": "E", "error_message": "m",
                     "notes": vec!["x".repeat(4000); 14]},
        }))
    };
    let (_, post) = bench.posting(
        (0..20).map(big).collect(),
        growbox_model::incoming::Speaker::Operator,
        growbox_model::row::Wait::Accepted,
    );
    bench.turn([post]);
    bench.run();
    let sizes: Vec<usize> = bench
        .batches_of("counting")
        .iter()
        .map(|batch| {
            batch
                .events
                .iter()
                .map(|e| e.document().unwrap().as_str().len())
                .sum()
        })
        .collect();
    assert_eq!(bench.given("counting").len(), 20);
    assert!(sizes.iter().all(|bytes| *bytes <= 256 * 1024), "{sizes:?}");
}

#[test]
fn latest_coalesces_readings_per_series_and_tells_what_it_skipped() {
    let mut subscription = every(&["sensor.*", "device.error"]);
    subscription.delivery = Delivery::Latest;
    let mut bench = Bench::new(
        room(ClockForm::System),
        vec![guest("latest", subscription, counting)],
    );
    let error = || {
        event(json!({"type": "device.error", "data":
            {"device_id": "switch", "error_code": "E", "error_message": "m"}}))
    };
    let mut events = many(100);
    events.insert(10, error());
    events.insert(20, error());
    let (_, post) = bench.posting(
        events,
        growbox_model::incoming::Speaker::Operator,
        growbox_model::row::Wait::Accepted,
    );
    bench.turn([post]);
    bench.run();
    let batches = bench.batches_of("latest");
    let batch = batches[0];
    assert_eq!(batch.skipped, 97);
    let values: Vec<Option<f64>> = batch
        .events
        .iter()
        .map(|event| event.reading().map(|reading| reading.value))
        .collect();
    assert_eq!(values, [None, None, Some(0.97), Some(0.98), Some(0.99)]);
    assert!(batch.events.is_sorted_by_key(|event| event.seq));
}

#[test]
fn who_is_behind_the_ring_is_served_from_the_log() {
    let mut spec = room(ClockForm::System);
    spec.node.ring = 16;
    let rare = guest("rare", every(&["sensor.humidity"]), counting);
    let mut bench = Bench::new(spec, vec![guest("all", every(&["*"]), counting), rare]);
    let wet = event(json!({"type": "sensor.humidity", "data": {"sensor_id": "h", "value": 50}}));
    let mut events = many(3000);
    events.push(wet);
    events.extend(many(40));
    bench.post(events);
    assert_eq!(bench.given("rare").len(), 1);
    let seen = bench
        .events()
        .iter()
        .fold((0, 0), |sum, event| fold(sum, event.seq));
    assert_eq!(folded(&bench.state("all")), seen);
}

#[test]
fn own_events_never_come_back() {
    let talking = guest("talking", every(&["*"]), |batch, _| {
        let heard = |event: &&std::sync::Arc<growbox_model::Event>| {
            event.kind.as_str() == "sensor.temperature"
        };
        let heard = batch.events.iter().filter(heard);
        Ok(heard
            .map(|event| saying("x.talking.heard", &[event.seq]))
            .collect())
    });
    let hearing = guest("hearing", every(&["x.talking.*"]), counting);
    let mut bench = Bench::new(room(ClockForm::System), vec![talking, hearing]);
    bench.post(many(5));
    let own: Vec<Seq> = bench.said("x.talking.*").iter().map(|e| e.seq).collect();
    assert_eq!(own.len(), 5);
    assert!(bench.given("talking").iter().all(|seq| !own.contains(seq)));
    assert_eq!(bench.given("hearing"), own);
}

#[test]
fn a_transient_fault_brings_the_same_batch_again_and_five_quarantine() {
    let failing = guest("failing", every(&["sensor.*"]), |batch, _| {
        let hot = batch
            .events
            .iter()
            .any(|e| e.reading().is_some_and(|r| r.value > 30.0));
        if hot {
            return Err(Fault::Transient("too hot to think".into()));
        }
        Ok(vec![asking(1.0, &[])])
    });
    let other = guest("other", every(&["sensor.*"]), counting);
    let mut bench = Bench::new(room(ClockForm::System), vec![failing, other]);
    bench.pass(Span::minutes(1));
    bench.post(vec![warmth("a", 20.0, at(60))]);
    bench.pass(Span::seconds(15));
    bench.post(vec![warmth("a", 31.0, at(75))]);
    assert_eq!(
        bench.said("device.action.lapsed").len(),
        0,
        "the claim stands meanwhile"
    );
    bench.pass(Span::seconds(30));
    let batches = bench.batches_of("failing");
    assert_eq!(batches.len(), 1 + 5);
    assert!(
        batches[2..].iter().all(|batch| *batch == batches[1]),
        "the same batch"
    );
    assert_eq!(bench.said("plugin.quarantined").len(), 1);
    assert_eq!(
        bench.said("device.action.lapsed").len(),
        1,
        "its claims end"
    );
    assert_eq!(bench.behind.orders.last().unwrap().level, 0.0);
    bench.post(vec![warmth("a", 20.0, at(105))]);
    assert_eq!(bench.batches_of("failing").len(), 6);
    assert_eq!(bench.given("other").len(), 3, "nobody else is harmed");
}

#[test]
fn new_code_takes_over_from_the_cursor_and_ends_a_quarantine() {
    let broken = guest("swapped", every(&["sensor.*"]), |_, _| {
        Err(Fault::Permanent("broken".into()))
    });
    let mut bench = Bench::new(room(ClockForm::System), vec![broken]);
    bench.post(many(3));
    let mut better = guest("swapped", every(&["sensor.*"]), counting);
    better.digest = "two";
    bench.load(better);
    bench.run();
    assert_eq!(bench.said("plugin.swapped").len(), 1);
    assert_eq!(folded(&bench.state("swapped")).0, 3, "no event lost");
    let Answer::Plugins(rows) = bench.ask(Question::Plugins) else {
        panic!("no plug-ins")
    };
    assert_eq!((&*rows[0].state, rows[0].generation), ("running", Some(2)));
}

#[test]
fn a_candidate_waits_for_the_batch_that_is_out_and_a_refused_one_changes_nothing() {
    let mut bench = Bench::new(
        room(ClockForm::System),
        vec![guest("swapped", every(&["sensor.*"]), counting).ticking(Span::seconds(1))],
    );
    let (_, post) = bench.posting(
        many(300),
        growbox_model::incoming::Speaker::Anyone,
        growbox_model::row::Wait::Accepted,
    );
    bench.turn([post]);
    bench.load(guest("swapped", every(&["sensor.*"]), counting));
    let candidate = bench.behind.pending.drain(..).collect::<Vec<_>>();
    bench.turn(candidate);
    assert!(
        bench
            .behind
            .pending
            .iter()
            .all(|input| !matches!(input, Input::Exchanged(_)))
    );
    bench.handle();
    let handled = bench.behind.pending.drain(..).collect::<Vec<_>>();
    bench.turn(handled);
    assert!(
        bench
            .behind
            .pending
            .iter()
            .any(|input| matches!(input, Input::Exchanged(_))),
        "now it is idle"
    );
    bench.behind.pending.clear();
    bench.machine.boot = bench.machine.boot + Span::seconds(5);
    bench.turn([]);
    bench.turn([Input::Exchanged(crate::Exchanged {
        plugin: growbox_model::PluginId::new("swapped").unwrap(),
        outcome: Err("settings/margin: not a number".into()),
    })]);
    bench.run();
    assert_eq!(bench.said("plugin.refused").len(), 1);
    assert_eq!(
        folded(&bench.state("swapped")).0,
        300,
        "the old one went on"
    );
}

#[test]
fn a_parked_event_is_left_out_and_the_rest_is_handled_again() {
    let picky = guest("picky", every(&["sensor.*"]), |batch, state| {
        let bad = |e: &&std::sync::Arc<growbox_model::Event>| e.reading().unwrap().value == 0.01;
        match batch.events.iter().find(bad) {
            Some(event) => Err(Fault::Event {
                seq: event.seq,
                why: "cannot be".into(),
            }),
            None => counting(batch, state),
        }
    });
    let mut bench = Bench::new(room(ClockForm::System), vec![picky]);
    bench.post(many(10));
    assert_eq!(folded(&bench.state("picky")).0, 9);
    let Answer::Plugins(rows) = bench.ask(Question::Plugins) else {
        panic!("no plug-ins")
    };
    assert!(
        rows[0].why.as_deref().unwrap().contains("parked"),
        "{rows:?}"
    );
    assert_eq!(rows[0].strikes, 0);
}

#[test]
fn blaming_an_event_that_is_not_in_the_batch_is_a_strike() {
    let liar = guest("liar", every(&["sensor.*"]), |batch, _| {
        Err(Fault::Event {
            seq: Seq(batch.first.0.saturating_sub(1)),
            why: "that one".into(),
        })
    });
    let mut bench = Bench::new(room(ClockForm::System), vec![liar]);
    bench.post(many(1));
    bench.pass(Span::minutes(1));
    assert_eq!(bench.said("plugin.quarantined").len(), 1);
}

#[test]
fn a_plug_in_that_waits_for_a_grant_begins_when_it_is_granted() {
    let waiting = |granted: bool| {
        let mut waiting = guest("waiting", every(&["sensor.*"]), counting);
        let ask = &mut waiting.manifest.asks[1];
        (ask.required, ask.scope) = (true, "other".into());
        if !granted {
            waiting.spec.grant.control.clear();
        }
        waiting
    };
    let mut bench = Bench::new(room(ClockForm::System), vec![waiting(false)]);
    bench.post(many(4));
    assert!(bench.given("waiting").is_empty());
    bench.load(waiting(true));
    bench.run();
    bench.post(many(2));
    assert_eq!(bench.given("waiting").len(), 2);
}
