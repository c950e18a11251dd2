//! Posts: answered when what they wait for is true, in order, whatever the queue holds.

use growbox_model::incoming::Speaker;
use growbox_model::room::ClockForm;
use growbox_model::row::{Answer, PostStatus, Question, Wait};
use growbox_model::{Record, Seq, Span};
use serde_json::json;

use crate::Input;
use crate::bench::{Bench, at, counting, event, every, guest, room, warmth};

#[test]
fn a_queue_of_a_thousand_takes_a_post_of_ten_thousand() {
    for clock in [ClockForm::System, ClockForm::Events] {
        let counting = guest("counting", every(&["sensor.*"]), counting);
        let mut bench = Bench::new(room(clock), vec![counting]);
        let sensor = |n: u64| format!("s{}", n % 7);
        let events = (0..10_000).map(|n| warmth(&sensor(n), 20.0, at(n / 200)));
        let results = bench.post(events.collect());
        let numbers: Vec<Seq> = results.iter().map(|r| r.seq.unwrap()).collect();
        assert_eq!(numbers.len(), 10_000);
        assert!(numbers.is_sorted());
        assert_eq!(bench.given("counting"), numbers);
        for batch in bench.batches_of("counting") {
            assert!(batch.events.len() <= 256);
        }
    }
}

#[test]
fn a_flood_is_taken_in_pieces_so_that_others_are_heard_between_them() {
    for clock in [ClockForm::System, ClockForm::Events] {
        let mut bench = Bench::new(room(clock), Vec::new());
        let flood = (0..10_000).map(|_| warmth("a", 20.0, at(0))).collect();
        let (_, post) = bench.posting(flood, Speaker::Anyone, Wait::Accepted);
        let wake = bench.flow.turn([post], bench.machine, &mut bench.behind);
        assert_eq!(bench.said("sensor.*").len(), 1024);
        assert_eq!(wake.machine, Some(bench.machine.boot), "and at once again");
        let question = Input::Ask(bench.ticket(), Question::Zones);
        bench
            .flow
            .turn([question], bench.machine, &mut bench.behind);
        assert_eq!(
            bench.behind.answers.len(),
            1,
            "the question, not yet the post"
        );
        assert_eq!(bench.said("sensor.*").len(), 2048);
    }
}

#[test]
fn durable_is_answered_exactly_when_it_is_true() {
    let mut bench = Bench::new(room(ClockForm::System), Vec::new());
    bench.behind.fsyncs = false;
    let (ticket, post) = bench.posting(
        vec![warmth("a", 20.0, at(0)), warmth("a", 20.0, at(1))],
        Speaker::Anyone,
        Wait::Durable,
    );
    bench.turn([post]);
    bench.run();
    assert!(
        bench.behind.commits.last().unwrap().urgent,
        "it is brought forward"
    );
    assert_eq!(bench.posted(ticket), None);
    let last = bench.said("sensor.*")[1].seq;
    let commits = bench.behind.commits.len();
    bench.turn([Input::Durable(Seq(last.0 - 1))]);
    assert_eq!(bench.posted(ticket), None);
    assert_eq!(bench.behind.commits.len(), commits, "and asked for once");
    bench.turn([Input::Durable(last)]);
    assert_eq!(bench.posted(ticket).unwrap().len(), 2);
}

#[test]
fn settled_is_answered_when_plug_ins_gate_and_drivers_are_done() {
    let switching = guest("switching", every(&["sensor.*"]), |batch, _| {
        Ok(vec![crate::bench::asking(1.0, &[batch.events[0].seq])])
    });
    let mut bench = Bench::new(room(ClockForm::System), vec![switching]);
    bench.pass(Span::minutes(1));
    let (ticket, post) = bench.posting(
        vec![warmth("a", 20.0, at(60))],
        Speaker::Anyone,
        Wait::Settled,
    );
    bench.turn([post]);
    assert_eq!(bench.posted(ticket), None, "the plug-in has it");
    bench.handle();
    let handled: Vec<Input> = bench.behind.pending.drain(..).collect();
    bench.turn(handled);
    assert_eq!(bench.posted(ticket), None, "the driver has it");
    bench.run();
    assert!(bench.posted(ticket).is_some());
    assert_eq!(bench.said("device.action.executed").len(), 1);
}

#[test]
fn the_same_id_of_the_same_source_is_a_duplicate_with_the_first_number() {
    let mut bench = Bench::new(room(ClockForm::System), Vec::new());
    let named = |source: &str| {
        event(json!({
            "id": "one", "type": "sensor.temperature",
            "data": {"sensor_id": source, "value": 1}, "metadata": {"source": source},
        }))
    };
    let results = bench.post(vec![named("x"), named("x"), named("y")]);
    assert_eq!(results[1].status, PostStatus::Duplicate);
    assert_eq!(results[1].seq, results[0].seq);
    assert_eq!(results[2].status, PostStatus::Accepted);
    let again = bench.post(vec![named("x")]).remove(0);
    assert_eq!(
        (again.status, again.seq),
        (PostStatus::Duplicate, results[0].seq)
    );
    bench.pass(Span::minutes(20));
    let later = bench.post(vec![named("x")]).remove(0);
    assert_eq!(
        later.status,
        PostStatus::Duplicate,
        "it is among the newest hundred thousand"
    );
    assert_eq!(bench.said("sensor.temperature").len(), 2);
}

#[test]
fn an_unknown_zone_is_refused_with_the_nearest() {
    let mut bench = Bench::new(room(ClockForm::System), Vec::new());
    let lost = event(json!({
        "type": "sensor.temperature", "data": {"sensor_id": "a", "value": 1},
        "metadata": {"zone": "tnet"},
    }));
    let objection = bench.post(vec![lost])[0].error.clone().unwrap();
    assert_eq!(objection.code, "unknown_zone");
    assert_eq!(objection.nearest.as_deref(), Some("tent"));
}

#[test]
fn a_full_log_refuses_posts_holds_cursors_and_goes_on_after_it() {
    let counting = guest("counting", every(&["sensor.*"]), counting).ticking(Span::seconds(1));
    let mut bench = Bench::new(room(ClockForm::System), vec![counting]);
    bench.post(vec![warmth("a", 20.0, at(0))]);
    bench.behind.refusal = Some("no room".into());
    let (ticket, post) = bench.posting(
        vec![warmth("a", 20.0, at(1))],
        Speaker::Anyone,
        Wait::Accepted,
    );
    bench.turn([post]);
    assert_eq!(
        bench.behind.answers[&ticket],
        Answer::Full("no room".into())
    );
    let batches = bench.behind.batches.len();
    bench.pass(Span::seconds(5));
    assert_eq!(bench.behind.batches.len(), batches);
    bench.behind.refusal = None;
    bench.post(vec![warmth("a", 20.0, at(6))]);
    assert_eq!(bench.given("counting").len(), 2);
}

#[test]
fn a_driver_that_says_nonsense_is_told_in_a_dead_letter() {
    let mut bench = Bench::new(room(ClockForm::System), Vec::new());
    let reading = |source: &str| {
        let mut reading = warmth("a", 20.0, at(0)).unwrap();
        reading.source = growbox_model::Source(source.into());
        reading
    };
    bench.turn([Input::Readings(vec![
        reading("driver:one"),
        reading("driver:two"),
    ])]);
    assert_eq!(bench.said("sensor.*").len(), 1);
    let letters: Vec<_> = bench
        .records()
        .into_iter()
        .filter_map(|record| match record {
            Record::DeadLetter(letter) => Some(letter.code),
            _ => None,
        })
        .collect();
    assert_eq!(letters, ["other_source".into()]);
}

#[test]
fn what_waits_for_its_rate_is_accepted_and_comes_later() {
    let mut spec = room(ClockForm::System);
    spec.filters.readings_per_second = Some(1.0);
    let mut bench = Bench::new(spec, Vec::new());
    let events = vec![
        warmth("a", 1.0, at(0)),
        warmth("a", 2.0, at(0)),
        warmth("a", 3.0, at(0)),
        warmth("b", 4.0, at(0)),
    ];
    let (durable, post) = bench.posting(events.clone(), Speaker::Anyone, Wait::Durable);
    bench.turn([post]);
    bench.run();
    assert_eq!(bench.posted(durable), None, "not everything is durable");
    let accepted = bench.post(vec![warmth("c", 5.0, at(0))]).remove(0);
    assert_eq!(
        (accepted.status, accepted.seq),
        (PostStatus::Accepted, None)
    );
    bench.pass(Span::seconds(3));
    let results = bench.posted(durable).unwrap();
    let numbered: Vec<bool> = results.iter().map(|r| r.seq.is_some()).collect();
    assert_eq!(
        numbered,
        [true, false, true, true],
        "the newest of each series"
    );
    bench.pass(Span::seconds(2));
    assert_eq!(bench.said("sensor.*").len(), 4);
}

#[test]
fn what_waited_for_its_rate_is_not_lost_to_a_full_queue() {
    let mut spec = room(ClockForm::System);
    spec.node.queue = 1;
    spec.filters.readings_per_second = Some(5.0);
    let mut bench = Bench::new(spec, Vec::new());
    let sensors = (0..10).map(|n| warmth(&format!("s{n}"), 20.0, at(0)));
    let results = bench.post(sensors.collect());
    assert!(results.iter().all(|r| r.status == PostStatus::Accepted));
    bench.machine.boot = bench.machine.boot + Span::seconds(5);
    bench.run();
    assert_eq!(bench.said("sensor.temperature").len(), 10);
}
