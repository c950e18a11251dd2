//! The event: something that happened, said by someone, with a number in the log.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::catalogue::EventType;
use crate::id::{Generation, SensorId, Seq, Text, ZoneId};
use crate::json::Json;
use crate::quantity::Quantity;
use crate::time::{Instant, Moment};

/// How far a reading can be believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Quality {
    /// Fit for control.
    Good,
    /// Usable with care; the source says so.
    Uncertain,
    /// Outside the plausible range or marked so; logged, routed, shown to safety, never part of a measure.
    Bad,
}

impl Quality {
    /// The name in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Uncertain => "uncertain",
            Self::Bad => "bad",
        }
    }
}

/// One value of one sensor, in the quantity's canonical unit.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// Who measured.
    pub sensor: SensorId,
    /// What was measured.
    pub quantity: Quantity,
    /// The value, finite, in `unit`.
    pub value: f64,
    /// The canonical unit.
    pub unit: Text,
    /// How far it can be believed.
    pub quality: Quality,
    /// Members of `data` the catalogue does not know, kept as they came.
    pub more: Option<Json>,
}

/// What an event carries.
#[derive(Debug, Clone, PartialEq)]
pub enum Payload {
    /// A `sensor.<quantity>`.
    Reading(Reading),
    /// Every other type: the JSON object of the catalogue.
    Document(Json),
}

/// Who said it: `http`, `http:NAME`, `stdin`, `mqtt:TOPIC`, `driver:ADDRESS`, `plugin:ID`, `host`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Source(pub Text);

impl Source {
    /// The host itself.
    pub fn host() -> Self {
        Self("host".into())
    }

    /// The plug-in that said it, where one did.
    pub fn plugin(&self) -> Option<&str> {
        self.0.strip_prefix("plugin:")
    }

    /// Whether it came over MQTT.
    pub fn by_mqtt(&self) -> bool {
        self.0.starts_with("mqtt:")
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Most different names (types, zones, sources, sensors, units) the log holds over its whole
/// life: each is stored once and then stands in the rows as a number.
pub const NAMES: usize = 65_536;

/// The names in an event: what the log stores once.
pub fn names<'a>(
    kind: &'a EventType,
    zone: Option<&'a ZoneId>,
    source: &'a Source,
    payload: &'a Payload,
) -> impl Iterator<Item = &'a str> {
    let reading = match payload {
        Payload::Reading(reading) => Some(reading),
        Payload::Document(_) => None,
    };
    let measured = reading.map(|reading| reading.sensor.as_str());
    let unit = reading.and_then(Reading::odd_unit);
    let fixed = [kind.as_str(), source.as_str()];
    let others = [zone.map(ZoneId::as_str), measured, unit];
    fixed.into_iter().chain(others.into_iter().flatten())
}

/// A numbered event, as the log holds it.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Its number.
    pub seq: Seq,
    /// The id its sender gave; without one it is `e<SEQ>`.
    pub id: Option<Text>,
    /// What kind of event.
    pub kind: EventType,
    /// Where, when it concerns one zone.
    pub zone: Option<ZoneId>,
    /// Who said it.
    pub source: Source,
    /// When it happened, as the source says.
    pub at: Instant,
    /// When it was taken in, in room time.
    pub taken: Moment,
    /// The wall-clock label of `taken`.
    pub taken_at: Instant,
    /// The event that caused it.
    pub cause: Option<Seq>,
    /// The generation of the plug-in that said it.
    pub generation: Option<Generation>,
    /// Said from outside without the right to: logged, reaches nobody.
    pub foreign: bool,
    /// Older than the host takes for current: logged, drives nothing.
    pub late: bool,
    /// What it carries.
    pub payload: Payload,
    /// Whatever else came with it; `zone` included as it was given.
    pub metadata: Option<Json>,
}

impl Event {
    /// The reading, where it is one.
    pub fn reading(&self) -> Option<&Reading> {
        match &self.payload {
            Payload::Reading(reading) => Some(reading),
            Payload::Document(_) => None,
        }
    }

    /// The document, where it is one.
    pub fn document(&self) -> Option<&Json> {
        match &self.payload {
            Payload::Reading(_) => None,
            Payload::Document(json) => Some(json),
        }
    }

    /// The id as people and queries name it.
    pub fn shown_id(&self) -> String {
        self.id
            .as_ref()
            .map_or_else(|| format!("e{}", self.seq.0), ToString::to_string)
    }

    /// The names in it: what the log stores once.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        names(&self.kind, self.zone.as_ref(), &self.source, &self.payload)
    }

    /// Whether it reaches handlers and views at all.
    pub fn effective(&self) -> bool {
        !self.foreign && !self.late
    }

    /// `data`, as the edges show it.
    pub fn data(&self) -> Value {
        match &self.payload {
            Payload::Document(json) => Value::Object(json.map()),
            Payload::Reading(reading) => Value::Object(reading.data()),
        }
    }

    /// The whole event, as the edges show it.
    pub fn to_json(&self) -> Value {
        let mut out = json!({
            "id": self.shown_id(),
            "seq": self.seq,
            "type": self.kind,
            "timestamp": self.at,
            "taken": self.taken_at,
            "source": self.source,
            "data": self.data(),
        });
        let mut put =
            |key: &str, value: Value| out.as_object_mut().map(|o| o.insert(key.to_owned(), value));
        if let Some(cause) = self.cause {
            put("cause", json!(cause));
        }
        if let Some(generation) = self.generation {
            put("generation", json!(generation));
        }
        if self.foreign {
            put("foreign", json!(true));
        }
        let mut metadata = self.metadata.as_ref().map(Json::map).unwrap_or_default();
        if let (Some(zone), false) = (&self.zone, metadata.contains_key("zone")) {
            metadata.insert("zone".into(), json!(zone));
        }
        put("metadata", Value::Object(metadata));
        out
    }
}

impl Reading {
    /// The unit, where it is not the quantity's own.
    pub fn odd_unit(&self) -> Option<&str> {
        let own = self.quantity.spec().map(|spec| spec.unit);
        Some(&*self.unit).filter(|unit| own != Some(*unit))
    }

    /// `data`, as the edges show it.
    pub fn data(&self) -> Map<String, Value> {
        let mut map = self.more.as_ref().map(Json::map).unwrap_or_default();
        map.insert("sensor_id".into(), json!(self.sensor));
        map.insert("value".into(), json!(self.value));
        map.insert("unit".into(), json!(self.unit));
        map.insert("quality".into(), json!(self.quality));
        map
    }
}
