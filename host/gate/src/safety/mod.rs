//! Safety: the host's own rules, which see every reading before anybody else, and whom they bind.

mod rule;

use std::collections::{BTreeMap, BTreeSet};

use growbox_model::commit::Restored;
use growbox_model::{
    Danger, DeviceId, DeviceSpec, Moment, Now, Objection, Outcome, Quantity, Record, SafetySpec,
    Seq, Text, Trip, Trouble, ZoneId,
};

use crate::device::Start;
use crate::gate::{Gate, Toward, World, close_all};

pub use rule::Turn;

use rule::Rule;

const TEMPERATURE: &str = "temperature";
const HUMIDITY: &str = "humidity";
const CO2: &str = "co2";

/// From here on a stopped zone without a rule of its own counts as hot, °C.
const HOT: f64 = 37.0;
/// From here on it counts as full of CO2, ppm.
const STUFFY: f64 = 1500.0;

/// Why claims of a device end whose trip a person has taken back.
const TRIP_RESET: &str = "the trip was reset";

/// A device that a rule has taken, and where to.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Bound {
    /// Which rule.
    pub(crate) rule: Text,
    /// Where it wants the device.
    pub(crate) level: f64,
    /// Why, in words.
    pub(crate) message: Text,
}

/// All rules, in the order in which they go before each other.
#[derive(Debug, Clone, Default)]
pub(crate) struct Safety {
    rules: Vec<Rule>,
    /// When the first of them is to be looked at again, whatever is read.
    due: Option<Moment>,
    /// Who is concerned by a reading.
    watched: BTreeMap<ZoneId, Vec<(Text, usize)>>,
    /// Zones with a device that must know how much CO2 there is.
    enriched: BTreeSet<ZoneId>,
}

impl Safety {
    /// Takes over other rules: who stays goes on where it was. Returns whose trips end with them.
    fn exchange(&mut self, specs: &[SafetySpec]) -> Vec<Turn> {
        let mut before = std::mem::take(&mut self.rules);
        for spec in specs {
            let same = |rule: &Rule| (&rule.spec.id, &rule.spec.zone) == (&spec.id, &spec.zone);
            let known = before.iter().position(same).map(|at| before.remove(at));
            let rule = match known {
                Some(rule) => rule.follow(spec.clone()),
                None => Rule::new(spec.clone()),
            };
            self.rules.push(rule);
        }
        self.watched.clear();
        for (at, rule) in self.rules.iter().enumerate() {
            for quantity in quantities(&rule.spec.when) {
                let zone = self.watched.entry(rule.spec.zone.clone()).or_default();
                zone.push((quantity.into(), at));
            }
        }
        before.iter_mut().filter_map(Rule::reset).collect()
    }

    fn watches(&self, zone: &ZoneId, quantity: &Quantity) -> bool {
        let mut watched = self.watched.get(zone).into_iter().flatten();
        watched.any(|(watched, _)| **watched == *quantity.as_str())
    }

    fn bound(&self, device: &DeviceId) -> Option<Bound> {
        self.rules.iter().find_map(|rule| {
            let trip = rule.trip()?;
            Some(Bound {
                rule: trip.rule.clone(),
                level: *rule.spec.devices.get(device)?,
                message: trip.message.clone(),
            })
        })
    }

    /// Finds out when the next rule is due, after any of them has changed.
    fn mind(&mut self) {
        self.due = self.rules.iter().filter_map(Rule::due).min();
    }

    /// Whether a stopped zone needs its emergency levels: it is hot, or nobody knows that it is
    /// not, or it is full of CO2, or nobody knows any more that it is not. A rule may say by
    /// where it is over that this is so earlier.
    pub(crate) fn is_hot(&self, zone: Option<&ZoneId>, world: &impl World) -> bool {
        let Some(zone) = zone else { return true };
        let over = |quantity: &str, from: f64| {
            let from = self.clears(zone, quantity).fold(from, f64::min);
            let value = world.measure(zone, quantity, Toward::High);
            value.map(|value| value >= from)
        };
        over(TEMPERATURE, HOT).unwrap_or(true)
            || over(CO2, STUFFY).unwrap_or_else(|| self.may_be_stuffy(zone, world))
    }

    /// Nobody knows how much CO2 there is: whether that matters. Where nothing ever measured any
    /// and nothing brings any, it does not.
    fn may_be_stuffy(&self, zone: &ZoneId, world: &impl World) -> bool {
        let told = [Trouble::Stale, Trouble::Bad, Trouble::Frozen];
        let lost = || world.trouble(zone, &Quantity::new(CO2).ok()?, &told);
        self.enriched.contains(zone) || lost().is_some()
    }

    fn clears(&self, zone: &ZoneId, wanted: &str) -> impl Iterator<Item = f64> {
        self.rules
            .iter()
            .filter_map(move |rule| match &rule.spec.when {
                Danger::Above {
                    quantity, clear, ..
                } if quantity.as_str() == wanted && rule.spec.zone == *zone => Some(*clear),
                _ => None,
            })
    }
}

fn quantities(danger: &Danger) -> Vec<&str> {
    match danger {
        Danger::Above { quantity, .. }
        | Danger::Below { quantity, .. }
        | Danger::Untrusted { quantity, .. } => vec![quantity.as_str()],
        Danger::NearDewPoint { .. } => vec![TEMPERATURE, HUMIDITY],
    }
}

impl Gate {
    /// Takes over the safety rules. What had tripped before a restart still has.
    pub fn safety(&mut self, specs: &[SafetySpec], restored: &Restored) {
        let ended = self.bonds.safety.exchange(specs);
        for trip in &restored.trips {
            let same =
                |rule: &&mut Rule| (&rule.spec.id, &rule.spec.zone) == (&trip.rule, &trip.zone);
            match self.bonds.safety.rules.iter_mut().find(same) {
                Some(rule) => rule.restore(trip.clone()),
                None => self.note(Turn::Over(trip.clone())),
            }
        }
        for turn in ended {
            self.note(turn);
        }
        self.bonds.safety.mind();
        self.bind();
    }

    /// A reading of this quantity has come in: rules see it before anybody else.
    pub fn see(
        &mut self,
        zone: &ZoneId,
        quantity: &Quantity,
        reading: Seq,
        world: &impl World,
        now: Now,
    ) {
        let watched = self.bonds.safety.watched.get(zone).into_iter().flatten();
        let concerned = watched.filter(|(watched, _)| **watched == *quantity.as_str());
        let concerned = concerned.map(|(_, at)| *at).collect();
        let turns = self.look_at(concerned, Some(reading), world, now);
        self.turn_all(turns);
        if !self.bonds.stops.is_empty() && [TEMPERATURE, CO2].contains(&quantity.as_str()) {
            self.all_roused = true;
        }
    }

    /// Whether a rule watches a quantity in this zone (none: in any).
    pub fn watches(&self, zone: Option<&ZoneId>, quantity: &Quantity) -> bool {
        let safety = &self.bonds.safety;
        match zone {
            Some(zone) => safety.watches(zone, quantity),
            None => safety
                .watched
                .keys()
                .any(|zone| safety.watches(zone, quantity)),
        }
    }

    /// Looks at the rules whose time has come, or at all.
    pub(crate) fn watch(&mut self, all: bool, world: &impl World, now: Now) {
        let has_come = |due: Option<Moment>| all || due.is_some_and(|due| due <= now.moment);
        if has_come(self.bonds.safety.due) {
            let rules = self.bonds.safety.rules.iter().enumerate();
            let due = rules
                .filter(|(_, rule)| has_come(rule.due()))
                .map(|(at, _)| at);
            let turns = self.look_at(due.collect(), None, world, now);
            self.turn_all(turns);
        }
        if let Some(due) = self.bonds.safety.due {
            self.pending.wake(due, now.moment);
        }
    }

    fn look_at(
        &mut self,
        places: Vec<usize>,
        reading: Option<Seq>,
        world: &impl World,
        now: Now,
    ) -> Vec<Turn> {
        if places.is_empty() {
            return Vec::new();
        }
        let rules = &mut self.bonds.safety.rules;
        let look = |at: usize| rules.get_mut(at)?.look(reading, world, now);
        let turns = places.into_iter().filter_map(look).collect();
        self.bonds.safety.mind();
        turns
    }

    fn turn_all(&mut self, turns: Vec<Turn>) {
        if turns.is_empty() {
            return;
        }
        for turn in turns {
            self.note(turn);
        }
        self.bind();
    }

    /// Leaves a turn for the log and for people.
    fn note(&mut self, turn: Turn) {
        let (trip, stands) = match &turn {
            Turn::Tripped(trip, _) => (trip, Some(trip.clone())),
            Turn::Over(trip) => (trip, None),
        };
        let record = Record::Tripped(trip.rule.clone(), trip.zone.clone(), stands);
        self.pending.records.push(record);
        self.pending.turns.push(turn);
    }

    /// Finds out anew where CO2 is brought in.
    pub(crate) fn call_enriched(&mut self) {
        let needs = |spec: &DeviceSpec| spec.needs.iter().any(|need| need.as_str() == CO2);
        let specs = self.devices.values().map(|device| &device.spec);
        let zones = specs.filter(|spec| needs(spec));
        self.bonds.safety.enriched = zones.filter_map(|spec| spec.zone.clone()).collect();
    }

    /// Gives each device to the first rule that wants it, and back.
    pub(crate) fn bind(&mut self) {
        self.all_roused = true;
        for (id, device) in &mut self.devices {
            let bound = self.bonds.safety.bound(id);
            if bound == device.safety {
                continue;
            }
            if let Some(bound) = &bound {
                let why = format!("safety rule {}: {}", bound.rule, bound.message);
                close_all(device, Outcome::Superseded, &why, &mut self.pending);
                device.start = Start::Over;
            }
            device.safety = bound;
        }
    }

    /// Takes back the latched trips of a zone (none: all); how many. None is taken back while one
    /// of them still sees its danger. What wanted the same as they did ends with them.
    pub(crate) fn reset_trips(&mut self, zone: Option<&ZoneId>) -> usize {
        let mine =
            |rule: &&mut Rule| rule.is_latched() && zone.is_none_or(|zone| rule.spec.zone == *zone);
        let mut turns = Vec::new();
        for rule in self.bonds.safety.rules.iter_mut().filter(mine) {
            turns.extend(rule.reset());
            for id in rule.spec.devices.keys() {
                if let Some(device) = self.devices.get_mut(id) {
                    close_all(device, Outcome::Lapsed, TRIP_RESET, &mut self.pending);
                }
            }
        }
        let count = turns.len();
        self.bonds.safety.mind();
        self.turn_all(turns);
        count
    }

    /// Why a zone's (none: anybody's) trips cannot be taken back yet.
    pub(crate) fn not_clear(&self, zone: Option<&ZoneId>) -> Option<Objection> {
        let mine = |rule: &&Rule| zone.is_none_or(|zone| rule.spec.zone == *zone);
        let stands = |rule: &&Rule| rule.is_latched() && !rule.is_clear();
        let rule = self.bonds.safety.rules.iter().filter(mine).find(stands)?;
        let message = format!(
            "safety rule {} of zone {} does not see that it is over yet ({}); mend that first",
            rule.spec.id, rule.spec.zone, rule.spec.message
        );
        Some(Objection::new("not_clear", message))
    }

    /// Every trip that stands.
    pub fn trips(&self) -> impl Iterator<Item = &Trip> {
        self.bonds.safety.rules.iter().filter_map(Rule::trip)
    }

    /// The devices a rule moves.
    pub fn moved_by(&self, rule: &str, zone: &ZoneId) -> Vec<DeviceId> {
        let named = |other: &&Rule| *other.spec.id == *rule && other.spec.zone == *zone;
        let rule = self.bonds.safety.rules.iter().find(named);
        rule.map_or_else(Vec::new, |rule| rule.spec.devices.keys().cloned().collect())
    }
}
