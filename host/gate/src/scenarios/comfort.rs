//! Comfort and steps: cool-down, deadband, slew, quiet hours, starts per hour.

use growbox_model::DeviceSpec;
use growbox_model::protection::{QuietHours, Slew};

use super::*;

fn gentle() -> DeviceSpec {
    let mut fan = exhaust();
    fan.slew = Some(Slew {
        step: 0.05,
        every: Span::seconds(10),
    });
    fan
}

fn compressor() -> DeviceSpec {
    let mut plug = device("compressor", "other");
    (plug.min_on, plug.min_off) = (Span::ZERO, Span::ZERO);
    plug
}

#[test]
fn a_running_fan_follows_its_controller_step_by_step() {
    let mut bench = Bench::rested(vec![gentle()]);
    let verdict = bench.set(&plugin("vpd"), "exhaust", 0.33).unwrap();
    assert_eq!(
        (verdict.kind, verdict.policy),
        (VerdictKind::Clamped, "slew")
    );
    assert_eq!(
        verdict.why,
        "asked 33 %, clamped to 25 % for now: at most 5 % in 10s"
    );
    bench.pass(Span::seconds(30));
    assert_eq!(levels(&bench), [0.25, 0.3, 0.33]);
    assert_eq!(bench.outcomes(), ["#101 Executed"]);
    bench.ask(&plugin("vpd"), "exhaust", Command::Release, None);
    assert_eq!(
        bench.level("exhaust"),
        Some(0.2),
        "to its safe level at once"
    );
}

#[test]
fn people_and_stops_take_no_steps() {
    let mut bench = Bench::rested(vec![gentle()]);
    bench.set(&person("anna"), "exhaust", 0.9);
    assert_eq!(bench.level("exhaust"), Some(0.9));
    bench.gate.stop(None, &text("smoke"), &person("anna"));
    bench.settle();
    assert_eq!(bench.level("exhaust"), Some(0.2));
}

#[test]
fn a_change_that_nobody_would_notice_is_not_driven() {
    let mut fan = exhaust();
    fan.deadband = 0.05;
    let mut bench = Bench::rested(vec![fan]);
    bench.set(&plugin("vpd"), "exhaust", 0.5);
    bench.forget();
    let slight = bench.set(&plugin("vpd"), "exhaust", 0.53);
    assert_eq!(kind(slight), (VerdictKind::Dampened, "deadband"));
    assert!(bench.orders.iter().all(|(_, order)| order.level == 0.5));
    let end = bench.set(&plugin("vpd"), "exhaust", 0.55);
    assert_eq!(kind(end), (VerdictKind::Granted, "grant"));
}

#[test]
fn a_cool_down_binds_controllers_and_nobody_else() {
    let mut plug = compressor();
    plug.cool_down = Span::minutes(3);
    let mut bench = Bench::rested(vec![plug]);
    let vpd = plugin("vpd");
    bench.set(&vpd, "compressor", 1.0);
    bench.ask(&vpd, "compressor", Command::Release, None);
    assert_eq!(bench.level("compressor"), Some(0.0), "off when nobody asks");
    let again = bench.set(&vpd, "compressor", 1.0);
    assert_eq!(kind(again), (VerdictKind::Dampened, "cool_down"));
    assert_eq!(bench.level("compressor"), Some(0.0));
    assert!(why(&bench, "compressor").contains("it switches at most every 3min"));
    bench.set(&person("anna"), "compressor", 1.0);
    assert_eq!(bench.level("compressor"), Some(1.0));
}

#[test]
fn starts_are_counted_over_an_hour_and_bind_people_too() {
    let mut plug = compressor();
    plug.starts_per_hour = Some(2);
    let mut bench = Bench::rested(vec![plug]);
    let anna = person("anna");
    for _ in 0..2 {
        bench.set(&anna, "compressor", 1.0);
        bench.set(&anna, "compressor", 0.0);
    }
    let made = |record: &&Record| matches!(record, Record::Started(..));
    assert_eq!(bench.said.records.iter().filter(made).count(), 2);
    let long = Some(Span::hours(2));
    let third = bench.ask(&anna, "compressor", Command::Level(1.0), long);
    let third = third.unwrap();
    assert_eq!(
        (third.kind, third.policy),
        (VerdictKind::Dampened, "starts_per_hour")
    );
    assert_eq!(third.free_at, Some(bench.now.moment + Span::hours(1)));
    bench.pass(Span::minutes(59));
    assert_eq!(bench.level("compressor"), Some(0.0));
    bench.pass(MINUTE);
    assert_eq!(bench.level("compressor"), Some(1.0));
}

#[test]
fn quiet_hours_lower_controllers_while_somebody_knows_the_time() {
    let mut fan = exhaust();
    fan.quiet_hours = Some(QuietHours {
        from: 22 * 3600,
        to: 7 * 3600,
        max_level: 0.3,
    });
    let mut bench = Bench::rested(vec![fan]);
    let mut level_at = |hour: Option<u32>| {
        bench.world.second_of_day = hour.map(|hour| hour * 3600);
        bench.set(&plugin("vpd"), "exhaust", 0.8);
        bench.settle();
        bench.level("exhaust")
    };
    assert_eq!(level_at(Some(23)), Some(0.3));
    assert_eq!(level_at(Some(12)), Some(0.8));
    assert_eq!(level_at(Some(3)), Some(0.3));
    assert_eq!(level_at(None), Some(0.8));
}
