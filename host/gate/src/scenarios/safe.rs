//! The safe plan: who is in it, and what it knows of each.

use growbox_model::SafePlan;

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
