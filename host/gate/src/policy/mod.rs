//! The policies, in two rows: what may refuse a request, and what may hold back a device.
//!
//! A policy is one file and one pure function. The order of each row is the order of precedence:
//! the first objection names itself; each hindrance sees the level that the ones before it left.

mod age;
mod availability;
pub(crate) mod beside;
mod condition;
mod cool_down;
mod current;
mod deadband;
mod doses;
pub(crate) mod envelope;
mod form;
mod give_way;
mod grant;
mod hold;
mod leaving;
mod light;
mod lock_out;
mod maximum_on;
mod minimum_off;
mod minimum_on;
mod needs_first;
mod never_with;
mod operation;
mod quiet_hours;
mod rank;
mod safety;
mod slew;
mod starts;
mod stop;

use growbox_model::{
    Command, DeviceId, DeviceSpec, Moment, Quantity, Requester, Text, VerdictKind,
};

use crate::course::Course;
use crate::decide::Ask;
use crate::device::Device;
use crate::dose::Doses;
use crate::pulse;
use crate::say;
use crate::starts::Starts;
use crate::wish::{Circumstances, Owner, Wish};

use beside::Dark;

pub(crate) use age::OLDEST;
pub(crate) use form::{NAME as FORM, check_level, unknown_device};
pub(crate) use lock_out::NAME as LOCK_OUT;
pub(crate) use maximum_on::is_exempt as runs_without_end;

/// A request before its device.
pub(crate) struct Case<'a> {
    /// The request and who asks.
    pub(crate) ask: &'a Ask<'a>,
    /// The device it asks for.
    pub(crate) device: &'a Device,
    /// What surrounds it.
    pub(crate) around: &'a Circumstances<'a>,
}

/// Why a request is refused.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Refusal {
    /// Denied or expired.
    pub(crate) kind: VerdictKind,
    /// Which policy.
    pub(crate) policy: &'static str,
    /// Why, in words.
    pub(crate) why: String,
    /// When it might be let in, where that is known.
    pub(crate) free_at: Option<Moment>,
}

impl Refusal {
    /// A denial by a policy.
    pub(crate) fn denied(policy: &'static str, why: String) -> Self {
        Self {
            kind: VerdictKind::Denied,
            policy,
            why,
            free_at: None,
        }
    }

    /// The same, with the moment at which asking has a use again.
    pub(crate) fn free_at(self, free_at: Option<Moment>) -> Self {
        Self { free_at, ..self }
    }
}

/// What may refuse a request, first objection first.
/// The last seven are about pulses only, which do not wait as levels do.
const OBJECTIONS: [fn(&Case<'_>) -> Option<Refusal>; 16] = [
    form::object,
    leaving::object,
    grant::object,
    age::object,
    lock_out::object,
    operation::object,
    safety::object,
    stop::object,
    hold::object,
    rank::object,
    condition::object,
    availability::object,
    minimum_on::object,
    minimum_off::object,
    impatience,
    doses::object,
];

/// The first objection to a request.
pub(crate) fn object(case: &Case<'_>) -> Option<Refusal> {
    OBJECTIONS.iter().find_map(|policy| policy(case))
}

/// Objects to a pulse that its neighbours would hold back for longer than its request is young.
fn impatience(case: &Case<'_>) -> Option<Refusal> {
    let Command::Pulse(length) = case.ask.request.command else {
        return None;
    };
    let (device, around) = (case.device, case.around);
    let wish = Wish {
        owner: Owner::Claim(case.ask.requester.clone()),
        level: 1.0,
        pulse: Some(length),
        ..Wish::of_nobody(&device.spec)
    };
    let subject = device.subject(around.operation, around, &wish);
    let hindrance = IMPATIENT.iter().find_map(|policy| policy(&subject, 1.0))?;
    let waits = |free_at: Moment| free_at < pulse::starts_by(case.ask);
    if hindrance.free_at.is_some_and(waits) {
        return None;
    }
    let why = say::hindrance(&hindrance, &device.spec, around.now);
    Some(Refusal::denied(hindrance.policy, why).free_at(hindrance.free_at))
}

/// What a pulse does not wait for.
const IMPATIENT: [Hinder; 6] = [
    give_way::hinder,
    light::hinder,
    never_with::hinder,
    needs_first::hinder,
    starts::hinder,
    current::hinder,
];

/// A device before a change.
pub(crate) struct Subject<'a> {
    /// What it is.
    pub(crate) spec: &'a DeviceSpec,
    /// Where it is.
    pub(crate) course: &'a Course,
    /// When it started lately.
    pub(crate) starts: &'a Starts,
    /// The doses it was given.
    pub(crate) doses: &'a Doses,
    /// The dose that is about to begin is among them.
    pub(crate) counted: bool,
    /// What surrounds it.
    pub(crate) around: &'a Circumstances<'a>,
    /// What is wanted of it.
    pub(crate) wish: &'a Wish,
}

impl Subject<'_> {
    fn now(&self) -> Moment {
        self.around.now.moment
    }

    /// Whether a level is one a controller asked for: comfort binds nobody else, and no safe level.
    fn is_controllers(&self, level: f64) -> bool {
        let controller = matches!(self.wish.owner, Owner::Claim(Requester::Plugin(_)));
        controller && !self.wish.forced && level != self.spec.safe_level
    }
}

/// What keeps a device from where it is wanted, for now.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Hindrance {
    /// Which policy.
    pub(crate) policy: &'static str,
    /// What it is about; `say` has the words, which settling does not need.
    pub(crate) obstacle: Obstacle,
    /// Where the device is to be meanwhile; none leaves it alone.
    pub(crate) level: Option<f64>,
    /// When it is over, where that is known.
    pub(crate) free_at: Option<Moment>,
}

/// What a hindrance is about.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Obstacle {
    /// A need is not fresh.
    Stale(Quantity),
    /// It has not run long enough.
    Runs,
    /// It has run its longest time.
    RunOut,
    /// It has not rested long enough.
    Rests,
    /// It is in the way of what a forced wish wants of another, and whose wish that is.
    GivesWay(DeviceId, Text),
    /// There is no light.
    Dark(Dark),
    /// Another that must not run at the same time runs, or may run, or ran just now.
    Excluded(DeviceId, bool),
    /// Another must run first.
    Lacks(DeviceId),
    /// Another runs only as long as it does.
    Carries(DeviceId),
    /// Its circuit has no more to give; ampere at most.
    Overload(Text, f64),
    /// Another device started on its circuit just now.
    StartsApart(Text),
    /// It has started as often as it may in an hour.
    StartedOften,
    /// The doses of the day are given.
    DosesGiven,
    /// It switched not long ago.
    Cools,
    /// The change is too small.
    Slight,
    /// It is to be quiet.
    Quiet,
    /// It changes step by step.
    Steps,
}

impl Hindrance {
    /// Whether it lets the wish through, only not as far or as fast as asked.
    pub(crate) fn clamps(&self) -> bool {
        matches!(self.obstacle, Obstacle::Quiet | Obstacle::Steps)
    }
}

type Hinder = fn(&Subject<'_>, f64) -> Option<Hindrance>;

/// What may hold back a device: what must not be at all, what would hurt it, what is uncomfortable,
/// how fast, and last what its circuit bears of that. Maximum on binds even what minimum on keeps running.
const HINDRANCES: [Hinder; 15] = [
    give_way::hinder,
    condition::hinder,
    light::hinder,
    never_with::hinder,
    needs_first::hinder,
    quiet_hours::hinder,
    minimum_on::hinder,
    maximum_on::hinder,
    minimum_off::hinder,
    starts::hinder,
    doses::hinder,
    cool_down::hinder,
    deadband::hinder,
    slew::hinder,
    current::hinder,
];

/// How far a wish comes.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Passage {
    /// Where the device is to be now; none leaves it alone.
    pub(crate) level: Option<f64>,
    /// Everything that stood in the way, in the row's order.
    pub(crate) hindrances: Vec<Hindrance>,
    /// Who may be in the way still, where safety waits no longer.
    pub(crate) despite: Option<DeviceId>,
}

impl Passage {
    /// Whether the wish goes through, only not as far or as fast as asked.
    pub(crate) fn clamps(&self) -> bool {
        self.hindrances.iter().all(Hindrance::clamps)
    }
}

/// Sends a wish past every policy.
pub(crate) fn pass(subject: &Subject<'_>) -> Passage {
    let mut passage = Passage {
        level: Some(subject.wish.level),
        hindrances: Vec::new(),
        despite: subject.around.beside.despite.clone(),
    };
    for policy in HINDRANCES {
        let Some(level) = passage.level else { break };
        if let Some(hindrance) = policy(subject, level) {
            passage.level = hindrance.level;
            passage.hindrances.push(hindrance);
        }
    }
    passage
}

/// Whether a run ends here because it has lasted its longest time.
pub(crate) fn runs_out(passage: &Passage) -> bool {
    let over = |h: &Hindrance| h.obstacle == Obstacle::RunOut;
    passage.hindrances.iter().any(over)
}
