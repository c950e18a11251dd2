//! A JSON object as compact text: what documents and metadata are between the edges.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::id::Text;
use crate::objection::Objection;

/// Deepest nesting an edge accepts.
pub const NESTING: usize = 64;
/// Longest single string inside an event, in bytes.
pub const STRING_BYTES: usize = 4 * 1024;
/// Longest data and metadata of one event together, in bytes.
pub const BODY_BYTES: usize = 64 * 1024;

/// Compact JSON text of one object. Parsed only by who needs to look inside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Json(Text);

impl Json {
    /// From anything that serialises to an object.
    pub fn of<T: Serialize>(value: &T) -> Self {
        let text = serde_json::to_string(value).unwrap_or_else(|_| "{}".to_owned());
        debug_assert!(text.starts_with('{'), "not an object: {text}");
        Self(text.into())
    }

    /// From stored or returned text; refused where it is no JSON object.
    pub fn parse(text: &str) -> Result<Self, Objection> {
        let map: Map<String, Value> = serde_json::from_str(text)
            .map_err(|e| Objection::new("bad_document", format!("not a JSON object: {e}")))?;
        Ok(Self::of(&map))
    }

    /// Takes over text that this host wrote itself.
    pub fn trusted(text: &str) -> Self {
        Self(text.into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The object.
    pub fn map(&self) -> Map<String, Value> {
        serde_json::from_str(&self.0).unwrap_or_default()
    }

    /// The object as a type, where it has that shape.
    pub fn read<T: for<'de> Deserialize<'de>>(&self) -> Option<T> {
        serde_json::from_str(&self.0).ok()
    }
}

impl Serialize for Json {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match serde_json::from_str::<&serde_json::value::RawValue>(&self.0) {
            Ok(raw) => raw.serialize(to),
            Err(_) => Map::new().serialize(to),
        }
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Map::<String, Value>::deserialize(from).map(|map| Self::of(&map))
    }
}

/// Refuses strings, keys and nesting beyond the bounds, by name.
pub fn check_bounds(value: &Value, path: &str) -> Result<(), Objection> {
    walk(value, path, 1)
}

fn walk(value: &Value, path: &str, depth: usize) -> Result<(), Objection> {
    if depth > NESTING {
        return Err(Objection::new(
            "too_deep",
            format!("{path} is nested deeper than {NESTING}"),
        ));
    }
    match value {
        Value::String(text) => check_string(text, path),
        Value::Array(items) => items
            .iter()
            .try_for_each(|item| walk(item, path, depth + 1)),
        Value::Object(map) => map.iter().try_for_each(|(key, item)| {
            check_string(key, path)?;
            walk(item, path, depth + 1)
        }),
        _ => Ok(()),
    }
}

fn check_string(text: &str, path: &str) -> Result<(), Objection> {
    if text.len() <= STRING_BYTES {
        return Ok(());
    }
    Err(Objection::new(
        "string_too_long",
        format!(
            "a string in {path} has {} bytes, at most {STRING_BYTES} are taken",
            text.len()
        ),
    ))
}
