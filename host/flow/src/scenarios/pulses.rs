//! Pulses: driven once their request is on disk, over in one run of the host, the same by events.

use growbox_model::room::ClockForm;
use growbox_model::{Command, DeviceId, Effect, Record, Request, Seq, Span};

use crate::Input;
use crate::bench::{Bench, Guest, asking, at, every, field, guest, room, warmth};
use crate::memory::Memory;

const LENGTH: Span = Span::seconds(20);

/// A plug-in that asks for a pulse with every reading.
fn dosing() -> Guest {
    guest("dosing", every(&["sensor.*"]), |batch, _| {
        let pulse = || {
            Effect::Request(Request {
                device: DeviceId::new("switch").unwrap(),
                command: Command::Pulse(LENGTH),
                lease: None,
                reason: "dry".into(),
                causes: Vec::new(),
            })
        };
        Ok(batch.events.iter().map(|_| pulse()).collect())
    })
}

fn rested(clock: ClockForm) -> Bench {
    let mut bench = Bench::new(room(clock), vec![dosing()]);
    if clock == ClockForm::System {
        bench.pass(Span::minutes(1));
    }
    bench
}

fn pulses(bench: &Bench) -> usize {
    bench.behind.orders.iter().filter(|o| o.pulse).count()
}

#[test]
fn nothing_is_driven_before_the_commit_of_its_request_is_durable() {
    let mut bench = rested(ClockForm::System);
    bench.behind.fsyncs = false;
    bench.post(vec![warmth("a", 20.0, at(60))]);
    let verdict = &bench.said("device.action.granted")[0];
    assert_eq!(pulses(&bench), 0);
    assert!(!bench.flow.is_idle(), "it waits for the disk");
    let request = &bench.said("device.action.requested")[0];
    assert_eq!(field(request, "duration"), 20);
    let whole = bench.behind.commits.iter().find(|commit| {
        let holds = |seq: Seq| commit.events.iter().any(|event| event.seq == seq);
        let dosed = |record: &Record| matches!(record, Record::Dosed(_));
        holds(request.seq) && holds(verdict.seq) && commit.records.iter().any(dosed)
    });
    assert!(whole.unwrap().urgent, "request, verdict and dose in one");
    bench.turn([Input::Durable(Seq(request.seq.0 - 1))]);
    assert_eq!(pulses(&bench), 0);
    bench.behind.fsyncs = true;
    bench.turn([Input::Durable(bench.behind.memory.last())]);
    bench.run();
    assert_eq!(pulses(&bench), 1);
    bench.pass(Span::minutes(1));
    assert_eq!(pulses(&bench), 1);
    let done = &bench.said("device.action.executed")[0];
    assert_eq!(
        (done.cause, field(done, "duration")),
        (Some(request.seq), 20.into())
    );
    let changes = bench.said("device.state.changed");
    let states: Vec<_> = changes.iter().map(|e| field(e, "new_state")).collect();
    assert_eq!(states[states.len() - 2..], ["on", "off"]);
}

#[test]
fn a_restart_in_mid_pulse_resumes_nothing() {
    let mut first = rested(ClockForm::System);
    first.post(vec![warmth("a", 20.0, at(60))]);
    first.pass(Span::seconds(7));
    assert_eq!(pulses(&first), 1);
    let memory = Memory::of(&first.behind.commits);
    let mut second = Bench::restarted(room(ClockForm::System), vec![dosing()], memory, at(70));
    second.pass(Span::minutes(10));
    assert_eq!(pulses(&second), 0);
    assert!(second.behind.orders.iter().all(|order| order.level == 0.0));
    let failed = &second.said("device.action.failed")[0];
    assert_eq!(field(failed, "reason"), "host restarted");
}

#[test]
fn by_events_a_pulse_runs_between_two_of_them() {
    let mut bench = rested(ClockForm::Events);
    bench.post(vec![warmth("a", 20.0, at(0))]);
    bench.post(vec![warmth("a", 20.0, at(60)), warmth("a", 20.0, at(300))]);
    let done = bench.said("device.action.executed");
    assert!(!done.is_empty());
    let begun: Vec<_> = bench.said("device.state.changed");
    let on: Vec<_> = begun
        .iter()
        .filter(|e| field(e, "new_state") == "on")
        .collect();
    assert!(
        on.iter()
            .zip(&done)
            .all(|(on, off)| off.at.since(on.at) == LENGTH)
    );
}

/// A bounded switch that a plug-in has just asked on by a level, while the disk keeps silent.
fn levelled() -> Bench {
    let mut room = room(ClockForm::System);
    let switch = DeviceId::new("switch").unwrap();
    room.devices.get_mut(&switch).unwrap().doses_per_day = Some(2);
    let asks = guest("levelling", every(&["sensor.*"]), |_, _| {
        Ok(vec![asking(1.0, &[])])
    });
    let mut bench = Bench::new(room, vec![asks]);
    bench.pass(Span::minutes(1));
    bench.behind.orders.clear();
    bench.behind.fsyncs = false;
    bench.post(vec![warmth("a", 20.0, at(60))]);
    bench
}

fn starts(bench: &Bench) -> usize {
    bench.behind.orders.iter().filter(|o| o.level > 0.0).count()
}

#[test]
fn a_counted_run_begins_once_its_count_is_durable() {
    let mut bench = levelled();
    assert_eq!(starts(&bench), 0);
    let holds = |record: &Record| matches!(record, Record::Dosed(_));
    let counts = bench.records().into_iter().filter(holds).count();
    assert_eq!(counts, 1, "it is counted before it begins");
    bench.behind.fsyncs = true;
    bench.fsync();
    bench.run();
    assert_eq!(starts(&bench), 1);
    assert_eq!(bench.said("device.action.executed").len(), 1);
}

#[test]
fn a_run_whose_count_is_not_on_disk_may_be_called_off() {
    let mut bench = levelled();
    bench.pass(Span::minutes(2));
    assert_eq!(bench.said("device.action.lapsed").len(), 1);
    bench.behind.fsyncs = true;
    bench.fsync();
    bench.pass(Span::minutes(2));
    assert_eq!(starts(&bench), 0, "nobody wants it any more");
}
