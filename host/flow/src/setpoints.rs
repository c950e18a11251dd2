//! Set points: the ranges of the stage for the part of the day, with the targets somebody set;
//! and the ramps on which they get from where they were to where they are to be.

use std::collections::BTreeMap;

use growbox_climate::{PartOfDay, Range, Stage};
use growbox_model::{Moment, Quantity, Setpoint, Span, Text, ZoneSpec};

/// One set point on its way: linear in room time from where it was to whatever it is to be.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Ramp {
    /// Low, target and high at the beginning.
    pub from: [f64; 3],
    pub since: Moment,
    pub length: Span,
}

/// The set points on their way.
pub(crate) type Ramps = BTreeMap<Quantity, Ramp>;

impl Ramp {
    /// How much of the way is still to go, 1 … 0.
    fn left(&self, now: Moment) -> f64 {
        let gone = now.since(self.since).as_seconds() / self.length.as_seconds();
        if gone.is_finite() {
            (1.0 - gone).clamp(0.0, 1.0)
        } else {
            0.0
        }
    }

    /// When it is there.
    pub(crate) fn end(&self) -> Moment {
        self.since + self.length
    }

    fn bend(&self, point: &mut Setpoint, now: Moment) {
        let left = self.left(now);
        let ends = [&mut point.low, &mut point.target, &mut point.high];
        for (end, from) in ends.into_iter().zip(self.from) {
            *end += (from - *end) * left;
        }
    }
}

/// Sends the set points whose goals have moved on their way there, from where they were; without
/// a length they are there at once. Tells whether any ramp is another one now.
pub(crate) fn redirect(
    ramps: &mut Ramps,
    goals: (&[Setpoint], &[Setpoint]),
    held: &[Setpoint],
    over: Option<Span>,
    now: Moment,
) -> bool {
    let before = ramps.clone();
    let (old, new) = goals;
    ramps.retain(|_, ramp| ramp.end() > now);
    for goal in new.iter().filter(|goal| !old.contains(goal)) {
        ramps.remove(&goal.quantity);
        let from = held.iter().find(|point| point.quantity == goal.quantity);
        if let Some((from, length)) = from.zip(over.filter(|length| *length > Span::ZERO)) {
            let ramp = Ramp {
                from: [from.low, from.target, from.high],
                since: now,
                length,
            };
            ramps.insert(goal.quantity.clone(), ramp);
        }
    }
    ramps.retain(|quantity, _| new.iter().any(|goal| goal.quantity == *quantity));
    *ramps != before
}

/// The set points as they hold now.
pub(crate) fn effective(
    spec: &ZoneSpec,
    day: Option<bool>,
    ramps: &Ramps,
    now: Moment,
) -> Vec<Setpoint> {
    let mut points = setpoints(spec, day);
    for point in &mut points {
        if let Some(ramp) = ramps.get(&point.quantity) {
            ramp.bend(point, now);
        }
    }
    points
}

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
