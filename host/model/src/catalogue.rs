//! The event catalogue: every type growbox knows, its fields, and who may say it.

mod documents;

use std::fmt;

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::id::Text;
use crate::objection::Objection;
use crate::quantity::{QUANTITIES, Quantity};

pub use documents::DOCUMENTS;

/// Longest name of a type, in bytes.
pub const TYPE_BYTES: usize = 128;

/// What a field of a document holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// A string.
    Text,
    /// A finite number.
    Number,
    /// `true` or `false`.
    Flag,
    /// A string or a number (levels, set points and stages are said either way).
    Scalar,
    /// An array.
    List,
    /// An object.
    Object,
    /// Seconds, or text such as `"5min"`.
    Duration,
}

/// One field of a document.
#[derive(Debug)]
pub struct Field {
    /// Its key in `data`.
    pub name: &'static str,
    /// What it holds.
    pub shape: Shape,
    /// Whether an event without it is refused.
    pub required: bool,
}

/// One type whose payload is a document.
#[derive(Debug)]
pub struct DocumentSpec {
    /// The type.
    pub name: &'static str,
    /// Its fields; others are kept as they come.
    pub fields: &'static [Field],
}

/// Older spellings of the specification, and the type each stands for.
static ALIASES: &[(&str, &str)] = &[
    (
        "sensor.calibration_due",
        "sensor.maintenance.calibration_due",
    ),
    ("control.target.vpd_updated", "control.target.updated"),
    ("device.action.success", "device.action.executed"),
];

/// The name of a type the catalogue knows.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct EventType(Text);

impl EventType {
    /// A type of the catalogue, `sensor.x_<name>`, or `x.<plugin>.<name>`; aliases become what they stand for.
    pub fn parse(name: &str) -> Result<Self, Objection> {
        if name.len() > TYPE_BYTES {
            return Err(Objection::new(
                "type_too_long",
                format!("a type has at most {TYPE_BYTES} bytes"),
            ));
        }
        let name = ALIASES
            .iter()
            .find(|(alias, _)| *alias == name)
            .map_or(name, |(_, meant)| meant);
        if document(name).is_some() || is_reading(name) || is_own(name) {
            return Ok(Self(name.into()));
        }
        let readings: Vec<String> = QUANTITIES
            .iter()
            .map(|q| format!("sensor.{}", q.name))
            .collect();
        let known = DOCUMENTS
            .iter()
            .map(|d| d.name)
            .chain(readings.iter().map(String::as_str));
        Err(Objection::unknown(
            "unknown_type",
            "event type",
            name,
            known,
        ))
    }

    /// A type the host itself names.
    ///
    /// # Panics
    /// In debug builds, when the catalogue does not know it.
    pub fn known(name: &'static str) -> Self {
        debug_assert!(
            Self::parse(name).is_ok_and(|t| t.as_str() == name),
            "{name} is not in the catalogue"
        );
        Self(name.into())
    }

    /// `sensor.<quantity>`.
    pub fn of_quantity(quantity: &Quantity) -> Self {
        Self(format!("sensor.{quantity}").into())
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The quantity, where it is a reading's type.
    pub fn quantity(&self) -> Option<Quantity> {
        if document(&self.0).is_some() {
            return None;
        }
        Quantity::new(self.0.strip_prefix("sensor.")?).ok()
    }

    /// Whether it bypasses filters and goes ahead of everything else.
    pub fn critical(&self) -> bool {
        matches!(
            &*self.0,
            "device.error" | "system.emergency" | "safety.violation"
        )
    }

    /// Whether anybody outside may say it with effect, without the token.
    pub fn open(&self) -> bool {
        self.0.starts_with("sensor.") && !matches!(&*self.0, "sensor.stale" | "sensor.recovered")
    }

    /// Whether a subscription to `pattern` (a type, `prefix.*` or `*`) covers it.
    pub fn matches(&self, pattern: &str) -> bool {
        match pattern.strip_suffix('*') {
            Some(prefix) => self.0.starts_with(prefix),
            None => *self.0 == *pattern,
        }
    }

    /// Whether a plug-in of this id may emit it when its manifest asks for it.
    pub fn emittable_by(&self, plugin: &str) -> bool {
        let name = &*self.0;
        let own = name
            .strip_prefix("x.")
            .and_then(|rest| rest.split_once('.'));
        self.quantity().is_some()
            || name == "sensor.threshold.exceeded"
            || [
                "sensor.maintenance.",
                "vpd.",
                "control.vpd.",
                "alert.",
                "analytics.",
            ]
            .iter()
            .any(|prefix| name.starts_with(prefix))
            || own.is_some_and(|(id, _)| id == plugin)
    }
}

impl fmt::Display for EventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn is_reading(name: &str) -> bool {
    name.strip_prefix("sensor.")
        .is_some_and(|quantity| Quantity::new(quantity).is_ok())
}

/// `x.<plugin-id>.<name>`.
fn is_own(name: &str) -> bool {
    let Some((plugin, rest)) = name
        .strip_prefix("x.")
        .and_then(|rest| rest.split_once('.'))
    else {
        return false;
    };
    crate::id::PluginId::new(plugin).is_ok()
        && !rest.is_empty()
        && rest
            .bytes()
            .all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'.' | b'-'))
}

/// The fields of a document type.
pub fn document(name: &str) -> Option<&'static DocumentSpec> {
    DOCUMENTS.iter().find(|spec| spec.name == name)
}

/// Checks `data` against the fields of its type.
pub fn check_document(kind: &EventType, data: &Map<String, Value>) -> Result<(), Objection> {
    let Some(spec) = document(kind.as_str()) else {
        return Ok(());
    };
    for field in spec.fields {
        match data.get(field.name) {
            None | Some(Value::Null) if field.required => {
                return Err(Objection::new(
                    "missing_field",
                    format!(
                        "data.{} is missing; {kind} needs it ({})",
                        field.name,
                        field.shape.words()
                    ),
                ));
            }
            None | Some(Value::Null) => {}
            Some(value) if field.shape.fits(value) => {}
            Some(value) => {
                return Err(Objection::new(
                    "wrong_field",
                    format!(
                        "data.{} is {}, {kind} wants {}",
                        field.name,
                        crate::id::quoted(&value.to_string()),
                        field.shape.words()
                    ),
                ));
            }
        }
    }
    Ok(())
}

impl Shape {
    fn fits(self, value: &Value) -> bool {
        match self {
            Self::Text => value.is_string(),
            Self::Number => value.is_number(),
            Self::Flag => value.is_boolean(),
            Self::Scalar => value.is_string() || value.is_number(),
            Self::List => value.is_array(),
            Self::Object => value.is_object(),
            Self::Duration => {
                value.is_number()
                    || value
                        .as_str()
                        .is_some_and(|t| t.parse::<crate::Span>().is_ok())
            }
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Text => "a text",
            Self::Number => "a number",
            Self::Flag => "true or false",
            Self::Scalar => "a text or a number",
            Self::List => "a list",
            Self::Object => "an object",
            Self::Duration => "seconds, or text such as \"5min\"",
        }
    }

    fn schema(self) -> Value {
        match self {
            Self::Text => json!({"type": "string"}),
            Self::Number => json!({"type": "number"}),
            Self::Flag => json!({"type": "boolean"}),
            Self::Scalar | Self::Duration => json!({"type": ["string", "number"]}),
            Self::List => json!({"type": "array"}),
            Self::Object => json!({"type": "object"}),
        }
    }
}

/// The JSON schema of `data` of a document type.
pub fn schema(spec: &DocumentSpec) -> Value {
    let properties: Map<String, Value> = spec
        .fields
        .iter()
        .map(|f| (f.name.to_owned(), f.shape.schema()))
        .collect();
    let required: Vec<&str> = spec
        .fields
        .iter()
        .filter(|f| f.required)
        .map(|f| f.name)
        .collect();
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": spec.name,
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": true,
    })
}

/// The JSON schema of `data` of every `sensor.<quantity>`.
pub fn reading_schema() -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "sensor.<quantity>",
        "type": "object",
        "properties": {
            "sensor_id": {"type": "string", "pattern": "^[A-Za-z0-9_.:-]{1,64}$"},
            "value": {"type": "number"},
            "unit": {"type": "string"},
            "quality": {"enum": ["good", "uncertain", "bad"]},
        },
        "required": ["sensor_id", "value"],
        "additionalProperties": true,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_known_aliased_or_refused_with_the_nearest() {
        assert_eq!(
            EventType::parse("device.action.success").unwrap().as_str(),
            "device.action.executed"
        );
        assert!(EventType::parse("sensor.x_sap_flow").is_ok());
        assert!(EventType::parse("x.dew-guard.note").is_ok());
        assert!(EventType::parse("x.dew-guard").is_err());
        let refusal = EventType::parse("sensor.temprature").unwrap_err();
        assert_eq!(refusal.nearest.as_deref(), Some("sensor.temperature"));
    }

    #[test]
    fn documents_are_not_readings() {
        assert!(EventType::known("sensor.stale").quantity().is_none());
        assert_eq!(
            EventType::parse("sensor.co2")
                .unwrap()
                .quantity()
                .unwrap()
                .as_str(),
            "co2"
        );
    }

    #[test]
    fn a_plugin_says_only_what_is_its_to_say() {
        let may = |name: &str| EventType::parse(name).unwrap().emittable_by("dew-guard");
        assert!(may("sensor.vpd") && may("alert.raised") && may("x.dew-guard.note"));
        assert!(
            !may("x.other.note")
                && !may("device.error")
                && !may("sensor.stale")
                && !may("control.mode.changed")
        );
    }

    #[test]
    fn subscriptions_match_by_prefix() {
        let kind = EventType::parse("sensor.temperature").unwrap();
        assert!(
            kind.matches("sensor.*") && kind.matches("sensor.temperature") && kind.matches("*")
        );
        assert!(!kind.matches("sensor.temp"));
    }

    #[test]
    fn documents_are_checked_field_by_field() {
        let kind = EventType::known("control.mode.changed");
        let data = json!({"new_mode": 3});
        assert_eq!(
            check_document(&kind, data.as_object().unwrap())
                .unwrap_err()
                .code,
            "wrong_field"
        );
        assert_eq!(
            check_document(&kind, &Map::new()).unwrap_err().code,
            "missing_field"
        );
    }
}
