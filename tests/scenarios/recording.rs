//! A real room, posted by an ordinary client: everything is taken, in order, and VPD comes of it.

use std::time::Instant;

use growbox_tests::{Client, Room, Row, workspace};
use serde_json::{Value, json};

use crate::office;

/// The shipped rule, but for its dwell and that it may be shown what it would clear.
const SLOWER: &str = r#"
[safety.office-co2]
quantity = "co2"
above = 2000
clear = 1500
dwell = 300
message = "CO2 endangers people: air the room before anybody goes in"
"#;

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
    let violations = violations(log);
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

/// With a dwell of five minutes it trips as well, once, and a person cannot end it too early.
#[test]
fn the_rule_of_2000_ppm_trips_once_with_a_dwell_of_300_seconds_too() {
    let example = workspace().join("examples/recording.toml");
    let example = std::fs::read_to_string(example).expect("the example is there");
    let room = Room::new(&format!("{example}{SLOWER}"));
    let host = room.start();
    let client = host.client();
    let rows = office::rows();
    let trips = trips(&rows);
    let co2 = |rows: &[Row], first: usize| -> Vec<Value> {
        let events = office::events(rows, first);
        events
            .into_iter()
            .filter(|event| event["type"] == "sensor.co2")
            .collect()
    };
    office::post(&client, &co2(&rows[..trips], 0), 1_000);
    assert_eq!(
        violations(&client.events("")).len(),
        0,
        "not before its dwell"
    );
    office::post(&client, &co2(&rows[trips..trips + 2], trips), 1_000);
    assert_eq!(violations(&client.events("")).len(), 1);
    let who = json!({"who": "ann", "reason": "too early"});
    let refused = client.post("/api/v1/reset", &who).expect(409);
    assert!(refused.to_string().contains("co2"), "{refused}");
    office::post(&client, &co2(&rows[trips + 2..], trips + 2), 1_000);
    co2_trips_once_and_stays(&client, &client.events(""));
    let last = rows.last().expect("a row").co2;
    assert!(last < 1500.0, "it is over: {last} ppm");
    let _ = client.post("/api/v1/reset", &who).expect(200);
    let cleared = client.wait_event("type=alert.cleared", |_| true);
    assert_eq!(cleared["data"]["rule"], "safety:office-co2");
    assert_eq!(host.terminate().code(), Some(0));
}

/// The first row at which CO2 has been above the limit for five minutes.
fn trips(rows: &[Row]) -> usize {
    let time = |row: &Row| growbox_model::Instant::parse(&row.time).expect("a time");
    let mut since = None;
    for (number, row) in rows.iter().enumerate() {
        if row.co2 <= 2000.0 {
            since = None;
            continue;
        }
        let since = *since.get_or_insert(time(row));
        if time(row).since(since).as_seconds() >= 300.0 {
            return number;
        }
    }
    panic!("the recording is not as it was")
}

fn violations(log: &[Value]) -> Vec<&Value> {
    let of = |event: &&Value| {
        event["type"] == "safety.violation" && event["data"]["rule"] == "office-co2"
    };
    log.iter().filter(of).collect()
}
