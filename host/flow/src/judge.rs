//! Judging: every word between a requester and the gate, and what is recorded of it.

use growbox_gate::{Ask, Toward, World};
use growbox_model::ports::{Written, wall_of};
use growbox_model::{
    Command, DeviceId, DeviceSpec, Generation, Moment, Now, Operation, Quantity, Request,
    Requester, Seq, Source, Trouble, Verdict, ZoneId,
};
use serde_json::{Value, json};

use crate::flow::Flow;
use crate::say::Saying;
use crate::zones::Zones;

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
    /// Everything up to here is on disk.
    pub durable: Seq,
    /// How far the log has come with its commits.
    pub written: Written,
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

    fn day(&self, zone: Option<&ZoneId>) -> Option<bool> {
        let zone = self.zones.zone(zone?)?;
        self.zones.light(&zone.spec, self.now).0
    }

    fn second_of_day(&self) -> Option<u32> {
        self.now
            .wall_trusted
            .then(|| self.zones.second_of_day(self.now.wall))
    }

    fn measure(&self, zone: &ZoneId, quantity: &str, toward: Toward) -> Option<f64> {
        self.zones.measure(zone, quantity, toward, self.now.moment)
    }

    fn trouble(&self, zone: &ZoneId, quantity: &Quantity, of: &[Trouble]) -> Option<Trouble> {
        self.zones.trouble(zone, quantity, of, self.now.moment)
    }

    fn revision(&self) -> Option<u64> {
        Some(self.zones.revision())
    }

    fn written(&self) -> Written {
        self.written
    }

    fn durable(&self, seq: Seq) -> bool {
        seq <= self.durable
    }
}

impl Flow {
    /// Asks the gate: silent for an equal renewal, else request and verdict are recorded.
    pub(crate) fn ask_gate(&mut self, ask: &Ask<'_>, said: &Said) -> Option<Verdict> {
        let now = self.clock.now();
        let world = Surroundings {
            zones: &self.zones,
            now,
            durable: self.durable,
            written: self.written,
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
    pub(crate) fn judge(&mut self, ask: &Ask<'_>, seq: Seq) -> Verdict {
        let now = self.clock.now();
        let world = Surroundings {
            zones: &self.zones,
            now,
            durable: self.durable,
            written: self.written,
        };
        let verdict = self.gate.decide(ask, seq, &world, now);
        self.commit.records.extend(self.gate.take_records());
        self.stats.verdict(verdict.kind);
        self.latency.judged();
        let data = verdict_data(
            &ask.request.device,
            &ask.requester.to_string(),
            &verdict,
            now,
        );
        let zone = self.zone_of(&ask.request.device);
        self.say(
            Saying::host(verdict.kind.event_type(), &data)
                .in_zone(zone)
                .caused_by(Some(seq)),
        );
        verdict
    }

    /// Says that a zone or everything is being stopped, and by whom.
    pub(crate) fn say_stop(
        &mut self,
        zone: Option<&ZoneId>,
        reason: &str,
        by: &Requester,
        said: &Said,
    ) {
        let devices: Vec<&DeviceId> = self
            .room
            .devices
            .values()
            .filter(|device| zone.is_none() || device.zone.as_ref() == zone)
            .map(|device| &device.id)
            .collect();
        let data = json!({
            "rule": "stop",
            "zone": zone,
            "message": reason,
            "devices": devices,
            "requester": by.to_string(),
        });
        let saying = Saying {
            depth: said.depth,
            ..Saying::host("system.emergency", &data)
        };
        let saying = saying.in_zone(zone.cloned()).caused_by(said.cause);
        if let Some(emergency) = self.announce(saying) {
            self.violations.note_stop(zone.cloned(), emergency);
        }
    }

    pub(crate) fn persons_ask<'a>(
        &self,
        requester: &'a Requester,
        request: &'a Request,
    ) -> Ask<'a> {
        let now = self.clock.now().moment;
        Ask {
            requester,
            granted: true,
            grant_hint: "",
            request,
            caused_at: now,
            cut: now,
            tick: None,
        }
    }
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
    let duration = match ask.request.command {
        Command::Pulse(length) => Some(length),
        _ => ask.request.lease,
    };
    put(&mut data, "duration", duration.map(|span| json!(span)));
    data
}

/// A verdict as it is said.
pub(crate) fn verdict_data(
    device: &DeviceId,
    requester: &str,
    verdict: &Verdict,
    now: Now,
) -> Value {
    let mut data = json!({
        "device_id": device,
        "requester": requester,
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
