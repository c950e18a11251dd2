//! A real room, posted by an ordinary client: everything is taken, in order, and VPD comes of it.

use std::time::Instant;

use growbox_tests::Client;
use serde_json::Value;

use crate::office;

/// Of the example's zone.
const LEAF_OFFSET: f64 = -1.5;

#[test]
fn six_days_are_taken_whole_and_in_order() {
    let rows = office::rows();
    let events = office::events(&rows, 0);
    let room = office::room();
    let host = room.start();
    let begun = Instant::now();
    office::post(&host.stranger(), &events, 1_000);
    println!("{} events in {:?}", events.len(), begun.elapsed());
    let client = host.client();
    office::is_complete(&client, &events);
    office::has_every_vpd(&client, &rows, LEAF_OFFSET);
    let log = client.events("");
    co2_trips_once_and_stays(&client, &log);
    assert_eq!(host.terminate().code(), Some(0));
    let heard = log.iter().filter(|event| event["type"] == "sensor.co2");
    assert_eq!(heard.count(), rows.len());
    office::counted(&room, &log);
}

/// The shipped rule of 2000 ppm, though no device of the office serves it.
fn co2_trips_once_and_stays(client: &Client, log: &[Value]) {
    let violations: Vec<&Value> = log
        .iter()
        .filter(|event| event["type"] == "safety.violation")
        .filter(|event| event["data"]["rule"] == "office-co2")
        .collect();
    let [violation] = &violations[..] else {
        panic!("it trips once: {violations:?}")
    };
    let told = violation["data"]["message"].as_str().expect("a text");
    assert!(told.contains("CO2 endangers people"), "{told}");
    assert_eq!(violation["data"]["devices"], serde_json::json!([]));
    let alerts = client.get("/api/v1/alerts").expect(200);
    let stands = |alert: &Value| alert["rule"] == "safety:office-co2" && alert["state"] == "raised";
    let alerts = alerts["alerts"].as_array().expect("a list");
    assert!(alerts.iter().any(stands), "{alerts:?}");
}
