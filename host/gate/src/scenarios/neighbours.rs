//! Neighbours: never with, needs first, circuits, light, and what gives way to safety and stops.

use growbox_model::{CircuitSpec, Danger, DeviceSpec, SafetySpec, ZoneId};

use super::*;

const SETTLE: Span = Span::seconds(5);

/// A valve that never runs with the exhaust, and has no other wish.
fn valve() -> DeviceSpec {
    let mut valve = device("valve", "co2");
    valve.never_with = vec![id("exhaust")];
    valve.needs.clear();
    valve.needs_light = false;
    valve.cool_down = Span::ZERO;
    valve
}

fn fan() -> DeviceSpec {
    let mut fan = exhaust();
    fan.slew = None;
    fan
}

fn on_circuit(name: &str, watts: f64) -> DeviceSpec {
    let mut spec = device(name, "other");
    spec.circuit = Some("mains".into());
    spec.watts = Some(watts);
    (spec.min_on, spec.min_off) = (Span::ZERO, Span::ZERO);
    spec
}

fn with_circuit(devices: Vec<DeviceSpec>) -> Bench {
    let mut bench = on_mains(Bench::of(devices));
    bench.pass(Span::hours(1));
    bench.forget();
    bench
}

fn on_mains(mut bench: Bench) -> Bench {
    let mains = CircuitSpec {
        id: "mains".into(),
        max_amperes: 10.0,
        volts: 230.0,
    };
    bench
        .gate
        .circuits(&[(mains.id.clone(), mains)].into_iter().collect());
    bench.settle();
    bench
}

/// A level above idling that a person's hold forces nowhere and safety would.
fn urge(bench: &mut Bench, name: &str, level: f64) {
    let device = bench.gate.devices.get_mut(name).unwrap();
    device.spec.safe_level = level;
    bench
        .gate
        .stop(None, &"the room is hot".into(), &person("anna"));
}

#[test]
fn what_runs_keeps_the_other_idle_until_it_has_been_out_of_the_way_for_the_settle_time() {
    let mut bench = Bench::rested(vec![fan(), valve()]);
    bench.set(&plugin("vpd"), "exhaust", 0.6);
    let verdict = bench.set(&plugin("low"), "valve", 1.0).unwrap();
    assert_eq!(
        (verdict.kind, verdict.policy),
        (VerdictKind::Dampened, "never_with")
    );
    assert!(why(&bench, "valve").contains("exhaust never runs at the same time"));
    bench.ask(&plugin("vpd"), "exhaust", Command::Release, None);
    assert_eq!(
        (bench.level("exhaust"), bench.level("valve")),
        (Some(0.2), Some(0.0))
    );
    bench.pass(SETTLE);
    assert_eq!(
        bench.level("valve"),
        Some(1.0),
        "the exhaust idles, and is in nobody's way"
    );
    let verdict = bench.set(&plugin("vpd"), "exhaust", 0.9).unwrap();
    assert_eq!(verdict.policy, "never_with");
    assert_eq!(bench.level("exhaust"), Some(0.2));
}

#[test]
fn of_two_wishes_at_once_the_higher_one_is_in_force() {
    let mut bench = Bench::rested(vec![fan(), valve()]);
    bench.ask_only(&plugin("vpd"), "exhaust", Command::Level(0.6), None);
    bench.ask_only(&person("anna"), "valve", Command::Level(1.0), None);
    bench.settle();
    assert_eq!(
        (bench.level("exhaust"), bench.level("valve")),
        (Some(0.2), Some(1.0))
    );
}

#[test]
fn a_stop_displaces_and_waits_for_the_confirmation() {
    let mut bench = Bench::rested(vec![fan(), valve()]);
    bench.set(&plugin("vpd"), "valve", 1.0);
    bench.forget();
    bench.confirms = false;
    urge(&mut bench, "exhaust", 1.0);
    bench.settle();
    assert_eq!(levels(&bench), [0.0], "the valve first");
    let closed = DriverReport::Confirmed(id("valve"), 0.0);
    bench.gate.report(&closed, bench.now);
    bench.settle();
    assert_eq!(levels(&bench), [0.0, 1.0]);
}

#[test]
fn a_lost_valve_does_not_keep_the_exhaust_shut_and_the_record_says_so() {
    let mut bench = Bench::rested(vec![fan(), valve()]);
    bench.set(&plugin("vpd"), "valve", 1.0);
    let lost = DriverReport::Available(id("valve"), false);
    bench.gate.report(&lost, bench.now);
    bench.settle();
    bench.forget();
    urge(&mut bench, "exhaust", 1.0);
    bench.settle();
    assert!(bench.orders.is_empty(), "{:?}", bench.orders);
    bench.pass(SETTLE);
    assert_eq!(bench.level("exhaust"), Some(1.0));
    let trigger = &bench.said.changes.last().unwrap().trigger;
    assert!(
        trigger.contains("though valve was not seen to get out of its way"),
        "{trigger}"
    );
}

/// Too much CO2: the exhaust runs. The rule says nothing of the valve.
fn rule() -> SafetySpec {
    SafetySpec {
        id: "tent-co2".into(),
        zone: crate::bench::zone(),
        when: Danger::Above {
            quantity: Quantity::new("co2").unwrap(),
            limit: 2000.0,
            clear: 1500.0,
        },
        dwell: Span::ZERO,
        latch: false,
        devices: [(id("exhaust"), 1.0)].into(),
        message: "too much CO2".into(),
        shipped: false,
    }
}

fn too_much(bench: &mut Bench) {
    bench.world.measures.insert("co2", 2500.0);
    let (zone, co2) = (crate::bench::zone(), Quantity::new("co2").unwrap());
    bench.gate.see(&zone, &co2, Seq(1), &bench.world, bench.now);
    bench.settle();
}

#[test]
fn safety_displaces_who_its_rule_does_not_name_minimum_on_or_not_and_says_for_whom() {
    let stays = |_: &mut Bench| {};
    let lets_go = |bench: &mut Bench| {
        bench.ask(&plugin("vpd"), "valve", Command::Release, None);
    };
    let locks_out = |bench: &mut Bench| {
        let (who, why) = (text("anna"), text("hands inside"));
        bench
            .gate
            .lock_out(&id("valve"), &who, &why, bench.now)
            .unwrap();
        bench.settle();
    };
    for before in [stays, lets_go, locks_out] {
        let mut bench = Bench::rested(vec![fan(), valve()]);
        bench.gate.safety(&[rule()], &Restored::default());
        bench.set(&plugin("vpd"), "valve", 1.0);
        bench.pass(Span::seconds(4));
        before(&mut bench);
        assert_eq!(bench.level("valve"), Some(1.0));
        bench.forget();
        bench.confirms = false;
        too_much(&mut bench);
        assert_eq!(levels(&bench), [0.0], "the valve first");
        let closed = DriverReport::Confirmed(id("valve"), 0.0);
        bench.gate.report(&closed, bench.now);
        bench.settle();
        assert_eq!(levels(&bench), [0.0, 1.0]);
        assert_eq!(
            bench.said.changes[0].trigger,
            "never_with: it gives way to exhaust (safety:tent-co2); breaks the minimum on of 10s"
        );
    }
}

#[test]
fn safety_waits_no_longer_for_who_cannot_be_reached() {
    let mut bench = Bench::rested(vec![fan(), valve()]);
    bench.gate.safety(&[rule()], &Restored::default());
    bench.set(&plugin("vpd"), "valve", 1.0);
    let lost = DriverReport::Available(id("valve"), false);
    bench.gate.report(&lost, bench.now);
    bench.settle();
    bench.forget();
    too_much(&mut bench);
    bench.pass(Span::seconds(4));
    assert_eq!(bench.orders, []);
    bench.pass(Span::seconds(1));
    assert_eq!(levels(&bench), [1.0]);
    let back = DriverReport::Available(id("valve"), true);
    bench.gate.report(&back, bench.now);
    bench.settle();
    assert_eq!(levels(&bench), [1.0, 0.0], "it gives way as soon as it can");
}

#[test]
fn an_unreachable_neighbour_refuses_a_controller() {
    let mut bench = Bench::rested(vec![fan(), valve()]);
    let lost = DriverReport::Available(id("valve"), false);
    bench.gate.report(&lost, bench.now);
    bench.settle();
    let verdict = bench.set(&plugin("vpd"), "exhaust", 0.6).unwrap();
    assert_eq!(verdict.policy, "never_with");
    assert!(verdict.why.contains("may be running"), "{}", verdict.why);
}

#[test]
fn a_heater_waits_for_its_fan_and_the_fan_stays_as_long_as_the_heater() {
    let mut fan = device("fan", "circulation");
    fan.safe_level = 0.0;
    fan.start_level = 0.0;
    fan.min_on = Span::ZERO;
    let mut heater = heater();
    heater.needs_first = vec![id("fan")];
    heater.min_on = Span::ZERO;
    let mut bench = Bench::rested(vec![fan, heater]);
    let verdict = bench.set(&plugin("vpd"), "heater", 1.0).unwrap();
    assert_eq!(
        (verdict.kind, verdict.policy),
        (VerdictKind::Dampened, "needs_first")
    );
    bench.set(&plugin("low"), "fan", 1.0);
    assert_eq!(bench.level("heater"), Some(0.0));
    bench.pass(SETTLE);
    assert_eq!(bench.level("heater"), Some(1.0));
    let verdict = bench.set(&plugin("low"), "fan", 0.0).unwrap();
    assert_eq!(verdict.policy, "needs_first");
    assert_eq!(bench.level("fan"), Some(1.0));
    bench.set(&plugin("vpd"), "heater", 0.0);
    assert_eq!(
        (bench.level("heater"), bench.level("fan")),
        (Some(0.0), Some(0.0))
    );
}

#[test]
fn on_the_way_home_of_a_zone_that_is_only_observed_who_is_needed_goes_last() {
    let mut fan = device("fan", "circulation");
    (fan.safe_level, fan.start_level) = (0.0, 0.0);
    (fan.min_on, fan.settle_time) = (Span::ZERO, Span::ZERO);
    let mut heater = heater();
    heater.needs_first = vec![id("fan")];
    heater.settle_time = Span::ZERO;
    let mut bench = Bench::rested(vec![fan, heater.clone()]);
    bench.set(&plugin("low"), "fan", 1.0);
    bench.set(&plugin("vpd"), "heater", 1.0);
    bench.world.operation = Operation::Observe;
    bench.settle();
    let levels = |bench: &Bench| (bench.level("heater"), bench.level("fan"));
    assert_eq!(
        levels(&bench),
        (Some(1.0), Some(1.0)),
        "it runs its shortest"
    );
    bench.pass(heater.min_on);
    assert_eq!(levels(&bench), (Some(0.0), Some(0.0)));
}

#[test]
fn what_would_be_too_much_for_a_circuit_waits() {
    let mut bench = with_circuit(vec![on_circuit("a", 1500.0), on_circuit("b", 1500.0)]);
    bench.set(&plugin("vpd"), "a", 1.0);
    let verdict = bench.set(&plugin("vpd"), "b", 1.0).unwrap();
    assert_eq!(
        (verdict.kind, verdict.policy),
        (VerdictKind::Dampened, "current")
    );
    assert!(verdict.why.contains("circuit mains bears 10 A"));
    bench.set(&plugin("vpd"), "a", 0.0);
    assert_eq!(bench.level("b"), Some(0.0), "one start in two seconds");
    bench.pass(Span::seconds(2));
    assert_eq!(bench.level("b"), Some(1.0));
}

#[test]
fn an_increase_waits_until_the_decrease_it_needs_is_confirmed() {
    let mut bench = with_circuit(vec![on_circuit("a", 1500.0), on_circuit("b", 1500.0)]);
    bench.set(&plugin("vpd"), "b", 1.0);
    bench.pass(Span::seconds(10));
    bench.forget();
    bench.confirms = false;
    bench.ask_only(&plugin("vpd"), "a", Command::Level(1.0), None);
    bench.ask_only(&plugin("vpd"), "b", Command::Level(0.0), None);
    bench.settle();
    assert_eq!(levels(&bench), [0.0]);
    bench
        .gate
        .report(&DriverReport::Confirmed(id("b"), 0.0), bench.now);
    bench.settle();
    assert_eq!(levels(&bench), [0.0, 1.0]);
}

#[test]
fn devices_of_a_circuit_start_two_seconds_apart() {
    let mut bench = with_circuit(vec![on_circuit("a", 100.0), on_circuit("b", 100.0)]);
    bench.ask_only(&plugin("vpd"), "a", Command::Level(1.0), None);
    bench.ask_only(&plugin("vpd"), "b", Command::Level(1.0), None);
    bench.settle();
    assert_eq!((bench.level("a"), bench.level("b")), (Some(1.0), Some(0.0)));
    bench.pass(Span::seconds(2));
    assert_eq!(bench.level("b"), Some(1.0));
}

#[test]
fn a_start_just_before_the_host_began_spaces_the_next_one() {
    let began_after = |clean: bool| {
        let restored = Restored {
            clean,
            same_boot: true,
            ..Restored::default()
        };
        let devices = vec![on_circuit("a", 100.0), on_circuit("b", 100.0)];
        let mut bench = on_mains(Bench::restored(devices, &restored, Operation::Control));
        bench.set(&plugin("vpd"), "b", 1.0);
        bench
    };
    assert_eq!(began_after(true).level("b"), Some(1.0));
    let mut unclean = began_after(false);
    assert_eq!(unclean.level("b"), Some(0.0), "a may have started just now");
    unclean.pass(Span::seconds(2));
    assert_eq!(unclean.level("b"), Some(1.0));
}

#[test]
fn a_stop_takes_the_current_it_needs_from_those_that_matter_least() {
    let mut bench = with_circuit(vec![
        on_circuit("a", 1000.0),
        on_circuit("b", 1000.0),
        on_circuit("fan", 1000.0),
    ]);
    bench.set(&person("anna"), "a", 1.0);
    bench.pass(Span::seconds(2));
    bench.set(&plugin("vpd"), "b", 1.0);
    bench.pass(Span::seconds(2));
    bench.forget();
    let mut hot = bench.gate.devices["fan"].spec.clone();
    hot.zone = Some(ZoneId::new("attic").unwrap());
    hot.safe_level = 1.0;
    bench.gate.devices.get_mut("fan").unwrap().spec = hot;
    let attic = ZoneId::new("attic").unwrap();
    bench
        .gate
        .stop(Some(&attic), &"hot".into(), &person("anna"));
    bench.pass(Span::seconds(2));
    let levels = ["a", "b", "fan"].map(|name| bench.level(name));
    assert_eq!(levels, [Some(1.0), Some(0.0), Some(1.0)]);
    assert!(
        why(&bench, "b").contains("circuit mains bears 10 A"),
        "{}",
        why(&bench, "b")
    );
}

#[test]
fn in_the_dark_and_where_nobody_knows_it_does_not_run() {
    let mut thirsty = valve();
    thirsty.never_with.clear();
    thirsty.needs_light = true;
    let mut bench = Bench::rested(vec![thirsty.clone()]);
    for (day, level) in [
        (None, 0.0),
        (Some(false), 0.0),
        (Some(true), 1.0),
        (Some(false), 0.0),
    ] {
        bench.world.day = day;
        bench.set(&plugin("vpd"), "valve", 1.0);
        bench.pass(Span::minutes(1));
        assert_eq!(bench.level("valve"), Some(level), "{day:?}");
    }
    let mut lamp = device("lamp", "light");
    lamp.min_on = Span::ZERO;
    let mut bench = Bench::rested(vec![thirsty, lamp]);
    bench.world.day = Some(true);
    let verdict = bench.set(&plugin("vpd"), "valve", 1.0).unwrap();
    assert_eq!(verdict.policy, "needs_light");
    bench.set(&plugin("vpd"), "lamp", 1.0);
    assert_eq!(bench.level("valve"), Some(1.0));
    bench.set(&plugin("vpd"), "lamp", 0.0);
    bench.pass(Span::minutes(1));
    assert_eq!(bench.level("valve"), Some(0.0));
}
