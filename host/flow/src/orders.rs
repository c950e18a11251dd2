//! Orders: what people with the token want, and every word between a requester and the gate.

use growbox_gate::{Ask, World};
use growbox_model::commit::Record;
use growbox_model::ports::{Ports, Ticket, wall_of};
use growbox_model::row::{Answer, Order, Signature};
use growbox_model::{
    Command, DeviceId, DeviceSpec, Event, Generation, Json, Moment, Now, Objection, Operation,
    Quantity, Request, Requester, SensorId, Seq, Source, Span, Verdict, VerdictKind, ZoneId,
};
use serde_json::{Map, Value, json};

use crate::flow::Flow;
use crate::say::Saying;
use crate::zones::{Pause, Zones};

/// Where the words of an order come from, besides the requester.
#[derive(Debug, Clone, Default)]
pub(crate) struct Said {
    pub cause: Option<Seq>,
    pub generation: Option<Generation>,
    /// None: the plug-in's own.
    pub source: Option<Source>,
    /// How many plug-in events lie before it; none: as many as its cause.
    pub depth: Option<u8>,
}

/// The room as the gate asks about it.
pub(crate) struct Surroundings<'a> {
    pub zones: &'a Zones,
    pub now: Now,
}

impl World for Surroundings<'_> {
    fn operation(&self, device: &DeviceSpec) -> Operation {
        device.zone.as_ref().map_or(Operation::Control, |zone| {
            self.zones.operation(zone, Some(device.role))
        })
    }

    fn fresh(&self, zone: Option<&ZoneId>, quantity: &Quantity) -> bool {
        zone.is_some_and(|zone| self.zones.fresh(zone, quantity, self.now.moment))
    }
}

impl Flow {
    /// Asks the gate: silent for an equal renewal, else request and verdict are recorded.
    pub(crate) fn ask_gate(&mut self, ask: &Ask<'_>, said: &Said) -> Option<Verdict> {
        let now = self.clock.now();
        let world = Surroundings {
            zones: &self.zones,
            now,
        };
        if self.gate.renews(ask, &world, now) {
            return None;
        }
        let source = said
            .source
            .clone()
            .unwrap_or_else(|| Source(format!("plugin:{}", ask.requester).into()));
        let request = Saying {
            source,
            generation: said.generation,
            depth: said.depth,
            ..Saying::host("device.action.requested", &request_data(ask))
        };
        let zone = self.zone_of(&ask.request.device);
        let seq = self.say(request.in_zone(zone).caused_by(said.cause)).seq;
        Some(self.judge(ask, seq))
    }

    /// Decides a request that has a number already, and records the verdict.
    fn judge(&mut self, ask: &Ask<'_>, seq: Seq) -> Verdict {
        let now = self.clock.now();
        let world = Surroundings {
            zones: &self.zones,
            now,
        };
        let verdict = self.gate.decide(ask, seq, &world, now);
        self.stats.verdict(verdict.kind);
        let data = verdict_data(ask, &verdict, now);
        let zone = self.zone_of(&ask.request.device);
        self.say(
            Saying::host(verdict.kind.event_type(), &data)
                .in_zone(zone)
                .caused_by(Some(seq)),
        );
        verdict
    }

    /// Says that a zone or everything is being stopped.
    pub(crate) fn say_stop(&mut self, zone: Option<&ZoneId>, reason: &str, said: &Said) {
        let devices: Vec<&DeviceId> = self
            .room
            .devices
            .values()
            .filter(|device| zone.is_none() || device.zone.as_ref() == zone)
            .map(|device| &device.id)
            .collect();
        let data = json!({"rule": "stop", "zone": zone, "message": reason, "devices": devices});
        let saying = Saying {
            depth: said.depth,
            ..Saying::host("system.emergency", &data)
        };
        self.announce(saying.in_zone(zone.cloned()).caused_by(said.cause));
    }

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
        self.gate.stop(zone.as_ref(), &reason, &by);
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

    fn persons_ask<'a>(&self, requester: &'a Requester, request: &'a Request) -> Ask<'a> {
        let now = self.clock.now().moment;
        Ask {
            requester,
            granted: true,
            grant_hint: "",
            request,
            caused_at: now,
            cut: now,
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
                    self.override_keys(zone, &settings_of(kind, data))?;
                }
            }
        }
        Ok(())
    }

    fn pause(&mut self, zone: &ZoneId, data: &Map<String, Value>) {
        let length = length(data, "estimated_duration");
        let systems = data.get("affected_systems").and_then(Value::as_array);
        let systems = systems.map(|list| {
            list.iter()
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect()
        });
        let now = self.clock.now();
        let pause = Pause {
            until: length.map(|l| now.moment + l),
            systems: systems.unwrap_or_default(),
        };
        self.keep_pause(zone, Some(pause));
    }

    /// A pause ends; a zone that is paused by its configuration goes to control.
    fn resume(&mut self, zone: &ZoneId) -> Result<(), Objection> {
        self.keep_pause(zone, None);
        let state = self.zones.zones.get(zone);
        if state.is_some_and(|state| state.spec.operation == Operation::Paused) {
            return self.override_zone(zone, "operation", &json!(Operation::Control));
        }
        Ok(())
    }

    pub(crate) fn keep_pause(&mut self, zone: &ZoneId, pause: Option<Pause>) {
        let now = self.clock.now();
        let Some(state) = self.zones.zones.get_mut(zone) else {
            return;
        };
        let kept = pause.as_ref().map(|pause| {
            let until = pause.until.map(|moment| wall_of(moment, now));
            Json::of(&json!({"until": until, "systems": pause.systems}))
        });
        state.pause = pause;
        self.commit
            .records
            .push(Record::Override(zone.clone(), "pause".into(), kept));
        self.commit.urgent = true;
    }

    /// Takes up a pause the log kept.
    pub(crate) fn restore_pause(&mut self, zone: &ZoneId, kept: &Json) {
        #[derive(serde::Deserialize)]
        struct Kept {
            until: Option<growbox_model::Instant>,
            systems: Vec<String>,
        }
        let now = self.clock.now();
        let (Some(kept), Some(state)) = (kept.read::<Kept>(), self.zones.zones.get_mut(zone))
        else {
            return;
        };
        let until = kept.until.map(|wall| now.moment + wall.since(now.wall));
        state.pause = Some(Pause {
            until,
            systems: kept.systems,
        });
    }

    /// Pauses whose time is over resume by themselves, and say so.
    pub(crate) fn resume_due(&mut self) {
        let now = self.clock.now().moment;
        let due: Vec<ZoneId> = self
            .zones
            .zones
            .iter()
            .filter(|(_, zone)| {
                zone.pause
                    .as_ref()
                    .and_then(|p| p.until)
                    .is_some_and(|until| until <= now)
            })
            .map(|(id, _)| id.clone())
            .collect();
        for zone in due {
            self.keep_pause(&zone, None);
            let data = json!({"reason": "the estimated duration is over"});
            self.say(Saying::host("control.automation.resumed", &data).in_zone(Some(zone)));
        }
    }

    /// An order of the API.
    pub(crate) fn hear_order(
        &mut self,
        ticket: Ticket,
        order: Order,
        by: &Signature,
        ports: &mut impl Ports,
    ) {
        let answer = match order {
            Order::Set(..) | Order::Hold(..) | Order::Zone(..) if self.now().is_none() => {
                Answer::Conflict(Objection::new(
                    "no_time_yet",
                    "the clock is told by events, and none has come yet: post one first",
                ))
            }
            Order::Set(device, level, lasting) => self.order_set(&device, level, lasting, by),
            Order::Hold(device, level, lasting) => {
                let now = self.clock.now();
                let held = self
                    .gate
                    .hold(&device, level, lasting, &by.who, &by.reason, now);
                self.device_answer(&device, held)
            }
            Order::Release(device) => {
                let released = self.gate.release(&device);
                self.device_answer(&device, released)
            }
            Order::Stop(zone) => self.order_stop(zone.as_ref(), by),
            Order::Reset(zone) => match self.gate.reset(zone.as_ref()) {
                Ok(()) => self.answer_later_devices(),
                Err(objection) => Answer::Conflict(objection),
            },
            Order::Zone(zone, keys) => self.order_zone(&zone, &keys, by),
        };
        self.conclude(ports);
        let answer = match answer {
            Answer::Devices(rows) => Answer::Devices(self.fresh_rows(&rows)),
            other => other,
        };
        ports.answer(ticket, answer);
    }

    /// Releases a sensor from its source.
    pub(crate) fn rebind(&mut self, ticket: Ticket, sensor: &SensorId, ports: &mut impl Ports) {
        let answer = if self.zones.release(sensor) {
            let released = Record::Bound(sensor.clone(), None);
            self.commit.records.push(released);
            Answer::Posted(Vec::new())
        } else {
            let message = format!("sensor {sensor} is bound to no source");
            Answer::NotFound(Objection::new("not_bound", message))
        };
        ports.answer(ticket, answer);
    }

    fn order_set(
        &mut self,
        device: &DeviceId,
        level: f64,
        lasting: Option<Span>,
        by: &Signature,
    ) -> Answer {
        let request = Request {
            device: device.clone(),
            command: Command::Level(level),
            lease: lasting,
            reason: by.reason.clone(),
            causes: Vec::new(),
        };
        if !self.room.devices.contains_key(device) {
            return self.unknown_device(device);
        }
        let requester = Requester::Person(by.who.clone());
        let said = Said {
            source: Some(Source("http".into())),
            ..Said::default()
        };
        let verdict = self.ask_gate(&self.persons_ask(&requester, &request), &said);
        match verdict {
            Some(verdict) if matches!(verdict.kind, VerdictKind::Denied | VerdictKind::Expired) => {
                Answer::Conflict(Objection::new(verdict.policy, verdict.why))
            }
            _ => self.device_answer(device, Ok(())),
        }
    }

    fn order_stop(&mut self, zone: Option<&ZoneId>, by: &Signature) -> Answer {
        if let Some(zone) = zone.filter(|zone| !self.room.zones.contains_key(*zone)) {
            let known = self.room.zones.keys().map(ZoneId::as_str);
            return Answer::NotFound(Objection::unknown(
                "unknown_zone",
                "zone",
                zone.as_str(),
                known,
            ));
        }
        let reason = if by.reason.is_empty() {
            "stopped by hand"
        } else {
            &*by.reason
        };
        self.say_stop(zone, reason, &Said::default());
        self.gate
            .stop(zone, &reason.into(), &Requester::Person(by.who.clone()));
        self.answer_later_devices()
    }

    fn order_zone(&mut self, zone: &ZoneId, keys: &Json, by: &Signature) -> Answer {
        if let Err(objection) = self.override_keys(zone, &keys.map()) {
            return match objection.code.as_str() {
                "unknown_zone" => Answer::NotFound(objection),
                _ => Answer::Conflict(objection),
            };
        }
        let change = |(key, value)| json!({"section": format!("zone.{zone}"), "parameter": key, "new": value});
        let changes: Vec<Value> = keys.map().into_iter().map(change).collect();
        let data = json!({"changes": changes, "applied_by": by.who, "requires_restart": false});
        self.say(Saying::host("system.config.changed", &data).in_zone(Some(zone.clone())));
        Answer::Zones(
            self.zone_rows()
                .into_iter()
                .filter(|row| row.id == *zone)
                .collect(),
        )
    }

    fn device_answer(&self, device: &DeviceId, done: Result<(), Objection>) -> Answer {
        match done {
            Ok(()) => Answer::Devices(
                self.gate
                    .rows(self.clock.now())
                    .into_iter()
                    .filter(|r| r.id == *device)
                    .collect(),
            ),
            Err(_) if !self.room.devices.contains_key(device) => self.unknown_device(device),
            Err(objection) => Answer::Conflict(objection),
        }
    }

    fn unknown_device(&self, device: &DeviceId) -> Answer {
        let known = self.room.devices.keys().map(DeviceId::as_str);
        Answer::NotFound(Objection::unknown(
            "unknown_device",
            "device",
            device.as_str(),
            known,
        ))
    }

    fn answer_later_devices(&self) -> Answer {
        Answer::Devices(self.gate.rows(self.clock.now()))
    }

    /// The same rows once the gate has settled.
    fn fresh_rows(
        &self,
        rows: &[growbox_model::row::DeviceRow],
    ) -> Vec<growbox_model::row::DeviceRow> {
        let now = self.gate.rows(self.clock.now());
        now.into_iter()
            .filter(|row| rows.iter().any(|old| old.id == row.id))
            .collect()
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

fn length(data: &Map<String, Value>, key: &str) -> Option<Span> {
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

fn request_data(ask: &Ask<'_>) -> Value {
    let (action, level) = match ask.request.command {
        Command::Level(0.0) => ("deactivate", Some(0.0)),
        Command::Level(level) => ("activate", Some(level)),
        Command::Pulse(_) => ("pulse", None),
        Command::Release => ("release", None),
        Command::Other(_, _) => ("other", None),
    };
    let mut data = json!({
        "device_id": ask.request.device,
        "action": action,
        "reason": ask.request.reason,
        "requester": ask.requester.to_string(),
    });
    put(
        &mut data,
        "level",
        level
            .filter(|level| level.is_finite())
            .map(|level| json!(level)),
    );
    put(
        &mut data,
        "duration",
        ask.request.lease.map(|lease| json!(lease)),
    );
    data
}

fn verdict_data(ask: &Ask<'_>, verdict: &Verdict, now: Now) -> Value {
    let mut data = json!({
        "device_id": ask.request.device,
        "requester": ask.requester.to_string(),
        "policy": verdict.policy,
        "reason": verdict.why,
    });
    let label = |moment: Moment| json!(wall_of(moment, now));
    put(&mut data, "level", verdict.level.map(|level| json!(level)));
    put(&mut data, "until", verdict.until.map(label));
    put(&mut data, "free_at", verdict.free_at.map(label));
    data
}

/// Adds a member where there is one.
pub(crate) fn put(data: &mut Value, key: &str, value: Option<Value>) {
    if let (Some(map), Some(value)) = (data.as_object_mut(), value) {
        map.insert(key.to_owned(), value);
    }
}
