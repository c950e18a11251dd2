//! Drivers: out of reach, failing, moved by somebody else, slow.

use super::*;

#[test]
fn a_device_out_of_reach_keeps_its_claim_and_gets_what_is_wanted_when_it_returns() {
    let mut bench = Bench::rested(vec![exhaust()]);
    bench
        .gate
        .report(&DriverReport::Available(id("exhaust"), false), bench.now);
    let verdict = bench.set(&plugin("vpd"), "exhaust", 0.5).unwrap();
    assert_eq!(
        (verdict.kind, verdict.policy),
        (VerdictKind::Granted, "availability")
    );
    assert_eq!(bench.outcomes(), ["#101 Failed"]);
    bench.set(&plugin("vpd"), "exhaust", 0.6);
    bench.forget();
    bench
        .gate
        .report(&DriverReport::Available(id("exhaust"), true), bench.now);
    bench.settle();
    assert_eq!(levels(&bench), [0.6]);
    assert_eq!(bench.outcomes(), ["#102 Executed"]);
}

#[test]
fn a_blip_is_not_a_switch() {
    let mut bench = Bench::rested(vec![heater()]);
    bench.ask(
        &plugin("vpd"),
        "heater",
        Command::Level(1.0),
        Some(Span::minutes(10)),
    );
    bench.pass(Span::minutes(2));
    bench.forget();
    bench
        .gate
        .report(&DriverReport::Available(id("heater"), false), bench.now);
    bench.pass(Span::seconds(5));
    bench
        .gate
        .report(&DriverReport::Available(id("heater"), true), bench.now);
    bench.settle();
    assert_eq!(levels(&bench), [1.0], "asserted at once");
    assert!(
        !bench
            .said
            .records
            .iter()
            .any(|r| matches!(r, Record::Switched(_)))
    );
}

#[test]
fn a_failed_order_is_told_and_tried_again_ever_more_rarely() {
    let mut bench = Bench::rested(vec![exhaust()]);
    bench.confirms = false;
    let lease = Some(Span::hours(1));
    bench.ask(&plugin("vpd"), "exhaust", Command::Level(0.5), lease);
    let start = bench.now.moment;
    for _ in 0..4 {
        bench.gate.report(
            &DriverReport::Failed(id("exhaust"), "no answer".into()),
            bench.now,
        );
        let known = bench.orders.len();
        loop {
            let next = bench.settle().unwrap();
            if bench.orders.len() > known {
                break;
            }
            bench.advance_to(next);
        }
    }
    let tried: Vec<_> = bench
        .orders
        .iter()
        .map(|(at, _)| at.since(start).as_seconds())
        .collect();
    assert_eq!(
        tried,
        [0.0, 30.0, 60.0, 90.0, 130.0],
        "unknown counts as just switched: it rests 30 s each time"
    );
    assert_eq!(bench.outcomes(), ["#101 Failed"]);
    assert_eq!(bench.level("exhaust"), None);
    bench
        .gate
        .report(&DriverReport::Confirmed(id("exhaust"), 0.5), bench.now);
    bench.settle();
    assert_eq!(bench.outcomes(), ["#101 Executed"]);
}

#[test]
fn going_off_is_tried_again_without_a_rest() {
    let mut bench = Bench::rested(vec![heater()]);
    bench.set(&plugin("vpd"), "heater", 1.0);
    bench.pass(Span::seconds(119));
    bench.confirms = false;
    bench.pass(Span::seconds(1));
    bench.forget();
    for _ in 0..2 {
        bench.gate.report(
            &DriverReport::Failed(id("heater"), "no answer".into()),
            bench.now,
        );
        bench.pass(Span::seconds(10));
    }
    assert_eq!(bench.orders.len(), 2);
}

#[test]
fn somebody_elses_switch_is_undone_as_far_as_protection_lets() {
    let mut bench = Bench::rested(vec![heater()]);
    bench
        .gate
        .report(&DriverReport::Moved(id("heater"), 1.0), bench.now);
    bench.settle();
    assert_eq!(levels(&bench), [0.0; 0], "it was switched on just now");
    assert_eq!(bench.said.changes[0].new, 1.0);
    bench.pass(MINUTE);
    assert_eq!(levels(&bench), [0.0]);
}

#[test]
fn where_it_is_found_at_the_start_nobody_has_moved_it() {
    let mut bench = Bench::restored(vec![heater()], &Restored::default(), Operation::Control);
    bench.confirms = false;
    let report = |bench: &mut Bench, level: f64| {
        bench.settle();
        let report = DriverReport::Moved(id("heater"), level);
        bench.gate.report(&report, bench.now);
        bench.settle();
        bench
            .said
            .changes
            .last()
            .map(|change| change.trigger.clone())
    };
    let first = report(&mut bench, 1.0);
    assert_eq!(first.as_deref(), Some("found there at the start"));
    let then = report(&mut bench, 0.3);
    assert_eq!(then.as_deref(), Some("moved by itself or by somebody else"));
}

#[test]
fn a_rounded_report_is_the_ordered_level() {
    let mut bench = Bench::rested(vec![exhaust()]);
    bench.confirms = false;
    bench.set(&plugin("vpd"), "exhaust", 0.5);
    bench
        .gate
        .report(&DriverReport::Confirmed(id("exhaust"), 0.498), bench.now);
    bench.settle();
    assert_eq!(bench.outcomes(), ["#101 Executed"]);
    bench
        .gate
        .report(&DriverReport::Moved(id("exhaust"), 0.502), bench.now);
    bench.settle();
    assert_eq!(bench.orders.len(), 1);
}

#[test]
fn a_level_that_is_none_is_a_failure() {
    let mut bench = Bench::rested(vec![exhaust()]);
    bench
        .gate
        .report(&DriverReport::Moved(id("exhaust"), f64::NAN), bench.now);
    assert_eq!(bench.level("exhaust"), None);
    bench
        .gate
        .report(&DriverReport::Moved(id("unknown"), 1.0), bench.now);
}

#[test]
fn the_rest_counts_from_when_it_is_off() {
    let mut bench = Bench::rested(vec![heater()]);
    bench.set(&plugin("vpd"), "heater", 1.0);
    bench.confirms = false;
    bench.pass(Span::seconds(120));
    bench.pass(Span::seconds(20));
    bench
        .gate
        .report(&DriverReport::Confirmed(id("heater"), 0.0), bench.now);
    let verdict = bench.set(&plugin("vpd"), "heater", 1.0).unwrap();
    assert_eq!(verdict.free_at, Some(bench.now.moment + Span::seconds(120)));
}

#[test]
fn nothing_to_do_is_an_empty_settlement() {
    let mut bench = Bench::rested(vec![heater(), exhaust()]);
    assert_eq!(
        bench.gate.settle(&bench.world, bench.now),
        Settlement::default()
    );
    assert_eq!(bench.gate.rows(bench.now)[1].why.as_ref(), "nobody asks");
    let requester: Option<&Requester> = None;
    assert_eq!(bench.gate.views(&zone(), requester, bench.now).len(), 2);
}
