//! The power fails in a guarded room: guardian and host are gone at once, and what comes back rests first.

use growbox_tests::{By, Host};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::far_room::{FarRoom, set};

const ROOM: &str = r#"
[zone.tent]
operation = "control"
[device]
lamp = { zone = "tent", role = "other", switched = true, min_on = 0, min_off = 3, output = "unix:{folder}/room.sock#lamp" }
fan = { zone = "tent", role = "exhaust", min_on = 0, min_off = 0, output = "unix:{folder}/room.sock#fan" }
"#;
const MIN_OFF: f64 = 3.0;

/// A guarded host of this boot.
fn start(bench: &FarRoom, boot: &str) -> Host {
    let mut run = bench.room.guarded();
    run.env("GROWBOX_BOOT_ID", boot);
    bench.room.start_as(run)
}

/// Ends both at once: the guardian cannot act any more when its host goes.
fn cut(host: Host) {
    let guarded = host.guarded_pid();
    let guardian = i32::try_from(host.pid()).ok().and_then(Pid::from_raw);
    let guardian = guardian.expect("a child has a number");
    kill_process(guardian, Signal::STOP).expect("it lives");
    kill_process(guarded, Signal::KILL).expect("it lives");
    host.kill();
    growbox_tests::until("both to be gone", || {
        kill_process(guarded, Signal::URG).is_err().then_some(())
    });
}

/// What the gate says to switching the lamp on now.
fn verdict(host: &Host) -> Value {
    set(host, "lamp", 1.0, 60);
    let answered = |event: &Value| {
        let kind = event["type"].as_str().unwrap_or_default();
        kind.ends_with(".granted") || kind.ends_with(".dampened")
    };
    let events = host.client().events("type=device.action.*&device=lamp");
    let newest = events.into_iter().rev().find(answered);
    newest.expect("what is set is judged before it is answered")
}

#[test]
fn after_a_power_cut_everything_that_is_protected_rests_first() {
    let bench = FarRoom::new(ROOM, &["lamp", "fan"], 1.0);
    let mut host = start(&bench, "one");
    // The machine has booted anew, or something killed both.
    for boot in ["two", "two"] {
        bench.follows("lamp", 0.0);
        let off = bench.outside.now();
        growbox_tests::until("the lamp to have rested", || {
            (bench.outside.now() > off + MIN_OFF).then_some(())
        });
        cut(host);
        let before = bench.outside.now();
        host = start(&bench, boot);
        let verdict = verdict(&host);
        assert_eq!(verdict["type"], "device.action.dampened", "{verdict}");
        assert_eq!(verdict["data"]["policy"], "minimum_off", "{verdict}");
        bench.follows("lamp", 1.0);
        let on = bench.switches("lamp", before)[0];
        let rested = on.0 - before;
        assert!(rested >= MIN_OFF, "it rested {rested} s after a cut");
        // It is on when the power fails again; whoever comes puts it off.
        cut(host);
        let cut_at = bench.outside.now();
        host = start(&bench, boot);
        bench.follows("lamp", 0.0);
        let off = bench.switches("lamp", cut_at);
        assert!(
            matches!(off[..], [(_, 0.0, By::Order | By::Timer)]),
            "{off:?}"
        );
    }
    assert_eq!(host.terminate().code(), Some(0));
}
