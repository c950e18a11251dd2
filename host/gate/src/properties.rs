//! What holds for every sequence of requests, time, stale sensors, stops, holds and reports.

use std::collections::BTreeMap;

use growbox_model::commit::Restored;
use growbox_model::ports::{DriveOrder, DriverReport};
use growbox_model::{
    Command, Danger, DeviceId, DeviceSpec, Feedback, Moment, Operation, Quantity, Requester,
    SafetySpec, SensorId, Span,
};
use proptest::prelude::*;

use crate::Settlement;
use crate::bench::{Bench, device, exhaust, heater, person, plugin, zone};

/// One thing that happens.
#[derive(Debug, Clone)]
enum Step {
    Ask(usize, usize, f64, Option<u64>),
    Release(usize, usize),
    Wait(u64),
    Fresh(bool),
    Stop(bool),
    Reset,
    Hold(usize, f64, Option<u64>),
    Unhold(usize),
    Operate(Operation),
    Confirm,
    Fail(usize),
    Reach(usize, bool),
    Move(usize, f64),
    Witness(usize, Option<bool>),
    LockOut(usize),
    Unlock(usize),
    Measure(f64),
}

const NAMES: [&str; 4] = ["dehumidifier", "exhaust", "fan", "heater"];

/// Switched and not, safe off and safe on, with and without needs and a longest run.
fn devices() -> Vec<DeviceSpec> {
    let mut heater = heater();
    heater.start_level = 1.0;
    heater.max_on = Some(Span::minutes(5));
    let mut fan = device("fan", "circulation");
    fan.max_on = Some(Span::minutes(3));
    fan.min_off = Span::ZERO;
    let mut exhaust = exhaust();
    exhaust.never_off = false;
    exhaust.deadband = 0.03;
    exhaust.slew = Some(growbox_model::protection::Slew {
        step: 0.05,
        every: Span::seconds(10),
    });
    for spec in [&mut heater, &mut fan] {
        spec.feedback = Some(Feedback {
            sensor: SensorId::new(&format!("meter-{}", spec.id)).unwrap(),
            quantity: Quantity::new("power").unwrap(),
            on_above: 5.0,
            within: Span::seconds(15),
        });
    }
    vec![heater, exhaust, device("dehumidifier", "dehumidifier"), fan]
}

/// Too hot: the heater goes off, the exhaust on, until it is over.
fn rule() -> SafetySpec {
    SafetySpec {
        id: "hot".into(),
        zone: zone(),
        when: Danger::Above {
            quantity: Quantity::new("temperature").unwrap(),
            limit: 40.0,
            clear: 37.0,
        },
        dwell: Span::seconds(30),
        latch: false,
        devices: [(id(3), 0.0), (id(1), 1.0)].into(),
        message: "too hot".into(),
        shipped: false,
    }
}

fn requesters() -> [Requester; 4] {
    [
        plugin("vpd"),
        plugin("low"),
        plugin("stray"),
        person("anna"),
    ]
}

fn level() -> impl Strategy<Value = f64> {
    prop_oneof![Just(0.0), Just(1.0), 0.0..=1.0f64, Just(f64::NAN)]
}

fn step() -> impl Strategy<Value = Step> {
    let which = || 0..NAMES.len();
    prop_oneof![
        8 => (0..4usize, which(), level(), proptest::option::of(0..900u64))
            .prop_map(|(who, what, level, lease)| Step::Ask(who, what, level, lease)),
        1 => (0..4usize, which()).prop_map(|(who, what)| Step::Release(who, what)),
        8 => (0..400u64).prop_map(Step::Wait),
        2 => any::<bool>().prop_map(Step::Fresh),
        1 => any::<bool>().prop_map(Step::Stop),
        1 => Just(Step::Reset),
        1 => (which(), level(), proptest::option::of(0..900u64)).prop_map(|(what, level, span)| Step::Hold(what, level, span)),
        1 => which().prop_map(Step::Unhold),
        1 => prop_oneof![Just(Operation::Control), Just(Operation::Paused), Just(Operation::Observe)].prop_map(Step::Operate),
        4 => Just(Step::Confirm),
        1 => which().prop_map(Step::Fail),
        1 => (which(), any::<bool>()).prop_map(|(what, yes)| Step::Reach(what, yes)),
        1 => (which(), level()).prop_map(|(what, level)| Step::Move(what, level)),
        2 => (which(), proptest::option::of(any::<bool>())).prop_map(|(what, on)| Step::Witness(what, on)),
        1 => which().prop_map(Step::LockOut),
        2 => which().prop_map(Step::Unlock),
        2 => prop_oneof![Just(24.0), Just(39.0), Just(43.0), Just(f64::NAN)].prop_map(Step::Measure),
    ]
}

fn id(which: usize) -> DeviceId {
    DeviceId::new(NAMES[which]).unwrap()
}

/// A bench whose outside is watched: what really was ordered, and when each output last went off.
struct Watched {
    bench: Bench,
    /// Where each output is, as the orders and the hands of others left it.
    at: BTreeMap<DeviceId, f64>,
    /// When each last crossed zero.
    switched: BTreeMap<DeviceId, Moment>,
    unconfirmed: Vec<DriveOrder>,
    confirms: bool,
    /// Whether only requests, time, holds and sensors happen: then minimum and maximum on hold too.
    quiet: bool,
    specs: BTreeMap<DeviceId, DeviceSpec>,
}

impl Watched {
    fn new(confirms: bool, operation: Operation, clean: bool) -> Self {
        let restored = Restored {
            clean,
            same_boot: true,
            ..Restored::default()
        };
        let mut bench = Bench::restored(devices(), &restored, operation);
        bench.confirms = false;
        bench.gate.safety(&[rule()], &Restored::default());
        Self {
            bench,
            at: BTreeMap::new(),
            switched: BTreeMap::new(),
            unconfirmed: Vec::new(),
            confirms,
            quiet: false,
            specs: devices().into_iter().map(|s| (s.id.clone(), s)).collect(),
        }
    }

    fn take(&mut self, step: &Step) {
        let now = self.bench.now;
        match step {
            Step::Ask(who, what, level, lease) => {
                self.ask(*who, *what, Command::Level(*level), *lease);
            }
            Step::Release(who, what) => self.ask(*who, *what, Command::Release, None),
            Step::Wait(seconds) => return self.wait(Span::seconds(*seconds)),
            Step::Fresh(true) => self.bench.world.stale.clear(),
            Step::Fresh(false) => {
                let stale = ["temperature", "humidity"].map(|q| Quantity::new(q).unwrap());
                self.bench.world.stale.extend(stale);
            }
            Step::Stop(all) => {
                let zone = zone();
                let which = if *all { None } else { Some(&zone) };
                self.bench.gate.stop(which, &"smoke".into(), &plugin("vpd"));
            }
            Step::Reset => drop(self.bench.gate.reset(None)),
            Step::Hold(what, level, span) => {
                let span = span.map(Span::seconds);
                let held = self.bench.gate.hold(
                    &id(*what),
                    Some(*level),
                    span,
                    &"anna".into(),
                    &"x".into(),
                    now,
                );
                drop(held);
            }
            Step::Unhold(what) => drop(self.bench.gate.release(&id(*what))),
            Step::Operate(operation) => self.bench.world.operation = *operation,
            Step::Confirm => self.confirm(),
            Step::Fail(what) => self.report(&DriverReport::Failed(id(*what), "no".into())),
            Step::Reach(what, yes) => self.report(&DriverReport::Available(id(*what), *yes)),
            Step::Move(what, level) => self.moved(*what, *level),
            Step::Witness(what, on) => {
                let sensor = SensorId::new(&format!("meter-{}", NAMES[*what])).unwrap();
                let power = Quantity::new("power").unwrap();
                let watts = on.map(|on| if on { 300.0 } else { 0.0 });
                self.bench.gate.witness(&sensor, &power, watts, now);
            }
            Step::LockOut(what) => {
                let locked = self
                    .bench
                    .gate
                    .lock_out(&id(*what), &"bob".into(), &"x".into(), now);
                drop(locked);
            }
            Step::Unlock(what) => drop(self.bench.gate.unlock(&id(*what))),
            Step::Measure(celsius) => {
                let measures = &mut self.bench.world.measures;
                if celsius.is_nan() {
                    measures.remove("temperature");
                } else {
                    measures.insert("temperature", *celsius);
                }
                let temperature = Quantity::new("temperature").unwrap();
                self.bench.gate.see(
                    &zone(),
                    &temperature,
                    growbox_model::Seq(1),
                    &self.bench.world,
                    now,
                );
            }
        }
        self.settle();
    }

    /// A request that is no equal renewal has exactly one verdict: `decide` returns it.
    fn ask(&mut self, who: usize, what: usize, command: Command, lease: Option<u64>) {
        let lease = lease.map(Span::seconds);
        let requester = requesters()[who].clone();
        let opened = |bench: &Bench| {
            bench
                .gate
                .pending
                .records
                .iter()
                .filter(|r| matches!(r, growbox_model::Record::Opened(..)))
                .count()
        };
        let before = opened(&self.bench);
        let level = matches!(command, Command::Level(_));
        let verdict = self.bench.ask_only(&requester, NAMES[what], command, lease);
        use growbox_model::VerdictKind::{Denied, Expired};
        let recorded = verdict.is_some_and(|v| level && !matches!(v.kind, Denied | Expired));
        assert_eq!(
            opened(&self.bench) - before,
            usize::from(recorded),
            "a claim for each request let in"
        );
    }

    fn report(&mut self, report: &DriverReport) {
        self.bench.gate.report(report, self.bench.now);
    }

    /// Somebody's hand: only while no order is on its way, so that one truth exists.
    fn moved(&mut self, what: usize, level: f64) {
        let device = id(what);
        let level = if devices().iter().any(|s| s.id == device && s.switched) {
            level.round()
        } else {
            level
        };
        if !level.is_finite() || self.unconfirmed.iter().any(|o| o.device == device) {
            return;
        }
        self.note(&device, level);
        self.report(&DriverReport::Moved(device, level));
    }

    fn note(&mut self, device: &DeviceId, level: f64) {
        let old = self.at.insert(device.clone(), level);
        if old.is_none_or(|old| (old > 0.0) != (level > 0.0)) {
            self.switched.insert(device.clone(), self.bench.now.moment);
        }
    }

    fn confirm(&mut self) {
        for order in std::mem::take(&mut self.unconfirmed) {
            self.report(&DriverReport::Confirmed(order.device, order.level));
        }
    }

    fn wait(&mut self, span: Span) {
        let end = self.bench.now.moment + span;
        let mut steps = 0;
        while let Some(next) = self.settle().filter(|next| *next < end) {
            self.bench.advance_to(next);
            steps += 1;
            assert!(steps < 10_000, "a busy loop");
        }
        self.bench.advance_to(end);
        self.settle();
    }

    /// Settles, checks everything that must hold, and settles again: nothing may be left.
    fn settle(&mut self) -> Option<Moment> {
        loop {
            let known = self.bench.orders.len();
            self.bench.settle();
            self.check(known);
            if !self.confirms || self.unconfirmed.is_empty() {
                break;
            }
            self.confirm();
        }
        let mut again = self.bench.gate.settle(&self.bench.world, self.bench.now);
        let next = again.next.take();
        assert_eq!(again, Settlement::default(), "settled means settled");
        assert!(
            next.is_none_or(|next| next > self.bench.now.moment),
            "deadlines lie ahead"
        );
        next
    }

    /// What every order since `known` must be, and where it leaves its device.
    fn check(&mut self, known: usize) {
        let orders = self.bench.orders[known..].to_vec();
        for (_, order) in orders {
            let spec = self.specs[&order.device].clone();
            check_level(&order, &spec);
            self.check_protection(&order, &spec);
            self.check_binding(&order, &spec);
            self.note(&order.device, order.level);
            self.unconfirmed.push(order);
        }
        for (device, level) in self.at.iter().filter(|_| self.quiet) {
            let run = self.bench.now.moment.since(self.switched[device]);
            let longest = self.specs[device].max_on.filter(|_| *level > 0.0);
            assert!(
                longest.is_none_or(|longest| run < longest),
                "{device} ran {run}"
            );
        }
    }

    fn check_protection(&self, order: &DriveOrder, spec: &DeviceSpec) {
        let Some(old) = self.at.get(&order.device) else {
            return;
        };
        let lasted = self.bench.now.moment.since(self.switched[&order.device]);
        if *old == 0.0 && order.level > 0.0 {
            assert!(lasted >= spec.min_off, "{} rested {lasted}", spec.id);
        }
        if self.quiet && *old > 0.0 && order.level == 0.0 {
            assert!(lasted >= spec.min_on, "{} ran {lasted}", spec.id);
        }
    }
}

impl Watched {
    /// Who goes before whom: a lock-out, a rule that has tripped, a stop, a hold, a witness.
    fn check_binding(&self, order: &DriveOrder, spec: &DeviceSpec) {
        let Bench { gate, world, .. } = &self.bench;
        let device = &gate.devices[&spec.id];
        let off = self.at.get(&spec.id).is_none_or(|level| *level == 0.0);
        if gate.bonds.locked.contains_key(&spec.id) {
            assert!(!off || order.level == 0.0, "locked out: {order:?}");
            return;
        }
        let stopped = gate.bonds.stop_of(spec).is_some();
        // Whoever must rest, by its minimum off or its longest run, is off meanwhile.
        let expected = if world.operation == Operation::Observe {
            return;
        } else if let Some(bound) = &device.safety {
            vec![bound.level, 0.0]
        } else if stopped {
            vec![spec.safe_level, spec.emergency_level, 0.0]
        } else if device.held.is_none() && device.witness.given_up.is_some() {
            vec![spec.safe_level, 0.0]
        } else {
            return;
        };
        assert!(expected.contains(&order.level), "{expected:?}: {order:?}");
    }
}

fn check_level(order: &DriveOrder, spec: &DeviceSpec) {
    let on = order.level > 0.0;
    assert!((0.0..=1.0).contains(&order.level));
    assert!(!on || !spec.switched || order.level == 1.0);
    assert!(!on || spec.switched || (spec.low..=spec.high).contains(&order.level));
    let ends = order.within.is_some_and(|within| within > Span::ZERO);
    assert!(
        !on || spec.safe_level > 0.0 || ends,
        "an 'on' ends by itself"
    );
}

proptest! {
    #[test]
    fn whatever_happens(
        steps in proptest::collection::vec(step(), 1..60),
        confirms in any::<bool>(),
        clean in any::<bool>(),
    ) {
        let mut watched = Watched::new(confirms, Operation::Control, clean);
        for step in &steps {
            watched.take(step);
        }
    }

    #[test]
    fn minimum_and_maximum_on_hold_where_nothing_breaks(steps in proptest::collection::vec(step(), 1..60)) {
        let mut watched = Watched::new(true, Operation::Control, true);
        watched.quiet = true;
        let quiet = |step: &&Step| matches!(step, Step::Ask(..) | Step::Release(..) | Step::Wait(_) | Step::Fresh(_) | Step::Hold(..) | Step::Unhold(_));
        for step in steps.iter().filter(quiet) {
            watched.take(step);
        }
    }

    #[test]
    fn in_the_end_everything_is_safe(steps in proptest::collection::vec(step(), 1..40)) {
        let mut watched = Watched::new(true, Operation::Control, true);
        for step in &steps {
            watched.take(step);
        }
        for which in 0..NAMES.len() {
            watched.take(&Step::Reach(which, true));
            watched.take(&Step::Unlock(which));
            watched.take(&Step::Witness(which, None));
            watched.take(&Step::Unhold(which));
        }
        watched.take(&Step::Fresh(true));
        watched.take(&Step::Measure(24.0));
        watched.take(&Step::Reset);
        watched.take(&Step::Operate(Operation::Control));
        watched.wait(Span::hours(3));
        for spec in watched.specs.values().filter(|spec| spec.max_on.is_none() || spec.safe_level == 0.0) {
            let real = watched.bench.gate.devices[&spec.id].real;
            prop_assert_eq!((&spec.id, real.level), (&spec.id, Some(spec.safe_level)));
            prop_assert!(watched.bench.gate.devices[&spec.id].claims.is_empty());
        }
    }

    #[test]
    fn an_observed_zone_is_never_touched(steps in proptest::collection::vec(step(), 1..60)) {
        let mut watched = Watched::new(true, Operation::Observe, true);
        for step in steps.iter().filter(|step| !matches!(step, Step::Operate(_) | Step::LockOut(_))) {
            watched.take(step);
        }
        prop_assert_eq!(&watched.bench.orders, &[]);
    }

    #[test]
    fn the_same_steps_give_the_same_answers(steps in proptest::collection::vec(step(), 1..30)) {
        let run = || {
            let mut watched = Watched::new(true, Operation::Control, true);
            steps.iter().for_each(|step| watched.take(step));
            format!("{:?}", watched.bench.said)
        };
        prop_assert_eq!(run(), run());
    }
}
