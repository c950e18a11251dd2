//! Requests: one verdict each, none for an equal renewal, and the age of their newest cause.

use growbox_model::room::ClockForm;
use growbox_model::row::Order;
use growbox_model::{DeviceId, Effect, Seq, Span};
use serde_json::json;
use std::cell::RefCell;
use std::rc::Rc;

use crate::bench::{Bench, Guest, asking, at, every, field, guest, room, warmth};

/// A plug-in that asks for what it is told to, once per reading.
fn asks(script: Vec<Effect>) -> Guest {
    let script = Rc::new(RefCell::new(script.into_iter()));
    guest("asking", every(&["sensor.*"]), move |batch, _| {
        Ok(script
            .borrow_mut()
            .by_ref()
            .take(batch.events.len())
            .collect())
    })
}

fn rested(guests: Vec<Guest>) -> Bench {
    let mut bench = Bench::new(room(ClockForm::System), guests);
    bench.pass(Span::minutes(1));
    bench
}

fn verdicts(bench: &Bench) -> Vec<String> {
    let kinds = [
        "granted",
        "clamped",
        "dampened",
        "outranked",
        "denied",
        "expired",
    ];
    bench
        .said("device.action.*")
        .iter()
        .filter_map(|e| {
            e.kind
                .as_str()
                .strip_prefix("device.action.")
                .map(str::to_owned)
        })
        .filter(|kind| kinds.contains(&kind.as_str()))
        .collect()
}

#[test]
fn each_request_has_one_verdict_and_an_equal_renewal_none() {
    let mut bench = rested(vec![asks(vec![
        asking(1.0, &[]),
        asking(1.0, &[]),
        asking(0.0, &[]),
    ])]);
    bench.post(vec![warmth("a", 20.0, at(60))]);
    assert_eq!(verdicts(&bench), ["granted"]);
    bench.pass(Span::seconds(60));
    bench.post(vec![warmth("a", 20.0, at(120))]);
    assert_eq!(bench.said("device.action.requested").len(), 1);
    assert_eq!(verdicts(&bench).len(), 1);
    bench.pass(Span::seconds(90));
    assert!(
        bench.said("device.action.lapsed").is_empty(),
        "but the lease goes on"
    );
    bench.post(vec![warmth("a", 20.0, at(210))]);
    let requests = bench.said("device.action.requested");
    let causes: Vec<Option<Seq>> = bench
        .said("device.action.granted")
        .iter()
        .map(|verdict| verdict.cause)
        .collect();
    assert_eq!(
        causes,
        requests.iter().map(|r| Some(r.seq)).collect::<Vec<_>>()
    );
    assert_eq!(bench.said("device.action.superseded").len(), 1);
    assert_eq!(requests[0].cause, Some(bench.said("sensor.*")[0].seq));
}

#[test]
fn who_is_woken_rarely_has_a_longer_lease() {
    let rare = asks(vec![asking(1.0, &[])]).ticking(Span::seconds(60));
    let mut bench = rested(vec![rare]);
    bench.post(vec![warmth("a", 20.0, at(60))]);
    bench.pass(Span::seconds(179));
    assert_eq!(bench.said("device.action.lapsed").len(), 0);
    bench.pass(Span::seconds(1));
    assert_eq!(bench.said("device.action.lapsed").len(), 1);
}

#[test]
fn without_a_grant_it_is_denied_and_says_what_would_allow_it() {
    let mut asking = asks(vec![asking(1.0, &[])]);
    asking.spec.grant.control.clear();
    let mut bench = rested(vec![asking]);
    bench.post(vec![warmth("a", 20.0, at(60))]);
    let denied = bench.said("device.action.denied").remove(0);
    assert_eq!(field(&denied, "policy"), json!("grant"));
    let reason = field(&denied, "reason").to_string();
    assert!(
        reason.contains("[plugin.asking]") && reason.contains("switch"),
        "{reason}"
    );
    assert_eq!(verdicts(&bench).len(), 1);
}

#[test]
fn a_request_whose_newest_cause_is_over_a_minute_old_is_expired() {
    for (seconds, verdict) in [(60, "granted"), (61, "expired")] {
        let slow = guest("slow", every(&["sensor.*"]), |batch, _| {
            Ok(vec![asking(1.0, &[batch.events[0].seq])])
        });
        let mut bench = rested(vec![slow]);
        let (_, post) = bench.posting(
            vec![warmth("a", 20.0, at(60))],
            growbox_model::incoming::Speaker::Anyone,
            growbox_model::row::Wait::Accepted,
        );
        bench.turn([post]);
        bench.handle();
        bench.machine.boot = bench.machine.boot + Span::seconds(seconds);
        bench.run();
        assert_eq!(verdicts(&bench), [verdict], "after {seconds} s");
    }
}

#[test]
fn a_cause_that_left_the_ring_is_as_old_as_the_log_says() {
    let stale = guest("stale", every(&["sensor.temperature"]), |batch, _| {
        let last = batch.events.last().unwrap();
        let newest = last.reading().is_some_and(|r| r.value > 30.0);
        Ok(newest
            .then(|| asking(1.0, &[Seq(last.seq.0 - 40)]))
            .into_iter()
            .collect())
    });
    let mut spec = room(ClockForm::System);
    spec.node.ring = 8;
    let mut bench = Bench::new(spec, vec![stale]);
    bench.post((0..50).map(|n| warmth("a", 20.0, at(n))).collect());
    bench.pass(Span::seconds(90));
    bench.post(vec![warmth("a", 31.0, at(90))]);
    assert_eq!(verdicts(&bench), ["expired"]);
}

#[test]
fn a_request_without_causes_is_as_old_as_its_batch() {
    let mut bench = rested(vec![asks(vec![asking(1.0, &[])])]);
    let (_, post) = bench.posting(
        vec![warmth("a", 20.0, at(60))],
        growbox_model::incoming::Speaker::Anyone,
        growbox_model::row::Wait::Accepted,
    );
    bench.turn([post]);
    bench.handle();
    bench.machine.boot = bench.machine.boot + Span::seconds(61);
    bench.run();
    assert_eq!(verdicts(&bench), ["expired"]);
}

#[test]
fn state_cursor_effects_and_verdicts_are_one_commit() {
    let both = guest("both", every(&["sensor.*"]), |batch, state| {
        crate::bench::counting(batch, state)?;
        Ok(vec![
            asking(1.0, &[]),
            crate::bench::saying("x.both.said", &[]),
        ])
    });
    let mut bench = rested(vec![both]);
    bench.post(vec![warmth("a", 20.0, at(60))]);
    let commits = &bench.behind.commits;
    let whole = commits
        .iter()
        .find(|commit| {
            commit
                .plugin
                .as_ref()
                .is_some_and(|batch| batch.frame.is_some())
        })
        .unwrap();
    let kinds: Vec<&str> = whole.events.iter().map(|e| e.kind.as_str()).collect();
    assert_eq!(
        kinds,
        [
            "device.action.requested",
            "device.action.granted",
            "x.both.said"
        ]
    );
    let batch = whole.plugin.as_ref().unwrap();
    assert_eq!(batch.cursor, bench.said("sensor.*")[0].seq);
    assert_eq!(batch.state.len(), 1);
    assert!(whole.events.iter().take(1).all(|e| e.generation.is_some()));
}

/// What a hold came to: kind, policy, and the requests that were recorded.
fn held(bench: &mut Bench, level: f64) -> (String, String, usize) {
    let switch = DeviceId::new("switch").unwrap();
    bench.order(Order::Hold(switch, Some(level), None));
    let requests = bench.said("device.action.requested");
    let verdicts = bench.said("device.action.*");
    let verdict = verdicts
        .iter()
        .rfind(|event| event.cause == requests.last().map(|request| request.seq))
        .expect("a verdict");
    let policy = field(verdict, "policy")
        .as_str()
        .unwrap_or_default()
        .to_owned();
    let holds = requests
        .iter()
        .filter(|event| field(event, "action") == "hold");
    (verdict.kind.as_str().to_owned(), policy, holds.count())
}

#[test]
fn a_hold_says_what_it_came_to_refused_or_not() {
    let mut bench = Bench::new(room(ClockForm::System), Vec::new());
    let told = |kind: &str, policy: &str, requests: usize| {
        (format!("device.action.{kind}"), policy.to_owned(), requests)
    };
    assert_eq!(held(&mut bench, 1.0), told("granted", "hold", 1));
    assert_eq!(held(&mut bench, 7.0), told("denied", "form", 2));
    bench.order(Order::Stop(None));
    assert_eq!(held(&mut bench, 1.0), told("outranked", "stop", 3));
    let switch = DeviceId::new("switch").unwrap();
    bench.order(Order::LockOut(switch));
    assert_eq!(held(&mut bench, 1.0), told("denied", "lock_out", 4));
}

#[test]
fn a_hold_below_the_lowest_running_level_is_clamped() {
    let mut spec = room(ClockForm::System);
    let device = spec.devices.get_mut("switch").unwrap();
    (device.switched, device.low) = (false, 0.25);
    let mut bench = Bench::new(spec, Vec::new());
    let (kind, policy, _) = held(&mut bench, 0.1);
    assert_eq!((&*kind, &*policy), ("device.action.clamped", "envelope"));
}
