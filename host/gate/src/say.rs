//! The gate's sentences: why a device is where it is, and why somebody did not get what they asked.

use growbox_model::commit::Hold;
use growbox_model::ports::wall_of;
use growbox_model::{DeviceId, DeviceSpec, Instant, LockOut, Moment, Now, Operation, Quantity};

use crate::bonds::Stop;
use crate::claim::Claim;
use crate::device::Device;
use crate::policy::beside::Dark;
use crate::policy::{Hindrance, Obstacle};
use crate::pulse::{self, Pulse};
use crate::wish::Owner;

/// What is said of a device that leaves.
pub(crate) const LEAVING: &str = "taken out of the configuration";

/// A moment as people read it, hours and minutes in UTC.
pub(crate) fn clock(moment: Moment, now: Now) -> String {
    wall(wall_of(moment, now))
}

fn wall(instant: Instant) -> String {
    let stamp = instant.to_string();
    let time = stamp.split('T').nth(1).unwrap_or(&stamp);
    format!("{} UTC", time.get(..5).unwrap_or(time))
}

/// A level as people read it: `on`, `off`, `35 %`.
pub(crate) fn level(level: f64, spec: &DeviceSpec) -> String {
    if level == 0.0 {
        "off".to_owned()
    } else if spec.switched {
        "on".to_owned()
    } else {
        format!("{:.0} %", level * 100.0)
    }
}

/// Both figures, where the envelope changed a level.
pub(crate) fn clamped(claim: &Claim, spec: &DeviceSpec) -> Option<String> {
    changed(claim.asked, claim.level, spec)
}

/// The same of a level that was asked for and the one it became.
pub(crate) fn changed(asked: f64, became: f64, spec: &DeviceSpec) -> Option<String> {
    let envelope = if became < asked {
        "its highest level"
    } else {
        "its lowest running level"
    };
    (became != asked).then(|| {
        format!(
            "asked {}, clamped to {}: {envelope}",
            level(asked, spec),
            level(became, spec)
        )
    })
}

/// Who is in force instead.
pub(crate) fn outranked_by(winner: &Claim, spec: &DeviceSpec, now: Now) -> String {
    format!(
        "{} goes first: {} until {}",
        winner.requester,
        level(winner.level, spec),
        clock(winner.until, now)
    )
}

/// What ran its longest time must be asked for anew.
pub(crate) fn run_out(spec: &DeviceSpec) -> String {
    let longest = spec
        .max_on
        .map_or(String::new(), |span| format!(" of {span}"));
    format!("its longest run{longest} is over; it must be asked for anew")
}

/// What keeps a device from where it is wanted.
pub(crate) fn hindrance(hindrance: &Hindrance, spec: &DeviceSpec, now: Now) -> String {
    let until = hindrance.free_at.map_or(String::new(), |moment| {
        format!(", until {}", clock(moment, now))
    });
    match &hindrance.obstacle {
        Obstacle::Stale(quantity) => stale(quantity, spec),
        Obstacle::Runs => format!("it runs at least {}{until}", spec.min_on),
        Obstacle::RunOut => run_out(spec),
        Obstacle::Rests => format!("it rests at least {}{until}", spec.min_off),
        Obstacle::GivesWay(other, by) => format!("it gives way to {other} ({by})"),
        Obstacle::Dark(dark) => format!("{} only runs in the light, and {}", spec.id, night(*dark)),
        Obstacle::Excluded(other, known) => excluded(other, *known, hindrance, &until),
        Obstacle::Lacks(other) => match hindrance.free_at {
            Some(_) => format!(
                "{other} must have run for {} first{until}",
                spec.settle_time
            ),
            None => format!("{other} must run first, and is not known to"),
        },
        Obstacle::Carries(other) => format!("{other} runs, or may run, only as long as it does"),
        Obstacle::Overload(circuit, limit) => {
            format!("circuit {circuit} bears {limit} A, and this would be more")
        }
        Obstacle::StartsApart(circuit) => {
            format!("devices of circuit {circuit} start one after the other")
        }
        Obstacle::StartedOften => format!(
            "it starts at most {} times an hour{until}",
            spec.starts_per_hour.unwrap_or_default()
        ),
        // When the next is free hangs on labels, and is told beside it as of now.
        Obstacle::DosesGiven => format!(
            "the {} doses of 24 h are given",
            spec.doses_per_day.unwrap_or_default()
        ),
        Obstacle::Cools => format!("it switches at most every {}{until}", spec.cool_down),
        Obstacle::Slight => {
            let percent = spec.deadband * 100.0;
            format!("it is not moved for less than {percent:.0} %")
        }
        Obstacle::Quiet => format!("its quiet hours{until}"),
        Obstacle::Steps => spec.slew.map_or(String::new(), |slew| {
            let percent = slew.step * 100.0;
            format!("at most {percent:.0} % in {}", slew.every)
        }),
    }
}

fn night(dark: Dark) -> &'static str {
    match dark {
        Dark::Night => "it is night",
        Dark::LampsOff => "no lamp of its zone is known to be on",
        Dark::Unknown => "nobody knows whether there is any: its zone has no lights_on and no lamp",
    }
}

fn excluded(other: &DeviceId, known: bool, hindrance: &Hindrance, until: &str) -> String {
    match (known, hindrance.free_at) {
        (false, _) => format!("{other} may be running, and never runs at the same time"),
        (true, None) => format!("{other} never runs at the same time"),
        (true, Some(_)) => format!("{other} never runs at the same time{until}"),
    }
}

/// Both figures, where a wish goes through step by step or lowered.
pub(crate) fn slowed(claim: &Claim, now_at: f64, why: &str, spec: &DeviceSpec) -> String {
    format!(
        "asked {}, clamped to {} for now: {why}",
        level(claim.asked, spec),
        level(now_at, spec)
    )
}

/// A need that is not fresh.
pub(crate) fn stale(quantity: &Quantity, spec: &DeviceSpec) -> String {
    format!("{quantity} is not fresh, and {} needs it", spec.id)
}

/// The doses of a day are given.
pub(crate) fn doses(limit: u32, free_at: Moment, now: Now) -> String {
    let free = clock(free_at, now);
    format!("the {limit} doses of 24 h are given, the next is free {free}")
}

/// The same, where a device has a bound and is at it.
pub(crate) fn doses_given(device: &Device, operation: Operation, now: Now) -> Option<String> {
    let limit = device.spec.doses_per_day?;
    let free_at = device.doses(operation).free_at(limit, now)?;
    Some(doses(limit, free_at, now))
}

/// A hold, its holder and its reason.
pub(crate) fn held(hold: &Hold, spec: &DeviceSpec) -> String {
    let until = hold.until.map_or("released".to_owned(), wall);
    format!(
        "held {} until {until} by {}: {}",
        level(hold.level, spec),
        hold.who,
        growbox_model::id::quoted(&hold.reason)
    )
}

/// Who locked a device out, and how that ends.
pub(crate) fn locked(lock: &LockOut, device: &DeviceId) -> String {
    let LockOut { who, reason, .. } = lock;
    let reason = growbox_model::id::quoted(reason);
    format!("locked out by {who}: {reason}; they end it with growbox device unlock {device}")
}

/// Why a device is where it is.
pub(crate) fn why(device: &Device, stop: Option<&Stop>, observed: bool, now: Now) -> String {
    let standing = &device.standing;
    let mut said = wish(device, stop);
    if observed {
        let would = level(standing.wish.level, &device.spec);
        said = format!("observed only, would be {would}: {said}");
    }
    if let Some(hindrance) = &standing.hindrance {
        said = format!(
            "{said}; but {}",
            self::hindrance(hindrance, &device.spec, now)
        );
    }
    if device.counted.is_some() {
        said = format!("{said}; it begins once its dose is counted on disk");
    }
    if !device.link.available && !observed {
        said = format!("it cannot be reached; {said}");
    } else if let Some(failure) = &device.link.failure {
        said = format!("its driver failed: {failure}; {said}");
    }
    said
}

fn wish(device: &Device, stop: Option<&Stop>) -> String {
    let spec = &device.spec;
    match &device.standing.wish.owner {
        Owner::LockOut(lock) => locked(lock, &spec.id),
        Owner::Safety(_) => bound(device),
        Owner::Doubt => doubted(device),
        Owner::Stop => format!(
            "stopped: {}",
            stop.map_or("no reason given", |stop| &stop.reason)
        ),
        Owner::Hold => device
            .held
            .as_ref()
            .map_or(String::new(), |held_| held(&held_.hold, spec)),
        Owner::Claim(requester) => device
            .claims
            .get(requester)
            .map_or(String::new(), |claim| claimed(claim, spec)),
        Owner::Start => format!("start level {}", level(spec.start_level, spec)),
        Owner::Leaving => LEAVING.to_owned(),
        Owner::End => "the host ends".to_owned(),
        Owner::Nobody => nobody(device),
    }
}

/// The safety rule that has taken it.
fn bound(device: &Device) -> String {
    device.safety.as_ref().map_or(String::new(), |bound| {
        format!("safety rule {}: {}", bound.rule, bound.message)
    })
}

/// It does not do as it is told.
pub(crate) fn doubted(device: &Device) -> String {
    let caught = device.witness.given_up.as_deref().unwrap_or_default();
    let id = &device.spec.id;
    format!("kept safe: {caught}; mend it, then growbox device release {id}")
}

fn claimed(claim: &Claim, spec: &DeviceSpec) -> String {
    if let Some(pulse) = claim.pulse {
        return format!("{}; on for {}", claim.reason, pulse.length);
    }
    match clamped(claim, spec) {
        Some(clamped) => format!("{}; {clamped}", claim.reason),
        None => claim.reason.to_string(),
    }
}

fn nobody(device: &Device) -> String {
    if let Some((claim, pulse)) = pulse::of(device) {
        return waits(claim, pulse);
    }
    if !device.claims.is_empty() {
        return run_out(&device.spec);
    }
    device
        .last_end
        .clone()
        .unwrap_or_else(|| "nobody asks".to_owned())
}

/// What has been let in and has not begun.
fn waits(claim: &Claim, pulse: Pulse) -> String {
    let length = pulse.length;
    format!("{}; a pulse of {length} is about to begin", claim.reason)
}

/// Why this claim is not, or not fully, in force.
pub(crate) fn refusal(claim: &Claim, device: &Device, now: Now) -> Option<String> {
    let standing = &device.standing;
    if let Some(pulse) = claim.pulse.filter(|pulse| pulse.begun.is_none()) {
        return Some(waits(claim, pulse));
    }
    match &standing.wish.owner {
        Owner::Claim(winner) if *winner == claim.requester => standing
            .hindrance
            .as_ref()
            .map(|h| hindrance(h, &device.spec, now))
            .or_else(|| clamped(claim, &device.spec)),
        Owner::Claim(winner) => device
            .claims
            .get(winner)
            .map(|winner| outranked_by(winner, &device.spec, now)),
        Owner::Hold => device.held.as_ref().map(|h| held(&h.hold, &device.spec)),
        Owner::LockOut(lock) => Some(locked(lock, &device.spec.id)),
        Owner::Safety(_) => Some(bound(device)),
        Owner::Doubt => Some(doubted(device)),
        Owner::Stop => Some("stopped".to_owned()),
        Owner::Leaving => Some(LEAVING.to_owned()),
        Owner::End => Some("the host ends".to_owned()),
        Owner::Nobody | Owner::Start => Some(run_out(&device.spec)),
    }
}

/// What moves a device, for the record of its change.
pub(crate) fn trigger(device: &Device, owner: &Owner) -> String {
    match owner {
        Owner::Doubt => format!("confirmation: {}", doubted(device)),
        Owner::Nobody => device
            .last_end
            .clone()
            .unwrap_or_else(|| "safe level".to_owned()),
        owner => named(owner),
    }
}

/// Whoever wishes something, for records.
pub(crate) fn named(owner: &Owner) -> String {
    match owner {
        Owner::Claim(requester) => requester.to_string(),
        Owner::Hold => "hold".to_owned(),
        Owner::LockOut(lock) => format!("lock-out by {}", lock.who),
        Owner::Safety(rule) => format!("safety:{rule}"),
        Owner::Doubt => "confirmation".to_owned(),
        Owner::Stop => "stop".to_owned(),
        Owner::Leaving => LEAVING.to_owned(),
        Owner::End => "the host ends".to_owned(),
        Owner::Start => "start level".to_owned(),
        Owner::Nobody => "safe level".to_owned(),
    }
}
