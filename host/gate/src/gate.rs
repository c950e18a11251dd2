//! The gate itself: every device, every stop, and all that may be said to it.

use std::collections::BTreeMap;

use growbox_model::commit::{Hold, Restored};
use growbox_model::ports::{Written, wall_of};
use growbox_model::{
    CircuitSpec, DeviceId, DeviceSpec, Feedback, Moment, Now, Objection, Operation, Outcome,
    Quantity, Record, Requester, Seq, Span, Text, Trouble, Verdict, VerdictKind, ZoneId,
};

use crate::bonds::{Bonds, Stop};
use crate::claim::{Claim, Rank};
use crate::decide::{self, Ask, Decision};
use crate::device::{Device, Held, Start};
use crate::exchange::{Arrival, Had};
use crate::neighbours::Neighbours;
use crate::policy::{self, Refusal, envelope};
use crate::say;
use crate::settle::{Settlement, close};
use crate::wish::Precedence;
use crate::witness;

/// On which side the danger lies that is asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Toward {
    /// Of two, the higher one counts.
    High,
    /// Of two, the lower one counts.
    Low,
}

/// What the gate must know of the room that is not its own.
pub trait World {
    /// Whether growbox may act here: by the device's zone, and by its role where only the roles
    /// of some systems are paused.
    fn operation(&self, device: &DeviceSpec) -> Operation;
    /// Whether a measure of this quantity is there, fresh and good.
    fn fresh(&self, zone: Option<&ZoneId>, quantity: &Quantity) -> bool;
    /// Whether it is day in a zone; none where nobody says, or the wall clock is not trusted.
    fn day(&self, zone: Option<&ZoneId>) -> Option<bool>;
    /// Seconds after local midnight; none while the wall clock is not trusted.
    fn second_of_day(&self) -> Option<u32>;
    /// Whether this event, and the step it belongs to, would survive the end of the process now.
    fn durable(&self, seq: Seq) -> bool;
    /// How far the log has come. What a settling records goes with the commit that is handed over
    /// next.
    fn written(&self) -> Written;
    /// What a zone measures of a quantity now; none where nothing can be believed. Where fewer
    /// than three sensors are, who cannot outvote each other, it is what lies furthest toward.
    fn measure(&self, zone: &ZoneId, quantity: &str, toward: Toward) -> Option<f64>;
    /// The first of these troubles that a zone's sensors of a quantity have, while none of them can
    /// be believed.
    fn trouble(&self, zone: &ZoneId, quantity: &Quantity, of: &[Trouble]) -> Option<Trouble>;
    /// While this stays the same, `operation`, `fresh` and `trouble` answer the same; none where nobody counts.
    fn revision(&self) -> Option<u64>;
}

/// Decides who moves which device, and remembers what it decided. It never drives.
#[derive(Debug, Clone)]
pub struct Gate {
    pub(crate) devices: BTreeMap<DeviceId, Device>,
    /// What binds them whatever is asked.
    pub(crate) bonds: Bonds,
    /// Devices that wait until who leaves under their name or from their output has left.
    pub(crate) arrivals: BTreeMap<DeviceId, Arrival>,
    /// Somebody leaves, or waits to come.
    pub(crate) exchanging: bool,
    /// What devices have had that are not there now.
    pub(crate) absent: BTreeMap<DeviceId, Had>,
    /// When the next start level may be wished.
    pub(crate) next_start: Moment,
    /// What happened since the last settling.
    pub(crate) pending: Settlement,
    /// The fuses.
    pub(crate) circuits: BTreeMap<Text, CircuitSpec>,
    /// Who stands beside whom; made anew where the tables changed.
    pub(crate) neighbours: Neighbours,
    pub(crate) wired: bool,
    /// Everything is to be settled again, not only who was told something.
    pub(crate) all_roused: bool,
    /// The world as the last settling saw it.
    pub(crate) revision: Option<u64>,
    /// Whose sensor witnesses whom.
    pub(crate) witnesses: Vec<(Feedback, DeviceId)>,
}

impl Gate {
    /// A gate over these devices, with what the log remembers. Requests that were open when the
    /// host ended have failed: the first settling says so.
    pub fn new(
        devices: impl IntoIterator<Item = DeviceSpec>,
        restored: &Restored,
        now: Now,
    ) -> Self {
        let devices: BTreeMap<_, _> = devices
            .into_iter()
            .map(|spec| (spec.id.clone(), Device::new(spec, restored, now)))
            .collect();
        let absent = Had::restored(restored, &devices, now);
        let mut pending = Settlement::default();
        for (seq, device) in &restored.open {
            pending.tell(*seq, device, Outcome::Failed, "host restarted");
            pending.records.push(Record::Closed(*seq));
        }
        Self {
            devices,
            bonds: Bonds::restored(restored),
            arrivals: BTreeMap::new(),
            exchanging: false,
            absent,
            next_start: now.moment,
            pending,
            circuits: BTreeMap::new(),
            neighbours: Neighbours::default(),
            wired: false,
            all_roused: true,
            revision: None,
            witnesses: Vec::new(),
        }
    }

    /// Takes over the table of circuits.
    pub fn circuits(&mut self, circuits: &BTreeMap<Text, CircuitSpec>) {
        self.circuits = circuits.clone();
        self.wired = false;
    }

    /// Whether this is an equal renewal: it has extended its lease, and is neither recorded nor
    /// decided. Ask before the request is given a number.
    pub fn renews(&mut self, ask: &Ask<'_>, world: &impl World, now: Now) -> bool {
        let Some(device) = self.devices.get_mut(&ask.request.device) else {
            return false;
        };
        let around = self.bonds.around(&device.spec, world, now);
        if !decide::renews(ask, device, &around) {
            return false;
        }
        if let Some(claim) = device.claims.get_mut(ask.requester) {
            claim.until = claim.until.max(decide::lease_end(ask, &device.spec));
            claim.cut = claim.cut.max(ask.cut);
            claim.reason = ask.request.reason.clone();
            device.roused = true;
        }
        true
    }

    /// Decides a request, and records its claim. `seq` is its event: outcomes name it.
    pub fn decide(&mut self, ask: &Ask<'_>, seq: Seq, world: &impl World, now: Now) -> Verdict {
        let Some(device) = self.devices.get_mut(&ask.request.device) else {
            let unknown = policy::unknown_device(&ask.request.device, self.devices.keys());
            return refused(Refusal::denied(policy::FORM, unknown.message));
        };
        let mut around = self.bonds.around(&device.spec, world, now);
        let at = self.neighbours.place_of(&device.spec.id);
        let precedence = Precedence::Claim(Rank::of(ask.requester, &device.spec));
        around.beside = self.neighbours.beside(at, precedence, world, now.moment);
        match decide::decide(ask, seq, device, &around) {
            Decision::Refuse(refusal) => refused(refusal),
            Decision::Release => {
                device.roused = true;
                let_go(device, ask.requester, &mut self.pending);
                device.released.insert(ask.requester.clone());
                released()
            }
            Decision::Claim(claim) => {
                device.roused = true;
                device.dose(&claim, around.operation, now, &mut self.pending);
                let older = device.claims.contains_key(ask.requester);
                if older {
                    let why = format!("replaced by {seq}");
                    close(
                        device,
                        ask.requester,
                        Outcome::Superseded,
                        &why,
                        &mut self.pending,
                    );
                }
                device.released.remove(ask.requester);
                device.last_end = None;
                device.claims.insert(ask.requester.clone(), claim.clone());
                self.pending
                    .records
                    .push(Record::Opened(seq, device.spec.id.clone()));
                decide::judge(ask, &claim, device, &around)
            }
        }
    }

    /// What deciding leaves for the log: it belongs in one commit with the requests it is about.
    pub fn take_records(&mut self) -> Vec<Record> {
        std::mem::take(&mut self.pending.records)
    }

    /// A person holds a device at a level (none: where it is), for so long (none: until released).
    pub fn hold(
        &mut self,
        device: &DeviceId,
        level: Option<f64>,
        lasting: Option<Span>,
        who: &Text,
        reason: &Text,
        now: Now,
    ) -> Result<(), Objection> {
        if let Some(lock) = self.bonds.locked.get(device) {
            return Err(Objection::new(policy::LOCK_OUT, say::locked(lock, device)));
        }
        let device = self.device_mut(device)?;
        let operation = device.operation.unwrap_or(Operation::Observe);
        let here = device.course(operation).position();
        let level = level.or(here).unwrap_or(device.spec.safe_level);
        policy::check_level(level, &device.spec)
            .map_err(|why| Objection::new(policy::FORM, why))?;
        let hold = Hold {
            level: envelope::clamp(level, &device.spec),
            until: lasting.map(|span| wall_of(now.moment + span, now)),
            who: who.clone(),
            reason: reason.clone(),
        };
        device.held = Some(Held {
            hold: hold.clone(),
            set: now.moment,
            until: lasting.map(|span| now.moment + span),
            by_label: false,
        });
        let record = Record::Hold(device.spec.id.clone(), Some(hold));
        self.pending.records.push(record);
        Ok(())
    }

    /// The wall clock has jumped: holds last as long as they were to, and bear the new label; and
    /// doses may be free at another moment.
    pub fn relabel(&mut self, now: Now) {
        self.all_roused = true;
        for device in self.devices.values_mut() {
            let Some(held) = device.held.as_mut().filter(|held| held.until.is_some()) else {
                continue;
            };
            held.relabel(now);
            let record = Record::Hold(device.spec.id.clone(), Some(held.hold.clone()));
            self.pending.records.push(record);
        }
    }

    /// A person lets go of a device: its hold, and what people set, end; and it is believed again
    /// where its witness had caught it.
    pub fn release(&mut self, device: &DeviceId) -> Result<(), Objection> {
        let device = self.device_mut(device)?;
        let id = device.spec.id.clone();
        let held = device.held.take().is_some();
        let mended = device.witness.doubts();
        let people: Vec<Requester> = device
            .claims
            .keys()
            .filter(|requester| matches!(requester, Requester::Person(_)))
            .cloned()
            .collect();
        if !held && !mended && people.is_empty() {
            return Err(Objection::new(
                "nothing_to_release",
                format!("nobody holds or has set {id}, and nothing is wrong with it"),
            ));
        }
        if held {
            self.pending.records.push(Record::Hold(id.clone(), None));
        }
        if let Some(device) = self.devices.get_mut(&id) {
            witness::release(device, &mut self.pending);
            for person in &people {
                let_go(device, person, &mut self.pending);
            }
        }
        Ok(())
    }

    /// Stops a zone (none: everything): its claims end and it goes to its safe levels, whatever
    /// runs. A person's stop drives even a zone that is only observed.
    pub fn stop(&mut self, zone: Option<&ZoneId>, reason: &Text, by: &Requester) {
        self.all_roused = true;
        let person = matches!(by, Requester::Person(_));
        for device in self.devices.values_mut() {
            if !binds(zone, &device.spec) {
                continue;
            }
            let why = format!("stopped by {by}: {reason}");
            close_all(device, Outcome::Superseded, &why, &mut self.pending);
            device.start = Start::Over;
            device.homing |= person && device.operation == Some(Operation::Observe);
        }
        let stop = Stop {
            reason: reason.clone(),
        };
        self.bonds.stops.insert(zone.cloned(), stop);
        let record = Record::Stopped(zone.cloned(), Some(reason.clone()));
        self.pending.records.push(record);
    }

    /// Whether everything is stopped.
    pub fn is_stopped(&self) -> bool {
        self.bonds.stops.contains_key(&None)
    }

    /// Takes back the stop of a zone (none: every stop), and the latched trips there once they
    /// are clear. Claims begin empty.
    pub fn reset(&mut self, zone: Option<&ZoneId>) -> Result<(), Objection> {
        let ended: Vec<Option<ZoneId>> = self
            .bonds
            .stops
            .keys()
            .filter(|stopped| zone.is_none() || stopped.as_ref() == zone)
            .cloned()
            .collect();
        if let Some(objection) = self.not_clear(zone) {
            return Err(objection);
        }
        if self.reset_trips(zone) == 0 && ended.is_empty() {
            return Err(self.nothing_stopped(zone));
        }
        self.all_roused = true;
        for stopped in ended {
            for device in self.devices.values_mut() {
                if binds(stopped.as_ref(), &device.spec) {
                    close_all(
                        device,
                        Outcome::Lapsed,
                        "the stop was reset",
                        &mut self.pending,
                    );
                }
            }
            self.bonds.stops.remove(&stopped);
            self.pending.records.push(Record::Stopped(stopped, None));
        }
        Ok(())
    }

    /// Ends every claim of a requester that is gone: a plug-in removed or quarantined.
    pub fn forget(&mut self, requester: &Requester, why: &str) {
        self.all_roused = true;
        for device in self.devices.values_mut() {
            if device.claims.contains_key(requester) {
                close(device, requester, Outcome::Lapsed, why, &mut self.pending);
            }
            device.released.remove(requester);
        }
    }

    /// Ends a requester's claim on one device: what allowed it is taken back.
    pub fn withdraw(&mut self, requester: &Requester, device: &DeviceId, why: &str) {
        if let Some(device) = self.devices.get_mut(device) {
            device.roused = true;
            close(device, requester, Outcome::Lapsed, why, &mut self.pending);
            device.released.remove(requester);
        }
    }

    /// The process ends: claims end, everything goes to its safe level. This breaks minimum on,
    /// and the record says so; it never breaks minimum off.
    pub fn end(&mut self, world: &impl World, now: Now) -> Settlement {
        (self.bonds.ending, self.all_roused) = (true, true);
        for device in self.devices.values_mut() {
            close_all(device, Outcome::Lapsed, "the host ends", &mut self.pending);
        }
        self.settle(world, now)
    }

    /// Whether a pulse waits only for its request to be on disk, or a run for its count.
    pub fn awaits_durability(&self, world: &impl World) -> bool {
        let waits = |claim: &Claim| claim.waits() && !world.durable(claim.seq);
        let durable = world.written().durable;
        let counts = |device: &Device| device.counted.is_some_and(|commit| commit > durable);
        self.devices
            .values()
            .filter(|device| device.operation != Some(Operation::Observe))
            .any(|device| counts(device) || device.claims.values().any(waits))
    }

    pub(crate) fn device_mut(&mut self, id: &DeviceId) -> Result<&mut Device, Objection> {
        self.all_roused = true;
        let unknown = policy::unknown_device(id, self.devices.keys());
        self.devices.get_mut(id).ok_or(unknown)
    }

    fn nothing_stopped(&self, zone: Option<&ZoneId>) -> Objection {
        let what = match zone {
            Some(_) if self.bonds.stops.contains_key(&None) => {
                "everything is stopped: reset without naming a zone".to_owned()
            }
            Some(zone) => format!("zone {zone} is not stopped"),
            None => "nothing is stopped".to_owned(),
        };
        Objection::new("nothing_stopped", what)
    }
}

/// Whether a stop of `zone` is one of this device.
fn binds(zone: Option<&ZoneId>, spec: &DeviceSpec) -> bool {
    zone.is_none() || zone == spec.zone.as_ref()
}

fn let_go(device: &mut Device, requester: &Requester, out: &mut Settlement) {
    if device.claims.contains_key(requester) {
        let why = format!("released by {requester}");
        close(device, requester, Outcome::Lapsed, &why, out);
    }
}

/// Ends all claims of a device.
pub(crate) fn close_all(device: &mut Device, outcome: Outcome, why: &str, out: &mut Settlement) {
    let requesters: Vec<Requester> = device.claims.keys().cloned().collect();
    for requester in requesters {
        close(device, &requester, outcome, why, out);
    }
    device.released.clear();
}

fn refused(refusal: Refusal) -> Verdict {
    Verdict {
        kind: refusal.kind,
        policy: refusal.policy,
        why: refusal.why,
        level: None,
        until: None,
        free_at: refusal.free_at,
    }
}

fn released() -> Verdict {
    Verdict {
        kind: VerdictKind::Granted,
        policy: "grant",
        why: "let go".to_owned(),
        level: None,
        until: None,
        free_at: None,
    }
}
