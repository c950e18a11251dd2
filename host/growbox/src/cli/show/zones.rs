//! Zones: what each is to be, and what it is.

use growbox_model::row::{SetpointRow, ZoneRow};

use super::{NOTHING, none, or_nothing};
use crate::render::{Reader, Table, number, quantity, symbol};

/// `growbox zone list`: below each zone, a line a quantity.
pub(in crate::cli) fn list(zones: &[ZoneRow], reader: &Reader) -> String {
    if zones.is_empty() {
        return none("zones are configured");
    }
    let mut table = Table::new(["ZONE", "STAGE", "OPERATION", "MODE", "DAY"]);
    for zone in zones {
        let day = match zone.day {
            Some(true) => "day",
            Some(false) => "night",
            None => NOTHING,
        };
        table.row([
            zone.id.to_string(),
            or_nothing(zone.stage.as_ref()),
            zone.operation.to_string(),
            or_nothing(zone.mode.as_ref()),
            day.into(),
        ]);
        for line in climate(zone, reader) {
            table.note(&line);
        }
    }
    table.to_string()
}

fn climate(zone: &ZoneRow, reader: &Reader) -> Vec<String> {
    let mut lines = Vec::new();
    for (name, measure) in &zone.climate {
        let quality = if &*measure.quality == "good" {
            String::new()
        } else {
            format!(", {}", measure.quality)
        };
        let wanted = zone
            .setpoints
            .get(name)
            .map_or(String::new(), |setpoint| format!("   {}", wanted(setpoint)));
        let value = quantity(measure.value, &measure.unit);
        lines.push(format!(
            "{name} {value}{quality}, {}{wanted}",
            reader.second(measure.taken)
        ));
    }
    for (name, setpoint) in zone
        .setpoints
        .iter()
        .filter(|(name, _)| !zone.climate.contains_key(*name))
    {
        lines.push(format!("{name} not measured   {}", wanted(setpoint)));
    }
    if !zone.missing.is_empty() {
        lines.push(format!("! no good reading of {}", zone.missing.join(", ")));
    }
    lines
}

fn wanted(setpoint: &SetpointRow) -> String {
    let SetpointRow {
        low,
        target,
        high,
        unit,
    } = setpoint;
    let ends = [low, target, high].map(|value| number(*value));
    format!(
        "wanted {} … {} {}, best {}",
        ends[0],
        ends[2],
        symbol(unit),
        ends[1]
    )
}
