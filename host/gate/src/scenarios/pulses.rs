//! Pulses: exactly so long, once, never resumed, and not more of them than a day may have.

use growbox_model::{Dose, Outcome};

use super::*;

const LENGTH: Span = Span::seconds(20);

/// Switched, off is safe, 1 s on, 30 s off, 2 min at most, so many doses a day.
fn pump(doses: u32) -> growbox_model::DeviceSpec {
    let mut pump = device("pump", "pump");
    pump.doses_per_day = Some(doses);
    pump
}

fn pulse(bench: &mut Bench, length: Span) -> Verdict {
    let vpd = plugin("vpd");
    bench
        .ask(&vpd, "pump", Command::Pulse(length), None)
        .unwrap()
}

fn told(bench: &mut Bench) -> Vec<(Outcome, String)> {
    let outcomes = std::mem::take(&mut bench.said.outcomes);
    outcomes
        .into_iter()
        .map(|told| (told.outcome, told.why))
        .collect()
}

fn failed(bench: &mut Bench) -> String {
    let told = told(bench);
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0].0, Outcome::Failed);
    told[0].1.clone()
}

#[test]
fn a_level_is_a_dose_too_where_doses_are_bounded() {
    let mut bench = Bench::rested(vec![pump(2)]);
    let vpd = plugin("vpd");
    let dosed = |bench: &Bench| {
        let records = bench.said.records.iter();
        records
            .filter(|record| matches!(record, Record::Dosed(_)))
            .count()
    };
    for run in 1..=2 {
        bench.set(&vpd, "pump", 1.0);
        assert_eq!((bench.level("pump"), dosed(&bench)), (Some(1.0), run));
        bench.set(&vpd, "pump", 0.0);
        bench.pass(MINUTE);
    }
    for asks in [vpd, person("anna")] {
        let verdict = bench.set(&asks, "pump", 1.0).unwrap();
        assert_eq!(
            (verdict.kind, verdict.policy),
            (VerdictKind::Dampened, "doses")
        );
        assert_eq!(bench.level("pump"), Some(0.0));
    }
    assert_eq!(pulse(&mut bench, LENGTH).policy, "rank");
    assert!(why(&bench, "pump").contains("the 2 doses of 24 h are given"));
    bench.pass(Span::hours(25));
    bench.set(&person("anna"), "pump", 1.0);
    assert_eq!(bench.level("pump"), Some(1.0));
}

#[test]
fn a_pulse_runs_its_length_once_and_says_so() {
    let mut bench = Bench::rested(vec![pump(24)]);
    let begun = bench.now.moment;
    let verdict = pulse(&mut bench, LENGTH);
    assert_eq!(
        (verdict.kind, verdict.policy),
        (VerdictKind::Granted, "grant")
    );
    assert_eq!(verdict.until, Some(begun + LENGTH));
    let order = &bench.orders[0].1;
    assert_eq!(
        (order.level, order.within, order.pulse),
        (1.0, Some(LENGTH), true)
    );
    let dose = Dose {
        device: id("pump"),
        length: LENGTH,
        moment: bench.now.moment,
        wall: bench.now.wall,
    };
    assert_eq!(bench.said.records[0], Record::Dosed(dose));
    bench.pass(Span::hours(2));
    assert_eq!(levels(&bench), [1.0, 0.0]);
    assert_eq!(bench.orders.len(), 2, "nothing re-arms it");
    assert_eq!(bench.orders[1].0, begun + LENGTH);
    assert!(!bench.orders[1].1.pulse);
    let outcome = bench.said.outcomes[0].clone();
    assert_eq!(outcome.outcome, Outcome::Executed);
    assert_eq!(
        (outcome.ran, outcome.why.as_str()),
        (Some(LENGTH), "done: ran 20s of 20s")
    );
    let changes: Vec<f64> = bench.said.changes.iter().map(|c| c.new).collect();
    assert_eq!(changes, [1.0, 0.0]);
    assert!(bench.said.records.contains(&Record::Closed(Seq(101))));
}

#[test]
fn it_waits_until_its_request_is_on_disk_and_no_longer_than_it_counts() {
    let mut bench = Bench::rested(vec![pump(24)]);
    bench.world.durable = false;
    pulse(&mut bench, LENGTH);
    assert!(bench.gate.awaits_durability(&bench.world));
    bench.pass(Span::seconds(5));
    assert!(bench.orders.is_empty());
    assert!(why(&bench, "pump").contains("is about to begin"));
    bench.world.durable = true;
    bench.settle();
    assert_eq!(levels(&bench), [1.0]);
    bench.pass(MINUTE);
    bench.forget();
    bench.world.durable = false;
    pulse(&mut bench, LENGTH);
    bench.pass(Span::seconds(60));
    bench.world.durable = true;
    bench.pass(Span::hours(1));
    assert!(bench.orders.is_empty());
    assert!(failed(&mut bench).contains("not on disk in time"));
}

#[test]
fn a_run_that_counts_may_be_called_off_until_its_count_is_on_disk() {
    let mut bench = Bench::rested(vec![pump(2)]);
    bench.world.durable = false;
    let people = |bench: &mut Bench, level: f64| {
        bench.set(&person("anna"), "pump", level);
    };
    people(&mut bench, 1.0);
    bench.pass(Span::seconds(5));
    assert!(bench.orders.is_empty(), "{:?}", bench.orders);
    let counts = |bench: &Bench| {
        let records = bench.said.records.iter();
        records
            .filter(|record| matches!(record, Record::Dosed(_)))
            .count()
    };
    assert_eq!(counts(&bench), 1, "once, however long the disk takes");
    assert!(why(&bench, "pump").contains("once its dose is counted"));
    bench
        .gate
        .lock_out(&id("pump"), &text("anna"), &text("hands inside"), bench.now)
        .unwrap();
    bench.settle();
    bench.world.durable = true;
    bench.pass(MINUTE);
    assert!(bench.orders.is_empty(), "{:?}", bench.orders);
    bench.gate.unlock(&id("pump")).unwrap();
    people(&mut bench, 1.0);
    assert_eq!(levels(&bench), [1.0]);
    assert_eq!(counts(&bench), 2);
}

#[test]
fn it_counts_from_the_confirmation() {
    let mut bench = Bench::rested(vec![pump(24)]);
    bench.confirms = false;
    pulse(&mut bench, LENGTH);
    bench.pass(Span::seconds(4));
    let on = DriverReport::Confirmed(id("pump"), 1.0);
    bench.gate.report(&on, bench.now);
    bench.pass(Span::seconds(19));
    assert_eq!(levels(&bench), [1.0]);
    bench.pass(Span::seconds(1));
    assert_eq!(levels(&bench), [1.0, 0.0]);
    assert_eq!(
        told(&mut bench),
        [(Outcome::Executed, "done: ran 20s of 20s".to_owned())]
    );
}

#[test]
fn a_longer_one_is_clamped_and_a_shorter_one_than_its_shortest_run_denied() {
    let mut bench = Bench::rested(vec![pump(24)]);
    let long = pulse(&mut bench, Span::minutes(10));
    assert_eq!(
        (long.kind, long.policy),
        (VerdictKind::Clamped, "maximum_on")
    );
    assert_eq!(long.why, "asked 10min, clamped to 2min: its longest run");
    assert_eq!(bench.orders[0].1.within, Some(Span::minutes(2)));
    bench.pass(Span::minutes(10));
    assert_eq!(told(&mut bench)[0].1, "done: ran 2min of 2min");
    let short = pulse(&mut bench, Span::millis(500));
    assert_eq!(
        (short.kind, short.policy),
        (VerdictKind::Denied, "minimum_on")
    );
}

#[test]
fn equal_pulses_are_requests_of_their_own() {
    let mut bench = Bench::rested(vec![pump(24)]);
    assert_eq!(pulse(&mut bench, LENGTH).kind, VerdictKind::Granted);
    let again = pulse(&mut bench, LENGTH);
    assert_eq!(
        (again.kind, again.policy),
        (VerdictKind::Denied, "minimum_off")
    );
    assert_eq!(
        again.free_at,
        Some(bench.now.moment + LENGTH + Span::seconds(30))
    );
    bench.pass(MINUTE);
    assert_eq!(pulse(&mut bench, LENGTH).kind, VerdictKind::Granted);
    bench.pass(MINUTE);
    assert_eq!(bench.outcomes(), ["#101 Executed", "#103 Executed"]);
}

#[test]
fn a_short_rest_is_waited_for_and_a_long_one_is_not() {
    let mut bench = Bench::rested(vec![pump(24)]);
    pulse(&mut bench, LENGTH);
    bench.pass(LENGTH);
    bench.forget();
    let soon = pulse(&mut bench, LENGTH);
    assert_eq!(
        (soon.kind, soon.policy),
        (VerdictKind::Dampened, "minimum_off")
    );
    assert_eq!(soon.free_at, Some(bench.now.moment + Span::seconds(30)));
    bench.pass(Span::seconds(29));
    assert!(bench.orders.is_empty());
    bench.pass(Span::seconds(1));
    assert_eq!(levels(&bench), [1.0]);
    let mut slow = pump(24);
    slow.min_off = Span::minutes(5);
    let mut bench = Bench::rested(vec![slow]);
    pulse(&mut bench, LENGTH);
    bench.pass(MINUTE);
    bench.forget();
    let late = pulse(&mut bench, LENGTH);
    assert_eq!(
        (late.kind, late.policy),
        (VerdictKind::Denied, "minimum_off")
    );
    assert_eq!(late.free_at, Some(bench.now.moment + Span::seconds(260)));
    bench.pass(Span::hours(1));
    assert!(bench.orders.is_empty(), "nothing fires late");
}

#[test]
fn doses_are_counted_over_any_day_and_the_next_free_one_is_told() {
    let mut bench = Bench::rested(vec![pump(2)]);
    let first = bench.now.moment;
    pulse(&mut bench, LENGTH);
    bench.pass(Span::hours(5));
    pulse(&mut bench, LENGTH);
    bench.pass(Span::hours(5));
    let over = pulse(&mut bench, LENGTH);
    assert_eq!((over.kind, over.policy), (VerdictKind::Denied, "doses"));
    assert_eq!(over.free_at, Some(first + Span::hours(24)));
    assert!(
        over.why.contains("2 doses of 24 h are given"),
        "{}",
        over.why
    );
    let view = &bench.gate.views(&zone(), Some(&plugin("vpd")), bench.now)[0];
    assert_eq!(view.free_at, over.free_at);
    assert!(view.refusal.as_ref().unwrap().contains("doses"));
    bench.now.wall = bench.now.wall.minus(Span::hours(9));
    assert_eq!(
        pulse(&mut bench, LENGTH).policy,
        "doses",
        "the clock was set back"
    );
    bench.now.wall = bench.now.wall.plus(Span::hours(9));
    bench.pass(Span::hours(14));
    assert_eq!(pulse(&mut bench, LENGTH).kind, VerdictKind::Granted);
    assert_eq!(
        bench.set(&plugin("vpd"), "pump", 1.0).unwrap().kind,
        VerdictKind::Granted
    );
}

#[test]
fn doses_survive_a_restart_and_no_pulse_does() {
    let mut bench = Bench::rested(vec![pump(1)]);
    pulse(&mut bench, LENGTH);
    let doses = bench.said.records.iter().filter_map(|record| match record {
        Record::Dosed(dose) => Some(dose.clone()),
        _ => None,
    });
    let restored = Restored {
        doses: doses.collect(),
        open: vec![(Seq(101), id("pump"))],
        ..Restored::default()
    };
    let mut bench = Bench::restored(vec![pump(1)], &restored, Operation::Control);
    bench.pass(Span::hours(1));
    assert_eq!(levels(&bench), [0.0]);
    assert_eq!(failed(&mut bench), "host restarted");
    assert_eq!(pulse(&mut bench, LENGTH).policy, "doses");
}

#[test]
fn a_clock_set_ahead_before_a_restart_frees_no_dose() {
    let started = Bench::of(Vec::new()).now;
    let given = started.moment - Span::hours(1);
    let dose = Dose {
        device: id("pump"),
        length: LENGTH,
        moment: given,
        wall: started.wall.minus(Span::hours(23)),
    };
    let restored = Restored {
        doses: vec![dose],
        ..Restored::default()
    };
    let mut bench = Bench::restored(vec![pump(1)], &restored, Operation::Control);
    bench.pass(Span::hours(22));
    let over = pulse(&mut bench, LENGTH);
    assert_eq!((over.kind, over.policy), (VerdictKind::Denied, "doses"));
    assert_eq!(over.free_at, Some(given + Span::hours(24)));
    bench.pass(Span::hours(1));
    assert_eq!(pulse(&mut bench, LENGTH).kind, VerdictKind::Granted);
}

#[test]
fn whatever_interrupts_it_ends_it() {
    type Interruption = (&'static str, fn(&mut Bench));
    let events: [Interruption; 6] = [
        ("stopped by", |bench| {
            bench.gate.stop(None, &text("leak"), &person("anna"));
        }),
        ("hold goes first", |bench| {
            let (who, why) = (text("anna"), text("x"));
            let (pump, now) = (id("pump"), bench.now);
            bench
                .gate
                .hold(&pump, Some(0.0), None, &who, &why, now)
                .unwrap();
        }),
        ("from control to paused", |bench| {
            bench.world.operation = Operation::Paused;
        }),
        ("driver was lost", |bench| {
            let lost = DriverReport::Available(id("pump"), false);
            bench.gate.report(&lost, bench.now);
        }),
        ("broken", |bench| {
            let failed = DriverReport::Failed(id("pump"), "broken".into());
            bench.gate.report(&failed, bench.now);
        }),
        ("by somebody else", |bench| {
            let moved = DriverReport::Moved(id("pump"), 0.0);
            bench.gate.report(&moved, bench.now);
        }),
    ];
    for (words, interrupt) in events {
        let mut bench = Bench::rested(vec![pump(24)]);
        pulse(&mut bench, LENGTH);
        bench.pass(Span::seconds(7));
        interrupt(&mut bench);
        bench.settle();
        let outcomes = told(&mut bench);
        assert_eq!(outcomes.len(), 1, "{outcomes:?}");
        let (outcome, why) = &outcomes[0];
        assert_ne!(*outcome, Outcome::Executed, "{why}");
        assert!(
            why.contains(words) && why.contains("ran 7s of 20s"),
            "{why}"
        );
        bench.forget();
        drop(bench.gate.reset(None));
        drop(bench.gate.release(&id("pump")));
        bench.world.operation = Operation::Control;
        let back = DriverReport::Available(id("pump"), true);
        bench.gate.report(&back, bench.now);
        bench.pass(Span::hours(1));
        assert!(
            bench.orders.iter().all(|(_, o)| o.level == 0.0),
            "{words}: resumed"
        );
    }
}

#[test]
fn a_level_in_the_place_of_a_pulse_tells_the_far_side_its_own_end() {
    let mut bench = Bench::rested(vec![pump(24)]);
    pulse(&mut bench, LENGTH);
    bench.pass(Span::seconds(7));
    bench.set(&plugin("vpd"), "pump", 1.0);
    assert_eq!(told(&mut bench)[0].0, Outcome::Superseded);
    let newest = &bench.orders.last().unwrap().1;
    assert_eq!((newest.level, newest.pulse), (1.0, false));
    assert_eq!(
        newest.within,
        Some(Span::seconds(113)),
        "the longest run counts on"
    );
}

#[test]
fn its_own_timer_ends_it_a_little_early() {
    let mut bench = Bench::rested(vec![pump(24)]);
    pulse(&mut bench, LENGTH);
    bench.pass(Span::millis(19_900));
    let off = DriverReport::Moved(id("pump"), 0.0);
    bench.gate.report(&off, bench.now);
    bench.settle();
    let done = "done by its own timer: ran 19.9s of 20s".to_owned();
    assert_eq!(told(&mut bench), [(Outcome::Executed, done)]);
    assert!(bench.said.changes[1].trigger.contains("its own timer"));
}

#[test]
fn it_does_not_wait_for_who_goes_first_nor_for_what_is_missing() {
    let mut bench = Bench::rested(vec![pump(24)]);
    bench.set(&person("anna"), "pump", 0.0);
    assert_eq!(pulse(&mut bench, LENGTH).policy, "rank");
    let mut dosing = pump(24);
    dosing.needs = vec![temperature()];
    let mut bench = Bench::rested(vec![dosing]);
    bench.world.stale.insert(temperature());
    assert_eq!(pulse(&mut bench, LENGTH).policy, "condition");
    bench.world.stale.clear();
    let lost = DriverReport::Available(id("pump"), false);
    bench.gate.report(&lost, bench.now);
    assert_eq!(pulse(&mut bench, LENGTH).policy, "availability");
    bench.gate.stop(None, &text("leak"), &person("anna"));
    assert_eq!(pulse(&mut bench, LENGTH).policy, "stop");
    assert!(bench.orders.iter().all(|(_, order)| order.level == 0.0));
}

#[test]
fn an_observed_pulse_is_decided_and_drives_nothing() {
    let mut bench = Bench::rested(vec![pump(1)]);
    bench.world.operation = Operation::Observe;
    bench.pass(MINUTE);
    bench.forget();
    assert_eq!(pulse(&mut bench, LENGTH).kind, VerdictKind::Granted);
    assert!(
        !bench
            .said
            .records
            .iter()
            .any(|r| matches!(r, Record::Dosed(_)))
    );
    assert_eq!(pulse(&mut bench, LENGTH).policy, "minimum_off");
    bench.pass(Span::minutes(2));
    let (outcome, why) = told(&mut bench)[0].clone();
    assert_eq!(outcome, Outcome::Lapsed);
    assert!(why.contains("observed only"), "{why}");
    assert_eq!(pulse(&mut bench, LENGTH).policy, "doses", "as it would be");
    assert!(bench.orders.is_empty());
    bench.world.operation = Operation::Control;
    bench.pass(Span::minutes(2));
    assert_eq!(
        pulse(&mut bench, LENGTH).kind,
        VerdictKind::Granted,
        "none was given"
    );
}
