//! Alerts and reports: raised, acknowledged, cleared, listed, remembered.

use growbox_model::room::ClockForm;
use growbox_model::row::{AlertRow, AlertState, AnalyticsRow, Answer, Order, PostStatus, Question};
use growbox_model::{Effect, Json, Payload, Record, Seq, Span};
use serde_json::{Value, json};

use crate::bench::{Bench, at, event, every, field, guest, room, saying, tent, warmth};
use crate::memory::Memory;

fn bench() -> Bench {
    Bench::new(room(ClockForm::System), Vec::new())
}

fn alerts(bench: &mut Bench) -> Vec<AlertRow> {
    match bench.ask(Question::Alerts) {
        Answer::Alerts(rows) => rows,
        other => panic!("no alerts: {other:?}"),
    }
}

fn told(bench: &mut Bench, kind: &str, subject: &str, more: &Value) -> Seq {
    let mut data = json!({"rule": "hot", "subject": subject});
    data.as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    let said = json!({"type": kind, "data": data, "metadata": {"zone": "tent"}});
    let result = bench.tell(said);
    assert_eq!(result.status, PostStatus::Accepted, "{result:?}");
    result.seq.unwrap()
}

fn raise(bench: &mut Bench, subject: &str) -> Seq {
    told(
        bench,
        "alert.raised",
        subject,
        &json!({"severity": "critical", "message": "too hot"}),
    )
}

#[test]
fn an_alert_is_raised_once_acknowledged_by_a_person_and_cleared() {
    let all = guest("all", every(&["alert.*"]), |_, _| Ok(Vec::new()));
    let mut bench = Bench::new(room(ClockForm::System), vec![all]);
    let raised = raise(&mut bench, "canopy");
    let again = json!({"message": "much too hot", "severity": "warning"});
    told(&mut bench, "alert.raised", "canopy", &again);
    let [row] = &alerts(&mut bench)[..] else {
        panic!("not one alert")
    };
    let id = format!("e{}", raised.0);
    assert_eq!((&*row.id, row.state), (&*id, AlertState::Raised));
    assert_eq!((&*row.message, &*row.severity), ("much too hot", "warning"));
    assert_eq!(
        (row.zone.clone(), row.subject.as_deref()),
        (Some(tent()), Some("canopy"))
    );

    let Answer::Alerts(rows) = bench.order(Order::Acknowledge(id.as_str().into())) else {
        panic!("not acknowledged")
    };
    assert_eq!(
        (rows[0].state, rows[0].who.as_deref()),
        (AlertState::Acknowledged, Some("anna"))
    );
    let said = bench.said("alert.acknowledged").remove(0);
    assert_eq!(
        (said.cause, said.zone.clone()),
        (Some(raised), Some(tent()))
    );
    assert_eq!(
        (field(&said, "alert"), field(&said, "reason")),
        (json!(id), json!("to see"))
    );
    assert!(bench.given("all").contains(&said.seq), "plug-ins hear it");

    let refused = |bench: &mut Bench| match bench.order(Order::Acknowledge(id.as_str().into())) {
        Answer::Conflict(objection) => objection.code,
        other => panic!("not refused: {other:?}"),
    };
    assert_eq!(refused(&mut bench), "acknowledged_already");
    told(&mut bench, "alert.cleared", "canopy", &json!({}));
    let [row] = &alerts(&mut bench)[..] else {
        panic!("not one alert")
    };
    assert_eq!(row.state, AlertState::Cleared);
    assert!(row.cleared.is_some());
    assert_eq!(refused(&mut bench), "cleared_already");
}

#[test]
fn rule_zone_and_subject_name_an_alert_and_a_mistyped_id_is_answered_with_the_nearest() {
    let mut bench = bench();
    let first = raise(&mut bench, "canopy");
    let second = raise(&mut bench, "roots");
    raise(&mut bench, "canopy");
    let everywhere =
        json!({"type": "alert.raised", "id": "mine", "data": {"rule": "hot", "subject": "canopy"}});
    bench.tell(everywhere);
    let ids: Vec<String> = alerts(&mut bench)
        .iter()
        .map(|row| row.id.to_string())
        .collect();
    assert_eq!(
        ids,
        [
            "mine".to_owned(),
            format!("e{}", second.0),
            format!("e{}", first.0)
        ]
    );
    let Answer::NotFound(objection) = bench.order(Order::Acknowledge("mien".into())) else {
        panic!("found")
    };
    assert_eq!(objection.code, "unknown_alert");
    assert_eq!(objection.nearest.as_deref(), Some("mine"));
}

#[test]
fn what_stands_is_listed_before_what_is_over_the_newest_first() {
    let mut bench = bench();
    for subject in ["a", "b", "c", "d"] {
        raise(&mut bench, subject);
        bench.pass(Span::seconds(1));
    }
    for subject in ["c", "a"] {
        told(&mut bench, "alert.cleared", subject, &json!({}));
        bench.pass(Span::seconds(1));
    }
    told(&mut bench, "alert.cleared", "never raised", &json!({}));
    let listed = alerts(&mut bench);
    let subjects = listed.iter().map(|row| row.subject.as_deref().unwrap());
    assert_eq!(subjects.collect::<Vec<_>>(), ["d", "b", "a", "c"]);
}

#[test]
fn alerts_outlive_the_host_at_every_commit() {
    let mut first = bench();
    let raised = raise(&mut first, "canopy");
    raise(&mut first, "roots");
    first.order(Order::Acknowledge(format!("e{}", raised.0).into()));
    told(&mut first, "alert.cleared", "roots", &json!({}));
    for cut in 0..=first.behind.commits.len() {
        let commits = &first.behind.commits[..cut];
        let memory = Memory::of(commits);
        let events = memory.events().iter();
        let raised = events.filter(|e| e.kind.as_str() == "alert.raised").count();
        let mut second = Bench::restarted(room(ClockForm::System), Vec::new(), memory, at(9));
        assert_eq!(alerts(&mut second).len(), raised, "after {cut} commits");
    }
    let memory = Memory::of(&first.behind.commits);
    let listed = alerts(&mut first);
    let mut second = Bench::restarted(room(ClockForm::System), Vec::new(), memory, at(10));
    assert_eq!(alerts(&mut second), listed);
    told(&mut second, "alert.raised", "canopy", &json!({}));
    assert_eq!(alerts(&mut second).len(), 2, "it stands already");
}

#[test]
fn without_the_token_nothing_is_raised_or_reported() {
    let mut bench = bench();
    let said = |kind: &str, data: Value| event(json!({"type": kind, "data": data}));
    bench.post(vec![
        said("alert.raised", json!({"rule": "hot"})),
        said("analytics.report", json!({"window": "1h"})),
    ]);
    assert!(alerts(&mut bench).is_empty());
    assert_eq!(
        bench.ask(Question::Analytics(None)),
        Answer::Analytics(Vec::new())
    );
    assert!(
        !bench
            .records()
            .iter()
            .any(|r| matches!(r, Record::Alert(_) | Record::Report(_)))
    );
}

#[test]
fn an_alert_of_a_zone_that_is_gone_is_cleared_at_the_start() {
    let mut first = bench();
    let raised = raise(&mut first, "canopy");
    let memory = Memory::of(&first.behind.commits);
    let mut smaller = room(ClockForm::System);
    smaller.zones.remove(&tent());
    let mut second = Bench::restarted(smaller, Vec::new(), memory, at(9));
    assert_eq!(alerts(&mut second)[0].state, AlertState::Cleared);
    assert_eq!(second.said("alert.cleared")[0].cause, Some(raised));
}

#[test]
fn so_many_alerts_stand_and_no_more() {
    let shouting = guest("shouting", every(&["sensor.*"]), |batch, _| {
        let raise = |i: u64| {
            let Effect::Emit(mut draft) = saying("alert.raised", &[batch.events[0].seq]) else {
                unreachable!()
            };
            let data = json!({"rule": "hot", "subject": format!("{}-{i}", batch.events[0].seq.0)});
            draft.payload = Payload::Document(Json::of(&data));
            Effect::Emit(draft)
        };
        Ok((0..400).map(raise).collect())
    });
    let mut bench = Bench::new(room(ClockForm::System), vec![shouting]);
    for second in 0..4 {
        bench.post(vec![warmth("a", 20.0, at(second * 30))]);
        bench.pass(Span::seconds(30));
    }
    assert_eq!(alerts(&mut bench).len(), 1000);
    let Answer::Plugins(rows) = bench.ask(Question::Plugins) else {
        panic!("no plug-ins")
    };
    assert!(
        rows[0]
            .why
            .as_deref()
            .is_some_and(|why| why.contains("1000 alerts stand"))
    );
}

fn reports(bench: &mut Bench, window: Option<&str>) -> Vec<AnalyticsRow> {
    match bench.ask(Question::Analytics(window.map(Into::into))) {
        Answer::Analytics(rows) => rows,
        other => panic!("no reports: {other:?}"),
    }
}

#[test]
fn the_newest_report_of_each_window_is_listed_and_outlives_the_host() {
    let mut first = bench();
    for (window, n) in [
        (json!("1h"), 1),
        (json!("1d"), 2),
        (json!(3600), 3),
        (json!("5min"), 4),
    ] {
        first.tell(json!({"type": "analytics.report", "data": {"window": window, "n": n}}));
    }
    let numbers = |rows: &[AnalyticsRow]| -> Vec<(String, Value)> {
        let number = |row: &AnalyticsRow| (row.window.to_string(), row.report.map()["n"].clone());
        rows.iter().map(number).collect()
    };
    let both = [("1h".to_owned(), json!(3)), ("1d".to_owned(), json!(2))];
    assert_eq!(numbers(&reports(&mut first, None)), both);
    assert_eq!(numbers(&reports(&mut first, Some("1d"))), both[1..]);
    assert!(reports(&mut first, Some("7d")).is_empty());
    let memory = Memory::of(&first.behind.commits);
    let mut second = Bench::restarted(room(ClockForm::System), Vec::new(), memory, at(9));
    assert_eq!(numbers(&reports(&mut second, None)), both);
    let Answer::NotFound(objection) = second.ask(Question::Analytics(Some("2d".into()))) else {
        panic!("found")
    };
    for window in ["1h", "1d", "7d"] {
        assert!(objection.message.contains(window), "{objection}");
    }
}
