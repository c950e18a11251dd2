//! What drivers report: confirmed, failed, reachable or not, moved by somebody else.

use growbox_model::ports::DriverReport;
use growbox_model::{Moment, Now, Span};

use crate::course::ROUNDING;
use crate::device::Device;
use crate::drive::switched;
use crate::gate::Gate;
use crate::pulse;
use crate::settle::{Change, Settlement};
use crate::witness::{self, Finding};

/// A failed order is tried again after this, then ever more rarely.
const FIRST_RETRY: Span = Span::seconds(5);
/// The rarest retry.
const LAST_RETRY: Span = Span::minutes(5);

impl Gate {
    /// Takes in what a driver reports. What follows from it comes with the next settling.
    pub fn report(&mut self, report: &DriverReport, now: Now) {
        let out = &mut self.pending;
        if let Some(device) = self.devices.get_mut(report.device()) {
            device.roused = true;
            match report {
                DriverReport::Confirmed(_, level) => confirmed(device, *level, now, out),
                DriverReport::Moved(_, level) => moved(device, *level, now, out),
                DriverReport::Failed(_, why) => {
                    failed(device, why, now.moment);
                    tell_failing(device, why, out);
                }
                DriverReport::Available(_, yes) => available(device, *yes, now.moment),
            }
        }
    }
}

/// The level as ordered, where the report means that one.
fn understood(level: f64, meant: Option<f64>) -> Option<f64> {
    if !level.is_finite() {
        return None;
    }
    let level = level.clamp(0.0, 1.0);
    Some(match meant {
        Some(meant) if (meant - level).abs() <= ROUNDING => meant,
        _ => level,
    })
}

fn confirmed(device: &mut Device, level: f64, now: Now, out: &mut Settlement) {
    let Some(level) = understood(level, device.real.heading) else {
        return failed(
            device,
            "its driver confirmed a level that is none",
            now.moment,
        );
    };
    if device.real.heading != Some(level) {
        return moved(device, level, now, out);
    }
    if device.witness.doubts() {
        device.witness.confirmed = true;
    } else {
        arrived(device, level, now, out);
    }
}

/// It is where it was ordered to be.
pub(crate) fn arrived(device: &mut Device, level: f64, now: Now, out: &mut Settlement) {
    device.real.heading = None;
    device.link.failures = 0;
    device.link.retry = None;
    if std::mem::take(&mut device.link.failing) {
        witness::testify(device, Finding::Believed, out);
    }
    if device.real.level != Some(level) {
        counts_from_here(device, level, now, out);
        let (trigger, cause) = device.link.purpose.clone();
        arrive(device, level, now.moment, trigger, cause, out);
    }
}

/// A device rests from when it is off, and runs from when it is on, not from when it was told to.
fn counts_from_here(device: &mut Device, level: f64, now: Now, out: &mut Settlement) {
    let crossed = crosses(device.real.level, level);
    let course = &mut device.real;
    if level > 0.0 && crossed {
        course.seen_on = Some(now.moment);
    }
    if level == 0.0 && course.last_off.is_some_and(|off| off < now.moment) {
        if course.run_out == course.last_off {
            course.run_out = Some(now.moment);
        }
        course.last_off = Some(now.moment);
        out.records.push(switched(device, level, now));
    }
}

/// The device is somewhere that no order of ours explains. An order on its way stays on its way;
/// the driver of one that is doubted may say what it likes.
fn moved(device: &mut Device, level: f64, now: Now, out: &mut Settlement) {
    let Some(level) = understood(level, device.real.level) else {
        return failed(
            device,
            "its driver reported a level that is none",
            now.moment,
        );
    };
    if device.real.level == Some(level) || device.witness.doubts() {
        return;
    }
    if device.real.heading.is_none() && crosses(device.real.level, level) {
        device.real.found(level, now.moment);
        device.link.timer = None;
        out.records.push(switched(device, level, now));
    }
    let (trigger, cause) = match pulse::of(device) {
        Some((claim, pulse)) if level == 0.0 && pulse.begun.is_some() => {
            ("its own timer, or somebody else", Some(claim.seq))
        }
        _ if !device.seen && device.real.level.is_none() => ("found there at the start", None),
        _ => ("moved by itself or by somebody else", None),
    };
    arrive(device, level, now.moment, trigger.to_owned(), cause, out);
}

fn arrive(
    device: &mut Device,
    level: f64,
    now: Moment,
    trigger: String,
    cause: Option<growbox_model::Seq>,
    out: &mut Settlement,
) {
    out.changes.push(Change {
        device: device.spec.id.clone(),
        old: device.real.level,
        new: level,
        trigger,
        cause,
    });
    device.real.reach(level, now);
    device.seen = true;
}

pub(crate) fn failed(device: &mut Device, why: &str, now: Moment) {
    let aimed = device.real.position();
    if device.link.available || was_moving(device) {
        device.real.lose(now);
    }
    device.real.heading = None;
    device.link.asserted = false;
    device.link.timer = None;
    device.link.failure = Some(why.to_owned());
    let pause = Span(FIRST_RETRY.0 << device.link.failures.min(16)).min(LAST_RETRY);
    device.link.failures = device.link.failures.saturating_add(1);
    device.link.retry = aimed.map(|level| (level, now + pause));
}

/// Once may be a message that was lost; twice, of a device that can be reached, is for people.
fn tell_failing(device: &mut Device, why: &str, out: &mut Settlement) {
    if device.link.available && device.link.failures >= 2 && !device.link.failing {
        device.link.failing = true;
        witness::testify(device, Finding::Failing(why.into()), out);
    }
}

/// Being out of reach is not a switch; only an order that was on its way may have been one, or
/// the far side's own timer, where it ran out unseen.
fn available(device: &mut Device, yes: bool, now: Moment) {
    if yes == device.link.available {
        return;
    }
    device.link.available = yes;
    device.link.asserted = false;
    device.link.retry = None;
    if !yes && was_moving(device) {
        device.real.lose(now);
    }
    device.real.heading = None;
    if yes {
        let timer = device.link.timer.take();
        if timer.is_some_and(|(_, end)| end <= now) {
            device.real.lose(now);
        }
    }
}

/// Whether an order was on its way that would have changed the level.
fn was_moving(device: &Device) -> bool {
    let course = &device.real;
    course.heading.is_some() && course.heading != course.level
}

/// Whether a report tells of a switch; where nobody knew the level, it may have been one.
fn crosses(known: Option<f64>, reported: f64) -> bool {
    known.is_none_or(|old| (old > 0.0) != (reported > 0.0))
}
