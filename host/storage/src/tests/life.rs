//! Groups, fullness, retention: the log as it runs.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant as MachineInstant};

use growbox_model::ports::EventFilter;
use growbox_model::{Event, Seq, Span};
use proptest::prelude::*;

use super::fixtures::*;
use crate::{Gap, Health, Limits, Log, open};

/// Waits for something the writer does, at most as long as the tests are patient.
fn wait_until(log: &Log, what: &str, holds: impl Fn(&Health) -> bool) -> Health {
    let until = MachineInstant::now() + PATIENCE;
    loop {
        let health = log.health();
        if holds(&health) {
            return health;
        }
        assert!(MachineInstant::now() < until, "{what}: {health:?}");
        std::thread::yield_now();
    }
}

fn everything() -> EventFilter {
    EventFilter {
        limit: usize::MAX,
        ..EventFilter::default()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn everything_comes_back_in_order(events in any_log(120), group in 1_usize..20) {
        let dir = tempfile::tempdir().unwrap();
        let (log, _) = opened(dir.path(), &patient());
        for events in events.chunks(group) {
            log.commit(commit(events.to_vec()));
        }
        drop(log);
        let (log, restored) = opened(dir.path(), &patient());
        prop_assert_eq!(&log.reader().query(&everything()).unwrap(), &events);
        prop_assert_eq!(&restored.tail, &events);
        prop_assert_eq!(restored.last_seq, events.last().map_or(Seq(0), |e| e.seq));
        prop_assert_eq!(restored.first_seq, events.first().map_or(Seq(1), |e| e.seq));
        prop_assert_eq!(restored.newest_at, events.iter().map(|e| e.at).max().unwrap_or_default());
        prop_assert_eq!(restored.moment, events.last().map_or_else(Default::default, |e| e.taken));
        let ids: Vec<_> = events
            .iter()
            .filter_map(|e| e.id.clone().map(|id| (e.source.clone(), id, e.seq)))
            .collect();
        prop_assert_eq!(restored.ids, ids);
        let stored: BTreeSet<_> = restored.texts.iter().map(|text| &**text).collect();
        let named: BTreeSet<_> = events.iter().flat_map(|e| e.names()).collect();
        prop_assert_eq!(stored, named);
    }
}

#[test]
fn a_log_of_the_first_version_goes_on_in_the_second() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("growbox.db");
    let first = rusqlite::Connection::open(&path).unwrap();
    crate::schema::migrate(&first, &path, &[crate::schema::FIRST]).unwrap();
    first
        .execute(
            "INSERT INTO hold VALUES ('heater', 0.25, NULL, 'ann', 'x')",
            [],
        )
        .unwrap();
    drop(first);
    let (log, restored) = opened(dir.path(), &patient());
    assert_eq!(restored.holds.len(), 1);
    assert!(restored.alerts.is_empty() && restored.calls.is_empty());
    log.commit(commit(readings(1..=3)));
    assert!(log.flush(PATIENCE));
    assert!(dir.path().join("growbox.db.version-1").exists());
    assert!(log.health().set_aside.is_none());
}

#[test]
fn a_commit_without_an_event_is_known_to_be_durable() {
    let dir = tempfile::tempdir().unwrap();
    let (log, _) = opened(dir.path(), &patient());
    log.commit(records(vec![growbox_model::Record::Closed(Seq(7))]));
    let before = log.written();
    assert_eq!((before.handed, before.durable), (1, 0));
    assert!(log.flush(PATIENCE));
    assert_eq!(log.written().durable, 1);
    drop(log);
    let (log, _) = opened(dir.path(), &patient());
    assert_eq!((log.written().handed, log.written().durable), (1, 1));
}

#[test]
fn an_urgent_commit_takes_everything_before_it_along() {
    let dir = tempfile::tempdir().unwrap();
    let durable = Arc::new(Mutex::new(Vec::new()));
    let seen = durable.clone();
    let (log, _) = open(dir.path(), &patient(), move |seq| {
        seen.lock().unwrap().push(seq);
    })
    .unwrap();
    log.commit(commit(readings(1..=2)));
    assert_eq!(log.durable(), Seq(0), "it waits for company");
    let mut urgent = commit(readings(3..=3));
    urgent.urgent = true;
    log.commit(urgent);
    wait_until(&log, "the group", |health| health.durable == Seq(3));
    assert_eq!(log.health().groups, 1);
    drop(log);
    assert_eq!(*durable.lock().unwrap(), [Seq(3)]);
}

#[test]
fn a_full_group_does_not_wait() {
    let dir = tempfile::tempdir().unwrap();
    let mut options = patient();
    options.group_events = 10;
    let (log, _) = opened(dir.path(), &options);
    for seq in 1..=25 {
        log.commit(commit(readings(seq..=seq)));
    }
    let health = wait_until(&log, "two groups", |health| health.durable >= Seq(20));
    assert!(health.pending_events < 10);
}

#[test]
fn a_changed_interval_holds_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let (log, _) = opened(dir.path(), &patient());
    log.commit(commit(readings(1..=1)));
    log.set_limits(Limits {
        commit_interval: Duration::ZERO,
        ..Limits::default()
    });
    wait_until(&log, "the group", |health| health.durable == Seq(1));
}

/// The disk is full: commits wait and can be read, the log says so, and goes on when it can.
#[test]
fn a_full_disk_loses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let mut options = prompt();
    options.bounds.events = 6000;
    let (log, _) = opened(dir.path(), &options);
    let small = Limits {
        max_bytes: Some(150_000),
        ..options.limits
    };
    log.set_limits(small);
    let mut seq = 0;
    while !log.is_full() {
        let mut step = commit(readings(seq + 1..=seq + 500));
        step.plugin = Some(counted(1, seq + 500, seq + 500));
        log.commit(step);
        seq += 500;
        assert!(seq < 1_000_000, "it never fills");
    }
    let health = wait_until(&log, "an error", |health| health.error.is_some());
    assert!(health.error.unwrap().contains("full"));
    assert!(health.durable < Seq(seq) && health.oldest_unwritten.is_some());
    assert_eq!(log.reader().query(&everything()).unwrap().len() as u64, seq);
    log.set_limits(options.limits);
    assert!(log.flush(PATIENCE), "{:?}", log.health());
    assert_eq!((log.health().error, log.is_full()), (None, false));
    drop(log);
    let (log, restored) = opened(dir.path(), &patient());
    let all = log.reader().query(&everything()).unwrap();
    assert!(all.iter().map(|event| event.seq.0).eq(1..=seq));
    assert_eq!(restored.plugins[0].cursor, Some(Seq(seq)));
}

#[test]
fn beyond_the_reserve_events_are_dropped_and_counted() {
    let dir = tempfile::tempdir().unwrap();
    let mut options = patient();
    options.bounds.events = 8;
    let (log, _) = opened(dir.path(), &options);
    for seq in 1..=12 {
        let mut step = commit(readings(seq..=seq));
        step.plugin = Some(counted(1, seq, seq));
        log.commit(step);
        assert_eq!(log.is_full(), seq >= 8);
    }
    let gap = Gap {
        first: Seq(11),
        last: Seq(12),
        events: 2,
    };
    assert_eq!(log.health().gap, Some(gap));
    assert_eq!((log.take_gap(), log.take_gap()), (Some(gap), None));
    assert!(log.flush(PATIENCE));
    log.commit(commit(readings(13..=13)));
    drop(log);
    let (log, restored) = opened(dir.path(), &patient());
    let kept: Vec<_> = log.reader().query(&everything()).unwrap();
    assert!(
        kept.iter()
            .map(|event| event.seq.0)
            .eq((1..=10).chain([13]))
    );
    assert_eq!(
        restored.plugins[0].cursor,
        Some(Seq(12)),
        "state is never dropped"
    );
}

/// What is too old goes by room time, the newest event stays, and a cursor can tell.
#[test]
fn retention_removes_the_old_and_says_where_the_log_begins() {
    let dir = tempfile::tempdir().unwrap();
    let mut options = prompt();
    options.limits.retention = Span::seconds(100);
    let (log, _) = opened(dir.path(), &options);
    let named = |seq: u64| -> Arc<Event> {
        let mut event = reading(seq, "canopy", 0.0);
        event.id = Some(format!("id-{seq}").into());
        Arc::new(event)
    };
    log.commit(commit((1..=5000).map(named).collect()));
    assert!(log.flush(PATIENCE));
    // Steps of 2000, one with each group, until nothing old is left.
    for seq in 5001..=5004 {
        log.commit(commit(vec![named(seq)]));
        assert!(log.flush(PATIENCE));
    }
    let first = log.first();
    assert!((4900..=4904).contains(&first.0), "{first}");
    let left = log.reader().query(&everything()).unwrap();
    assert!(left.iter().map(|event| event.seq.0).eq(first.0..=5004));
    assert_eq!(log.reader().find("id-17").unwrap(), None);
    let later = EventFilter {
        from: Some(growbox_model::Instant(FOUNDED)),
        ..everything()
    };
    assert_eq!(log.reader().query(&later).unwrap().len(), left.len());
    drop(log);
    let (_log, restored) = opened(dir.path(), &options);
    assert_eq!((restored.first_seq, restored.last_seq), (first, Seq(5004)));
}

#[test]
fn the_newest_event_outlives_its_time() {
    let dir = tempfile::tempdir().unwrap();
    let mut options = prompt();
    options.limits.retention = Span::ZERO;
    let (log, _) = opened(dir.path(), &options);
    log.commit(commit(readings(1..=10)));
    assert!(log.flush(PATIENCE));
    assert_eq!(log.first(), Seq(10));
}

/// The tail holds an hour; ids reach back further.
#[test]
fn the_restored_tail_is_an_hour_and_the_ids_reach_further() {
    let dir = tempfile::tempdir().unwrap();
    let (log, _) = opened(dir.path(), &patient());
    let named = |seq: u64| -> Arc<Event> {
        let mut event = reading(seq, "canopy", 0.0);
        event.id = Some(format!("id-{seq}").into());
        Arc::new(event)
    };
    log.commit(commit((1..=5000).map(named).collect()));
    drop(log);
    let (_log, restored) = opened(dir.path(), &patient());
    assert_eq!(restored.tail.first().map(|e| e.seq), Some(Seq(1400)));
    assert_eq!(restored.tail.len(), 3601);
    assert_eq!(restored.ids.len(), 5000);
}
