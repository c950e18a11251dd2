//! Obeying: an event said with the token is taken over as a setting, a person's `set`, a stop.

use growbox_model::{
    Command, DeviceId, Event, Json, Objection, Quality, Reading, Request, Requester, SensorId, Seq,
    Span, VerdictKind, ZoneId,
};
use serde_json::{Map, Value, json};

use crate::flow::Flow;
use crate::judge::Said;
use crate::say::Saying;

/// From here on a contact counts as pressed.
const PRESSED: f64 = 0.5;

impl Flow {
    /// An event said with the token is taken over: a setting, a person's `set`, a stop.
    pub(crate) fn obey(&mut self, event: &Event) {
        let Some(data) = event.document().map(Json::map) else {
            return;
        };
        let done = match event.kind.as_str() {
            "device.action.requested" => self.obey_request(event, &data),
            "system.emergency" => {
                self.obey_emergency(event, &data);
                Ok(())
            }
            kind if kind.starts_with("control.") => self.obey_control(event, &data),
            _ => Ok(()),
        };
        if let Err(objection) = done {
            tracing::warn!(event = event.seq.0, kind = %event.kind, "not taken over: {objection}");
        }
    }

    /// Stops the zone the event names, in its metadata or its data; without one, everything.
    fn obey_emergency(&mut self, event: &Event, data: &Map<String, Value>) {
        let said = text(data, "message").or(text(data, "rule"));
        let reason = said.unwrap_or("emergency").into();
        let by = Requester::Person(event.source.0.clone());
        let named = text(data, "zone").and_then(|zone| ZoneId::new(zone).ok());
        let named = named.filter(|zone| self.room.zones.contains_key(zone));
        let zone = event.zone.clone().or(named);
        self.violations.note_stop(zone.clone(), event.seq);
        self.gate.stop(zone.as_ref(), &reason, &by);
    }

    /// The sensor that the configuration names stops everything while it says so, and again after
    /// a reset. It speaks as a person does: what is only observed is driven too.
    pub(crate) fn hear_stop_input(&mut self, event: &Event, reading: &Reading) {
        let named = self.room.node.stop_input.as_ref() == Some(&reading.sensor);
        let says = reading.quality != Quality::Bad && reading.value >= PRESSED;
        if !named || !says || self.gate.is_stopped() {
            return;
        }
        self.stop_by_input(&reading.sensor, Some(event.seq));
    }

    pub(crate) fn stop_by_input(&mut self, sensor: &SensorId, cause: Option<Seq>) {
        let reason = format!("{sensor} says stop");
        let said = Said {
            cause,
            ..Said::default()
        };
        let by = Requester::Person(format!("sensor:{sensor}").into());
        self.say_stop(None, &reason, &by, &said);
        self.gate.stop(None, &reason.into(), &by);
    }

    /// The stop input, while the newest that it said is that it is pressed: a contact may speak
    /// when it changes only, so that it counts however long ago that was.
    pub(crate) fn pressed_input(&self) -> Option<SensorId> {
        let input = self.room.node.stop_input.as_ref()?;
        let mut values = self.zones.newest_of(input);
        values.any(|value| value >= PRESSED).then(|| input.clone())
    }

    fn obey_request(&mut self, event: &Event, data: &Map<String, Value>) -> Result<(), Objection> {
        let requester = text(data, "requester").unwrap_or(event.source.as_str());
        match persons_request(data) {
            Ok(request) => {
                let requester = Requester::Person(requester.into());
                self.judge(&self.persons_ask(&requester, &request), event.seq);
                Ok(())
            }
            Err(objection) => {
                let data = json!({
                    "device_id": text(data, "device_id").unwrap_or_default(),
                    "requester": format!("person:{requester}"),
                    "policy": "form",
                    "reason": objection.message,
                });
                let kind = VerdictKind::Denied;
                self.stats.verdict(kind);
                let verdict = Saying::host(kind.event_type(), &data);
                self.say(
                    verdict
                        .in_zone(event.zone.clone())
                        .caused_by(Some(event.seq)),
                );
                Err(objection)
            }
        }
    }

    /// Without a zone it concerns every zone.
    fn obey_control(&mut self, event: &Event, data: &Map<String, Value>) -> Result<(), Objection> {
        let zones: Vec<ZoneId> = match &event.zone {
            Some(zone) => vec![zone.clone()],
            None => self.room.zones.keys().cloned().collect(),
        };
        for zone in &zones {
            match event.kind.as_str() {
                "control.automation.paused" => self.pause(zone, data),
                "control.automation.resumed" => self.resume(zone)?,
                kind => {
                    let over = length(data, "transition_duration");
                    self.override_keys(zone, &settings_of(kind, data), over)?;
                }
            }
        }
        Ok(())
    }
}

fn text<'a>(data: &'a Map<String, Value>, key: &str) -> Option<&'a str> {
    data.get(key).and_then(Value::as_str)
}

/// What an event said with the token asks of a device.
fn persons_request(data: &Map<String, Value>) -> Result<Request, Objection> {
    Ok(Request {
        device: DeviceId::new(text(data, "device_id").unwrap_or_default())?,
        command: command_of(data)?,
        lease: length(data, "duration"),
        reason: text(data, "reason").unwrap_or("by event").into(),
        causes: Vec::new(),
    })
}

pub(crate) fn length(data: &Map<String, Value>, key: &str) -> Option<Span> {
    serde_json::from_value(data.get(key)?.clone()).ok()
}

/// `level` where it is given, else what the action says.
fn command_of(data: &Map<String, Value>) -> Result<Command, Objection> {
    if let Some(level) = data.get("level").and_then(Value::as_f64) {
        return Ok(Command::Level(level));
    }
    match text(data, "action") {
        Some("activate" | "on") => Ok(Command::Level(1.0)),
        Some("deactivate" | "off") => Ok(Command::Level(0.0)),
        Some("release") => Ok(Command::Release),
        other => Err(Objection::new(
            "no_level",
            format!("neither level nor a known action: {other:?}"),
        )),
    }
}

/// The zone settings a control event carries, as keys and values.
fn settings_of(kind: &str, data: &Map<String, Value>) -> Map<String, Value> {
    let from = |key: &str, field: &str| Some((key.to_owned(), data.get(field)?.clone()));
    let found = match kind {
        "control.mode.changed" => vec![from("mode", "new_mode")],
        "control.stage.changed" => vec![from("stage", "new_stage")],
        "control.target.updated" => {
            let parameter = text(data, "parameter").unwrap_or_default();
            vec![from(&format!("targets.{parameter}"), "new_target")]
        }
        "control.photoperiod.changed" => {
            vec![
                from("lights_on", "lights_on"),
                from("hours_of_light", "hours_of_light"),
            ]
        }
        _ => Vec::new(),
    };
    found.into_iter().flatten().collect()
}
