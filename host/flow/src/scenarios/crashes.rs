//! Killed at any commit, or ended cleanly: what goes on, and with which numbers.

use growbox_model::room::ClockForm;
use growbox_model::row::PostStatus;
use growbox_model::{Record, Seq, Span};
use proptest::prelude::*;
use serde_json::json;

use crate::Input;
use crate::bench::{
    Bench, Guest, asking, at, counting, event, every, field, fold, folded, guest, room, saying,
    warmth,
};
use crate::memory::Memory;

const STRIDE: u64 = 1 << 20;

fn guests() -> Vec<Guest> {
    vec![
        guest("counting", every(&["*"]), counting),
        guest("talking", every(&["sensor.*"]), |batch, _| {
            let said = batch
                .events
                .iter()
                .map(|e| saying("x.talking.heard", &[e.seq]));
            let asked = asking(f64::from(u8::from(batch.events.len() > 2)), &[]);
            Ok(said.chain([asked]).collect())
        }),
    ]
}

fn named(n: u64, when: u64) -> Result<growbox_model::incoming::Incoming, growbox_model::Objection> {
    event(json!({
        "id": format!("n{n}"), "type": "sensor.temperature", "timestamp": at(when),
        "data": {"sensor_id": format!("s{}", n % 3), "value": 20.0}, "metadata": {"zone": "tent"},
    }))
}

/// Everything posted again after every crash, by a client that gives ids.
fn run(bench: &mut Bench, events: u64, size: usize) {
    let all: Vec<_> = (0..events).map(|n| named(n, n)).collect();
    for part in all.chunks(size) {
        let results = bench.post(part.to_vec());
        assert!(
            results.iter().all(|r| r.status != PostStatus::Refused),
            "{results:?}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]
    #[test]
    fn killed_at_any_commit_each_event_counts_once(
        clock in prop_oneof![Just(ClockForm::System), Just(ClockForm::Events)],
        kills in proptest::collection::vec((0.0_f64..1.0, 1_usize..30), 1..5),
    ) {
        let mut commits = Vec::new();
        let mut given = Vec::new();
        for (life, (part, size)) in kills.iter().enumerate() {
            let mut memory = Memory::of(&commits);
            if life == 0 {
                memory = Memory::empty();
            }
            let wall = at(100 * life as u64);
            let mut bench = Bench::restarted(room(clock), guests(), memory, wall);
            run(&mut bench, 40, *size);
            let kept = (bench.behind.commits.len() as f64 * part) as usize;
            given.push(bench.given("counting").len());
            commits.extend(bench.behind.commits.drain(..kept));
        }
        let mut bench = Bench::restarted(room(clock), guests(), Memory::of(&commits), at(1000));
        run(&mut bench, 40, 7);
        commits.append(&mut bench.behind.commits);
        let memory = Memory::of(&commits);
        let ids: Vec<_> = memory.events().iter().filter_map(|e| e.id.clone()).collect();
        let mut distinct = ids.clone();
        distinct.sort();
        distinct.dedup();
        prop_assert_eq!(ids.len(), 40);
        prop_assert_eq!(distinct.len(), 40);
        let seen = memory.events().iter().fold((0, 0), |sum, event| fold(sum, event.seq));
        prop_assert_eq!(folded(&bench.state("counting")), seen);
        let jumps = memory.events().windows(2).filter(|pair| pair[1].seq.0 != pair[0].seq.0 + 1);
        for pair in jumps {
            prop_assert_eq!(pair[1].seq.0 % STRIDE, 0);
        }
    }
}

#[test]
fn after_an_unclean_end_numbering_jumps_and_says_so() {
    let mut first = Bench::new(room(ClockForm::System), guests());
    first.post(vec![warmth("a", 20.0, at(0))]);
    let memory = Memory::of(&first.behind.commits);
    let last = memory.last();
    let second = Bench::restarted(room(ClockForm::System), guests(), memory, at(10));
    let started = second.said("system.lifecycle.started").remove(0);
    assert_eq!(started.seq, Seq(STRIDE));
    assert_eq!(
        field(&started, "numbering"),
        json!({"from": last, "to": STRIDE})
    );
}

#[test]
fn nothing_is_taken_before_the_jump_is_durable() {
    let mut first = Bench::new(room(ClockForm::System), guests());
    first.post(vec![warmth("a", 20.0, at(0))]);
    let memory = Memory::of(&first.behind.commits);
    let mut second = Bench::restarted(room(ClockForm::System), Vec::new(), memory, at(10));
    second.behind.fsyncs = false;
    second.flow.durable = Seq(0);
    let (ticket, post) = second.posting(
        vec![warmth("a", 20.0, at(10))],
        growbox_model::incoming::Speaker::Anyone,
        growbox_model::row::Wait::Accepted,
    );
    second.turn([post]);
    assert_eq!(second.posted(ticket), None);
    assert!(second.behind.commits[0].urgent);
    second.turn([Input::Durable(Seq(STRIDE))]);
    assert!(second.posted(ticket).is_some());
}

#[test]
fn a_first_run_that_left_nothing_behind_is_followed_by_a_jump() {
    for clock in [ClockForm::System, ClockForm::Events] {
        let mut memory = Memory::empty();
        let _ = memory.open();
        let mut bench = Bench::restarted(room(clock), guests(), memory, at(0));
        let result = bench.post(vec![warmth("a", 20.0, at(0))]).remove(0);
        assert!(result.seq.unwrap().0 > STRIDE);
    }
}

#[test]
fn what_the_log_could_not_keep_is_named() {
    let mut bench = Bench::new(room(ClockForm::System), Vec::new());
    bench.turn([Input::Gap(Seq(40), Seq(60), 7)]);
    bench.run();
    let gap = bench.said("storage.gap").remove(0);
    assert_eq!(
        (field(&gap, "first"), field(&gap, "last")),
        (json!(40), json!(60))
    );
    let reason = field(&gap, "reason").to_string();
    assert!(reason.contains("7 events"), "{reason}");
}

#[test]
fn a_clean_end_waits_for_the_drivers_and_is_the_last_word() {
    for clock in [ClockForm::System, ClockForm::Events] {
        let lit = guest("lit", every(&["sensor.*"]), |_, _| {
            Ok(vec![asking(1.0, &[])])
        });
        let all = guest("all", every(&["*"]), counting);
        let mut first = Bench::new(room(clock), vec![lit, all]);
        for second in [0, 20] {
            first.post(vec![warmth("a", 20.0, at(second))]);
            first.pass(Span::seconds(20));
        }
        assert_eq!(first.behind.orders.last().unwrap().level, 1.0);
        first.turn([Input::Stop("TERM".into())]);
        assert!(
            !first.records().contains(&Record::CleanEnd),
            "the switch has yet to confirm"
        );
        first.run();
        let last = first.behind.commits.last().unwrap();
        assert!(last.records.contains(&Record::CleanEnd));
        assert_eq!(first.behind.orders.last().unwrap().level, 0.0);
        assert_eq!(first.said("system.lifecycle.stopping").len(), 1);
        assert!(first.flow.is_idle());
        let commits = first.behind.commits.len();
        first.pass(Span::minutes(30));
        assert_eq!(first.behind.commits.len(), commits, "nothing follows");

        let memory = Memory::of(&first.behind.commits);
        let last = memory.last();
        let mut second = Bench::restarted(room(clock), Vec::new(), memory, at(60));
        assert_eq!(second.events()[0].seq, Seq(last.0 + 1), "no jump");
        second.post(vec![warmth("a", 20.0, at(61))]);
        assert!(
            second
                .events()
                .iter()
                .any(|e| e.kind.as_str() == "sensor.temperature")
        );
    }
}

#[test]
fn open_requests_fail_with_the_host_that_had_them() {
    let mut first = Bench::new(room(ClockForm::System), guests());
    first.pass(Span::minutes(1));
    first.post((0..5).map(|n| warmth("a", 20.0, at(60 + n / 5))).collect());
    let request = first.said("device.action.requested").remove(0);
    let memory = Memory::of(&first.behind.commits);
    let second = Bench::restarted(room(ClockForm::System), guests(), memory, at(70));
    let failed = second.said("device.action.failed").remove(0);
    assert_eq!(failed.cause, Some(request.seq));
    assert_eq!(field(&failed, "reason"), json!("host restarted"));
}

#[test]
fn a_duplicate_is_known_after_a_restart() {
    let mut first = Bench::new(room(ClockForm::System), Vec::new());
    let number = first.post(vec![named(1, 0)])[0].seq;
    let memory = Memory::of(&first.behind.commits);
    let mut second = Bench::restarted(room(ClockForm::System), Vec::new(), memory, at(5));
    let again = second.post(vec![named(1, 0)]).remove(0);
    assert_eq!((again.status, again.seq), (PostStatus::Duplicate, number));
}

#[test]
fn a_series_that_was_silent_is_not_told_again_and_recovers() {
    let mut first = Bench::new(room(ClockForm::System), Vec::new());
    first.post(vec![warmth("a", 20.0, at(0))]);
    first.pass(Span::minutes(16));
    assert_eq!(first.said("sensor.stale").len(), 1);
    let memory = Memory::of(&first.behind.commits);
    let mut second = Bench::restarted(room(ClockForm::System), Vec::new(), memory, at(1000));
    second.pass(Span::minutes(16));
    assert!(second.said("sensor.stale").is_empty());
    second.post(vec![warmth("a", 20.0, at(1900))]);
    assert_eq!(second.said("sensor.recovered").len(), 1);
}

#[test]
fn a_cursor_below_the_tail_jumps_and_says_so() {
    let mut first = Bench::new(room(ClockForm::System), guests());
    first.post((0..5).map(|n| warmth("a", 20.0, at(n))).collect());
    let mut memory = Memory::of(&first.behind.commits);
    memory.forget_up_to(memory.last());
    let behind = first.said("sensor.temperature")[0].seq;
    memory.put_back("counting", behind);
    let second = Bench::restarted(room(ClockForm::System), guests(), memory, at(10));
    let gaps = second.said("plugin.gap");
    assert!(
        gaps.iter()
            .any(|gap| field(gap, "plugin") == json!("counting"))
    );
    assert!(second.given("counting").iter().all(|seq| seq.0 >= STRIDE));
}

#[test]
fn a_cursor_that_wandered_far_is_stored_without_a_batch() {
    let deaf = || vec![guest("deaf", every(&["sensor.humidity"]), counting)];
    let mut first = Bench::new(room(ClockForm::System), deaf());
    first.post((0..25_000).map(|_| warmth("a", 20.0, at(0))).collect());
    let cursors: Vec<u64> = first
        .behind
        .commits
        .iter()
        .filter_map(|commit| Some(commit.plugin.as_ref()?.cursor.0))
        .collect();
    assert_eq!(
        cursors.len(),
        3,
        "at the start and twice on the way: {cursors:?}"
    );
    assert!(cursors.is_sorted() && cursors[2] > 20_000);
}
