//! A flood of requests: each gets its one verdict, no limit is broken, and a stop is heard in the middle of it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use growbox_tests::checker::{self, DeviceLimits, Limits};
use growbox_tests::{Chance, Client, DEADLINE, guest, until, until_within, with_seq};
use serde_json::{Value, json};

use super::far_room::{FarRoom, say};

const REQUESTS: usize = 10_000;
/// Readings of one post; each makes the plug-in ask for the contrary of what it asked before.
const POST: usize = 500;
const POSTS: usize = REQUESTS / POST;
const SPEED: f64 = 4.0;
const MIN_ON: f64 = 1.6;
const MIN_OFF: f64 = 1.0;
const VERDICTS: [&str; 6] = [
    "granted",
    "clamped",
    "dampened",
    "outranked",
    "denied",
    "expired",
];
/// How soon a stop is seen outside, on a slow machine in a flood.
const SOON: Duration = Duration::from_secs(1);

/// The plug-in asks for on and off by turns in each zone. What stands when its batch ends counts,
/// so that chance says which zone a reading is of: else every batch would end with off.
const ZONES: [(&str, &str); 2] = [("tent", "heater"), ("attic", "stove")];

fn configuration() -> String {
    let toggler = guest("toggler");
    let mut text = format!("[node]\nclock = \"scaled\"\nspeed = {SPEED}\n");
    for (zone, _) in ZONES {
        text.push_str(&format!("[zone.{zone}]\noperation = \"control\"\n"));
    }
    let mark = "source = \"unix:{folder}/room.sock#mark\"";
    text.push_str(&format!(
        "[sensor]\nmark = {{ zone = \"tent\", {mark}, interval = \"1min\" }}\n"
    ));
    for (zone, _) in ZONES {
        let words = format!("zone = \"{zone}\", source = \"http\", interval = \"1min\"");
        text.push_str(&format!("flood-{zone} = {{ {words} }}\n"));
    }
    // The marks go ahead of the flood: a safety rule watches them, and none the flood.
    text.push_str("[safety.marks]\nzone = \"tent\"\nquantity = \"illuminance\"\nabove = 150000\n");
    for (zone, _) in ZONES {
        for rule in ["hot", "dew", "blind"] {
            text.push_str(&format!("[safety.{zone}-{rule}]\nenabled = false\n"));
        }
    }
    text.push_str("[device]\n");
    for (zone, device) in ZONES {
        text.push_str(&format!(
            "{device} = {{ zone = \"{zone}\", role = \"heater\", min_on = {MIN_ON}, \
             min_off = {MIN_OFF}, cool_down = 0, output = \"unix:{{folder}}/room.sock#{device}\" }}\n"
        ));
    }
    text.push_str(&format!("[plugin.toggler]\nfile = {toggler:?}\n"));
    text.push_str("grant = { control = [\"heater\", \"stove\"] }\n");
    text
}

fn limits() -> Limits {
    let limit = |(_, device): (&str, &str)| {
        let limit = DeviceLimits {
            min_on: MIN_ON,
            min_off: MIN_OFF,
            max_on: Some(1800.0),
            ..DeviceLimits::default()
        };
        (device.to_owned(), limit)
    };
    Limits {
        devices: ZONES.into_iter().map(limit).collect::<BTreeMap<_, _>>(),
        grain: 0.005 * SPEED,
        slack: SPEED,
        forgotten: 0.5 * SPEED,
        ..Limits::default()
    }
}

/// Ends whatever goes on until then, whether the test has failed or not.
struct Until<'a>(&'a AtomicBool);

impl Drop for Until<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

/// Posts all readings, one post after the other, the last of them after the reset.
fn pour(stranger: &Client, chance: &mut Chance, reset: &AtomicBool) {
    for post in 0..POSTS {
        if post == POSTS / 4 * 3 {
            until("the reset", || reset.load(Ordering::Acquire).then_some(()));
        }
        let mut reading = |number: usize| {
            let (zone, _) = ZONES[usize::try_from(chance.below(2)).unwrap_or(0)];
            json!({"type": "sensor.temperature", "id": format!("flood-{post}-{number}"),
                "data": {"sensor_id": format!("flood-{zone}"), "value": 20.0}})
        };
        let readings: Vec<Value> = (0..POST).map(&mut reading).collect();
        let results = stranger
            .post("/api/v1/events", &json!(readings))
            .results(202);
        let taken = |result: &&Value| result["status"] == "accepted";
        assert_eq!(results.iter().filter(taken).count(), POST);
    }
}

#[test]
fn ten_thousand_requests_get_ten_thousand_verdicts() {
    let bench = FarRoom::new(&configuration(), &ZONES.map(|(_, device)| device), SPEED);
    let host = bench.room.start();
    let client = host.client();
    let (mut chance, over) = (Chance::new(), AtomicBool::new(false));
    let again = AtomicBool::new(false);
    let begun = Instant::now();
    let reset = std::thread::scope(|scope| {
        let _ended = (Until(&over), Until(&again));
        scope.spawn(|| pour(&host.stranger(), &mut chance, &again));
        scope.spawn(|| {
            // A test that has failed is not waited for.
            let begun = Instant::now();
            while !over.load(Ordering::Acquire) && begun.elapsed() < DEADLINE {
                bench.mark();
                std::thread::sleep(Duration::from_millis(10));
            }
        });
        let on = |(_, device): &(&str, &str)| bench.outside.level(device) > 0.0;
        let went_on = |since: f64| {
            let of = |(_, device)| bench.switches(device, since);
            let all = ZONES.into_iter().flat_map(of);
            all.filter(|(_, level, _)| *level > 0.0).count()
        };
        until("one to be on, and not the first", || {
            (went_on(0.0) > 2 && ZONES.iter().any(on)).then_some(())
        });
        say(&host, "stop");
        let stopped = bench.outside.now();
        until_within(SOON, "what must be off to be off", || {
            (!ZONES.iter().any(on)).then_some(())
        });
        client.wait_event("type=device.action.denied", |denied| {
            denied["data"]["policy"] == "stop"
        });
        assert_eq!(went_on(stopped), 0, "nothing goes on under a stop");
        let reset = bench.outside.now();
        say(&host, "reset");
        again.store(true, Ordering::Release);
        let last = format!("flood-{}-{}", POSTS - 1, POST - 1);
        let flood = "type=sensor.temperature";
        client.wait_event(flood, |event| event["id"] == *last);
        until("the plug-in to have heard all of it", || {
            (client.row("plugins", "toggler")["behind"] == 0).then_some(())
        });
        reset
    });
    let took = begun.elapsed();
    let log = bench.export();
    each_is_judged_once(&log);
    println!("{:.0} a second", REQUESTS as f64 / took.as_secs_f64());
    let of = |(_, device)| bench.switches(device, reset);
    let moved = ZONES.into_iter().flat_map(of).count();
    assert!(moved > 0, "they move again after the reset");
    checker::acquit(&limits(), &bench.outside.record(), &log);
    assert_eq!(host.terminate().code(), Some(0));
}

/// Each reading made the plug-in ask, on and off by turns, and each request has one verdict. Under
/// the stop it may be off, so that being off is what it wants already: such an equal renewal is no
/// new request, and nothing else is missing.
fn each_is_judged_once(log: &[Value]) {
    let mut asked: BTreeMap<u64, &Value> = BTreeMap::new();
    let mut verdicts: BTreeMap<u64, Vec<&str>> = BTreeMap::new();
    for event in log {
        let kind = event["type"].as_str().unwrap_or_default();
        let cause = event["cause"].as_u64().unwrap_or(0);
        match kind.strip_prefix("device.action.") {
            Some("requested") => drop(asked.insert(cause, event)),
            Some(verdict) if VERDICTS.contains(&verdict) => {
                verdicts.entry(cause).or_default().push(verdict);
            }
            _ => {}
        }
    }
    assert_eq!(asked.len(), verdicts.len(), "as many verdicts as requests");
    let mut renewed = 0;
    let (mut all, mut readings) = (0, 0);
    for (zone, _) in ZONES {
        let sensor = format!("flood-{zone}");
        let mine = log
            .iter()
            .filter(|event| event["data"]["sensor_id"] == *sensor);
        let (mut on, mut denied) = (false, false);
        for reading in mine {
            (on, readings) = (!on, readings + 1);
            let Some(request) = asked.get(&with_seq(reading)) else {
                assert!(!on && denied, "{reading} asked nothing");
                renewed += 1;
                continue;
            };
            assert_eq!(request["data"]["level"], f64::from(u8::from(on)));
            let verdict = &verdicts[&with_seq(request)];
            assert_eq!(verdict.len(), 1, "{request}: {verdict:?}");
            denied = verdict == &["denied"];
            all += 1;
        }
    }
    println!("{all} requests and as many verdicts, {renewed} equal renewals");
    assert_eq!((readings, asked.len()), (REQUESTS, all));
    assert!(all > REQUESTS / 2);
}
