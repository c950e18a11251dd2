//! vpd-control compiled natively: the same code, without a sandbox between it and the flow.

use growbox_model as model;
use growbox_model::ports::{BatchResult, Handled};
use growbox_sdk::native::Instance;
use growbox_sdk::wire;
use vpd_control::VpdControl;

use crate::sandbox::{Handler, done};

/// The handler with its state.
pub(crate) struct Native(Instance<VpdControl>);

impl Native {
    pub(crate) fn start() -> anyhow::Result<Self> {
        Instance::start("{}")
            .map(Self)
            .map_err(|fault| anyhow::anyhow!("{fault:?}"))
    }
}

impl Handler for Native {
    fn handle(&mut self, batch: model::Batch) -> BatchResult {
        let effects = self
            .0
            .handle(&lend(&batch))
            .expect("the handler has no reason to fail");
        let state = self.0.store().last_writes().iter();
        let handled = Handled {
            effects: effects.into_iter().filter_map(take).collect(),
            state: state
                .map(|(key, value)| (key.as_str().into(), value.clone()))
                .collect(),
        };
        done(&batch, handled)
    }
}

/// A batch as a handler sees it; the room of this benchmark has no devices.
fn lend(batch: &model::Batch) -> wire::Batch {
    let clock = batch.clock;
    wire::Batch {
        clock: wire::Clock {
            now: clock.now.0,
            wall: clock.wall.0,
            wall_trusted: clock.wall_trusted,
            utc_offset: clock.utc_offset,
        },
        tick: batch.tick,
        skipped: batch.skipped,
        zones: batch.zones.iter().map(zone).collect(),
        events: batch
            .events
            .iter()
            .zip(&batch.correlations)
            .map(|(e, c)| event(e, c.as_ref()))
            .collect(),
    }
}

fn zone(view: &model::ZoneView) -> wire::ZoneView {
    let text = |text: &model::Text| text.to_string();
    let setpoint = |point: &model::Setpoint| wire::Setpoint {
        quantity: point.quantity.to_string(),
        unit: text(&point.unit),
        low: point.low,
        target: point.target,
        high: point.high,
    };
    let measure = |measure: &model::Measure| wire::Measure {
        quantity: measure.quantity.to_string(),
        unit: text(&measure.unit),
        value: measure.value,
        quality: wire::Quality::Good,
        taken: measure.taken.0,
    };
    wire::ZoneView {
        zone: view.zone.to_string(),
        ambient: None,
        stage: view.stage.as_ref().map(text),
        operation: view.operation.as_str().to_owned(),
        mode: view.mode.as_ref().map(text),
        day: view.day,
        setpoints: view.setpoints.iter().map(setpoint).collect(),
        climate: view.climate.iter().map(measure).collect(),
        missing: view.missing.iter().map(ToString::to_string).collect(),
        devices: Vec::new(),
        attributes: view
            .attributes
            .iter()
            .map(|(name, value)| (text(name), text(value)))
            .collect(),
    }
}

fn event(event: &model::Event, correlation: Option<&model::batch::Correlation>) -> wire::Event {
    wire::Event {
        seq: event.seq.0,
        type_: event.kind.to_string(),
        zone: event.zone.as_ref().map(ToString::to_string),
        source: event.source.to_string(),
        at: event.at.0,
        taken: event.taken.0,
        cause: event.cause.map(|seq| seq.0),
        correlation: correlation.map(|known| wire::Correlation {
            pattern: known.pattern.to_string(),
            events: known.events.iter().map(|seq| seq.0).collect(),
        }),
        payload: match &event.payload {
            model::Payload::Document(json) => wire::Payload::Document(json.as_str().to_owned()),
            model::Payload::Reading(reading) => wire::Payload::Reading(wire::Reading {
                sensor: reading.sensor.to_string(),
                quantity: reading.quantity.to_string(),
                value: reading.value,
                unit: reading.unit.to_string(),
                quality: wire::Quality::Good,
            }),
        },
        metadata: event.metadata.as_ref().map(|json| json.as_str().to_owned()),
    }
}

/// Emitted events come back; the room has no devices to ask for.
fn take(effect: wire::Effect) -> Option<model::Effect> {
    let wire::Effect::Emit(draft) = effect else {
        return None;
    };
    let payload = match draft.payload {
        wire::Payload::Document(text) => model::Payload::Document(model::Json::parse(&text).ok()?),
        wire::Payload::Reading(reading) => {
            let sensor = model::SensorId::new(&reading.sensor).ok()?;
            let unit = Some(reading.unit.as_str());
            let quality = model::Quality::Good;
            let read =
                model::incoming::reading(sensor, &reading.quantity, reading.value, unit, quality);
            model::Payload::Reading(read.ok()?)
        }
    };
    Some(model::Effect::Emit(model::Draft {
        kind: model::EventType::parse(&draft.type_).ok()?,
        zone: draft
            .zone
            .as_deref()
            .and_then(|zone| model::ZoneId::new(zone).ok()),
        at: draft.at.map(model::Instant),
        payload,
        metadata: draft
            .metadata
            .as_deref()
            .and_then(|text| model::Json::parse(text).ok()),
        causes: draft.causes.into_iter().map(model::Seq).collect(),
    }))
}
