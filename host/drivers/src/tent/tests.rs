//! How the tent behaves, and what holds whatever one does to it.

use growbox_model::Span;
use proptest::prelude::*;

use super::*;

fn tent_with(on: &[(Output, f64)]) -> Tent {
    let mut tent = Tent::new(1);
    for (output, level) in on {
        tent.set(*output, *level, None).unwrap();
    }
    tent
}

fn after(on: &[(Output, f64)], span: Span) -> Tent {
    let mut tent = tent_with(on);
    tent.step(span);
    tent
}

const ALL_DAY: Span = Span::hours(24);

#[test]
fn alone_it_becomes_like_the_room() {
    let mut tent = after(
        &[(Output::Heater, 1.0), (Output::Humidifier, 1.0)],
        Span::hours(2),
    );
    assert!(tent.air().celsius > tent.ambient_air().celsius + 3.0);
    tent.set(Output::Heater, 0.0, None).unwrap();
    tent.set(Output::Humidifier, 0.0, None).unwrap();
    tent.step(ALL_DAY);
    let (inside, outside) = (tent.air(), tent.ambient_air());
    assert!((inside.celsius - outside.celsius).abs() < 0.7, "{inside:?}");
    assert!((inside.water - outside.water).abs() < 2.0, "{inside:?}");
    assert!((inside.co2 - outside.co2).abs() < 40.0, "{inside:?}");
}

#[test]
fn the_lamp_warms_a_closed_tent_by_three_to_six_kelvin() {
    let tent = after(
        &[(Output::Light, 1.0), (Output::Circulation, 1.0)],
        Span::hours(6),
    );
    let rise = tent.air().celsius - tent.ambient_air().celsius;
    assert!((3.0..6.0).contains(&rise), "{rise}");
    assert!(
        tent.air().humidity() > 75.0,
        "plants make a closed tent wet: {:?}",
        tent.air()
    );
    assert!(
        tent.air().co2 < 350.0,
        "and starve it of CO2: {:?}",
        tent.air()
    );
    assert!((tent.air().ppfd - 405.0).abs() < 1e-9);
}

#[test]
fn the_exhaust_takes_heat_and_water_out() {
    let lit = [(Output::Light, 1.0), (Output::Exhaust, 1.0)];
    let tent = after(&lit, Span::hours(6));
    assert!(
        tent.air().celsius - tent.ambient_air().celsius < 2.5,
        "{:?}",
        tent.air()
    );
    assert!(tent.air().humidity() < 50.0, "{:?}", tent.air());
}

#[test]
fn ten_minutes_of_humidifier_show() {
    let mut tent = tent_with(&[(Output::Light, 1.0), (Output::Exhaust, 0.25)]);
    tent.step(Span::hours(2));
    let before = tent.air();
    tent.set(Output::Humidifier, 1.0, None).unwrap();
    tent.step(Span::minutes(10));
    let now = tent.air();
    assert!(
        (8.0..30.0).contains(&(now.humidity() - before.humidity())),
        "{before:?} {now:?}"
    );
    assert!(now.celsius < before.celsius, "mist cools");
    assert!(now.vpd(0.0) < before.vpd(0.0));
}

#[test]
fn the_heater_warms_and_dries_without_taking_water() {
    let (without, with) = (
        after(&[], Span::hours(1)),
        after(&[(Output::Heater, 1.0)], Span::hours(1)),
    );
    assert!(with.air().celsius > without.air().celsius + 7.0);
    assert!(with.air().humidity() < without.air().humidity());
    assert!(with.air().water >= without.air().water);
}

#[test]
fn the_dehumidifier_takes_water_and_heats() {
    let lit = [(Output::Light, 1.0)];
    let mut tent = after(&lit, Span::hours(3));
    let wet = tent.air();
    tent.set(Output::Dehumidifier, 1.0, None).unwrap();
    tent.step(Span::minutes(30));
    assert!(tent.air().water < wet.water - 1.0);
    assert!(tent.air().celsius > wet.celsius);
}

#[test]
fn what_nobody_sets_again_goes_off_at_its_instant() {
    let mut tent = Tent::new(1);
    tent.set(Output::Heater, 1.0, Some(Span::millis(2500)))
        .unwrap();
    assert_eq!(tent.step(Span::millis(2499)), []);
    tent.set(Output::Heater, 1.0, Some(Span::millis(2500)))
        .unwrap();
    assert_eq!(tent.next_lapse(), Some(Span::millis(4999)));
    let lapsed = tent.step(Span::hours(1));
    let at = Span::millis(4999);
    let expected = Switch {
        at,
        output: Output::Heater,
        level: 0.0,
        by: SwitchedBy::DeadMan,
    };
    assert_eq!(lapsed, [expected]);
    assert_eq!(tent.level(Output::Heater), 0.0);
}

#[test]
fn the_same_seed_reads_the_same_and_another_does_not() {
    let read = |seed| {
        let mut tent = Tent::new(seed);
        tent.set(Output::Light, 1.0, None).unwrap();
        tent.step(Span::minutes(7));
        tent.readings()
    };
    assert_eq!(read(4), read(4));
    assert_ne!(read(4), read(5));
}

/// A grower's thumb: humidifier when too dry, more exhaust when too wet, both with the rests
/// their roles have. If this cannot hold the range, no plug-in can.
#[test]
fn a_simple_control_holds_mid_vegetation() {
    const LEAF: f64 = -1.5;
    let mut tent = tent_with(&[
        (Output::Light, 1.0),
        (Output::Circulation, 1.0),
        (Output::Exhaust, 0.25),
    ]);
    let (mut in_band, mut rested, mut started) = (0, 0_u32, 0_u32);
    let minutes = 24 * 60;
    for minute in 0..minutes {
        tent.set(Output::Light, f64::from(u8::from(minute < 18 * 60)), None)
            .unwrap();
        let vpd = tent.air().vpd(LEAF);
        let middle = if minute < 18 * 60 { 0.92 } else { 0.77 };
        let running = tent.level(Output::Humidifier) > 0.0;
        (rested, started) = if running {
            (0, started + 1)
        } else {
            (rested + 1, 0)
        };
        if vpd > middle + 0.05 && rested >= 2 {
            tent.set(Output::Humidifier, 1.0, None).unwrap();
        } else if vpd < middle - 0.05 && started >= 1 {
            tent.set(Output::Humidifier, 0.0, None).unwrap();
        }
        tent.step(Span::minutes(1));
        let range = if minute < 18 * 60 {
            0.75..=1.10
        } else {
            0.60..=0.95
        };
        in_band += u32::from(range.contains(&tent.air().vpd(LEAF)));
    }
    let share = f64::from(in_band) / f64::from(minutes);
    assert!(share > 0.9, "{share}");
}

fn any_order() -> impl Strategy<Value = (usize, f64, Option<u64>, u64)> {
    (
        0..OUTPUTS.len(),
        0.0..=1.0_f64,
        proptest::option::of(0..2_000_u64),
        0..4_000_u64,
    )
}

fn apply(tent: &mut Tent, (output, level, within, _): &(usize, f64, Option<u64>, u64)) {
    let output = OUTPUTS[*output];
    let level = if output.switched() {
        level.round()
    } else {
        *level
    };
    tent.set(output, level, within.map(Span::seconds)).unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_air_stays_air(orders in proptest::collection::vec(any_order(), 1..20)) {
        let mut tent = Tent::new(9);
        for order in &orders {
            apply(&mut tent, order);
            tent.step(Span::seconds(order.3));
            let air = tent.air();
            prop_assert!(air.water >= 0.0 && air.co2 >= 0.0 && air.ppfd >= 0.0);
            prop_assert!((0.0..=100.0).contains(&air.humidity()));
            prop_assert!(air.water <= air.saturation() * (1.0 + 1e-6));
            prop_assert!((5.0..60.0).contains(&air.celsius), "{air:?}");
            for reading in tent.readings() {
                prop_assert!(reading.value.is_finite());
            }
        }
    }

    #[test]
    fn however_time_is_cut_the_tent_is_the_same(
        orders in proptest::collection::vec(any_order(), 1..6), cuts in 1..7_u64,
    ) {
        let (mut whole, mut cut) = (Tent::new(3), Tent::new(3));
        for order in &orders {
            apply(&mut whole, order);
            apply(&mut cut, order);
            let span = Span::millis(order.3 * 100 + 50);
            let at_once = whole.step(span);
            let part = Span(span.0 / cuts);
            let mut piecemeal = Vec::new();
            for _ in 1..cuts {
                piecemeal.extend(cut.step(part));
            }
            piecemeal.extend(cut.step(Span(span.0 - part.0 * (cuts - 1))));
            prop_assert_eq!(at_once, piecemeal);
            prop_assert_eq!(whole.air(), cut.air());
            prop_assert_eq!(whole.readings(), cut.readings());
        }
    }

    #[test]
    fn more_heat_is_never_colder(orders in proptest::collection::vec(any_order(), 1..10)) {
        let (mut without, mut with) = (Tent::new(3), Tent::new(3));
        for order in orders.iter().filter(|order| OUTPUTS[order.0] != Output::Heater) {
            apply(&mut without, order);
            apply(&mut with, order);
            with.set(Output::Heater, 1.0, None).unwrap();
            without.step(Span::seconds(order.3));
            with.step(Span::seconds(order.3));
            prop_assert!(with.air().celsius >= without.air().celsius - 1e-9);
        }
    }

    #[test]
    fn no_level_outlives_its_time(level in 0.1..=1.0_f64, within in 0..600_u64, more in 0..600_u64) {
        let mut tent = Tent::new(3);
        tent.set(Output::Exhaust, level, Some(Span::seconds(within))).unwrap();
        tent.step(Span::seconds(within + more));
        prop_assert_eq!(tent.level(Output::Exhaust), 0.0);
    }
}

#[test]
fn plants_drink_by_day_what_the_pump_must_bring_back() {
    let lit = [
        (Output::Light, 1.0),
        (Output::Circulation, 1.0),
        (Output::Exhaust, 0.25),
    ];
    let mut tent = tent_with(&lit);
    let before = tent.moisture();
    tent.step(Span::hours(18));
    let drunk = before - tent.moisture();
    assert!((3.0..10.0).contains(&drunk), "{drunk} % of 44 l in a day");
    tent.set(Output::Pump, 1.0, Some(Span::seconds(60)))
        .unwrap();
    let dry = tent.moisture();
    tent.step(Span::minutes(2));
    assert_eq!(tent.level(Output::Pump), 0.0, "by its own timer");
    assert!((3.5..4.5).contains(&(tent.moisture() - dry)));
}

#[test]
fn wilted_plants_dry_no_air_and_a_dry_pump_waters_none() {
    let lit = [(Output::Light, 1.0), (Output::Exhaust, 0.5)];
    let mut dry = tent_with(&lit);
    dry.step(Span::hours(24 * 20));
    assert!(dry.moisture() < 16.0, "{}", dry.moisture());
    let mut wet = dry.clone();
    wet.set(Output::Pump, 1.0, Some(Span::minutes(8))).unwrap();
    for tent in [&mut dry, &mut wet] {
        tent.step(Span::hours(3));
    }
    assert!(wet.air().humidity() > dry.air().humidity() + 1.0);
    wet.set(Output::Pump, 1.0, Some(Span::minutes(30))).unwrap();
    wet.step(Span::hours(1));
    let level = wet
        .readings()
        .into_iter()
        .find(|r| r.quantity == "water_level");
    assert!(level.unwrap().value < 1.0);
    let before = wet.moisture();
    wet.set(Output::Pump, 1.0, Some(Span::minutes(2))).unwrap();
    wet.step(Span::minutes(2));
    assert!(wet.moisture() <= before);
    wet.refill();
    wet.set(Output::Pump, 1.0, Some(Span::minutes(2))).unwrap();
    wet.step(Span::minutes(2));
    assert!(wet.moisture() > before);
}
