//! `growbox safe` after a host that ended badly: what was on is off, and what it cannot do it says.

use growbox_tests::{By, Entry, What, until};
use serde_json::{Value, json};

use super::bench_room::Bench;

/// A room whose host was killed while the fan and the valve were on.
fn orphaned() -> Bench {
    let bench = Bench::new(1.0);
    let host = bench.room.start();
    let client = host.client();
    let set = json!({"level": 1.0, "for": 3600, "who": "ann", "reason": "a test"});
    for device in ["fan", "valve"] {
        let _ = client
            .post(&format!("/api/v1/devices/{device}/set"), &set)
            .expect(200);
        until("it to be on", || {
            (bench.outside.level(device) == 1.0).then_some(())
        });
    }
    let refused = bench.room.cli(["safe"]);
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(refused.stderr.contains("a host runs on"), "{refused:?}");
    host.kill();
    bench
}

#[test]
fn everything_goes_to_its_safe_level_when_the_host_is_gone() {
    let bench = orphaned();
    let done = bench.room.cli(["safe"]);
    assert_eq!(done.code, Some(0), "{done:?}");
    for (device, level, percent) in [("fan", 0.25, 25), ("valve", 0.0, 0)] {
        let home = What::Switched(device.to_owned(), level, By::Order);
        let switched = |entry: &Entry| entry.what == home;
        assert!(bench.outside.record().iter().any(switched), "{device}");
        let told = format!("{device} is at {percent} %");
        assert!(done.stdout.contains(&told), "{done:?}");
    }
    let switches = bench.outside.record().len();
    assert_eq!(bench.room.cli(["safe"]).code, Some(0), "again does no harm");
    let moved = |entry: &Entry| matches!(entry.what, What::Switched(..));
    assert!(!bench.outside.record()[switches..].iter().any(moved));
    let host = bench.room.start();
    let by_safe = |event: &&Value| {
        let trigger = event["data"]["trigger"].as_str().unwrap_or_default();
        trigger.contains("growbox safe")
    };
    let log = bench.room.export(&bench.room.data());
    let told: Vec<&Value> = log.iter().filter(by_safe).collect();
    assert_eq!(told.len(), 2, "each once: {told:?}");
    assert_eq!(host.terminate().code(), Some(0));
}

#[test]
fn who_cannot_be_reached_is_named_and_the_code_says_so() {
    let Bench { room, outside, .. } = orphaned();
    drop(outside);
    let done = room.cli(["safe", "--within", "1"]);
    assert_eq!(done.code, Some(1), "{done:?}");
    assert!(
        done.stdout.contains("valve is NOT known to be at 0 %"),
        "{done:?}"
    );
    std::fs::write(room.data().join("safe.json"), "{").expect("writable");
    let torn = room.cli(["safe"]);
    assert_eq!(torn.code, Some(1));
    assert!(
        torn.stderr.contains("safe.json is no safe plan"),
        "{torn:?}"
    );
    std::fs::remove_file(room.data().join("safe.json")).expect("there");
    let nothing = room.cli(["safe"]);
    assert_eq!(nothing.code, Some(0));
    assert!(nothing.stdout.contains("nothing to do"), "{nothing:?}");
}
