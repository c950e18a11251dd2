//! An event on its way in: typed, but without a number yet.

use serde_json::{Map, Value};

use crate::catalogue::{self, EventType};
use crate::event::{Payload, Quality, Reading, Source};
use crate::id::{EVENT_ID_BYTES, SensorId, Seq, Text, ZoneId, quoted};
use crate::json::{BODY_BYTES, Json, check_bounds};
use crate::objection::Objection;
use crate::quantity::Quantity;
use crate::time::Instant;

/// With whose authority something is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speaker {
    /// Anybody who reaches an edge.
    Anyone,
    /// Who holds the token.
    Operator,
    /// A driver of the configuration: readings and states of what it was given.
    Driver,
}

/// A typed event before admission.
#[derive(Debug, Clone, PartialEq)]
pub struct Incoming {
    /// The id its sender gave.
    pub id: Option<Text>,
    /// What kind of event.
    pub kind: EventType,
    /// The zone it names; the configuration may know better.
    pub zone: Option<ZoneId>,
    /// Edge and client.
    pub source: Source,
    /// When it happened, where it says so.
    pub at: Option<Instant>,
    /// The event that caused it.
    pub cause: Option<Seq>,
    /// What it carries.
    pub payload: Payload,
    /// Whatever else came with it.
    pub metadata: Option<Json>,
}

impl Incoming {
    /// Reads one event object of the outside contract. `edge` is the source without the client's own name.
    pub fn read(value: Value, edge: &str) -> Result<Self, Objection> {
        let Value::Object(mut object) = value else {
            return Err(Objection::new("not_an_object", "an event is a JSON object"));
        };
        let kind_name = take_text(&mut object, "type")?.ok_or_else(|| {
            Objection::new(
                "missing_type",
                "\"type\" is missing, such as \"sensor.temperature\"",
            )
        })?;
        let kind = EventType::parse(&kind_name)?;
        let data = take_object(&mut object, "data")?.ok_or_else(|| {
            Objection::new(
                "missing_data",
                format!("\"data\" is missing; {kind} carries an object"),
            )
        })?;
        let metadata = take_object(&mut object, "metadata")?;
        check_size(&data, metadata.as_ref())?;
        let at = read_time(&mut object, &data)?;
        let id = read_id(&mut object)?;
        let zone = metadata.as_ref().map(read_zone).transpose()?.flatten();
        let source = read_source(edge, metadata.as_ref());
        let payload = read_payload(&kind, &kind_name, data)?;
        let metadata = metadata.filter(|m| !m.is_empty()).map(|m| Json::of(&m));
        Ok(Self {
            id,
            kind,
            zone,
            source,
            at,
            cause: None,
            payload,
            metadata,
        })
    }
}

fn take_text(object: &mut Map<String, Value>, key: &str) -> Result<Option<String>, Objection> {
    take(object, key, "a text", |value| match value {
        Value::String(text) => Some(text),
        _ => None,
    })
}

fn take_object(
    object: &mut Map<String, Value>,
    key: &str,
) -> Result<Option<Map<String, Value>>, Objection> {
    take(object, key, "an object", |value| match value {
        Value::Object(map) => Some(map),
        _ => None,
    })
}

/// Takes a member out; none where it is missing or null, refused where it has another form.
fn take<T>(
    object: &mut Map<String, Value>,
    key: &str,
    form: &str,
    read: impl FnOnce(Value) -> Option<T>,
) -> Result<Option<T>, Objection> {
    match object.remove(key) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => read(value).map(Some).ok_or_else(|| {
            Objection::new(&format!("bad_{key}"), format!("\"{key}\" is not {form}"))
        }),
    }
}

fn check_size(
    data: &Map<String, Value>,
    metadata: Option<&Map<String, Value>>,
) -> Result<(), Objection> {
    let empty = Map::new();
    for (map, path) in [(data, "data"), (metadata.unwrap_or(&empty), "metadata")] {
        for (key, value) in map {
            if !matches!(value, Value::Number(_) | Value::Bool(_) | Value::Null) || key.len() > 256
            {
                check_bounds(value, path)?;
                check_bounds(&Value::String(key.clone()), path)?;
            }
        }
    }
    if rough_size(data) + metadata.map_or(0, rough_size) > BODY_BYTES {
        return Err(Objection::new(
            "event_too_large",
            format!("data and metadata together have more than {BODY_BYTES} bytes"),
        ));
    }
    Ok(())
}

/// The length of the JSON text, without making it.
fn rough_size(map: &Map<String, Value>) -> usize {
    fn of(value: &Value) -> usize {
        match value {
            Value::String(text) => text.len() + 2,
            Value::Array(items) => 2 + items.iter().map(|i| of(i) + 1).sum::<usize>(),
            Value::Object(map) => rough_size(map),
            _ => 8,
        }
    }
    2 + map
        .iter()
        .map(|(key, value)| key.len() + 4 + of(value))
        .sum::<usize>()
}

fn read_time(
    object: &mut Map<String, Value>,
    data: &Map<String, Value>,
) -> Result<Option<Instant>, Objection> {
    match take_text(object, "timestamp")? {
        Some(text) => Instant::parse(&text).map(Some),
        None => data
            .get("timestamp")
            .and_then(Value::as_str)
            .map(Instant::parse)
            .transpose(),
    }
}

fn read_id(object: &mut Map<String, Value>) -> Result<Option<Text>, Objection> {
    let Some(id) = take_text(object, "id")? else {
        return Ok(None);
    };
    if id.is_empty() || id.len() > EVENT_ID_BYTES {
        return Err(Objection::new(
            "bad_id",
            format!("an event id has 1 to {EVENT_ID_BYTES} bytes"),
        ));
    }
    Ok(Some(id.into()))
}

fn read_zone(metadata: &Map<String, Value>) -> Result<Option<ZoneId>, Objection> {
    match metadata.get("zone") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(zone)) => ZoneId::new(zone).map(Some),
        Some(_) => Err(Objection::new("bad_zone", "metadata.zone is not a text")),
    }
}

fn read_source(edge: &str, metadata: Option<&Map<String, Value>>) -> Source {
    let name = metadata
        .and_then(|m| m.get("source"))
        .and_then(Value::as_str)
        .filter(|n| !n.is_empty());
    Source(match name {
        Some(name) => format!("{edge}:{}", name.chars().take(120).collect::<String>()).into(),
        None => edge.into(),
    })
}

fn read_payload(
    kind: &EventType,
    said: &str,
    mut data: Map<String, Value>,
) -> Result<Payload, Objection> {
    if let Some(quantity) = kind.quantity() {
        return read_reading(quantity, data).map(Payload::Reading);
    }
    if said == "control.target.vpd_updated" {
        data.entry("parameter").or_insert_with(|| "vpd".into());
    }
    catalogue::check_document(kind, &data)?;
    Ok(Payload::Document(Json::of(&data)))
}

fn read_reading(quantity: Quantity, mut data: Map<String, Value>) -> Result<Reading, Objection> {
    let sensor = match data.remove("sensor_id") {
        Some(Value::String(id)) => SensorId::new(&id)?,
        Some(_) => {
            return Err(Objection::new(
                "wrong_field",
                "data.sensor_id is not a text",
            ));
        }
        None => return Err(Objection::new("missing_field", "data.sensor_id is missing")),
    };
    let value = read_value(&quantity, data.remove("value"))?;
    let unit = match data.remove("unit") {
        None | Some(Value::Null) => None,
        Some(Value::String(unit)) => Some(unit),
        Some(_) => return Err(Objection::new("wrong_field", "data.unit is not a text")),
    };
    let quality = read_quality(data.remove("quality").as_ref())?;
    let (value, unit, quality) = settle_unit(&quantity, value, unit, quality)?;
    let more = (!data.is_empty()).then(|| Json::of(&data));
    Ok(Reading {
        sensor,
        quantity,
        value,
        unit,
        quality,
        more,
    })
}

fn settle_unit(
    quantity: &Quantity,
    value: f64,
    unit: Option<String>,
    said: Quality,
) -> Result<(f64, Text, Quality), Objection> {
    let Some(spec) = quantity.spec() else {
        return Ok((value, unit.unwrap_or_default().into(), said));
    };
    let value = spec.canonical(value, unit.as_deref())?;
    let quality = if spec.plausible(value) {
        said
    } else {
        Quality::Bad
    };
    Ok((value, spec.unit.into(), quality))
}

fn read_value(quantity: &Quantity, value: Option<Value>) -> Result<f64, Objection> {
    match value {
        None | Some(Value::Null) => Err(Objection::new("missing_field", "data.value is missing")),
        Some(Value::Bool(flag)) if quantity.yes_or_no() => Ok(f64::from(u8::from(flag))),
        Some(Value::Number(number)) => number.as_f64().filter(|v| v.is_finite()).ok_or_else(|| {
            Objection::new("not_finite", format!("data.value {number} is not finite"))
        }),
        Some(other) => Err(Objection::new(
            "not_a_number",
            match other {
                Value::String(text) => format!("data.value {} is not a number", quoted(&text)),
                other => format!("data.value is not a number but {}", shortened(&other)),
            },
        )),
    }
}

/// The beginning of a value's JSON.
fn shortened(value: &Value) -> String {
    value.to_string().chars().take(60).collect()
}

fn read_quality(quality: Option<&Value>) -> Result<Quality, Objection> {
    match quality.and_then(Value::as_str) {
        Some("good") => Ok(Quality::Good),
        Some("uncertain") => Ok(Quality::Uncertain),
        Some("bad") => Ok(Quality::Bad),
        None if matches!(quality, None | Some(Value::Null)) => Ok(Quality::Good),
        _ => Err(Objection::new(
            "bad_quality",
            "data.quality is \"good\", \"uncertain\" or \"bad\"",
        )),
    }
}

/// A reading by a driver or plug-in, already in parts.
pub fn reading(
    sensor: SensorId,
    quantity: &str,
    value: f64,
    unit: Option<&str>,
    quality: Quality,
) -> Result<Reading, Objection> {
    if !value.is_finite() {
        return Err(Objection::new(
            "not_finite",
            format!("{sensor} reads {value}, which is not finite"),
        ));
    }
    let quantity = Quantity::new(quantity)?;
    let (value, unit, quality) = settle_unit(&quantity, value, unit.map(str::to_owned), quality)?;
    Ok(Reading {
        sensor,
        quantity,
        value,
        unit,
        quality,
        more: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn refused(value: Value) -> String {
        Incoming::read(value, "http").unwrap_err().code
    }

    #[test]
    fn a_reading_is_converted_and_keeps_what_it_does_not_know() {
        let event = Incoming::read(
            json!({"type": "sensor.temperature", "data": {"sensor_id": "a", "value": 77, "unit": "°F", "room": 3,
                   "timestamp": "2025-01-15T10:30:00Z"}, "metadata": {"zone": "tent", "source": "esp"}}),
            "http",
        )
        .unwrap();
        assert_eq!(event.source.as_str(), "http:esp");
        assert_eq!(event.at.unwrap().to_string(), "2025-01-15T10:30:00Z");
        let Payload::Reading(reading) = event.payload else {
            panic!("not a reading")
        };
        assert!((reading.value - 25.0).abs() < 1e-9);
        assert_eq!(reading.more.unwrap().map()["room"], 3);
    }

    #[test]
    fn every_flaw_has_its_code() {
        assert_eq!(refused(json!([])), "not_an_object");
        assert_eq!(refused(json!({"data": {}})), "missing_type");
        assert_eq!(
            refused(json!({"type": "sensor.temperature"})),
            "missing_data"
        );
        assert_eq!(
            refused(json!({"type": "sensor.temprature", "data": {}})),
            "unknown_type"
        );
        let reading = |value: Value| json!({"type": "sensor.temperature", "data": {"sensor_id": "a", "value": value}});
        assert_eq!(refused(reading(json!("warm"))), "not_a_number");
        assert_eq!(refused(reading(json!(true))), "not_a_number");
        assert_eq!(refused(reading(json!(null))), "missing_field");
        let mut far = reading(json!(20));
        far["metadata"] = json!({"note": "x".repeat(5000)});
        assert_eq!(refused(far), "string_too_long");
        let mut wide = reading(json!(20));
        wide["metadata"] = json!({"notes": vec!["x".repeat(4000); 20]});
        assert_eq!(refused(wide), "event_too_large");
    }

    #[test]
    fn an_implausible_value_is_kept_as_bad() {
        let event = Incoming::read(
            json!({"type": "sensor.humidity", "data": {"sensor_id": "a", "value": 140}}),
            "http",
        )
        .unwrap();
        let Payload::Reading(reading) = event.payload else {
            panic!("not a reading")
        };
        assert_eq!(reading.quality, Quality::Bad);
    }
}
