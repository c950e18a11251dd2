//! Orders: what people with the token want over the API.

use growbox_model::commit::Record;
use growbox_model::ports::{Ports, Ticket};
use growbox_model::row::{Answer, Order, Signature};
use growbox_model::{
    Command, DeviceId, Json, Moment, Objection, Request, Requester, SensorId, Seq, Source, Span,
    Verdict, VerdictKind, ZoneId,
};
use serde_json::{Value, json};

use crate::flow::Flow;
use crate::judge::{Said, put, verdict_data};
use crate::overrides::read;
use crate::say::Saying;

/// A disk that fails may not keep people waiting for the answer to a stop for longer than this.
const PATIENCE: Span = Span::seconds(2);

/// An answer that is given once no crash can undo what it tells.
pub(crate) struct Pledge {
    pub ticket: Ticket,
    pub answer: Answer,
    /// Durable with this event.
    pub seq: Seq,
    /// Given then in any case, machine time; none: not before.
    pub until: Option<Moment>,
}

/// Whether an order is answered only once it is on disk, and for how long that is waited for: of a
/// lock-out without end, since somebody puts their hands into it then.
fn promise(order: &Order) -> Option<Option<Span>> {
    match order {
        Order::LockOut(_) | Order::Unlock(_) => Some(None),
        Order::Stop(_) | Order::Hold(..) => Some(Some(PATIENCE)),
        _ => None,
    }
}

impl Flow {
    /// An order of the API.
    pub(crate) fn hear_order(
        &mut self,
        ticket: Ticket,
        order: Order,
        by: &Signature,
        ports: &mut impl Ports,
    ) {
        let promise = promise(&order);
        let answer = match order {
            Order::Set(..)
            | Order::Hold(..)
            | Order::LockOut(..)
            | Order::Zone(..)
            | Order::Acknowledge(..)
                if self.now().is_none() =>
            {
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
                let verdict = match &held {
                    Ok(()) => self.gate.judge_hold(&device, level),
                    Err(objection) => denied(objection),
                };
                if self.room.devices.contains_key(&device) {
                    self.say_act(&device, "hold", (level, lasting), by, &verdict);
                }
                self.device_answer(&device, held)
            }
            Order::Release(device) => {
                let released = self.gate.release(&device);
                if released.is_ok() {
                    self.say_act(&device, "release", (None, None), by, &granted("release"));
                }
                self.device_answer(&device, released)
            }
            Order::LockOut(device) => {
                let now = self.clock.now();
                let locked = self.gate.lock_out(&device, &by.who, &by.reason, now);
                if locked.is_ok() {
                    self.say_act(&device, "lock_out", (None, None), by, &granted("lock_out"));
                }
                self.device_answer(&device, locked)
            }
            Order::Unlock(device) => {
                let unlocked = self.gate.unlock(&device);
                if unlocked.is_ok() {
                    self.say_act(&device, "unlock", (None, None), by, &granted("unlock"));
                }
                self.device_answer(&device, unlocked)
            }
            Order::Stop(zone) => self.order_stop(zone.as_ref(), by),
            Order::Reset(zone) => self.order_reset(zone.as_ref(), by),
            Order::Zone(zone, keys) => self.order_zone(&zone, &keys, by),
            Order::Acknowledge(id) => self.order_acknowledge(&id, by),
        };
        self.conclude(ports);
        let answer = match answer {
            Answer::Devices(rows) => Answer::Devices(self.fresh_rows(&rows)),
            other => other,
        };
        let done = matches!(answer, Answer::Devices(_));
        let waits = done && self.durable < self.last_seq && ports.log_refusal().is_none();
        match promise.filter(|_| waits) {
            Some(patience) => self.pledges.push(Pledge {
                ticket,
                answer,
                seq: self.last_seq,
                until: patience.map(|patience| self.machine.boot + patience),
            }),
            None => ports.answer(ticket, answer),
        }
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
        let by = Requester::Person(by.who.clone());
        self.say_stop(zone, reason, &by, &Said::default());
        self.gate.stop(zone, &reason.into(), &by);
        self.answer_later_devices()
    }

    fn order_reset(&mut self, zone: Option<&ZoneId>, by: &Signature) -> Answer {
        if let Some(input) = self.pressed_input() {
            let message = format!("the stop input {input} is still pressed: release it first");
            return Answer::Conflict(Objection::new("not_clear", message));
        }
        if let Err(objection) = self.gate.reset(zone) {
            return Answer::Conflict(objection);
        }
        let mut message = format!("reset by {}", by.who);
        if !by.reason.is_empty() {
            message = format!("{message}: {}", by.reason);
        }
        let data = json!({"rule": "stop", "zone": zone, "message": message});
        self.announce(Saying::host("system.emergency.reset", &data).in_zone(zone.cloned()));
        self.answer_later_devices()
    }

    /// Records what a person did to a device beside asking for a level: who, what and why, and what
    /// came of it. It is done already, so that its verdict is known.
    fn say_act(
        &mut self,
        device: &DeviceId,
        action: &str,
        (level, lasting): (Option<f64>, Option<Span>),
        by: &Signature,
        verdict: &Verdict,
    ) {
        if self.now().is_none() {
            return;
        }
        let requester = Requester::Person(by.who.clone()).to_string();
        let mut data = json!({
            "device_id": device,
            "action": action,
            "reason": by.reason,
            "requester": requester,
        });
        let level = level.filter(|level| level.is_finite());
        put(&mut data, "level", level.map(|level| json!(level)));
        put(&mut data, "duration", lasting.map(|span| json!(span)));
        let zone = self.zone_of(device);
        let request = Saying {
            source: Source("http".into()),
            ..Saying::host("device.action.requested", &data)
        };
        let seq = self.say(request.in_zone(zone.clone())).seq;
        self.stats.verdict(verdict.kind);
        let kind = verdict.kind.event_type();
        let data = verdict_data(device, &requester, verdict, self.clock.now());
        let verdict = Saying::host(kind, &data);
        self.say(verdict.in_zone(zone).caused_by(Some(seq)));
    }

    fn order_zone(&mut self, zone: &ZoneId, keys: &Json, by: &Signature) -> Answer {
        let before = self.zones.zone(zone).map(|state| state.spec.clone());
        if let Err(objection) = self.override_keys(zone, &keys.map(), None) {
            return match objection.code.as_str() {
                "unknown_zone" => Answer::NotFound(objection),
                _ => Answer::Conflict(objection),
            };
        }
        let change = |(key, value): (String, Value)| {
            let old = before.as_ref().map(|spec| read(spec, &key));
            json!({"section": format!("zone.{zone}"), "parameter": key, "old": old, "new": value})
        };
        let changes: Vec<Value> = keys.map().into_iter().map(change).collect();
        let data = json!({
            "changes": changes,
            "applied_by": by.who,
            "reason": by.reason,
            "requires_restart": false,
        });
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

/// An act of a person that went through.
fn granted(action: &'static str) -> Verdict {
    Verdict {
        kind: VerdictKind::Granted,
        policy: action,
        why: "people go before controllers".to_owned(),
        level: None,
        until: None,
        free_at: None,
    }
}

/// One that was refused. A code of the gate is the name of a policy.
fn denied(objection: &Objection) -> Verdict {
    Verdict {
        kind: VerdictKind::Denied,
        policy: match objection.code.as_str() {
            "lock_out" => "lock_out",
            _ => "form",
        },
        why: objection.message.clone(),
        ..granted("hold")
    }
}
