//! Protection: minimum off, minimum on, the longest run.

use growbox_model::ports::DriverReport;

use super::*;

#[test]
fn minimum_off_dampens_and_takes_effect_when_free() {
    let mut bench = Bench::rested(vec![heater()]);
    let vpd = plugin("vpd");
    bench.ask(&vpd, "heater", Command::Level(1.0), Some(MINUTE));
    bench.pass(MINUTE);
    bench.forget();
    let verdict = bench
        .ask(&vpd, "heater", Command::Level(1.0), Some(Span::minutes(10)))
        .unwrap();
    assert_eq!(
        (verdict.kind, verdict.policy),
        (VerdictKind::Dampened, "minimum_off")
    );
    assert_eq!(verdict.free_at, Some(bench.now.moment + Span::seconds(120)));
    assert!(bench.orders.is_empty());
    assert!(
        why(&bench, "heater").contains("it rests at least 2min"),
        "{}",
        why(&bench, "heater")
    );
    bench.pass(Span::seconds(119));
    assert!(bench.orders.is_empty() && bench.outcomes().is_empty());
    bench.pass(Span::seconds(1));
    assert_eq!(levels(&bench), [1.0]);
    assert_eq!(bench.outcomes(), ["#102 Executed"]);
}

/// A message that takes long makes no rest shorter than it may be.
#[test]
fn a_rest_begins_when_it_is_seen() {
    let mut bench = Bench::rested(vec![heater()]);
    let spec = heater();
    bench.set(&person("anna"), "heater", 1.0);
    bench.pass(spec.min_on);
    bench.confirms = false;
    bench.set(&person("anna"), "heater", 0.0);
    bench.set(&person("anna"), "heater", 1.0);
    bench.pass(spec.min_off);
    assert_eq!(levels(&bench), [1.0, 0.0], "nobody has seen it rest yet");
    let off = DriverReport::Confirmed(id("heater"), 0.0);
    bench.gate.report(&off, bench.now);
    bench.pass(spec.min_off);
    assert_eq!(levels(&bench), [1.0, 0.0, 1.0]);
}

#[test]
fn a_run_begins_when_it_is_seen() {
    let mut spec = heater();
    spec.min_on = Span::seconds(2);
    let mut bench = Bench::rested(vec![spec]);
    bench.confirms = false;
    bench.set(&person("anna"), "heater", 1.0);
    bench.set(&person("anna"), "heater", 0.0);
    bench.pass(Span::seconds(5));
    assert_eq!(levels(&bench), [1.0], "its driver has not answered yet");
    let on = DriverReport::Confirmed(id("heater"), 1.0);
    bench.gate.report(&on, bench.now);
    bench.pass(Span(Span::seconds(2).0 - 1));
    assert_eq!(levels(&bench), [1.0]);
    bench.pass(Span(1));
    assert_eq!(levels(&bench), [1.0, 0.0]);
}

#[test]
fn who_was_found_on_and_only_may_not_go_off_yet_is_left_alone() {
    let mut fan = exhaust();
    fan.safe_level = 0.0;
    let mut bench = Bench::rested(vec![fan]);
    let failed = DriverReport::Failed(id("exhaust"), "no answer".into());
    bench.gate.report(&failed, bench.now);
    let moved = DriverReport::Moved(id("exhaust"), 0.07);
    bench.gate.report(&moved, bench.now);
    bench.settle();
    assert!(bench.orders.is_empty(), "{:?}", bench.orders);
    assert!(why(&bench, "exhaust").contains("it runs at least"));
    bench.pass(MINUTE);
    assert!(!bench.orders.is_empty());
    assert!(levels(&bench).iter().all(|level| *level == 0.0));
}

#[test]
fn who_ran_its_longest_goes_on_again_only_once_it_was_seen_off() {
    let mut spec = heater();
    (spec.min_on, spec.min_off) = (Span::ZERO, Span::ZERO);
    spec.max_on = Some(MINUTE);
    let mut bench = Bench::rested(vec![spec]);
    bench.set(&person("anna"), "heater", 1.0);
    bench.confirms = false;
    bench.pass(MINUTE);
    assert_eq!(levels(&bench), [1.0, 0.0]);
    let failed = DriverReport::Failed(id("heater"), "no answer".into());
    bench.gate.report(&failed, bench.now);
    bench.pass(Span::seconds(3));
    bench.set(&person("anna"), "heater", 1.0);
    bench.pass(MINUTE);
    assert!(
        levels(&bench)[1..].iter().all(|level| *level == 0.0),
        "it may run on"
    );
    let off = DriverReport::Confirmed(id("heater"), 0.0);
    bench.gate.report(&off, bench.now);
    bench.pass(Span::seconds(2));
    bench.confirms = true;
    bench.set(&person("ben"), "heater", 1.0);
    assert_eq!(bench.level("heater"), Some(1.0));
}

#[test]
fn minimum_on_stretches_the_lease_and_binds_people() {
    let mut bench = Bench::rested(vec![heater()]);
    bench.ask(
        &plugin("vpd"),
        "heater",
        Command::Level(1.0),
        Some(Span::seconds(10)),
    );
    assert_eq!(
        bench.orders[0].1.within,
        Some(Span::seconds(62)),
        "the timer covers it too, with its grace"
    );
    bench.pass(Span::seconds(20));
    assert_eq!(bench.level("heater"), Some(1.0));
    assert!(why(&bench, "heater").contains("it runs at least 1min, until 11:01 UTC"));
    assert_eq!(
        kind(bench.set(&person("anna"), "heater", 0.0)),
        (VerdictKind::Dampened, "minimum_on")
    );
    assert_eq!(bench.level("heater"), Some(1.0));
    bench.pass(Span::seconds(40));
    assert_eq!(bench.level("heater"), Some(0.0));
    assert_eq!(
        bench.outcomes(),
        ["#101 Executed", "#101 Lapsed", "#102 Executed"]
    );
}

#[test]
fn the_longest_run_counts_from_the_switch_and_then_wants_a_new_request() {
    let mut bench = Bench::rested(vec![heater()]);
    let vpd = plugin("vpd");
    let start = bench.now.moment;
    bench.set(&vpd, "heater", 1.0);
    bench.set(&person("anna"), "heater", 1.0);
    for _ in 0..29 {
        bench.pass(MINUTE);
        assert_eq!(bench.set(&vpd, "heater", 1.0), None);
    }
    bench.pass(MINUTE);
    assert_eq!(bench.now.moment.since(start), Span::minutes(30));
    assert_eq!(bench.level("heater"), Some(0.0));
    assert!(why(&bench, "heater").contains("longest run of 30min is over"));
    bench.pass(Span::minutes(10));
    assert_eq!(
        bench.level("heater"),
        Some(0.0),
        "a person's standing claim does not count either"
    );
    assert!(
        bench.set(&vpd, "heater", 1.0).is_some(),
        "its lease was over"
    );
    assert_eq!(bench.level("heater"), Some(1.0));
}

#[test]
fn a_renewal_during_the_rest_counts_when_the_rest_is_over() {
    let mut plug = heater();
    plug.max_on = Some(Span::minutes(5));
    let mut bench = Bench::rested(vec![plug]);
    let vpd = plugin("vpd");
    let long = Some(Span::minutes(30));
    bench.ask(&vpd, "heater", Command::Level(1.0), long);
    bench.pass(Span::minutes(5));
    assert_eq!(bench.level("heater"), Some(0.0));
    bench.pass(MINUTE);
    assert_eq!(bench.ask(&vpd, "heater", Command::Level(1.0), long), None);
    let other = bench.ask(&person("anna"), "heater", Command::Level(1.0), long);
    assert_eq!(kind(other), (VerdictKind::Dampened, "maximum_on"));
    bench.pass(MINUTE);
    assert_eq!(bench.level("heater"), Some(1.0));
}

#[test]
fn a_request_of_an_earlier_batch_does_not_count_after_the_longest_run() {
    let mut plug = heater();
    plug.max_on = Some(Span::minutes(5));
    let mut bench = Bench::rested(vec![plug]);
    bench.ask(
        &plugin("vpd"),
        "heater",
        Command::Level(1.0),
        Some(Span::minutes(30)),
    );
    bench.pass(Span::minutes(5));
    let request = request("heater", Command::Level(1.0), Some(Span::minutes(20)));
    let (low, cut) = (plugin("low"), bench.now.moment - Span::seconds(1));
    let ask = Ask {
        requester: &low,
        granted: true,
        grant_hint: "",
        request: &request,
        caused_at: cut,
        cut,
        tick: None,
    };
    let verdict = bench.gate.decide(&ask, Seq(1), &bench.world, bench.now);
    assert_eq!(
        (verdict.kind, verdict.policy),
        (VerdictKind::Dampened, "maximum_on")
    );
    bench.pass(Span::minutes(10));
    assert_eq!(bench.level("heater"), Some(0.0));
}

#[test]
fn a_hold_runs_its_longest_time_once() {
    let mut bench = Bench::rested(vec![heater()]);
    bench
        .gate
        .hold(
            &id("heater"),
            Some(1.0),
            None,
            &text("anna"),
            &text("x"),
            bench.now,
        )
        .unwrap();
    bench.pass(Span::minutes(29));
    assert_eq!(bench.level("heater"), Some(1.0));
    bench.pass(Span::hours(3));
    assert_eq!(levels(&bench), [1.0, 0.0]);
}

#[test]
fn a_stop_ends_by_the_longest_run_and_safety_does_not() {
    let mut fan = exhaust();
    (fan.never_off, fan.safe_level) = (false, 0.0);
    (fan.max_on, fan.slew) = (Some(Span::minutes(5)), None);
    let mut bench = Bench::rested(vec![fan]);
    bench.world.measures.insert("temperature", 38.0);
    let mut safe = bench.clone();
    bench.gate.stop(None, &text("smoke"), &person("anna"));
    bench.settle();
    assert_eq!(bench.level("exhaust"), Some(1.0));
    bench.pass(Span::minutes(5));
    assert_eq!(bench.level("exhaust"), Some(0.0), "it rests");
    bench.pass(MINUTE);
    assert_eq!(bench.level("exhaust"), Some(1.0), "and goes on");
    let rule = growbox_model::SafetySpec {
        id: text("hot"),
        zone: zone(),
        when: growbox_model::Danger::Above {
            quantity: temperature(),
            limit: 37.0,
            clear: 35.0,
        },
        dwell: Span::ZERO,
        latch: false,
        devices: [(id("exhaust"), 1.0)].into(),
        message: text("too hot"),
        shipped: false,
    };
    safe.gate.safety(&[rule], &Restored::default());
    safe.gate
        .see(&zone(), &temperature(), Seq(1), &safe.world, safe.now);
    safe.settle();
    safe.forget();
    safe.pass(Span::minutes(30));
    assert_eq!(safe.level("exhaust"), Some(1.0));
    let unarmed = safe.orders.iter().find(|(_, order)| order.within.is_none());
    assert_eq!(unarmed, None, "its timer is kept armed beyond that");
}
