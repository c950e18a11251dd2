//! Ramps: set points get to new goals over a while, and go on over a restart.

use std::collections::BTreeMap;

use growbox_model::commit::Record;
use growbox_model::ports::wall_of;
use growbox_model::{Instant, Json, Moment, Quantity, Setpoint, Span, Text, ZoneId};
use serde::{Deserialize, Serialize};

use crate::flow::Flow;
use crate::setpoints::{Ramp, Ramps, effective, redirect, setpoints};

/// The key under which they are kept.
pub(crate) const KEY: &str = "ramps";

/// A ramp as the log keeps it: by wall time, since it survives restarts.
#[derive(Serialize, Deserialize)]
struct Kept {
    from: [f64; 3],
    since: Instant,
    length: Span,
}

/// Set points of a zone: as they are meant to be, and as they hold.
pub(crate) struct Points {
    goals: Vec<Setpoint>,
    held: Vec<Setpoint>,
}

impl Flow {
    /// The set points of a zone at this moment.
    pub(crate) fn points_of(&self, zone: &ZoneId) -> Option<Points> {
        let now = self.clock.now();
        let state = self.zones.zone(zone)?;
        let (day, _) = self.zones.light(&state.spec, now);
        Some(Points {
            goals: setpoints(&state.spec, day),
            held: effective(&state.spec, day, &state.ramps, now.moment),
        })
    }

    /// Something changed the goals of a zone: the set points go there over a while, or at once.
    pub(crate) fn go_over(&mut self, zone: &ZoneId, before: &Points, over: Option<Span>) {
        let Some(after) = self.points_of(zone) else {
            return;
        };
        let now = self.clock.now();
        let Some(state) = self.zones.zone_mut(zone) else {
            return;
        };
        let goals = (&*before.goals, &*after.goals);
        if redirect(&mut state.ramps, goals, &before.held, over, now.moment) {
            self.keep_ramps(zone);
        }
    }

    pub(crate) fn keep_ramps(&mut self, zone: &ZoneId) {
        let now = self.clock.now();
        let Some(state) = self.zones.zone(zone) else {
            return;
        };
        let kept = |(quantity, ramp): (&Quantity, &Ramp)| {
            let kept = Kept {
                from: ramp.from,
                since: wall_of(ramp.since, now),
                length: ramp.length,
            };
            (quantity.as_str().to_owned(), kept)
        };
        let kept: BTreeMap<String, Kept> = state.ramps.iter().map(kept).collect();
        let kept = (!kept.is_empty()).then(|| Json::of(&serde_json::json!(kept)));
        let record = Record::Override(zone.clone(), Text::from(KEY), kept);
        self.commit.records.push(record);
        self.commit.urgent = true;
    }

    /// Takes up the ramps the log kept, as far as they are not over.
    pub(crate) fn restore_ramps(&mut self, zone: &ZoneId, kept: &Json) {
        let now = self.clock.now();
        let Some(state) = self.zones.zone_mut(zone) else {
            return;
        };
        let kept: BTreeMap<String, Kept> = kept.read().unwrap_or_default();
        let ramp = |(quantity, kept): (String, Kept)| {
            let gone = now.wall.since(kept.since);
            let ramp = Ramp {
                from: kept.from,
                since: Moment(now.moment.0.saturating_sub(gone.0)),
                length: kept.length,
            };
            Some((Quantity::new(&quantity).ok()?, ramp))
        };
        let ramps: Ramps = kept.into_iter().filter_map(ramp).collect();
        state.ramps = ramps;
    }
}
