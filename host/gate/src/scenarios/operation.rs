//! Operation: observed, paused, under control, and the ways between.

use super::*;

#[test]
fn observing_decides_and_records_everything_and_drives_nothing() {
    let mut bench = Bench::restored(
        vec![heater(), exhaust()],
        &Restored {
            clean: true,
            ..Restored::default()
        },
        Operation::Observe,
    );
    let vpd = plugin("vpd");
    bench.settle();
    assert_eq!(kind(bench.set(&vpd, "heater", 1.0)).0, VerdictKind::Granted);
    bench.pass(Span::seconds(30));
    assert_eq!(
        kind(bench.set(&vpd, "heater", 0.0)),
        (VerdictKind::Dampened, "minimum_on")
    );
    assert!(
        why(&bench, "heater")
            .starts_with("observed only, would be off: because; but it runs at least")
    );
    let view = bench.gate.views(&zone(), Some(&vpd), bench.now).remove(1);
    assert_eq!(
        (view.id.as_str(), view.level),
        ("heater", 1.0),
        "as it would be"
    );
    assert_eq!(bench.gate.rows(bench.now)[1].level, None, "as it really is");
    bench.pass(Span::hours(1));
    let ended = bench.gate.end(&bench.world, bench.now);
    bench.note(ended);
    assert_eq!(bench.orders, []);
    assert_eq!(bench.said.changes, []);
    assert_eq!(bench.outcomes(), ["#101 Superseded", "#102 Lapsed"]);
}

#[test]
fn in_an_observed_zone_a_persons_stop_drives_and_a_plug_ins_does_not() {
    let mut bench = Bench::restored(
        vec![heater()],
        &Restored {
            clean: true,
            ..Restored::default()
        },
        Operation::Observe,
    );
    bench.settle();
    bench.gate.stop(None, &text("hot"), &plugin("vpd"));
    bench.settle();
    assert_eq!(levels(&bench), [0.0; 0]);
    bench.gate.stop(None, &text("hot"), &person("anna"));
    bench.settle();
    assert_eq!(levels(&bench), [0.0]);
    bench
        .gate
        .report(&DriverReport::Moved(id("heater"), 1.0), bench.now);
    bench.settle();
    assert_eq!(levels(&bench), [0.0], "once: afterwards it is not ours");
}

#[test]
fn leaving_control_ends_claims_and_drives_safe_once() {
    let mut bench = Bench::rested(vec![heater()]);
    bench.set(&plugin("vpd"), "heater", 1.0);
    bench.pass(Span::seconds(10));
    bench.forget();
    bench.world.operation = Operation::Observe;
    bench.settle();
    assert_eq!(bench.outcomes(), ["#101 Lapsed"]);
    assert_eq!(bench.said.changes, [], "minimum on binds this too");
    assert_eq!(
        bench.orders[0].1.within,
        Some(Span::seconds(52)),
        "only so long, and the grace"
    );
    bench.pass(Span::seconds(50));
    assert_eq!(levels(&bench), [1.0, 0.0]);
    bench
        .gate
        .report(&DriverReport::Moved(id("heater"), 1.0), bench.now);
    bench.pass(Span::hours(1));
    assert_eq!(levels(&bench), [1.0, 0.0]);
    bench.world.operation = Operation::Control;
    bench.settle();
    assert_eq!(bench.level("heater"), Some(0.0), "ours again");
}

#[test]
fn a_paused_zone_refuses_controllers_and_obeys_people() {
    let mut bench = Bench::rested(vec![exhaust()]);
    bench.set(&plugin("vpd"), "exhaust", 0.9);
    bench.world.operation = Operation::Paused;
    bench.settle();
    assert_eq!(bench.level("exhaust"), Some(0.2));
    assert_eq!(
        kind(bench.set(&plugin("vpd"), "exhaust", 0.9)),
        (VerdictKind::Denied, "operation")
    );
    assert_eq!(
        kind(bench.set(&person("anna"), "exhaust", 0.5)).0,
        VerdictKind::Granted
    );
    bench.world.operation = Operation::Control;
    bench.settle();
    assert_eq!(
        bench.level("exhaust"),
        Some(0.5),
        "what a person set goes on"
    );
}

#[test]
fn who_comes_from_an_observed_zone_really_is_where_it_is_for_its_neighbours() {
    let (mut mixer, mut nozzle) = (device("mixer", "other"), device("nozzle", "other"));
    (mixer.min_on, nozzle.min_on) = (Span::ZERO, Span::ZERO);
    nozzle.needs_first = vec![id("mixer")];
    let restored = Restored {
        clean: true,
        ..Restored::default()
    };
    let mut bench = Bench::restored(vec![mixer, nozzle], &restored, Operation::Observe);
    for name in ["mixer", "nozzle"] {
        bench
            .gate
            .report(&DriverReport::Moved(id(name), 1.0), bench.now);
    }
    bench.settle();
    bench.world.operation = Operation::Control;
    bench.confirms = false;
    bench.settle();
    let orders = bench.orders.iter();
    let told: Vec<_> = orders
        .map(|(_, order)| (order.device.as_str(), order.level))
        .collect();
    assert_eq!(told, [("nozzle", 0.0)], "the mixer goes last");
}
