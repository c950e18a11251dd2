//! `[zone.ID]`: what each zone wants, and whether growbox may act in it.

use std::collections::BTreeMap;

use growbox_climate::{Infeasible, PartOfDay, Range, Stage};
use growbox_model::{Operation, Quantity, ZoneId, ZoneSpec};
use toml_edit::{TableLike, Value};

use super::report::{Report, Wrong};
use super::section::{Section, entries};
use super::value::{Read, number_in, some_text, text, time_of_day, unknown};

/// Reads every `[zone.ID]`.
pub(super) fn read(report: &mut Report<'_>, root: &dyn TableLike) -> BTreeMap<ZoneId, ZoneSpec> {
    let mut zones = BTreeMap::new();
    for (name, table) in entries(report, root, "zone") {
        let path = format!("zone.{name}");
        let id = ZoneId::new(name).map_err(|objection| report.error(&path, objection.into()));
        let spec = zone(Section::new(report, &path, Some(table)), name);
        if let Ok(id) = id {
            zones.insert(id.clone(), ZoneSpec { id, ..spec });
        }
    }
    zones
}

fn zone(mut section: Section<'_, '_>, name: &str) -> ZoneSpec {
    // A name that is no id has been refused; its keys are read all the same.
    let stand_in = || ZoneId::new("zone");
    let Ok(id) = ZoneId::new(name).or_else(|_| stand_in()) else {
        unreachable!("\"zone\" is an id")
    };
    let base = ZoneSpec::bare(id);
    let stage = section.or_none("stage", stage, "no set points and no hours of light follow");
    let lights_on = section.or_none(
        "lights_on",
        time_of_day,
        "without it there is no day and no night; day values hold",
    );
    let hours_of_light = hours(&mut section, stage);
    let offset = section.or(
        "leaf_offset_celsius",
        number_in(-15.0..=15.0),
        base.leaf_offset_celsius,
        "leaf minus air; measure it, or take -1.5 under LED",
    );
    let ambient = section.or_none(
        "ambient",
        zone_id,
        "nobody knows whether outside air would help",
    );
    let operation = section.or(
        "operation",
        operation,
        base.operation,
        "growbox acts; \"observe\" only says what it would do",
    );
    let mode = section.or_none("mode", some_text, "VPD_Perfection: the stage's range");
    let targets = targets(section.table("targets"));
    contradictions(&mut section, stage, offset, &targets);
    idle_light(
        &mut section,
        lights_on,
        hours_of_light.or(stage.map(|s| f64::from(s.hours_of_light()))),
    );
    section.finish();
    ZoneSpec {
        stage: stage.map(|stage| stage.name().into()),
        lights_on,
        hours_of_light,
        leaf_offset_celsius: offset,
        ambient,
        operation,
        mode: mode.map(Into::into),
        targets,
        ..base
    }
}

fn hours(section: &mut Section<'_, '_>, stage: Option<Stage>) -> Option<f64> {
    if let (Some(stage), false) = (stage, section.has("hours_of_light")) {
        let why = format!("stage {stage}");
        section.report.explain_default(
            &section.key("hours_of_light"),
            stage.hours_of_light().to_string(),
            &why,
        );
    }
    section.given("hours_of_light", number_in(0.0..=24.0))
}

fn stage(value: &Value) -> Read<Stage> {
    let name = text(value)?;
    Stage::from_name(&name).ok_or_else(|| unknown("stage", &name, Stage::names()))
}

fn zone_id(value: &Value) -> Read<ZoneId> {
    Ok(ZoneId::new(&text(value)?)?)
}

fn operation(value: &Value) -> Read<Operation> {
    let words = ["control", "observe", "paused"];
    let name = text(value)?;
    Operation::parse(&name).map_err(|_| unknown("operation", &name, words))
}

fn targets(mut section: Section<'_, '_>) -> BTreeMap<Quantity, f64> {
    let mut targets = BTreeMap::new();
    for row in growbox_model::quantity::QUANTITIES {
        let target = section.given(row.name, number_in(row.low..=row.high));
        if let (Some(target), Ok(quantity)) = (target, Quantity::new(row.name)) {
            targets.insert(quantity, target);
        }
    }
    section.finish();
    targets
}

/// A stage or a target that temperature and humidity of the stage do not allow.
fn contradictions(
    section: &mut Section<'_, '_>,
    stage: Option<Stage>,
    offset: f64,
    targets: &BTreeMap<Quantity, f64>,
) {
    let Some(stage) = stage else { return };
    for part in [PartOfDay::Day, PartOfDay::Night] {
        if let Some(found) = growbox_climate::infeasible(stage, part, offset) {
            warn_unreachable(section, "stage", &format!("{stage} by {part}"), &found);
        }
    }
    let Some(target) = targets.get("vpd") else {
        return;
    };
    let profile = stage.profile(PartOfDay::Day);
    let wanted = Range::new(*target, *target);
    let met = profile.vpd.is_some_and(|range| range.contains(*target));
    if let (false, Some(found)) = (
        met,
        Infeasible::find(wanted, profile.temperature, profile.humidity, offset),
    ) {
        warn_unreachable(section, "targets.vpd", &format!("{stage} by day"), &found);
    }
}

fn warn_unreachable(section: &mut Section<'_, '_>, key: &str, what: &str, found: &Infeasible) {
    let said = found.to_string();
    let (sentence, cure) = said
        .split_once(": ")
        .unwrap_or((&said, "set leaf_offset_celsius"));
    let wrong = Wrong::new("unreachable", format!("{what}: {sentence}")).but(format!(
        "{cure}; or set leaf_offset_celsius, if leaves are colder than the air"
    ));
    section.report.warning(&section.key(key), wrong);
}

/// Half of what a day needs makes no day.
fn idle_light(section: &mut Section<'_, '_>, lights_on: Option<u32>, hours: Option<f64>) {
    let (key, missing) = match (lights_on, hours) {
        (Some(_), None) => ("lights_on", "a stage or hours_of_light"),
        (None, Some(_)) if section.has("hours_of_light") => {
            ("hours_of_light", "lights_on = \"06:00\"")
        }
        _ => return,
    };
    let wrong = Wrong::new(
        "no_effect",
        format!("{key} has no effect: there is no day without {missing}"),
    );
    section
        .report
        .warning(&section.key(key), wrong.but(format!("add {missing}")));
}
