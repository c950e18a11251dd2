//! Neighbours: what each device must know of the others before it moves, by place in the device table.
//!
//! **Place**: a device's position in the table. **Fact**: how others have to count it: what nobody
//! knows counts as on at full for interlocks and currents, and as off for those who need it.
//! **Idle**: a fan that is never off idles at its lowest running level; what idles is in nobody's way.
//! **Giving way**: what a forced wish (safety, stop) needs out of its way goes to its safe level.

mod groups;

use std::collections::BTreeMap;

use growbox_model::{
    CircuitSpec, DeviceId, DeviceSpec, Moment, Operation, QuietHours, Span, Text, ZoneId,
};

use self::groups::Groups;
use crate::device::Device;
use crate::gate::World;
use crate::policy::beside::{Beside, Dark, Exclusion, Lack, Power, Way};
use crate::say;
use crate::wish::{Precedence, Wish};

/// Between two starts on one circuit.
pub(crate) const START_GAP: Span = Span::seconds(2);

/// Amperes that rounding may be wrong by.
const HAIR: f64 = 1e-9;

/// All places, and the circuits between them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Neighbours {
    places: Vec<Place>,
    circuits: Vec<Circuit>,
    groups: Groups,
}

#[derive(Debug, Clone)]
struct Place {
    id: DeviceId,
    idle: f64,
    safe: f64,
    full: f64,
    watts: f64,
    settle_time: Span,
    /// Whom it must never run with, and whether it is the one that yields where nobody ranks.
    excludes: Vec<(usize, bool)>,
    needs: Vec<usize>,
    needed_by: Vec<usize>,
    /// Its zone and the lamps in it, where it only runs in the light.
    light: Option<(Option<ZoneId>, Vec<usize>)>,
    circuit: Option<usize>,
    quiet: Option<QuietHours>,
    /// Whether it is day and whether it is to be quiet, as last seen.
    sky: (Option<bool>, Option<bool>),
    real: Fact,
    imagined: Fact,
    observed: bool,
    precedence: Precedence,
    /// Where a forced wish wants it.
    forced: Option<f64>,
    /// Whose that is, in words; of the newest one.
    forced_by: Text,
    /// Since when a forced wish waits for others to be out of its way.
    waits: Option<Moment>,
    gives_way: Option<(usize, &'static str)>,
}

/// How a device counts for others.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Fact {
    /// The most it may be at.
    at_most: f64,
    /// The least it may be at.
    at_least: f64,
    known: bool,
    /// Since when it is out of the way of others.
    idle_since: Option<Moment>,
    /// Since when it surely runs.
    runs_since: Option<Moment>,
}

#[derive(Debug, Clone)]
struct Circuit {
    spec: CircuitSpec,
    members: Vec<usize>,
    next_start: Moment,
}

impl Neighbours {
    /// Of a device table; facts and spacings of those that stay go on. Who may have started just
    /// before the host did spaces the next start of its circuit too.
    pub(crate) fn of(
        devices: &BTreeMap<DeviceId, Device>,
        circuits: &BTreeMap<Text, CircuitSpec>,
        before: &Self,
    ) -> Self {
        let place_of: BTreeMap<&DeviceId, usize> = devices
            .keys()
            .enumerate()
            .map(|(at, id)| (id, at))
            .collect();
        let specs: Vec<&DeviceSpec> = devices.values().map(|device| &device.spec).collect();
        let starts: Vec<_> = devices.values().map(|device| device.real.last_on).collect();
        let names: Vec<&Text> = circuits.keys().collect();
        let mut places: Vec<Place> = specs.iter().map(|spec| Place::of(spec)).collect();
        let mut wired: Vec<Circuit> = circuits.values().map(|spec| before.circuit(spec)).collect();
        for (at, spec) in specs.iter().enumerate() {
            for other in spec.never_with.iter().filter_map(|id| place_of.get(id)) {
                exclude(&mut places, at, *other);
            }
            for other in spec.needs_first.iter().filter_map(|id| place_of.get(id)) {
                places[at].needs.push(*other);
                places[*other].needed_by.push(at);
            }
            if spec.needs_light {
                places[at].light = Some((spec.zone.clone(), lamps(&specs, spec)));
            }
            let circuit = spec.circuit.as_ref();
            places[at].circuit =
                circuit.and_then(|name| names.iter().position(|known| *known == name));
            if let Some(circuit) = places[at].circuit {
                wired[circuit].members.push(at);
                let after_start = starts[at].map(|on| on + START_GAP);
                wired[circuit].next_start = wired[circuit]
                    .next_start
                    .max(after_start.unwrap_or_default());
            }
        }
        for place in &mut places {
            if let Some(known) = before.places.iter().find(|known| known.id == place.id) {
                place.remember(known);
            }
        }
        Self {
            groups: Groups::of(&places, &wired),
            places,
            circuits: wired,
        }
    }

    fn circuit(&self, spec: &CircuitSpec) -> Circuit {
        let known = self.circuits.iter().find(|known| known.spec.id == spec.id);
        Circuit {
            spec: spec.clone(),
            members: Vec::new(),
            next_start: known.map_or(Moment(0), |known| known.next_start),
        }
    }

    /// Where a device stands in the table.
    pub(crate) fn place_of(&self, id: &DeviceId) -> Option<usize> {
        self.places.binary_search_by(|place| place.id.cmp(id)).ok()
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.places.len()
    }

    /// Takes in how a device stands; where that is news, others have to look again.
    pub(crate) fn note(&mut self, at: usize, device: &Device, now: Moment) {
        let Some(place) = self.places.get_mut(at) else {
            return;
        };
        let before = (place.real, place.imagined, place.observed);
        let available = device.link.available;
        let (idle, full) = (place.idle, place.full);
        place.real = place
            .real
            .followed_by(&device.real, available, idle, full, now);
        place.imagined = place
            .imagined
            .followed_by(&device.imagined, true, idle, full, now);
        // Who is still on its way home really moves, among others that really are where they are.
        place.observed = device.operation == Some(Operation::Observe) && !device.homing;
        if before != (place.real, place.imagined, place.observed) {
            self.rouse(at);
        }
    }

    /// Takes in what is wanted of a device.
    pub(crate) fn wanted(&mut self, at: usize, wish: &Wish, spec: &DeviceSpec) {
        if let Some(place) = self.places.get_mut(at) {
            place.precedence = Precedence::of(wish, spec);
            place.forced = wish.forced.then_some(wish.level);
            if wish.forced {
                place.forced_by = say::named(&wish.owner).into();
            } else {
                place.waits = None;
            }
        }
    }

    /// Notes that a device was ordered from nothing to something.
    pub(crate) fn started(&mut self, at: usize, now: Moment) {
        let circuit = self.places.get(at).and_then(|place| place.circuit);
        if let Some(circuit) = circuit.and_then(|circuit| self.circuits.get_mut(circuit)) {
            circuit.next_start = now + START_GAP;
        }
    }

    /// Who goes before whom where both want to move.
    pub(crate) fn precedence(&self, at: usize) -> Precedence {
        self.places
            .get(at)
            .map_or(Precedence::Nobody, |place| place.precedence)
    }

    /// Finds out who of these gives way to whom; where that is another than before they look again.
    pub(crate) fn clear_the_way(&mut self, places: &[usize], now: Moment) {
        let ways = |places: &[Place], at: &usize| places[*at].gives_way;
        let before: Vec<_> = places.iter().map(|at| ways(&self.places, at)).collect();
        for at in places.iter().copied() {
            let urges = self.urges(at);
            let place = &mut self.places[at];
            place.gives_way = None;
            place.waits = place.waits.filter(|_| urges);
        }
        let urgent: Vec<usize> = places
            .iter()
            .copied()
            .filter(|at| self.urges(*at))
            .collect();
        for at in &urgent {
            self.clear_interlocks(*at, now);
        }
        for at in urgent {
            self.clear_circuit(at);
        }
        for (at, before) in places.iter().zip(before) {
            if ways(&self.places, at) != before {
                self.rouse(*at);
            }
        }
    }

    /// Whether a forced wish is for more than idling.
    fn urges(&self, at: usize) -> bool {
        let place = &self.places[at];
        place.forced.is_some_and(|level| level > place.idle)
    }

    fn clear_interlocks(&mut self, at: usize, now: Moment) {
        let in_the_way: Vec<usize> = self.places[at]
            .excludes
            .iter()
            .map(|(other, _)| *other)
            .filter(|other| !(self.urges(*other) && *other < at))
            .collect();
        let waits = in_the_way
            .iter()
            .any(|other| self.fact(*other, at).runs(self.places[*other].idle));
        let here = self.fact(at, at);
        let place = &mut self.places[at];
        place.waits = match place.waits {
            _ if here.surely_runs(place.idle) => None,
            None if waits => Some(now),
            waits => waits,
        };
        for other in in_the_way {
            self.places[other]
                .gives_way
                .get_or_insert((at, "never_with"));
        }
    }

    /// Those that matter least give way first, until what is forced fits. Who cannot be reached
    /// is no help.
    fn clear_circuit(&mut self, at: usize) {
        let Some(circuit) = self.places[at].circuit else {
            return;
        };
        let wanted = self.places[at].forced.unwrap_or(0.0);
        let limit = self.circuits[circuit].spec.max_amperes;
        let mut members = self.circuits[circuit].members.clone();
        members.sort_by_key(|other| std::cmp::Reverse((self.places[*other].precedence, *other)));
        let mut load = self.load(circuit, at) + self.draw(at, wanted);
        for other in members {
            let place = &self.places[other];
            let fact = self.fact(other, at);
            let helps =
                other != at && place.forced.is_none() && fact.known && fact.at_most > place.safe;
            if load <= limit + HAIR {
                return;
            }
            if helps {
                load -= self.draw(other, fact.at_most) - self.draw(other, place.safe);
                self.places[other].gives_way.get_or_insert((at, "current"));
            }
        }
    }

    /// What a circuit may carry without one device, forced wishes before it included.
    fn load(&self, circuit: usize, without: usize) -> f64 {
        let urged = self.places[without].forced.is_some();
        let of = |other: &usize| {
            let place = &self.places[*other];
            let kept = place.forced.filter(|_| !urged || *other < without);
            let at_most = self.fact(*other, without).at_most;
            self.draw(*other, kept.map_or(at_most, |kept| kept.max(at_most)))
        };
        let members = self.circuits[circuit].members.iter();
        members.filter(|other| **other != without).map(of).sum()
    }

    fn draw(&self, at: usize, level: f64) -> f64 {
        let place = &self.places[at];
        let circuit = place.circuit.and_then(|circuit| self.circuits.get(circuit));
        circuit.map_or(0.0, |circuit| circuit.spec.draw(place.watts, level))
    }

    /// How `other` counts for the device at `at`: as it would be only where both are observed.
    fn fact(&self, other: usize, at: usize) -> Fact {
        let (other, own) = (&self.places[other], &self.places[at]);
        if own.observed && other.observed {
            other.imagined
        } else {
            other.real
        }
    }

    /// What surrounds a device: all its policies need to know of others.
    pub(crate) fn beside(
        &self,
        at: Option<usize>,
        precedence: Precedence,
        world: &impl World,
        now: Moment,
    ) -> Beside {
        let Some((at, place)) = at.and_then(|at| Some((at, self.places.get(at)?))) else {
            return Beside::default();
        };
        Beside {
            dark: place.light.as_ref().and_then(|(zone, lamps)| {
                let lit = |lamp: &usize| self.fact(*lamp, at).surely_runs(0.0);
                dark(world.day(zone.as_ref()), lamps.len(), lamps.iter().any(lit))
            }),
            despite: self.despite(at, now),
            excluded: self.excluded(at, precedence, now),
            lacks: self.lacks(at, now),
            carries: self.carries(at),
            power: self.power(at),
            gives_way: place.gives_way.map(|(other, policy)| Way {
                other: self.places[other].id.clone(),
                by: self.places[other].forced_by.clone(),
                policy,
            }),
            idle: place.idle,
            second_of_day: if place.quiet.is_some() {
                world.second_of_day()
            } else {
                None
            },
        }
    }

    /// The first neighbour that keeps a device from running.
    fn excluded(&self, at: usize, precedence: Precedence, now: Moment) -> Option<Exclusion> {
        let place = &self.places[at];
        let here = self.fact(at, at);
        let runs = here.known && here.runs(place.idle);
        place.excludes.iter().find_map(|(other, yields)| {
            let beside = &self.places[*other];
            let fact = self.fact(*other, at);
            let there = fact.runs(beside.idle);
            let own = (precedence, *yields, at);
            let theirs = (beside.precedence, !*yields, *other);
            let beaten = theirs < own;
            // Once it is out of the way it must have been so for a while.
            let since = fact.idle_since.filter(|_| !there);
            let free_at = since
                .map(|since| since + place.settle_time.max(beside.settle_time))
                .filter(|free_at| *free_at > now);
            let hinders = match place.forced {
                Some(_) => !here.surely_runs(place.idle) && there && !self.waited(at, now),
                None if runs => (fact.known && there && beaten) || self.urges(*other),
                None => there || free_at.is_some() || self.urges(*other),
            };
            let free_at = match place.forced {
                Some(_) => place.waits.map(|since| since + place.settle_time),
                None => free_at,
            };
            hinders.then(|| Exclusion {
                other: beside.id.clone(),
                known: fact.known,
                leaves: !here.known && (!there || !fact.known && !beaten),
                free_at,
            })
        })
    }

    /// Who may still be in the way of a forced wish that waits no longer.
    fn despite(&self, at: usize, now: Moment) -> Option<DeviceId> {
        let mut others = self.places[at].excludes.iter().map(|(other, _)| *other);
        let there = |other: &usize| self.fact(*other, at).runs(self.places[*other].idle);
        let other = others.find(|other| self.waited(at, now) && there(other))?;
        Some(self.places[other].id.clone())
    }

    /// Whether a forced wish has waited for others as long as it does.
    fn waited(&self, at: usize, now: Moment) -> bool {
        let place = &self.places[at];
        place
            .waits
            .is_some_and(|since| since + place.settle_time <= now)
    }

    /// The first device that must run before this one and does not, or not long enough.
    fn lacks(&self, at: usize, now: Moment) -> Option<Lack> {
        let place = &self.places[at];
        place.needs.iter().find_map(|other| {
            let since = self.fact(*other, at).runs_since;
            let runs = self.fact(at, at).surely_runs(0.0);
            let free_at = since.map(|since| since + place.settle_time);
            if free_at.is_some_and(|free_at| runs || free_at <= now) {
                return None;
            }
            Some(Lack {
                other: self.places[*other].id.clone(),
                free_at,
            })
        })
    }

    fn carries(&self, at: usize) -> Option<DeviceId> {
        let dependents = self.places[at].needed_by.iter();
        let mut running = dependents.filter(|other| self.fact(**other, at).runs(0.0));
        running.next().map(|other| self.places[*other].id.clone())
    }

    fn power(&self, at: usize) -> Option<Power> {
        let place = &self.places[at];
        let circuit = place.circuit?;
        let wired = &self.circuits[circuit];
        let free = wired.spec.max_amperes - self.load(circuit, at) + HAIR;
        let full = self.draw(at, 1.0);
        let here = self.fact(at, at);
        Some(Power {
            circuit: wired.spec.id.clone(),
            limit: wired.spec.max_amperes,
            highest: if full > 0.0 { free / full } else { 1.0 },
            here: if here.known { here.at_most } else { 0.0 },
            next_start: wired.next_start,
        })
    }
}

impl Place {
    fn of(spec: &DeviceSpec) -> Self {
        Self {
            id: spec.id.clone(),
            idle: spec.idle_level(),
            safe: spec.safe_level,
            full: spec.high,
            watts: spec.watts.unwrap_or(0.0),
            settle_time: spec.settle_time,
            excludes: Vec::new(),
            needs: Vec::new(),
            needed_by: Vec::new(),
            light: None,
            circuit: None,
            quiet: spec.quiet_hours,
            sky: (None, None),
            real: Fact::UNKNOWN,
            imagined: Fact::UNKNOWN,
            observed: false,
            precedence: Precedence::Nobody,
            forced: None,
            forced_by: Text::default(),
            waits: None,
            gives_way: None,
        }
    }

    fn remember(&mut self, known: &Self) {
        (self.real, self.imagined) = (known.real, known.imagined);
        (self.observed, self.precedence) = (known.observed, known.precedence);
        (self.forced, self.waits) = (known.forced, known.waits);
        self.forced_by = known.forced_by.clone();
    }
}

impl Fact {
    const UNKNOWN: Self = Self {
        at_most: 1.0,
        at_least: 0.0,
        known: false,
        idle_since: None,
        runs_since: None,
    };

    /// The fact after this one; what was there already keeps its time.
    fn followed_by(
        self,
        course: &crate::course::Course,
        available: bool,
        idle: f64,
        full: f64,
        now: Moment,
    ) -> Self {
        let known = course.level.filter(|_| available);
        let aim = course.heading.or(known);
        let (at_most, at_least) = match (known, aim) {
            (Some(level), Some(aim)) => (level.max(aim), level.min(aim)),
            _ => (full, 0.0),
        };
        let next = Self {
            at_most,
            at_least,
            known: known.is_some(),
            ..self
        };
        Self {
            idle_since: (!next.runs(idle)).then(|| self.idle_since.unwrap_or(now)),
            runs_since: next
                .surely_runs(0.0)
                .then(|| self.runs_since.unwrap_or(now)),
            ..next
        }
    }

    /// Whether it may run.
    fn runs(&self, idle: f64) -> bool {
        self.at_most > idle
    }

    /// Whether it runs for certain.
    fn surely_runs(&self, idle: f64) -> bool {
        self.at_least > idle
    }
}

fn exclude(places: &mut [Place], at: usize, other: usize) {
    if at == other {
        return;
    }
    for (one, another, yields) in [(at, other, true), (other, at, false)] {
        let known = places[one]
            .excludes
            .iter()
            .any(|(known, _)| *known == another);
        if !known {
            places[one].excludes.push((another, yields));
        }
    }
}

fn lamps(specs: &[&DeviceSpec], spec: &DeviceSpec) -> Vec<usize> {
    let lamp = |other: &DeviceSpec| other.zone == spec.zone && other.role.as_str() == "light";
    let all = specs.iter().enumerate();
    all.filter(|(_, other)| lamp(other))
        .map(|(at, _)| at)
        .collect()
}

/// Why there is no light to go by: night, no lamp on, or nobody knows.
fn dark(day: Option<bool>, lamps: usize, lit: bool) -> Option<Dark> {
    match day {
        Some(false) => Some(Dark::Night),
        _ if lit => None,
        _ if lamps > 0 => Some(Dark::LampsOff),
        Some(true) => None,
        None => Some(Dark::Unknown),
    }
}
