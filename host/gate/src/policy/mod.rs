//! The policies, in two rows: what may refuse a request, and what may hold back a device.
//!
//! A policy is one file and one pure function. The order of each row is the order of precedence:
//! the first objection names itself; each hindrance sees the level that the ones before it left.

mod age;
mod availability;
mod condition;
mod doses;
pub(crate) mod envelope;
mod form;
mod grant;
mod hold;
mod leaving;
mod maximum_on;
mod minimum_off;
mod minimum_on;
mod operation;
mod rank;
mod stop;

use growbox_model::{DeviceSpec, Moment, Quantity, VerdictKind};

use crate::course::Course;
use crate::decide::Ask;
use crate::device::Device;
use crate::wish::{Circumstances, Wish};

pub(crate) use age::OLDEST;
pub(crate) use form::{NAME as FORM, check_level, unknown_device};

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
/// The last six are about pulses only, which do not wait as levels do.
const OBJECTIONS: [fn(&Case<'_>) -> Option<Refusal>; 13] = [
    form::object,
    leaving::object,
    grant::object,
    age::object,
    operation::object,
    stop::object,
    hold::object,
    rank::object,
    condition::object,
    availability::object,
    minimum_on::object,
    minimum_off::object,
    doses::object,
];

/// The first objection to a request.
pub(crate) fn object(case: &Case<'_>) -> Option<Refusal> {
    OBJECTIONS.iter().find_map(|policy| policy(case))
}

/// A device before a change.
pub(crate) struct Subject<'a> {
    /// What it is.
    pub(crate) spec: &'a DeviceSpec,
    /// Where it is.
    pub(crate) course: &'a Course,
    /// What surrounds it.
    pub(crate) around: &'a Circumstances<'a>,
    /// What is wanted of it.
    pub(crate) wish: &'a Wish,
}

impl Subject<'_> {
    fn now(&self) -> Moment {
        self.around.now.moment
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
}

/// What may hold back a device. Maximum on binds even what minimum on keeps running.
const HINDRANCES: [fn(&Subject<'_>, f64) -> Option<Hindrance>; 4] = [
    condition::hinder,
    minimum_on::hinder,
    maximum_on::hinder,
    minimum_off::hinder,
];

/// How far a wish comes.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Passage {
    /// Where the device is to be now; none leaves it alone.
    pub(crate) level: Option<f64>,
    /// Everything that stood in the way, in the row's order.
    pub(crate) hindrances: Vec<Hindrance>,
}

/// Sends a wish past every policy.
pub(crate) fn pass(subject: &Subject<'_>) -> Passage {
    let mut passage = Passage {
        level: Some(subject.wish.level),
        hindrances: Vec::new(),
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
