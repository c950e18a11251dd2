//! Validation: the one pure function that says as what an event is taken, or why not.

use std::collections::BTreeMap;

use growbox_model::event::{Payload, names};
use growbox_model::incoming::{Incoming, Speaker};
use growbox_model::room::{ClockForm, NodeSpec, SensorSpec, ZoneSpec};
use growbox_model::{Instant, Now, Objection, SensorId, Source, ZoneId};

use crate::names::Names;

/// Most series (sensor and quantity) a room holds.
pub const SERIES: usize = 4096;

/// What validation must know of the room.
pub struct Known<'a> {
    /// The machine's settings.
    pub node: &'a NodeSpec,
    /// Configured zones.
    pub zones: &'a BTreeMap<ZoneId, ZoneSpec>,
    /// Configured sensors.
    pub sensors: &'a BTreeMap<SensorId, SensorSpec>,
    /// Which source each sensor is bound to.
    pub bindings: &'a dyn Bindings,
    /// The names the log holds.
    pub names: &'a Names,
    /// The room clock; none before the first event under the events clock.
    pub now: Option<Now>,
    /// The machine's wall clock.
    pub machine_wall: Instant,
}

/// Which source a sensor is bound to, and whether there is room for another series.
pub trait Bindings {
    /// The source a sensor is bound to.
    fn source_of(&self, sensor: &SensorId) -> Option<&Source>;
    /// Whether this series is known, or may be added.
    fn has_room_for(&self, sensor: &SensorId, quantity: &growbox_model::Quantity) -> bool;
}

/// As what an event is taken.
#[derive(Debug, Clone, PartialEq)]
pub struct Taken {
    /// Its zone: the configured one of its sensor beats the one it names.
    pub zone: Option<ZoneId>,
    /// Too old to act upon.
    pub late: bool,
    /// Said without the right to.
    pub foreign: bool,
}

/// Checks zone, time, authority and source of a typed event.
pub fn validate(event: &Incoming, speaker: Speaker, known: &Known<'_>) -> Result<Taken, Objection> {
    let zone = zone_of(event, known)?;
    let late = check_time(event.at, known)?;
    let named = names(&event.kind, zone.as_ref(), &event.source, &event.payload);
    known.names.may_add(named)?;
    let foreign = speaker == Speaker::Anyone && !event.kind.open();
    if !foreign {
        check_source(event, known)?;
    }
    Ok(Taken {
        zone,
        late,
        foreign,
    })
}

fn zone_of(event: &Incoming, known: &Known<'_>) -> Result<Option<ZoneId>, Objection> {
    if let Payload::Reading(reading) = &event.payload
        && let Some(spec) = known.sensors.get(&reading.sensor)
        && spec.zone.is_some()
    {
        return Ok(spec.zone.clone());
    }
    let Some(zone) = &event.zone else {
        return Ok(None);
    };
    if known.zones.contains_key(zone) {
        return Ok(Some(zone.clone()));
    }
    let mut objection = Objection::unknown(
        "unknown_zone",
        "zone",
        zone.as_str(),
        known.zones.keys().map(ZoneId::as_str),
    );
    objection
        .message
        .push_str("; zones are configured as [zone.ID]");
    Err(objection)
}

/// Refuses what lies too far ahead; tells what is late.
fn check_time(at: Option<Instant>, known: &Known<'_>) -> Result<bool, Objection> {
    let Some(at) = at else { return Ok(false) };
    let (reference, ahead) = match known.now {
        Some(now) => (now.wall, known.node.max_ahead),
        None => (known.machine_wall, growbox_model::Span::ZERO),
    };
    if at > reference.plus(ahead) {
        let message = match known.now {
            Some(_) => format!(
                "timestamp {at} lies more than {ahead} ahead of the room clock, {reference}"
            ),
            None => format!(
                "timestamp {at} lies ahead of this machine's clock, {reference}, and is the first: it would found the room clock"
            ),
        };
        return Err(Objection::new("too_far_ahead", message));
    }
    let system_clock = known.node.clock == ClockForm::System;
    Ok(system_clock && at < reference.minus(known.node.max_age))
}

fn check_source(event: &Incoming, known: &Known<'_>) -> Result<(), Objection> {
    let Payload::Reading(reading) = &event.payload else {
        return Ok(());
    };
    let configured = known
        .sensors
        .get(&reading.sensor)
        .and_then(|spec| spec.source.as_ref());
    let bound = configured.or_else(|| known.bindings.source_of(&reading.sensor));
    if let Some(bound) = bound.filter(|bound| **bound != event.source) {
        return Err(Objection::new(
            "other_source",
            format!(
                "sensor {} belongs to source {bound}, this came from {}; to release it: growbox doctor --rebind {}",
                reading.sensor, event.source, reading.sensor
            ),
        ));
    }
    if !known
        .bindings
        .has_room_for(&reading.sensor, &reading.quantity)
    {
        return Err(Objection::new(
            "too_many_series",
            format!(
                "sensor {} would be series number {}; {SERIES} are the most",
                reading.sensor,
                SERIES + 1
            ),
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use growbox_model::{Moment, Quantity, Span};
    use serde_json::json;

    struct Bound(Option<Source>);
    impl Bindings for Bound {
        fn source_of(&self, _: &SensorId) -> Option<&Source> {
            self.0.as_ref()
        }
        fn has_room_for(&self, _: &SensorId, _: &Quantity) -> bool {
            true
        }
    }

    struct Room {
        node: NodeSpec,
        zones: BTreeMap<ZoneId, ZoneSpec>,
        bound: Bound,
        names: Names,
    }

    fn room() -> Room {
        let tent = ZoneId::new("tent").unwrap();
        Room {
            node: NodeSpec::default(),
            zones: [(tent.clone(), ZoneSpec::bare(tent))].into(),
            bound: Bound(None),
            names: Names::default(),
        }
    }

    fn wall() -> Instant {
        Instant::parse("2026-01-15T12:00:00Z").unwrap()
    }

    fn check(
        room: &Room,
        zone: &str,
        at: &str,
        kind: &str,
        speaker: Speaker,
    ) -> Result<Taken, Objection> {
        let event = Incoming::read(
            json!({"type": kind, "timestamp": at, "data": {"sensor_id": "a", "value": 20, "quantity": "temperature"},
                   "metadata": {"zone": zone}}),
            "http",
        )?;
        let sensors = BTreeMap::new();
        let now = Now {
            moment: Moment(0),
            wall: wall(),
            wall_trusted: true,
        };
        let known = Known {
            node: &room.node,
            zones: &room.zones,
            sensors: &sensors,
            bindings: &room.bound,
            names: &room.names,
            now: Some(now),
            machine_wall: wall(),
        };
        validate(&event, speaker, &known)
    }

    #[test]
    fn zone_time_and_source_are_checked() {
        let mut room = room();
        let at = "2026-01-15T12:00:00Z";
        let ask = |room: &Room, zone: &str, at: &str| {
            check(room, zone, at, "sensor.temperature", Speaker::Anyone)
        };
        assert!(!ask(&room, "tent", at).unwrap().late);
        assert_eq!(
            ask(&room, "tend", at).unwrap_err().nearest.as_deref(),
            Some("tent")
        );
        assert_eq!(
            ask(&room, "tent", "2026-01-15T12:02:00Z").unwrap_err().code,
            "too_far_ahead"
        );
        assert!(ask(&room, "tent", "2026-01-15T10:00:00Z").unwrap().late);
        room.node.max_ahead = Span::minutes(5);
        assert!(ask(&room, "tent", "2026-01-15T12:02:00Z").is_ok());
        room.bound = Bound(Some(Source("mqtt:x".into())));
        assert_eq!(ask(&room, "tent", at).unwrap_err().code, "other_source");
    }

    #[test]
    fn without_the_token_only_readings_have_effect() {
        let room = room();
        let at = "2026-01-15T12:00:00Z";
        assert!(
            check(&room, "tent", at, "sensor.stale", Speaker::Anyone)
                .unwrap()
                .foreign
        );
        assert!(
            !check(&room, "tent", at, "sensor.stale", Speaker::Operator)
                .unwrap()
                .foreign
        );
    }
}
