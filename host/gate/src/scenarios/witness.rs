//! The witness of a device: it agrees, it disagrees, it falls silent.

use growbox_model::{Feedback, SensorId};

use super::*;
use crate::{Finding, Testimony};

const WITHIN: Span = Span::seconds(10);

fn power() -> (SensorId, Quantity) {
    (
        SensorId::new("meter").unwrap(),
        Quantity::new("power").unwrap(),
    )
}

/// A heater that rests no longer than it must, with a meter.
fn bench() -> Bench {
    let mut spec = heater();
    let (sensor, quantity) = power();
    (spec.min_on, spec.min_off) = (Span::ZERO, Span::ZERO);
    spec.feedback = Some(Feedback {
        sensor,
        quantity,
        on_above: 5.0,
        within: WITHIN,
    });
    let mut bench = Bench::rested(vec![spec]);
    says(&mut bench, Some(0.0));
    bench.forget();
    bench
}

fn says(bench: &mut Bench, watts: Option<f64>) {
    let (sensor, quantity) = power();
    bench.gate.witness(&sensor, &quantity, watts, bench.now);
    bench.settle();
}

fn found(bench: &Bench) -> Vec<&'static str> {
    let words = |testimony: &Testimony| match &testimony.finding {
        Finding::Doubted(_) => "doubted",
        Finding::GivenUp(_) => "given up",
        Finding::Failing(_) => "failing",
        Finding::Believed => "believed",
    };
    bench.said.testimonies.iter().map(words).collect()
}

#[test]
fn who_does_as_it_is_told_is_believed() {
    let mut bench = bench();
    for (level, watts) in [(1.0, 400.0), (0.0, 0.4), (1.0, 380.0)] {
        bench.ask(
            &plugin("vpd"),
            "heater",
            Command::Level(level),
            Some(MINUTE),
        );
        bench.pass(Span::seconds(9));
        says(&mut bench, Some(watts));
        bench.pass(Span::seconds(20));
        assert_eq!(bench.level("heater"), Some(level));
    }
    assert_eq!(found(&bench), [""; 0]);
}

#[test]
fn a_relay_that_is_stuck_on_is_found_told_again_and_kept_safe() {
    let mut bench = bench();
    bench.set(&plugin("vpd"), "heater", 1.0);
    says(&mut bench, Some(400.0));
    bench.set(&plugin("vpd"), "heater", 0.0);
    bench.forget();
    bench.pass(Span::seconds(9));
    assert_eq!(found(&bench), [""; 0], "a meter may take its time");
    bench.pass(Span::seconds(1));
    assert_eq!(found(&bench), ["doubted"]);
    assert_eq!(bench.level("heater"), None, "nobody knows where it is");
    bench.pass(Span::minutes(2));
    assert_eq!(found(&bench), ["doubted", "doubted", "given up"]);
    assert!(bench.orders.len() >= 3, "told again and again");
    assert!(bench.orders.iter().all(|(_, order)| order.level == 0.0));
    let verdict = bench.set(&plugin("vpd"), "heater", 1.0);
    assert_eq!(kind(verdict), (VerdictKind::Dampened, "confirmation"));
    assert!(why(&bench, "heater").contains("told to be off and meter says that it is on"));
    assert!(bench.orders.iter().all(|(_, order)| order.level == 0.0));
}

#[test]
fn a_driver_that_confirms_does_not_clear_a_doubt_and_the_witness_does() {
    let mut bench = bench();
    bench.set(&plugin("vpd"), "heater", 1.0);
    bench.pass(WITHIN);
    assert_eq!(found(&bench), ["doubted"], "told on, and it draws nothing");
    bench.pass(Span::seconds(6));
    assert_eq!(
        bench.level("heater"),
        None,
        "told again and confirmed, and not believed"
    );
    says(&mut bench, Some(400.0));
    assert_eq!(found(&bench), ["doubted", "believed"]);
    assert_eq!(bench.level("heater"), Some(1.0));
}

#[test]
fn nobody_who_is_doubted_is_kept_on_for_what_its_driver_says() {
    let mut bench = bench();
    bench.gate.devices.get_mut("heater").unwrap().spec.min_on = MINUTE;
    bench.set(&plugin("vpd"), "heater", 0.0);
    says(&mut bench, Some(400.0));
    bench.pass(Span::minutes(3));
    assert_eq!(found(&bench).last(), Some(&"given up"));
    bench.forget();
    let on = DriverReport::Moved(id("heater"), 1.0);
    bench.gate.report(&on, bench.now);
    bench.pass(Span::minutes(6));
    assert!(levels(&bench).iter().all(|level| *level == 0.0));
    assert!(
        !bench.orders.is_empty(),
        "it is told to be off again and again"
    );
}

#[test]
fn a_person_releases_what_was_mended() {
    let mut bench = bench();
    bench.set(&plugin("vpd"), "heater", 1.0);
    bench.pass(Span::seconds(100));
    assert_eq!(found(&bench), ["doubted", "doubted", "given up"]);
    assert_eq!(
        bench.level("heater"),
        Some(0.0),
        "safe, and the meter agrees"
    );
    bench.gate.release(&id("heater")).unwrap();
    bench.set(&plugin("vpd"), "heater", 1.0);
    bench.pass(Span::seconds(2));
    says(&mut bench, Some(400.0));
    bench.pass(Span::seconds(30));
    assert_eq!(bench.level("heater"), Some(1.0));
    assert_eq!(found(&bench).last(), Some(&"believed"));
}

#[test]
fn a_witness_that_fell_silent_accuses_nobody() {
    let mut bench = bench();
    says(&mut bench, None);
    bench.set(&plugin("vpd"), "heater", 1.0);
    bench.pass(Span::minutes(1));
    assert_eq!(found(&bench), [""; 0]);
    assert_eq!(bench.level("heater"), Some(1.0));
}

#[test]
fn who_is_switched_on_behind_our_back_is_found() {
    let mut bench = bench();
    says(&mut bench, Some(400.0));
    bench.pass(WITHIN);
    assert_eq!(found(&bench), ["doubted"]);
}

#[test]
fn a_person_may_try_who_is_kept_safe() {
    let mut bench = bench();
    bench.set(&plugin("vpd"), "heater", 1.0);
    bench.pass(Span::seconds(100));
    let held = bench.gate.hold(
        &id("heater"),
        Some(1.0),
        None,
        &text("anna"),
        &text("to try"),
        bench.now,
    );
    held.unwrap();
    bench.forget();
    bench.settle();
    assert_eq!(levels(&bench), [1.0], "a hold goes first");
}

#[test]
fn a_driver_that_fails_twice_is_told_once_until_it_does_again() {
    let mut bench = Bench::rested(vec![exhaust()]);
    bench.confirms = false;
    let lease = Some(Span::hours(1));
    bench.ask(&plugin("vpd"), "exhaust", Command::Level(0.5), lease);
    let failed = DriverReport::Failed(id("exhaust"), "it says 0 %".into());
    for expected in [&[][..], &["failing"], &["failing"]] {
        bench.gate.report(&failed, bench.now);
        bench.settle();
        assert_eq!(found(&bench), expected);
        bench.pass(Span::minutes(1));
    }
    bench
        .gate
        .report(&DriverReport::Confirmed(id("exhaust"), 0.5), bench.now);
    bench.settle();
    assert_eq!(found(&bench), ["failing", "believed"]);
}

#[test]
fn who_cannot_be_reached_is_no_error() {
    let mut bench = Bench::rested(vec![exhaust()]);
    bench
        .gate
        .report(&DriverReport::Available(id("exhaust"), false), bench.now);
    let failed = DriverReport::Failed(id("exhaust"), "gone".into());
    for _ in 0..3 {
        bench.gate.report(&failed, bench.now);
        bench.settle();
    }
    assert_eq!(found(&bench), [""; 0]);
}

#[test]
fn a_restart_repairs_nothing_and_another_output_is_another_thing() {
    let mut bench = bench();
    bench.set(&plugin("vpd"), "heater", 1.0);
    says(&mut bench, Some(400.0));
    bench.set(&plugin("vpd"), "heater", 0.0);
    bench.pass(Span::minutes(3));
    let doubt = |record: &Record| match record {
        Record::Doubted(id, how) => Some((id.clone(), how.clone())),
        _ => None,
    };
    let doubts =
        |bench: &Bench| -> Vec<_> { bench.said.records.iter().filter_map(doubt).collect() };
    let [(device, Some(how))] = &doubts(&bench)[..] else {
        panic!("{:?}", bench.said.records)
    };
    let restored = Restored {
        clean: true,
        same_boot: true,
        doubts: vec![(device.clone(), how.clone())],
        ..Restored::default()
    };
    let spec = bench.gate.devices[device].spec.clone();
    let mut again = Bench::restored(vec![spec.clone()], &restored, Operation::Control);
    says(&mut again, Some(400.0));
    again.pass(Span::minutes(3));
    let verdict = again.set(&plugin("vpd"), "heater", 1.0);
    assert_eq!(kind(verdict), (VerdictKind::Dampened, "confirmation"));
    assert_eq!(found(&again), [""; 0], "it was said already");
    let mut moved = spec;
    moved.output = "null:other".into();
    let mut mended = again.clone();
    mended
        .gate
        .exchange(&[(moved.id.clone(), moved)].into(), mended.now);
    again.gate.release(device).unwrap();
    for mut bench in [again, mended] {
        bench.pass(MINUTE);
        assert_eq!(doubts(&bench), [(device.clone(), None)]);
        assert_eq!(found(&bench), ["believed"]);
    }
}
