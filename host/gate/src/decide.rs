//! Decides requests: refused by the first objection, or a claim, and how far that comes for now.

use growbox_model::{
    Command, DeviceSpec, Moment, Request, Requester, Seq, Span, Verdict, VerdictKind,
};

use crate::claim::Claim;
use crate::device::Device;
use crate::policy::{self, Case, Refusal, envelope, pass};
use crate::pulse;
use crate::say;
use crate::wish::{Circumstances, Owner, wish};

/// A person's `set` without a length lasts so long.
const PERSONS_LEASE: Span = Span::hours(1);

/// A controller that is woken rarely keeps what it asked for: a lease lasts so many of its ticks,
/// of which two may fail.
const TICKS: u64 = 3;

/// A request on its way to the gate.
#[derive(Debug, Clone, Copy)]
pub struct Ask<'a> {
    /// Who asks.
    pub requester: &'a Requester,
    /// Whether they may command this device: asked and granted; people may.
    pub granted: bool,
    /// The configuration that would allow it, for the refusal.
    pub grant_hint: &'a str,
    /// What they ask.
    pub request: &'a Request,
    /// When its newest cause was taken in; without one, the cut of its batch.
    pub caused_at: Moment,
    /// The cut of its batch, or when a person said it: leases count from here.
    pub cut: Moment,
    /// How often its requester is woken, where that is by ticks: a lease lasts some of them.
    pub tick: Option<Span>,
}

/// What a request comes to.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Decision {
    /// Nothing: the first objection.
    Refuse(Refusal),
    /// The requester's claim ends.
    Release,
    /// A new claim, in the place of the requester's older one.
    Claim(Claim),
}

/// Decides one request, and changes nothing.
pub(crate) fn decide(
    ask: &Ask<'_>,
    seq: Seq,
    device: &Device,
    around: &Circumstances<'_>,
) -> Decision {
    if let Some(refusal) = policy::object(&Case {
        ask,
        device,
        around,
    }) {
        return Decision::Refuse(refusal);
    }
    match ask.request.command {
        Command::Level(level) => Decision::Claim(claim(ask, seq, level, &device.spec)),
        Command::Pulse(length) => Decision::Claim(pulse::claim(ask, seq, length, &device.spec)),
        _ => Decision::Release,
    }
}

fn claim(ask: &Ask<'_>, seq: Seq, asked: f64, spec: &DeviceSpec) -> Claim {
    Claim {
        requester: ask.requester.clone(),
        seq,
        asked,
        level: envelope::clamp(asked, spec),
        lease: ask.request.lease,
        until: lease_end(ask, spec),
        cut: ask.cut,
        reason: ask.request.reason.clone(),
        told: None,
        pulse: None,
    }
}

/// When the lease of a request ends.
pub(crate) fn lease_end(ask: &Ask<'_>, spec: &DeviceSpec) -> Moment {
    let usual = match ask.requester {
        Requester::Plugin(_) => spec.lease.max(ticks(ask.tick)),
        Requester::Person(_) => PERSONS_LEASE,
    };
    ask.cut + ask.request.lease.unwrap_or(usual)
}

fn ticks(tick: Option<Span>) -> Span {
    tick.map_or(Span::ZERO, |tick| Span(tick.0.saturating_mul(TICKS)))
}

/// Whether a request asks for what already stands: then it only extends the lease.
pub(crate) fn renews(ask: &Ask<'_>, device: &Device, around: &Circumstances<'_>) -> bool {
    let equal = match ask.request.command {
        Command::Level(level) => device.claims.get(ask.requester).is_some_and(|claim| {
            claim.pulse.is_none()
                && claim.until > around.now.moment
                && claim.asked == level
                && claim.lease == ask.request.lease
        }),
        Command::Release => device.released.contains(ask.requester),
        Command::Pulse(_) | Command::Other(..) => false,
    };
    equal
        && policy::object(&Case {
            ask,
            device,
            around,
        })
        .is_none()
}

/// How far a recorded claim comes for now.
pub(crate) fn judge(
    ask: &Ask<'_>,
    claim: &Claim,
    device: &Device,
    around: &Circumstances<'_>,
) -> Verdict {
    if let (Some(pulse), Command::Pulse(asked)) = (claim.pulse, &ask.request.command) {
        return pulse::judge(pulse, *asked, device, around);
    }
    let wish = wish(device, around);
    let (kind, policy, why, free_at) = match &wish.owner {
        Owner::Claim(winner) if *winner == claim.requester => in_force(claim, device, around),
        Owner::Claim(winner) => outranked(claim, winner, device, around),
        Owner::Safety(_) => (
            VerdictKind::Granted,
            "safety",
            "it is what the safety rule wants".to_owned(),
            None,
        ),
        Owner::LockOut(_) => (
            VerdictKind::Granted,
            policy::LOCK_OUT,
            "it is locked out, and off".to_owned(),
            None,
        ),
        Owner::Stop | Owner::Leaving | Owner::End => (
            VerdictKind::Granted,
            "stop",
            "it is the safe level".to_owned(),
            None,
        ),
        Owner::Doubt => (
            VerdictKind::Dampened,
            "confirmation",
            say::doubted(device),
            None,
        ),
        Owner::Nobody | Owner::Start | Owner::Hold => run_out(device),
    };
    Verdict {
        kind,
        policy,
        why,
        level: Some(claim.level),
        until: Some(claim.until),
        free_at,
    }
}

type Judgement = (VerdictKind, &'static str, String, Option<Moment>);

fn in_force(claim: &Claim, device: &Device, around: &Circumstances<'_>) -> Judgement {
    let wish = wish(device, around);
    let passage = pass(&device.subject(around.operation, around, &wish));
    if let Some(first) = passage.hindrances.first() {
        let why = say::hindrance(first, &device.spec, around.now);
        if let Some(level) = passage.level.filter(|_| passage.clamps()) {
            let why = say::slowed(claim, level, &why, &device.spec);
            return (VerdictKind::Clamped, first.policy, why, first.free_at);
        }
        return (VerdictKind::Dampened, first.policy, why, first.free_at);
    }
    if let Some(clamped) = say::clamped(claim, &device.spec) {
        return (VerdictKind::Clamped, "envelope", clamped, None);
    }
    let until = say::clock(claim.until, around.now);
    if device.link.available {
        let why = format!("in force until {until}");
        (VerdictKind::Granted, "grant", why, None)
    } else {
        let why = format!(
            "{} cannot be reached; the request stands until {until}",
            device.spec.id
        );
        (VerdictKind::Granted, "availability", why, None)
    }
}

fn outranked(
    claim: &Claim,
    winner: &Requester,
    device: &Device,
    around: &Circumstances<'_>,
) -> Judgement {
    let spent = !device.course(around.operation).counts(claim.cut);
    match device.claims.get(winner) {
        Some(winner) if !spent => (
            VerdictKind::Outranked,
            "rank",
            say::outranked_by(winner, &device.spec, around.now),
            None,
        ),
        _ => run_out(device),
    }
}

/// A claim that no wish follows was cut before the device's longest run ended.
fn run_out(device: &Device) -> Judgement {
    (
        VerdictKind::Dampened,
        "maximum_on",
        say::run_out(&device.spec),
        None,
    )
}
