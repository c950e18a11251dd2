//! The host is killed at 200 random moments, most of them while it starts: no limit is broken, and it comes back.

use std::time::Duration;

use growbox_tests::Chance;
use serde_json::json;

use super::bench_room::Bench;

const KILLS: usize = 200;
/// So many of them while the host runs and is asked; the others while it starts.
const LATE: usize = 20;
/// A host that starts lives for up to so long.
const LIFE: Duration = Duration::from_millis(250);

#[test]
fn two_hundred_kills_break_no_limit_and_the_room_comes_back() {
    let bench = Bench::new(4.0);
    let mut chance = Chance::new();
    for kill in 0..KILLS {
        let starting = bench.room.launch();
        if kill % (KILLS / LATE) != 0 {
            chance.moment(LIFE);
            starting.kill();
            continue;
        }
        let host = starting.ready();
        for device in ["lamp", "valve", "fan"] {
            bench
                .outside
                .say("mark", "illuminance", bench.outside.now());
            let set = json!({"level": 1.0, "for": 60, "who": "ann", "reason": "a test"});
            let path = format!("/api/v1/devices/{device}/set");
            let _ = host.client().post(&path, &set).expect(200);
        }
        chance.moment(LIFE);
        host.kill();
    }
    let host = bench.room.start();
    bench.acquit();
    assert_eq!(host.terminate().code(), Some(0));
}
