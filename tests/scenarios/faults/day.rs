//! A day in the simulated tent with each fault once: no safety limit is left that the same tent,
//! with all its devices where they are safe, would not leave too.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use growbox_drivers::tent::{OUTPUTS, Tent};
use growbox_model::Span;
use growbox_tests::{Host, Outside, Room, until};
use rustix::process::Signal;
use serde_json::json;

/// A day in two minutes.
const SPEED: f64 = 720.0;
const HOUR: f64 = 3600.0;
const SEED: u64 = 7;
/// °C, % RH, ppm: temperature by a rule closer than the shipped one, the others as shipped. They
/// act when a limit is reached; their dwell and the inertia of the tent allow for a little more.
const LIMITS: [(&str, f64, f64); 3] = [
    ("temperature", 30.0, 1.0),
    ("humidity", 95.0, 2.0),
    ("co2", 2000.0, 200.0),
];

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
         devices = { heater = 0, light = 0, exhaust = 1 }\n",
    );
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
        std::thread::sleep(Duration::from_millis(20));
    }
    seen
}

fn compare(tent: &Tent, calm: &Tent, now: f64, seen: &mut Seen) {
    let of = |tent: &Tent| {
        let air = tent.air();
        [air.celsius, air.humidity(), air.co2]
    };
    let (is, safe) = (of(tent), of(calm));
    for ((is, safe), (name, limit, grace)) in is.into_iter().zip(safe).zip(LIMITS) {
        if is > limit + grace && safe <= limit {
            let hour = now / HOUR;
            seen.left
                .push(format!("{name} {is:.1} at hour {hour:.2}, safe {safe:.1}"));
        }
    }
    seen.hottest = seen.hottest.max(is[0]);
    seen.coldest = seen.coldest.min(is[0]);
    seen.apart = seen.apart.max((is[0] - safe[0]).abs());
}

fn order(host: &Host, path: &str, more: &serde_json::Value) {
    let mut body = json!({"who": "ann", "reason": "a long day"});
    for (key, value) in more.as_object().into_iter().flatten() {
        body[key] = value.clone();
    }
    let answer = host.client().post(&format!("/api/v1/{path}"), &body);
    // There may be nothing to take back, or a danger that is not over yet.
    let may_wait = path == "reset" && answer.status == 409;
    assert!(answer.status == 200 || may_wait, "{path}: {answer:?}");
}

#[test]
fn a_day_with_each_fault_once_leaves_no_limit_that_safe_devices_would_keep() {
    let room = Room::new(&configuration());
    let names = OUTPUTS.map(growbox_drivers::tent::Output::name);
    let outside = Arc::new(Outside::new(&room.path().join("tent.sock"), &names, SPEED));
    let mut host = room.start_guarded();
    let day = Day::begin(outside.clone());
    day.sensor(Mood::Silent, 2.0, 3.0);
    day.sensor(Mood::Frozen, 4.0, 5.0);
    day.sensor(Mood::Garbled, 6.0, 6.5);
    day.sensor(Mood::Says(43.0), 7.0, 7.5);
    day.hour(8.0);
    order(&host, "reset", &json!({}));
    day.hour(9.0);
    host = host.replaced_after(Signal::KILL);
    day.hour(11.0);
    order(&host, "reset", &json!({}));
    host = host.replaced_after(Signal::STOP);
    day.hour(14.0);
    outside.vanish();
    day.hour(14.5);
    outside.appear();
    day.hour(15.0);
    outside.deafen(true);
    day.hour(15.5);
    outside.deafen(false);
    day.hour(16.0);
    order(&host, "reset", &json!({}));
    order(
        &host,
        "devices/heater/set",
        &json!({"level": 1, "for": "3h"}),
    );
    day.hour(18.0);
    order(&host, "devices/heater/release", &json!({}));
    order(&host, "stop", &json!({}));
    day.hour(19.0);
    order(&host, "reset", &json!({}));
    day.sensor(Mood::Says(10.0), 20.0, 21.0);
    day.hour(22.0);
    host.kill();
    day.hour(22.5);
    let host = room.start_guarded();
    day.hour(24.0);
    assert_eq!(host.terminate().code(), Some(0));
    let switches = outside.record().len();
    let seen = day.end();
    eprintln!(
        "{:.1} to {:.1} °C, {:.1} °C from the safe tent at most, {switches} entries of the record",
        seen.coldest, seen.hottest, seen.apart
    );
    assert!(seen.apart > 2.0, "the day has done nothing: {seen:?}");
    assert!(seen.left.is_empty(), "{:#?}", seen.left);
}
