//! A room to try the gate in: devices, requesters, a world that does as it is told, a manual clock.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use growbox_model::commit::Restored;
use growbox_model::ports::{DriveOrder, DriverReport, Written};
use growbox_model::{
    Command, DeviceId, DeviceSpec, Instant, Moment, Now, Operation, PluginId, Quantity, Request,
    Requester, Role, Seq, Span, Trouble, Verdict, ZoneId,
};

use crate::claim::Claim;
use crate::{Ask, Gate, Settlement, World};

pub(crate) fn plugin(id: &str) -> Requester {
    Requester::Plugin(PluginId::new(id).unwrap())
}

pub(crate) fn person(name: &str) -> Requester {
    Requester::Person(name.into())
}

pub(crate) fn zone() -> ZoneId {
    ZoneId::new("tent").unwrap()
}

pub(crate) fn device(id: &str, role: &str) -> DeviceSpec {
    let role = Role::new(role).unwrap();
    let mut spec = DeviceSpec::of_role(DeviceId::new(id).unwrap(), role, &format!("null:{id}"));
    spec.zone = Some(zone());
    // Comfort has scenes of its own.
    (spec.cool_down, spec.slew, spec.needs_light) = (Span::ZERO, None, false);
    spec.controllers = vec![PluginId::new("vpd").unwrap(), PluginId::new("low").unwrap()];
    spec
}

/// Switched, off is safe, 60 s on, 120 s off, 30 min at most, needs temperature.
pub(crate) fn heater() -> DeviceSpec {
    device("heater", "heater")
}

/// 20 to 100 %, never off, 20 % is safe.
pub(crate) fn exhaust() -> DeviceSpec {
    device("exhaust", "exhaust")
}

pub(crate) fn claim(requester: Requester, seq: u64, level: f64) -> Claim {
    Claim {
        requester,
        seq: Seq(seq),
        asked: level,
        level,
        lease: None,
        until: Moment(u64::MAX),
        cut: Moment(1),
        reason: "".into(),
        told: None,
        pulse: None,
    }
}

/// A world that does as it is told.
#[derive(Debug, Clone)]
pub(crate) struct Told {
    pub(crate) operation: Operation,
    pub(crate) stale: BTreeSet<Quantity>,
    /// What the zone measures.
    pub(crate) measures: BTreeMap<&'static str, f64>,
    /// Whether it is day.
    pub(crate) day: Option<bool>,
    /// What the clock on the wall says.
    pub(crate) second_of_day: Option<u32>,
    /// Whether what was said is on disk.
    pub(crate) durable: bool,
}

impl World for Told {
    fn operation(&self, _device: &DeviceSpec) -> Operation {
        self.operation
    }
    fn fresh(&self, _zone: Option<&ZoneId>, quantity: &Quantity) -> bool {
        !self.stale.contains(quantity)
    }
    fn measure(&self, _zone: &ZoneId, quantity: &str, _toward: crate::gate::Toward) -> Option<f64> {
        let fresh = !self.stale.iter().any(|stale| stale.as_str() == quantity);
        self.measures.get(quantity).filter(|_| fresh).copied()
    }
    fn trouble(&self, _zone: &ZoneId, quantity: &Quantity, of: &[Trouble]) -> Option<Trouble> {
        let stale = self.stale.contains(quantity);
        of.iter().copied().find(|of| stale && *of == Trouble::Stale)
    }
    fn day(&self, _zone: Option<&ZoneId>) -> Option<bool> {
        self.day
    }
    fn second_of_day(&self) -> Option<u32> {
        self.second_of_day
    }
    fn revision(&self) -> Option<u64> {
        let mut hasher = DefaultHasher::new();
        format!("{} {:?}", self.operation, self.stale).hash(&mut hasher);
        Some(hasher.finish())
    }
    fn durable(&self, _seq: Seq) -> bool {
        self.durable
    }
    fn written(&self) -> Written {
        Written {
            handed: 0,
            durable: u64::from(self.durable),
        }
    }
}

/// Settles whoever is roused, and sees that settling everybody would have come to the same.
pub(crate) fn settle(gate: &mut Gate, world: &impl World, now: Now) -> Settlement {
    let mut whole = gate.clone();
    whole.all_roused = true;
    let all = whole.settle(world, now);
    let roused = gate.settle(world, now);
    let never = Moment(u64::MAX);
    let [early, late] = [&roused, &all].map(|settled| settled.next.unwrap_or(never));
    assert!(
        early <= late,
        "looks again at {early:?}, needed at {late:?}"
    );
    let next = roused.next;
    assert_eq!(roused, Settlement { next, ..all });
    for (roused, all) in gate.rows(now).into_iter().zip(whole.rows(now)) {
        assert_eq!(roused, all);
    }
    roused
}

/// A gate with a world, a clock and a driver that confirms, unless told otherwise.
#[derive(Debug, Clone)]
pub(crate) struct Bench {
    pub(crate) gate: Gate,
    pub(crate) world: Told,
    pub(crate) now: Now,
    /// Whether orders are confirmed at once.
    pub(crate) confirms: bool,
    /// Whether it settles at every deadline on the way when time passes.
    seq: u64,
    /// How often whoever asks is woken.
    pub(crate) tick: Option<Span>,
    /// Everything that was ordered, with its moment.
    pub(crate) orders: Vec<(Moment, DriveOrder)>,
    /// Everything that was settled since it was last looked at.
    pub(crate) said: Settlement,
}

impl Bench {
    /// Devices that were never seen before, in a zone under control with fresh readings.
    pub(crate) fn of(devices: Vec<DeviceSpec>) -> Self {
        Self::restored(
            devices,
            &Restored {
                clean: true,
                same_boot: true,
                ..Restored::default()
            },
            Operation::Control,
        )
    }

    pub(crate) fn restored(
        devices: Vec<DeviceSpec>,
        restored: &Restored,
        operation: Operation,
    ) -> Self {
        let now = Now {
            moment: Moment(Span::hours(10).0),
            wall: Instant::parse("2026-01-15T10:00:00Z").unwrap(),
            wall_trusted: true,
        };
        Self {
            gate: Gate::new(devices, restored, now),
            world: Told {
                operation,
                stale: BTreeSet::new(),
                measures: [("temperature", 24.0)].into(),
                day: None,
                second_of_day: None,
                durable: true,
            },
            now,
            confirms: true,
            seq: 100,
            tick: None,
            orders: Vec::new(),
            said: Settlement::default(),
        }
    }

    /// Settled, and long enough ago that protection lets everything move.
    pub(crate) fn rested(devices: Vec<DeviceSpec>) -> Self {
        let mut bench = Self::of(devices);
        bench.settle();
        bench.pass(Span::hours(1));
        bench.forget();
        bench
    }

    pub(crate) fn forget(&mut self) {
        self.said = Settlement::default();
        self.orders.clear();
    }

    /// Settles, lets the driver answer, and settles again, until there is nothing to answer.
    pub(crate) fn settle(&mut self) -> Option<Moment> {
        loop {
            let settled = settle(&mut self.gate, &self.world, self.now);
            let orders = settled.orders.clone();
            let next = self.note(settled);
            if !self.confirms || orders.is_empty() {
                return next;
            }
            for order in orders {
                let report = DriverReport::Confirmed(order.device, order.level);
                self.gate.report(&report, self.now);
            }
        }
    }

    pub(crate) fn note(&mut self, settled: Settlement) -> Option<Moment> {
        let at = self.now.moment;
        self.orders
            .extend(settled.orders.iter().map(|order| (at, order.clone())));
        self.said.orders.extend(settled.orders);
        self.said.changes.extend(settled.changes);
        self.said.outcomes.extend(settled.outcomes);
        self.said.records.extend(settled.records);
        self.said.turns.extend(settled.turns);
        self.said.testimonies.extend(settled.testimonies);
        settled.next
    }

    /// Lets time pass, settling at every deadline on the way, and at the end.
    pub(crate) fn pass(&mut self, span: Span) {
        let end = self.now.moment + span;
        while let Some(next) = self.settle().filter(|next| *next < end) {
            self.advance_to(next);
        }
        self.advance_to(end);
        self.settle();
    }

    /// Moves the clock alone.
    pub(crate) fn advance_to(&mut self, moment: Moment) {
        self.now.wall = self.now.wall.plus(moment.since(self.now.moment));
        self.now.moment = moment;
    }

    /// Asks, decides and settles; none for an equal renewal.
    pub(crate) fn ask(
        &mut self,
        requester: &Requester,
        device: &str,
        command: Command,
        lease: Option<Span>,
    ) -> Option<Verdict> {
        let verdict = self.ask_only(requester, device, command, lease);
        self.settle();
        verdict
    }

    pub(crate) fn ask_only(
        &mut self,
        requester: &Requester,
        device: &str,
        command: Command,
        lease: Option<Span>,
    ) -> Option<Verdict> {
        let request = request(device, command, lease);
        let now = self.now;
        let ask = Ask {
            requester,
            granted: true,
            grant_hint: "",
            request: &request,
            caused_at: now.moment,
            cut: now.moment,
            tick: self.tick,
        };
        if self.gate.renews(&ask, &self.world, now) {
            return None;
        }
        self.seq += 1;
        Some(self.gate.decide(&ask, Seq(self.seq), &self.world, now))
    }

    /// Asks for a level with the default lease.
    pub(crate) fn set(
        &mut self,
        requester: &Requester,
        device: &str,
        level: f64,
    ) -> Option<Verdict> {
        self.ask(requester, device, Command::Level(level), None)
    }

    /// Where a device really is.
    pub(crate) fn level(&self, device: &str) -> Option<f64> {
        self.gate.devices[device].real.level
    }

    /// Outcomes since last looked at, as words.
    pub(crate) fn outcomes(&mut self) -> Vec<String> {
        std::mem::take(&mut self.said.outcomes)
            .into_iter()
            .map(|told| format!("{} {:?}", told.seq, told.outcome))
            .collect()
    }
}

pub(crate) fn request(device: &str, command: Command, lease: Option<Span>) -> Request {
    Request {
        device: DeviceId::new(device).unwrap(),
        command,
        lease,
        reason: "because".into(),
        causes: Vec::new(),
    }
}
