//! Outbound calls: two keys, performed once durable, again after a crash, answered by an event.

use growbox_model::commit::{CallId, OpenCall};
use growbox_model::ports::{CallAnswer, CallReply};
use growbox_model::room::ClockForm;
use growbox_model::row::{Answer, Question};
use growbox_model::{Ask, Call, Effect, Record, RoomSpec, Span};
use serde_json::json;

use crate::Input;
use crate::bench::{Bench, Guest, at, every, field, guest, room, warmth};
use crate::memory::Memory;

const NTFY: &str = "https://ntfy.sh";

fn call(key: &str, url: &str) -> Effect {
    Effect::Call(Call {
        key: key.into(),
        method: "POST".into(),
        url: url.into(),
        headers: vec![("Title".into(), "too hot".into())],
        body: b"26 degrees".to_vec(),
    })
}

/// A plug-in that calls for every reading, and hears the answers.
fn calling(url: &'static str, times: usize) -> Guest {
    let types = ["sensor.*", "plugin.call.answered"];
    let mut calling = guest("calling", every(&types), move |batch, _| {
        let readings = batch.events.iter().filter(|e| e.reading().is_some());
        let keys = readings.flat_map(|e| (0..times).map(move |i| format!("{}-{i}", e.seq.0)));
        Ok(keys.map(|key| call(&key, url)).collect())
    });
    calling.manifest.asks.push(Ask {
        ability: "call".into(),
        scope: "*".into(),
        why: "to tell you".into(),
        required: false,
    });
    calling.spec.grant.call = vec![NTFY.into()];
    calling
}

/// The room whose configuration grants that.
fn granting(clock: ClockForm) -> RoomSpec {
    let mut room = room(clock);
    let spec = calling(NTFY, 1).spec;
    room.plugins.insert(spec.id.clone(), spec);
    room
}

fn bench() -> Bench {
    let url = "https://ntfy.sh/tent";
    Bench::new(granting(ClockForm::System), vec![calling(url, 1)])
}

fn replied(id: CallId, status: u16) -> Input {
    Input::Called(CallAnswer {
        id,
        outcome: Ok(CallReply {
            status,
            headers: vec![("x".into(), "1".into()), ("x".into(), "2".into())],
            body: "ü".repeat(4000).into(),
        }),
    })
}

fn failed(id: CallId) -> Input {
    let outcome = Err("no route".to_owned());
    Input::Called(CallAnswer { id, outcome })
}

fn opened(bench: &Bench) -> Vec<OpenCall> {
    let records = bench.records().into_iter();
    let open = records.filter_map(|record| match record {
        Record::CallOpened(open) => Some(open),
        _ => None,
    });
    open.collect()
}

fn trouble(bench: &mut Bench) -> String {
    let Answer::Plugins(rows) = bench.ask(Question::Plugins) else {
        panic!("no plug-ins")
    };
    rows[0].why.as_deref().unwrap_or_default().to_owned()
}

#[test]
fn a_call_is_performed_once_its_batch_is_durable_and_answered_by_an_event() {
    let mut bench = bench();
    bench.behind.fsyncs = false;
    let reading = bench.post(vec![warmth("a", 20.0, at(0))])[0].seq;
    let [open] = &opened(&bench)[..] else {
        panic!("not one call")
    };
    assert_eq!(open.cause, reading);
    let commits = bench.behind.commits.iter();
    let of_batch = |commit: &&growbox_model::Commit| {
        commit
            .plugin
            .as_ref()
            .is_some_and(|p| p.cursor >= reading.unwrap())
    };
    let whole = commits
        .filter(of_batch)
        .any(|c| c.records.contains(&Record::CallOpened(open.clone())) && c.urgent);
    assert!(whole, "part of its batch's commit, and that is urgent");
    assert!(bench.behind.calls.is_empty(), "not durable yet");
    bench.fsync();
    bench.fsync();
    assert_eq!(bench.behind.calls, std::slice::from_ref(open));

    bench.behind.fsyncs = true;
    bench.turn([replied(open.id, 200)]);
    bench.run();
    let answered = bench.said("plugin.call.answered").remove(0);
    assert_eq!(
        (answered.cause, answered.source.as_str()),
        (reading, "host")
    );
    assert_eq!(field(&answered, "plugin"), "calling");
    assert_eq!(field(&answered, "key"), format!("{}-0", reading.unwrap().0));
    assert_eq!(field(&answered, "status"), 200);
    assert_eq!(field(&answered, "headers"), json!({"x": "1, 2"}));
    assert_eq!(field(&answered, "body").as_str().unwrap().len(), 4096);
    assert!(
        bench.given("calling").contains(&answered.seq),
        "it hears of it"
    );
    let closing = bench
        .behind
        .commits
        .iter()
        .find(|c| c.events.contains(&answered))
        .unwrap();
    assert!(closing.records.contains(&Record::CallClosed(open.id)));
    bench.turn([replied(open.id, 200), failed(CallId(99))]);
    bench.run();
    assert_eq!(bench.said("plugin.call.answered").len(), 1, "answered once");
}

#[test]
fn a_call_without_an_answer_is_performed_again_after_a_crash() {
    let mut first = bench();
    first.post(vec![warmth("a", 20.0, at(0)), warmth("a", 21.0, at(1))]);
    let calls = first.behind.calls.clone();
    assert_eq!(calls.len(), 2);
    first.turn([failed(calls[0].id)]);
    let memory = Memory::of(&first.behind.commits);
    let mut second = Bench::restarted(
        granting(ClockForm::System),
        vec![calling("https://ntfy.sh/tent", 1)],
        memory,
        at(9),
    );
    assert_eq!(second.behind.calls, calls[1..]);
    second.post(vec![warmth("a", 22.0, at(10))]);
    assert!(second.behind.calls[1].id > calls[1].id, "a name of its own");
    second.turn([failed(calls[1].id)]);
    second.run();
    let answered = second.said("plugin.call.answered").remove(0);
    assert_eq!(answered.cause, calls[1].cause);
    assert_eq!(field(&answered, "error"), "no route");
    assert!(field(&answered, "status").is_null());
}

#[test]
fn what_is_no_longer_granted_after_a_restart_is_answered_instead() {
    let mut first = bench();
    first.post(vec![warmth("a", 20.0, at(0))]);
    for clock in [ClockForm::System, ClockForm::Events] {
        let memory = Memory::of(&first.behind.commits);
        let mut second = Bench::restarted(room(clock), Vec::new(), memory, at(9));
        second.post(vec![warmth("a", 20.0, at(10))]);
        assert!(second.behind.calls.is_empty());
        let answered = second.said("plugin.call.answered").remove(0);
        let error = field(&answered, "error").to_string();
        assert!(error.contains("not performed"), "{error}");
    }
}

#[test]
fn both_keys_are_needed_and_the_refusal_names_the_line() {
    let refused = |guest: Guest| {
        let mut bench = Bench::new(room(ClockForm::System), vec![guest]);
        bench.post(vec![warmth("a", 20.0, at(0))]);
        assert!(bench.behind.calls.is_empty() && opened(&bench).is_empty());
        trouble(&mut bench)
    };
    let line =
        "[plugin.calling] grant = { call = [\"https://ntfy.sh\", \"https://ntfy.sh:8443\"] }";
    let other = refused(calling("https://ntfy.sh:8443/tent", 1));
    assert!(other.contains(line), "{other}");
    let mut unasked = calling("https://ntfy.sh/tent", 1);
    unasked.manifest.asks.pop();
    let why = refused(unasked);
    assert!(
        why.contains("its author") && !why.contains("grant ="),
        "{why}"
    );
    let mut denied = calling("https://ntfy.sh/tent", 1);
    denied.spec.deny.call = vec!["https://*".into()];
    let why = refused(denied);
    assert!(why.contains("[plugin.calling] deny"), "{why}");
    let why = refused(calling("https://ntfy.sh@evil.example/", 1));
    assert!(why.contains("names a user"), "{why}");
}

#[test]
fn so_many_wait_for_their_answers_and_no_more() {
    let mut bench = Bench::new(
        room(ClockForm::System),
        vec![calling("https://ntfy.sh/", 40)],
    );
    bench.post(vec![warmth("a", 20.0, at(0))]);
    assert_eq!(bench.behind.calls.len(), 32);
    let why = trouble(&mut bench);
    assert!(why.contains("32 calls of calling"), "{why}");
    let answers: Vec<Input> = bench.behind.calls.iter().map(|c| failed(c.id)).collect();
    bench.turn(answers);
    bench.run();
    bench.post(vec![warmth("a", 20.0, at(0))]);
    assert_eq!(bench.behind.calls.len(), 60, "as many as it has saved up");
    let why = trouble(&mut bench);
    assert!(why.contains("0.5 times a second"), "{why}");
    let answers: Vec<Input> = bench.behind.calls.iter().map(|c| failed(c.id)).collect();
    bench.turn(answers);
    bench.pass(Span::seconds(10));
    bench.post(vec![warmth("a", 20.0, at(10))]);
    assert_eq!(bench.behind.calls.len(), 65);
}

#[test]
fn by_events_nothing_is_called_and_the_answer_says_so() {
    let url = "https://ntfy.sh/tent";
    let mut bench = Bench::new(granting(ClockForm::Events), vec![calling(url, 1)]);
    bench.post(vec![warmth("a", 20.0, at(0))]);
    assert!(bench.behind.calls.is_empty() && opened(&bench).is_empty());
    let answered = bench.said("plugin.call.answered").remove(0);
    assert_eq!(
        field(&answered, "error"),
        "not performed: the room's time comes from events"
    );
}

#[test]
fn the_answer_comes_though_the_plug_in_has_been_swapped_and_calls_end_by_depth() {
    let mut bench = Bench::new(room(ClockForm::System), Vec::new());
    let mut again = guest(
        "calling",
        every(&["sensor.*", "plugin.call.answered"]),
        |_, _| Ok(vec![call("again", "https://ntfy.sh/")]),
    );
    let granted = calling("https://ntfy.sh/", 1);
    (again.spec.grant, again.manifest.asks) = (granted.spec.grant, granted.manifest.asks);
    bench.load(again);
    bench.run();
    bench.post(vec![warmth("a", 20.0, at(0))]);
    let mut answered = 0;
    while let Some(open) = bench.behind.calls.get(answered).cloned() {
        answered += 1;
        bench.turn([failed(open.id)]);
        bench.run();
    }
    assert_eq!(answered, 8);

    bench.post(vec![warmth("a", 20.0, at(1))]);
    let open = bench.behind.calls.last().unwrap().clone();
    let mut other = calling("https://ntfy.sh/", 0);
    other.digest = "two";
    bench.load(other);
    bench.run();
    bench.turn([failed(open.id)]);
    bench.run();
    let last = bench.said("plugin.call.answered").pop().unwrap();
    assert_eq!(last.cause, open.cause);
    assert_eq!(bench.given("calling").last(), Some(&last.seq));
}
