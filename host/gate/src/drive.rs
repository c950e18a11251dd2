//! Brings a device towards a level: orders only what is not so already, and keeps its own timer armed.

use growbox_model::commit::Switch;
use growbox_model::ports::DriveOrder;
use growbox_model::{Moment, Now, Record, Span};

use crate::device::Device;
use crate::policy::{Passage, runs_without_end};
use crate::say;
use crate::settle::Settlement;
use crate::wish::{Circumstances, Owner, Wish};

/// Orders what the passage leaves of the wish, where the device is not there already.
pub(crate) fn towards(
    device: &mut Device,
    wish: &Wish,
    passage: &Passage,
    around: &Circumstances<'_>,
    out: &mut Settlement,
) {
    let now = around.now;
    let Some(level) = passage.level else { return };
    let waiting = |(failed, at): (f64, Moment)| failed == level && at > now.moment;
    if !device.link.available || device.link.retry.is_some_and(waiting) {
        device.counted = None;
        return;
    }
    if !is_counted(device, level, wish, around, out) {
        return;
    }
    let moves = device.real.position() != Some(level);
    // Who only may not go off yet is left alone: nobody tells it to be on.
    let stays = !moves && level > 0.0 && wish.level == 0.0;
    if moves || !(device.link.asserted || stays) {
        let cause = wish.cause.filter(|_| passage.clamps());
        device.link.purpose = (trigger(device, wish, passage, now), cause);
        if moves {
            switch(device, level, now, out);
        }
        order(device, level, wish, now, out);
    } else if timer_due(device, level, wish, now.moment) {
        order(device, level, wish, now, out);
    }
}

/// Of a device whose doses are bounded every run is a dose: it is counted, and begins once its count
/// is on disk, so that no end of the process can make it uncounted. Until then it may be called
/// off like anything that has not begun. A pulse counted when it was let in; who is forced on, or
/// goes where it is safe, waits for no disk.
fn is_counted(
    device: &mut Device,
    level: f64,
    wish: &Wish,
    around: &Circumstances<'_>,
    out: &mut Settlement,
) -> bool {
    let starts = level > 0.0 && !device.real.is_on() && wish.pulse.is_none();
    if !starts || device.spec.doses_per_day.is_none() {
        device.counted = None;
        return true;
    }
    let commit = device.counted.unwrap_or_else(|| {
        device.dose_by_level(around.now, out);
        around.written.handed + 1
    });
    let waits = !wish.forced && level != device.spec.safe_level;
    let is_on_disk = !waits || commit <= around.written.durable;
    device.counted = (!is_on_disk).then_some(commit);
    is_on_disk
}

/// Notes the change for protection, here and in the log.
fn switch(device: &mut Device, level: f64, now: Now, out: &mut Settlement) {
    if level > 0.0 && !device.real.is_on() {
        device.starts.add(now.moment);
        if device.spec.starts_per_hour.is_some() {
            let id = device.spec.id.clone();
            out.records.push(Record::Started(id, now.moment));
        }
    }
    device.real.leave_for(level, now.moment);
    out.records.push(switched(device, level, now));
}

/// The record of a change that protection will want to know after a restart. A run that nobody saw
/// end began when it may have begun.
pub(crate) fn switched(device: &Device, level: f64, now: Now) -> Record {
    let began = device.real.run.filter(|_| level > 0.0);
    Record::Switched(Switch {
        device: device.spec.id.clone(),
        level,
        moment: began.unwrap_or(now.moment),
        wall: now.wall,
    })
}

fn order(device: &mut Device, level: f64, wish: &Wish, now: Now, out: &mut Settlement) {
    device.real.heading = Some(level);
    if device.real.leaves_zero() {
        device.real.seen_on = Some(now.moment);
    }
    let pulse = wish.pulse.filter(|_| wish.level == level);
    let end = match pulse {
        Some(_) => None,
        None => timer_end(device, level, wish, now.moment),
    };
    // What stands between it and its wish is another thing from here.
    device.roused = true;
    device.link.asserted = true;
    device.witness.confirmed = false;
    device.link.failure = None;
    device.link.timer = end.map(|end| (now.moment, end));
    out.orders.push(DriveOrder {
        device: device.spec.id.clone(),
        output: device.spec.output.clone(),
        level,
        within: pulse.or(end.map(|end| end.since(now.moment))),
        pulse: pulse.is_some(),
    });
}

/// The far side's own timer ends so long after the lease, and after a minimum on that outlasts
/// it. It is there for the day the host is gone: while the host lives it ends both itself, and
/// whoever goes on where another one ends must not cross the far side's off on the way, which
/// would be a start too soon. What must stop in any case, at its maximum on, has no grace.
const GRACE: Span = Span::seconds(2);

/// When the far side is to put the device to off by itself. Only where off is its safe level:
/// a fan that must run is not helped by a timer, nor one that stays on when the host has ended.
fn timer_end(device: &Device, level: f64, wish: &Wish, now: Moment) -> Option<Moment> {
    let spec = &device.spec;
    if level == 0.0 || spec.safe_level > 0.0 || stays_on(wish) {
        return None;
    }
    let lease = match wish.owner {
        _ if wish.level == 0.0 => None,
        // As long as the host keeps it up.
        Owner::Hold | Owner::Safety(_) | Owner::Stop => {
            let renewed = now + spec.lease;
            Some(wish.until.map_or(renewed, |end| end.min(renewed)))
        }
        _ => wish.until,
    };
    let end = lease.max(device.real.may_stop(spec.min_on))? + GRACE;
    let longest = device.real.must_stop(spec.max_on);
    let end = longest
        .filter(|_| !runs_without_end(wish))
        .map_or(end, |longest| longest.min(end));
    (end > now).then_some(end)
}

/// Whether it is left on though nobody will be there to keep a timer armed.
fn stays_on(wish: &Wish) -> bool {
    wish.owner == Owner::End && wish.level > 0.0
}

/// Whether the far side's timer must be set again: at half its time where it would end too early,
/// at once where it would end too late, or is not to end it at all.
fn timer_due(device: &Device, level: f64, wish: &Wish, now: Moment) -> bool {
    let Some((set, expires)) = device.link.timer else {
        return false;
    };
    match timer_end(device, level, wish, now) {
        Some(end) => end < expires || (end > expires && now >= half(set, expires)),
        None => level > 0.0 && stays_on(wish),
    }
}

/// When the far side's timer is to be set again, as things stand.
pub(crate) fn rearm_at(device: &Device) -> Option<Moment> {
    let (set, expires) = device.link.timer?;
    Some(half(set, expires))
}

fn half(set: Moment, expires: Moment) -> Moment {
    set + Span(expires.since(set).0 / 2)
}

/// Who moves the device; a broken minimum on is named.
fn trigger(device: &Device, wish: &Wish, passage: &Passage, now: Now) -> String {
    let named = match passage.hindrances.last().filter(|_| !passage.clamps()) {
        Some(hindrance) => {
            let why = say::hindrance(hindrance, &device.spec, now);
            format!("{}: {why}", hindrance.policy)
        }
        None => say::trigger(device, &wish.owner),
    };
    let named = match &passage.despite {
        Some(other) if wish.forced => {
            format!("{named}; goes on though {other} was not seen to get out of its way")
        }
        _ => named,
    };
    let spec = &device.spec;
    let too_soon =
        passage.level == Some(0.0) && device.real.may_stop(spec.min_on) > Some(now.moment);
    if too_soon && device.real.is_on() {
        format!("{named}; breaks the minimum on of {}", spec.min_on)
    } else if too_soon && device.real.position().is_none() {
        let shortest = spec.min_on;
        format!("{named}; nobody knew where it was, and its minimum on of {shortest} may be broken")
    } else {
        named
    }
}
