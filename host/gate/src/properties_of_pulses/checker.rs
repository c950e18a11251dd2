//! Judges pulses from outside: it sees what was asked and said, what went out, and where the outputs are.

use std::collections::{BTreeMap, BTreeSet};

use growbox_model::ports::DriveOrder;
use growbox_model::{
    DeviceId, DeviceSpec, Moment, Now, Operation, Outcome, Record, Seq, Span, Verdict, VerdictKind,
};

use crate::settle::{Consequence, Settlement};

/// A request waits for so long at most: by so much two doses may come closer than their requests.
const YOUNG: Span = Span::seconds(60);
const DAY: Span = Span::hours(24);

/// A pulse that was let in.
#[derive(Debug, Clone)]
struct Granted {
    device: DeviceId,
    length: Span,
    at: Moment,
    observed: bool,
    ordered: Option<Moment>,
    outcome: Option<Outcome>,
}

/// Where an output really is: it does what it is told, and its own timer puts it off.
#[derive(Debug, Clone, Default)]
pub(super) struct Output {
    pub(super) on: bool,
    pub(super) timer: Option<Moment>,
    since: Moment,
    /// It switched and nobody could tell the gate: then only pulses are judged by when it did.
    unseen: bool,
}

impl Output {
    fn switch(&mut self, on: bool, now: Moment) {
        if self.on != on {
            (self.on, self.since) = (on, now);
        }
        self.timer = None;
    }
}

/// What was seen so far, over all ends of the process.
#[derive(Debug, Default)]
pub(super) struct Checker {
    specs: BTreeMap<DeviceId, DeviceSpec>,
    pub(super) outputs: BTreeMap<DeviceId, Output>,
    /// Of this process, by request.
    granted: BTreeMap<Seq, Granted>,
    /// Doses that count: when each was let in, over all processes.
    given: Vec<(DeviceId, Moment)>,
    /// When each pulse went out, over all processes.
    pulsed: Vec<(DeviceId, Moment)>,
    /// Whom a safety rule has taken.
    pub(super) bound: BTreeSet<DeviceId>,
    /// How many pulses ran their length.
    pub(super) executed: usize,
}

impl Checker {
    pub(super) fn new(specs: &[DeviceSpec]) -> Self {
        Self {
            specs: specs.iter().map(|s| (s.id.clone(), s.clone())).collect(),
            outputs: specs
                .iter()
                .map(|s| (s.id.clone(), Output::default()))
                .collect(),
            ..Self::default()
        }
    }

    /// A pulse was asked for; this verdict and these records came back.
    pub(super) fn asked(
        &mut self,
        seq: Seq,
        device: &DeviceId,
        length: Span,
        operation: Operation,
        (verdict, records): (&Verdict, &[Record]),
        now: Now,
    ) {
        let let_in = !matches!(verdict.kind, VerdictKind::Denied | VerdictKind::Expired);
        let opened = records
            .iter()
            .filter(|r| **r == Record::Opened(seq, device.clone()));
        assert_eq!(opened.count(), usize::from(let_in), "{verdict:?}");
        let dosed = records.iter().filter_map(|record| match record {
            Record::Dosed(dose) => Some(&dose.device),
            _ => None,
        });
        let counts = let_in && operation != Operation::Observe;
        assert!(dosed.eq(counts.then_some(device)), "{verdict:?}");
        if !let_in {
            return;
        }
        let longest = self.specs[device].max_on;
        let granted = Granted {
            device: device.clone(),
            length: longest.map_or(length, |longest| longest.min(length)),
            at: now.moment,
            observed: !counts,
            ordered: None,
            outcome: None,
        };
        let open = |g: &&Granted| g.device == *device && g.outcome.is_none();
        assert_eq!(self.granted.values().find(open).map(|g| g.at), None, "two");
        assert!(self.granted.insert(seq, granted).is_none());
        if counts {
            self.given.push((device.clone(), now.moment));
            self.bounded(&self.given, device, DAY);
        }
    }

    fn bounded(&self, doses: &[(DeviceId, Moment)], device: &DeviceId, day: Span) {
        let newest = doses.last().map_or(Moment(0), |(_, at)| *at);
        let counted = doses
            .iter()
            .filter(|(of, at)| of == device && newest.since(*at) < day)
            .count();
        let limit = self.specs[device].doses_per_day;
        assert!(
            limit.is_none_or(|limit| counted <= limit as usize),
            "{counted} doses of {device} in a day: {doses:?}"
        );
    }

    /// The gate settled; `durable` is the newest request on disk.
    pub(super) fn settled(&mut self, said: &Settlement, at: Operation, durable: Seq, now: Now) {
        for told in &said.outcomes {
            self.told(told);
        }
        for order in &said.orders {
            if order.pulse {
                assert_ne!(at, Operation::Observe, "observed, and pulsed");
                self.pulse(order, durable, now.moment);
            } else if order.level > 0.0 {
                self.level(order, now.moment);
            }
            let output = self.outputs.get_mut(&order.device).unwrap();
            output.switch(order.level > 0.0, now.moment);
            output.timer = order.within.map(|within| now.moment + within);
            output.unseen &= order.level > 0.0;
        }
        let runs = |g: &&Granted| self.bound.contains(&g.device) && g.ordered.is_some();
        for granted in self.granted.values().filter(runs) {
            assert!(granted.outcome.is_some(), "under a trip: {granted:?}");
        }
    }

    fn told(&mut self, told: &Consequence) {
        let Some(granted) = self.granted.get_mut(&told.seq) else {
            return;
        };
        assert_eq!(granted.outcome, None, "told twice: {told:?}");
        granted.outcome = Some(told.outcome);
        let began = granted.ordered.is_some() || granted.observed;
        assert!(began || told.ran.is_none(), "it never ran: {told:?}");
        let ran = granted.ordered.is_none() || told.ran.is_some();
        assert!(ran, "it says not how long it ran: {told:?}");
        if told.outcome == Outcome::Executed {
            let ran = told.ran.expect("a length");
            let enough = granted.length.0.saturating_sub(Span::seconds(1).0) * 10 / 11;
            assert!(
                granted.ordered.is_some() && ran.0 + Span::millis(50).0 >= enough,
                "{told:?}"
            );
            self.executed += 1;
        }
    }

    fn pulse(&mut self, order: &DriveOrder, durable: Seq, now: Moment) {
        let spec = &self.specs[&order.device];
        let output = &self.outputs[&order.device];
        assert!(!self.bound.contains(&order.device), "{order:?}: a trip");
        assert!(!output.on, "a pulse begins where it is off");
        assert!(now.since(output.since) >= spec.min_off, "it has to rest");
        let open = |g: &Granted| g.device == order.device && g.outcome.is_none() && !g.observed;
        let (seq, granted) = self
            .granted
            .iter_mut()
            .find(|(_, granted)| open(granted))
            .expect("nobody asked for this pulse");
        assert!(*seq <= durable, "{seq} is not on disk");
        assert_eq!(granted.ordered, None, "{seq} a second time");
        assert!(now.since(granted.at) <= YOUNG, "{seq} fires late");
        assert_eq!((order.level, order.within), (1.0, Some(granted.length)));
        assert!(granted.length >= spec.min_on);
        assert!(spec.max_on.is_none_or(|longest| granted.length <= longest));
        granted.ordered = Some(now);
        let device = order.device.clone();
        self.pulsed.push((device.clone(), now));
        self.bounded(&self.pulsed, &device, Span(DAY.0 - YOUNG.0));
    }

    /// A level that is on ends by itself, within the longest run of what runs already.
    fn level(&self, order: &DriveOrder, now: Moment) {
        let spec = &self.specs[&order.device];
        let output = &self.outputs[&order.device];
        let within = order.within.expect("an 'on' ends by itself");
        let since = if output.on && !output.unseen {
            output.since
        } else {
            now
        };
        let longest = spec.max_on.filter(|_| !self.bound.contains(&order.device));
        let longest = longest.map(|longest| since + longest);
        assert!(
            longest.is_none_or(|longest| now + within <= longest),
            "{order:?}"
        );
        let rested = now.since(output.since) >= spec.min_off;
        assert!(output.on || output.unseen || rested, "{order:?}");
    }

    /// The timers of outputs that have run out; whether anybody is told is the caller's.
    pub(super) fn run_out(&mut self, now: Moment) -> Vec<DeviceId> {
        let mut over = Vec::new();
        for (id, output) in &mut self.outputs {
            if output.timer.is_some_and(|end| end <= now) {
                over.extend(output.on.then(|| id.clone()));
                output.switch(false, now);
            }
        }
        over
    }

    /// The host was away: timers went on, and room time may not have.
    pub(super) fn away(&mut self, returned: Moment, now: Moment) {
        self.run_out(returned);
        for output in self.outputs.values_mut() {
            output.since = output.since.min(now);
            let left = output.timer.map(|end| end.since(returned));
            output.timer = left.map(|left| now + left);
        }
    }

    /// An output switched, or may have, and the gate was not told.
    pub(super) fn unseen(&mut self, device: &DeviceId) {
        self.outputs.get_mut(device).unwrap().unseen = true;
    }

    /// A hand moved it, and its driver says so.
    pub(super) fn moved(&mut self, device: &DeviceId, on: bool, now: Moment) {
        self.outputs.get_mut(device).unwrap().switch(on, now);
    }

    /// The process ended. What was not on disk never was: it may not have run, and counts nowhere.
    /// Of the others, those that the log saw no end of have one now.
    pub(super) fn restarted(&mut self, durable: Seq, log: &[Record], told: &[Consequence]) {
        for (seq, granted) in std::mem::take(&mut self.granted) {
            if seq > durable {
                assert_eq!(granted.ordered, None, "{seq} ran and is forgotten");
                let lost = (granted.device, granted.at);
                self.given.retain(|dose| *dose != lost);
                continue;
            }
            let failed = told.iter().filter(|told| told.seq == seq).count();
            let ended = log.contains(&Record::Closed(seq));
            assert_eq!(failed, usize::from(!ended), "{seq}: {granted:?}");
            assert!(!ended || granted.outcome.is_some(), "{seq}: {granted:?}");
        }
        for output in self.outputs.values_mut() {
            output.unseen = true;
        }
    }

    /// Everything has ended: each pulse has its outcome, and everything is off.
    pub(super) fn over(&self) {
        for (seq, granted) in &self.granted {
            assert!(granted.outcome.is_some(), "{seq} has no end: {granted:?}");
        }
        for (id, output) in &self.outputs {
            assert!(!output.on, "{id} is on");
        }
    }
}
