//! `[safety.ID]`, and the rules that roles bring: what must not be in a zone, and where devices go then.

mod danger;
mod shipped;

use std::collections::BTreeMap;

use growbox_model::{Danger, DeviceId, DeviceSpec, SafetySpec, Span, ZoneId, ZoneSpec};
use toml_edit::TableLike;

use super::report::{Report, Wrong};
use super::section::{Section, as_table, entries, locate};
use super::value::{flag, number_in, some_text, span_in, unknown};

use danger::AS_SHIPPED;

/// What a rule waits for, unless it says otherwise.
const DWELL: Span = Span::seconds(60);
const DWELLS: std::ops::RangeInclusive<Span> = Span::ZERO..=Span::hours(24);

/// Reads every `[safety.ID]`; those that roles bring come after, but for ids the file has taken.
pub(super) fn read(
    report: &mut Report<'_>,
    root: &dyn TableLike,
    zones: &BTreeMap<ZoneId, ZoneSpec>,
    devices: &BTreeMap<DeviceId, DeviceSpec>,
) -> Vec<SafetySpec> {
    let mut rules = Vec::new();
    let mut taken: Vec<&str> = Vec::new();
    let shipped: Vec<SafetySpec> = zones
        .keys()
        .flat_map(|zone| shipped::of_roles(zone, devices))
        .collect();
    for (name, table) in entries(report, root, "safety") {
        taken.push(name);
        let path = format!("safety.{name}");
        // Rules are named as zones and devices are.
        if let Err(objection) = DeviceId::new(name) {
            let message = objection.message.replace("device id", "safety rule id");
            report.error(&path, Wrong::new("bad_id", message));
        }
        let same = shipped.iter().find(|rule| *rule.id == *name);
        let mut section = Section::new(report, &path, Some(table));
        let enabled = section.or("enabled", flag, true, "a rule is there to be kept");
        if enabled {
            rules.extend(rule(section, name, same, zones, devices));
            continue;
        }
        section.finish();
        let message = if same.is_some() {
            format!("the shipped safety rule {name} is turned off: nobody guards against this")
        } else {
            format!("safety rule {name} is turned off")
        };
        report.warning(&path, Wrong::new("not_guarded", message));
    }
    for rule in shipped {
        if !taken.contains(&&*rule.id) {
            explain(report, &rule);
            rules.push(rule);
        }
    }
    rules
}

/// A rule of the file. What it leaves out is as in the shipped rule of its id, where there is one:
/// another limit for that is the same protection from another limit on.
fn rule(
    mut section: Section<'_, '_>,
    name: &str,
    shipped: Option<&SafetySpec>,
    zones: &BTreeMap<ZoneId, ZoneSpec>,
    devices: &BTreeMap<DeviceId, DeviceSpec>,
) -> Option<SafetySpec> {
    let zone = zone_of(&mut section, shipped, zones);
    let when = danger::read(&mut section, shipped.map(|shipped| &shipped.when));
    let why = |usual| shipped.map_or(usual, |_| AS_SHIPPED);
    let dwell = section.or(
        "dwell",
        span_in(DWELLS),
        shipped.map_or(DWELL, |shipped| shipped.dwell),
        why("one wrong reading is no danger"),
    );
    let latch = section.or(
        "latch",
        flag,
        shipped.is_none_or(|shipped| shipped.latch),
        why("what was dangerous once is looked at by a person"),
    );
    let message = section.or(
        "message",
        some_text,
        shipped.map_or("not safe".to_owned(), |shipped| shipped.message.to_string()),
        why("its name says the rest"),
    );
    let levels = levels(&mut section, shipped, devices);
    let rule = SafetySpec {
        id: name.into(),
        zone: zone?,
        when: when?,
        dwell,
        latch,
        devices: levels,
        message: message.into(),
        shipped: false,
    };
    if let Some(shipped) = shipped {
        warn_of_gaps(&mut section, &rule, shipped);
    }
    section.finish();
    Some(rule)
}

/// What the shipped rule did, and the one in its place does not.
fn warn_of_gaps(section: &mut Section<'_, '_>, rule: &SafetySpec, shipped: &SafetySpec) {
    let SafetySpec { id, zone, .. } = shipped;
    if *zone != rule.zone || !danger::is_alike(&rule.when, &shipped.when) {
        let path = section.key("quantity");
        let message = format!(
            "this takes the place of the shipped safety rule {id}, which watches zone {zone} \
             for {}: nobody does any more",
            watched(&shipped.when)
        );
        let wrong = Wrong::new("not_guarded", message).but("give it an id of its own");
        section.report.warning(&path, wrong);
    }
    let left = shipped.devices.keys();
    let left = left.filter(|device| !rule.devices.contains_key(*device));
    let left: Vec<&str> = left.map(DeviceId::as_str).collect();
    if !left.is_empty() {
        let path = section.key("devices");
        let message = format!(
            "the shipped safety rule {id} moves {} too; this one leaves them as they are",
            left.join(", ")
        );
        let cure = "add them, or leave devices out: then they are as shipped";
        section
            .report
            .warning(&path, Wrong::new("not_guarded", message).but(cure));
    }
}

/// The zone it names, that of the shipped rule, or the only one there is.
fn zone_of(
    section: &mut Section<'_, '_>,
    shipped: Option<&SafetySpec>,
    zones: &BTreeMap<ZoneId, ZoneSpec>,
) -> Option<ZoneId> {
    let known = |value: &toml_edit::Value| {
        let name = some_text(value)?;
        let id = ZoneId::new(&name).ok().filter(|id| zones.contains_key(id));
        id.ok_or_else(|| unknown("zone", &name, zones.keys().map(ZoneId::as_str)))
    };
    if let Some(shipped) = shipped {
        return Some(section.or("zone", known, shipped.zone.clone(), AS_SHIPPED));
    }
    if let (false, [only]) = (section.has("zone"), &*zones.keys().collect::<Vec<_>>()) {
        let only = (*only).clone();
        return Some(section.or("zone", known, only, "there is no other"));
    }
    section.require("zone", "add zone = \"…\": the zone it watches");
    section.given("zone", known)
}

/// `devices = { heater = 0, exhaust = 1 }`.
fn levels(
    section: &mut Section<'_, '_>,
    shipped: Option<&SafetySpec>,
    devices: &BTreeMap<DeviceId, DeviceSpec>,
) -> BTreeMap<DeviceId, f64> {
    let path = section.key("devices");
    let Some(item) = section.raw("devices") else {
        let Some(shipped) = shipped else {
            return BTreeMap::new();
        };
        section
            .report
            .explain_default(&path, moved(&shipped.devices), AS_SHIPPED);
        return shipped.devices.clone();
    };
    let mut levels = BTreeMap::new();
    let Some(table) = as_table(section.report, &path, item) else {
        return levels;
    };
    for (name, item) in table.iter() {
        let place = format!("{path}.{name}");
        locate(section.report, &place, table, name);
        let id = DeviceId::new(name)
            .ok()
            .filter(|id| devices.contains_key(id));
        let level = item.as_value().map(number_in(0.0..=1.0));
        match (id, level) {
            (None, _) => {
                let known = devices.keys().map(DeviceId::as_str);
                section.report.error(&place, unknown("device", name, known));
            }
            (Some(id), Some(Ok(level))) => {
                if let Some(spec) = devices.get(&id) {
                    super::devices::check_level(section, spec, "devices", level);
                }
                levels.insert(id, level);
            }
            (_, Some(Err(wrong))) => section.report.error(&place, wrong),
            (_, None) => {
                let wrong = Wrong::new("wrong_type", "this is no level from 0 to 1");
                section.report.error(&place, wrong);
            }
        }
    }
    section.report.explain_given(&path);
    levels
}

fn explain(report: &mut Report<'_>, rule: &SafetySpec) {
    let (when, moved) = (watched(&rule.when), moved(&rule.devices));
    let latch = if rule.latch {
        ", until a person resets it"
    } else {
        ""
    };
    let shown = format!("{when} for {}{latch}: {moved}", rule.dwell);
    let why = format!("shipped: {}", rule.message);
    report.explain_default(&format!("safety.{}", rule.id), shown, &why);
}

fn watched(danger: &Danger) -> String {
    match danger {
        Danger::Above {
            quantity,
            limit,
            clear,
        } => format!("{quantity} >= {limit}, over below {clear}"),
        Danger::Below {
            quantity,
            limit,
            clear,
        } => format!("{quantity} <= {limit}, over above {clear}"),
        Danger::NearDewPoint { margin, clear } => {
            format!("air within {margin} °C of its dew point, over beyond {clear} °C")
        }
        Danger::Untrusted { quantity, troubles } => {
            format!("{quantity} {}", danger::words(troubles))
        }
    }
}

fn moved(levels: &BTreeMap<DeviceId, f64>) -> String {
    if levels.is_empty() {
        return "it only says so".to_owned();
    }
    let levels = levels.iter().map(|(id, level)| format!("{id} = {level}"));
    levels.collect::<Vec<_>>().join(", ")
}
