//! Both sides, every kind of device, wet and dry days outside, silence, time: all natively.

use super::*;
use growbox_sdk::climate::{PartOfDay, Stage};
use growbox_sdk::{Celsius, CelsiusDelta, Percent, minutes, seconds};
use proptest::prelude::*;

const EVERYTHING: [(&str, Role); 7] = [
    ("exhaust", Role::Exhaust),
    ("intake", Role::Intake),
    ("circulation", Role::Circulation),
    ("heater", Role::Heater),
    ("cooler", Role::Cooler),
    ("humidifier", Role::Humidifier),
    ("dehumidifier", Role::Dehumidifier),
];

fn air(celsius: f64, humidity: f64) -> Air {
    Air::new(Celsius(celsius), Percent(humidity), CelsiusDelta(0.0))
}

fn device(id: &str, role: Role) -> Means {
    Means {
        id: id.into(),
        role,
        switched: !role_is_fan(role),
        running: false,
    }
}

fn role_is_fan(role: Role) -> bool {
    matches!(role, Role::Exhaust | Role::Intake | Role::Circulation)
}

fn devices(ids: &[&str]) -> Vec<Means> {
    let chosen = EVERYTHING.iter().filter(|(id, _)| ids.contains(id));
    chosen.map(|(id, role)| device(id, *role)).collect()
}

fn everything() -> Vec<Means> {
    EVERYTHING
        .iter()
        .map(|(id, role)| device(id, *role))
        .collect()
}

/// Mid-veg by day: VPD 0.75–1.10 kPa, 21–27 °C, 58–70 %.
fn mid_veg() -> Wanted {
    let profile = Stage::MidVeg.profile(PartOfDay::Day);
    Wanted {
        vpd: profile.vpd,
        temperature: Some(profile.temperature),
        humidity: Some(profile.humidity),
    }
}

fn situation(inside: Air, outside: Option<Air>, means: &[Means]) -> Situation<'_> {
    Situation {
        air: Ok(inside),
        outside,
        wanted: mid_veg(),
        means,
        now: at(Span::ZERO),
        patience: minutes(5),
        circulation: Level(0.5),
    }
}

fn at(span: Span) -> Moment {
    Moment::default() + span
}

/// What is wished for besides circulation.
fn active(decision: &Decision) -> Vec<&str> {
    let active = decision
        .wishes
        .iter()
        .filter(|wish| wish.device != "circulation");
    active.map(|wish| wish.device.as_str()).collect()
}

fn fresh(situation: &Situation) -> Decision {
    decide(situation, &Held::default())
}

fn reason<'a>(decision: &'a Decision, device: &str) -> &'a str {
    let wish = decision.wishes.iter().find(|wish| wish.device == device);
    wish.map_or("", |wish| &wish.reason)
}

/// 25 °C, 77 %: VPD 0.73, too damp.
fn damp() -> Air {
    air(25.0, 77.0)
}

/// 25 °C, 60 %: VPD 1.27, too dry.
fn dry() -> Air {
    air(25.0, 60.0)
}

fn held(direction: Direction, since: Span) -> Held {
    Held {
        moisture: Some(Begun {
            direction,
            since: at(since),
        }),
        warmth: None,
    }
}

#[test]
fn inside_the_range_only_circulation_runs() {
    let all = everything();
    let decision = fresh(&situation(air(25.0, 70.0), Some(air(20.0, 45.0)), &all));
    assert_eq!(active(&decision), [""; 0]);
    let circulation = Wish {
        device: "circulation".into(),
        level: 0.5,
        reason: "evens leaf and air".into(),
    };
    assert_eq!(decision.wishes, [circulation]);
    assert_eq!(decision.held, Held::default());
    assert_eq!(decision.off_range, None);
    assert_eq!(decision.otherwise, "VPD 0.95 is inside 0.75–1.10 kPa");
}

#[test]
fn too_damp_and_drier_outside_opens_the_exhaust() {
    let all = everything();
    let decision = fresh(&situation(damp(), Some(air(21.0, 45.0)), &all));
    assert_eq!(active(&decision), ["exhaust", "intake"]);
    assert_eq!(
        reason(&decision, "exhaust"),
        "VPD 0.73 < 0.75 kPa; outside is drier, 8.2 < 17.7 g/m³"
    );
    assert_eq!(decision.off_range, Some(Direction::Drier));
}

#[test]
fn on_a_wet_day_the_exhaust_stays_out_of_it() {
    let all = everything();
    // 26 °C and 80 % is wetter than 25 °C and 77 %, though both are "80 % or so".
    let decision = fresh(&situation(damp(), Some(air(26.0, 80.0)), &all));
    assert_eq!(active(&decision), ["dehumidifier"]);
}

#[test]
fn relative_humidity_does_not_deceive() {
    let all = everything();
    // 95 % at 8 °C is far drier air than 77 % at 25 °C.
    let decision = fresh(&situation(damp(), Some(air(8.0, 95.0)), &all));
    assert_eq!(active(&decision), ["exhaust", "intake"]);
    // 50 % at 35 °C is far wetter.
    let decision = fresh(&situation(damp(), Some(air(35.0, 50.0)), &all));
    assert_eq!(active(&decision), ["dehumidifier"]);
}

#[test]
fn without_knowledge_of_outside_air_is_not_exchanged() {
    let all = everything();
    assert_eq!(
        active(&fresh(&situation(damp(), None, &all))),
        ["dehumidifier"]
    );
}

#[test]
fn cold_air_is_not_drawn_in_at_the_cold_end() {
    let all = everything();
    // 21.5 °C, 80 %: VPD 0.51; outside 10 °C would cool further.
    let decision = fresh(&situation(air(21.5, 80.0), Some(air(10.0, 60.0)), &all));
    assert_eq!(active(&decision), ["dehumidifier"]);
}

#[test]
fn too_dry_and_wetter_outside_opens_the_exhaust() {
    let all = everything();
    let decision = fresh(&situation(dry(), Some(air(26.0, 75.0)), &all));
    assert_eq!(
        reason(&decision, "exhaust"),
        "VPD 1.27 > 1.10 kPa; outside is wetter, 18.3 > 13.8 g/m³"
    );
    assert_eq!(decision.off_range, Some(Direction::Damper));
}

#[test]
fn too_dry_and_drier_outside_takes_the_humidifier() {
    let all = everything();
    let decision = fresh(&situation(dry(), Some(air(24.5, 30.0)), &all));
    assert_eq!(active(&decision), ["humidifier"]);
    assert_eq!(
        reason(&decision, "humidifier"),
        "VPD 1.27 > 1.10 kPa; humidity 60 % may rise to 70 %"
    );
}

#[test]
fn too_dry_because_too_warm_is_cooled_by_cooler_air() {
    let fan = devices(&["exhaust"]);
    // 26.5 °C, 55 %: VPD 1.56; 18 °C, 75 % outside carries less water but cools more.
    let decision = fresh(&situation(air(26.5, 55.0), Some(air(18.0, 75.0)), &fan));
    assert_eq!(
        reason(&decision, "exhaust"),
        "VPD 1.56 > 1.10 kPa; outside is cooler, 18.0 < 26.5 °C"
    );
}

#[test]
fn other_means_when_the_frugal_one_is_missing() {
    for (means, inside, expected) in [
        (vec!["heater"], damp(), vec!["heater"]),
        (vec!["heater", "dehumidifier"], damp(), vec!["dehumidifier"]),
        (vec!["cooler"], dry(), vec!["cooler"]),
        (vec!["cooler", "humidifier"], dry(), vec!["humidifier"]),
        (vec![], damp(), vec![]),
        (vec!["circulation"], damp(), vec![]),
        (vec!["humidifier"], damp(), vec![]),
        (vec!["heater", "dehumidifier"], dry(), vec![]),
    ] {
        let means = devices(&means);
        let decision = fresh(&situation(inside, None, &means));
        assert_eq!(active(&decision), expected, "{means:?}");
    }
}

#[test]
fn more_devices_join_with_time() {
    let all = everything();
    let outside = Some(air(21.0, 45.0));
    for (lasted, expected) in [
        (minutes(4), vec!["exhaust", "intake"]),
        (minutes(5), vec!["exhaust", "intake", "dehumidifier"]),
        (
            minutes(10),
            vec!["exhaust", "intake", "dehumidifier", "heater"],
        ),
        (
            minutes(99),
            vec!["exhaust", "intake", "dehumidifier", "heater"],
        ),
    ] {
        let mut situation = situation(damp(), outside, &all);
        situation.now = at(lasted);
        let decision = decide(&situation, &held(Direction::Drier, Span::ZERO));
        assert_eq!(active(&decision), expected, "{lasted}");
        assert_eq!(decision.held, held(Direction::Drier, Span::ZERO));
    }
}

#[test]
fn the_deadband_is_left_toward_the_middle() {
    let all = devices(&["dehumidifier"]);
    // 25 °C: 75 % is VPD 0.79, inside the range, but not past 0.84; 72 % is 0.89.
    let going_on = held(Direction::Drier, Span::ZERO);
    let inside = situation(air(25.0, 75.0), None, &all);
    assert_eq!(active(&fresh(&inside)), [""; 0], "does not begin inside");
    let decision = decide(&inside, &going_on);
    assert_eq!(active(&decision), ["dehumidifier"]);
    assert_eq!(decision.off_range, None, "nothing is wrong any more");
    assert!(reason(&decision, "dehumidifier").starts_with("VPD 0.79 kPa, on to 0.84;"));
    let decision = decide(&situation(air(25.0, 72.0), None, &all), &going_on);
    assert_eq!(active(&decision), [""; 0]);
    assert_eq!(decision.held, Held::default());
}

#[test]
fn a_jump_to_the_other_side_starts_anew() {
    let all = devices(&["dehumidifier", "humidifier"]);
    let mut situation = situation(dry(), None, &all);
    situation.now = at(minutes(3));
    let decision = decide(&situation, &held(Direction::Drier, Span::ZERO));
    assert_eq!(active(&decision), ["humidifier"]);
    assert_eq!(decision.held, held(Direction::Damper, minutes(3)));
}

#[test]
fn the_exhaust_follows_the_error() {
    let fan = devices(&["exhaust"]);
    let outside = Some(air(21.0, 45.0));
    let level = |humidity| fresh(&situation(air(25.0, humidity), outside, &fan)).wishes[0].level;
    assert_eq!(level(77.0), 0.5);
    assert!(level(82.0) > level(77.0));
    assert_eq!(level(99.0), 1.0);
}

#[test]
fn a_switched_exhaust_is_on_or_off() {
    let mut fan = devices(&["exhaust", "circulation"]);
    fan.iter_mut().for_each(|fan| fan.switched = true);
    let decision = fresh(&situation(damp(), Some(air(21.0, 45.0)), &fan));
    assert!(
        decision.wishes.iter().all(|wish| wish.level == 1.0),
        "{decision:?}"
    );
}

#[test]
fn circulation_that_is_set_to_nothing_is_not_asked() {
    let fan = devices(&["circulation"]);
    let mut situation = situation(damp(), None, &fan);
    situation.circulation = Level::OFF;
    assert_eq!(fresh(&situation).wishes, []);
}

#[test]
fn nothing_is_pushed_over_an_end_of_its_range() {
    // Too damp, but as warm as may be: no heater. The dehumidifier warms as well.
    let heater = devices(&["heater"]);
    assert_eq!(
        active(&fresh(&situation(air(26.9, 80.0), None, &heater))),
        [""; 0]
    );
    let dehumidifier = devices(&["dehumidifier"]);
    assert_eq!(
        active(&fresh(&situation(air(27.5, 82.0), None, &dehumidifier))),
        [""; 0]
    );
    // Too dry, but as humid as may be: no humidifier.
    let humidifier = devices(&["humidifier"]);
    assert_eq!(
        active(&fresh(&situation(air(30.0, 71.0), None, &humidifier))),
        [""; 0]
    );
    // Too dry, but as cold as may be: no cooler.
    let cooler = devices(&["cooler"]);
    assert_eq!(
        active(&fresh(&situation(air(21.1, 40.0), None, &cooler))),
        [""; 0]
    );
}

#[test]
fn who_runs_may_go_to_the_end_and_who_starts_needs_room() {
    let mut heater = devices(&["heater"]);
    let warm = air(26.0, 80.0);
    assert_eq!(active(&fresh(&situation(warm, None, &heater))), [""; 0]);
    heater[0].running = true;
    assert_eq!(active(&fresh(&situation(warm, None, &heater))), ["heater"]);
}

#[test]
fn heat_needs_an_end_to_stop_at() {
    let means = devices(&["heater", "cooler"]);
    for inside in [damp(), dry()] {
        let mut situation = situation(inside, None, &means);
        situation.wanted.temperature = None;
        assert_eq!(active(&fresh(&situation)), [""; 0]);
    }
}

#[test]
fn too_cold_air_is_warmed_whatever_its_vpd() {
    let all = everything();
    // 18 °C, 45 %: VPD 1.14, a little too dry, and too cold.
    let decision = fresh(&situation(air(18.0, 45.0), Some(air(10.0, 60.0)), &all));
    assert_eq!(active(&decision), ["humidifier", "heater"]);
    assert_eq!(
        reason(&decision, "heater"),
        "18.0 < 21.0 °C; 18.0 °C may rise to 27 °C"
    );
    // Warmer air outside is more frugal, and wetter besides.
    let decision = fresh(&situation(air(18.0, 45.0), Some(air(26.0, 60.0)), &all));
    assert_eq!(active(&decision), ["exhaust", "intake"]);
}

#[test]
fn too_warm_air_is_cooled_but_not_at_the_expense_of_vpd() {
    let means = devices(&["exhaust", "cooler"]);
    // 29 °C, 82 %: VPD 0.72, too damp and too warm; outside is cooler but no drier.
    let decision = fresh(&situation(air(29.0, 82.0), Some(air(27.5, 95.0)), &means));
    assert_eq!(active(&decision), ["cooler"]);
    // Cooler and drier helps both.
    let decision = fresh(&situation(air(29.0, 82.0), Some(air(20.0, 50.0)), &means));
    assert_eq!(active(&decision), ["exhaust"]);
}

#[test]
fn a_silent_sensor_lets_everything_go_but_circulation() {
    let all = everything();
    let mut situation = situation(damp(), Some(air(21.0, 45.0)), &all);
    situation.air = Err(Silence(vec!["humidity"]));
    let decision = decide(&situation, &held(Direction::Drier, Span::ZERO));
    assert_eq!(active(&decision), [""; 0]);
    assert_eq!(decision.wishes.len(), 1);
    assert_eq!(decision.held, Held::default());
    assert_eq!(
        decision.otherwise,
        "humidity is silent: nothing to steer by"
    );
    let both = Silence(vec!["temperature", "humidity"]);
    assert_eq!(both.to_string(), "temperature and humidity are silent");
}

#[test]
fn while_drying_humidity_is_kept() {
    let all = devices(&["dehumidifier", "humidifier"]);
    let profile = Stage::Drying.profile(PartOfDay::Day);
    let mut situation = situation(air(18.0, 66.0), None, &all);
    situation.wanted = Wanted {
        vpd: None,
        temperature: Some(profile.temperature),
        humidity: Some(profile.humidity),
    };
    let decision = fresh(&situation);
    assert_eq!(active(&decision), ["dehumidifier"]);
    assert_eq!(
        reason(&decision, "dehumidifier"),
        "humidity 66 > 62 %; humidity 66 % may fall to 55 %"
    );
    assert_eq!(decision.off_range, None, "there is no VPD to be off");
    situation.air = Ok(air(18.0, 50.0));
    assert_eq!(active(&fresh(&situation)), ["humidifier"]);
}

#[test]
fn where_nothing_is_wanted_nothing_is_done() {
    let all = everything();
    let mut situation = situation(damp(), Some(air(21.0, 45.0)), &all);
    situation.wanted = Wanted::default();
    assert_eq!(active(&fresh(&situation)), [""; 0]);
}

#[test]
fn an_infeasible_profile_settles_at_the_end_of_its_box() {
    // early-veg at no offset: VPD 0.65–0.80 would need more than the 70 % that are allowed.
    let profile = Stage::EarlyVeg.profile(PartOfDay::Day);
    let mut means = devices(&["humidifier", "cooler"]);
    let wanted = Wanted {
        vpd: profile.vpd,
        temperature: Some(profile.temperature),
        humidity: Some(profile.humidity),
    };
    means.iter_mut().for_each(|means| means.running = true);
    let mut situation = situation(air(23.0, 70.0), None, &means);
    situation.wanted = wanted;
    situation.now = at(minutes(60));
    let decision = decide(&situation, &held(Direction::Damper, Span::ZERO));
    assert_eq!(active(&decision), [""; 0], "both ends are reached");
    assert_eq!(
        decision.off_range,
        Some(Direction::Damper),
        "and it is still told"
    );
    assert_eq!(
        decision.otherwise,
        "VPD 0.84 > 0.80 kPa, but this would not help: 23.0 °C, 70 % RH"
    );
}

fn any_air() -> impl Strategy<Value = Air> {
    (5.0..40.0_f64, 10.0..99.0_f64).prop_map(|(celsius, humidity)| air(celsius, humidity))
}

fn any_direction() -> impl Strategy<Value = Option<Direction>> {
    prop_oneof![
        Just(None),
        Just(Some(Direction::Drier)),
        Just(Some(Direction::Damper))
    ]
}

fn any_means() -> impl Strategy<Value = Vec<Means>> {
    let device = (
        prop::sample::select(EVERYTHING.to_vec()),
        any::<bool>(),
        any::<bool>(),
    );
    prop::collection::btree_map(0..4_u8, device, 0..4).prop_map(|devices| {
        let means = devices
            .into_iter()
            .map(|(number, ((id, role), switched, running))| Means {
                id: format!("{id}-{number}"),
                role,
                switched,
                running,
            });
        means.collect()
    })
}

prop_compose! {
    fn any_case()(
        inside in any_air(), outside in prop::option::of(any_air()), mut means in any_means(),
        direction in any_direction(), lasted in 0..3600_u64, all in any::<bool>(),
    ) -> (Air, Option<Air>, Vec<Means>, Held, Span) {
        if all {
            means = everything();
        }
        let begun = direction.map(|direction| Begun { direction, since: at(Span::ZERO) });
        (inside, outside, means, Held { moisture: begun, warmth: None }, seconds(lasted))
    }
}

/// The role of a wished device.
fn role_of(wish: &Wish, means: &[Means]) -> Role {
    let device = means.iter().find(|means| means.id == wish.device);
    device.expect("only devices that are there").role
}

proptest! {
    #[test]
    fn wishes_are_well_formed((inside, outside, means, held, lasted) in any_case()) {
        let mut situation = situation(inside, outside, &means);
        situation.now = at(lasted);
        let decision = decide(&situation, &held);
        let mut devices: Vec<_> = decision.wishes.iter().map(|wish| &wish.device).collect();
        devices.sort();
        devices.dedup();
        prop_assert_eq!(devices.len(), decision.wishes.len(), "one wish a device");
        for wish in &decision.wishes {
            let device = means.iter().find(|means| means.id == wish.device).expect("is there");
            prop_assert!(wish.level > 0.0 && wish.level <= 1.0);
            prop_assert!(!device.switched || wish.level == 1.0);
            prop_assert!(!wish.reason.is_empty());
        }
    }

    #[test]
    fn nobody_works_against_an_end((inside, outside, means, held, lasted) in any_case()) {
        let mut situation = situation(inside, outside, &means);
        situation.now = at(lasted);
        let wanted = mid_veg();
        let (celsius, humidity) = (inside.temperature.0, inside.humidity.0);
        let temperature = wanted.temperature.expect("is set");
        let damp = wanted.humidity.expect("is set");
        for wish in decide(&situation, &held).wishes {
            match role_of(&wish, &means) {
                Role::Heater => prop_assert!(celsius < temperature.high),
                Role::Cooler => prop_assert!(celsius > temperature.low),
                Role::Humidifier => prop_assert!(humidity < damp.high),
                Role::Dehumidifier => {
                    prop_assert!(humidity > damp.low && celsius <= temperature.high);
                }
                _ => {}
            }
        }
    }

    #[test]
    fn water_is_never_added_and_taken_at_once((inside, outside, means, held, lasted) in any_case()) {
        let mut situation = situation(inside, outside, &means);
        situation.now = at(lasted);
        let roles: Vec<_> = decide(&situation, &held)
            .wishes
            .iter()
            .map(|wish| role_of(wish, &means))
            .collect();
        prop_assert!(!(roles.contains(&Role::Humidifier) && roles.contains(&Role::Dehumidifier)));
        prop_assert!(!(roles.contains(&Role::Heater) && roles.contains(&Role::Cooler)));
    }

    #[test]
    fn exchange_for_dryness_always_brings_drier_air((inside, outside, means, held, lasted) in any_case()) {
        let mut situation = situation(inside, outside, &means);
        situation.now = at(lasted);
        situation.wanted.temperature = None;
        let decision = decide(&situation, &held);
        let drier = decision.held.moisture.is_some_and(|begun| begun.direction == Direction::Drier);
        let exchanges = decision.wishes.iter().any(|wish| {
            matches!(role_of(wish, &means), Role::Exhaust | Role::Intake)
        });
        if drier && exchanges {
            prop_assert!(outside.expect("is known").water.0 < inside.water.0);
        }
    }

    #[test]
    fn deciding_twice_changes_nothing((inside, outside, means, held, lasted) in any_case()) {
        let mut situation = situation(inside, outside, &means);
        situation.now = at(lasted);
        let first = decide(&situation, &held);
        let second = decide(&situation, &first.held);
        prop_assert_eq!(&first.held, &second.held);
    }

    #[test]
    fn silence_heats_and_wets_nothing((inside, outside, means, held, lasted) in any_case()) {
        let mut situation = situation(inside, outside, &means);
        situation.now = at(lasted);
        situation.air = Err(Silence(vec!["temperature"]));
        for wish in decide(&situation, &held).wishes {
            prop_assert_eq!(role_of(&wish, &means), Role::Circulation);
        }
    }
}
