//! The log holds so many names: nobody but the host adds another.

use growbox_model::room::ClockForm;
use growbox_model::row::{Answer, PostStatus, Question};

use crate::bench::{Bench, at, every, guest, room, saying, warmth};
use crate::memory::Memory;

#[test]
fn when_the_log_holds_all_names_it_may_only_the_host_adds_more() {
    let silent = guest("silent", every(&["sensor.*"]), |_, _| Ok(Vec::new()));
    let full = Memory::holding_names(65_536 - 1024 - 10);
    let room = room(ClockForm::System);
    let mut bench = Bench::restarted(room, vec![silent], full, at(0));
    let refused = bench.post(vec![warmth("a", 20.0, at(0))]).remove(0);
    assert_eq!(refused.status, PostStatus::Refused);
    assert_eq!(refused.error.unwrap().code, "too_many_strings");
    assert_eq!(bench.said("plugin.loaded").len(), 1, "the host goes on");
}

#[test]
fn a_plug_in_adds_none_either() {
    let talking = guest("talking", every(&["sensor.*"]), |batch, _| {
        let say = |i| saying(&format!("x.talking.n{i}"), &[batch.events[0].seq]);
        Ok((0..20).map(say).collect())
    });
    let nearly = Memory::holding_names(65_536 - 1024 - 80);
    let room = room(ClockForm::System);
    let mut bench = Bench::restarted(room, vec![talking], nearly, at(0));
    bench.post(vec![warmth("a", 20.0, at(0))]);
    let said = bench.said("x.talking.*").len();
    assert!((1..20).contains(&said), "{said}");
    let Answer::Plugins(rows) = bench.ask(Question::Plugins) else {
        panic!("no plug-ins")
    };
    let trouble = rows[0].why.as_deref().unwrap_or_default();
    assert!(trouble.contains("x.talking.n19"), "{trouble}");
}
