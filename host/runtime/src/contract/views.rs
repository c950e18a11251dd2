//! Model → guest: the batch, its clock, its views and its events.

use growbox_model as model;
use model::batch::Correlation;

use super::wit::growbox::plugin::types as wit;

pub(crate) fn clock(clock: model::Clock) -> wit::Clock {
    wit::Clock {
        now: clock.now.0,
        wall: clock.wall.0,
        wall_trusted: clock.wall_trusted,
        utc_offset: clock.utc_offset,
    }
}

pub(crate) fn batch(batch: &model::Batch) -> wit::Batch {
    let correlations = batch.correlations.iter().map(Option::as_ref);
    let correlations = correlations.chain(std::iter::repeat(None));
    wit::Batch {
        clock: clock(batch.clock),
        tick: batch.tick,
        skipped: batch.skipped,
        zones: batch.zones.iter().map(zone).collect(),
        events: batch
            .events
            .iter()
            .zip(correlations)
            .map(|(e, c)| event(e, c))
            .collect(),
    }
}

pub(crate) fn event(event: &model::Event, correlation: Option<&Correlation>) -> wit::Event {
    wit::Event {
        seq: event.seq.0,
        type_: event.kind.as_str().to_owned(),
        zone: event.zone.as_ref().map(|zone| zone.as_str().to_owned()),
        source: event.source.as_str().to_owned(),
        at: event.at.0,
        taken: event.taken.0,
        cause: event.cause.map(|seq| seq.0),
        correlation: correlation.map(|c| wit::Correlation {
            pattern: c.pattern.to_string(),
            events: c.events.iter().map(|seq| seq.0).collect(),
        }),
        payload: payload(&event.payload),
        metadata: event.metadata.as_ref().map(|json| json.as_str().to_owned()),
    }
}

fn payload(payload: &model::Payload) -> wit::Payload {
    match payload {
        model::Payload::Document(json) => wit::Payload::Document(json.as_str().to_owned()),
        model::Payload::Reading(reading) => wit::Payload::Reading(wit::Reading {
            sensor: reading.sensor.as_str().to_owned(),
            quantity: reading.quantity.as_str().to_owned(),
            value: reading.value,
            unit: reading.unit.to_string(),
            quality: quality(reading.quality),
        }),
    }
}

fn quality(quality: model::Quality) -> wit::Quality {
    match quality {
        model::Quality::Good => wit::Quality::Good,
        model::Quality::Uncertain => wit::Quality::Uncertain,
        model::Quality::Bad => wit::Quality::Bad,
    }
}

fn zone(view: &model::ZoneView) -> wit::ZoneView {
    let text = |t: &model::Text| t.to_string();
    wit::ZoneView {
        zone: view.zone.as_str().to_owned(),
        ambient: view.ambient.as_ref().map(|zone| zone.as_str().to_owned()),
        stage: view.stage.as_ref().map(text),
        operation: view.operation.as_str().to_owned(),
        mode: view.mode.as_ref().map(text),
        day: view.day,
        setpoints: view.setpoints.iter().map(setpoint).collect(),
        climate: view.climate.iter().map(measure).collect(),
        missing: view.missing.iter().map(ToString::to_string).collect(),
        devices: view.devices.iter().map(device).collect(),
        attributes: view
            .attributes
            .iter()
            .map(|(name, value)| (text(name), text(value)))
            .collect(),
    }
}

fn setpoint(setpoint: &model::Setpoint) -> wit::Setpoint {
    wit::Setpoint {
        quantity: setpoint.quantity.as_str().to_owned(),
        unit: setpoint.unit.to_string(),
        low: setpoint.low,
        target: setpoint.target,
        high: setpoint.high,
    }
}

fn measure(measure: &model::Measure) -> wit::Measure {
    wit::Measure {
        quantity: measure.quantity.as_str().to_owned(),
        unit: measure.unit.to_string(),
        value: measure.value,
        quality: quality(measure.quality),
        taken: measure.taken.0,
    }
}

fn device(view: &model::DeviceView) -> wit::DeviceView {
    wit::DeviceView {
        id: view.id.as_str().to_owned(),
        role: view.role.as_str().to_owned(),
        switched: view.switched,
        low: view.low,
        high: view.high,
        level: view.level,
        since: view.since.0,
        available: view.available,
        owner: view.owner.as_ref().map(ToString::to_string),
        until: view.until.map(|moment| moment.0),
        refusal: view.refusal.as_ref().map(ToString::to_string),
        free_at: view.free_at.map(|moment| moment.0),
    }
}
