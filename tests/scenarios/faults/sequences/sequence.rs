//! A room on its way: its time, its host, and what somebody who stands in it knows.

use growbox_model::{Instant, Span};
use growbox_tests::{Chance, Client, Entry, Host, What, until};
use serde_json::{Value, json};

use super::plan::{DEVICES, HOT, Plan, SWITCHED};

/// 2026-01-15T10:00:00Z, when every room begins.
const BEGINNING: Instant = Instant(1_768_471_200_000_000_000);

/// A room, and all that was done to it so far.
pub(super) struct Sequence {
    pub(super) plan: Plan,
    pub(super) chance: Chance,
    host: Option<Host>,
    /// Seconds since the beginning, as events tell them.
    now: f64,
    /// Seconds in which no host ran: events tell nothing of them, and the far side lived on.
    away: f64,
    /// Which boot of the machine it is.
    boot: u32,
    marks: u32,
    asked: u32,
    /// Everything is stopped.
    pub(super) stopped: bool,
    /// Somebody works at the device.
    pub(super) locked: Vec<&'static str>,
    pub(super) operation: &'static str,
    /// Since when it has been hot, as far as the room could see.
    hot_since: Option<f64>,
    /// The safety rule has tripped for certain.
    tripped: bool,
}

impl Sequence {
    pub(super) fn begin(plan: Plan, chance: Chance) -> Self {
        let mut sequence = Self {
            plan,
            chance,
            host: None,
            now: 0.0,
            away: 0.0,
            boot: 0,
            marks: 0,
            asked: 0,
            stopped: false,
            locked: Vec::new(),
            operation: "control",
            hot_since: None,
            tripped: false,
        };
        sequence.start();
        sequence
    }

    pub(super) fn client(&self) -> Client {
        self.host.as_ref().expect("a host runs").client()
    }

    /// An event of this moment.
    fn event(&self, kind: &str, sensor: &str, value: f64) -> Value {
        let at = BEGINNING.plus(Span::from_seconds(self.now).expect("not before the beginning"));
        json!({"type": format!("sensor.{kind}"), "timestamp": at,
               "data": {"sensor_id": sensor, "value": value}, "metadata": {"zone": "tent"}})
    }

    /// Lets time pass, and everybody come to rest.
    pub(super) fn pass(&mut self, seconds: f64) {
        self.now += seconds;
        self.marks += 1;
        let value = f64::from(self.marks);
        self.client()
            .settle(&[self.event("illuminance", "mark", value)]);
        self.plan.all_is_told();
        self.plan.bench.outside.pass_to(self.now + self.away);
        let mark = What::Said("mark".to_owned(), value);
        self.plan.bench.outside.note(mark);
        let endures = |since: f64| self.now - since >= self.plan.dwell;
        self.tripped |= self.hot_since.is_some_and(endures);
    }

    /// The canopy says how warm it is.
    pub(super) fn warm(&mut self, celsius: f64) {
        self.client()
            .settle(&[self.event("temperature", "canopy", celsius)]);
        if celsius >= HOT {
            self.hot_since.get_or_insert(self.now);
        } else {
            self.hot_since = None;
        }
    }

    /// The canopy says what cannot be, or what was long ago: it tells nothing of now.
    pub(super) fn mislead(&mut self, celsius: f64, seconds_ago: f64) {
        if self.now < seconds_ago {
            return;
        }
        let mut event = self.event("temperature", "canopy", celsius);
        let ago = Span::from_seconds(self.now - seconds_ago).expect("not before the beginning");
        event["timestamp"] = json!(BEGINNING.plus(ago));
        let _ = self.client().settle(&[event]);
    }

    /// The plug-in is told what to ask for.
    pub(super) fn ask(&self, words: &Value) {
        let mut event = self.event("motion", "puppet", 1.0);
        event["metadata"]["ask"] = words.clone();
        let _ = self.client().settle(&[event]);
    }

    /// A person orders something; whether it was done.
    pub(super) fn order(&mut self, path: &str, mut words: Value) -> bool {
        self.asked += 1;
        words["who"] = json!(["ann", "ben"][self.asked as usize % 2]);
        words["reason"] = json!(format!("number {}", self.asked));
        let answer = self.client().post(&format!("/api/v1/{path}"), &words);
        assert!(matches!(answer.status, 200 | 409), "{path}: {answer:?}");
        answer.status == 200
    }

    /// A person takes back what was stopped and what has tripped.
    pub(super) fn reset(&mut self) {
        if self.order("reset", json!({})) {
            self.stopped = false;
            self.tripped = false;
            self.hot_since = None;
        }
    }

    /// Somebody at the device moves it, and the host has seen that.
    pub(super) fn turn(&self, device: &str, level: f64) {
        if self.plan.bench.outside.level(device) == level {
            return;
        }
        self.plan.bench.outside.turn(device, level);
        let turned = |told: &Value| told["level"].as_f64().is_some_and(|at| at != level);
        // It may have been put back at once.
        let seen = || {
            let told = self.client().row("devices", device);
            let record = self.plan.bench.outside.record_since(self.now + self.away);
            let moved =
                |entry: &Entry| matches!(&entry.what, What::Switched(name, ..) if name == device);
            let moves = record.iter().filter(|entry| moved(entry)).count();
            (!turned(&told) || moves > 1).then_some(())
        };
        until("the host to see a hand", seen);
    }

    /// The far side is gone for a while, or for good where a host begins meanwhile.
    pub(super) fn lose_the_far_side(&mut self, seconds: f64) {
        match &mut self.plan.broker {
            None => self.plan.bench.outside.vanish(),
            Some((broker, _)) => {
                self.plan.bench.outside.note(What::Lost);
                broker.kill();
            }
        }
        self.await_devices("available", &json!(false));
        self.pass(seconds);
        match &mut self.plan.broker {
            None => self.plan.bench.outside.appear(),
            Some((broker, _)) => {
                self.plan.bench.outside.note(What::Returned);
                broker.revive();
            }
        }
        self.await_devices("available", &json!(true));
        self.pass(0.0);
    }

    fn await_devices(&self, key: &str, value: &Value) {
        for device in DEVICES {
            until(&format!("{device}.{key} to be {value}"), || {
                (self.client().row("devices", device)[key] == *value).then_some(())
            });
        }
    }

    /// The host ends as it is asked to, and another one begins after a while.
    pub(super) fn restart(&mut self, seconds: f64) {
        let host = self.host.take().expect("a host runs");
        assert_eq!(host.terminate().code(), Some(0));
        self.down(seconds);
    }

    /// The host is killed, or all the machine with it.
    pub(super) fn kill(&mut self, seconds: f64, with_the_machine: bool) {
        let mark = self.event("illuminance", "last", 1.0);
        let posted = self.client().post("/api/v1/events?durable=true", &mark);
        let _ = posted.results(200);
        self.host.take().expect("a host runs").kill();
        self.boot += u32::from(with_the_machine);
        self.down(seconds);
    }

    fn down(&mut self, seconds: f64) {
        self.plan.notes(What::HungUp);
        self.away += seconds;
        self.plan.bench.outside.pass_to(self.now + self.away);
        self.plan.notes(What::Joined);
        self.start();
        // Whoever comes knows of no heat before the next reading.
        self.hot_since = None;
    }

    fn start(&mut self) {
        let room = &self.plan.bench.room;
        let mut command = room.run();
        command.env("GROWBOX_BOOT_ID", format!("boot {}", self.boot));
        self.host = Some(room.start_as(command));
        for device in DEVICES {
            until(&format!("{device} to be known"), || {
                let told = self.client().row("devices", device);
                told["level"].is_number().then_some(())
            });
        }
        self.pass(0.0);
    }

    /// What must be off is off, whatever is asked.
    pub(super) fn look(&self) {
        if self.operation == "observe" {
            return;
        }
        let off = |device: &str, why: &str| {
            if self.plan.bench.outside.level(device) > 0.0 {
                let _ = self.plan.bench.evidence();
                panic!("{:.3}: {device} is on: {why}", self.now + self.away);
            }
        };
        if self.stopped {
            SWITCHED.iter().for_each(|device| off(device, "stopped"));
        }
        if self.tripped {
            ["heater", "lamp"]
                .iter()
                .for_each(|device| off(device, "hot"));
        }
    }

    /// Ends the room, and judges all of it by what the next host exports.
    pub(super) fn end(mut self) -> usize {
        self.restart(1.0);
        self.plan.bench.acquit();
        let record = self.plan.bench.outside.record();
        let is_device = |name: &str| DEVICES.contains(&name);
        let moved =
            |entry: &&Entry| matches!(&entry.what, What::Switched(name, ..) if is_device(name));
        record.iter().filter(moved).count()
    }
}
