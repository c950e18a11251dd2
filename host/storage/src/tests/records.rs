//! Every record finds its table, comes back, and is taken back.

use growbox_model::commit::{CallId, DeadLetter, Dose, Frame, Hold, OpenCall, Switch};
use growbox_model::row::{AlertRow, AlertState, AnalyticsRow};
use growbox_model::{
    Call, Clock, Commit, DeviceId, Generation, Instant, Json, Moment, Record, SensorId, Seq,
    Source, Span, ZoneId,
};

use super::fixtures::*;
use crate::State;

fn device() -> DeviceId {
    DeviceId::new("heater").unwrap()
}

fn tent() -> ZoneId {
    ZoneId::new("tent").unwrap()
}

fn switch(level: f64, second: u64) -> Switch {
    Switch {
        device: device(),
        level,
        moment: Moment(second * SECOND),
        wall: Instant(FOUNDED + second * SECOND),
    }
}

fn hold() -> Hold {
    Hold {
        level: 0.25,
        until: Some(Instant(FOUNDED)),
        who: "ann".into(),
        reason: "emptying the tank".into(),
    }
}

#[test]
fn records_come_back_and_are_taken_back() {
    let dir = tempfile::tempdir().unwrap();
    let canopy = SensorId::new("canopy").unwrap();
    let (log, _) = opened(dir.path(), &patient());
    log.commit(records(vec![
        Record::Bound(canopy.clone(), Some(Source("http".into()))),
        Record::Switched(switch(1.0, 1)),
        Record::Switched(switch(0.0, 2)),
        Record::Override(
            tent(),
            "mode".into(),
            Some(Json::trusted(r#"{"mode":"x"}"#)),
        ),
        Record::Hold(device(), Some(hold())),
        Record::Stopped(None, Some("smoke".into())),
        Record::Stopped(Some(tent()), Some("leak".into())),
        Record::Opened(Seq(7), device()),
        Record::Opened(Seq(9), device()),
        Record::Closed(Seq(7)),
    ]));
    drop(log);
    let (log, restored) = opened(dir.path(), &patient());
    assert_eq!(restored.bindings, [(canopy.clone(), Source("http".into()))]);
    assert_eq!(restored.switches, [switch(0.0, 2)]);
    let mode = (tent(), "mode".into(), Json::trusted(r#"{"mode":"x"}"#));
    assert_eq!(restored.overrides, [mode]);
    assert_eq!(restored.holds, [(device(), hold())]);
    assert_eq!(
        restored.stops,
        [(None, "smoke".into()), (Some(tent()), "leak".into())]
    );
    assert_eq!(restored.open, [(Seq(9), device())]);
    log.commit(records(vec![
        Record::Bound(canopy, None),
        Record::Override(tent(), "mode".into(), None),
        Record::Hold(device(), None),
        Record::Stopped(None, None),
        Record::Closed(Seq(9)),
    ]));
    drop(log);
    let (_log, restored) = opened(dir.path(), &patient());
    assert!(restored.bindings.is_empty() && restored.overrides.is_empty());
    assert!(restored.holds.is_empty() && restored.open.is_empty());
    assert_eq!(restored.stops, [(Some(tent()), "leak".into())]);
}

fn batch(generation: u32, key: &str, value: Option<&str>) -> Commit {
    let mut batch = counted(generation, u64::from(generation), 0);
    batch.state = vec![(key.into(), value.map(|value| value.as_bytes().to_vec()))];
    Commit {
        plugin: Some(batch),
        ..Commit::default()
    }
}

fn generation(generation: u32) -> Record {
    let digest = format!("digest-{generation}");
    Record::Generation(
        counter(),
        Generation(generation),
        "0.1.0".into(),
        digest.into(),
    )
}

fn state(entries: &[(&str, &str)]) -> State {
    entries
        .iter()
        .map(|(key, value)| ((*key).into(), value.as_bytes().to_vec()))
        .collect()
}

/// The story is asked about twice: while it waits, and when it is durable.
#[test]
fn a_generation_starts_on_a_copy_of_the_one_before() {
    let dir = tempfile::tempdir().unwrap();
    let (log, _) = opened(dir.path(), &patient());
    let ask = |log: &crate::Log, n: u32| log.reader().state(&counter(), Generation(n)).unwrap();
    let mut last_of_the_first = batch(1, "b", Some("2"));
    last_of_the_first.records = vec![generation(2)];
    for step in [
        records(vec![generation(1)]),
        batch(1, "a", Some("1")),
        batch(1, "gone", Some("x")),
        batch(1, "gone", None),
        last_of_the_first,
        batch(2, "a", Some("3")),
    ] {
        log.commit(step);
    }
    for _ in ["waiting", "durable"] {
        assert_eq!(ask(&log, 1), state(&[("a", "1"), ("b", "2")]));
        assert_eq!(ask(&log, 2), state(&[("a", "3"), ("b", "2")]));
        assert_eq!(ask(&log, 3), State::new());
        assert!(log.flush(PATIENCE));
    }
    let mut first_of_the_third = batch(3, "c", Some("4"));
    first_of_the_third.records = vec![generation(3)];
    log.commit(first_of_the_third);
    for _ in ["waiting", "durable"] {
        assert_eq!(ask(&log, 3), state(&[("a", "3"), ("b", "2"), ("c", "4")]));
        assert!(log.flush(PATIENCE));
    }
    assert_eq!(
        ask(&log, 2),
        state(&[("a", "3"), ("b", "2")]),
        "the way back"
    );
    assert_eq!(ask(&log, 1), State::new(), "older ones go");
    drop(log);
    let (_log, restored) = opened(dir.path(), &patient());
    let [plugin] = &restored.plugins[..] else {
        panic!("{:?}", restored.plugins)
    };
    assert_eq!(
        (plugin.generation, &*plugin.digest),
        (Generation(3), "digest-3")
    );
    assert_eq!(plugin.cursor, Some(Seq(3)));
}

#[test]
fn a_generation_without_a_batch_has_the_cursor_of_the_one_before() {
    let dir = tempfile::tempdir().unwrap();
    let (log, _) = opened(dir.path(), &patient());
    log.commit(records(vec![generation(1)]));
    drop(log);
    let (log, restored) = opened(dir.path(), &patient());
    assert_eq!(restored.plugins[0].cursor, None);
    let mut step = batch(1, "a", None);
    step.records = vec![generation(2)];
    log.commit(step);
    drop(log);
    let (_log, restored) = opened(dir.path(), &patient());
    assert_eq!(restored.plugins[0].generation, Generation(2));
    assert_eq!(restored.plugins[0].cursor, Some(Seq(1)));
}

#[test]
fn a_frame_explains_its_batch() {
    let dir = tempfile::tempdir().unwrap();
    let (log, _) = opened(dir.path(), &patient());
    let frame = |second: u64| Frame {
        first: Seq(1),
        last: Seq(4),
        view: Seq(5),
        clock: Clock {
            now: Moment(second),
            wall: Instant(FOUNDED + second),
            wall_trusted: true,
            utc_offset: 3600,
        },
        tick: second == 2,
    };
    for second in [1, 2] {
        let mut step = batch(1, "a", None);
        step.plugin.as_mut().unwrap().frame = Some(frame(second));
        log.commit(step);
    }
    assert!(log.flush(PATIENCE));
    let frames = |from: u64, generation: u32| {
        log.reader()
            .frames(&counter(), Generation(generation), Seq(from), 10)
            .unwrap()
    };
    assert_eq!(frames(4, 1), [frame(1), frame(2)]);
    assert!(frames(5, 1).is_empty() && frames(4, 2).is_empty());
}

fn alert(n: u64, state: AlertState) -> AlertRow {
    let ended = (state == AlertState::Cleared).then_some(Instant(FOUNDED + n));
    AlertRow {
        id: format!("e{n}").into(),
        rule: "hot".into(),
        state,
        severity: "warning".into(),
        zone: n.is_multiple_of(2).then(tent),
        subject: n.is_multiple_of(3).then(|| "heater".into()),
        message: "too hot".into(),
        since: Instant(FOUNDED),
        raised: Instant(FOUNDED + n),
        acknowledged: (state != AlertState::Raised).then_some(Instant(FOUNDED + n)),
        who: (state != AlertState::Raised).then(|| "ann".into()),
        cleared: ended,
        action_taken: Some("notification".into()),
    }
}

#[test]
fn alerts_that_stand_come_back_and_the_newest_cleared_ones() {
    let dir = tempfile::tempdir().unwrap();
    let (log, _) = opened(dir.path(), &patient());
    let rows = |range: std::ops::RangeInclusive<u64>, state| {
        records(range.map(|n| Record::Alert(alert(n, state))).collect())
    };
    log.commit(rows(1..=300, AlertState::Raised));
    log.commit(rows(2..=6, AlertState::Acknowledged));
    log.commit(rows(7..=300, AlertState::Cleared));
    drop(log);
    let (_log, restored) = opened(dir.path(), &patient());
    let kept = [
        (1..=1, AlertState::Raised),
        (2..=6, AlertState::Acknowledged),
        (101..=300, AlertState::Cleared),
    ];
    let kept = kept.into_iter();
    let kept: Vec<_> = kept
        .flat_map(|(ns, state)| ns.map(move |n| alert(n, state)))
        .collect();
    assert_eq!(restored.alerts, kept);
}

#[test]
fn of_each_window_the_newest_report_comes_back() {
    let dir = tempfile::tempdir().unwrap();
    let (log, _) = opened(dir.path(), &patient());
    let report = |window: &str, n: u64| AnalyticsRow {
        window: window.into(),
        at: Instant(FOUNDED + n),
        report: Json::trusted(&format!(r#"{{"n":{n}}}"#)),
    };
    let all = [report("1h", 1), report("1d", 2), report("1h", 3)];
    log.commit(records(all.map(Record::Report).into()));
    drop(log);
    let (_log, restored) = opened(dir.path(), &patient());
    assert_eq!(restored.reports, [report("1d", 2), report("1h", 3)]);
}

#[test]
fn open_calls_come_back_whole_and_closed_ones_are_gone() {
    let dir = tempfile::tempdir().unwrap();
    let (log, _) = opened(dir.path(), &patient());
    let call = |id: u64| OpenCall {
        id: CallId(id),
        plugin: counter(),
        generation: Generation(3),
        cause: (id > 1).then_some(Seq(id)),
        call: Call {
            key: format!("note {id}"),
            method: "POST".into(),
            url: "https://ntfy.example/tent".into(),
            headers: (0..id).map(|n| (format!("x-{n}"), "a\nb".into())).collect(),
            body: vec![0, 255, 10],
        },
    };
    log.commit(records(
        (1..=12).map(|id| Record::CallOpened(call(id))).collect(),
    ));
    log.commit(records(vec![Record::CallClosed(CallId(2))]));
    drop(log);
    let (log, restored) = opened(dir.path(), &patient());
    let open: Vec<_> = (1..=12).filter(|id| *id != 2).map(call).collect();
    assert_eq!(restored.calls, open);
    let closed = (1..=12).map(|id| Record::CallClosed(CallId(id)));
    log.commit(records(closed.collect()));
    drop(log);
    let (log, restored) = opened(dir.path(), &patient());
    assert!(restored.calls.is_empty());
    log.commit(records(vec![Record::CallOpened(call(2))]));
    drop(log);
    let (_log, restored) = opened(dir.path(), &patient());
    assert_eq!(
        restored.calls,
        [call(2)],
        "no header of a closed one is left"
    );
}

#[test]
fn doses_are_kept_for_a_day() {
    let dir = tempfile::tempdir().unwrap();
    let (log, _) = opened(dir.path(), &patient());
    let dose = |hour: u64| Dose {
        device: device(),
        length: Span::seconds(hour),
        moment: Moment(hour * 3600 * SECOND),
        wall: Instant(FOUNDED + (40 - hour) * 3600 * SECOND),
    };
    log.commit(records(
        (0..40).map(|hour| Record::Dosed(dose(hour))).collect(),
    ));
    drop(log);
    let (_log, restored) = opened(dir.path(), &patient());
    assert_eq!(restored.doses, (14..40).map(dose).collect::<Vec<_>>());
}

#[test]
fn trips_lock_outs_and_doubts_stand_until_taken_back_and_starts_for_an_hour() {
    let dir = tempfile::tempdir().unwrap();
    let (log, _) = opened(dir.path(), &patient());
    let tent = growbox_model::ZoneId::new("tent").unwrap();
    let trip = |rule: &str| growbox_model::Trip {
        rule: rule.into(),
        zone: tent.clone(),
        message: "2100 ppm".into(),
        since: Instant(FOUNDED),
        latched: true,
    };
    let tripped = |rule: &str, trip| Record::Tripped(rule.into(), tent.clone(), trip);
    let lock_out = growbox_model::LockOut {
        who: "ada".into(),
        reason: "blade off".into(),
        since: Instant(FOUNDED),
    };
    let start = |minute: u64| Moment(minute * 60 * SECOND);
    let mut all = vec![
        tripped("co2", Some(trip("co2"))),
        tripped("hot", Some(trip("hot"))),
        tripped("hot", None),
        Record::LockedOut(device(), Some(lock_out.clone())),
        Record::Doubted(device(), Some("it sticks".into())),
    ];
    all.extend((0..100).map(|minute| Record::Started(device(), start(minute))));
    log.commit(records(all));
    drop(log);
    let (log, restored) = opened(dir.path(), &patient());
    assert_eq!(restored.trips, [trip("co2")]);
    assert_eq!(restored.lock_outs, [(device(), lock_out)]);
    assert_eq!(restored.doubts, [(device(), "it sticks".into())]);
    let starts: Vec<Moment> = restored.starts.iter().map(|(_, moment)| *moment).collect();
    assert_eq!(starts, (39..100).map(start).collect::<Vec<_>>());
    let taken_back = [
        Record::LockedOut(device(), None),
        Record::Doubted(device(), None),
    ];
    log.commit(records(taken_back.to_vec()));
    drop(log);
    let (_log, restored) = opened(dir.path(), &patient());
    assert_eq!((restored.lock_outs, restored.doubts), (vec![], vec![]));
}

fn letter(n: u64) -> Record {
    Record::DeadLetter(DeadLetter {
        taken: Instant(FOUNDED + n),
        source: Source("mqtt:room".into()),
        code: "unknown_type".into(),
        message: "unknown event type".into(),
        body: n.to_string().into(),
    })
}

#[test]
fn the_newest_dead_letters_are_kept_with_ids_that_stay() {
    let dir = tempfile::tempdir().unwrap();
    let (log, _) = opened(dir.path(), &patient());
    log.commit(records((1..=10_005).map(letter).collect()));
    assert!(log.flush(PATIENCE));
    log.commit(records(vec![letter(10_006), letter(10_007)]));
    let ids = |limit: usize| -> Vec<(u64, String)> {
        let letters = log.reader().dead_letters(limit).unwrap();
        letters
            .iter()
            .map(|(id, l)| (*id, l.body.to_string()))
            .collect()
    };
    let wanted = |ids: &[u64]| {
        ids.iter()
            .map(|id| (*id, id.to_string()))
            .collect::<Vec<_>>()
    };
    assert_eq!(ids(3), wanted(&[10_007, 10_006, 10_005]));
    assert!(log.flush(PATIENCE));
    assert_eq!(ids(3), wanted(&[10_007, 10_006, 10_005]));
    assert_eq!(ids(usize::MAX).len(), 10_000);
}
