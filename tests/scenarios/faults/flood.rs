//! A flood of requests: each gets its one verdict, no limit is broken, and a stop is heard in the middle of it.

use std::time::Instant;

use serde_json::{Value, json};

use super::bench_room::Bench;

const REQUESTS: usize = 10_000;
/// Readings of one post; each makes the plug-in ask.
const POST: usize = 500;

#[test]
fn ten_thousand_requests_get_ten_thousand_verdicts() {
    let bench = Bench::new(4.0);
    let host = bench.room.start();
    let (client, stranger) = (host.client(), host.stranger());
    let begun = Instant::now();
    for post in 0..REQUESTS / POST {
        let reading = |number: usize| {
            json!({"type": "sensor.temperature", "id": format!("flood-{post}-{number}"),
                "data": {"sensor_id": "flood", "value": 20.0}, "metadata": {"zone": "tent"}})
        };
        let readings: Vec<Value> = (0..POST).map(reading).collect();
        let _ = stranger
            .post("/api/v1/events", &json!(readings))
            .results(202);
        if post == REQUESTS / POST / 2 {
            let who = json!({"who": "ann", "reason": "a test"});
            let _ = client.post("/api/v1/stop", &who).expect(200);
            let _ = client.post("/api/v1/reset", &who).expect(200);
        }
    }
    let last = format!("flood-{}-{}", REQUESTS / POST - 1, POST - 1);
    let reading = client.wait_event("type=sensor.temperature&sensor=flood", |event| {
        event["id"] == *last
    });
    let asked = client.wait_event("type=device.action.requested&device=heater", |event| {
        event["cause"] == reading["seq"]
    });
    println!(
        "{REQUESTS} readings, each a request, in {:?}: {asked}",
        begun.elapsed()
    );
    bench.acquit();
    assert_eq!(host.terminate().code(), Some(0));
}
