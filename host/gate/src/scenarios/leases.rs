//! Leases: renewal, release, and the timer in the device.

use super::*;

#[test]
fn an_equal_request_renews_without_a_verdict() {
    let mut bench = Bench::rested(vec![heater()]);
    let vpd = plugin("vpd");
    assert!(bench.set(&vpd, "heater", 1.0).is_some());
    for _ in 0..5 {
        bench.pass(MINUTE);
        assert_eq!(bench.set(&vpd, "heater", 1.0), None);
    }
    assert_eq!(bench.outcomes(), ["#101 Executed"]);
    assert_eq!(levels(&bench), [1.0]);
    bench.pass(Span::seconds(119));
    assert_eq!(bench.level("heater"), Some(1.0));
    bench.pass(Span::seconds(1));
    assert_eq!(bench.level("heater"), Some(0.0));
}

#[test]
fn another_level_or_lease_is_a_new_request() {
    let mut bench = Bench::rested(vec![exhaust()]);
    let vpd = plugin("vpd");
    bench.set(&vpd, "exhaust", 0.5);
    assert_eq!(
        kind(bench.set(&vpd, "exhaust", 0.6)).0,
        VerdictKind::Granted
    );
    let longer = bench.ask(&vpd, "exhaust", Command::Level(0.6), Some(MINUTE));
    assert_eq!(kind(longer).0, VerdictKind::Granted);
    assert_eq!(
        bench.outcomes(),
        [
            "#101 Executed",
            "#101 Superseded",
            "#102 Executed",
            "#102 Superseded",
            "#103 Executed"
        ]
    );
    assert_eq!(levels(&bench), [0.5, 0.6]);
}

#[test]
fn a_renewal_that_meets_an_objection_is_none() {
    let mut bench = Bench::rested(vec![heater()]);
    let vpd = plugin("vpd");
    bench.set(&vpd, "heater", 1.0);
    bench
        .gate
        .hold(
            &id("heater"),
            None,
            None,
            &text("anna"),
            &text("look"),
            bench.now,
        )
        .unwrap();
    assert_eq!(
        kind(bench.set(&vpd, "heater", 1.0)),
        (VerdictKind::Denied, "hold")
    );
}

#[test]
fn letting_go_ends_a_claim_and_says_so_once() {
    let mut bench = Bench::rested(vec![exhaust()]);
    let vpd = plugin("vpd");
    bench.set(&vpd, "exhaust", 0.5);
    assert_eq!(
        kind(bench.ask(&vpd, "exhaust", Command::Release, None)).0,
        VerdictKind::Granted
    );
    assert_eq!(bench.ask(&vpd, "exhaust", Command::Release, None), None);
    assert_eq!(bench.outcomes(), ["#101 Executed", "#101 Lapsed"]);
    assert_eq!(bench.level("exhaust"), Some(0.2));
    assert!(bench.set(&vpd, "exhaust", 0.5).is_some());
    assert!(bench.ask(&vpd, "exhaust", Command::Release, None).is_some());
}

#[test]
fn the_timer_in_the_device_is_armed_again_at_half_its_time() {
    let mut bench = Bench::rested(vec![heater()]);
    let vpd = plugin("vpd");
    let start = bench.now.moment;
    bench.set(&vpd, "heater", 1.0);
    for _ in 0..12 {
        bench.pass(Span::seconds(10));
        bench.set(&vpd, "heater", 1.0);
    }
    let armed: Vec<_> = bench
        .orders
        .iter()
        .map(|(at, o)| (at.since(start), o.within))
        .collect();
    let seconds = Span::seconds;
    assert_eq!(
        armed,
        [
            (seconds(0), Some(seconds(122))),
            (seconds(61), Some(seconds(121))),
        ]
    );
    assert_eq!(bench.said.changes.len(), 1, "arming a timer is no change");
}

#[test]
fn a_shorter_claim_shortens_the_timer_in_the_device() {
    let mut bench = Bench::rested(vec![heater()]);
    bench.set(&person("anna"), "heater", 1.0);
    assert_eq!(
        bench.orders[0].1.within,
        Some(Span::minutes(30)),
        "its longest run"
    );
    bench.set(&plugin("vpd"), "heater", 1.0);
    bench.gate.release(&id("heater")).unwrap();
    bench.settle();
    assert_eq!(bench.orders[1].1.within, Some(Span::seconds(122)));
}

#[test]
fn a_device_that_must_run_has_no_timer() {
    let mut bench = Bench::rested(vec![exhaust()]);
    bench.set(&plugin("vpd"), "exhaust", 0.7);
    assert_eq!(bench.orders[0].1.within, None);
}

#[test]
fn a_hold_without_end_keeps_its_timer_armed_by_the_living_host() {
    let mut bench = Bench::rested(vec![device("plug", "other")]);
    bench
        .gate
        .hold(
            &id("plug"),
            Some(1.0),
            None,
            &text("anna"),
            &text("pruning"),
            bench.now,
        )
        .unwrap();
    bench.pass(Span::minutes(10));
    assert!(bench.orders.len() >= 10, "{}", bench.orders.len());
    assert!(
        bench
            .orders
            .iter()
            .skip(1)
            .all(|(_, o)| o.within == Some(Span::seconds(122)))
    );
    assert_eq!(
        why(&bench, "plug"),
        "held on until released by anna: \"pruning\""
    );
}

#[test]
fn a_lease_lasts_at_least_three_ticks_of_whoever_asks_unless_it_says_otherwise() {
    for (tick, lease, ends) in [
        (None, None, 120),
        (Some(10), None, 120),
        (Some(60), None, 180),
        (Some(60), Some(30), 30),
    ] {
        let mut bench = Bench::rested(vec![exhaust()]);
        bench.tick = tick.map(Span::seconds);
        let lease = lease.map(Span::seconds);
        bench.ask(&plugin("vpd"), "exhaust", Command::Level(0.9), lease);
        bench.pass(Span::seconds(ends - 1));
        assert_eq!(bench.level("exhaust"), Some(0.9), "{tick:?}");
        bench.pass(Span::seconds(1));
        assert_eq!(bench.level("exhaust"), Some(0.2), "{tick:?}");
        bench.set(&person("anna"), "exhaust", 0.5);
        bench.pass(Span::minutes(59));
        assert_eq!(bench.level("exhaust"), Some(0.5), "people have an hour");
    }
}
