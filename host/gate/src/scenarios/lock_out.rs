//! Lock-out: somebody works at a device.

use super::*;

fn lock(bench: &mut Bench, name: &str) {
    let (who, why) = (text("anna"), text("hands inside"));
    bench
        .gate
        .lock_out(&id(name), &who, &why, bench.now)
        .unwrap();
    bench.settle();
}

#[test]
fn what_is_locked_out_is_off_though_its_safe_level_is_not_and_stays_so() {
    let mut bench = Bench::rested(vec![exhaust()]);
    bench.set(&plugin("vpd"), "exhaust", 0.5);
    bench.pass(MINUTE);
    bench.forget();
    lock(&mut bench, "exhaust");
    assert_eq!(levels(&bench), [0.0]);
    assert_eq!(bench.outcomes(), ["#101 Superseded"]);
    assert_eq!(
        kind(bench.set(&person("bob"), "exhaust", 1.0)),
        (VerdictKind::Denied, "lock_out")
    );
    let held = bench.gate.hold(
        &id("exhaust"),
        Some(1.0),
        None,
        &text("bob"),
        &text("x"),
        bench.now,
    );
    assert_eq!(held.unwrap_err().code, "lock_out");
    bench.gate.stop(None, &text("fire"), &person("bob"));
    bench.pass(MINUTE);
    assert_eq!(levels(&bench), [0.0], "not even a stop moves it");
    assert!(why(&bench, "exhaust").contains("locked out by anna: \"hands inside\""));
}

#[test]
fn minimum_on_binds_who_locks_a_device_out() {
    let mut bench = Bench::rested(vec![heater()]);
    bench.set(&plugin("vpd"), "heater", 1.0);
    lock(&mut bench, "heater");
    assert_eq!(bench.level("heater"), Some(1.0));
    bench.pass(bench.gate.devices[&id("heater")].spec.min_on);
    assert_eq!(bench.level("heater"), Some(0.0));
}

#[test]
fn what_is_locked_out_runs_no_longer_than_its_longest_run() {
    let mut spec = heater();
    spec.max_on = Some(Span::seconds(90));
    let mut bench = Bench::rested(vec![spec]);
    bench.set(&plugin("vpd"), "heater", 1.0);
    lock(&mut bench, "heater");
    bench.pass(Span::seconds(50));
    let lost = DriverReport::Available(id("heater"), false);
    bench.gate.report(&lost, bench.now);
    bench.gate.devices.get_mut("heater").unwrap().real.seen_on = Some(bench.now.moment);
    bench
        .gate
        .report(&DriverReport::Available(id("heater"), true), bench.now);
    bench.pass(Span::seconds(40));
    assert_eq!(bench.level("heater"), Some(0.0), "minimum on is not over");
}

#[test]
fn a_stop_does_not_wait_for_the_minimum_on_of_what_is_locked_out() {
    let mut bench = Bench::rested(vec![heater()]);
    bench.set(&plugin("vpd"), "heater", 1.0);
    lock(&mut bench, "heater");
    assert_eq!(bench.level("heater"), Some(1.0));
    bench.gate.stop(None, &text("fire"), &person("bob"));
    bench.settle();
    assert_eq!(bench.level("heater"), Some(0.0));
    bench.settle();
    assert!(why(&bench, "heater").contains("locked out by anna"));
}

#[test]
fn an_observed_device_is_driven_off_all_the_same() {
    let mut bench = Bench::rested(vec![exhaust()]);
    bench.world.operation = Operation::Observe;
    bench.settle();
    bench.pass(MINUTE);
    bench.forget();
    lock(&mut bench, "exhaust");
    assert_eq!(levels(&bench), [0.0]);
}

#[test]
fn an_unlocked_device_begins_without_claims_at_its_safe_level() {
    let mut bench = Bench::rested(vec![exhaust()]);
    let safe = exhaust().safe_level;
    lock(&mut bench, "exhaust");
    let again = bench
        .gate
        .lock_out(&id("exhaust"), &text("bob"), &text("x"), bench.now);
    assert!(again.unwrap_err().message.contains("locked out by anna"));
    bench.pass(MINUTE);
    bench.forget();
    bench.gate.unlock(&id("exhaust")).unwrap();
    bench.settle();
    assert_eq!(levels(&bench), [safe]);
    let twice = bench.gate.unlock(&id("exhaust")).unwrap_err();
    assert_eq!(twice.code, "not_locked_out");
}

#[test]
fn a_lock_out_survives_a_restart_and_the_guardian_is_told() {
    let mut bench = Bench::rested(vec![exhaust()]);
    lock(&mut bench, "exhaust");
    let lock_outs = bench.said.records.iter().filter_map(|record| match record {
        Record::LockedOut(device, Some(lock)) => Some((device.clone(), lock.clone())),
        _ => None,
    });
    let restored = Restored {
        lock_outs: lock_outs.collect(),
        ..Restored::default()
    };
    assert_eq!(restored.lock_outs.len(), 1);
    let mut after = Bench::restored(vec![exhaust()], &restored, Operation::Control);
    after.settle();
    assert!(why(&after, "exhaust").contains("locked out by anna"));
    let plan = after.gate.safe_plan(None).unwrap();
    assert_eq!(plan.devices[0].safe_level, 0.0);
}
