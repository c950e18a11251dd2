//! Effects: what a handler wants to have happened is judged and done, one after the other.

use growbox_gate::Ask;
use growbox_model::event::Payload;
use growbox_model::{
    Draft, Effect, Generation, Objection, PluginId, Request, Requester, Source, Stop, ZoneId,
};
use growbox_pipeline::validate::Bindings;

use crate::flow::Flow;
use crate::mailbox::{Mailbox, Out};
use crate::orders::Said;
use crate::say::Saying;

/// How many plug-in events may follow from each other.
const DEPTH: u8 = 8;

impl Flow {
    pub(crate) fn perform(
        &mut self,
        id: &PluginId,
        generation: Generation,
        out: &Out,
        effect: Effect,
    ) {
        let done = match effect {
            Effect::Emit(draft) => self.emit(id, generation, out, draft),
            Effect::Request(request) => {
                self.request(id, generation, out, &request);
                Ok(())
            }
            Effect::Stop(stop) => self.plugin_stop(id, out, &stop),
            Effect::Call(call) => Err(Objection::new(
                "no_calls",
                format!("call {:?}: this host performs no outbound calls", call.key),
            )),
            Effect::Other(name, _) => Err(Objection::new(
                "unknown_effect",
                format!("effect {name:?} is not known to this host"),
            )),
            Effect::Malformed(why) => Err(Objection::new("malformed", why)),
        };
        if let Err(objection) = done {
            self.refuse_effect(id, &objection);
        }
    }

    fn refuse_effect(&mut self, id: &PluginId, objection: &Objection) {
        self.stats.refused_effects += 1;
        tracing::warn!(plugin = %id, code = objection.code, "effect refused: {objection}");
        if let Some(mailbox) = self.plugins.boxes.get_mut(id) {
            mailbox.trouble = Some(format!("effect refused: {objection}").into());
        }
    }

    fn emit(
        &mut self,
        id: &PluginId,
        generation: Generation,
        out: &Out,
        draft: Draft,
    ) -> Result<(), Objection> {
        let depth = out.depth_below(&draft.causes);
        let source = Source(format!("plugin:{id}").into());
        self.may_emit(id, &draft, depth, &source)?;
        if let Payload::Reading(reading) = &draft.payload
            && self.zones.bind(&reading.sensor, &source)
        {
            let bound = growbox_model::Record::Bound(reading.sensor.clone(), Some(source.clone()));
            self.commit.records.push(bound);
        }
        self.say(Saying {
            id: None,
            kind: draft.kind,
            zone: draft.zone,
            source,
            at: draft.at.or(Some(out.batch.clock.wall)),
            cause: out.cause(&draft.causes),
            generation: Some(generation),
            foreign: false,
            late: false,
            payload: draft.payload,
            metadata: draft.metadata,
            depth,
        });
        Ok(())
    }

    fn may_emit(
        &mut self,
        id: &PluginId,
        draft: &Draft,
        depth: u8,
        source: &Source,
    ) -> Result<(), Objection> {
        let kind = &draft.kind;
        self.zone_known(draft.zone.as_ref())?;
        self.source_fits(draft, source)?;
        let Some(mailbox) = self.plugins.boxes.get_mut(id) else {
            return Err(Objection::new("gone", "the plug-in is gone"));
        };
        let refuse =
            |code: &str, why: String| Err(Objection::new(code, format!("emit {kind}: {why}")));
        if !kind.emittable_by(id.as_str()) {
            return refuse("not_yours", "no plug-in may say that".into());
        }
        if !mailbox.manifest.asks_for("emit", kind.as_str()) {
            return refuse("not_asked", "its manifest does not ask for it".into());
        }
        if mailbox.spec.deny.names("emit", kind.as_str()) {
            return refuse("denied", format!("[plugin.{id}] deny names it"));
        }
        if depth > DEPTH {
            return refuse(
                "too_deep",
                format!("{DEPTH} plug-in events already follow from each other"),
            );
        }
        if !mailbox.spend() {
            return refuse(
                "over_budget",
                "the plug-in emits more than its budget".into(),
            );
        }
        Ok(())
    }

    fn zone_known(&self, zone: Option<&ZoneId>) -> Result<(), Objection> {
        let Some(zone) = zone.filter(|zone| !self.room.zones.contains_key(*zone)) else {
            return Ok(());
        };
        let known = self.room.zones.keys().map(ZoneId::as_str);
        Err(Objection::unknown(
            "unknown_zone",
            "zone",
            zone.as_str(),
            known,
        ))
    }

    /// A plug-in speaks only for sensors of its own.
    fn source_fits(&self, draft: &Draft, source: &Source) -> Result<(), Objection> {
        let Payload::Reading(reading) = &draft.payload else {
            return Ok(());
        };
        let configured = self.room.sensors.contains_key(&reading.sensor);
        let bound = self
            .zones
            .source_of(&reading.sensor)
            .is_some_and(|bound| bound != source);
        if configured || bound {
            let why = format!("sensor {} belongs to somebody else", reading.sensor);
            return Err(Objection::new("other_source", why));
        }
        Ok(())
    }

    /// A request of a plug-in: an equal renewal extends its lease silently, everything else is recorded.
    fn request(&mut self, id: &PluginId, generation: Generation, out: &Out, request: &Request) {
        let Some(mailbox) = self.plugins.boxes.get(id) else {
            return;
        };
        let granted = controls(mailbox, request, self.room.devices.get(&request.device));
        let hint = grant_hint(mailbox, request);
        let requester = Requester::Plugin(id.clone());
        let ask = Ask {
            requester: &requester,
            granted,
            grant_hint: &hint,
            request,
            caused_at: self.cause_time(out, request),
            cut: out.batch.clock.now,
        };
        let said = Said {
            cause: out.cause(&request.causes),
            generation: Some(generation),
            source: None,
        };
        self.ask_gate(&ask, &said);
    }

    /// How old a request is: its newest cause's age; without causes the batch's cut. A cause
    /// that has left the ring is taken for as old as the oldest event of the batch.
    fn cause_time(&self, out: &Out, request: &Request) -> growbox_model::Moment {
        let Some(newest) = request
            .causes
            .iter()
            .copied()
            .filter(|seq| *seq <= out.view)
            .max()
        else {
            return out.batch.clock.now;
        };
        let in_batch = out
            .batch
            .events
            .iter()
            .find(|event| event.seq == newest)
            .map(|event| event.taken);
        let in_ring = || self.ring.entry(newest).map(|entry| entry.event.taken);
        let oldest = || out.batch.events.first().map(|event| event.taken);
        in_batch
            .or_else(in_ring)
            .or_else(oldest)
            .unwrap_or_default()
    }

    fn plugin_stop(&mut self, id: &PluginId, out: &Out, stop: &Stop) -> Result<(), Objection> {
        self.zone_known(stop.zone.as_ref())?;
        let scope = stop.zone.as_ref().map_or("*", ZoneId::as_str);
        let allowed = self.plugins.boxes.get(id).is_some_and(|mailbox| {
            mailbox.manifest.asks_for("emergency-stop", scope)
                && mailbox.spec.grant.names("emergency-stop", scope)
                && !mailbox.spec.deny.names("emergency-stop", scope)
        });
        if !allowed {
            return Err(Objection::new(
                "not_granted",
                format!(
                    "stop of {scope}: not asked for, or [plugin.{id}] grant does not name emergency_stop"
                ),
            ));
        }
        let cause = out.cause(&stop.causes);
        let by = Requester::Plugin(id.clone());
        self.stop_zone(stop.zone.as_ref(), &stop.reason, &by, cause);
        Ok(())
    }
}

/// Two keys: the manifest asks for the role, the operator names the device.
fn controls(
    mailbox: &Mailbox,
    request: &Request,
    device: Option<&growbox_model::DeviceSpec>,
) -> bool {
    let scope = request.device.as_str();
    device.is_some_and(|device| mailbox.manifest.asks_for("control", device.role.as_str()))
        && mailbox.spec.grant.names("control", scope)
        && !mailbox.spec.deny.names("control", scope)
}

/// What the operator would write to allow it.
fn grant_hint(mailbox: &Mailbox, request: &Request) -> String {
    let mut devices: Vec<String> = mailbox
        .spec
        .grant
        .control
        .iter()
        .map(|device| format!("\"{device}\""))
        .collect();
    devices.push(format!("\"{}\"", request.device));
    format!(
        "[plugin.{}] grant = {{ control = [{}] }}",
        mailbox.id(),
        devices.join(", ")
    )
}
