//! The device table changes while the room runs.

use std::collections::BTreeMap;

use growbox_model::{DeviceSpec, Role};

use super::*;

fn table(devices: &[DeviceSpec]) -> BTreeMap<DeviceId, DeviceSpec> {
    let by_id = |device: &DeviceSpec| (device.id.clone(), device.clone());
    devices.iter().map(by_id).collect()
}

fn running(devices: Vec<DeviceSpec>) -> Bench {
    let mut bench = Bench::rested(devices);
    bench.set(&plugin("vpd"), "heater", 1.0);
    bench.forget();
    bench
}

#[test]
fn other_limits_leave_claims_and_protection_alone() {
    let mut bench = running(vec![heater(), exhaust()]);
    bench.pass(Span::seconds(30));
    let mut patient = heater();
    patient.min_on = Span::minutes(5);
    bench
        .gate
        .exchange(&table(&[patient, exhaust()]), bench.now);
    bench.settle();
    assert_eq!((bench.orders.len(), bench.said.outcomes.len()), (0, 0));
    assert_eq!(bench.gate.rows(bench.now)[1].owner.as_deref(), Some("vpd"));
    bench.set(&plugin("vpd"), "heater", 0.0);
    assert_eq!(bench.level("heater"), Some(1.0), "the new minimum on holds");
    bench.pass(Span::seconds(271));
    assert_eq!(bench.level("heater"), Some(0.0), "counted from the switch");
}

#[test]
fn a_claim_comes_inside_the_new_envelope() {
    let mut bench = Bench::rested(vec![exhaust()]);
    bench.set(&plugin("vpd"), "exhaust", 0.9);
    let mut quiet = exhaust();
    quiet.high = 0.6;
    bench.gate.exchange(&table(&[quiet]), bench.now);
    bench.settle();
    assert_eq!(bench.level("exhaust"), Some(0.6));
}

#[test]
fn a_removed_device_goes_safe_first_and_its_claims_lapse() {
    let mut bench = running(vec![heater(), exhaust()]);
    bench.confirms = false;
    bench.gate.exchange(&table(&[exhaust()]), bench.now);
    let first = bench.gate.settle(&bench.world, bench.now);
    assert_eq!(first.orders[0].level, 0.0, "minimum on is broken for it");
    assert_eq!(first.outcomes[0].outcome, growbox_model::Outcome::Lapsed);
    assert!(first.gone.is_empty(), "not before it is confirmed");
    assert_eq!(
        kind(bench.ask_only(&plugin("vpd"), "heater", Command::Level(1.0), None)),
        (VerdictKind::Denied, "leaving")
    );
    let confirmed = DriverReport::Confirmed(id("heater"), 0.0);
    bench.gate.report(&confirmed, bench.now);
    let second = bench.gate.settle(&bench.world, bench.now);
    assert_eq!(second.gone[0].id, id("heater"));
    assert_eq!(bench.gate.rows(bench.now).len(), 1);
}

#[test]
fn who_cannot_be_brought_to_its_safe_level_is_let_go_in_time() {
    let mut bench = running(vec![heater()]);
    bench.confirms = false;
    bench.gate.exchange(&table(&[]), bench.now);
    bench.pass(Span::seconds(29));
    assert_eq!(bench.gate.rows(bench.now).len(), 1);
    bench.pass(Span::seconds(2));
    assert!(bench.gate.rows(bench.now).is_empty());
    let mut lost = running(vec![heater()]);
    let away = DriverReport::Available(id("heater"), false);
    lost.gate.report(&away, lost.now);
    lost.gate.exchange(&table(&[]), lost.now);
    assert_eq!(lost.gate.settle(&lost.world, lost.now).gone.len(), 1);
}

#[test]
fn another_output_comes_after_the_old_one_is_safe_and_counts_as_just_switched() {
    let mut bench = running(vec![heater()]);
    bench.confirms = false;
    let mut moved = heater();
    moved.output = "null:other".into();
    bench.gate.exchange(&table(&[moved]), bench.now);
    let first = bench.gate.settle(&bench.world, bench.now);
    assert_eq!(
        (first.came.len(), &*first.orders[0].output),
        (0, "null:heater")
    );
    let confirmed = DriverReport::Confirmed(id("heater"), 0.0);
    bench.gate.report(&confirmed, bench.now);
    let second = bench.gate.settle(&bench.world, bench.now);
    assert_eq!((second.gone.len(), second.came.len()), (1, 1));
    assert_eq!(&*second.orders[0].output, "null:other");
    assert_eq!(second.orders[0].level, 0.0);
    bench.confirms = true;
    bench.pass(Span::seconds(100));
    bench.set(&plugin("vpd"), "heater", 1.0);
    assert_ne!(bench.level("heater"), Some(1.0), "it may have run just now");
    bench.pass(Span::seconds(21));
    assert_eq!(bench.level("heater"), Some(1.0));
}

#[test]
fn two_devices_may_change_places() {
    let light = |output: &str| {
        let mut light = device("light", "light");
        light.output = output.into();
        light
    };
    let warm = |output: &str| {
        let mut warm = heater();
        warm.output = output.into();
        warm
    };
    let mut bench = running(vec![warm("null:a"), light("null:b")]);
    bench
        .gate
        .exchange(&table(&[warm("null:b"), light("null:a")]), bench.now);
    bench.settle();
    bench.settle();
    let newest: Vec<(&str, f64)> = bench
        .orders
        .iter()
        .rev()
        .take(2)
        .map(|(_, order)| (&*order.output, order.level))
        .collect();
    assert_eq!(newest, [("null:a", 0.0), ("null:b", 0.0)]);
}

#[test]
fn a_hold_survives_another_output_and_ends_with_its_device() {
    let mut bench = running(vec![heater()]);
    let who = text("anna");
    bench
        .gate
        .hold(&id("heater"), Some(1.0), None, &who, &who, bench.now)
        .unwrap();
    bench.settle();
    let mut moved = heater();
    moved.output = "null:other".into();
    bench.gate.exchange(&table(&[moved]), bench.now);
    bench.settle();
    bench.pass(Span::minutes(3));
    let row = bench.gate.rows(bench.now).remove(0);
    assert_eq!(
        (row.level, row.owner.as_deref()),
        (Some(1.0), Some("person:anna"))
    );
    bench.gate.exchange(&table(&[]), bench.now);
    bench.settle();
    assert!(
        bench
            .said
            .records
            .contains(&Record::Hold(id("heater"), None))
    );
}

#[test]
fn another_role_starts_anew_and_a_table_changed_back_stays() {
    let mut bench = running(vec![heater()]);
    bench.confirms = false;
    let mut cooler = heater();
    cooler.role = Role::new("cooler").unwrap();
    bench.gate.exchange(&table(&[cooler]), bench.now);
    assert!(bench.gate.settle(&bench.world, bench.now).came.is_empty());
    bench.gate.exchange(&table(&[heater()]), bench.now);
    let back = bench.gate.settle(&bench.world, bench.now);
    assert!(back.came.is_empty() && back.gone.is_empty());
    assert_eq!(bench.gate.rows(bench.now)[0].role.to_string(), "heater");
}

#[test]
fn what_is_no_longer_allowed_ends_alone() {
    let mut bench = running(vec![heater(), exhaust()]);
    bench.set(&plugin("vpd"), "exhaust", 0.5);
    bench.pass(Span::minutes(1));
    bench.outcomes();
    bench
        .gate
        .withdraw(&plugin("vpd"), &id("heater"), "no longer granted");
    bench.settle();
    assert_eq!(bench.outcomes(), ["#101 Lapsed"]);
    assert_eq!(bench.level("heater"), Some(0.0));
    assert_eq!(bench.level("exhaust"), Some(0.5));
}

#[test]
fn starts_of_the_hour_are_kept_over_another_output_and_an_absence() {
    let mut cooler = device("cooler", "cooler");
    (cooler.starts_per_hour, cooler.needs) = (Some(3), Vec::new());
    (cooler.min_on, cooler.min_off) = (Span::ZERO, Span::ZERO);
    let mut bench = Bench::rested(vec![cooler.clone()]);
    for _ in 0..2 {
        bench.set(&plugin("vpd"), "cooler", 1.0);
        bench.set(&plugin("vpd"), "cooler", 0.0);
        bench.pass(MINUTE);
    }
    bench.gate.exchange(&table(&[]), bench.now);
    bench.pass(MINUTE);
    cooler.output = "null:other".into();
    bench.gate.exchange(&table(&[cooler]), bench.now);
    bench.pass(MINUTE);
    assert_eq!(
        kind(bench.set(&plugin("vpd"), "cooler", 1.0)),
        (VerdictKind::Dampened, "starts_per_hour"),
        "two of its own, and one that it may have had unseen"
    );
}
