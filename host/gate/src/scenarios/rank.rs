//! Rank: nobody is refused for it; who waits takes over.

use super::*;

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
