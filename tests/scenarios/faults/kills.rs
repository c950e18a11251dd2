//! The host is killed at 200 random moments, most of them while people ask and devices run: no limit
//! is broken, what nobody renews goes off, and the room comes back.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use growbox_tests::{By, Chance, Host, What, until, until_within};
use serde_json::json;

use super::bench_room::Bench;

const KILLS: usize = 200;
/// Each of so many dies while it starts; the others are asked all the time.
const EARLY: usize = 3;
/// After each of so many nobody comes for a while.
const ORPHANS: usize = 25;
/// A host that starts lives for up to so long.
const BIRTH: Duration = Duration::from_millis(250);
/// One that is asked for up to so long more.
const LIFE: Duration = Duration::from_millis(600);
/// Each of so many lives longer than anything has to rest after the death before.
const ELDERS: usize = 8;
/// For so long.
const LONG_LIFE: Duration = Duration::from_secs(3);
/// What a person wants lasts up to so many seconds of the room.
const WISH: u64 = 12;
/// A timer ends, or a host that begins, this soon, on a slow machine.
const SOON: Duration = Duration::from_secs(20);
/// How often each device moves at least, over all lives.
const MOVES: [(&str, usize); 5] = [
    ("heater", 30),
    ("fan", 80),
    ("lamp", 30),
    ("valve", 15),
    // The doses of a day are few, whoever dies.
    ("pump", 2),
];

/// Where devices are that were on when nobody was left to renew it, and since when.
type Owed = BTreeMap<&'static str, f64>;

#[test]
fn two_hundred_kills_break_no_limit_and_the_room_comes_back() {
    let bench = Bench::new(4.0);
    let mut chance = Chance::new();
    let mut owed = Owed::new();
    for kill in 0..KILLS {
        let starting = bench.room.launch();
        if kill % EARLY == 0 {
            chance.moment(BIRTH);
            starting.kill();
            owe(&bench, &mut owed);
            continue;
        }
        let host = starting.ready();
        paid(&bench, &mut owed);
        let longest = u64::try_from(LIFE.as_millis()).unwrap_or(u64::MAX);
        let life = match kill % ELDERS {
            1 => LONG_LIFE,
            _ => Duration::from_millis(chance.below(longest)),
        };
        live(&bench, &host, life, &mut chance);
        host.kill();
        owe(&bench, &mut owed);
        if kill % ORPHANS == 1 {
            end_by_themselves(&bench, &mut owed);
        }
    }
    let host = bench.room.start();
    paid(&bench, &mut owed);
    bench.acquit();
    let moved = |device: &str| {
        let record = bench.outside.record();
        let of = |what: &What| matches!(what, What::Switched(name, ..) if name == device);
        record.iter().filter(|entry| of(&entry.what)).count()
    };
    for (device, least) in MOVES {
        let moved = moved(device);
        println!("{device} moved {moved} times");
        assert!(moved >= least, "{device} moved {moved} times");
    }
    assert_eq!(host.terminate().code(), Some(0));
}

/// People ask and sensors speak, all the time, until its last moment has come.
fn live(bench: &Bench, host: &Host, life: Duration, chance: &mut Chance) {
    let born = Instant::now();
    let client = host.client();
    while born.elapsed() < life {
        let now = bench.outside.now();
        bench.outside.say("mark", "illuminance", now);
        // A plug-in asks for the heater with every temperature, and another one for a dose.
        bench.outside.say("canopy", "temperature", 20.0 + now % 3.0);
        let dose = json!({"type": "sensor.motion", "data": {"sensor_id": "puppet", "value": 1},
            "metadata": {"zone": "tent", "ask": {"device": "pump", "pulse": 0.3 * bench.speed}}});
        let _ = client.post("/api/v1/events", &dose).results(202);
        let device = ["lamp", "valve", "fan"][usize::try_from(chance.below(3)).unwrap_or(0)];
        let level = [0.0, 1.0][usize::try_from(chance.below(2)).unwrap_or(0)];
        let lasting = 1 + chance.below(WISH);
        let set = json!({"level": level, "for": lasting, "who": "ann", "reason": "a test"});
        let path = format!("/api/v1/devices/{device}/set");
        let _ = client.post(&path, &set).expect(200);
        chance.moment(Duration::from_millis(40));
    }
}

fn safe_level(device: &str) -> f64 {
    if device == "fan" { 0.25 } else { 0.0 }
}

/// Notes what is on while nobody is there.
fn owe(bench: &Bench, owed: &mut Owed) {
    let now = bench.outside.now();
    for (device, _) in MOVES {
        if bench.outside.level(device) > safe_level(device) {
            owed.entry(device).or_insert(now);
        }
    }
}

/// Since the moment it was noted, the device went to where it is safe.
fn home_since(bench: &Bench, device: &str, since: f64) -> Option<By> {
    let record = bench.outside.record_since(since);
    let home = |what: &What| match what {
        What::Switched(name, level, by) if name == device => {
            (*level <= safe_level(device)).then_some(*by)
        }
        _ => None,
    };
    record.iter().find_map(|entry| home(&entry.what))
}

/// Whoever begins finds them off, or puts them there.
#[track_caller]
fn paid(bench: &Bench, owed: &mut Owed) {
    for (device, since) in std::mem::take(owed) {
        until_within(SOON, &format!("{device} to be safe again"), || {
            home_since(bench, device, since)
        });
    }
}

/// Nobody comes: their own timers end them, but for the fan, which a timer would leave without air.
#[track_caller]
fn end_by_themselves(bench: &Bench, owed: &mut Owed) {
    let ends = |device: &&str| *device != "fan";
    for (device, since) in owed.extract_if(.., |device, _| ends(device)) {
        let by = until(&format!("{device} to end by itself"), || {
            home_since(bench, device, since)
        });
        assert_eq!(by, By::Timer, "{device}");
    }
}
