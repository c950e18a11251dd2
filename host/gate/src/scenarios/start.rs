//! Conditions and start: fresh needs, safe and start levels, what the log remembers.

use super::*;

#[test]
fn a_device_runs_only_while_its_needs_are_fresh() {
    let mut bench = Bench::rested(vec![heater()]);
    let vpd = plugin("vpd");
    bench.world.stale.insert(temperature());
    let verdict = bench
        .ask(&vpd, "heater", Command::Level(1.0), Some(Span::hours(1)))
        .unwrap();
    assert_eq!(
        (verdict.kind, verdict.policy),
        (VerdictKind::Dampened, "condition")
    );
    assert!(verdict.why.contains("temperature"), "{}", verdict.why);
    assert!(bench.orders.is_empty());
    bench.world.stale.clear();
    bench.settle();
    assert_eq!(bench.outcomes(), ["#101 Executed"]);
    bench.pass(Span::minutes(2));
    bench.world.stale.insert(temperature());
    bench.settle();
    assert_eq!(bench.level("heater"), Some(0.0));
    assert_eq!(
        bench.said.changes.last().unwrap().trigger,
        "condition: temperature is not fresh, and heater needs it"
    );
    assert_eq!(bench.said.changes.last().unwrap().cause, None);
}

#[test]
fn at_start_safe_levels_at_once_and_start_levels_one_by_one_when_needs_are_fresh() {
    let mut pump = device("pump", "pump");
    let mut first = heater();
    first.start_level = 1.0;
    let mut second = device("second", "heater");
    second.start_level = 1.0;
    pump.start_level = 0.0;
    let mut bench = Bench::of(vec![first, second, pump, exhaust()]);
    bench.world.stale.insert(temperature());
    bench.settle();
    let all: Vec<_> = bench
        .orders
        .iter()
        .map(|(_, o)| (o.device.as_str().to_owned(), o.level))
        .collect();
    let safe = [
        ("heater", 0.0),
        ("pump", 0.0),
        ("second", 0.0),
        ("exhaust", 0.2),
    ];
    assert_eq!(all, safe.map(|(name, level)| (name.to_owned(), level)));
    bench.pass(Span::minutes(5));
    bench.forget();
    let fresh = bench.now.moment;
    bench.world.stale.clear();
    bench.pass(Span::seconds(10));
    let started: Vec<_> = bench
        .orders
        .iter()
        .map(|(at, o)| (o.device.as_str(), at.since(fresh)))
        .collect();
    assert_eq!(
        started,
        [("heater", Span::ZERO), ("second", Span::seconds(2))]
    );
    bench.pass(Span::minutes(5));
    assert_eq!(
        (bench.level("heater"), bench.level("second")),
        (Some(0.0), Some(0.0)),
        "nobody renewed them"
    );
}

#[test]
fn after_an_unclean_end_every_device_counts_as_just_switched() {
    let unclean = Restored::default();
    let mut bench = Bench::restored(vec![heater(), exhaust()], &unclean, Operation::Control);
    bench.settle();
    assert_eq!(
        levels(&bench),
        [0.0],
        "off at once; the exhaust may have stopped just now"
    );
    assert_eq!(
        kind(bench.set(&plugin("vpd"), "heater", 1.0)),
        (VerdictKind::Dampened, "minimum_off")
    );
    bench.pass(Span::seconds(30));
    assert_eq!(bench.level("exhaust"), Some(0.2));
}

#[test]
fn a_clean_end_keeps_the_protection_stamps() {
    let mut restored = Restored {
        clean: true,
        same_boot: true,
        ..Restored::default()
    };
    let was = Moment(Span::hours(10).0) - Span::seconds(100);
    restored.switches = vec![Switch {
        device: id("heater"),
        level: 0.0,
        moment: was,
        wall: growbox_model::Instant(0),
    }];
    let mut bench = Bench::restored(vec![heater()], &restored, Operation::Control);
    bench.settle();
    assert_eq!(levels(&bench), [0.0], "asserted, though known");
    let verdict = bench.set(&plugin("vpd"), "heater", 1.0).unwrap();
    assert_eq!(verdict.policy, "minimum_off");
    assert_eq!(verdict.free_at, Some(was + Span::seconds(120)));

    restored.same_boot = false;
    let mut bench = Bench::restored(vec![heater()], &restored, Operation::Control);
    bench.settle();
    let verdict = bench.set(&plugin("vpd"), "heater", 1.0).unwrap();
    assert!(
        verdict.free_at > Some(was + Span::seconds(120)),
        "just switched: the power was away"
    );
}

#[test]
fn holds_and_stops_survive_and_open_requests_have_failed() {
    let hold = Hold {
        level: 1.0,
        until: None,
        who: "anna".into(),
        reason: "warm".into(),
    };
    let restored = Restored {
        clean: true,
        holds: vec![(id("heater"), hold)],
        stops: vec![(Some(zone()), "smoke".into())],
        open: vec![(Seq(7), id("heater"))],
        ..Restored::default()
    };
    let mut bench = Bench::restored(vec![heater()], &restored, Operation::Control);
    bench.settle();
    assert_eq!(bench.said.outcomes[0].why, "host restarted");
    assert_eq!(bench.outcomes(), ["#7 Failed"]);
    assert_eq!(levels(&bench), [0.0]);
    bench.pass(Span::minutes(5));
    bench.gate.reset(Some(&zone())).unwrap();
    bench.settle();
    assert_eq!(levels(&bench), [0.0, 1.0]);
}

#[test]
fn a_longest_run_goes_on_over_an_end_that_nobody_saw() {
    let begun = Moment(Span::hours(10).0) - Span::minutes(20);
    let hold = Hold {
        level: 1.0,
        until: None,
        who: text("anna"),
        reason: text("x"),
    };
    let restored = Restored {
        switches: vec![Switch {
            device: id("heater"),
            level: 1.0,
            moment: begun,
            wall: growbox_model::Instant(0),
        }],
        holds: vec![(id("heater"), hold)],
        ..Restored::default()
    };
    let mut bench = Bench::restored(vec![heater()], &restored, Operation::Control);
    bench.pass(Span::minutes(3));
    assert_eq!(bench.level("heater"), Some(1.0), "rested, if it was off");
    bench.pass(Span::minutes(7));
    assert_eq!(bench.level("heater"), Some(0.0), "half an hour in all");
}
