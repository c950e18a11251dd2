//! What the outside must see whatever happens: a checker that knows nothing but when each output switched.

use std::collections::{BTreeMap, BTreeSet};

use growbox_model::commit::{Hold, Restored, Switch};
use growbox_model::ports::{DriveOrder, DriverReport};
use growbox_model::{
    CircuitSpec, Command, Danger, DeviceId, DeviceSpec, LockOut, Moment, Operation, Quantity,
    Record, Requester, SafetySpec, Seq, Span, Trip,
};
use proptest::prelude::*;

use crate::Settlement;
use crate::bench::{Bench, device, exhaust, person, plugin, settle, zone};

/// One thing that happens.
#[derive(Debug, Clone)]
enum Step {
    Ask(bool, usize, bool, u64),
    Wait(u64),
    Fresh(bool),
    Day(Option<bool>),
    Measure(f64),
    Stop(bool),
    Reset,
    Reach(usize, bool),
    Fail(usize),
    Shift(bool),
    Restart(bool, bool),
    Prompt(bool),
    Answer,
    Hold(usize, bool),
    Unhold(usize),
    LockOut(usize),
    Unlock(usize),
}

const NAMES: [&str; 6] = ["compressor", "exhaust", "heater", "kettle", "valve", "vent"];
const LIMIT: f64 = 10.0;

fn id(which: usize) -> DeviceId {
    DeviceId::new(NAMES[which]).unwrap()
}

/// A valve that never runs with exhaust or vent, where the vent runs when in doubt; a compressor,
/// a heater and a kettle of which the circuit bears two.
fn devices() -> Vec<DeviceSpec> {
    let on_mains = |name: &str, role: &str, watts: f64| {
        let mut spec = device(name, role);
        spec.circuit = Some("mains".into());
        spec.watts = Some(watts);
        spec
    };
    let mut compressor = on_mains("compressor", "dehumidifier", 900.0);
    compressor.starts_per_hour = Some(3);
    compressor.min_off = Span::seconds(60);
    let mut heater = on_mains("heater", "heater", 1000.0);
    heater.max_on = Some(Span::minutes(5));
    let mut vent = on_mains("vent", "circulation", 500.0);
    vent.min_on = Span::seconds(20);
    let mut valve = device("valve", "co2");
    valve.needs_light = true;
    valve.never_with = vec![id(1), id(5)];
    let mut exhaust = exhaust();
    exhaust.zone = valve.zone.clone();
    vec![
        compressor,
        exhaust,
        heater,
        on_mains("kettle", "other", 1100.0),
        valve,
        vent,
    ]
}

fn circuits() -> BTreeMap<growbox_model::Text, CircuitSpec> {
    let mains = CircuitSpec {
        id: "mains".into(),
        max_amperes: LIMIT,
        volts: 230.0,
    };
    [(mains.id.clone(), mains)].into_iter().collect()
}

/// Where the rule wants whom, by their place among the names.
const RULED: [(usize, f64); 4] = [(1, 1.0), (2, 0.0), (3, 0.0), (4, 0.0)];

/// Too hot: what heats goes off, and the valve, and the exhaust on, until it is over.
fn rule() -> SafetySpec {
    SafetySpec {
        id: "hot".into(),
        zone: zone(),
        when: Danger::Above {
            quantity: Quantity::new("temperature").unwrap(),
            limit: 40.0,
            clear: 37.0,
        },
        dwell: Span::seconds(20),
        latch: false,
        devices: RULED.map(|(which, level)| (id(which), level)).into(),
        message: "too hot".into(),
        shipped: false,
    }
}

fn step() -> impl Strategy<Value = Step> {
    let which = || 0..NAMES.len();
    prop_oneof![
        10 => (any::<bool>(), which(), any::<bool>(), 1..900u64)
            .prop_map(|(person, what, on, lease)| Step::Ask(person, what, on, lease)),
        8 => (0..400u64).prop_map(Step::Wait),
        1 => any::<bool>().prop_map(Step::Fresh),
        2 => prop_oneof![4 => Just(Some(true)), 1 => Just(Some(false)), 1 => Just(None)].prop_map(Step::Day),
        2 => prop_oneof![Just(24.0), Just(38.0), Just(45.0)].prop_map(Step::Measure),
        1 => any::<bool>().prop_map(Step::Stop),
        2 => Just(Step::Reset),
        2 => (which(), any::<bool>()).prop_map(|(what, yes)| Step::Reach(what, yes)),
        1 => which().prop_map(Step::Fail),
        1 => any::<bool>().prop_map(Step::Shift),
        1 => (any::<bool>(), any::<bool>()).prop_map(|(clean, boot)| Step::Restart(clean, boot)),
        2 => prop_oneof![1 => Just(false), 2 => Just(true)].prop_map(Step::Prompt),
        4 => Just(Step::Answer),
        1 => (which(), any::<bool>()).prop_map(|(what, on)| Step::Hold(what, on)),
        2 => which().prop_map(Step::Unhold),
        1 => which().prop_map(Step::LockOut),
        2 => which().prop_map(Step::Unlock),
    ]
}

/// An output as it really is, with its own timer.
#[derive(Debug, Clone, Default)]
struct Output {
    level: f64,
    ends: Option<Moment>,
    reachable: bool,
    /// When it was last lost sight of: what ran then is judged from its return.
    doubt: Option<Moment>,
    /// Since when it is on or off.
    since: Option<Moment>,
    starts: Vec<Moment>,
}

/// A room outside the gate: it does as ordered, and its timers run.
struct Outside {
    bench: Bench,
    outputs: BTreeMap<DeviceId, Output>,
    specs: BTreeMap<DeviceId, DeviceSpec>,
    /// What its driver has done and not confirmed yet.
    on_the_way: Vec<DriveOrder>,
    /// Whether drivers answer at once.
    prompt: bool,
    stopped: bool,
    holds: BTreeMap<DeviceId, Hold>,
    locked: BTreeMap<DeviceId, LockOut>,
    /// The rule's trip, as the log would keep it.
    trips: Vec<Trip>,
    /// Fans that a stop or the rule brought up beside the valve while that could not be reached.
    beside_lost: BTreeSet<usize>,
    begun: Moment,
    switches: BTreeMap<DeviceId, Switch>,
    starts: Vec<(DeviceId, Moment)>,
}

impl Outside {
    fn new() -> Self {
        let specs: BTreeMap<_, _> = devices().into_iter().map(|s| (s.id.clone(), s)).collect();
        let restored = Restored::default();
        let mut bench = Bench::restored(devices(), &restored, Operation::Control);
        bench.confirms = false;
        bench.world.day = Some(true);
        bench.gate.circuits(&circuits());
        bench.gate.safety(&[rule()], &restored);
        let reachable = Output {
            reachable: true,
            ..Output::default()
        };
        Self {
            begun: bench.now.moment,
            bench,
            outputs: specs
                .keys()
                .map(|id| (id.clone(), reachable.clone()))
                .collect(),
            specs,
            on_the_way: Vec::new(),
            prompt: true,
            stopped: false,
            holds: BTreeMap::new(),
            locked: BTreeMap::new(),
            trips: Vec::new(),
            beside_lost: BTreeSet::new(),
            switches: BTreeMap::new(),
            starts: Vec::new(),
        }
    }

    fn take(&mut self, step: &Step) {
        match step {
            Step::Ask(by_person, what, on, lease) => self.ask(*by_person, *what, *on, *lease),
            Step::Wait(seconds) => return self.wait(Span::seconds(*seconds)),
            Step::Fresh(true) => self.bench.world.stale.clear(),
            Step::Fresh(false) => {
                let stale = ["temperature", "humidity", "co2"].map(|q| Quantity::new(q).unwrap());
                self.bench.world.stale.extend(stale);
            }
            Step::Day(day) => self.bench.world.day = *day,
            Step::Measure(celsius) => self.measure(*celsius),
            Step::Stop(all) => {
                let zone = (!all).then(zone);
                let gate = &mut self.bench.gate;
                gate.stop(zone.as_ref(), &"smoke".into(), &plugin("vpd"));
                self.stopped = true;
            }
            Step::Reset => {
                drop(self.bench.gate.reset(None));
                self.stopped = false;
            }
            Step::Reach(what, yes) => self.reach(&id(*what), *yes),
            Step::Fail(what) => {
                self.doubt(&id(*what));
                self.report(&DriverReport::Failed(id(*what), "no".into()));
            }
            Step::Shift(ahead) => {
                let wall = &mut self.bench.now.wall;
                let day = Span::hours(24).0;
                wall.0 = if *ahead {
                    wall.0 + day
                } else {
                    wall.0.saturating_sub(day)
                };
            }
            Step::Restart(clean, same_boot) => self.restart(*clean, *same_boot),
            Step::Prompt(yes) => self.prompt = *yes,
            Step::Answer => self.answer(),
            Step::Hold(what, on) => {
                let (gate, who, now) = (&mut self.bench.gate, "anna".into(), self.bench.now);
                let level = f64::from(u8::from(*on));
                drop(gate.hold(&id(*what), Some(level), None, &who, &who, now));
            }
            Step::Unhold(what) => drop(self.bench.gate.release(&id(*what))),
            Step::LockOut(what) => {
                let (gate, who, now) = (&mut self.bench.gate, "bob".into(), self.bench.now);
                drop(gate.lock_out(&id(*what), &who, &who, now));
            }
            Step::Unlock(what) => drop(self.bench.gate.unlock(&id(*what))),
        }
        self.settle();
    }

    fn measure(&mut self, celsius: f64) {
        let (bench, temperature) = (&mut self.bench, Quantity::new("temperature").unwrap());
        bench.world.measures.insert("temperature", celsius);
        let Bench {
            gate, world, now, ..
        } = bench;
        gate.see(&zone(), &temperature, Seq(1), world, *now);
    }

    /// Whether the rule has taken this device.
    fn ruled(&self, device: &DeviceId) -> bool {
        let wanted = RULED.iter().any(|(which, _)| id(*which) == *device);
        wanted && !self.trips.is_empty()
    }

    /// Exactly one verdict, or an equal renewal and none.
    fn ask(&mut self, by_person: bool, what: usize, on: bool, lease: u64) {
        let requester: Requester = if by_person {
            person("anna")
        } else {
            plugin("vpd")
        };
        let level = Command::Level(f64::from(u8::from(on)));
        let lease = Some(Span::seconds(lease));
        let verdict = self
            .bench
            .ask_only(&requester, NAMES[what], level.clone(), lease);
        if verdict.is_some_and(|verdict| verdict.until.is_some()) {
            let again = self.bench.ask_only(&requester, NAMES[what], level, lease);
            assert_eq!(again, None, "an equal renewal is no request");
        }
    }

    fn report(&mut self, report: &DriverReport) {
        self.bench.gate.report(report, self.bench.now);
    }

    fn doubt(&mut self, device: &DeviceId) {
        if let Some(output) = self.outputs.get_mut(device) {
            output.doubt = Some(self.bench.now.moment);
        }
    }

    /// What was done when the line broke is never confirmed.
    fn reach(&mut self, device: &DeviceId, yes: bool) {
        self.on_the_way.retain(|order| order.device != *device);
        self.doubt(device);
        if let Some(output) = self.outputs.get_mut(device) {
            output.reachable = yes;
        }
        self.report(&DriverReport::Available(device.clone(), yes));
    }

    /// Late confirmations are followed by the truth.
    fn answer(&mut self) {
        for order in std::mem::take(&mut self.on_the_way) {
            let level = self.outputs[&order.device].level;
            let confirmed = DriverReport::Confirmed(order.device.clone(), order.level);
            self.report(&confirmed);
            if level != order.level {
                self.report(&DriverReport::Moved(order.device, level));
            }
        }
    }

    /// Whether there was anything to answer.
    fn answers(&mut self) -> bool {
        let any = !self.on_the_way.is_empty();
        self.answer();
        any
    }

    fn act(&mut self, order: &DriveOrder) {
        let now = self.bench.now.moment;
        let rises = order.level > self.outputs[&order.device].level;
        let locked = self.locked.contains_key(&order.device);
        assert!(!locked || !rises, "{order:?} is locked out");
        self.switch(&order.device, order.level, false);
        if let Some(output) = self.outputs.get_mut(&order.device) {
            output.ends = order.within.map(|within| now + within);
        }
    }

    /// The one place where an output changes: everything is checked here.
    fn switch(&mut self, device: &DeviceId, level: f64, by_timer: bool) {
        let now = self.bench.now.moment;
        let spec = &self.specs[device];
        let ruled = self.ruled(device);
        let Some(output) = self.outputs.get_mut(device) else {
            return;
        };
        let lasted = output.since.map(|since| now.since(since));
        let before = std::mem::replace(&mut output.level, level);
        output.ends = output.ends.filter(|_| !by_timer);
        if (before > 0.0) == (level > 0.0) {
            return self.check_together(device);
        }
        let since = output.since.replace(now);
        if level > 0.0 {
            assert!(
                lasted.is_none_or(|rested| rested >= spec.min_off),
                "{device} rested {lasted:?}"
            );
            output.starts.push(now);
            let hour = |at: &&Moment| **at + Span::hours(1) > now;
            let starts = output.starts.iter().filter(hour).count();
            assert!(
                spec.starts_per_hour
                    .is_none_or(|most| starts <= most as usize),
                "{device}"
            );
        } else {
            let doubtful = output.doubt >= since && output.doubt.is_some();
            let broken =
                self.stopped || ruled || doubtful || since.is_none_or(|since| since <= self.begun);
            assert!(
                broken || lasted.is_none_or(|ran| ran >= spec.min_on),
                "{device} ran {lasted:?}"
            );
            self.check_run(device, lasted);
        }
        self.check_together(device);
    }

    /// The longest run: nothing here makes a device run that has one, but for safety.
    fn check_run(&self, device: &DeviceId, lasted: Option<Span>) {
        let longest = self.specs[device].max_on;
        assert!(
            longest.is_none_or(|most| lasted.is_none_or(|ran| ran <= most)),
            "{device} ran {lasted:?}"
        );
    }

    /// The same of those that still run.
    fn check_runs(&self) {
        for (device, output) in &self.outputs {
            let since = output.since.filter(|_| output.level > 0.0);
            self.check_run(
                device,
                since.map(|since| self.bench.now.moment.since(since)),
            );
        }
    }

    /// Currents, and those that never run together: only a stop and the rule go before that, where the
    /// other could not be reached; together they stay until it can be.
    fn check_together(&mut self, device: &DeviceId) {
        let draw = |(id, output): (&DeviceId, &Output)| {
            let spec = &self.specs[id];
            let on_it = spec.circuit.is_some();
            f64::from(u8::from(on_it)) * spec.watts.unwrap_or(0.0) * output.level / 230.0
        };
        let amperes: f64 = self.outputs.iter().map(draw).sum();
        assert!(amperes <= LIMIT + 1e-6, "{amperes} A after {device}");
        let runs =
            |which: usize| self.outputs[&id(which)].level > self.specs[&id(which)].idle_level();
        for fan in [1, 5] {
            let apart = !runs(4) || !runs(fan);
            let displaced =
                self.stopped || self.ruled(&id(fan)) || self.begun == self.bench.now.moment;
            let lost = !self.outputs[&id(4)].reachable;
            let excused = lost && (displaced || self.beside_lost.contains(&fan));
            assert!(apart || excused, "valve with {} after {device}", NAMES[fan]);
            if apart {
                self.beside_lost.remove(&fan);
            } else {
                self.beside_lost.insert(fan);
            }
        }
    }

    fn restart(&mut self, clean: bool, same_boot: bool) {
        self.begun = self.bench.now.moment;
        if clean {
            let settled = self.bench.gate.end(&self.bench.world, self.bench.now);
            self.note(&settled);
            // The mark of a clean end waits for every driver.
            self.answer();
            let settled = settle(&mut self.bench.gate, &self.bench.world, self.bench.now);
            self.note(&settled);
        }
        self.on_the_way.clear();
        self.bench
            .advance_to(self.bench.now.moment + Span::seconds(1));
        self.begun = self.bench.now.moment;
        self.stopped = false;
        let restored = Restored {
            clean,
            same_boot,
            holds: self.holds.clone().into_iter().collect(),
            lock_outs: self.locked.clone().into_iter().collect(),
            switches: self.switches.values().cloned().collect(),
            trips: self.trips.clone(),
            starts: self.starts.clone(),
            ..Restored::default()
        };
        let world = self.bench.world.clone();
        let now = self.bench.now;
        self.bench.gate = crate::Gate::new(devices(), &restored, now);
        self.bench.gate.circuits(&circuits());
        self.bench.gate.safety(&[rule()], &restored);
        self.bench.world = world;
        let lost: Vec<DeviceId> = self
            .outputs
            .iter()
            .filter(|(_, output)| !output.reachable)
            .map(|(id, _)| id.clone())
            .collect();
        for device in lost {
            self.report(&DriverReport::Available(device, false));
        }
    }

    fn note(&mut self, settled: &Settlement) -> Option<Moment> {
        for record in &settled.records {
            match record {
                Record::Switched(switch) => {
                    self.switches.insert(switch.device.clone(), switch.clone());
                }
                Record::Tripped(_, _, trip) => self.trips = trip.clone().into_iter().collect(),
                Record::Started(device, at) => self.starts.push((device.clone(), *at)),
                Record::Hold(device, hold) => {
                    self.holds.remove(device);
                    self.holds
                        .extend(hold.clone().map(|hold| (device.clone(), hold)));
                }
                Record::LockedOut(device, lock) => {
                    self.locked.remove(device);
                    self.locked
                        .extend(lock.clone().map(|lock| (device.clone(), lock)));
                }
                _ => {}
            }
        }
        // A driver has one slot for each output: the newest order wins.
        for order in &settled.orders {
            self.on_the_way.retain(|known| known.device != order.device);
            self.act(order);
            self.on_the_way.push(order.clone());
        }
        settled.next
    }

    /// Settles, and lets the outside answer, until there is nothing to answer.
    fn settle(&mut self) -> Option<Moment> {
        self.ring();
        loop {
            let settled = settle(&mut self.bench.gate, &self.bench.world, self.bench.now);
            let next = self.note(&settled);
            if settled.orders.is_empty() && !(self.prompt && self.answers()) {
                self.check_runs();
                let ends = self.outputs.values().filter_map(|output| output.ends);
                return next.into_iter().chain(ends).min();
            }
        }
    }

    /// Lets the timers of outputs end that are over; who can be reached says so.
    fn ring(&mut self) {
        let now = self.bench.now.moment;
        let over = |output: &Output| output.ends.is_some_and(|ends| ends <= now);
        let over: Vec<DeviceId> = self
            .outputs
            .iter()
            .filter(|(_, output)| over(output))
            .map(|(id, _)| id.clone())
            .collect();
        for device in over {
            self.switch(&device, 0.0, true);
            if self.outputs[&device].reachable
                && !self.on_the_way.iter().any(|o| o.device == device)
            {
                self.report(&DriverReport::Moved(device, 0.0));
            }
        }
    }

    fn wait(&mut self, span: Span) {
        let end = self.bench.now.moment + span;
        while let Some(next) = self.settle().filter(|next| *next < end) {
            self.bench
                .advance_to(next.max(self.bench.now.moment + Span(1)));
        }
        self.bench.advance_to(end);
        self.settle();
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn the_outside_sees_every_promise_kept(
        steps in proptest::collection::vec(step(), 1..60),
    ) {
        let mut outside = Outside::new();
        for step in &steps {
            outside.take(step);
        }
        outside.take(&Step::Wait(7_200));
    }
}
