//! Verdicts: who objects first, and what each answer says.

use super::*;

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
            within: Some(Span::seconds(122)),
            pulse: false,
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
            tick: None,
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
        ("heater", Command::Pulse(Span::ZERO), None, "pulse"),
        ("exhaust", Command::Pulse(MINUTE), None, "switched"),
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
        tick: None,
    };
    let verdict = bench.gate.decide(&ask, Seq(1), &bench.world, bench.now);
    assert_eq!(verdict.kind, VerdictKind::Expired);
}
