//! Settings as typed fields: one description gives the JSON schema and the checked parsing.

use crate::fault;
use crate::time::Span;
use crate::units::{Celsius, CelsiusDelta, Kilopascal, Level, Percent};
use crate::wire::Fault;
use serde_json::{Map, Value, json};

/// What an operator may set. Written by `#[derive(Settings)]`.
pub trait Settings: Sized {
    /// The fields in the order of the source.
    fn fields() -> Vec<Field>;

    /// Reads every field, checked, defaults filled in.
    ///
    /// # Errors
    /// `fault::settings` with the JSON pointer of the field that cannot be.
    fn read(given: &Given) -> Result<Self, Fault>;

    /// Reads settings from JSON text; nothing at all counts as an empty object.
    ///
    /// # Errors
    /// As [`Settings::read`]; also where the text is no JSON object or has an unknown member.
    fn parse(text: &str) -> Result<Self, Fault> {
        let given = Given::parse(text)?;
        given.refuse_unknown(&Self::fields())?;
        Self::read(&given)
    }
}

/// A type that a setting can have.
pub trait Setting: Sized {
    /// The type's part of the JSON schema, such as `{"type": "number"}`.
    fn schema() -> Value;

    /// Reads a value.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    fn read(value: &Value) -> Result<Self, String>;

    /// Reads a value that stands at a JSON pointer. What holds values of its own names the
    /// innermost one that cannot be.
    ///
    /// # Errors
    /// `fault::settings` with the pointer.
    fn read_at(value: &Value, pointer: &str) -> Result<Self, Fault> {
        Self::read(value).map_err(|why| fault::settings(pointer, why))
    }

    /// What it is where it is neither given nor has a default; none: it must be given.
    fn absent() -> Option<Self> {
        None
    }

    /// The number that is compared with a minimum and a maximum, where the type has one.
    fn size(&self) -> Option<f64> {
        None
    }
}

/// One field of the settings.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    name: &'static str,
    about: &'static str,
    schema: Value,
    default: Option<Value>,
    minimum: Option<Value>,
    maximum: Option<Value>,
    /// Whether its type knows what to be without a value.
    optional: bool,
}

impl Field {
    /// A field of type `T` without default and bounds.
    #[must_use]
    pub fn of<T: Setting>(name: &'static str, about: &'static str) -> Self {
        Self {
            name,
            about,
            schema: T::schema(),
            default: None,
            minimum: None,
            maximum: None,
            optional: T::absent().is_some(),
        }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The value where none is given.
    #[must_use]
    pub fn default(mut self, value: impl Into<Value>) -> Self {
        self.default = Some(value.into());
        self
    }

    /// The least value that is accepted.
    #[must_use]
    pub fn minimum(mut self, value: impl Into<Value>) -> Self {
        self.minimum = Some(value.into());
        self
    }

    /// The greatest value that is accepted.
    #[must_use]
    pub fn maximum(mut self, value: impl Into<Value>) -> Self {
        self.maximum = Some(value.into());
        self
    }

    /// Its part of the schema. Bounds in words (`"1min"`) are told in the description.
    fn describe(&self) -> Value {
        let mut schema = self.schema.clone();
        let mut about = self.about.to_string();
        if let Value::Object(members) = &mut schema {
            for (key, word, bound) in [
                ("minimum", "at least", &self.minimum),
                ("maximum", "at most", &self.maximum),
            ] {
                match bound {
                    Some(Value::String(text)) => about += &format!(" ({word} {text})"),
                    Some(number) => drop(members.insert(key.into(), number.clone())),
                    None => {}
                }
            }
            members.insert("description".into(), about.trim().into());
            if let Some(default) = &self.default {
                members.insert("default".into(), default.clone());
            }
        }
        schema
    }

    /// Whether `value` lies within the bounds, or why not.
    fn check<T: Setting>(&self, value: &T) -> Result<(), String> {
        let Some(size) = value.size() else {
            return Ok(());
        };
        let bound = |bound: &Option<Value>| {
            let value = bound.as_ref()?;
            Some((T::read(value).ok()?.size()?, value.clone()))
        };
        if let Some((least, shown)) = bound(&self.minimum)
            && size < least
        {
            return Err(format!("must be at least {shown}"));
        }
        if let Some((greatest, shown)) = bound(&self.maximum)
            && size > greatest
        {
            return Err(format!("must be at most {shown}"));
        }
        Ok(())
    }
}

/// What the operator wrote.
#[derive(Clone, Debug, Default)]
pub struct Given {
    members: Map<String, Value>,
    /// Where they stand in the settings; empty: they are the settings.
    pointer: String,
}

impl Given {
    /// Nothing: every field takes its default.
    #[must_use]
    pub fn nothing() -> Self {
        Self::default()
    }

    /// A table within the settings, at this JSON pointer.
    ///
    /// # Errors
    /// `fault::settings` where it is no table.
    pub fn at(value: &Value, pointer: &str) -> Result<Self, Fault> {
        match value {
            Value::Object(members) => Ok(Self {
                members: members.clone(),
                pointer: pointer.to_string(),
            }),
            _ => Err(fault::settings(pointer, format!("{value} is no table"))),
        }
    }

    fn parse(text: &str) -> Result<Self, Fault> {
        if text.trim().is_empty() {
            return Ok(Self::nothing());
        }
        match serde_json::from_str(text) {
            Ok(Value::Null) => Ok(Self::nothing()),
            Ok(value @ Value::Object(_)) => Self::at(&value, ""),
            Ok(_) => Err(fault::settings("", "settings are a JSON object")),
            Err(error) => Err(fault::settings("", format!("no JSON: {error}"))),
        }
    }

    /// Where a member stands.
    #[must_use]
    pub fn pointer(&self, member: &str) -> String {
        below(&self.pointer, member)
    }

    /// Reads the fields of `S`; what else is given is passed over.
    ///
    /// # Errors
    /// As [`Settings::read`].
    pub fn all<S: Settings>(&self) -> Result<S, Fault> {
        <S as Settings>::read(self)
    }

    /// That nothing is given but these fields.
    ///
    /// # Errors
    /// `fault::settings` with the pointer of what is unknown, and the names there are.
    pub fn refuse_unknown(&self, fields: &[Field]) -> Result<(), Fault> {
        let names: Vec<_> = fields.iter().map(|field| field.name).collect();
        let mut keys = self.members.keys();
        let why = match keys.find(|key| !names.contains(&key.as_str())) {
            None => return Ok(()),
            Some(key) if names.is_empty() => (key, "unknown; this plug-in has no settings".into()),
            Some(key) => (key, format!("unknown; there is {}", names.join(", "))),
        };
        Err(fault::settings(self.pointer(why.0), why.1))
    }

    /// Reads one field: given, else its default, checked against its bounds.
    ///
    /// # Errors
    /// `fault::settings` with the field's JSON pointer.
    pub fn take<T: Setting>(&self, field: &Field) -> Result<T, Fault> {
        let pointer = self.pointer(field.name);
        let read = match self.members.get(field.name).or(field.default.as_ref()) {
            Some(value) => T::read_at(value, &pointer)?,
            None => T::absent().ok_or_else(|| fault::settings(&pointer, "is required"))?,
        };
        field
            .check(&read)
            .map_err(|why| fault::settings(&pointer, why))?;
        Ok(read)
    }
}

/// The JSON schema of a plug-in's settings, as text for the manifest.
#[must_use]
pub fn schema<S: Settings>() -> String {
    let mut schema = table_schema(&S::fields());
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema".into();
    schema.to_string()
}

/// The JSON schema of a table with these fields and no others.
#[must_use]
pub fn table_schema(fields: &[Field]) -> Value {
    let required: Vec<_> = fields
        .iter()
        .filter(|field| field.default.is_none() && !field.optional)
        .map(|field| field.name)
        .collect();
    let properties: Map<String, Value> = fields
        .iter()
        .map(|field| (field.name.to_string(), field.describe()))
        .collect();
    json!({
        "type": "object",
        "additionalProperties": false,
        "required": required,
        "properties": properties,
    })
}

/// The JSON pointer of a member.
pub(crate) fn below(pointer: &str, member: &str) -> String {
    format!("{pointer}/{}", member.replace('~', "~0").replace('/', "~1"))
}

fn number(value: &Value) -> Result<f64, String> {
    value
        .as_f64()
        .ok_or_else(|| format!("{value} is no number"))
}

impl Setting for f64 {
    fn schema() -> Value {
        json!({"type": "number"})
    }
    fn read(value: &Value) -> Result<Self, String> {
        number(value)
    }
    fn size(&self) -> Option<f64> {
        Some(*self)
    }
}

impl Setting for u32 {
    fn schema() -> Value {
        json!({"type": "integer", "minimum": 0})
    }
    fn read(value: &Value) -> Result<Self, String> {
        let whole = value.as_u64().and_then(|whole| whole.try_into().ok());
        whole.ok_or_else(|| format!("{value} is no whole number from 0 to {}", Self::MAX))
    }
    fn size(&self) -> Option<f64> {
        Some((*self).into())
    }
}

impl Setting for bool {
    fn schema() -> Value {
        json!({"type": "boolean"})
    }
    fn read(value: &Value) -> Result<Self, String> {
        value
            .as_bool()
            .ok_or_else(|| format!("{value} is neither true nor false"))
    }
}

impl Setting for String {
    fn schema() -> Value {
        json!({"type": "string"})
    }
    fn read(value: &Value) -> Result<Self, String> {
        let text = value.as_str().map(ToString::to_string);
        text.ok_or_else(|| format!("{value} is no text"))
    }
}

/// Seconds, or text such as `5min`.
impl Setting for Span {
    fn schema() -> Value {
        json!({"type": ["string", "number"], "format": "duration"})
    }
    fn read(value: &Value) -> Result<Self, String> {
        match value {
            Value::String(text) => Self::parse(text),
            _ => Self::from_seconds(number(value)?),
        }
    }
    fn size(&self) -> Option<f64> {
        Some(self.as_seconds())
    }
}

macro_rules! setting_with_unit {
    ($($name:ident),*) => {$(
        impl Setting for $name {
            fn schema() -> Value {
                json!({"type": "number", "unit": Self::UNIT})
            }
            fn read(value: &Value) -> Result<Self, String> {
                number(value).map(Self)
            }
            fn size(&self) -> Option<f64> {
                Some(self.0)
            }
        }
    )*};
}

setting_with_unit!(Celsius, CelsiusDelta, Kilopascal, Percent);

/// 0.0 to 1.0.
impl Setting for Level {
    fn schema() -> Value {
        json!({"type": "number", "minimum": 0, "maximum": 1})
    }
    fn read(value: &Value) -> Result<Self, String> {
        let share = number(value)?;
        if !(0.0..=1.0).contains(&share) {
            return Err(format!("{share} is no level from 0 to 1"));
        }
        Ok(Self(share))
    }
    fn size(&self) -> Option<f64> {
        Some(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::{minutes, seconds};
    use crate::wire::Fault;
    use growbox_sdk::Settings as Derive;

    /// Of no use but to be set.
    #[derive(Debug, PartialEq, Derive)]
    struct Example {
        /// How far.
        #[setting(default = 1.0, min = 0.2, max = 5.0)]
        margin: CelsiusDelta,
        /// How long.
        #[setting(default = "5min", min = "30s")]
        dwell: Span,
        /// Whose.
        owner: String,
    }

    #[derive(Debug, PartialEq, Derive)]
    struct Bare {}

    fn refused(text: &str) -> (String, String) {
        match Example::parse(text) {
            Err(Fault::Settings(refusal)) => refusal,
            other => panic!("{text} gave {other:?}"),
        }
    }

    #[test]
    fn defaults_fill_what_is_not_given() {
        let read = Example::parse(r#"{"owner": "me", "dwell": 90}"#).expect("fits");
        assert_eq!(read.margin, CelsiusDelta(1.0));
        assert_eq!(read.dwell, seconds(90));
        let read = Example::parse(r#"{"owner": "me"}"#).expect("fits");
        assert_eq!(read.dwell, minutes(5));
    }

    #[test]
    fn what_cannot_be_is_named_by_pointer() {
        for (text, pointer, why) in [
            (
                r#"{"owner":"me","margin":9}"#,
                "/margin",
                "must be at most 5.0",
            ),
            (
                r#"{"owner":"me","margin":"warm"}"#,
                "/margin",
                "\"warm\" is no number",
            ),
            (
                r#"{"owner":"me","dwell":"3s"}"#,
                "/dwell",
                "must be at least \"30s\"",
            ),
            (
                r#"{"owner":"me","dewll":3}"#,
                "/dewll",
                "unknown; there is margin, dwell, owner",
            ),
            (
                r#"{"owner":"me","a/b~":3}"#,
                "/a~1b~0",
                "unknown; there is margin, dwell, owner",
            ),
            ("{}", "/owner", "is required"),
            ("[]", "", "settings are a JSON object"),
        ] {
            assert_eq!(
                refused(text),
                (pointer.to_string(), why.to_string()),
                "{text}"
            );
        }
        assert!(refused("{").1.starts_with("no JSON"));
    }

    #[test]
    fn the_schema_says_the_same() {
        let schema: Value = serde_json::from_str(&schema::<Example>()).expect("is JSON");
        assert_eq!(schema["required"], json!(["owner"]));
        let margin = json!({
            "type": "number", "unit": "celsius", "description": "How far.",
            "default": 1.0, "minimum": 0.2, "maximum": 5.0,
        });
        assert_eq!(schema["properties"]["margin"], margin);
        let about = &schema["properties"]["dwell"]["description"];
        assert_eq!(about, "How long. (at least 30s)");
    }

    #[test]
    fn a_plugin_without_settings_takes_none() {
        assert_eq!(Bare::parse(""), Ok(Bare {}));
        assert_eq!(Bare::default(), Bare {});
        assert!(Bare::parse(r#"{"a":1}"#).is_err());
    }
}
