//! Settles every device: what is wanted now, how far it comes, what is ordered, who is told, when to look again.

use growbox_model::ports::DriveOrder;
use growbox_model::{
    DeviceId, DeviceSpec, Moment, Now, Operation, Outcome, Record, Requester, Seq, Span,
};

use crate::bonds::Bonds;
use crate::device::{Device, Standing, Start};
use crate::drive;
use crate::gate::{Gate, World, close_all};
use crate::neighbours::Neighbours;
use crate::policy::{Passage, pass, runs_out};
use crate::pulse::{self, CutShort};
use crate::rouse;
use crate::safety::Turn;
use crate::say;
use crate::wish::{Circumstances, Owner, Wish, left_at, wish};
use crate::witness::{self, Testimony};

/// Between two start levels.
const START_GAP: Span = Span::seconds(2);

/// Everything that follows from one settling, in order.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Settlement {
    /// What the drivers are told.
    pub orders: Vec<DriveOrder>,
    /// Where devices have come to: each is a `device.state.changed`.
    pub changes: Vec<Change>,
    /// What became of earlier requests.
    pub outcomes: Vec<Consequence>,
    /// Devices that have left: nothing is ordered of them any more.
    pub gone: Vec<DeviceSpec>,
    /// Devices that take their place, or are new: they are to be reached before anything is ordered.
    pub came: Vec<DeviceSpec>,
    /// What the log keeps in tables.
    pub records: Vec<Record>,
    /// When to settle again at the latest; none until something happens.
    pub next: Option<Moment>,
    /// Safety rules that have tripped, and trips that are over.
    pub turns: Vec<Turn>,
    /// What witnesses have come to say of devices.
    pub testimonies: Vec<Testimony>,
}

/// A device has come to another level; said when its driver confirms, or reports it unasked.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// Which.
    pub device: DeviceId,
    /// Where it was; none where nobody knew.
    pub old: Option<f64>,
    /// Where it is.
    pub new: f64,
    /// Who or what moved it.
    pub trigger: String,
    /// The request it follows from.
    pub cause: Option<Seq>,
}

/// What became of a request.
#[derive(Debug, Clone, PartialEq)]
pub struct Consequence {
    /// The request.
    pub seq: Seq,
    /// The device it was for.
    pub device: DeviceId,
    /// What became of it.
    pub outcome: Outcome,
    /// Why, in words.
    pub why: String,
    /// How long a pulse ran.
    pub ran: Option<Span>,
}

impl Settlement {
    /// Adds an outcome.
    pub(crate) fn tell(&mut self, seq: Seq, device: &DeviceId, outcome: Outcome, why: &str) {
        self.outcomes.push(Consequence {
            seq,
            device: device.clone(),
            outcome,
            why: why.to_owned(),
            ran: None,
        });
    }

    /// Asks to be settled again at `moment`, unless that is now.
    pub(crate) fn wake(&mut self, moment: Moment, now: Moment) {
        if moment > now {
            self.next = Some(self.next.map_or(moment, |next| next.min(moment)));
        }
    }
}

/// Settling goes round again where one device's move matters to another, so often at most: orders
/// wait for confirmations, so nothing can go on for longer.
const ROUNDS: usize = 4;

impl Gate {
    /// Settles every device. Run it after each turn: the world changes without anybody asking.
    pub fn settle(&mut self, world: &impl World, now: Now) -> Settlement {
        let revision = world.revision();
        self.watch(revision.is_none() || revision != self.revision, world, now);
        let mut out = std::mem::take(&mut self.pending);
        let watched = out.next.take();
        self.admit(now, &mut out);
        self.wire();
        let all = self.looks_at_all(revision);
        let mut devices: Vec<&mut Device> = self.devices.values_mut().collect();
        let mut round = Round {
            neighbours: &mut self.neighbours,
            bonds: &self.bonds,
            next_start: &mut self.next_start,
            world,
            now,
        };
        rouse::wake(&mut devices, round.neighbours, all, world, now);
        for _ in 0..ROUNDS {
            if !round.neighbours.anybody_roused() {
                break;
            }
            round.go(&mut devices, &mut out);
        }
        let due = rouse::rest(&mut devices, round.neighbours);
        out.next = [due, watched].into_iter().flatten().min();
        out
    }

    /// Makes the table of neighbours anew where a device or a circuit came or went.
    fn wire(&mut self) {
        if !self.wired || self.neighbours.len() != self.devices.len() {
            self.neighbours = Neighbours::of(&self.devices, &self.circuits, &self.neighbours);
            (self.wired, self.all_roused) = (true, true);
            self.call_witnesses();
            self.call_enriched();
        }
    }
}

/// A device that is settled in this round, and what is wanted of it, once that is known.
struct Seat<'a> {
    at: usize,
    device: &'a mut Device,
    wish: Option<Wish>,
}

impl<'a> Seat<'a> {
    fn of((at, device): (usize, &'a mut &mut Device)) -> Self {
        Self {
            at,
            device,
            wish: None,
        }
    }
}

/// Decreases are ordered before any increase.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Direction {
    Down,
    Up,
}

/// The neighbours while one round goes on.
struct Round<'a, W> {
    neighbours: &'a mut Neighbours,
    bonds: &'a Bonds,
    next_start: &'a mut Moment,
    world: &'a W,
    now: Now,
}

impl<'a, W: World> Round<'a, W> {
    /// Brings every claim up to date, finds who gives way, lets go down what goes down, then up
    /// what may go up. Who is roused afterwards has to go round again.
    fn go(&mut self, devices: &mut [&mut Device], out: &mut Settlement) {
        let now = self.now;
        let roused = |at: usize| self.neighbours.is_roused(at);
        let mut table: Vec<Seat<'_>> = devices
            .iter_mut()
            .enumerate()
            .filter(|(at, _)| roused(*at))
            .map(Seat::of)
            .collect();
        let places: Vec<usize> = table.iter().map(|seat| seat.at).collect();
        self.neighbours.sleep(false);
        // Who comes from an observed zone really is where it is, for all its neighbours.
        for Seat { at, device, .. } in &mut table {
            follow(device, self.world.operation(&device.spec), now, out);
            self.note(*at, device);
        }
        for Seat { at, device, wish } in &mut table {
            let at = *at;
            device.due = None;
            let around = self.before_neighbours(at, device);
            device.left_at = left_at(device, &around);
            pulse::tell_cut_short(device, &around, out);
            expire(device, now, out);
            witness::compare(device, &around, out);
            pulse::advance(device, &around, self.world, out);
            begin(device, &around, self.next_start, out);
            let wanted = wish.insert(crate::wish::wish(device, &around));
            self.neighbours.wanted(at, wanted, &device.spec);
            device.note_due(out);
        }
        self.neighbours.clear_the_way(&places, now.moment);
        let mut rising = Vec::new();
        for (index, Seat { at, device, wish }) in table.iter_mut().enumerate() {
            let (at, Some(wish)) = (*at, wish.take()) else {
                continue;
            };
            let around = self.around(at, device);
            let rises = settle_one(device, wish, &around, Direction::Down, out);
            self.note(at, device);
            device.note_due(out);
            if rises {
                rising.push((self.neighbours.precedence(at), index));
            }
        }
        rising.sort_unstable();
        for (_, index) in rising {
            if let Some(Seat { at, device, .. }) = table.get_mut(index) {
                let at = *at;
                let around = self.around(at, device);
                let off = !device.real.is_on();
                let wish = wish(device, &around);
                settle_one(device, wish, &around, Direction::Up, out);
                self.note(at, device);
                device.note_due(out);
                if off && device.real.is_on() {
                    self.neighbours.started(at, now.moment);
                }
            }
        }
    }

    fn around(&self, at: usize, device: &Device) -> Circumstances<'a> {
        let precedence = self.neighbours.precedence(at);
        let moment = self.now.moment;
        let beside = self
            .neighbours
            .beside(Some(at), precedence, self.world, moment);
        Circumstances {
            beside,
            ..self.bonds.around(&device.spec, self.world, self.now)
        }
    }

    /// The same before it is known who gives way to whom: of neighbours only pulses ask so early.
    fn before_neighbours(&self, at: usize, device: &Device) -> Circumstances<'a> {
        if device.has_pulses() {
            self.around(at, device)
        } else {
            self.bonds.around(&device.spec, self.world, self.now)
        }
    }

    fn note(&mut self, at: usize, device: &Device) {
        self.neighbours.note(at, device, self.now.moment);
    }
}

/// Settles a device as far as it goes in one direction; whether the other one is left to do.
fn settle_one(
    device: &mut Device,
    wish: Wish,
    around: &Circumstances<'_>,
    direction: Direction,
    out: &mut Settlement,
) -> bool {
    let passage = passage(device, &wish, around, around.operation);
    let rises = |level: f64| level > device.real.position().unwrap_or(0.0);
    if direction == Direction::Down && passage.level.is_some_and(rises) {
        return true;
    }
    let observed = around.operation == Operation::Observe;
    if observed {
        imagine(device, &wish, &passage, around.now);
        go_home(device, around, out);
    } else {
        drive::towards(device, &wish, &passage, around, out);
    }
    for free_at in passage.hindrances.iter().filter_map(|h| h.free_at) {
        out.wake(free_at, around.now.moment);
    }
    displace(device, &wish, out);
    device.standing = Standing {
        wish,
        hindrance: passage.hindrances.into_iter().next(),
    };
    tell(device, observed, out);
    wake(device, around, out);
    device.restless = rouse::is_restless(device);
    false
}

/// How far a wish comes on the course of an operation; a run that ends by its length is noted.
fn passage(
    device: &mut Device,
    wish: &Wish,
    around: &Circumstances<'_>,
    operation: Operation,
) -> Passage {
    let passage = pass(&device.subject(operation, around, wish));
    if runs_out(&passage) {
        device.course_mut(operation).run_out = Some(around.now.moment);
        // From here what was asked before counts no longer.
        device.roused = true;
    }
    passage
}

/// Moves along the imagined course, which needs no driver.
fn imagine(device: &mut Device, wish: &Wish, passage: &Passage, now: Now) {
    let starts = passage.level.is_some_and(|level| level > 0.0) && !device.imagined.is_on();
    if starts {
        device.imagined_starts.add(now.moment);
        if wish.pulse.is_none() && device.spec.doses_per_day.is_some() {
            device.imagined_doses.add(now);
        }
    }
    let course = &mut device.imagined;
    if let Some(level) = passage.level
        && course.level != Some(level)
    {
        device.roused = true;
        course.leave_for(level, now.moment);
        course.reach(level, now.moment);
    }
}

/// Drives an observed device the rest of its way to the safe level, and then never again.
fn go_home(device: &mut Device, around: &Circumstances<'_>, out: &mut Settlement) {
    if !device.homing {
        return;
    }
    let wish = if let Some(lock) = around.locked {
        Wish::locked(lock, &device.spec)
    } else if around.ending {
        Wish {
            level: left_at(device, around),
            ..Wish::forced(Owner::End, &device.spec)
        }
    } else if device.leaving.is_some() {
        Wish::forced(Owner::Leaving, &device.spec)
    } else if around.stop.is_some() {
        Wish {
            level: around.stopped_at(&device.spec),
            ..Wish::forced(Owner::Stop, &device.spec)
        }
    } else {
        Wish::of_nobody(&device.spec)
    };
    let passage = passage(device, &wish, around, Operation::Control);
    drive::towards(device, &wish, &passage, around, out);
    for free_at in passage.hindrances.iter().filter_map(|h| h.free_at) {
        out.wake(free_at, around.now.moment);
    }
    let there = device.real.level == Some(wish.level);
    device.homing = !(there && device.real.heading.is_none() && device.link.asserted);
}

/// Follows a change of operation: claims end, unless a pause ends; what is left goes to its safe
/// level, once, where nothing will be driven any more.
fn follow(device: &mut Device, operation: Operation, now: Now, out: &mut Settlement) {
    let before = device.operation.replace(operation);
    let Some(before) = before.filter(|before| *before != operation) else {
        return;
    };
    device.counted = None;
    if (before, operation) != (Operation::Paused, Operation::Control) {
        let why = format!("the zone went from {before} to {operation}");
        close_all(device, Outcome::Lapsed, &why, out);
        device.start = Start::Over;
    }
    if operation == Operation::Observe {
        device.imagined = crate::course::Course::at(device.spec.safe_level, now.moment);
        device.homing = true;
    }
    if before == Operation::Observe {
        device.homing = false;
        device.link.asserted = false;
        device.link.retry = None;
    }
}

/// Ends leases and holds whose time is over.
fn expire(device: &mut Device, now: Now, out: &mut Settlement) {
    let over: Vec<(Requester, Moment)> = device
        .claims
        .values()
        .filter(|claim| claim.pulse.is_none() && claim.until <= now.moment)
        .map(|claim| (claim.requester.clone(), claim.until))
        .collect();
    for (requester, until) in over {
        let why = format!("lease of {requester} ended {}", say::clock(until, now));
        close(device, &requester, Outcome::Lapsed, &why, out);
    }
    let hold_end = device.held.as_ref().and_then(|held| held.until);
    if hold_end.is_some_and(|end| end <= now.moment) {
        device.held = None;
        out.records.push(Record::Hold(device.spec.id.clone(), None));
    }
}

/// Wishes the start level once, one device after the other, when all it needs is fresh.
fn begin(device: &mut Device, around: &Circumstances<'_>, next: &mut Moment, out: &mut Settlement) {
    let now = around.now.moment;
    match device.start {
        Start::Waiting if around.stale.is_some() || around.stop.is_some() => {}
        Start::Waiting if *next > now => out.wake(*next, now),
        Start::Waiting => {
            device.start = Start::Wished(now, now + device.spec.lease);
            *next = now + START_GAP;
        }
        Start::Wished(_, until) if until <= now => device.start = Start::Over,
        Start::Wished(..) | Start::Over => {}
    }
}

/// Tells a claim that was in force and still stands that another one took its place.
fn displace(device: &mut Device, wish: &Wish, out: &mut Settlement) {
    let Some((requester, seq)) = device.in_force.take() else {
        return;
    };
    let winner = match &wish.owner {
        Owner::Nobody | Owner::Start | Owner::Leaving | Owner::Doubt => return,
        Owner::Claim(winner) if *winner == requester => return,
        owner => say::trigger(device, owner),
    };
    if let Some(claim) = device.claims.get_mut(&requester)
        && claim.seq == seq
        && claim.told.take() == Some(Outcome::Executed)
    {
        let why = format!("{winner} goes first");
        out.tell(seq, &device.spec.id, Outcome::Superseded, &why);
    }
}

/// Tells the claim in force whether its driver has done it.
fn tell(device: &mut Device, observed: bool, out: &mut Settlement) {
    let Owner::Claim(requester) = &device.standing.wish.owner else {
        return;
    };
    let (link, real) = (&device.link, &device.real);
    let hindered = device.standing.hindrance.is_some();
    let claim = device.claims.get_mut(requester);
    let Some(claim) = claim.filter(|claim| claim.pulse.is_none()) else {
        return;
    };
    device.in_force = Some((requester.clone(), claim.seq));
    let done = link.asserted && real.heading.is_none() && real.level == Some(claim.level);
    let failure = link.failure.as_deref();
    let own = link.purpose.1 == Some(claim.seq);
    let news = if observed {
        None
    } else if !link.available {
        Some((Outcome::Failed, "it cannot be reached"))
    } else if let Some(why) = failure.filter(|_| own || !hindered) {
        Some((Outcome::Failed, why))
    } else if hindered {
        claim.told = None;
        None
    } else {
        done.then_some((Outcome::Executed, "confirmed"))
    };
    if let Some((outcome, why)) = news
        && claim.told != Some(outcome)
    {
        claim.told = Some(outcome);
        out.tell(claim.seq, &device.spec.id, outcome, why);
    }
}

/// Asks to be settled again when the next thing falls due.
fn wake(device: &Device, around: &Circumstances<'_>, out: &mut Settlement) {
    let now = around.now.moment;
    let course = device.course(around.operation);
    let homing = device.homing.then_some(&device.real);
    let hold_end = device.held.as_ref().and_then(|held| held.until);
    let start_end = match device.start {
        Start::Wished(_, until) => Some(until),
        Start::Waiting | Start::Over => None,
    };
    let due = [
        hold_end,
        start_end,
        course.must_stop(device.spec.max_on),
        course.overruns_from(device.spec.max_on),
        homing.and_then(|homing| homing.must_stop(device.spec.max_on)),
        device.link.retry.map(|(_, at)| at),
        device.leaving,
        drive::rearm_at(device),
    ];
    let leases = device.claims.values().map(|claim| claim.until);
    for moment in due.into_iter().flatten().chain(leases) {
        out.wake(moment, now);
    }
}

/// Ends a claim.
pub(crate) fn close(
    device: &mut Device,
    requester: &Requester,
    outcome: Outcome,
    why: &str,
    out: &mut Settlement,
) {
    let Some(claim) = device.claims.remove(requester) else {
        return;
    };
    device.last_end = Some(why.to_owned());
    out.records.push(Record::Closed(claim.seq));
    match CutShort::of(&claim, outcome, why) {
        Some(cut_short) => device.cut_short.push(cut_short),
        None => out.tell(claim.seq, &device.spec.id, outcome, why),
    }
}
