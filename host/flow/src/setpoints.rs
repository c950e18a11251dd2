//! Set points: the ranges of the stage for the part of the day, with the targets somebody set.

use growbox_climate::{PartOfDay, Range, Stage};
use growbox_model::{Quantity, Setpoint, Text, ZoneSpec};

/// The stage's ranges for the part of the day, with the targets somebody set.
pub(crate) fn setpoints(spec: &ZoneSpec, day: Option<bool>) -> Vec<Setpoint> {
    let stage = spec.stage.as_deref().and_then(Stage::from_name);
    let profile = stage.map(|stage| stage.profile(PartOfDay::of(day)));
    let ranges: Vec<(&str, Option<Range>)> = profile.map_or_else(Vec::new, |p| {
        vec![
            ("vpd", p.vpd),
            ("temperature", Some(p.temperature)),
            ("humidity", Some(p.humidity)),
            ("co2", p.co2),
            ("ec", p.ec),
        ]
    });
    let mut points: Vec<Setpoint> = Vec::new();
    for (name, range) in ranges {
        if let Some((range, quantity)) = range.zip(Quantity::new(name).ok()) {
            let target = spec
                .targets
                .get(&quantity)
                .copied()
                .unwrap_or(range.middle());
            points.push(setpoint(quantity, range.low, target, range.high));
        }
    }
    for (quantity, target) in &spec.targets {
        if !points.iter().any(|point| point.quantity == *quantity) {
            points.push(setpoint(quantity.clone(), *target, *target, *target));
        }
    }
    points
}

fn setpoint(quantity: Quantity, low: f64, target: f64, high: f64) -> Setpoint {
    let unit: Text = quantity.spec().map_or("", |row| row.unit).into();
    Setpoint {
        quantity,
        unit,
        low,
        target,
        high,
    }
}
