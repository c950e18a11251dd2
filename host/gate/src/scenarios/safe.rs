//! The safe plan: who is in it, and what it knows of each.

use growbox_model::ports::DriverReport;
use growbox_model::{Danger, SafePlan, SafetySpec};

use super::*;

fn plan(bench: &Bench) -> SafePlan {
    bench.gate.safe_plan(None).expect("a first plan")
}

#[test]
fn the_plan_follows_each_switch_and_is_told_only_when_it_changed() {
    let mut bench = Bench::rested(vec![heater()]);
    let before = plan(&bench);
    assert_eq!(before.devices[0].device, id("heater"));
    assert_eq!(bench.gate.safe_plan(Some(&before)), None);
    bench.set(&plugin("vpd"), "heater", 1.0);
    let on = bench.gate.safe_plan(Some(&before)).expect("it has changed");
    let began = bench.now.moment;
    assert_eq!(on.devices[0].level, Some(1.0));
    assert_eq!(on.devices[0].bound_until, Some(began + MINUTE));
    assert_eq!(bench.gate.safe_plan(Some(&on)), None, "confirmed or not");
    bench.pass(MINUTE);
    assert_eq!(bench.gate.safe_plan(Some(&on)), None, "time is no change");
    bench.set(&plugin("vpd"), "heater", 0.0);
    let off = bench.gate.safe_plan(Some(&on)).expect("it has changed");
    let (device, rest) = (&off.devices[0], heater().min_off);
    assert_eq!((device.level, device.bound_until), (Some(0.0), None));
    assert_eq!(device.free_at, Some(bench.now.moment + rest));
}

#[test]
fn the_plan_tells_what_is_confirmed_from_what_is_only_ordered() {
    let mut bench = Bench::rested(vec![exhaust()]);
    bench.set(&plugin("vpd"), "exhaust", 0.8);
    let report = |bench: &mut Bench, report: DriverReport| {
        bench.gate.report(&report, bench.now);
        bench.settle();
        plan(bench).devices.remove(0)
    };
    let told = report(&mut bench, DriverReport::Confirmed(id("exhaust"), 0.8));
    assert_eq!((told.level, told.confirmed), (Some(0.8), true));
    assert!(!told.is_safe());
    let _ = bench.gate.end(&bench.world, bench.now);
    let ordered = plan(&bench).devices.remove(0);
    assert_eq!(ordered.level, Some(ordered.safe_level));
    assert!(!ordered.is_safe(), "it is only on its way: {ordered:?}");
    let lost = report(
        &mut bench,
        DriverReport::Failed(id("exhaust"), "away".into()),
    );
    assert!(!lost.is_safe(), "{lost:?}");
    let safe = lost.safe_level;
    let there = report(&mut bench, DriverReport::Moved(id("exhaust"), safe));
    assert!(there.confirmed, "{there:?}");
}

#[test]
fn what_is_only_observed_is_left_out_once_it_is_safe() {
    let mut bench = Bench::rested(vec![heater(), exhaust()]);
    assert_eq!(plan(&bench).devices.len(), 2);
    bench.set(&plugin("vpd"), "heater", 1.0);
    bench.world.operation = Operation::Observe;
    bench.settle();
    let homing = plan(&bench);
    assert!(
        homing
            .devices
            .iter()
            .any(|device| device.device == id("heater")),
        "its minimum on still binds it: {homing:?}"
    );
    bench.pass(Span::minutes(2));
    assert_eq!(plan(&bench), SafePlan::default());
}

#[test]
fn after_a_crash_everything_counts_as_just_switched() {
    let crashed = Restored::default();
    let mut bench = Bench::restored(vec![exhaust()], &crashed, Operation::Control);
    let begun = bench.now.moment;
    bench.settle();
    let device = plan(&bench).devices.remove(0);
    assert_eq!(device.free_at, Some(begun + exhaust().min_off));
}

/// Too warm: these devices go there.
fn rule(devices: &[(&str, f64)]) -> SafetySpec {
    SafetySpec {
        id: text("hot"),
        zone: zone(),
        when: Danger::Above {
            quantity: temperature(),
            limit: 40.0,
            clear: 37.0,
        },
        dwell: Span::ZERO,
        latch: false,
        devices: devices.iter().map(|(name, at)| (id(name), *at)).collect(),
        message: text("too hot"),
        shipped: false,
    }
}

fn see(bench: &mut Bench, celsius: f64) {
    bench.world.measures.insert("temperature", celsius);
    bench
        .gate
        .see(&zone(), &temperature(), Seq(1), &bench.world, bench.now);
    bench.settle();
}

fn planned(bench: &Bench) -> Vec<(String, f64)> {
    let devices = plan(bench).devices.into_iter();
    let of = devices.map(|device| (device.device.to_string(), device.safe_level));
    of.collect()
}

/// The host ends; where that leaves its devices.
fn ended(bench: &mut Bench) -> Vec<(String, Option<f64>)> {
    let end = bench.gate.end(&bench.world, bench.now);
    let orders = end.orders.clone();
    bench.note(end);
    for order in orders {
        let report = DriverReport::Confirmed(order.device, order.level);
        bench.gate.report(&report, bench.now);
    }
    bench.settle();
    let rows = bench.gate.rows(bench.now).into_iter();
    rows.map(|row| (row.id.to_string(), row.level)).collect()
}

#[test]
fn what_a_rule_keeps_running_runs_on_when_nobody_decides_any_more() {
    let mut fan = exhaust();
    fan.slew = None;
    let mut bench = Bench::rested(vec![fan, heater()]);
    let rules = [rule(&[("exhaust", 1.0), ("heater", 1.0)])];
    bench.gate.safety(&rules, &Restored::default());
    let level = |name: &str, level| (name.to_owned(), level);
    let safe = [level("exhaust", 0.2), level("heater", 0.0)];
    assert_eq!(planned(&bench), safe);
    see(&mut bench, 41.0);
    assert_eq!(bench.level("heater"), Some(1.0), "a strange rule");
    let kept = [level("exhaust", 1.0), level("heater", 0.0)];
    assert_eq!(planned(&bench), kept, "no heater is left alone");
    let mut over = bench.clone();
    see(&mut over, 20.0);
    assert_eq!(planned(&over), safe);
    let who = text("anna");
    let mut locked = bench.clone();
    let lock = locked.gate.lock_out(&id("exhaust"), &who, &who, locked.now);
    lock.unwrap();
    assert_eq!(planned(&locked)[0], level("exhaust", 0.0));
    bench.forget();
    let left = kept.map(|(name, level)| (name, Some(level)));
    assert_eq!(ended(&mut bench), left);
    let told: Vec<_> = bench
        .orders
        .iter()
        .map(|(_, o)| o.device.as_str())
        .collect();
    assert_eq!(told, ["heater"], "the exhaust goes on as it is");
}

#[test]
fn a_stop_of_a_hot_zone_outlives_the_host() {
    let mut fan = exhaust();
    fan.safe_level = 0.0;
    fan.never_off = false;
    let mut bench = Bench::rested(vec![fan]);
    see(&mut bench, 38.0);
    bench.gate.stop(None, &text("smoke"), &person("anna"));
    bench.settle();
    assert_eq!(planned(&bench), [("exhaust".to_owned(), 1.0)]);
    let within = |bench: &Bench| bench.orders.last().and_then(|(_, order)| order.within);
    assert!(within(&bench).is_some(), "off is safe: it is kept armed");
    bench.pass(Span::minutes(10));
    assert_eq!(bench.level("exhaust"), Some(1.0));
    let rearmed = bench
        .orders
        .iter()
        .filter(|(_, order)| order.within.is_some());
    assert!(rearmed.count() > 5, "{:?}", bench.orders);
    bench.forget();
    assert_eq!(ended(&mut bench), [("exhaust".to_owned(), Some(1.0))]);
    assert_eq!(bench.orders.len(), 1, "once more, and without an end");
    assert_eq!(within(&bench), None);
}
