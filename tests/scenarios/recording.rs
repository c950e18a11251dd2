//! A real room, posted by an ordinary client: everything is taken, in order, and VPD comes of it.

use std::time::Instant;

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
    assert_eq!(host.terminate().code(), Some(0));
    let heard = log.iter().filter(|event| event["type"] == "sensor.co2");
    assert_eq!(heard.count(), rows.len());
    office::counted(&room, &log);
}
