//! The host is stopped and continued: what was on went off by its own timer, and nothing old is acted upon.

use std::time::Duration;

use growbox_tests::{By, What, until, until_within};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

use super::bench_room::Bench;

/// Somebody asks so many seconds before it goes on.
const BEFORE: f64 = 2.0;

#[test]
fn a_host_that_stood_still_acts_on_nothing_old() {
    // Half a minute of the room a second.
    stand_still(30.0, 60, 4.0);
}

#[test]
fn a_host_that_stood_still_for_a_minute_acts_on_nothing_old() {
    stand_still(1.0, 20, 60.0);
}

/// A host is stopped for `away` seconds of the machine, while a valve is on for `lasting` seconds
/// of the room.
fn stand_still(speed: f64, lasting: u32, away: f64) {
    let bench = Bench::new(speed);
    let host = bench.room.start();
    let client = host.client();
    let set = json!({"level": 1.0, "for": lasting, "who": "ann", "reason": "a test"});
    let _ = client.post("/api/v1/devices/valve/set", &set).expect(200);
    until("the valve to be on", || {
        (bench.outside.level("valve") == 1.0).then_some(())
    });
    let pid = i32::try_from(host.pid()).ok().and_then(Pid::from_raw);
    let pid = pid.expect("a child has a number");
    kill_process(pid, Signal::STOP).expect("a child can be signalled");
    let stopped = bench.outside.now();
    let stands = |seconds: f64| {
        until_within(Duration::from_secs(90), "it to have stood still", || {
            (bench.outside.now() >= stopped + seconds * speed).then_some(())
        });
    };
    // Meanwhile its own timer ends the valve, and somebody asks.
    until("the valve to be off by itself", || {
        (bench.outside.level("valve") == 0.0).then_some(())
    });
    stands(away - BEFORE);
    let asking = {
        let client = host.client();
        std::thread::spawn(move || client.post("/api/v1/devices/lamp/set", &set))
    };
    stands(away);
    let before = bench.outside.record().len();
    kill_process(pid, Signal::CONT).expect("a child can be signalled");
    let answer = asking.join().expect("nobody panics there");
    assert_eq!(answer.status, 200, "{answer:?}");
    client.wait_event("type=device.action.lapsed&device=valve", |_| true);
    let again = |entry: &growbox_tests::Entry| {
        entry.what == What::Switched("valve".to_owned(), 1.0, By::Order)
    };
    let record = bench.outside.record();
    assert!(!record[before..].iter().any(again), "it went on again");
    bench.acquit();
    assert_eq!(host.terminate().code(), Some(0));
}
