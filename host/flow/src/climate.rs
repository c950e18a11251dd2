//! The climate of a zone: the median of what its sensors say, what is missing, whether it is day.

use std::collections::{BTreeMap, BTreeSet};

use growbox_model::{
    Instant, Measure, Moment, Now, Quantity, Span, Text, ZoneId, ZoneSpec, ZoneView,
};

use crate::day::{Photoperiod, Window};
use crate::series::Series;
use crate::setpoints::effective;
use crate::zones::Zones;

impl Zones {
    /// One zone as it stands, without its devices.
    pub(crate) fn view(&self, zone: &ZoneId, now: Now) -> Option<ZoneView> {
        let state = self.zone(zone)?;
        let spec = &state.spec;
        let (day, window) = self.light(spec, now);
        let climate = self.climate(zone, now.moment);
        let missing = self.missing(zone, now.moment, &climate);
        Some(ZoneView {
            zone: zone.clone(),
            ambient: spec.ambient.clone(),
            stage: spec.stage.clone(),
            operation: self.operation(zone, None),
            mode: spec.mode.clone(),
            day,
            setpoints: effective(spec, day, &state.ramps, now.moment),
            climate,
            missing,
            devices: Vec::new(),
            attributes: attributes(spec, window),
        })
    }

    /// Whether it is day, and the window of light.
    pub(crate) fn light(&self, spec: &ZoneSpec, now: Now) -> (Option<bool>, Option<Window>) {
        let light = Photoperiod::of(spec);
        let window = light.and_then(|light| light.window(now, |wall| self.utc_offset(wall)));
        let day = light
            .filter(|_| now.wall_trusted)
            .map(|_| window.is_some_and(|window| window.holds(now.wall)));
        (day, window)
    }

    /// Seconds after local midnight.
    pub(crate) fn second_of_day(&self, wall: Instant) -> u32 {
        let utc = i64::try_from(wall.0 / Span::seconds(1).0).unwrap_or(0);
        let local = (utc + i64::from(self.utc_offset(wall))).rem_euclid(86_400);
        u32::try_from(local).unwrap_or(0)
    }

    fn climate(&self, zone: &ZoneId, now: Moment) -> Vec<Measure> {
        let mut votes: BTreeMap<&Quantity, Vec<&Series>> = BTreeMap::new();
        for series in self.members(zone).filter(|s| self.believes(s, now)) {
            votes.entry(&series.quantity).or_default().push(series);
        }
        votes
            .into_values()
            .filter_map(|mut votes| vote(&mut votes))
            .collect()
    }

    fn missing(&self, zone: &ZoneId, now: Moment, climate: &[Measure]) -> Vec<Quantity> {
        let known = self
            .members(zone)
            .filter(|s| !self.believes(s, now))
            .map(|s| &s.quantity);
        let needed = self.zone(zone).into_iter().flat_map(|z| &z.needs);
        let wanted: BTreeSet<&Quantity> = known.chain(needed).collect();
        let present: BTreeSet<&Quantity> = climate.iter().map(|m| &m.quantity).collect();
        wanted
            .difference(&present)
            .map(|quantity| (*quantity).clone())
            .collect()
    }
}

/// What a view tells beside its fields. Instants are ns since the Unix epoch.
fn attributes(spec: &ZoneSpec, window: Option<Window>) -> Vec<(Text, Text)> {
    let leaf_offset = spec.leaf_offset_celsius.to_string();
    let mut told = vec![("leaf_offset_celsius".into(), leaf_offset.into())];
    if let Some(Window { start, end }) = window {
        told.push(("day_start".into(), start.0.to_string().into()));
        told.push(("day_end".into(), end.0.to_string().into()));
    }
    told
}

/// The median; of an even number the mean of the middle two.
pub(crate) fn vote(votes: &mut [&Series]) -> Option<Measure> {
    votes.sort_by(|a, b| a.value.total_cmp(&b.value));
    let middle = votes.len() / 2;
    let value = match votes.len() % 2 {
        1 => votes[middle].value,
        _ => f64::midpoint(
            votes.get(middle.checked_sub(1)?)?.value,
            votes[middle].value,
        ),
    };
    let newest = votes.iter().max_by_key(|s| s.taken)?;
    let quality = votes.iter().map(|s| s.quality).min()?;
    Some(Measure {
        quantity: newest.quantity.clone(),
        unit: newest.unit.clone(),
        value,
        quality,
        taken: newest.taken,
        taken_at: newest.taken_at,
    })
}
