//! What is told besides requests: VPD itself, and that something should be done about it.

use crate::decide::Direction;
use crate::memory::Told;
use crate::occasion::Occasion;
use crate::pairs::Pair;
use growbox_sdk::climate::{Infeasible, PartOfDay};
use growbox_sdk::json::json;
use growbox_sdk::prelude::*;

/// While an action is called for, it is told again so often.
const ACTION_AGAIN: Span = minutes(1);

/// `sensor.vpd` of a pair, stamped with the pair's instant.
pub(crate) fn vpd(zone: &str, pair: &Pair, leaf_offset: f64, effects: &mut Effects) {
    let emitted = effects.emit_reading(Reading {
        sensor: format!("vpd-control.{zone}"),
        quantity: "vpd".into(),
        value: pair.vpd(leaf_offset),
        unit: Kilopascal::UNIT.into(),
        quality: pair.quality(),
    });
    let emitted = emitted.zone(zone).caused_by(&pair.causes());
    if let Some(at) = pair.at {
        emitted.at(at);
    }
}

/// `vpd.recalculation_required`: at most once a zone and batch, and not for ticks.
pub(crate) fn recalculation(zone: &str, occasion: &Occasion, effects: &mut Effects) {
    if let Some(trigger) = occasion.trigger {
        let data = json!({"zone": zone, "trigger": trigger});
        let emitted = effects.emit("vpd.recalculation_required", &data);
        emitted.zone(zone).caused_by(&occasion.causes);
    }
}

/// What is off, for `control.vpd.action_required`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct OffTarget {
    /// Which way VPD has to go.
    pub(crate) direction: Direction,
    /// In kPa.
    pub(crate) current: f64,
    /// In kPa.
    pub(crate) target: f64,
}

/// `control.vpd.action_required`: when the action changes, and once a minute while it lasts.
pub(crate) fn action(
    zone: &str,
    off_target: Option<OffTarget>,
    told: &mut Told,
    now: Moment,
    causes: &[u64],
    effects: &mut Effects,
) {
    let Some(off) = off_target else {
        told.action = None;
        return;
    };
    let known = told
        .action
        .is_some_and(|(direction, at)| direction == off.direction && now.since(at) < ACTION_AGAIN);
    if known {
        return;
    }
    told.action = Some((off.direction, now));
    let data = json!({
        "zone": zone,
        "current_vpd": off.current,
        "target_vpd": off.target,
        "action": off.direction.action(),
    });
    let emitted = effects.emit("control.vpd.action_required", &data);
    emitted
        .zone(zone)
        .metadata(&json!({"priority": "high"}))
        .caused_by(causes);
}

/// A profile that contradicts itself: once a stage and part of the day. Judged when a zone is
/// first seen, and at ticks, since set points change with time.
pub(crate) fn profile(zone: &Zone, tick: bool, told: &mut Told, effects: &mut Effects) {
    if told.judged && !tick {
        return;
    }
    told.judged = true;
    let Some(infeasible) = contradiction(zone) else {
        return;
    };
    let stage = zone.stage.as_deref().unwrap_or("no stage");
    let part = PartOfDay::of(zone.day);
    let key = format!("{stage} {part}");
    if told.profiles.contains(&key) {
        return;
    }
    told.profiles
        .retain(|earlier| earlier.starts_with(&format!("{stage} ")));
    told.profiles.push(key);
    let message = format!("zone {}, {stage} by {part}: {infeasible}", zone.id());
    log::warn(&message);
    let data = json!({
        "zone": zone.id(), "stage": stage, "part_of_day": part.to_string(), "message": message,
    });
    effects.emit("x.vpd-control.profile", &data).zone(zone);
}

fn contradiction(zone: &Zone) -> Option<Infeasible> {
    Infeasible::find(
        zone.range("vpd")?,
        zone.range("temperature")?,
        zone.range("humidity")?,
        zone.leaf_offset().0,
    )
}

/// A mode that means nothing here: once.
pub(crate) fn unknown_mode(zone: &str, unknown: Option<&str>, told: &mut Told) {
    if told.mode.as_deref() == unknown {
        return;
    }
    if let Some(name) = unknown {
        log::warn(format!(
            "zone {zone}: mode \"{name}\" is none of VPD_Perfection and VPD_Target; \
             VPD_Perfection is used"
        ));
    }
    told.mode = unknown.map(ToString::to_string);
}

/// Sensors that fell silent, and that they are heard again: once each.
pub(crate) fn hearing(zone: &str, silent: Option<&str>, told: &mut Told) {
    match silent {
        Some(silence) if told.heard => {
            log::warn(format!(
                "zone {zone}: {silence}; what was asked for it is let go"
            ));
        }
        None if !told.heard => {
            log::info(format!("zone {zone}: temperature and humidity are heard"));
        }
        _ => {}
    }
    told.heard = silent.is_none();
}
