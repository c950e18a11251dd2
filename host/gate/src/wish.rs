//! What is wanted of a device: lock-out, safety, stop, hold, top claim, start level or, when nobody asks, its safe level.

use growbox_model::ports::Written;
use growbox_model::{
    DeviceSpec, LockOut, Moment, Now, Operation, Quantity, Requester, Seq, Span, Text,
};

use crate::bonds::Stop;
use crate::claim::{self, Rank};
use crate::device::{Device, Start};
use crate::policy::beside::Beside;

/// What surrounds a device at one instant.
#[derive(Debug, Clone)]
pub(crate) struct Circumstances<'a> {
    /// Whether growbox may act in its zone.
    pub(crate) operation: Operation,
    /// The first of its needs that is not fresh.
    pub(crate) stale: Option<Quantity>,
    /// The stop that binds it.
    pub(crate) stop: Option<&'a Stop>,
    /// Who locked it out.
    pub(crate) locked: Option<&'a LockOut>,
    /// It is hot where it is stopped, or nobody knows that it is not: emergency levels count.
    pub(crate) hot: bool,
    /// The process ends: everything goes to its safe level.
    pub(crate) ending: bool,
    /// The room clock.
    pub(crate) now: Now,
    /// How far the log has come.
    pub(crate) written: Written,
    /// What its neighbours mean for it.
    pub(crate) beside: Beside,
}

impl Circumstances<'_> {
    /// Where a stop brings a device.
    pub(crate) fn stopped_at(&self, spec: &DeviceSpec) -> f64 {
        if self.hot {
            spec.emergency_level
        } else {
            spec.safe_level
        }
    }
}

/// Whose wish it is.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Owner {
    /// Nobody asks.
    Nobody,
    /// A claim.
    Claim(Requester),
    /// The start level.
    Start,
    /// A person's hold.
    Hold,
    /// A person who works at it.
    LockOut(LockOut),
    /// A safety rule.
    Safety(Text),
    /// A stop.
    Stop,
    /// It does not do as it is told, says its witness.
    Doubt,
    /// It is taken out of the configuration.
    Leaving,
    /// The process ends.
    End,
}

/// What is wanted of a device.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Wish {
    /// Whose.
    pub(crate) owner: Owner,
    /// Where it should be.
    pub(crate) level: f64,
    /// When the wish ends by itself; none where the host keeps it up.
    pub(crate) until: Option<Moment>,
    /// The request it follows from.
    pub(crate) cause: Option<Seq>,
    /// It is a pulse of this length: its end is the far side's own, told once and never again.
    pub(crate) pulse: Option<Span>,
    /// Goes before conditions and minimum on; never before minimum off.
    pub(crate) forced: bool,
}

impl Wish {
    /// The safe level, because nobody asks.
    pub(crate) fn of_nobody(spec: &DeviceSpec) -> Self {
        Self {
            owner: Owner::Nobody,
            level: spec.safe_level,
            until: None,
            cause: None,
            pulse: None,
            forced: false,
        }
    }

    /// The safe level, whatever runs.
    pub(crate) fn forced(owner: Owner, spec: &DeviceSpec) -> Self {
        Self {
            owner,
            forced: true,
            ..Self::of_nobody(spec)
        }
    }

    /// Safety, a stop and the end do; whoever locks a device out can wait that long.
    pub(crate) fn breaks_minimum_on(&self) -> bool {
        self.forced && !matches!(self.owner, Owner::LockOut(_))
    }

    /// Off, whatever its safe level: somebody works at it.
    pub(crate) fn locked(lock: &LockOut, spec: &DeviceSpec) -> Self {
        Self {
            level: 0.0,
            ..Self::forced(Owner::LockOut(lock.clone()), spec)
        }
    }
}

/// Who goes before whom where wishes for different devices meet; the smaller one goes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Precedence {
    /// Safety, a stop, the end.
    Forced,
    /// A person's hold.
    Hold,
    /// A claim.
    Claim(Rank),
    /// A start level.
    Start,
    /// A safe level.
    Nobody,
}

impl Precedence {
    /// Of a wish.
    pub(crate) fn of(wish: &Wish, spec: &DeviceSpec) -> Self {
        match &wish.owner {
            _ if wish.forced => Self::Forced,
            Owner::Hold => Self::Hold,
            Owner::Claim(requester) => Self::Claim(Rank::of(requester, spec)),
            Owner::Start => Self::Start,
            _ => Self::Nobody,
        }
    }
}

/// What is wanted of this device now.
pub(crate) fn wish(device: &Device, around: &Circumstances<'_>) -> Wish {
    let bound = of_bonds(device, around);
    if let Some(lock) = around.locked {
        // Whoever locks it out can wait until it has run its shortest time; who forces it off cannot.
        let on = device.course(around.operation).is_on();
        return bound
            .filter(|wish| on && wish.level == 0.0)
            .unwrap_or_else(|| Wish::locked(lock, &device.spec));
    }
    bound
        .or_else(|| of_hold(device, around))
        .or_else(|| of_doubt(device))
        .or_else(|| of_claims(device, around))
        .or_else(|| of_start(device, around))
        .unwrap_or_else(|| Wish::of_nobody(&device.spec))
}

/// What forces it, whoever wants something else: the end, its leaving, a safety rule, a stop.
fn of_bonds(device: &Device, around: &Circumstances<'_>) -> Option<Wish> {
    if around.ending {
        return Some(Wish {
            level: left_at(device, around),
            ..Wish::forced(Owner::End, &device.spec)
        });
    }
    if device.leaving.is_some() {
        return Some(Wish::forced(Owner::Leaving, &device.spec));
    }
    if let Some(bound) = &device.safety {
        return Some(Wish {
            level: bound.level,
            ..Wish::forced(Owner::Safety(bound.rule.clone()), &device.spec)
        });
    }
    around.stop.map(|_| Wish {
        level: around.stopped_at(&device.spec),
        ..Wish::forced(Owner::Stop, &device.spec)
    })
}

/// Where a device stays when nobody decides any more: where a rule that has tripped or a stop wants
/// it, since people may be in a room whose air is bad; else where it is safe. What a rule turns on
/// beyond its emergency level, such as a heater, is not left alone with nobody watching.
pub(crate) fn left_at(device: &Device, around: &Circumstances<'_>) -> f64 {
    let spec = &device.spec;
    let observed = around.operation == Operation::Observe;
    let bound = device.safety.as_ref().filter(|_| !observed);
    let wanted = match bound {
        _ if around.locked.is_some() => 0.0,
        _ if device.leaving.is_some() => spec.safe_level,
        Some(bound) => bound.level,
        None if around.stop.is_some() => around.stopped_at(spec),
        None => spec.safe_level,
    };
    if wanted <= spec.emergency_level.max(spec.safe_level) {
        wanted
    } else {
        spec.safe_level
    }
}

/// A hold that has run its longest time keeps everybody else out, at the safe level.
fn of_hold(device: &Device, around: &Circumstances<'_>) -> Option<Wish> {
    let held = device.held.as_ref()?;
    let counts = device.course(around.operation).counts(held.set);
    let level = if counts {
        held.hold.level
    } else {
        device.spec.safe_level
    };
    Some(Wish {
        owner: Owner::Hold,
        level,
        until: held.until,
        ..Wish::of_nobody(&device.spec)
    })
}

/// The safe level, for who was caught too often.
fn of_doubt(device: &Device) -> Option<Wish> {
    device.witness.given_up.as_ref()?;
    Some(Wish {
        owner: Owner::Doubt,
        ..Wish::of_nobody(&device.spec)
    })
}

fn of_claims(device: &Device, around: &Circumstances<'_>) -> Option<Wish> {
    let course = device.course(around.operation);
    let standing = device
        .claims
        .values()
        .filter(|claim| !claim.waits())
        .filter(|claim| claim.until > around.now.moment && course.counts(claim.cut));
    claim::top(standing, &device.spec).map(|claim| Wish {
        owner: Owner::Claim(claim.requester.clone()),
        level: claim.level,
        until: Some(claim.until),
        cause: Some(claim.seq),
        pulse: claim.pulse.map(|pulse| pulse.length),
        forced: false,
    })
}

fn of_start(device: &Device, around: &Circumstances<'_>) -> Option<Wish> {
    match device.start {
        Start::Wished(since, until)
            if until > around.now.moment && device.course(around.operation).counts(since) =>
        {
            Some(Wish {
                owner: Owner::Start,
                level: device.spec.start_level,
                until: Some(until),
                ..Wish::of_nobody(&device.spec)
            })
        }
        _ => None,
    }
}
