//! Says when a sensor is beyond its limits, and when it is due to be calibrated.
//!
//! Each reading is shown to each limit that is about it ([`limit`]: pure); what goes beyond one is
//! said once, until it has come back. At each tick the calibrations are looked through
//! ([`calibration`]: pure); what is due is said once a day, and once more when it no longer is.

mod calibration;
mod limit;

use calibration::{Calibration, Due};
use growbox_sdk::json::{Value, json};
use growbox_sdk::prelude::*;
use growbox_sdk::{Keyed, digest};
use limit::{Exceeded, Excursion, Limit};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What an operator may set.
#[derive(Clone, Debug, Settings)]
pub struct SensorWatch {
    /// Limits by name, such as damp = { zone = "tent", quantity = "humidity", above = 80 }.
    pub(crate) limits: BTreeMap<String, Limit>,
    /// When a sensor was calibrated and how often it should be:
    /// SENSOR = { last = "2026-10-01", every = "30d" }.
    pub(crate) calibration: BTreeMap<String, Calibration>,
}

/// What is remembered of all sensors together.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Notes {
    /// The limits that what is remembered belongs to, each with the digest of its settings.
    limits: BTreeMap<String, u64>,
    /// Sensors that are calibrated, by id.
    calibrated: BTreeMap<String, calibration::Note>,
}

impl Stored for Notes {}

impl Keyed for Excursion {
    const PREFIX: &'static str = "limit/";
}

#[growbox::plugin(
    reads("sensor.*"),
    tick = "1min",
    may_emit(
        "sensor.threshold.exceeded" = "to tell that a reading is beyond its limit",
        "sensor.maintenance.*" = "to tell that a sensor is due to be calibrated",
    )
)]
impl Handler for SensorWatch {
    type State = (Whole<Notes>, PerKey<Excursion>);

    fn check(&self) -> Outcome {
        for (name, limit) in &self.limits {
            if name.is_empty() || name.len() > 32 || name.contains('/') {
                let why = "a limit is named with 1 to 32 letters, without /";
                return Err(fault::settings(pointer("limits", name), why));
            }
            let checked = limit.check();
            checked.map_err(|why| fault::settings(pointer("limits", name), why))?;
        }
        for (sensor, calibration) in &self.calibration {
            let place = pointer("calibration", sensor) + "/last";
            let checked = calibration.last(0).map(drop);
            checked.map_err(|why| fault::settings(place, why))?;
        }
        Ok(())
    }

    fn handle(&self, room: &Room, state: &mut Self::State, effects: &mut Effects) -> Outcome {
        let (notes, excursions) = state;
        self.take_limits(notes, excursions);
        for event in room.events() {
            if let Some(reading) = event.reading().filter(|reading| reading.usable()) {
                self.note_zone(event, reading, notes);
                self.watch(event, reading, excursions, effects);
            }
        }
        if room.tick() && room.clock().wall_trusted {
            self.look_through(room, notes, effects);
        }
        Ok(())
    }
}

impl SensorWatch {
    /// Forgets what belongs to a limit that is gone or has changed.
    fn take_limits(&self, notes: &mut Notes, excursions: &mut PerKey<Excursion>) {
        let digest_of = |limit: &Limit| digest(format!("{limit:?}").as_bytes());
        let limits = self.limits.iter();
        let now: BTreeMap<String, u64> = limits
            .map(|(name, limit)| (name.clone(), digest_of(limit)))
            .collect();
        if notes.limits == now {
            return;
        }
        for (name, known) in std::mem::replace(&mut notes.limits, now) {
            if notes.limits.get(&name) != Some(&known) {
                for key in excursions.stored(&format!("{name}/")) {
                    excursions.forget(&key);
                }
            }
        }
    }

    fn watch(
        &self,
        event: &Event,
        reading: &Reading,
        excursions: &mut PerKey<Excursion>,
        effects: &mut Effects,
    ) {
        for (name, limit) in &self.limits {
            if !limit.concerns(event.zone.as_deref(), reading) {
                continue;
            }
            let key = format!("{name}/{}/{}", reading.sensor, reading.quantity);
            if let Some(exceeded) = limit.take(excursions.of(&key), event.at, reading.value) {
                tell_exceeded(event, reading, limit, exceeded, effects);
            }
        }
    }

    /// Remembers where a calibrated sensor is; while it is due, what was said of it stays there.
    fn note_zone(&self, event: &Event, reading: &Reading, notes: &mut Notes) {
        if self.calibration.contains_key(&reading.sensor) {
            let note = notes.calibrated.entry(reading.sensor.clone()).or_default();
            if note.told.is_none() && note.zone != event.zone {
                note.zone.clone_from(&event.zone);
            }
        }
    }

    fn look_through(&self, room: &Room, notes: &mut Notes, effects: &mut Effects) {
        let (wall, offset) = (room.clock().wall, room.clock().utc_offset);
        for (sensor, calibration) in &self.calibration {
            let note = notes.calibrated.entry(sensor.clone()).or_default();
            if let Some(due) = calibration.look(note, wall, offset) {
                tell_due(room, sensor, note, &due, effects);
            }
        }
        let known = &self.calibration;
        notes.calibrated.retain(|sensor, note| {
            let kept = known.contains_key(sensor);
            if !kept && let Some(due) = note.given_up() {
                tell_due(room, sensor, note, &due, effects);
            }
            kept
        });
    }
}

fn tell_exceeded(
    event: &Event,
    reading: &Reading,
    limit: &Limit,
    exceeded: Exceeded,
    effects: &mut Effects,
) {
    let data = json!({
        "sensor_id": reading.sensor,
        "quantity": reading.quantity,
        "value": reading.value,
        "threshold": exceeded.threshold,
        "direction": exceeded.direction.word(),
        "severity": limit.severity.word(),
    });
    let emitted = effects.emit("sensor.threshold.exceeded", &data);
    let emitted = emitted.at(event.at).caused_by(&[event.seq]);
    if let Some(zone) = &event.zone {
        emitted.zone(zone);
    }
}

fn tell_due(room: &Room, sensor: &str, note: &calibration::Note, due: &Due, effects: &mut Effects) {
    let data: Value = json!({
        "sensor_id": sensor,
        "days_overdue": due.days_overdue,
        "last_calibrated": due.last_calibrated,
    });
    let emitted = effects.emit("sensor.maintenance.calibration_due", &data);
    let zone = note.zone.as_deref();
    if let Some(zone) = zone.filter(|zone| room.zone(zone).is_some()) {
        emitted.zone(zone);
    }
}

fn pointer(table: &str, name: &str) -> String {
    format!("/{table}/{}", name.replace('~', "~0").replace('/', "~1"))
}

#[cfg(test)]
mod tests;
