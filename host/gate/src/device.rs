//! One device as the gate keeps it: what it is, who wants what of it, and how its driver answers.

use std::collections::{BTreeMap, BTreeSet};

use growbox_model::commit::{Hold, Restored, Switch};
use growbox_model::ports::wall_of;
use growbox_model::{
    DeviceSpec, Dose, Instant, Moment, Now, Operation, Record, Requester, Seq, Span,
};

use crate::claim::Claim;
use crate::course::Course;
use crate::dose::Doses;
use crate::policy::{Hindrance, Subject, envelope};
use crate::pulse::CutShort;
use crate::safety::Bound;
use crate::settle::Settlement;
use crate::starts::Starts;
use crate::wish::{Circumstances, Owner, Wish};
use crate::witness::Witness;

/// A device with all its state.
#[derive(Debug, Clone)]
pub(crate) struct Device {
    /// What it is.
    pub(crate) spec: DeviceSpec,
    /// One claim per requester.
    pub(crate) claims: BTreeMap<Requester, Claim>,
    /// Who let go with their newest request: letting go again is no news.
    pub(crate) released: BTreeSet<Requester>,
    /// A person's hold.
    pub(crate) held: Option<Held>,
    /// The safety rule that has taken it.
    pub(crate) safety: Option<Bound>,
    /// Where it is with its start level.
    pub(crate) start: Start,
    /// Where it really is.
    pub(crate) real: Course,
    /// Where it would be, while its zone is only observed.
    pub(crate) imagined: Course,
    /// What is known of its driver.
    pub(crate) link: Link,
    /// Its driver has told where it is since the start.
    pub(crate) seen: bool,
    /// The operation of its zone when it was last settled; none before the first time.
    pub(crate) operation: Option<Operation>,
    /// Observed, and still on the way to its safe level: left over from control, or a person's stop.
    pub(crate) homing: bool,
    /// Taken out of the configuration: until when it may be on its way to its safe level.
    pub(crate) leaving: Option<Moment>,
    /// The claim in force when it was last settled.
    pub(crate) in_force: Option<(Requester, Seq)>,
    /// What the last settling made of it.
    pub(crate) standing: Standing,
    /// Where it stays when nobody decides any more, as last settled.
    pub(crate) left_at: f64,
    /// How the last claim ended, for people.
    pub(crate) last_end: Option<String>,
    /// Pulses that counted for it, and those it would have had while its zone is only observed.
    pub(crate) doses: Doses,
    pub(crate) imagined_doses: Doses,
    /// A run that counts as a dose is about to begin: the commit with its count, which is to be on
    /// disk first.
    pub(crate) counted: Option<u64>,
    /// How often it started lately, and how often it would have.
    pub(crate) starts: Starts,
    pub(crate) imagined_starts: Starts,
    /// Pulses that were ended while they ran: the next settling says how long they did.
    pub(crate) cut_short: Vec<CutShort>,
    /// What its witness shows.
    pub(crate) witness: Witness,
    /// It was told something since it was last settled.
    pub(crate) roused: bool,
    /// It is to be looked at each time.
    pub(crate) restless: bool,
    /// When it is to be settled again at the latest; none until something happens.
    pub(crate) due: Option<Moment>,
}

/// A hold, and when it was set.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Held {
    /// The hold.
    pub(crate) hold: Hold,
    /// In room time: a longest run that ended later has used it up.
    pub(crate) set: Moment,
    /// When it ends in room time, which nobody can set; none: when it is released.
    pub(crate) until: Option<Moment>,
    /// Known by its label only: the log told it to a machine whose clock was not set yet.
    pub(crate) by_label: bool,
}

/// The start level is wished once, like a claim of the lowest rank.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Start {
    /// Its needs were never all fresh yet.
    Waiting,
    /// Wished at the first moment, until the second.
    Wished(Moment, Moment),
    /// There is none, or it is over.
    Over,
}

/// The driver's side of a device.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Link {
    /// Whether the driver reaches it. Until the driver says otherwise it does.
    pub(crate) available: bool,
    /// Whether the newest order went out since it was last lost sight of.
    pub(crate) asserted: bool,
    /// The far side's own timer: when it was set, when it puts the output to off.
    pub(crate) timer: Option<(Moment, Moment)>,
    /// What the order on its way is for: trigger and cause.
    pub(crate) purpose: (String, Option<Seq>),
    /// The newest failure, until the next order.
    pub(crate) failure: Option<String>,
    /// The level that failed, and when it may be tried again.
    pub(crate) retry: Option<(f64, Moment)>,
    /// Failures in a row.
    pub(crate) failures: u32,
    /// It has been said that it fails.
    pub(crate) failing: bool,
}

/// What the last settling made of a device.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Standing {
    /// What is wanted of it.
    pub(crate) wish: Wish,
    /// What keeps it from that.
    pub(crate) hindrance: Option<Hindrance>,
}

/// When a wall-clock time comes, as far as the clock can tell now.
fn moment_of(wall: Instant, now: Now) -> Moment {
    now.moment + wall.since(now.wall)
}

impl Held {
    /// The wall clock has jumped: it lasts as long as it was to, and bears the label of now.
    pub(crate) fn relabel(&mut self, now: Now) {
        if self.by_label {
            self.until = self.hold.until.map(|end| moment_of(end, now));
            self.by_label = !now.wall_trusted;
        } else {
            self.hold.until = self.until.map(|end| wall_of(end, now));
        }
    }
}

impl Device {
    /// As it stands at start.
    pub(crate) fn new(spec: DeviceSpec, restored: &Restored, now: Now) -> Self {
        let switch = restored.switches.iter().find(|s| s.device == spec.id);
        let kept = restored.clean && restored.same_boot;
        let hold = restored.holds.iter().find(|(id, _)| *id == spec.id);
        let standing = Standing {
            wish: Wish::of_nobody(&spec),
            hindrance: None,
        };
        Self {
            claims: BTreeMap::new(),
            released: BTreeSet::new(),
            held: hold.map(|(_, hold)| Held {
                hold: Hold {
                    level: envelope::clamp(hold.level, &spec),
                    ..hold.clone()
                },
                set: now.moment,
                until: hold.until.map(|end| moment_of(end, now)),
                by_label: !now.wall_trusted,
            }),
            safety: None,
            start: if spec.start_level == spec.safe_level {
                Start::Over
            } else {
                Start::Waiting
            },
            real: remembered(switch, kept, &spec, now.moment),
            imagined: Course::at(spec.safe_level, now.moment),
            link: Link::new(),
            seen: false,
            operation: None,
            homing: false,
            leaving: None,
            in_force: None,
            standing,
            left_at: spec.safe_level,
            last_end: None,
            doses: Doses::restored(&restored.doses, &spec.id, now),
            imagined_doses: Doses::default(),
            counted: None,
            starts: Starts::restored(&restored.starts, &spec.id, kept, now.moment),
            imagined_starts: Starts::default(),
            cut_short: Vec::new(),
            witness: Witness::restored(&restored.doubts, &spec.id),
            roused: true,
            restless: false,
            due: None,
            spec,
        }
    }

    /// The course its decisions count on.
    pub(crate) fn course(&self, operation: Operation) -> &Course {
        match operation {
            Operation::Observe => &self.imagined,
            Operation::Control | Operation::Paused => &self.real,
        }
    }

    /// The device before a change of its level.
    pub(crate) fn subject<'a>(
        &'a self,
        operation: Operation,
        around: &'a Circumstances<'a>,
        wish: &'a Wish,
    ) -> Subject<'a> {
        Subject {
            spec: &self.spec,
            course: self.course(operation),
            starts: match operation {
                Operation::Observe => &self.imagined_starts,
                Operation::Control | Operation::Paused => &self.starts,
            },
            doses: self.doses(operation),
            counted: self.counted.is_some(),
            around,
            wish,
        }
    }

    /// The same course, to be changed.
    pub(crate) fn course_mut(&mut self, operation: Operation) -> &mut Course {
        match operation {
            Operation::Observe => &mut self.imagined,
            Operation::Control | Operation::Paused => &mut self.real,
        }
    }

    /// The pulses that count on the course of an operation.
    pub(crate) fn doses(&self, operation: Operation) -> &Doses {
        match operation {
            Operation::Observe => &self.imagined_doses,
            Operation::Control | Operation::Paused => &self.doses,
        }
    }

    /// Counts a pulse that was let in, whether or not it comes to run: recorded with its request,
    /// so that no end of the process can make it uncounted.
    pub(crate) fn dose(
        &mut self,
        claim: &Claim,
        operation: Operation,
        now: Now,
        out: &mut Settlement,
    ) {
        let Some(pulse) = claim.pulse else { return };
        if operation == Operation::Observe {
            return self.imagined_doses.add(now);
        }
        self.count_dose(pulse.length, now, out);
    }

    /// Counts a run that is no pulse and begins now. How long it is nobody knows yet.
    pub(crate) fn dose_by_level(&mut self, now: Now, out: &mut Settlement) {
        self.count_dose(Span::ZERO, now, out);
    }

    fn count_dose(&mut self, length: Span, now: Now, out: &mut Settlement) {
        self.doses.add(now);
        out.records.push(Record::Dosed(Dose {
            device: self.spec.id.clone(),
            length,
            moment: now.moment,
            wall: now.wall,
        }));
    }

    /// Takes over when it is to be settled again from what was settled of it.
    pub(crate) fn note_due(&mut self, out: &mut Settlement) {
        if let Some(next) = out.next.take() {
            self.due = Some(self.due.map_or(next, |due| due.min(next)));
        }
    }

    /// Whether a pulse waits or runs, or was ended and is to be told of.
    pub(crate) fn has_pulses(&self) -> bool {
        !self.cut_short.is_empty() || self.claims.values().any(|claim| claim.pulse.is_some())
    }

    /// The claim in force, where one is.
    pub(crate) fn owner(&self) -> Option<&Claim> {
        match &self.standing.wish.owner {
            Owner::Claim(requester) => self.claims.get(requester),
            _ => None,
        }
    }
}

impl Link {
    /// Nothing heard, nothing ordered.
    fn new() -> Self {
        Self {
            available: true,
            asserted: false,
            timer: None,
            purpose: (String::new(), None),
            failure: None,
            retry: None,
            failures: 0,
            failing: false,
        }
    }
}

/// A clean end within the same boot keeps what protection knows; after any other the device may have switched just now.
/// So may one that was left on with its own timer running, which ends unseen. Nobody saw its run
/// end: its longest goes on.
fn remembered(switch: Option<&Switch>, kept: bool, spec: &DeviceSpec, now: Moment) -> Course {
    let mut course = Course::unknown(now);
    let left_on = switch.is_some_and(|switch| switch.level > 0.0) && spec.safe_level == 0.0;
    if !kept || left_on {
        course.lose(now);
        let on = switch.filter(|switch| switch.level > 0.0);
        course.run = on.map(|switch| switch.moment.min(now));
    } else if let Some(switch) = switch {
        course = Course::at(switch.level, switch.moment);
        if switch.level > 0.0 {
            course.last_on = Some(switch.moment);
        } else {
            course.last_off = Some(switch.moment);
        }
    }
    course
}
