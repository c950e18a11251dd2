//! Random sessions: anything anybody may do to a room, in any order, and no promise is broken.
//!
//! Every other session has a guardian. `GROWBOX_SEEDS=N` plays so many sessions, `GROWBOX_SEED` brings one back.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use growbox_tests::{Chance, Entry, Host, What};
use rustix::process::Signal;
use serde_json::json;

use super::bench_room::{Bench, devices};

/// Machine time of one session, besides its starts.
const LENGTH: Duration = Duration::from_secs(20);
/// Slow enough that a lease's end at the far side and at the host never cross on the way.
const SPEEDS: [f64; 2] = [4.0, 1.0];

/// How often in a row a guardian starts its host again.
const GUARDIAN: usize = 3;
/// Moves of one device in all sessions together: fewer, and hardly anything was tried.
const MOVES: usize = 1;
/// What must be off is off so many seconds after any end of a guarded host.
const OFF_WITHIN: f64 = 5.0;

/// What may be done to a room, and how often.
const ACTS: [(u64, Act); 14] = [
    (300, Session::set),
    (200, Session::temperature),
    (60, Session::wrong_temperature),
    (60, Session::dose),
    (60, Session::rest),
    (16, Session::hold),
    (40, Session::release),
    (12, Session::stop),
    (160, Session::reset),
    (10, Session::operation),
    (6, Session::kill),
    (4, Session::terminate),
    (4, Session::cut_the_power),
    (8, Session::lose_the_far_side),
];

type Act = fn(&mut Session);

/// A session on its way.
struct Session {
    bench: Bench,
    host: Option<Host>,
    /// How often its guardian still starts the host again; none: there is no guardian.
    patience: Option<usize>,
    chance: Chance,
    /// Which boot of the machine it is.
    boot: u32,
    marks: u32,
    said: u32,
    asked: usize,
}

#[test]
fn no_promise_is_broken_whatever_is_done() {
    let seeds = std::env::var("GROWBOX_SEEDS").map_or(2, |text| text.parse().expect("a number"));
    let mut moves: BTreeMap<String, usize> = BTreeMap::new();
    for seed in 0..seeds {
        play(seed, &mut moves);
    }
    println!("{seeds} sessions, moves: {moves:?}");
    for device in devices() {
        assert!(
            moves.get(device) >= Some(&MOVES),
            "{device} was hardly moved"
        );
    }
}

fn play(number: usize, moves: &mut BTreeMap<String, usize>) {
    let mut chance = Chance::new();
    let speed = SPEEDS[number % SPEEDS.len()];
    let bench = Bench::new(speed);
    let patience = (number % 2 == 1).then_some(GUARDIAN);
    let host = start(&bench, patience.is_some(), 0);
    let mut session = Session {
        patience,
        bench,
        host: Some(host),
        chance: chance.another(),
        boot: 0,
        marks: 0,
        said: 0,
        asked: 0,
    };
    let begun = Instant::now();
    let mut steps = 0;
    while begun.elapsed() < LENGTH {
        session.step();
        steps += 1;
    }
    session.end(steps, moves);
}

fn start(bench: &Bench, guarded: bool, boot: u32) -> Host {
    let room = &bench.room;
    let mut command = if guarded { room.guarded() } else { room.run() };
    command.env("GROWBOX_BOOT_ID", format!("boot {boot}"));
    room.start_as(command)
}

impl Session {
    fn step(&mut self) {
        let all: u64 = ACTS.iter().map(|(weight, _)| weight).sum();
        let mut left = self.chance.below(all);
        for (weight, act) in ACTS {
            if left < weight {
                act(self);
                break;
            }
            left -= weight;
        }
        self.mark();
    }

    /// A reading by which record and log are laid side by side.
    fn mark(&mut self) {
        self.marks += 1;
        self.bench
            .outside
            .say("mark", "illuminance", f64::from(self.marks));
    }

    fn post(&self, path: &str, body: &serde_json::Value) {
        let Some(host) = &self.host else { return };
        let answer = host.client().post(path, body);
        assert!(matches!(answer.status, 200 | 409), "{path}: {answer:?}");
    }

    /// The pump is the plug-in's: the doses of a day bound pulses, not people.
    fn device(&mut self) -> &'static str {
        let all: Vec<&str> = devices().filter(|name| *name != "pump").collect();
        all[self.pick(all.len())]
    }

    fn pick(&mut self, end: usize) -> usize {
        let end = u64::try_from(end).expect("few things are picked from");
        usize::try_from(self.chance.below(end)).expect("below a usize")
    }

    fn length(&mut self) -> f64 {
        let tenths = [1, 5, 10, 20, 60][self.pick(5)];
        f64::from(tenths) / 10.0 * self.bench.speed
    }

    fn level(&mut self) -> f64 {
        [0.0, 1.0, 1.0][self.pick(3)]
    }

    fn words(&mut self, level: Option<f64>, length: Option<f64>) -> serde_json::Value {
        self.asked += 1;
        let who = ["ann", "ben"][self.pick(2)];
        let mut words = json!({"who": who, "reason": format!("number {}", self.asked)});
        if let Some(level) = level {
            words["level"] = json!(level);
        }
        if let Some(length) = length {
            words["for"] = json!(length.max(1.0));
        }
        words
    }

    fn set(&mut self) {
        let device = self.device();
        let (level, length) = (self.level(), self.length());
        let words = self.words(Some(level), Some(length));
        self.post(&format!("/api/v1/devices/{device}/set"), &words);
    }

    fn hold(&mut self) {
        let device = self.device();
        let (level, length) = (self.level(), self.length());
        let words = self.words(Some(level), Some(length));
        self.post(&format!("/api/v1/devices/{device}/hold"), &words);
    }

    fn release(&mut self) {
        let device = self.device();
        let words = self.words(None, None);
        self.post(&format!("/api/v1/devices/{device}/release"), &words);
    }

    fn temperature(&mut self) {
        self.said += 1;
        let value = 20.0 + f64::from(self.said % 8000) / 1000.0;
        self.bench.outside.say("canopy", "temperature", value);
    }

    /// Hot, cold, impossible, or no number at all.
    fn wrong_temperature(&mut self) {
        let value = [43.0, -5.0, 900.0, f64::NAN][self.pick(4)];
        self.bench.outside.say("canopy", "temperature", value);
    }

    fn dose(&mut self) {
        let length = [0.2, 0.5, 2.0][self.pick(3)] * self.bench.speed;
        let Some(host) = &self.host else { return };
        let told = json!({"type": "sensor.motion", "data": {"sensor_id": "puppet", "value": 1},
            "metadata": {"zone": "tent", "ask": {"device": "pump", "pulse": length}}});
        let _ = host.client().post("/api/v1/events", &told).results(202);
    }

    fn rest(&mut self) {
        self.chance.moment(Duration::from_millis(400));
    }

    fn stop(&mut self) {
        let words = self.words(None, None);
        self.post("/api/v1/stop", &words);
    }

    fn reset(&mut self) {
        let words = self.words(None, None);
        self.post("/api/v1/reset", &words);
    }

    fn operation(&mut self) {
        let operation = ["control", "paused", "control"][self.pick(3)];
        let mut words = self.words(None, None);
        words["operation"] = json!(operation);
        self.post("/api/v1/zones/tent", &words);
    }

    fn kill(&mut self) {
        let Some(host) = self.host.take() else { return };
        match self.patience {
            Some(left) if left > 0 => {
                self.patience = Some(left - 1);
                let then = self.bench.outside.now();
                self.host = Some(host.replaced_after(Signal::KILL));
                self.all_was_off_soon_after(then);
                return;
            }
            Some(_) => assert_eq!(host.terminate().code(), Some(0)),
            None => host.kill(),
        }
        self.chance.moment(Duration::from_millis(300));
        self.start();
    }

    fn terminate(&mut self) {
        if let Some(host) = self.host.take() {
            assert_eq!(host.terminate().code(), Some(0));
        }
        self.chance.moment(Duration::from_millis(300));
        self.start();
    }

    /// The machine boots anew: what the log says of rest counts no more. A guardian would go on
    /// for a moment where a machine would not, so that it has its end first.
    fn cut_the_power(&mut self) {
        match self.host.take() {
            Some(host) if self.patience.is_none() => host.kill(),
            Some(host) => assert_eq!(host.terminate().code(), Some(0)),
            None => {}
        }
        self.chance.moment(Duration::from_millis(300));
        self.boot += 1;
        self.start();
    }

    fn start(&mut self) {
        self.patience = self.patience.map(|_| GUARDIAN);
        self.host = Some(start(&self.bench, self.patience.is_some(), self.boot));
    }

    /// Whatever ran when the host was killed was switched off in time by whoever was left.
    fn all_was_off_soon_after(&self, then: f64) {
        let record = self.bench.outside.record();
        for device in devices().filter(|device| *device != "fan") {
            let level = |entry: &Entry| match &entry.what {
                What::Switched(name, level, _) if name == device => Some((entry.at, *level)),
                _ => None,
            };
            let moves: Vec<(f64, f64)> = record.iter().filter_map(level).collect();
            let before = moves.iter().rfind(|(at, _)| *at < then);
            let after = moves
                .iter()
                .find(|(at, level)| *at >= then && *level == 0.0);
            if before.is_some_and(|(_, level)| *level > 0.0) {
                let lasted = after.map(|(at, _)| (at - then) / self.bench.speed);
                let soon = lasted.is_some_and(|lasted| lasted <= OFF_WITHIN);
                assert!(soon, "{device} was on for {lasted:?} s after the kill");
            }
        }
    }

    fn lose_the_far_side(&mut self) {
        let deaf = self.chance.below(3) == 0;
        let outside = &self.bench.outside;
        if deaf {
            outside.deafen(true);
        } else {
            outside.vanish();
        }
        self.chance.moment(Duration::from_secs(1));
        if deaf {
            self.bench.outside.deafen(false);
        } else {
            self.bench.outside.appear();
        }
    }

    /// Ends the room, and judges all of it by what the next host exports.
    fn end(mut self, steps: usize, moves: &mut BTreeMap<String, usize>) {
        self.terminate();
        self.bench.acquit();
        let record = self.bench.outside.record();
        println!("{steps} steps, {} entries at the far side", record.len());
        let mut moved = 0;
        for entry in &record {
            if let What::Switched(device, ..) = &entry.what {
                *moves.entry(device.clone()).or_default() += 1;
                moved += 1;
            }
        }
        assert!(moved > 20, "{moved} moves: hardly anything was tried");
    }
}
