//! Guest → model: effects and faults, every value checked.
//!
//! An effect whose form is wrong becomes [`model::Effect::Malformed`] with the reason;
//! the rest of the batch stands.

use growbox_model as model;
use model::catalogue::check_document;
use model::id::quoted;
use model::json::{BODY_BYTES, check_bounds};
use model::{Effect, EventType, Fault, Json, Seq};

use super::wit::growbox::plugin::types as wit;
use crate::limits::{CALL_BODY_BYTES, CAUSES, EFFECTS, WORDS_BYTES};

/// Longest name of something this host does not know.
const NAME_BYTES: usize = 128;
/// Most headers of one outbound call.
const HEADERS: usize = 64;
/// Longest unit of an own quantity.
const UNIT_BYTES: usize = 64;

/// All effects of a batch of `plugin`; refused as a whole only for their number.
pub(crate) fn effects(plugin: &str, effects: Vec<wit::Effect>) -> Result<Vec<Effect>, String> {
    if effects.len() > EFFECTS {
        return Err(format!(
            "handle returned {} effects, at most {EFFECTS} are taken (effect limit)",
            effects.len()
        ));
    }
    Ok(effects.into_iter().map(|e| effect(plugin, e)).collect())
}

fn effect(plugin: &str, effect: wit::Effect) -> Effect {
    let (what, checked) = match effect {
        wit::Effect::Emit(d) => ("emit", draft(plugin, d).map(Effect::Emit)),
        wit::Effect::Request(r) => ("request", request(r).map(Effect::Request)),
        wit::Effect::Stop(s) => ("stop", stop(s).map(Effect::Stop)),
        wit::Effect::Call(c) => ("call", call(c).map(Effect::Call)),
        wit::Effect::Other((name, body)) => ("effect", other(&name, &body)),
    };
    checked.unwrap_or_else(|why| Effect::Malformed(format!("{what}: {why}")))
}

fn draft(plugin: &str, draft: wit::Draft) -> Result<model::Draft, String> {
    let kind = EventType::parse(&draft.type_).map_err(|o| o.message)?;
    if !kind.emittable_by(plugin) {
        return Err(format!("{kind} is not a plug-in's to say"));
    }
    let metadata_bytes = draft.metadata.as_ref().map_or(0, String::len);
    let payload = match draft.payload {
        wit::Payload::Reading(r) => model::Payload::Reading(reading(&kind, &r)?),
        wit::Payload::Document(text) => {
            body_fits(text.len() + metadata_bytes)?;
            model::Payload::Document(document(&kind, &text)?)
        }
    };
    body_fits(metadata_bytes)?;
    Ok(model::Draft {
        zone: draft.zone.as_deref().map(zone).transpose()?,
        at: draft.at.map(model::Instant),
        metadata: draft.metadata.as_deref().map(metadata).transpose()?,
        causes: causes(draft.causes)?,
        payload,
        kind,
    })
}

fn reading(kind: &EventType, reading: &wit::Reading) -> Result<model::Reading, String> {
    let quantity = model::Quantity::new(&reading.quantity).map_err(|o| o.message)?;
    if kind.quantity().as_ref() != Some(&quantity) {
        return Err(format!("a reading of {quantity} is no {kind}"));
    }
    let unit = Some(reading.unit.as_str()).filter(|unit| !unit.is_empty());
    let (value, unit) = match quantity.spec() {
        Some(spec) => (
            spec.canonical(reading.value, unit).map_err(|o| o.message)?,
            spec.unit,
        ),
        None => (reading.value, words("unit", &reading.unit, UNIT_BYTES)?),
    };
    if !value.is_finite() {
        return Err(format!("the value of {quantity} is {value}, no number"));
    }
    Ok(model::Reading {
        sensor: model::SensorId::new(&reading.sensor).map_err(|o| o.message)?,
        value,
        unit: unit.into(),
        quality: quality(reading.quality),
        quantity,
        more: None,
    })
}

fn quality(quality: wit::Quality) -> model::Quality {
    match quality {
        wit::Quality::Good => model::Quality::Good,
        wit::Quality::Uncertain => model::Quality::Uncertain,
        wit::Quality::Bad => model::Quality::Bad,
    }
}

fn document(kind: &EventType, text: &str) -> Result<Json, String> {
    if kind.quantity().is_some() {
        return Err(format!("{kind} carries a reading, not a document"));
    }
    let json = object("document", text)?;
    check_document(kind, &json.map()).map_err(|o| o.message)?;
    Ok(json)
}

fn metadata(text: &str) -> Result<Json, String> {
    object("metadata", text)
}

fn object(what: &str, text: &str) -> Result<Json, String> {
    let json = Json::parse(text).map_err(|o| format!("{what} is {}", o.message))?;
    check_bounds(&serde_json::Value::Object(json.map()), what).map_err(|o| o.message)?;
    Ok(json)
}

fn body_fits(bytes: usize) -> Result<(), String> {
    if bytes <= BODY_BYTES {
        return Ok(());
    }
    Err(format!(
        "document and metadata have {bytes} bytes, at most {BODY_BYTES} are taken"
    ))
}

fn request(request: wit::Request) -> Result<model::Request, String> {
    Ok(model::Request {
        device: model::DeviceId::new(&request.device).map_err(|o| o.message)?,
        command: command(request.command)?,
        lease: request.lease.map(model::Span),
        reason: words("reason", &request.reason, WORDS_BYTES)?.into(),
        causes: causes(request.causes)?,
    })
}

/// Whether a level lies within 0…1 is the gate's to say, and to record.
fn command(command: wit::Command) -> Result<model::Command, String> {
    Ok(match command {
        wit::Command::Level(level) if level.is_finite() => model::Command::Level(level),
        wit::Command::Level(level) => return Err(format!("the level is {level}, no number")),
        wit::Command::Pulse(span) => model::Command::Pulse(model::Span(span)),
        wit::Command::Release => model::Command::Release,
        wit::Command::Other((name, body)) => model::Command::Other(
            words("command", &name, NAME_BYTES)?.into(),
            words("command", &body, WORDS_BYTES)?.into(),
        ),
    })
}

fn stop(stop: wit::Stop) -> Result<model::Stop, String> {
    Ok(model::Stop {
        zone: stop.zone.as_deref().map(zone).transpose()?,
        reason: words("reason", &stop.reason, WORDS_BYTES)?.to_owned(),
        causes: causes(stop.causes)?,
    })
}

fn call(call: wit::Call) -> Result<model::Call, String> {
    words("key", &call.key, NAME_BYTES)?;
    words("method", &call.method, NAME_BYTES)?;
    words("url", &call.url, WORDS_BYTES)?;
    if call.headers.len() > HEADERS {
        return Err(format!("{} headers, at most {HEADERS}", call.headers.len()));
    }
    for (name, value) in &call.headers {
        words("header", name, NAME_BYTES)?;
        words("header", value, WORDS_BYTES)?;
    }
    if call.body.len() > CALL_BODY_BYTES {
        return Err(format!(
            "a body of {} bytes, at most {CALL_BODY_BYTES}",
            call.body.len()
        ));
    }
    Ok(model::Call {
        key: call.key,
        method: call.method,
        url: call.url,
        headers: call.headers,
        body: call.body,
    })
}

fn other(name: &str, body: &str) -> Result<Effect, String> {
    Ok(Effect::Other(
        words("name", name, NAME_BYTES)?.into(),
        words(name, body, WORDS_BYTES)?.into(),
    ))
}

fn zone(zone: &str) -> Result<model::ZoneId, String> {
    model::ZoneId::new(zone).map_err(|o| o.message)
}

fn causes(causes: Vec<u64>) -> Result<Vec<Seq>, String> {
    if causes.len() > CAUSES {
        return Err(format!("{} causes, at most {CAUSES}", causes.len()));
    }
    Ok(causes.into_iter().map(Seq).collect())
}

fn words<'a>(what: &str, text: &'a str, most: usize) -> Result<&'a str, String> {
    if text.len() <= most {
        return Ok(text);
    }
    Err(format!(
        "{what} {} has {} bytes, at most {most}",
        quoted(text),
        text.len()
    ))
}

/// A fault the guest returned from a batch that went from `first` to `last`.
pub(crate) fn fault(fault: wit::Fault, in_batch: impl Fn(Seq) -> bool) -> Fault {
    match fault {
        wit::Fault::Settings((pointer, why)) => Fault::Settings {
            pointer: shortened(pointer),
            why: shortened(why),
        },
        wit::Fault::Event((seq, why)) if in_batch(Seq(seq)) => Fault::Event {
            seq: Seq(seq),
            why: shortened(why),
        },
        wit::Fault::Event((seq, why)) => Fault::Trap(format!(
            "it blames event #{seq}, which it was not given: {}",
            shortened(why)
        )),
        wit::Fault::Transient(why) => Fault::Transient(shortened(why)),
        wit::Fault::Permanent(why) => Fault::Permanent(shortened(why)),
    }
}

fn shortened(mut text: String) -> String {
    let mut end = text.len().min(WORDS_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn emit(kind: &str, payload: wit::Payload) -> Effect {
        let draft = wit::Draft {
            type_: kind.into(),
            zone: Some("tent".into()),
            at: None,
            payload,
            metadata: None,
            causes: vec![7],
        };
        effect("dew-guard", wit::Effect::Emit(draft))
    }

    fn vpd(value: f64, unit: &str) -> wit::Payload {
        wit::Payload::Reading(wit::Reading {
            sensor: "vpd-tent".into(),
            quantity: "vpd".into(),
            value,
            unit: unit.into(),
            quality: wit::Quality::Good,
        })
    }

    fn refused(effect: &Effect) -> &str {
        match effect {
            Effect::Malformed(why) => why,
            other => panic!("taken: {other:?}"),
        }
    }

    #[test]
    fn readings_are_converted_and_checked() {
        let Effect::Emit(draft) = emit("sensor.vpd", vpd(1200.0, "Pa")) else {
            panic!("refused");
        };
        let model::Payload::Reading(reading) = draft.payload else {
            panic!("no reading");
        };
        assert!((reading.value - 1.2).abs() < 1e-12);
        assert_eq!(&*reading.unit, "kilopascal");
        assert!(refused(&emit("sensor.vpd", vpd(f64::NAN, ""))).contains("no number"));
        assert!(refused(&emit("sensor.vpd", vpd(1.0, "lux"))).contains("no unit of vpd"));
        assert!(refused(&emit("sensor.co2", vpd(1.0, ""))).contains("is no sensor.co2"));
    }

    #[test]
    fn documents_are_checked_against_the_catalogue() {
        let say = |kind: &str, text: &str| emit(kind, wit::Payload::Document(text.into()));
        assert!(matches!(
            say("alert.raised", r#"{"rule":"mould"}"#),
            Effect::Emit(_)
        ));
        assert!(refused(&say("alert.raised", "{}")).contains("data.rule is missing"));
        assert!(refused(&say("alert.raised", "[]")).contains("not a JSON object"));
        assert!(refused(&say("alert.rised", "{}")).contains("alert.raised"));
        assert!(refused(&say("device.error", r#"{"device_id":"x"}"#)).contains("not a plug-in's"));
        assert!(refused(&say("x.other.note", "{}")).contains("not a plug-in's"));
        assert!(refused(&say("sensor.vpd", "{}")).contains("carries a reading"));
        let long = format!(r#"{{"rule":"{}"}}"#, "x".repeat(5000));
        assert!(refused(&say("alert.raised", &long)).contains("4096"));
        let huge = format!(r#"{{"rule":"m"{}}}"#, " ".repeat(BODY_BYTES));
        assert!(refused(&say("alert.raised", &huge)).contains("at most 65536"));
    }

    #[test]
    fn requests_are_checked() {
        let ask = |device: &str, command| {
            let request = wit::Request {
                device: device.into(),
                command,
                lease: None,
                reason: "dry".into(),
                causes: vec![],
            };
            effect("p", wit::Effect::Request(request))
        };
        assert!(matches!(
            ask("heater", wit::Command::Level(0.5)),
            Effect::Request(_)
        ));
        assert!(refused(&ask("heater", wit::Command::Level(f64::INFINITY))).contains("no number"));
        assert!(refused(&ask("the heater", wit::Command::Release)).contains("device id"));
    }

    #[test]
    fn too_many_effects_refuse_the_batch() {
        let one = wit::Effect::Other(("blink".into(), "{}".into()));
        assert_eq!(
            effects("p", vec![one.clone(); EFFECTS]).unwrap().len(),
            EFFECTS
        );
        let why = effects("p", vec![one; EFFECTS + 1]).unwrap_err();
        assert!(why.contains("effect limit"));
    }

    #[test]
    fn only_events_of_the_batch_can_be_blamed() {
        let blame = |seq| fault(wit::Fault::Event((seq, "odd".into())), |s| s == Seq(4));
        assert!(matches!(blame(4), Fault::Event { seq: Seq(4), .. }));
        assert!(matches!(blame(5), Fault::Trap(_)));
    }
}
