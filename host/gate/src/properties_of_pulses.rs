//! What holds for pulses, whatever happens: durable late or never, clocks set, drivers lost, ends of the process.

mod checker;
mod steps;

use growbox_model::commit::Restored;
use growbox_model::ports::{DriveOrder, DriverReport, Written};
use growbox_model::{
    Command, DeviceSpec, Instant, Moment, Now, Operation, Quantity, Record, Seq, Span, ZoneId,
};
use proptest::prelude::*;

use crate::bench::settle;
use crate::bench::{plugin, request, zone};
use crate::{Ask, Gate, Settlement, World};
use checker::Checker;
use steps::{NAMES, Step, devices, id, requesters, rule, step};

/// A world that does as it is told.
#[derive(Debug)]
struct Told {
    operation: Operation,
    fresh: bool,
    celsius: f64,
    durable: Seq,
    written: Written,
}

impl World for Told {
    fn measure(&self, _zone: &ZoneId, quantity: &str, _toward: crate::gate::Toward) -> Option<f64> {
        (quantity == "temperature").then_some(self.celsius)
    }
    fn trouble(
        &self,
        _zone: &ZoneId,
        _quantity: &Quantity,
        _of: &[growbox_model::Trouble],
    ) -> Option<growbox_model::Trouble> {
        None
    }
    fn operation(&self, _device: &DeviceSpec) -> Operation {
        self.operation
    }
    fn fresh(&self, _zone: Option<&ZoneId>, _quantity: &Quantity) -> bool {
        self.fresh
    }
    fn day(&self, _zone: Option<&ZoneId>) -> Option<bool> {
        None
    }
    fn second_of_day(&self) -> Option<u32> {
        None
    }
    fn revision(&self) -> Option<u64> {
        let celsius = self.celsius as u64;
        Some(100 * (2 * self.operation as u64 + u64::from(self.fresh)) + celsius)
    }
    fn durable(&self, seq: Seq) -> bool {
        seq <= self.durable
    }
    fn written(&self) -> Written {
        self.written
    }
}

/// A gate with a log, drivers and outputs of its own; only the checker says what may be.
struct Room {
    gate: Gate,
    world: Told,
    now: Now,
    seq: Seq,
    /// Every record, in the order it was given away, and how many are on disk.
    log: Vec<Record>,
    stored: usize,
    prompt: bool,
    confirms: bool,
    reached: [bool; 3],
    unconfirmed: Vec<DriveOrder>,
    checker: Checker,
}

impl Room {
    fn new() -> Self {
        let now = Now {
            moment: Moment(Span::hours(1_000).0),
            wall: Instant::parse("2026-01-15T10:00:00Z").unwrap(),
            wall_trusted: true,
        };
        let restored = Restored {
            clean: true,
            same_boot: true,
            ..Restored::default()
        };
        let mut gate = Gate::new(devices(), &restored, now);
        gate.safety(&[rule()], &restored);
        Self {
            gate,
            world: Told {
                operation: Operation::Control,
                fresh: true,
                celsius: 24.0,
                durable: Seq(0),
                written: Written::default(),
            },
            now,
            seq: Seq(0),
            log: Vec::new(),
            stored: 0,
            prompt: true,
            confirms: true,
            reached: [true; 3],
            unconfirmed: Vec::new(),
            checker: Checker::new(&devices()),
        }
    }

    fn take(&mut self, step: &Step) {
        let (now, why) = (self.now, "because".into());
        match step {
            Step::Pulse(who, what, length, age) => {
                let length = Span::millis(*length);
                self.ask(*who, *what, &Command::Pulse(length), None, *age);
            }
            Step::Level(who, what, on, lease) => {
                let level = Command::Level(f64::from(u8::from(*on)));
                self.ask(*who, *what, &level, lease.map(Span::seconds), 0);
            }
            Step::Release(who, what) => self.ask(*who, *what, &Command::Release, None, 0),
            Step::Wait(seconds) => return self.wait(Span::seconds(*seconds)),
            Step::Durable => self.store(),
            Step::Prompt(yes) => self.prompt = *yes,
            Step::Fresh(yes) => self.world.fresh = *yes,
            Step::Measure(celsius) => self.world.celsius = *celsius,
            Step::Stop(all) => {
                let zone = (!all).then(zone);
                self.gate.stop(zone.as_ref(), &why, &plugin("vpd"));
            }
            Step::Reset => drop(self.gate.reset(None)),
            Step::Hold(what, on, span) => {
                let (level, span) = (f64::from(u8::from(*on)), span.map(Span::seconds));
                let held = self
                    .gate
                    .hold(&id(*what), Some(level), span, &why, &why, now);
                held.unwrap();
            }
            Step::Unhold(what) => drop(self.gate.release(&id(*what))),
            Step::Operate(operation) => self.world.operation = *operation,
            Step::Confirms(yes) => self.confirms = *yes,
            Step::Confirm => self.confirm(),
            Step::Fail(what) => self.fail(*what),
            Step::Reach(what, yes) => self.reach(*what, *yes),
            Step::Move(what, on) => self.hand(*what, *on),
            Step::Clock(seconds) => {
                self.now.wall = stepped(now.wall, *seconds);
                self.gate.relabel(self.now);
            }
            Step::Restart(clean, boot, away, trusted) => {
                self.restart(*clean, *boot, Span::seconds(*away), *trusted);
            }
        }
        self.settle();
    }

    /// Each request is decided once: a pulse is never a renewal of another.
    fn ask(&mut self, who: usize, what: usize, command: &Command, lease: Option<Span>, age: u64) {
        let now = self.now;
        let request = request(NAMES[what], command.clone(), lease);
        let ask = Ask {
            requester: &requesters()[who],
            granted: true,
            grant_hint: "",
            request: &request,
            caused_at: now.moment - Span::seconds(age),
            cut: now.moment,
            tick: None,
        };
        let renews = self.gate.renews(&ask, &self.world, now);
        let earlier = self.gate.take_records();
        self.log.extend(earlier);
        if let Command::Pulse(_) = command {
            assert!(!renews, "a pulse renews nothing");
        } else if renews {
            return;
        }
        self.seq = Seq(self.seq.0 + 1);
        let verdict = self.gate.decide(&ask, self.seq, &self.world, now);
        let records = self.gate.take_records();
        if let Command::Pulse(length) = *command {
            let said = (&verdict, records.as_slice());
            let operation = self.world.operation;
            self.checker
                .asked(self.seq, &id(what), length, operation, said, now);
        }
        self.log.extend(records);
    }

    /// All that was given away is on disk: a request and its records are there together.
    fn store(&mut self) {
        let records = self.gate.take_records();
        self.log.extend(records);
        self.stored = self.log.len();
        self.world.durable = self.seq;
        self.world.written.durable = self.world.written.handed;
    }

    fn report(&mut self, report: &DriverReport) {
        self.gate.report(report, self.now);
    }

    /// Late confirmations are followed by the truth.
    fn confirm(&mut self) {
        for order in std::mem::take(&mut self.unconfirmed) {
            let on = self.checker.outputs[&order.device].on;
            self.report(&DriverReport::Confirmed(order.device.clone(), order.level));
            if on != (order.level > 0.0) {
                let level = f64::from(u8::from(on));
                self.report(&DriverReport::Moved(order.device, level));
            }
        }
    }

    fn fail(&mut self, what: usize) {
        self.unconfirmed.retain(|order| order.device != id(what));
        self.checker.unseen(&id(what));
        self.report(&DriverReport::Failed(id(what), "no".into()));
    }

    /// What was on its way when a driver is lost is never answered.
    fn reach(&mut self, what: usize, yes: bool) {
        if self.reached[what] == yes {
            return;
        }
        self.unconfirmed.retain(|order| order.device != id(what));
        self.checker.unseen(&id(what));
        self.reached[what] = yes;
        self.report(&DriverReport::Available(id(what), yes));
    }

    /// Somebody's hand: only where its driver can tell, and while no order is on its way.
    fn hand(&mut self, what: usize, on: bool) {
        let on_its_way = self.unconfirmed.iter().any(|o| o.device == id(what));
        if on_its_way || !self.reached[what] {
            return;
        }
        self.checker.moved(&id(what), on, self.now.moment);
        let level = f64::from(u8::from(on));
        self.report(&DriverReport::Moved(id(what), level));
    }

    /// A new gate over what the log gives back. Outputs and their timers go on.
    fn restart(&mut self, clean: bool, same_boot: bool, away: Span, trusted: bool) {
        if clean {
            let said = self.gate.end(&self.world, self.now);
            self.heed(said);
            self.store();
        }
        self.log.truncate(self.stored);
        self.seq = self.world.durable;
        self.unconfirmed.clear();
        let before = self.now;
        self.now.wall = before.wall.plus(away);
        self.now.moment = before.moment + if trusted { away } else { Span(1) };
        self.now.wall_trusted = trusted;
        self.reached = [true; 3];
        let restored = restored(&self.log, clean, same_boot);
        self.gate = Gate::new(devices(), &restored, self.now);
        self.gate.safety(&[rule()], &restored);
        self.checker
            .restarted(self.world.durable, &self.log, &self.gate.pending.outcomes);
        self.checker.away(before.moment + away, self.now.moment);
    }

    fn wait(&mut self, span: Span) {
        let end = self.now.moment + span;
        let mut turns = 0;
        loop {
            let next = self.settle();
            let timers = self.checker.outputs.values().filter_map(|o| o.timer);
            let next = timers.chain(next).chain([end]).min().unwrap_or(end);
            let next = next.max(self.now.moment);
            self.now.wall = self.now.wall.plus(next.since(self.now.moment));
            self.now.moment = next;
            self.run_out();
            if next == end {
                break;
            }
            turns += 1;
            assert!(turns < 20_000, "a busy loop");
        }
        self.settle();
    }

    /// Outputs go off by their own timers; a driver that is reached and idle says so.
    fn run_out(&mut self) {
        for device in self.checker.run_out(self.now.moment) {
            let which = NAMES.iter().position(|name| *name == device.as_str());
            let on_its_way = self.unconfirmed.iter().any(|o| o.device == device);
            if on_its_way || !which.is_some_and(|which| self.reached[which]) {
                self.checker.unseen(&device);
            } else {
                self.report(&DriverReport::Moved(device, 0.0));
            }
        }
    }

    /// Settles until nothing is left to do.
    fn settle(&mut self) -> Option<Moment> {
        loop {
            let said = settle(&mut self.gate, &self.world, self.now);
            let next = said.next;
            let quiet = said.orders.is_empty();
            self.heed(said);
            let waits = self.gate.awaits_durability(&self.world);
            let stores = self.prompt && (waits || self.world.durable < self.seq);
            if self.prompt {
                self.store();
            }
            if self.confirms && !self.unconfirmed.is_empty() {
                self.confirm();
            } else if quiet && !stores {
                assert!(next.is_none_or(|next| next > self.now.moment));
                return next;
            }
        }
    }

    fn heed(&mut self, said: Settlement) {
        let (operation, durable) = (self.world.operation, self.world.durable);
        let bound = self.gate.devices.values();
        let bound = bound.filter(|device| device.safety.is_some());
        self.checker.bound = bound.map(|device| device.spec.id.clone()).collect();
        self.checker.settled(&said, operation, durable, self.now);
        self.unconfirmed.extend(said.orders);
        self.log.extend(said.records);
        self.world.written.handed += 1;
    }
}

fn stepped(wall: Instant, seconds: i64) -> Instant {
    let span = Span::seconds(seconds.unsigned_abs());
    if seconds < 0 {
        wall.minus(span)
    } else {
        wall.plus(span)
    }
}

/// What a log keeps of these records.
fn restored(log: &[Record], clean: bool, same_boot: bool) -> Restored {
    let mut known = Restored {
        clean,
        same_boot,
        ..Restored::default()
    };
    for record in log.iter().cloned() {
        match record {
            Record::Switched(switch) => {
                known.switches.retain(|s| s.device != switch.device);
                known.switches.push(switch);
            }
            Record::Hold(device, hold) => {
                known.holds.retain(|(held, _)| *held != device);
                known.holds.extend(hold.map(|hold| (device, hold)));
            }
            Record::Stopped(zone, why) => {
                known.stops.retain(|(stopped, _)| *stopped != zone);
                known.stops.extend(why.map(|why| (zone, why)));
            }
            Record::Opened(seq, device) => known.open.push((seq, device)),
            Record::Closed(seq) => known.open.retain(|(open, _)| *open != seq),
            Record::Dosed(dose) => known.doses.push(dose),
            Record::Tripped(rule, zone, trip) => {
                known.trips.retain(|t| (&t.rule, &t.zone) != (&rule, &zone));
                known.trips.extend(trip);
            }
            _ => {}
        }
    }
    known
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn whatever_happens_pulses_keep_their_word(steps in proptest::collection::vec(step(), 1..80)) {
        let mut room = Room::new();
        for step in &steps {
            room.take(step);
        }
        for which in 0..NAMES.len() {
            room.take(&Step::Reach(which, true));
            room.take(&Step::Unhold(which));
        }
        for step in [Step::Measure(24.0), Step::Reset, Step::Operate(Operation::Control), Step::Confirms(true), Step::Wait(20_000)] {
            room.take(&step);
        }
        room.checker.over();
        room.take(&Step::Restart(true, true, 0, true));
        room.checker.over();
    }

    #[test]
    fn where_nothing_breaks_each_one_runs_its_length(
        steps in proptest::collection::vec((0..3usize, 10_000..150_000u64, 300..30_000u64), 1..40),
    ) {
        let mut room = Room::new();
        room.wait(Span::minutes(5));
        let mut granted = 0;
        for (what, length, wait) in steps {
            let before = room.log.len();
            room.take(&Step::Pulse(0, what, length, 0));
            granted += room.log[before..].iter().filter(|r| matches!(r, Record::Dosed(_))).count();
            room.take(&Step::Wait(wait));
        }
        prop_assert!(granted > 0);
        prop_assert_eq!(room.checker.executed, granted);
    }
}
