//! Safety rules: they displace, refuse controllers, survive a restart, and let go.

use growbox_model::{Danger, DeviceSpec, SafetySpec, Trouble};

use super::*;
use crate::Turn;

fn co2_rule() -> SafetySpec {
    SafetySpec {
        id: text("co2"),
        zone: zone(),
        when: Danger::Above {
            quantity: Quantity::new("co2").unwrap(),
            limit: 2000.0,
            clear: 1500.0,
        },
        dwell: MINUTE,
        latch: true,
        devices: [(id("valve"), 0.0), (id("exhaust"), 1.0)].into(),
        message: text("too much CO2"),
        shipped: true,
    }
}

/// A valve that is open, an exhaust that idles, and the rule.
fn bench() -> Bench {
    let mut valve = device("valve", "co2");
    valve.needs = Vec::new();
    valve.never_with = vec![id("exhaust")];
    let mut bench = Bench::rested(vec![valve, exhaust()]);
    bench.gate.safety(&[co2_rule()], &Restored::default());
    bench.set(&plugin("vpd"), "valve", 1.0);
    assert_eq!(bench.level("valve"), Some(1.0));
    bench.forget();
    bench
}

fn measure(bench: &mut Bench, ppm: f64) {
    bench.world.measures.insert("co2", ppm);
    let quantity = Quantity::new("co2").unwrap();
    bench
        .gate
        .see(&zone(), &quantity, Seq(1), &bench.world, bench.now);
    bench.settle();
}

fn tripped() -> Bench {
    let mut bench = bench();
    measure(&mut bench, 2100.0);
    bench.pass(MINUTE);
    bench
}

#[test]
fn a_trip_displaces_whatever_runs_and_says_so_once() {
    let mut bench = tripped();
    assert_eq!(
        (bench.level("valve"), bench.level("exhaust")),
        (Some(0.0), Some(1.0))
    );
    let [Turn::Tripped(trip, _)] = &bench.said.turns[..] else {
        panic!("{:?}", bench.said.turns)
    };
    assert_eq!(&*trip.message, "too much CO2: co2 2100.0 for 1min");
    let owner = bench.gate.rows(bench.now)[1].owner.clone();
    assert_eq!(owner.as_deref(), Some("safety:co2"));
    assert!(why(&bench, "valve").starts_with("safety rule co2: too much CO2"));
    let valve = bench.said.changes.iter().find(|c| c.device == id("valve"));
    let trigger = &valve.unwrap().trigger;
    assert!(trigger.starts_with("safety:co2"), "{trigger}");
    bench.forget();
    measure(&mut bench, 2200.0);
    bench.pass(Span::hours(1));
    assert_eq!(bench.said.turns, []);
}

#[test]
fn meanwhile_only_what_the_rule_wants_may_be_asked() {
    let mut bench = tripped();
    for requester in [plugin("vpd"), person("anna")] {
        assert_eq!(
            kind(bench.set(&requester, "valve", 1.0)),
            (VerdictKind::Denied, "safety")
        );
    }
    assert_eq!(
        kind(bench.set(&plugin("vpd"), "exhaust", 1.0)),
        (VerdictKind::Granted, "safety")
    );
}

#[test]
fn a_person_takes_it_back_once_it_is_over_and_claims_are_empty() {
    let mut bench = tripped();
    assert_eq!(bench.gate.reset(None).unwrap_err().code, "not_clear");
    measure(&mut bench, 1900.0);
    assert_eq!(bench.gate.reset(None).unwrap_err().code, "not_clear");
    measure(&mut bench, 1400.0);
    bench.pass(Span::hours(1));
    assert_eq!(bench.level("exhaust"), Some(1.0), "it is latched");
    let same = kind(bench.set(&plugin("vpd"), "exhaust", 1.0));
    assert_eq!(same, (VerdictKind::Granted, "safety"));
    bench.gate.reset(Some(&zone())).unwrap();
    bench.settle();
    assert!(matches!(bench.said.turns.last(), Some(Turn::Over(_))));
    for row in bench.gate.rows(bench.now) {
        assert_eq!(row.owner, None, "{}", row.id);
    }
    bench.pass(MINUTE);
    assert_eq!(bench.level("exhaust"), Some(0.2));
}

#[test]
fn a_restart_is_no_reset_and_a_rule_that_is_gone_binds_nobody() {
    let bench = tripped();
    let trips: Vec<_> = bench.gate.trips().cloned().collect();
    let restored = Restored {
        clean: true,
        same_boot: true,
        trips,
        ..Restored::default()
    };
    let mut bench = Bench::restored(vec![exhaust()], &restored, Operation::Control);
    bench.gate.safety(&[co2_rule()], &restored);
    bench.pass(MINUTE);
    assert_eq!(bench.level("exhaust"), Some(1.0));
    assert_eq!(bench.said.turns, [], "it was said already");
    bench.gate.safety(&[], &Restored::default());
    bench.pass(MINUTE);
    assert_eq!(bench.level("exhaust"), Some(0.2));
    let over = Record::Tripped(text("co2"), zone(), None);
    assert!(bench.said.records.contains(&over));
}

#[test]
fn a_sensor_nobody_can_believe_is_a_danger_too() {
    let mut rule = co2_rule();
    rule.when = Danger::Untrusted {
        quantity: temperature(),
        troubles: vec![Trouble::Stale],
    };
    rule.latch = false;
    rule.devices = [(id("exhaust"), 1.0)].into();
    let mut bench = Bench::rested(vec![exhaust()]);
    bench.gate.safety(&[rule], &Restored::default());
    bench.settle();
    bench.world.stale.insert(temperature());
    bench.pass(Span::seconds(59));
    assert_eq!(bench.level("exhaust"), Some(0.2));
    bench.pass(Span::seconds(1));
    assert_eq!(bench.level("exhaust"), Some(1.0));
    bench.world.stale.clear();
    bench.pass(Span::minutes(2));
    assert_eq!(bench.level("exhaust"), Some(0.2), "it ends by itself");
}

fn stopped(devices: Vec<DeviceSpec>) -> Bench {
    let mut bench = Bench::rested(devices);
    bench.gate.safety(&[co2_rule()], &Restored::default());
    bench.gate.stop(None, &text("smoke"), &person("anna"));
    bench.settle();
    bench
}

fn see(bench: &mut Bench, quantity: &'static str, value: f64) {
    bench.world.measures.insert(quantity, value);
    let name = Quantity::new(quantity).unwrap();
    bench
        .gate
        .see(&zone(), &name, Seq(1), &bench.world, bench.now);
    bench.pass(MINUTE);
}

#[test]
fn a_stopped_exhaust_runs_while_it_is_hot_or_nobody_knows() {
    let mut bench = stopped(vec![exhaust()]);
    assert_eq!(bench.level("exhaust"), Some(0.2));
    see(&mut bench, "temperature", 38.0);
    assert_eq!(bench.level("exhaust"), Some(1.0));
    see(&mut bench, "temperature", 25.0);
    assert_eq!(bench.level("exhaust"), Some(0.2));
    see(&mut bench, "co2", 1600.0);
    assert_eq!(bench.level("exhaust"), Some(1.0), "it is full of CO2");
    see(&mut bench, "co2", 800.0);
    assert_eq!(bench.level("exhaust"), Some(0.2));
    let co2 = Quantity::new("co2").unwrap();
    for unknown in [temperature(), co2] {
        bench.world.stale = [unknown.clone()].into();
        bench.pass(MINUTE);
        assert_eq!(bench.level("exhaust"), Some(1.0), "nobody knows {unknown}");
        bench.world.stale.clear();
        bench.pass(MINUTE);
        assert_eq!(bench.level("exhaust"), Some(0.2));
    }
}

#[test]
fn where_co2_is_brought_in_a_stop_airs_until_somebody_knows_how_much_there_is() {
    let mut bench = stopped(vec![exhaust(), device("valve", "co2")]);
    assert_eq!(bench.level("exhaust"), Some(1.0), "nobody has ever said");
    see(&mut bench, "co2", 800.0);
    assert_eq!(bench.level("exhaust"), Some(0.2));
}

#[test]
fn a_rule_that_is_over_late_makes_no_stopped_zone_less_hot() {
    let mut bench = stopped(vec![exhaust()]);
    let above = |limit, clear| SafetySpec {
        id: text("mine"),
        when: Danger::Above {
            quantity: temperature(),
            limit,
            clear,
        },
        ..co2_rule()
    };
    bench
        .gate
        .safety(&[above(60.0, 57.0)], &Restored::default());
    see(&mut bench, "temperature", 38.0);
    assert_eq!(bench.level("exhaust"), Some(1.0));
    see(&mut bench, "temperature", 33.0);
    assert_eq!(bench.level("exhaust"), Some(0.2));
    let both = [above(60.0, 57.0), above(35.0, 32.0)];
    bench.gate.safety(&both, &Restored::default());
    bench.pass(MINUTE);
    assert_eq!(bench.level("exhaust"), Some(1.0), "it may be sooner");
}

#[test]
fn who_comes_while_a_trip_stands_is_bound_by_it() {
    let mut bench = tripped();
    let valve = bench.gate.devices[&id("valve")].spec.clone();
    let mut moved = valve.clone();
    moved.output = "null:other".into();
    let table = |valve: Option<&DeviceSpec>| {
        let devices = valve.cloned().into_iter().chain([exhaust()]);
        devices.map(|spec| (spec.id.clone(), spec)).collect()
    };
    bench.gate.exchange(&table(Some(&moved)), bench.now);
    bench.pass(MINUTE);
    assert_eq!(
        kind(bench.set(&person("anna"), "valve", 1.0)),
        (VerdictKind::Denied, "safety"),
        "another output"
    );
    bench.gate.exchange(&table(None), bench.now);
    bench.pass(MINUTE);
    bench.gate.exchange(&table(Some(&valve)), bench.now);
    bench.pass(MINUTE);
    assert_eq!(
        kind(bench.set(&person("anna"), "valve", 1.0)),
        (VerdictKind::Denied, "safety"),
        "taken out, and back again"
    );
    let mut elsewhere = exhaust();
    elsewhere.output = "null:elsewhere".into();
    let table = [(valve.id.clone(), valve), (id("exhaust"), elsewhere)];
    bench.gate.exchange(&table.into(), bench.now);
    bench.pass(MINUTE);
    assert_eq!(bench.level("exhaust"), Some(1.0));
}

#[test]
fn what_the_file_says_of_latches_meanwhile_is_for_the_next_trip() {
    let latching = |latch| SafetySpec {
        latch,
        ..co2_rule()
    };
    for latched in [true, false] {
        let mut bench = bench();
        bench
            .gate
            .safety(&[latching(latched)], &Restored::default());
        measure(&mut bench, 2100.0);
        bench.pass(MINUTE);
        bench
            .gate
            .safety(&[latching(!latched)], &Restored::default());
        let refused = bench.gate.reset(None).unwrap_err().code;
        let expected = if latched {
            "not_clear"
        } else {
            "nothing_stopped"
        };
        assert_eq!(refused, expected);
        assert_eq!(bench.gate.trips().count(), 1);
        measure(&mut bench, 1000.0);
        bench.pass(MINUTE);
        assert_eq!(bench.gate.trips().count(), usize::from(latched));
        assert_eq!(bench.gate.reset(None).is_ok(), latched);
    }
}
