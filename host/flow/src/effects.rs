//! Effects: what a handler wants to have happened is judged and done, one after the other.

use growbox_gate::Ask;
use growbox_model::event::{Payload, names};
use growbox_model::ports::Ports;
use growbox_model::{
    Draft, Effect, Generation, Moment, Objection, PluginId, Request, Requester, Seq, Source, Span,
    Stop, ZoneId,
};
use growbox_pipeline::validate::Bindings;

use crate::flow::Flow;
use crate::judge::Said;
use crate::mailbox::{Mailbox, Out};
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
        ports: &mut impl Ports,
    ) {
        let done = match effect {
            Effect::Emit(draft) => self.emit(id, generation, out, draft),
            Effect::Request(request) => {
                let caused_at = self.cause_time(out, &request, ports);
                self.request(id, generation, out, &request, caused_at)
            }
            Effect::Stop(stop) => self.plugin_stop(id, out, &stop),
            Effect::Call(call) => self.call(id, generation, out, call),
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
            depth: Some(depth),
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
        self.time_fits(draft)?;
        let named = names(kind, draft.zone.as_ref(), source, &draft.payload);
        self.names.may_add(named)?;
        if let ("alert.raised", Payload::Document(data)) = (kind.as_str(), &draft.payload) {
            self.alerts.may_raise(draft.zone.as_ref(), data)?;
        }
        deep_enough(depth)?;
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
        let configured = self.room.sensors.get(&reading.sensor);
        let owner = match configured {
            Some(sensor) => sensor.source.as_ref(),
            None => self.zones.source_of(&reading.sensor),
        };
        if owner.map_or(configured.is_some(), |owner| owner != source) {
            let why = format!("sensor {} belongs to somebody else", reading.sensor);
            return Err(Objection::new("other_source", why));
        }
        if !self.zones.has_room_for(&reading.sensor, &reading.quantity) {
            let why = format!("sensor {} would be one series too many", reading.sensor);
            return Err(Objection::new("too_many_series", why));
        }
        Ok(())
    }

    /// What a plug-in says has happened. Under the events clock the log's largest `at` is the
    /// clock after a restart: nothing may lie ahead of it.
    fn time_fits(&self, draft: &Draft) -> Result<(), Objection> {
        let ahead = if self.clock.by_events() {
            Span::ZERO
        } else {
            self.room.node.max_ahead
        };
        let latest = self.clock.now().wall.plus(ahead);
        match draft.at.filter(|at| *at > latest) {
            Some(at) => Err(Objection::new(
                "too_far_ahead",
                format!("emit {}: {at} has not come yet", draft.kind),
            )),
            None => Ok(()),
        }
    }

    /// A request of a plug-in: an equal renewal extends its lease silently, everything else is recorded.
    fn request(
        &mut self,
        id: &PluginId,
        generation: Generation,
        out: &Out,
        request: &Request,
        caused_at: Moment,
    ) -> Result<(), Objection> {
        let Some(mailbox) = self.plugins.boxes.get(id) else {
            return Ok(());
        };
        let depth = out.depth_below(&request.causes);
        deep_enough(depth)?;
        let device = self.room.devices.get(&request.device);
        let granted = controls(mailbox, request, device);
        let hint = match device {
            Some(device) if !granted => grant_hint(mailbox, device),
            _ => String::new(),
        };
        let requester = Requester::Plugin(id.clone());
        let ask = Ask {
            requester: &requester,
            granted,
            grant_hint: &hint,
            request,
            caused_at,
            cut: out.batch.clock.now,
            tick: mailbox.manifest.tick,
        };
        let said = Said {
            cause: out.cause(&request.causes),
            generation: Some(generation),
            source: None,
            depth: Some(depth),
        };
        self.ask_gate(&ask, &said);
        Ok(())
    }

    /// How old a request is: its newest cause's age; without causes the batch's cut. A cause
    /// that nobody finds is taken for as old as the oldest event of the batch.
    fn cause_time(&self, out: &Out, request: &Request, ports: &mut impl Ports) -> Moment {
        let known = request.causes.iter().copied();
        let Some(newest) = known.filter(|seq| *seq <= out.view).max() else {
            return out.batch.clock.now;
        };
        let events = &out.batch.events;
        let in_batch = events.iter().find(|event| event.seq == newest);
        let in_ring = || self.ring.entry(newest).map(|entry| &entry.event);
        if let Some(event) = in_batch.or_else(in_ring) {
            return event.taken;
        }
        let logged = ports.backlog(Seq(newest.0.saturating_sub(1)), 1);
        let found = logged.first().filter(|event| event.seq == newest);
        found.or(events.first()).map_or(Moment(0), |e| e.taken)
    }

    fn plugin_stop(&mut self, id: &PluginId, out: &Out, stop: &Stop) -> Result<(), Objection> {
        self.zone_known(stop.zone.as_ref())?;
        let scope = stop.zone.as_ref().map_or("*", ZoneId::as_str);
        let mailbox = self.plugins.boxes.get(id);
        if !mailbox.is_some_and(|mailbox| mailbox.may_stop(scope)) {
            return Err(Objection::new(
                "not_granted",
                format!(
                    "stop of {scope}: not asked for, or [plugin.{id}] grant does not name emergency_stop"
                ),
            ));
        }
        let by = Requester::Plugin(id.clone());
        let depth = out.depth_below(&stop.causes);
        if depth <= DEPTH {
            let said = Said {
                cause: out.cause(&stop.causes),
                depth: Some(depth),
                ..Said::default()
            };
            self.say_stop(stop.zone.as_ref(), &stop.reason, &by, &said);
        }
        self.gate
            .stop(stop.zone.as_ref(), &stop.reason.as_str().into(), &by);
        Ok(())
    }
}

/// Whether a plug-in's word may still follow from others.
pub(crate) fn deep_enough(depth: u8) -> Result<(), Objection> {
    if depth <= DEPTH {
        return Ok(());
    }
    let why = format!("{DEPTH} words of plug-ins already follow from each other");
    Err(Objection::new("too_deep", why))
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

/// What is still to be done to allow it: by the plug-in's author, by the operator, or by both.
fn grant_hint(mailbox: &Mailbox, device: &growbox_model::DeviceSpec) -> String {
    let (spec, id, role) = (&mailbox.spec, device.id.as_str(), device.role.as_str());
    let mut steps = Vec::new();
    if !mailbox.manifest.asks_for("control", role) {
        steps.push(format!("its author makes it ask for the role {role}"));
    }
    if spec.deny.names("control", id) {
        steps.push(format!("take \"{id}\" out of [plugin.{}] deny", spec.id));
    }
    if !spec.grant.names("control", id) {
        let granted = spec
            .grant
            .control
            .iter()
            .map(growbox_model::DeviceId::as_str);
        let devices: Vec<String> = granted
            .chain([id])
            .map(|device| format!("\"{device}\""))
            .collect();
        let devices = devices.join(", ");
        steps.push(format!(
            "[plugin.{}] grant = {{ control = [{devices}] }}",
            spec.id
        ));
    }
    steps.join(", and ")
}
