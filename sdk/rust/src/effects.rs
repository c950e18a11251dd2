//! What a handler wants to happen. It returns; the host performs.

use crate::time::Span;
use crate::units::Level;
use crate::wire::{Call, Command, Draft, Effect, Payload, Reading, Request, Stop};
use serde_json::Value;

/// The effects of one batch, in the order in which they were wanted.
#[derive(Debug, Default)]
pub struct Effects {
    list: Vec<Effect>,
}

impl Effects {
    /// Asks something of a device, or of several: a device, some, or none at all.
    ///
    /// Where there is no such device nothing is asked. The request is made by
    /// [`Ask::because`]: nobody commands a device without saying why.
    pub fn request<D: AsRef<str>>(&mut self, devices: impl IntoIterator<Item = D>) -> Ask<'_> {
        let devices = devices
            .into_iter()
            .map(|device| device.as_ref().to_string());
        Ask {
            devices: devices.collect(),
            command: Command::Release,
            lease: None,
            causes: Vec::new(),
            effects: self,
        }
    }

    /// Emits a reading of a sensor of the plug-in's own. The type follows from its quantity.
    pub fn emit_reading(&mut self, reading: Reading) -> Emitted<'_> {
        let event_type = format!("sensor.{}", reading.quantity);
        self.push_draft(event_type, Payload::Reading(reading))
    }

    /// Emits an event with a JSON object.
    pub fn emit(&mut self, event_type: impl Into<String>, data: &Value) -> Emitted<'_> {
        self.push_draft(event_type.into(), Payload::Document(data.to_string()))
    }

    /// Stops a zone, or everything. Needs the ask `emergency-stop`.
    pub fn stop(&mut self, zone: Option<&str>, reason: impl Into<String>, causes: &[u64]) {
        self.list.push(Effect::Stop(Stop {
            zone: zone.map(ToString::to_string),
            reason: reason.into(),
            causes: causes.to_vec(),
        }));
    }

    /// Calls outside, at least once, after what was decided is durable; the answer comes as
    /// `plugin.call.answered` with this key. Needs the ask `call` and a grant of the origin.
    pub fn call(
        &mut self,
        key: impl Into<String>,
        method: impl Into<String>,
        url: impl Into<String>,
    ) -> Outgoing<'_> {
        self.list.push(Effect::Call(Call {
            key: key.into(),
            method: method.into(),
            url: url.into(),
            headers: Vec::new(),
            body: Vec::new(),
        }));
        match self.list.last_mut() {
            Some(Effect::Call(call)) => Outgoing { call },
            _ => unreachable!("pushed above"),
        }
    }

    /// Any effect of the contract.
    pub fn push(&mut self, effect: Effect) {
        self.list.push(effect);
    }

    /// The effects so far.
    #[must_use]
    pub fn as_slice(&self) -> &[Effect] {
        &self.list
    }

    /// The effects, to be handed to the host.
    #[must_use]
    pub fn into_list(self) -> Vec<Effect> {
        self.list
    }

    fn push_draft(&mut self, event_type: String, payload: Payload) -> Emitted<'_> {
        self.list.push(Effect::Emit(Draft {
            type_: event_type,
            zone: None,
            at: None,
            payload,
            metadata: None,
            causes: Vec::new(),
        }));
        match self.list.last_mut() {
            Some(Effect::Emit(draft)) => Emitted { draft },
            _ => unreachable!("pushed above"),
        }
    }
}

/// An event on its way out, to be filled in.
#[derive(Debug)]
pub struct Emitted<'e> {
    draft: &'e mut Draft,
}

impl Emitted<'_> {
    /// The zone it is about.
    pub fn zone(self, zone: impl AsRef<str>) -> Self {
        self.draft.zone = Some(zone.as_ref().to_string());
        self
    }

    /// When it happened, in ns since the Unix epoch; else when the batch was cut.
    pub fn at(self, instant: u64) -> Self {
        self.draft.at = Some(instant);
        self
    }

    /// Whatever else goes with it: a JSON object.
    pub fn metadata(self, metadata: &Value) -> Self {
        self.draft.metadata = Some(metadata.to_string());
        self
    }

    /// The events it follows from; the newest of them is the cause.
    pub fn caused_by(self, causes: &[u64]) -> Self {
        self.draft.causes = causes.to_vec();
        self
    }
}

/// A call on its way out, to be filled in.
#[derive(Debug)]
pub struct Outgoing<'e> {
    call: &'e mut Call,
}

impl Outgoing<'_> {
    /// One more header.
    pub fn header(self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.call.headers.push((name.into(), value.into()));
        self
    }

    /// What is sent.
    pub fn body(self, body: impl Into<Vec<u8>>) -> Self {
        self.call.body = body.into();
        self
    }
}

/// A request in the making; [`Ask::because`] makes it.
#[must_use = "nothing is asked without because()"]
#[derive(Debug)]
pub struct Ask<'e> {
    effects: &'e mut Effects,
    devices: Vec<String>,
    command: Command,
    lease: Option<Span>,
    causes: Vec<u64>,
}

impl Ask<'_> {
    /// A level, in per cent or from 0 to 1.
    pub fn level(mut self, level: impl Into<Level>) -> Self {
        self.command = Command::Level(level.into().0);
        self
    }

    /// On for exactly so long: a dose.
    pub fn pulse(mut self, length: Span) -> Self {
        self.command = Command::Pulse(length.as_nanoseconds());
        self
    }

    /// Lets go of what was asked before.
    pub fn release(mut self) -> Self {
        self.command = Command::Release;
        self
    }

    /// For how long it stands unless it is asked again; else the host's default.
    pub fn lease(mut self, lease: Span) -> Self {
        self.lease = Some(lease);
        self
    }

    /// The events it follows from; the newest of them is the cause.
    pub fn caused_by(mut self, causes: &[u64]) -> Self {
        self.causes = causes.to_vec();
        self
    }

    /// Asks, with the sentence that a person reads beside the device.
    pub fn because(self, reason: impl Into<String>) {
        let reason = reason.into();
        for device in self.devices {
            self.effects.list.push(Effect::Request(Request {
                device,
                command: self.command.clone(),
                lease: self.lease.map(Span::as_nanoseconds),
                reason: reason.clone(),
                causes: self.causes.clone(),
            }));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::minutes;
    use crate::units::percent;
    use crate::wire::Quality;
    use serde_json::json;

    #[test]
    fn a_request_reads_like_a_sentence() {
        let mut effects = Effects::default();
        effects
            .request(["exhaust"])
            .level(percent(80))
            .lease(minutes(10))
            .caused_by(&[7])
            .because("leaf too wet");
        assert_eq!(
            effects.into_list(),
            [Effect::Request(Request {
                device: "exhaust".into(),
                command: Command::Level(0.8),
                lease: Some(600_000_000_000),
                reason: "leaf too wet".into(),
                causes: vec![7],
            })]
        );
    }

    #[test]
    fn of_no_device_nothing_is_asked() {
        let mut effects = Effects::default();
        effects
            .request(None::<String>)
            .level(percent(80))
            .because("there is none");
        assert!(effects.into_list().is_empty());
    }

    #[test]
    fn a_call_carries_its_key() {
        let mut effects = Effects::default();
        effects
            .call("ntfy-7", "POST", "https://ntfy.sh/tent")
            .header("Title", "Critical")
            .body("too hot");
        let [Effect::Call(call)] = effects.as_slice() else {
            panic!("one call");
        };
        assert_eq!(
            (call.key.as_str(), call.method.as_str()),
            ("ntfy-7", "POST")
        );
        assert_eq!(
            call.headers,
            [("Title".to_string(), "Critical".to_string())]
        );
        assert_eq!(call.body, b"too hot");
    }

    #[test]
    fn a_reading_names_its_type() {
        let mut effects = Effects::default();
        let reading = Reading {
            sensor: "own.tent".into(),
            quantity: "vpd".into(),
            value: 0.9,
            unit: "kilopascal".into(),
            quality: Quality::Good,
        };
        effects
            .emit_reading(reading)
            .zone("tent")
            .at(5)
            .caused_by(&[1, 2]);
        effects
            .emit("x.own.note", &json!({"a": 1}))
            .metadata(&json!({"priority": "high"}));
        let [Effect::Emit(first), Effect::Emit(second)] = effects.as_slice() else {
            panic!("two drafts");
        };
        assert_eq!((first.type_.as_str(), first.at), ("sensor.vpd", Some(5)));
        assert_eq!(first.causes, [1, 2]);
        assert_eq!(second.payload, Payload::Document(r#"{"a":1}"#.into()));
        assert_eq!(second.metadata.as_deref(), Some(r#"{"priority":"high"}"#));
    }
}
