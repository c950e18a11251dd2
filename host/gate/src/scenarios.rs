//! The gate's rules as small scenes: who asks, what time does, what is ordered and said.

use growbox_model::commit::{Hold, Restored, Switch};
use growbox_model::ports::{DriveOrder, DriverReport};
use growbox_model::{
    Command, DeviceId, Moment, Operation, Quantity, Record, Requester, Seq, Span, Text, Verdict,
    VerdictKind,
};

use crate::bench::{Bench, device, exhaust, heater, person, plugin, request, zone};
use crate::{Ask, Settlement};

const MINUTE: Span = Span::minutes(1);

fn kind(verdict: Option<Verdict>) -> (VerdictKind, &'static str) {
    let verdict = verdict.expect("a verdict");
    (verdict.kind, verdict.policy)
}

fn id(name: &str) -> DeviceId {
    DeviceId::new(name).unwrap()
}

fn text(words: &str) -> Text {
    words.into()
}

fn temperature() -> Quantity {
    Quantity::new("temperature").unwrap()
}

/// Levels ordered since last forgotten, without what only keeps a timer armed.
fn levels(bench: &Bench) -> Vec<f64> {
    let mut levels: Vec<f64> = bench.orders.iter().map(|(_, o)| o.level).collect();
    levels.dedup();
    levels
}

fn why(bench: &Bench, name: &str) -> String {
    let rows = bench.gate.rows(bench.now);
    let row = rows.iter().find(|row| row.id.as_str() == name);
    row.map(|row| row.why.to_string()).unwrap()
}

// Verdicts.

#[test]
fn a_granted_request_is_ordered_confirmed_told_and_lapses() {
    let mut bench = Bench::rested(vec![heater()]);
    let verdict = bench.set(&plugin("vpd"), "heater", 1.0).unwrap();
    assert_eq!(
        (verdict.kind, verdict.policy),
        (VerdictKind::Granted, "grant")
    );
    assert_eq!(verdict.until, Some(bench.now.moment + Span::seconds(120)));
    assert_eq!(
        bench.said.orders,
        [DriveOrder {
            device: id("heater"),
            output: "null:heater".into(),
            level: 1.0,
            within: Some(Span::seconds(120)),
        }]
    );
    assert_eq!(bench.said.changes[0].trigger, "vpd");
    assert_eq!(bench.said.changes[0].cause, Some(Seq(101)));
    assert_eq!(
        bench.said.records[0],
        Record::Opened(Seq(101), id("heater"))
    );
    bench.pass(Span::seconds(120));
    assert_eq!(bench.outcomes(), ["#101 Executed", "#101 Lapsed"]);
    assert!(bench.said.records.contains(&Record::Closed(Seq(101))));
    assert_eq!(bench.level("heater"), Some(0.0));
    assert_eq!(why(&bench, "heater"), "lease of vpd ended 11:02 UTC");
}

#[test]
fn the_first_objection_names_itself() {
    let mut bench = Bench::rested(vec![heater()]);
    let vpd = plugin("vpd");
    let now = bench.now.moment;
    bench.world.operation = Operation::Paused;
    bench
        .gate
        .hold(
            &id("heater"),
            Some(0.0),
            None,
            &text("anna"),
            &text("x"),
            bench.now,
        )
        .unwrap();
    bench.gate.stop(None, &text("smoke"), &person("anna"));
    let decide = |bench: &mut Bench, level: f64, granted: bool, caused_at: Moment| {
        let request = request("heater", Command::Level(level), None);
        let hint = "grant = { control = [\"heater\"] }";
        let ask = Ask {
            requester: &vpd,
            granted,
            grant_hint: hint,
            request: &request,
            caused_at,
            cut: now,
        };
        bench.gate.decide(&ask, Seq(1), &bench.world, bench.now)
    };
    let old = now - Span::seconds(61);
    let form = decide(&mut bench, 0.5, false, old);
    assert_eq!((form.kind, form.policy), (VerdictKind::Denied, "form"));
    let grant = decide(&mut bench, 1.0, false, old);
    assert_eq!((grant.kind, grant.policy), (VerdictKind::Denied, "grant"));
    assert!(
        grant.why.contains("control = [\"heater\"]"),
        "{}",
        grant.why
    );
    let age = decide(&mut bench, 1.0, true, old);
    assert_eq!((age.kind, age.policy), (VerdictKind::Expired, "age"));
    let paused = decide(&mut bench, 1.0, true, now);
    assert_eq!(
        (paused.kind, paused.policy),
        (VerdictKind::Denied, "operation")
    );
    bench.world.operation = Operation::Control;
    assert_eq!(decide(&mut bench, 1.0, true, now).policy, "stop");
    bench.gate.reset(None).unwrap();
    assert_eq!(decide(&mut bench, 1.0, true, now).policy, "hold");
    bench.gate.release(&id("heater")).unwrap();
    assert_eq!(decide(&mut bench, 1.0, true, now).policy, "grant");
}

#[test]
fn what_cannot_be_done_is_denied_by_form() {
    let mut bench = Bench::rested(vec![heater(), exhaust()]);
    let vpd = plugin("vpd");
    let other = Command::Other("dance".into(), "".into());
    for (name, command, lease, says) in [
        ("heter", Command::Level(1.0), None, "\"heater\""),
        ("heater", Command::Level(0.5), None, "0 or 1"),
        ("exhaust", Command::Level(f64::NAN), None, "no level"),
        ("exhaust", Command::Level(1.1), None, "no level"),
        ("exhaust", Command::Level(-0.1), None, "no level"),
        ("exhaust", Command::Level(0.5), Some(Span::ZERO), "lease"),
        ("heater", Command::Pulse(MINUTE), None, "pulse"),
        ("heater", other, None, "dance"),
    ] {
        let verdict = bench.ask(&vpd, name, command, lease).unwrap();
        assert_eq!(
            (verdict.kind, verdict.policy),
            (VerdictKind::Denied, "form")
        );
        assert!(verdict.why.contains(says), "{}", verdict.why);
    }
    assert!(bench.orders.is_empty());
}

#[test]
fn a_level_outside_the_envelope_is_clamped_and_both_figures_named() {
    let mut fan = exhaust();
    fan.high = 0.8;
    let mut bench = Bench::rested(vec![fan]);
    let verdict = bench.set(&plugin("vpd"), "exhaust", 0.9).unwrap();
    assert_eq!(
        (verdict.kind, verdict.policy),
        (VerdictKind::Clamped, "envelope")
    );
    assert_eq!(
        verdict.why,
        "asked 90 %, clamped to 80 %: its highest level"
    );
    assert_eq!(bench.level("exhaust"), Some(0.8));
    let low = bench.set(&plugin("vpd"), "exhaust", 0.0).unwrap();
    assert_eq!(
        low.why,
        "asked off, clamped to 20 %: its lowest running level"
    );
    assert_eq!(bench.level("exhaust"), Some(0.2));
    assert_eq!(why(&bench, "exhaust"), format!("because; {}", low.why));
}

#[test]
fn a_lease_that_is_over_before_it_is_decided_is_expired() {
    let mut bench = Bench::rested(vec![heater()]);
    let request = request("heater", Command::Level(1.0), Some(Span::seconds(1)));
    let (vpd, now) = (plugin("vpd"), bench.now.moment);
    let cut = now - Span::seconds(2);
    let ask = Ask {
        requester: &vpd,
        granted: true,
        grant_hint: "",
        request: &request,
        caused_at: cut,
        cut,
    };
    let verdict = bench.gate.decide(&ask, Seq(1), &bench.world, bench.now);
    assert_eq!(verdict.kind, VerdictKind::Expired);
}

// Leases.

#[test]
fn an_equal_request_renews_without_a_verdict() {
    let mut bench = Bench::rested(vec![heater()]);
    let vpd = plugin("vpd");
    assert!(bench.set(&vpd, "heater", 1.0).is_some());
    for _ in 0..5 {
        bench.pass(MINUTE);
        assert_eq!(bench.set(&vpd, "heater", 1.0), None);
    }
    assert_eq!(bench.outcomes(), ["#101 Executed"]);
    assert_eq!(levels(&bench), [1.0]);
    bench.pass(Span::seconds(119));
    assert_eq!(bench.level("heater"), Some(1.0));
    bench.pass(Span::seconds(1));
    assert_eq!(bench.level("heater"), Some(0.0));
}

#[test]
fn another_level_or_lease_is_a_new_request() {
    let mut bench = Bench::rested(vec![exhaust()]);
    let vpd = plugin("vpd");
    bench.set(&vpd, "exhaust", 0.5);
    assert_eq!(
        kind(bench.set(&vpd, "exhaust", 0.6)).0,
        VerdictKind::Granted
    );
    let longer = bench.ask(&vpd, "exhaust", Command::Level(0.6), Some(MINUTE));
    assert_eq!(kind(longer).0, VerdictKind::Granted);
    assert_eq!(
        bench.outcomes(),
        [
            "#101 Executed",
            "#101 Superseded",
            "#102 Executed",
            "#102 Superseded",
            "#103 Executed"
        ]
    );
    assert_eq!(levels(&bench), [0.5, 0.6]);
}

#[test]
fn a_renewal_that_meets_an_objection_is_none() {
    let mut bench = Bench::rested(vec![heater()]);
    let vpd = plugin("vpd");
    bench.set(&vpd, "heater", 1.0);
    bench
        .gate
        .hold(
            &id("heater"),
            None,
            None,
            &text("anna"),
            &text("look"),
            bench.now,
        )
        .unwrap();
    assert_eq!(
        kind(bench.set(&vpd, "heater", 1.0)),
        (VerdictKind::Denied, "hold")
    );
}

#[test]
fn letting_go_ends_a_claim_and_says_so_once() {
    let mut bench = Bench::rested(vec![exhaust()]);
    let vpd = plugin("vpd");
    bench.set(&vpd, "exhaust", 0.5);
    assert_eq!(
        kind(bench.ask(&vpd, "exhaust", Command::Release, None)).0,
        VerdictKind::Granted
    );
    assert_eq!(bench.ask(&vpd, "exhaust", Command::Release, None), None);
    assert_eq!(bench.outcomes(), ["#101 Executed", "#101 Lapsed"]);
    assert_eq!(bench.level("exhaust"), Some(0.2));
    assert!(bench.set(&vpd, "exhaust", 0.5).is_some());
    assert!(bench.ask(&vpd, "exhaust", Command::Release, None).is_some());
}

#[test]
fn the_timer_in_the_device_is_armed_again_at_half_its_time() {
    let mut bench = Bench::rested(vec![heater()]);
    let vpd = plugin("vpd");
    let start = bench.now.moment;
    bench.set(&vpd, "heater", 1.0);
    for _ in 0..12 {
        bench.pass(Span::seconds(10));
        bench.set(&vpd, "heater", 1.0);
    }
    let armed: Vec<_> = bench
        .orders
        .iter()
        .map(|(at, o)| (at.since(start), o.within))
        .collect();
    let seconds = Span::seconds;
    assert_eq!(
        armed,
        [
            (seconds(0), Some(seconds(120))),
            (seconds(60), Some(seconds(110))),
            (seconds(115), Some(seconds(115))),
        ]
    );
    assert_eq!(bench.said.changes.len(), 1, "arming a timer is no change");
}

#[test]
fn a_shorter_claim_shortens_the_timer_in_the_device() {
    let mut bench = Bench::rested(vec![heater()]);
    bench.set(&person("anna"), "heater", 1.0);
    assert_eq!(
        bench.orders[0].1.within,
        Some(Span::minutes(30)),
        "its longest run"
    );
    bench.set(&plugin("vpd"), "heater", 1.0);
    bench.gate.release(&id("heater")).unwrap();
    bench.settle();
    assert_eq!(bench.orders[1].1.within, Some(Span::seconds(120)));
}

#[test]
fn a_device_that_must_run_has_no_timer() {
    let mut bench = Bench::rested(vec![exhaust()]);
    bench.set(&plugin("vpd"), "exhaust", 0.7);
    assert_eq!(bench.orders[0].1.within, None);
}

#[test]
fn a_hold_without_end_keeps_its_timer_armed_by_the_living_host() {
    let mut bench = Bench::rested(vec![device("plug", "other")]);
    bench
        .gate
        .hold(
            &id("plug"),
            Some(1.0),
            None,
            &text("anna"),
            &text("pruning"),
            bench.now,
        )
        .unwrap();
    bench.pass(Span::minutes(10));
    assert!(bench.orders.len() >= 10, "{}", bench.orders.len());
    assert!(
        bench
            .orders
            .iter()
            .skip(1)
            .all(|(_, o)| o.within == Some(Span::seconds(120)))
    );
    assert_eq!(
        why(&bench, "plug"),
        "held on until released by anna: \"pruning\""
    );
}

// Rank.

#[test]
fn a_loser_waits_and_takes_over() {
    let mut bench = Bench::rested(vec![exhaust()]);
    bench.set(&plugin("vpd"), "exhaust", 0.5);
    let verdict = bench.set(&plugin("low"), "exhaust", 0.9).unwrap();
    assert_eq!(
        (verdict.kind, verdict.policy),
        (VerdictKind::Outranked, "rank")
    );
    assert!(
        verdict.why.contains("vpd") && verdict.why.contains("50 %"),
        "{}",
        verdict.why
    );
    assert_eq!(bench.level("exhaust"), Some(0.5));
    let person = bench.ask(
        &person("anna"),
        "exhaust",
        Command::Level(0.3),
        Some(MINUTE),
    );
    assert_eq!(kind(person).0, VerdictKind::Granted);
    assert_eq!(bench.level("exhaust"), Some(0.3));
    assert_eq!(
        bench.outcomes(),
        ["#101 Executed", "#101 Superseded", "#103 Executed"]
    );
    bench.pass(MINUTE);
    assert_eq!(bench.level("exhaust"), Some(0.5));
    bench.ask(&plugin("vpd"), "exhaust", Command::Release, None);
    assert_eq!(bench.level("exhaust"), Some(0.9));
    assert_eq!(
        bench.outcomes(),
        [
            "#103 Lapsed",
            "#101 Executed",
            "#101 Lapsed",
            "#102 Executed"
        ]
    );
}

#[test]
fn a_view_tells_its_viewer_why_not() {
    let mut bench = Bench::rested(vec![exhaust()]);
    bench.set(&plugin("vpd"), "exhaust", 0.5);
    bench.set(&plugin("low"), "exhaust", 0.9);
    let of = |who: &str| {
        bench
            .gate
            .views(&zone(), Some(&plugin(who)), bench.now)
            .remove(0)
    };
    assert_eq!(of("vpd").refusal, None);
    assert!(of("low").refusal.unwrap().starts_with("vpd goes first"));
    assert_eq!(
        (
            of("low").level,
            of("low").owner.as_deref().map(str::to_owned)
        ),
        (0.5, Some("vpd".into()))
    );
    assert_eq!((of("low").low, of("low").high), (0.2, 1.0));
    assert!(
        bench
            .gate
            .views(
                &growbox_model::ZoneId::new("other").unwrap(),
                None,
                bench.now
            )
            .is_empty()
    );
}

#[test]
fn a_requester_that_is_gone_is_forgotten() {
    let mut bench = Bench::rested(vec![exhaust()]);
    bench.set(&plugin("vpd"), "exhaust", 0.5);
    bench.gate.forget(&plugin("vpd"), "vpd is quarantined");
    bench.settle();
    assert_eq!(bench.level("exhaust"), Some(0.2));
    assert_eq!(why(&bench, "exhaust"), "vpd is quarantined");
}

// Protection.

#[test]
fn minimum_off_dampens_and_takes_effect_when_free() {
    let mut bench = Bench::rested(vec![heater()]);
    let vpd = plugin("vpd");
    bench.ask(&vpd, "heater", Command::Level(1.0), Some(MINUTE));
    bench.pass(MINUTE);
    bench.forget();
    let verdict = bench
        .ask(&vpd, "heater", Command::Level(1.0), Some(Span::minutes(10)))
        .unwrap();
    assert_eq!(
        (verdict.kind, verdict.policy),
        (VerdictKind::Dampened, "minimum_off")
    );
    assert_eq!(verdict.free_at, Some(bench.now.moment + Span::seconds(120)));
    assert!(bench.orders.is_empty());
    assert!(
        why(&bench, "heater").contains("it rests at least 2min"),
        "{}",
        why(&bench, "heater")
    );
    bench.pass(Span::seconds(119));
    assert!(bench.orders.is_empty() && bench.outcomes().is_empty());
    bench.pass(Span::seconds(1));
    assert_eq!(levels(&bench), [1.0]);
    assert_eq!(bench.outcomes(), ["#102 Executed"]);
}

#[test]
fn minimum_on_stretches_the_lease_and_binds_people() {
    let mut bench = Bench::rested(vec![heater()]);
    bench.ask(
        &plugin("vpd"),
        "heater",
        Command::Level(1.0),
        Some(Span::seconds(10)),
    );
    assert_eq!(
        bench.orders[0].1.within,
        Some(MINUTE),
        "the timer covers it too"
    );
    bench.pass(Span::seconds(20));
    assert_eq!(bench.level("heater"), Some(1.0));
    assert!(why(&bench, "heater").contains("it runs at least 1min, until 11:01 UTC"));
    assert_eq!(
        kind(bench.set(&person("anna"), "heater", 0.0)),
        (VerdictKind::Dampened, "minimum_on")
    );
    assert_eq!(bench.level("heater"), Some(1.0));
    bench.pass(Span::seconds(40));
    assert_eq!(bench.level("heater"), Some(0.0));
    assert_eq!(
        bench.outcomes(),
        ["#101 Executed", "#101 Lapsed", "#102 Executed"]
    );
}

#[test]
fn the_longest_run_counts_from_the_switch_and_then_wants_a_new_request() {
    let mut bench = Bench::rested(vec![heater()]);
    let vpd = plugin("vpd");
    let start = bench.now.moment;
    bench.set(&vpd, "heater", 1.0);
    bench.set(&person("anna"), "heater", 1.0);
    for _ in 0..29 {
        bench.pass(MINUTE);
        assert_eq!(bench.set(&vpd, "heater", 1.0), None);
    }
    bench.pass(MINUTE);
    assert_eq!(bench.now.moment.since(start), Span::minutes(30));
    assert_eq!(bench.level("heater"), Some(0.0));
    assert!(why(&bench, "heater").contains("longest run of 30min is over"));
    bench.pass(Span::minutes(10));
    assert_eq!(
        bench.level("heater"),
        Some(0.0),
        "a person's standing claim does not count either"
    );
    assert!(
        bench.set(&vpd, "heater", 1.0).is_some(),
        "its lease was over"
    );
    assert_eq!(bench.level("heater"), Some(1.0));
}

#[test]
fn a_renewal_during_the_rest_counts_when_the_rest_is_over() {
    let mut plug = heater();
    plug.max_on = Some(Span::minutes(5));
    let mut bench = Bench::rested(vec![plug]);
    let vpd = plugin("vpd");
    let long = Some(Span::minutes(30));
    bench.ask(&vpd, "heater", Command::Level(1.0), long);
    bench.pass(Span::minutes(5));
    assert_eq!(bench.level("heater"), Some(0.0));
    bench.pass(MINUTE);
    assert_eq!(bench.ask(&vpd, "heater", Command::Level(1.0), long), None);
    let other = bench.ask(&person("anna"), "heater", Command::Level(1.0), long);
    assert_eq!(kind(other), (VerdictKind::Dampened, "maximum_on"));
    bench.pass(MINUTE);
    assert_eq!(bench.level("heater"), Some(1.0));
}

#[test]
fn a_request_of_an_earlier_batch_does_not_count_after_the_longest_run() {
    let mut plug = heater();
    plug.max_on = Some(Span::minutes(5));
    let mut bench = Bench::rested(vec![plug]);
    bench.ask(
        &plugin("vpd"),
        "heater",
        Command::Level(1.0),
        Some(Span::minutes(30)),
    );
    bench.pass(Span::minutes(5));
    let request = request("heater", Command::Level(1.0), Some(Span::minutes(20)));
    let (low, cut) = (plugin("low"), bench.now.moment - Span::seconds(1));
    let ask = Ask {
        requester: &low,
        granted: true,
        grant_hint: "",
        request: &request,
        caused_at: cut,
        cut,
    };
    let verdict = bench.gate.decide(&ask, Seq(1), &bench.world, bench.now);
    assert_eq!(
        (verdict.kind, verdict.policy),
        (VerdictKind::Dampened, "maximum_on")
    );
    bench.pass(Span::minutes(10));
    assert_eq!(bench.level("heater"), Some(0.0));
}

#[test]
fn a_hold_runs_its_longest_time_once() {
    let mut bench = Bench::rested(vec![heater()]);
    bench
        .gate
        .hold(
            &id("heater"),
            Some(1.0),
            None,
            &text("anna"),
            &text("x"),
            bench.now,
        )
        .unwrap();
    bench.pass(Span::minutes(29));
    assert_eq!(bench.level("heater"), Some(1.0));
    bench.pass(Span::hours(3));
    assert_eq!(levels(&bench), [1.0, 0.0]);
}

// Conditions and start.

#[test]
fn a_device_runs_only_while_its_needs_are_fresh() {
    let mut bench = Bench::rested(vec![heater()]);
    let vpd = plugin("vpd");
    bench.world.stale.insert(temperature());
    let verdict = bench
        .ask(&vpd, "heater", Command::Level(1.0), Some(Span::hours(1)))
        .unwrap();
    assert_eq!(
        (verdict.kind, verdict.policy),
        (VerdictKind::Dampened, "condition")
    );
    assert!(verdict.why.contains("temperature"), "{}", verdict.why);
    assert!(bench.orders.is_empty());
    bench.world.stale.clear();
    bench.settle();
    assert_eq!(bench.outcomes(), ["#101 Executed"]);
    bench.pass(Span::minutes(2));
    bench.world.stale.insert(temperature());
    bench.settle();
    assert_eq!(bench.level("heater"), Some(0.0));
    assert_eq!(
        bench.said.changes.last().unwrap().trigger,
        "condition: temperature is not fresh, and heater needs it"
    );
    assert_eq!(bench.said.changes.last().unwrap().cause, None);
}

#[test]
fn at_start_safe_levels_at_once_and_start_levels_one_by_one_when_needs_are_fresh() {
    let mut pump = device("pump", "pump");
    let mut first = heater();
    first.start_level = 1.0;
    let mut second = device("second", "heater");
    second.start_level = 1.0;
    pump.start_level = 0.0;
    let mut bench = Bench::of(vec![first, second, pump, exhaust()]);
    bench.world.stale.insert(temperature());
    bench.settle();
    let all: Vec<_> = bench
        .orders
        .iter()
        .map(|(_, o)| (o.device.as_str().to_owned(), o.level))
        .collect();
    let safe = [
        ("exhaust", 0.2),
        ("heater", 0.0),
        ("pump", 0.0),
        ("second", 0.0),
    ];
    assert_eq!(all, safe.map(|(name, level)| (name.to_owned(), level)));
    bench.pass(Span::minutes(5));
    bench.forget();
    let fresh = bench.now.moment;
    bench.world.stale.clear();
    bench.pass(Span::seconds(10));
    let started: Vec<_> = bench
        .orders
        .iter()
        .map(|(at, o)| (o.device.as_str(), at.since(fresh)))
        .collect();
    assert_eq!(
        started,
        [("heater", Span::ZERO), ("second", Span::seconds(2))]
    );
    bench.pass(Span::minutes(5));
    assert_eq!(
        (bench.level("heater"), bench.level("second")),
        (Some(0.0), Some(0.0)),
        "nobody renewed them"
    );
}

#[test]
fn after_an_unclean_end_every_device_counts_as_just_switched() {
    let unclean = Restored::default();
    let mut bench = Bench::restored(vec![heater(), exhaust()], &unclean, Operation::Control);
    bench.settle();
    assert_eq!(
        levels(&bench),
        [0.0],
        "off at once; the exhaust may have stopped just now"
    );
    assert_eq!(
        kind(bench.set(&plugin("vpd"), "heater", 1.0)),
        (VerdictKind::Dampened, "minimum_off")
    );
    bench.pass(Span::seconds(30));
    assert_eq!(bench.level("exhaust"), Some(0.2));
}

#[test]
fn a_clean_end_keeps_the_protection_stamps() {
    let mut restored = Restored {
        clean: true,
        ..Restored::default()
    };
    let was = Moment(Span::hours(10).0) - Span::seconds(100);
    restored.switches = vec![Switch {
        device: id("heater"),
        level: 0.0,
        moment: was,
        wall: growbox_model::Instant(0),
    }];
    let mut bench = Bench::restored(vec![heater()], &restored, Operation::Control);
    bench.settle();
    assert_eq!(levels(&bench), [0.0], "asserted, though known");
    let verdict = bench.set(&plugin("vpd"), "heater", 1.0).unwrap();
    assert_eq!(verdict.policy, "minimum_off");
    assert_eq!(verdict.free_at, Some(was + Span::seconds(120)));
}

#[test]
fn holds_and_stops_survive_and_open_requests_have_failed() {
    let hold = Hold {
        level: 1.0,
        until: None,
        who: "anna".into(),
        reason: "warm".into(),
    };
    let restored = Restored {
        clean: true,
        holds: vec![(id("heater"), hold)],
        stops: vec![(Some(zone()), "smoke".into())],
        open: vec![(Seq(7), id("heater"))],
        ..Restored::default()
    };
    let mut bench = Bench::restored(vec![heater()], &restored, Operation::Control);
    bench.settle();
    assert_eq!(bench.said.outcomes[0].why, "host restarted");
    assert_eq!(bench.outcomes(), ["#7 Failed"]);
    assert_eq!(levels(&bench), [0.0]);
    bench.pass(Span::minutes(5));
    bench.gate.reset(Some(&zone())).unwrap();
    bench.settle();
    assert_eq!(levels(&bench), [0.0, 1.0]);
}

// Stop, hold, end.

#[test]
fn a_stop_breaks_minimum_on_and_says_so_and_never_minimum_off() {
    let mut fan = exhaust();
    fan.never_off = false;
    let mut bench = Bench::rested(vec![heater(), fan]);
    bench.set(&plugin("vpd"), "heater", 1.0);
    bench.set(&plugin("vpd"), "exhaust", 0.0);
    bench.pass(Span::seconds(5));
    bench.forget();
    bench
        .gate
        .stop(Some(&zone()), &text("smoke"), &person("anna"));
    bench.settle();
    assert_eq!(bench.level("heater"), Some(0.0));
    assert_eq!(
        bench.said.changes[0].trigger,
        "stop; breaks the minimum on of 1min"
    );
    assert_eq!(
        bench.level("exhaust"),
        Some(0.0),
        "it may not start again yet"
    );
    bench.pass(Span::seconds(25));
    assert_eq!(bench.level("exhaust"), Some(0.2));
    assert_eq!(bench.outcomes(), ["#102 Superseded", "#101 Superseded"]);
}

#[test]
fn a_stop_lets_only_safe_levels_in_until_reset_and_then_claims_are_empty() {
    let mut bench = Bench::rested(vec![heater()]);
    let everything = person("anna");
    bench.gate.stop(None, &text("smoke"), &everything);
    bench.settle();
    assert_eq!(
        kind(bench.set(&everything, "heater", 1.0)),
        (VerdictKind::Denied, "stop")
    );
    assert_eq!(
        kind(bench.set(&plugin("vpd"), "heater", 0.0)),
        (VerdictKind::Granted, "stop")
    );
    assert_eq!(
        bench.gate.reset(Some(&zone())).unwrap_err().code,
        "nothing_stopped"
    );
    bench.gate.reset(None).unwrap();
    assert!(bench.gate.reset(None).is_err());
    bench.settle();
    assert_eq!(bench.gate.rows(bench.now)[0].owner, None);
    assert!(bench.said.records.contains(&Record::Stopped(None, None)));
}

#[test]
fn a_stop_of_one_zone_leaves_the_other() {
    let mut other = device("other", "light");
    other.zone = Some(growbox_model::ZoneId::new("drying").unwrap());
    let mut bench = Bench::rested(vec![device("light", "light"), other]);
    bench.set(&plugin("vpd"), "light", 1.0);
    bench.set(&plugin("vpd"), "other", 1.0);
    bench
        .gate
        .stop(Some(&zone()), &text("smoke"), &plugin("vpd"));
    bench.settle();
    assert_eq!(
        (bench.level("light"), bench.level("other")),
        (Some(0.0), Some(1.0))
    );
}

#[test]
fn a_hold_goes_before_everybody_and_ends_by_itself() {
    let mut bench = Bench::rested(vec![exhaust()]);
    bench.ask(
        &plugin("vpd"),
        "exhaust",
        Command::Level(0.9),
        Some(Span::hours(1)),
    );
    let hold = bench.gate.hold(
        &id("exhaust"),
        Some(0.4),
        Some(MINUTE),
        &text("anna"),
        &text("quiet"),
        bench.now,
    );
    hold.unwrap();
    bench.settle();
    assert_eq!(bench.level("exhaust"), Some(0.4));
    assert_eq!(
        kind(bench.set(&person("bert"), "exhaust", 1.0)),
        (VerdictKind::Denied, "hold")
    );
    assert_eq!(
        bench.gate.rows(bench.now)[0].owner.as_deref(),
        Some("person:anna")
    );
    bench.pass(MINUTE);
    assert_eq!(bench.level("exhaust"), Some(0.9));
    assert!(
        bench
            .said
            .records
            .contains(&Record::Hold(id("exhaust"), None))
    );
    assert_eq!(
        bench.gate.release(&id("exhaust")).unwrap_err().code,
        "nothing_to_release"
    );
    assert_eq!(
        bench
            .gate
            .release(&id("exhausst"))
            .unwrap_err()
            .nearest
            .as_deref(),
        Some("exhaust")
    );
}

#[test]
fn a_hold_without_a_level_keeps_it_where_it_is() {
    let mut bench = Bench::rested(vec![exhaust()]);
    bench.set(&plugin("vpd"), "exhaust", 0.7);
    bench
        .gate
        .hold(
            &id("exhaust"),
            None,
            None,
            &text("anna"),
            &text("x"),
            bench.now,
        )
        .unwrap();
    bench.pass(Span::hours(1));
    assert_eq!(bench.level("exhaust"), Some(0.7));
    let wrong = bench.gate.hold(
        &id("exhaust"),
        Some(f64::NAN),
        None,
        &text("a"),
        &text("x"),
        bench.now,
    );
    assert_eq!(wrong.unwrap_err().code, "form");
}

#[test]
fn the_end_of_the_process_breaks_minimum_on_and_stays_safe() {
    let mut bench = Bench::rested(vec![heater(), exhaust()]);
    bench.set(&plugin("vpd"), "heater", 1.0);
    bench
        .gate
        .hold(
            &id("exhaust"),
            Some(0.9),
            None,
            &text("anna"),
            &text("x"),
            bench.now,
        )
        .unwrap();
    bench.settle();
    bench.forget();
    let ended = bench.gate.end(&bench.world, bench.now);
    assert_eq!(ended.orders.len(), 2);
    bench.note(ended);
    for name in ["heater", "exhaust"] {
        let level = bench
            .orders
            .iter()
            .find(|(_, o)| o.device.as_str() == name)
            .unwrap()
            .1
            .level;
        bench
            .gate
            .report(&DriverReport::Confirmed(id(name), level), bench.now);
    }
    bench.settle();
    assert_eq!(
        (bench.level("heater"), bench.level("exhaust")),
        (Some(0.0), Some(0.2))
    );
    assert!(
        bench
            .said
            .changes
            .iter()
            .any(|c| c.trigger.contains("breaks the minimum on"))
    );
    assert_eq!(
        kind(bench.set(&person("anna"), "heater", 1.0)),
        (VerdictKind::Denied, "stop")
    );
}

// Operation.

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
        Some(Span::seconds(50)),
        "only so long"
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

// Drivers.

#[test]
fn a_device_out_of_reach_keeps_its_claim_and_gets_what_is_wanted_when_it_returns() {
    let mut bench = Bench::rested(vec![exhaust()]);
    bench
        .gate
        .report(&DriverReport::Available(id("exhaust"), false), bench.now);
    let verdict = bench.set(&plugin("vpd"), "exhaust", 0.5).unwrap();
    assert_eq!(
        (verdict.kind, verdict.policy),
        (VerdictKind::Granted, "availability")
    );
    assert_eq!(bench.outcomes(), ["#101 Failed"]);
    bench.set(&plugin("vpd"), "exhaust", 0.6);
    bench.forget();
    bench
        .gate
        .report(&DriverReport::Available(id("exhaust"), true), bench.now);
    bench.settle();
    assert_eq!(levels(&bench), [0.6]);
    assert_eq!(bench.outcomes(), ["#102 Executed"]);
}

#[test]
fn a_blip_is_not_a_switch() {
    let mut bench = Bench::rested(vec![heater()]);
    bench.ask(
        &plugin("vpd"),
        "heater",
        Command::Level(1.0),
        Some(Span::minutes(10)),
    );
    bench.pass(Span::minutes(2));
    bench.forget();
    bench
        .gate
        .report(&DriverReport::Available(id("heater"), false), bench.now);
    bench.pass(Span::seconds(5));
    bench
        .gate
        .report(&DriverReport::Available(id("heater"), true), bench.now);
    bench.settle();
    assert_eq!(levels(&bench), [1.0], "asserted at once");
    assert!(
        !bench
            .said
            .records
            .iter()
            .any(|r| matches!(r, Record::Switched(_)))
    );
}

#[test]
fn a_failed_order_is_told_and_tried_again_ever_more_rarely() {
    let mut bench = Bench::rested(vec![exhaust()]);
    bench.confirms = false;
    let lease = Some(Span::hours(1));
    bench.ask(&plugin("vpd"), "exhaust", Command::Level(0.5), lease);
    let start = bench.now.moment;
    for _ in 0..4 {
        bench.gate.report(
            &DriverReport::Failed(id("exhaust"), "no answer".into()),
            bench.now,
        );
        let known = bench.orders.len();
        loop {
            let next = bench.settle().unwrap();
            if bench.orders.len() > known {
                break;
            }
            bench.advance_to(next);
        }
    }
    let tried: Vec<_> = bench
        .orders
        .iter()
        .map(|(at, _)| at.since(start).as_seconds())
        .collect();
    assert_eq!(
        tried,
        [0.0, 30.0, 60.0, 90.0, 130.0],
        "unknown counts as just switched: it rests 30 s each time"
    );
    assert_eq!(bench.outcomes(), ["#101 Failed"]);
    assert_eq!(bench.level("exhaust"), None);
    bench
        .gate
        .report(&DriverReport::Confirmed(id("exhaust"), 0.5), bench.now);
    bench.settle();
    assert_eq!(bench.outcomes(), ["#101 Executed"]);
}

#[test]
fn going_off_is_tried_again_without_a_rest() {
    let mut bench = Bench::rested(vec![heater()]);
    bench.set(&plugin("vpd"), "heater", 1.0);
    bench.pass(Span::seconds(119));
    bench.confirms = false;
    bench.pass(Span::seconds(1));
    bench.forget();
    for _ in 0..2 {
        bench.gate.report(
            &DriverReport::Failed(id("heater"), "no answer".into()),
            bench.now,
        );
        bench.pass(Span::seconds(10));
    }
    assert_eq!(bench.orders.len(), 2);
}

#[test]
fn somebody_elses_switch_is_undone_as_far_as_protection_lets() {
    let mut bench = Bench::rested(vec![heater()]);
    bench
        .gate
        .report(&DriverReport::Moved(id("heater"), 1.0), bench.now);
    bench.settle();
    assert_eq!(levels(&bench), [0.0; 0], "it was switched on just now");
    assert_eq!(bench.said.changes[0].new, 1.0);
    bench.pass(MINUTE);
    assert_eq!(levels(&bench), [0.0]);
}

#[test]
fn a_rounded_report_is_the_ordered_level() {
    let mut bench = Bench::rested(vec![exhaust()]);
    bench.confirms = false;
    bench.set(&plugin("vpd"), "exhaust", 0.5);
    bench
        .gate
        .report(&DriverReport::Confirmed(id("exhaust"), 0.498), bench.now);
    bench.settle();
    assert_eq!(bench.outcomes(), ["#101 Executed"]);
    bench
        .gate
        .report(&DriverReport::Moved(id("exhaust"), 0.502), bench.now);
    bench.settle();
    assert_eq!(bench.orders.len(), 1);
}

#[test]
fn a_level_that_is_none_is_a_failure() {
    let mut bench = Bench::rested(vec![exhaust()]);
    bench
        .gate
        .report(&DriverReport::Moved(id("exhaust"), f64::NAN), bench.now);
    assert_eq!(bench.level("exhaust"), None);
    bench
        .gate
        .report(&DriverReport::Moved(id("unknown"), 1.0), bench.now);
}

#[test]
fn the_rest_counts_from_when_it_is_off() {
    let mut bench = Bench::rested(vec![heater()]);
    bench.set(&plugin("vpd"), "heater", 1.0);
    bench.confirms = false;
    bench.pass(Span::seconds(120));
    bench.pass(Span::seconds(20));
    bench
        .gate
        .report(&DriverReport::Confirmed(id("heater"), 0.0), bench.now);
    let verdict = bench.set(&plugin("vpd"), "heater", 1.0).unwrap();
    assert_eq!(verdict.free_at, Some(bench.now.moment + Span::seconds(120)));
}

#[test]
fn nothing_to_do_is_an_empty_settlement() {
    let mut bench = Bench::rested(vec![heater(), exhaust()]);
    assert_eq!(
        bench.gate.settle(&bench.world, bench.now),
        Settlement::default()
    );
    assert_eq!(bench.gate.rows(bench.now)[1].why.as_ref(), "nobody asks");
    let requester: Option<&Requester> = None;
    assert_eq!(bench.gate.views(&zone(), requester, bench.now).len(), 2);
}
