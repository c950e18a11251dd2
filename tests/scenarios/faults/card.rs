//! The card goes bad while devices run: the kernel mounts it read-only, and the room goes on.

use growbox_tests::{Chance, until};
use serde_json::{Value, json};

use super::bench_room::{Bench, devices};
use super::disk::ask_around;
use crate::hostile::mounted::{self, CARD, CARD_AGAIN, Mounted};

#[test]
fn a_card_that_goes_read_only_breaks_no_limit_and_the_room_goes_on() {
    let name = "a_card_that_goes_read_only_breaks_no_limit_and_the_room_goes_on";
    if !mounted::possible(name) || !mounted::has_cards(name) {
        return;
    }
    let bench = Bench::new(4.0);
    let host = Mounted::start(&bench.room, CARD);
    let data = host.data().display().to_string();
    let mut chance = Chance::new();
    assert!(ask_around(&bench, &data, &mut chance) > 0);
    let before = bench.room.export(host.data()).len();
    let mark = json!({"type": "sensor.illuminance", "data": {"sensor_id": "last", "value": 1}});
    let durable = host.client().post("/api/v1/events?durable=true", &mark);
    let _ = durable.results(200);
    host.spoil();
    assert!(
        ask_around(&bench, &data, &mut chance) > 0,
        "people are obeyed"
    );
    until("health to tell of it", || {
        let health = bench.room.cli(["--data", &data, "health", "--json"]);
        let health: Value = serde_json::from_str(&health.stdout).ok()?;
        let storage = &health["components"]["storage"];
        storage.to_string().contains("I/O error").then_some(())
    });
    let log = bench.room.export(host.data());
    assert!(
        log.len() > before,
        "what cannot be written is told all the same"
    );
    bench.acquit_by(&log);
    let stop = ["--data", &data, "stop", "--reason", "the card is bad"];
    bench.room.cli(stop).expect(0);
    for device in devices().filter(|device| *device != "fan") {
        until(&format!("{device} to be off"), || {
            (bench.outside.level(device) == 0.0).then_some(())
        });
    }
    let ended = host.terminate();
    assert!(ended.code().is_some(), "it ends by itself: {ended}");
    // The same card, once it can be written again: what was on it before is whole.
    let again = Mounted::start(&bench.room, CARD_AGAIN);
    let data = again.data().display().to_string();
    assert!(bench.room.export(again.data()).len() >= before);
    assert!(ask_around(&bench, &data, &mut chance) > 0);
    assert_eq!(again.terminate().code(), Some(0));
}
