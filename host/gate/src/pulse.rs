//! Pulses: on for exactly so long, once; whatever interrupts one ends it, and nothing resumes it.
//!
//! ```text
//!            on disk, off, nothing in the way        ran its length: executed
//!  waits ────────────────────────────────────▶ runs ────────────────────────▶ ended
//!    │ not within the age a request may have           │ stop, hold, another claim, condition,
//!    └─▶ failed: it never ran                          │ driver lost or failed, off by itself
//!                                                      └─▶ failed or superseded: it ran so long
//! ```
//!
//! A pulse is a claim, so that rank, stop, hold and operation bind it like any other. Its length
//! is told to the driver once and counts there; here it counts from the confirmation, as a second
//! hand that puts the device off where the far side has no timer.

use growbox_model::{
    DeviceSpec, Moment, Operation, Outcome, Record, Requester, Seq, Span, Verdict, VerdictKind,
};

use crate::claim::Claim;
use crate::decide::Ask;
use crate::device::Device;
use crate::gate::World;
use crate::policy::{OLDEST, pass};
use crate::say;
use crate::settle::{Consequence, Settlement};
use crate::wish::{Circumstances, Owner, wish};

/// A driver that has not confirmed for so long beyond the pulse's length never will.
const UNCONFIRMED: Span = Span::seconds(10);

/// A far side whose timer ran a second and a tenth short still gave the dose.
const NEARLY: Span = Span::seconds(1);

/// What a claim for a pulse has beside a level.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Pulse {
    /// How long, inside the longest run.
    pub(crate) length: Span,
    /// When its order went out; none while it waits.
    pub(crate) begun: Option<Moment>,
    /// When its driver said that it is on.
    pub(crate) confirmed: Option<Moment>,
}

impl Pulse {
    fn ran(&self, now: Moment) -> Option<Span> {
        Some(now.since(self.confirmed.or(self.begun)?))
    }

    fn is_complete(&self, ran: Span) -> bool {
        ran.0 + ran.0 / 10 + NEARLY.0 >= self.length.0
    }
}

/// A pulse that somebody ended while it ran.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct CutShort {
    seq: Seq,
    pulse: Pulse,
    outcome: Outcome,
    why: String,
}

impl CutShort {
    /// Of a claim that ends; none where it is no pulse, or one that never ran.
    pub(crate) fn of(claim: &Claim, outcome: Outcome, why: &str) -> Option<Self> {
        let pulse = claim.pulse.filter(|pulse| pulse.begun.is_some())?;
        Some(Self {
            seq: claim.seq,
            pulse,
            outcome,
            why: why.to_owned(),
        })
    }
}

/// The claim of a request for a pulse, inside the longest run.
pub(crate) fn claim(ask: &Ask<'_>, seq: Seq, asked: Span, spec: &DeviceSpec) -> Claim {
    Claim {
        requester: ask.requester.clone(),
        seq,
        asked: 1.0,
        level: 1.0,
        lease: ask.request.lease,
        until: starts_by(ask),
        cut: ask.cut,
        reason: ask.request.reason.clone(),
        told: None,
        pulse: Some(Pulse {
            length: spec.max_on.map_or(asked, |longest| asked.min(longest)),
            begun: None,
            confirmed: None,
        }),
    }
}

/// A pulse begins while its request is young, or never.
pub(crate) fn starts_by(ask: &Ask<'_>) -> Moment {
    ask.caused_at + OLDEST
}

/// How far a pulse that was let in comes for now.
pub(crate) fn judge(
    pulse: Pulse,
    asked: Span,
    device: &Device,
    around: &Circumstances<'_>,
) -> Verdict {
    let (spec, now) = (&device.spec, around.now);
    let course = device.course(around.operation);
    let rests = course.may_start(spec.min_off);
    let free_at = rests.filter(|free| *free > now.moment);
    let (kind, policy, why) = if let Some(free) = free_at {
        let until = say::clock(free, now);
        let why = format!("it rests at least {}, until {until}", spec.min_off);
        (VerdictKind::Dampened, "minimum_off", why)
    } else if pulse.length < asked {
        let length = pulse.length;
        let why = format!("asked {asked}, clamped to {length}: its longest run");
        (VerdictKind::Clamped, "maximum_on", why)
    } else {
        let why = format!("on for {}, once", pulse.length);
        (VerdictKind::Granted, "grant", why)
    };
    Verdict {
        kind,
        policy,
        why,
        level: Some(1.0),
        until: Some(free_at.unwrap_or(now.moment) + pulse.length),
        free_at,
    }
}

/// Whose pulse a device has, waiting or running. There is one at most.
pub(crate) fn of(device: &Device) -> Option<(&Claim, Pulse)> {
    let pulses = |claim| Claim::pulse_of(claim).map(|pulse| (claim, pulse));
    device.claims.values().find_map(pulses)
}

/// Begins a device's pulse when it may, ends it when it must.
pub(crate) fn advance(
    device: &mut Device,
    around: &Circumstances<'_>,
    world: &impl World,
    out: &mut Settlement,
) {
    let Some((claim, pulse)) = of(device) else {
        return;
    };
    let (requester, until, seq) = (claim.requester.clone(), claim.until, claim.seq);
    if pulse.begun.is_none() {
        let stored = around.operation == Operation::Observe || world.durable(seq);
        if until <= around.now.moment {
            let why = why_late(device, &requester, stored, around);
            end(device, &requester, Outcome::Failed, &why, around, out);
        } else if stored {
            begin(device, &requester, around, out);
        }
        return;
    }
    confirm(device, &requester, around);
    if let Some((outcome, why)) = over(device, &requester, around) {
        end(device, &requester, outcome, &why, around, out);
    }
}

/// Says of pulses that were ended from outside how long they ran.
pub(crate) fn tell_cut_short(
    device: &mut Device,
    around: &Circumstances<'_>,
    out: &mut Settlement,
) {
    for cut in std::mem::take(&mut device.cut_short) {
        let (seq, outcome, why) = (cut.seq, cut.outcome, cut.why);
        tell(device, seq, cut.pulse, outcome, &why, around, out);
    }
}

fn begin(
    device: &mut Device,
    requester: &Requester,
    around: &Circumstances<'_>,
    out: &mut Settlement,
) {
    let now = around.now.moment;
    if around.operation != Operation::Observe && !is_still(device) {
        return;
    }
    let Some(claim) = device.claims.get_mut(requester) else {
        return;
    };
    let waiting = claim.clone();
    start(claim, now);
    if hindered(device, requester, around, out).is_some() {
        device.claims.insert(requester.clone(), waiting);
    }
}

fn start(claim: &mut Claim, now: Moment) {
    if let Some(pulse) = &mut claim.pulse {
        pulse.begun = Some(now);
        claim.until = now + pulse.length + UNCONFIRMED;
    }
}

/// Known to be off, reachable, and with no order on its way.
fn is_still(device: &Device) -> bool {
    let (link, course) = (&device.link, &device.real);
    link.available
        && link.asserted
        && link.retry.is_none()
        && course.heading.is_none()
        && course.level == Some(0.0)
}

/// What keeps a pulse from running now, and what becomes of one that runs.
fn hindered(
    device: &Device,
    requester: &Requester,
    around: &Circumstances<'_>,
    out: &mut Settlement,
) -> Option<(Outcome, String)> {
    let wish = wish(device, around);
    if wish.owner != Owner::Claim(requester.clone()) {
        let winner = say::trigger(device, &wish.owner);
        return Some((Outcome::Superseded, format!("{winner} goes first")));
    }
    let passage = pass(&device.subject(around.operation, around, &wish));
    let first = passage.hindrances.first()?;
    for free_at in passage.hindrances.iter().filter_map(|h| h.free_at) {
        out.wake(free_at, around.now.moment);
    }
    let why = say::hindrance(first, &device.spec, around.now);
    Some((Outcome::Failed, why))
}

/// Why a pulse has waited for as long as its request counts.
fn why_late(
    device: &mut Device,
    requester: &Requester,
    stored: bool,
    around: &Circumstances<'_>,
) -> String {
    if let Some(claim) = device.claims.get_mut(requester) {
        start(claim, around.now.moment);
    }
    let obstacle = hindered(device, requester, around, &mut Settlement::default());
    if let Some(pulse) = device
        .claims
        .get_mut(requester)
        .and_then(|claim| claim.pulse.as_mut())
    {
        pulse.begun = None;
    }
    let why = match obstacle {
        _ if !stored => "its request was not on disk in time".to_owned(),
        Some((_, why)) => why,
        None => "its driver does not say that it is off".to_owned(),
    };
    format!("it could not begin within {OLDEST}: {why}")
}

/// Notes when it came on; its length counts from there.
fn confirm(device: &mut Device, requester: &Requester, around: &Circumstances<'_>) {
    let on = match around.operation {
        Operation::Observe => Some(device.imagined.since),
        Operation::Control | Operation::Paused => {
            let course = &device.real;
            let on = course.heading.is_none() && course.level == Some(1.0);
            on.then_some(course.since)
        }
    };
    let Some(claim) = device.claims.get_mut(requester) else {
        return;
    };
    if let Some(pulse) = claim.pulse.as_mut().filter(|p| p.confirmed.is_none()) {
        pulse.confirmed = on;
        claim.until = on.map_or(claim.until, |on| on + pulse.length);
    }
}

/// Whether a running pulse ends here, and how.
fn over(
    device: &Device,
    requester: &Requester,
    around: &Circumstances<'_>,
) -> Option<(Outcome, String)> {
    let claim = device.claims.get(requester)?;
    let (pulse, now) = (claim.pulse?, around.now.moment);
    let observed = around.operation == Operation::Observe;
    if observed && claim.until <= now {
        let why = "observed only: it would have run".to_owned();
        return Some((Outcome::Lapsed, why));
    }
    if !observed && let Some(why) = broken(device, pulse, now) {
        return Some(why);
    }
    if claim.until <= now {
        return Some(match pulse.confirmed {
            Some(_) => (Outcome::Executed, "done".to_owned()),
            None => (Outcome::Failed, "its driver never confirmed it".to_owned()),
        });
    }
    hindered(device, requester, around, &mut Settlement::default())
}

/// What the driver's side says of a pulse that is over.
fn broken(device: &Device, pulse: Pulse, now: Moment) -> Option<(Outcome, String)> {
    if let Some(why) = &device.link.failure {
        return Some((Outcome::Failed, why.clone()));
    }
    if !device.link.available {
        let why = "its driver was lost; only its own timer ends it".to_owned();
        return Some((Outcome::Failed, why));
    }
    let off = device.real.heading.is_none() && device.real.level == Some(0.0);
    let ran = pulse.ran(now).filter(|_| off)?;
    Some(if pulse.is_complete(ran) {
        (Outcome::Executed, "done by its own timer".to_owned())
    } else {
        let why = "it went off by itself or by somebody else".to_owned();
        (Outcome::Failed, why)
    })
}

fn end(
    device: &mut Device,
    requester: &Requester,
    outcome: Outcome,
    why: &str,
    around: &Circumstances<'_>,
    out: &mut Settlement,
) {
    let Some(claim) = device.claims.remove(requester) else {
        return;
    };
    out.records.push(Record::Closed(claim.seq));
    if let Some(pulse) = claim.pulse {
        tell(device, claim.seq, pulse, outcome, why, around, out);
    }
}

/// Says what became of it. Whatever is wanted next is told to the driver again: the timer of the
/// pulse may still run there.
fn tell(
    device: &mut Device,
    seq: Seq,
    pulse: Pulse,
    outcome: Outcome,
    why: &str,
    around: &Circumstances<'_>,
    out: &mut Settlement,
) {
    let ran = pulse.ran(around.now.moment).map(tenths);
    let why = match ran {
        Some(ran) => format!("{why}: ran {ran} of {}", pulse.length),
        None => why.to_owned(),
    };
    if ran.is_some() && around.operation != Operation::Observe {
        device.link.asserted = false;
    }
    device.last_end = Some(why.clone());
    out.outcomes.push(Consequence {
        seq,
        device: device.spec.id.clone(),
        outcome,
        why,
        ran,
    });
}

/// As exact as anybody reads it.
fn tenths(span: Span) -> Span {
    let tenth = Span::millis(100).0;
    Span((span.0 + tenth / 2) / tenth * tenth)
}
