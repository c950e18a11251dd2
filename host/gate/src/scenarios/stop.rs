//! Stop, hold and the end of the process.

use super::*;

#[test]
fn a_stop_breaks_minimum_on_and_says_so_and_never_minimum_off() {
    let mut fan = exhaust();
    fan.never_off = false;
    let mut bench = Bench::rested(vec![heater(), fan]);
    bench.set(&plugin("vpd"), "heater", 1.0);
    bench.set(&plugin("vpd"), "exhaust", 0.0);
    bench.pass(Span::seconds(5));
    bench.forget();
    bench
        .gate
        .stop(Some(&zone()), &text("smoke"), &person("anna"));
    bench.settle();
    assert_eq!(bench.level("heater"), Some(0.0));
    assert_eq!(
        bench.said.changes[0].trigger,
        "stop; breaks the minimum on of 1min"
    );
    assert_eq!(
        bench.level("exhaust"),
        Some(0.0),
        "it may not start again yet"
    );
    bench.pass(Span::seconds(25));
    assert_eq!(bench.level("exhaust"), Some(0.2));
    assert_eq!(bench.outcomes(), ["#102 Superseded", "#101 Superseded"]);
}

#[test]
fn a_stop_lets_only_safe_levels_in_until_reset_and_then_claims_are_empty() {
    let mut bench = Bench::rested(vec![heater()]);
    let everything = person("anna");
    bench.gate.stop(None, &text("smoke"), &everything);
    bench.settle();
    assert_eq!(
        kind(bench.set(&everything, "heater", 1.0)),
        (VerdictKind::Denied, "stop")
    );
    assert_eq!(
        kind(bench.set(&plugin("vpd"), "heater", 0.0)),
        (VerdictKind::Granted, "stop")
    );
    assert_eq!(
        bench.gate.reset(Some(&zone())).unwrap_err().code,
        "nothing_stopped"
    );
    bench.gate.reset(None).unwrap();
    assert!(bench.gate.reset(None).is_err());
    bench.settle();
    assert_eq!(bench.gate.rows(bench.now)[0].owner, None);
    assert!(bench.said.records.contains(&Record::Stopped(None, None)));
}

#[test]
fn a_stop_of_one_zone_leaves_the_other() {
    let mut other = device("other", "light");
    other.zone = Some(growbox_model::ZoneId::new("drying").unwrap());
    let mut bench = Bench::rested(vec![device("light", "light"), other]);
    bench.set(&plugin("vpd"), "light", 1.0);
    bench.set(&plugin("vpd"), "other", 1.0);
    bench
        .gate
        .stop(Some(&zone()), &text("smoke"), &plugin("vpd"));
    bench.settle();
    assert_eq!(
        (bench.level("light"), bench.level("other")),
        (Some(0.0), Some(1.0))
    );
}

#[test]
fn a_hold_goes_before_everybody_and_ends_by_itself() {
    let mut bench = Bench::rested(vec![exhaust()]);
    bench.ask(
        &plugin("vpd"),
        "exhaust",
        Command::Level(0.9),
        Some(Span::hours(1)),
    );
    let hold = bench.gate.hold(
        &id("exhaust"),
        Some(0.4),
        Some(MINUTE),
        &text("anna"),
        &text("quiet"),
        bench.now,
    );
    hold.unwrap();
    bench.settle();
    assert_eq!(bench.level("exhaust"), Some(0.4));
    assert_eq!(
        kind(bench.set(&person("bert"), "exhaust", 1.0)),
        (VerdictKind::Denied, "hold")
    );
    assert_eq!(
        bench.gate.rows(bench.now)[0].owner.as_deref(),
        Some("person:anna")
    );
    bench.pass(MINUTE);
    assert_eq!(bench.level("exhaust"), Some(0.9));
    assert!(
        bench
            .said
            .records
            .contains(&Record::Hold(id("exhaust"), None))
    );
    assert_eq!(
        bench.gate.release(&id("exhaust")).unwrap_err().code,
        "nothing_to_release"
    );
    assert_eq!(
        bench
            .gate
            .release(&id("exhausst"))
            .unwrap_err()
            .nearest
            .as_deref(),
        Some("exhaust")
    );
}

#[test]
fn a_hold_lasts_as_long_as_it_was_to_whatever_the_wall_clock_does() {
    const DAY: Span = Span::hours(24);
    for ahead in [true, false] {
        let mut bench = Bench::rested(vec![exhaust()]);
        let (who, why) = (text("anna"), text("x"));
        let hour = Some(Span::hours(1));
        let held = bench
            .gate
            .hold(&id("exhaust"), Some(0.5), hour, &who, &why, bench.now);
        held.unwrap();
        bench.settle();
        let wall = bench.now.wall;
        bench.now.wall = if ahead {
            wall.plus(DAY)
        } else {
            wall.minus(DAY)
        };
        bench.gate.relabel(bench.now);
        let end = bench.now.wall.plus(Span::hours(1));
        bench.forget();
        bench.settle();
        assert_eq!(bench.gate.rows(bench.now)[0].until, Some(end));
        let stored =
            bench.said.records.iter().any(
                |record| matches!(record, Record::Hold(_, Some(hold)) if hold.until == Some(end)),
            );
        assert!(stored, "a restart would know it by its new label");
        bench.pass(Span::minutes(59));
        assert_eq!(bench.level("exhaust"), Some(0.5));
        bench.pass(Span::minutes(1));
        assert_eq!(bench.gate.rows(bench.now)[0].owner, None);
    }
}

#[test]
fn a_hold_restored_before_the_clock_was_set_ends_by_its_label() {
    let hold = Hold {
        level: 0.5,
        until: Some(growbox_model::Instant::parse("2026-01-15T12:00:00Z").unwrap()),
        who: text("anna"),
        reason: text("x"),
    };
    let restored = Restored {
        holds: vec![(id("exhaust"), hold)],
        ..Restored::default()
    };
    let unset = growbox_model::Now {
        moment: Moment(5),
        wall: growbox_model::Instant(0),
        wall_trusted: false,
    };
    let mut bench = Bench::rested(Vec::new());
    bench.gate = crate::Gate::new([exhaust()], &restored, unset);
    bench.gate.relabel(bench.now);
    bench.settle();
    bench.pass(Span::minutes(59));
    assert_eq!(
        bench.gate.rows(bench.now)[0].owner.as_deref(),
        Some("person:anna")
    );
    bench.pass(Span::minutes(1));
    assert_eq!(bench.gate.rows(bench.now)[0].owner, None);
}

#[test]
fn a_hold_without_a_level_keeps_it_where_it_is() {
    let mut bench = Bench::rested(vec![exhaust()]);
    bench.set(&plugin("vpd"), "exhaust", 0.7);
    bench
        .gate
        .hold(
            &id("exhaust"),
            None,
            None,
            &text("anna"),
            &text("x"),
            bench.now,
        )
        .unwrap();
    bench.pass(Span::hours(1));
    assert_eq!(bench.level("exhaust"), Some(0.7));
    let wrong = bench.gate.hold(
        &id("exhaust"),
        Some(f64::NAN),
        None,
        &text("a"),
        &text("x"),
        bench.now,
    );
    assert_eq!(wrong.unwrap_err().code, "form");
}

#[test]
fn the_end_of_the_process_breaks_minimum_on_and_stays_safe() {
    let mut bench = Bench::rested(vec![heater(), exhaust()]);
    bench.set(&plugin("vpd"), "heater", 1.0);
    bench
        .gate
        .hold(
            &id("exhaust"),
            Some(0.9),
            None,
            &text("anna"),
            &text("x"),
            bench.now,
        )
        .unwrap();
    bench.settle();
    bench.forget();
    let ended = bench.gate.end(&bench.world, bench.now);
    assert_eq!(ended.orders.len(), 2);
    bench.note(ended);
    for name in ["heater", "exhaust"] {
        let level = bench
            .orders
            .iter()
            .find(|(_, o)| o.device.as_str() == name)
            .unwrap()
            .1
            .level;
        bench
            .gate
            .report(&DriverReport::Confirmed(id(name), level), bench.now);
    }
    bench.settle();
    assert_eq!(
        (bench.level("heater"), bench.level("exhaust")),
        (Some(0.0), Some(0.2))
    );
    assert!(
        bench
            .said
            .changes
            .iter()
            .any(|c| c.trigger.contains("breaks the minimum on"))
    );
    assert_eq!(
        kind(bench.set(&person("anna"), "heater", 1.0)),
        (VerdictKind::Denied, "stop")
    );
}
