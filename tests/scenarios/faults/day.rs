//! A day in the simulated tent with each fault once: no safety limit is left that the same tent,
//! with all its devices where they are safe, would not leave too.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use growbox_drivers::tent::{OUTPUTS, Tent};
use growbox_model::Span;
use growbox_tests::{Client, Host, Outside, Room, guest, until};
use rustix::process::Signal;
use serde_json::{Value, json};

use super::clock::shift;
use crate::hostile::disk::fill;
use crate::hostile::mounted::{self, Mounted};

/// A day in two minutes.
const SPEED: f64 = 720.0;
const HOUR: f64 = 3600.0;
/// Everybody in it does something so often, by the machine's clock.
const STEP: Duration = Duration::from_millis(20);
const SEED: u64 = 7;
/// What the safety rules keep the air within: °C, % RH, ppm. Rules act when a limit is reached;
/// their dwell and the inertia of the tent allow for a little more.
const LIMITS: [Limit; 3] = [
    Limit("temperature", 19.0, 30.0, 1.0),
    Limit("humidity", 30.0, 95.0, 2.0),
    Limit("co2", 0.0, 2000.0, 200.0),
];

/// What, from where, to where, and what is allowed beyond.
struct Limit(&'static str, f64, f64, f64);

impl Limit {
    /// How far beyond the limits this is; nothing where it is within them.
    fn beyond(&self, value: f64) -> f64 {
        let Self(_, low, high, _) = self;
        (low - value).max(value - high).max(0.0)
    }
}

/// What the canopy's sensor tells of the truth.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Mood {
    Well,
    Silent,
    Frozen,
    /// No number at all.
    Garbled,
    /// Always this temperature.
    Says(f64),
}

fn configuration() -> String {
    let mut room = format!(
        "[node]\nclock = \"scaled\"\nspeed = {SPEED}\n\
         [zone.tent]\nstage = \"mid-veg\"\nlights_on = \"06:00\"\noperation = \"control\"\n\
         [sensor]\ncanopy = {{ zone = \"tent\", source = \"unix:{{folder}}/tent.sock#canopy\", \
         interval = \"2min\", frozen_after = \"10min\" }}\n[device]\n"
    );
    for output in OUTPUTS {
        let name = output.name();
        let more = match name {
            "exhaust" => ", min_level_percent = 25",
            "heater" | "humidifier" => ", controllers = [\"puppet\", \"vpd-control\"]",
            _ => "",
        };
        room.push_str(&format!(
            "{name} = {{ zone = \"tent\", role = \"{name}\", output = \"unix:{{folder}}/tent.sock#{name}\"{more} }}\n"
        ));
    }
    room.push_str(
        "[plugin.vpd-control]\ngrant = { control = [\"exhaust\", \"circulation\", \"heater\", \"humidifier\", \"dehumidifier\"] }\n\
         [plugin.photoperiod]\ngrant = { control = [\"light\"] }\n[plugin.alert-rules]\n\
         [safety.tent-hot]\nquantity = \"temperature\"\nabove = 30\nclear = 27\ndwell = 60\nlatch = false\n\
         devices = { heater = 0, light = 0, exhaust = 1 }\n\
         [safety.tent-cold]\nquantity = \"temperature\"\nbelow = 19\nclear = 20\ndwell = 60\nlatch = false\n\
         devices = { heater = 1 }\n\
         [safety.tent-dry]\nquantity = \"humidity\"\nbelow = 30\nclear = 35\ndwell = 60\nlatch = false\n\
         devices = { dehumidifier = 0, heater = 0 }\n",
    );
    room.push_str(&format!(
        "[plugin.puppet]\nfile = {:?}\ngrant = {{ control = [\"heater\", \"humidifier\"] }}\n",
        guest("puppet")
    ));
    room
}

/// The tent, and the same one with all devices safe, while the day goes on.
struct Day {
    outside: Arc<Outside>,
    mood: Arc<Mutex<Mood>>,
    over: Arc<AtomicBool>,
    lives: JoinHandle<Seen>,
}

/// What the day came to.
#[derive(Debug, Default)]
struct Seen {
    /// Limits that were left, where the safe tent did not leave them.
    left: Vec<String>,
    hottest: f64,
    coldest: f64,
    /// How far both tents were apart at most, °C.
    apart: f64,
}

impl Day {
    fn begin(outside: Arc<Outside>) -> Self {
        let mood = Arc::new(Mutex::new(Mood::Well));
        let over = Arc::new(AtomicBool::new(false));
        let (far, says, ends) = (outside.clone(), mood.clone(), over.clone());
        let lives = std::thread::spawn(move || live(&far, &says, &ends));
        Self {
            outside,
            mood,
            over,
            lives,
        }
    }

    /// The hour of the day comes.
    fn hour(&self, hour: f64) {
        until(&format!("hour {hour}"), || {
            (self.outside.now() >= hour * HOUR).then_some(())
        });
    }

    /// The sensor is so for a while.
    fn sensor(&self, mood: Mood, from: f64, to: f64) {
        self.hour(from);
        *self.mood.lock().expect("nobody panics with it") = mood;
        self.hour(to);
        *self.mood.lock().expect("nobody panics with it") = Mood::Well;
    }

    /// Does it again and again until an hour has come.
    fn meanwhile(&self, hour: f64, mut act: impl FnMut(usize)) {
        let mut times = 0;
        while self.outside.now() < hour * HOUR {
            act(times);
            times += 1;
            // The pace at which it is done; nobody waits for anything by it.
            std::thread::sleep(STEP);
        }
        assert!(times > 0, "there was no time until hour {hour}");
    }

    fn end(self) -> Seen {
        self.over.store(true, Ordering::Release);
        self.lives.join().expect("the tent lives to the end")
    }
}

fn live(outside: &Outside, mood: &Mutex<Mood>, over: &AtomicBool) -> Seen {
    let (mut tent, mut calm) = (Tent::new(SEED), Tent::new(SEED));
    for output in OUTPUTS {
        let safe = match output.name() {
            "exhaust" => 0.25,
            "circulation" => 1.0,
            _ => 0.0,
        };
        calm.set(output, safe, None).expect("a safe level is one");
    }
    let mut seen = Seen {
        coldest: f64::INFINITY,
        ..Seen::default()
    };
    let mut frozen = tent.readings();
    let mut then = outside.now();
    while !over.load(Ordering::Acquire) {
        let now = outside.now();
        for output in OUTPUTS {
            let level = outside.level(output.name());
            tent.set(output, level, None).expect("a level is one");
        }
        for tent in [&mut tent, &mut calm] {
            tent.step(Span((now * 1e9) as u64 - (then * 1e9) as u64));
        }
        then = now;
        let mood = *mood.lock().expect("nobody panics with it");
        if mood != Mood::Frozen {
            frozen = tent.readings();
        }
        for reading in frozen.iter().filter(|reading| reading.sensor == "canopy") {
            let value = match mood {
                Mood::Silent => continue,
                Mood::Garbled => f64::NAN,
                Mood::Says(celsius) if reading.quantity == "temperature" => celsius,
                Mood::Well | Mood::Frozen | Mood::Says(_) => reading.value,
            };
            outside.say("canopy", reading.quantity, value);
        }
        compare(&tent, &calm, now, &mut seen);
        // The pace at which this tent lives; nobody waits for anything by it.
        std::thread::sleep(STEP);
    }
    seen
}

fn compare(tent: &Tent, calm: &Tent, now: f64, seen: &mut Seen) {
    let of = |tent: &Tent| {
        let air = tent.air();
        [air.celsius, air.humidity(), air.co2]
    };
    let (is, safe) = (of(tent), of(calm));
    for ((is, safe), limit) in is.into_iter().zip(safe).zip(&LIMITS) {
        let Limit(name, _, _, grace) = limit;
        if limit.beyond(is) > *grace && limit.beyond(safe) == 0.0 {
            let hour = now / HOUR;
            seen.left
                .push(format!("{name} {is:.1} at hour {hour:.2}, safe {safe:.1}"));
        }
    }
    seen.hottest = seen.hottest.max(is[0]);
    seen.coldest = seen.coldest.min(is[0]);
    seen.apart = seen.apart.max((is[0] - safe[0]).abs());
}

fn order(client: &Client, path: &str, more: &Value) {
    let mut body = json!({"who": "ann", "reason": "a long day"});
    for (key, value) in more.as_object().into_iter().flatten() {
        body[key] = value.clone();
    }
    let answer = client.post(&format!("/api/v1/{path}"), &body);
    // There may be nothing to take back any more, a danger that is not over yet, or one that goes
    // before what a person wants; a stop is taken in any case.
    let may_wait = path != "stop" && answer.status == 409;
    assert!(answer.status == 200 || may_wait, "{path}: {answer:?}");
}

fn reset(client: &Client) {
    order(client, "reset", &json!({}));
}

/// A plug-in that wants the heater on and off, and water in the air, against the one that controls.
fn contend(client: &Client, times: usize) {
    let ask = |device: &str, level: usize| {
        json!({"type": "sensor.motion", "data": {"sensor_id": "puppet", "value": 1},
            "metadata": {"zone": "tent", "ask": {"device": device, "level": level, "lease": 600}}})
    };
    let both = json!([ask("heater", times % 2), ask("humidifier", 1)]);
    // What the flood has left no room for is refused.
    let _ = client.post("/api/v1/events", &both);
}

/// Ten thousand readings a second of a sensor that nobody knows.
fn flood(client: &Client, times: usize) {
    let reading = |n: usize| {
        json!({"type": "sensor.illuminance", "metadata": {"zone": "tent"},
            "data": {"sensor_id": "flood", "value": times * 200 + n}})
    };
    let many: Vec<Value> = (0..200).map(reading).collect();
    let _ = client.post("/api/v1/events", &json!(many));
}

/// The morning: a sensor that is silent, frozen, garbled, and says what is not so; a clock that leaps.
fn senses_fail(day: &Day, room: &Room, client: &Client) {
    day.sensor(Mood::Silent, 1.0, 2.0);
    day.sensor(Mood::Frozen, 2.5, 3.5);
    day.sensor(Mood::Garbled, 4.0, 4.5);
    for (hour, seconds) in [(4.7, 86_400), (4.9, -86_400), (5.1, 0)] {
        day.hour(hour);
        shift(room, seconds);
    }
    day.sensor(Mood::Says(43.0), 5.5, 6.0);
    day.sensor(Mood::Says(10.0), 6.5, 7.0);
    day.hour(7.5);
    reset(client);
}

/// Noon: the host is killed, and stands still.
fn host_fails(day: &Day, mut host: Host) -> Host {
    day.hour(8.5);
    host = host.replaced_after(Signal::KILL);
    day.hour(9.5);
    reset(&host.client());
    host = host.replaced_after(Signal::STOP);
    day.hour(11.0);
    reset(&host.client());
    host
}

/// The afternoon: drivers are gone and deaf, a plug-in contends and everybody shouts, people insist.
fn others_fail(day: &Day, client: &Client) {
    day.outside.vanish();
    day.hour(11.5);
    day.outside.appear();
    day.hour(12.0);
    day.outside.deafen(true);
    day.hour(12.5);
    day.outside.deafen(false);
    day.hour(13.0);
    reset(client);
    day.meanwhile(14.0, |times| contend(client, times));
    day.meanwhile(15.0, |times| flood(client, times));
    let on = json!({"level": 1, "for": "3h"});
    order(client, "devices/heater/set", &on);
    order(client, "devices/dehumidifier/set", &on);
    day.hour(17.0);
    order(client, "devices/heater/release", &json!({}));
    order(client, "devices/dehumidifier/release", &json!({}));
    order(client, "stop", &json!({}));
    day.hour(17.5);
    reset(client);
}

/// The night: power is gone, and comes back with a disk that fills up.
fn machine_fails(day: &Day, room: &Room, host: Host) {
    day.hour(18.5);
    host.kill();
    day.hour(19.0);
    let mut command = room.guarded();
    command.env("GROWBOX_BOOT_ID", "the power was gone");
    let host = room.start_as(command);
    day.hour(20.5);
    assert_eq!(host.terminate().code(), Some(0));
    let host = Mounted::start(room, "mount -t tmpfs -o size=256m tmpfs \"$0\"");
    day.hour(21.5);
    let ballast = host.data().join("ballast");
    fill(&ballast);
    day.hour(22.5);
    std::fs::remove_file(&ballast).expect("is there");
    day.hour(24.0);
    assert_eq!(host.terminate().code(), Some(0));
}

#[test]
fn a_day_with_each_fault_once_leaves_no_limit_that_safe_devices_would_keep() {
    if !mounted::possible("a_day_with_each_fault_once") {
        return;
    }
    let room = Room::new(&configuration());
    let names = OUTPUTS.map(growbox_drivers::tent::Output::name);
    let outside = Arc::new(Outside::new(&room.path().join("tent.sock"), &names, SPEED));
    let mut command = room.guarded();
    command.env("GROWBOX_WALL_SHIFT", room.path().join("shift"));
    let mut host = room.start_as(command);
    let day = Day::begin(outside.clone());
    senses_fail(&day, &room, &host.client());
    host = host_fails(&day, host);
    others_fail(&day, &host.client());
    machine_fails(&day, &room, host);
    let switches = outside.record().len();
    let seen = day.end();
    eprintln!(
        "{:.1} to {:.1} °C, {:.1} °C from the safe tent at most, {switches} entries of the record",
        seen.coldest, seen.hottest, seen.apart
    );
    assert!(seen.apart > 2.0, "the day has done nothing: {seen:?}");
    assert!(seen.left.is_empty(), "{:#?}", seen.left);
}
