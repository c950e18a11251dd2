//! Settings that hold settings: named tables, lists, what may be left out, words of a few.

use crate::fault;
use crate::settings::{Given, Setting, Settings, below, table_schema};
use crate::wire::Fault;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Reads a table of its own: every field checked, defaults filled in, nothing unknown.
///
/// # Errors
/// `fault::settings` with the JSON pointer of what cannot be.
pub fn read_table<S: Settings>(value: &Value, pointer: &str) -> Result<S, Fault> {
    let given = Given::at(value, pointer)?;
    given.refuse_unknown(&S::fields())?;
    S::read(&given)
}

/// The schema of a table of its own.
#[must_use]
pub fn schema_of_table<S: Settings>() -> Value {
    table_schema(&S::fields())
}

/// A refusal without its pointer, for [`Setting::read`] of what holds settings.
///
/// # Errors
/// As `read`, in words.
pub fn in_words<T>(read: Result<T, Fault>) -> Result<T, String> {
    read.map_err(|fault| match fault {
        Fault::Settings((pointer, why)) if pointer.is_empty() => why,
        Fault::Settings((pointer, why)) => format!("{pointer}: {why}"),
        other => format!("{other:?}"),
    })
}

/// One of a few words.
///
/// # Errors
/// All the words there are.
pub fn one_of<T: Copy>(value: &Value, words: &[(&str, T)]) -> Result<T, String> {
    let found = words.iter().find(|(word, _)| value.as_str() == Some(word));
    found.map(|(_, meant)| *meant).ok_or_else(|| {
        let words: Vec<_> = words.iter().map(|(word, _)| *word).collect();
        format!("{value} is none of {}", words.join(", "))
    })
}

/// The schema of one of a few words.
#[must_use]
pub fn schema_of_words<T>(words: &[(&str, T)]) -> Value {
    let words: Vec<_> = words.iter().map(|(word, _)| *word).collect();
    json!({"type": "string", "enum": words})
}

/// May be left out.
impl<T: Setting> Setting for Option<T> {
    fn schema() -> Value {
        T::schema()
    }
    fn read(value: &Value) -> Result<Self, String> {
        in_words(Self::read_at(value, ""))
    }
    fn read_at(value: &Value, pointer: &str) -> Result<Self, Fault> {
        match value {
            Value::Null => Ok(None),
            value => T::read_at(value, pointer).map(Some),
        }
    }
    fn absent() -> Option<Self> {
        Some(None)
    }
    fn size(&self) -> Option<f64> {
        self.as_ref().and_then(T::size)
    }
}

/// A list; empty where it is left out.
impl<T: Setting> Setting for Vec<T> {
    fn schema() -> Value {
        json!({"type": "array", "items": T::schema()})
    }
    fn read(value: &Value) -> Result<Self, String> {
        in_words(Self::read_at(value, ""))
    }
    fn read_at(value: &Value, pointer: &str) -> Result<Self, Fault> {
        let list = value.as_array();
        let list = list.ok_or_else(|| fault::settings(pointer, format!("{value} is no list")))?;
        let numbered = list.iter().enumerate();
        numbered
            .map(|(index, value)| T::read_at(value, &below(pointer, &index.to_string())))
            .collect()
    }
    fn absent() -> Option<Self> {
        Some(Self::new())
    }
}

/// A table of tables, or of values, by names that the operator gives; empty where it is left out.
impl<T: Setting> Setting for BTreeMap<String, T> {
    fn schema() -> Value {
        json!({"type": "object", "additionalProperties": T::schema()})
    }
    fn read(value: &Value) -> Result<Self, String> {
        in_words(Self::read_at(value, ""))
    }
    fn read_at(value: &Value, pointer: &str) -> Result<Self, Fault> {
        let table = value.as_object();
        let table =
            table.ok_or_else(|| fault::settings(pointer, format!("{value} is no table")))?;
        table
            .iter()
            .map(|(name, value)| Ok((name.clone(), T::read_at(value, &below(pointer, name))?)))
            .collect()
    }
    fn absent() -> Option<Self> {
        Some(Self::new())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::{Span, minutes};
    use growbox_sdk::Settings as Derive;

    #[derive(Debug, PartialEq, Derive)]
    struct Limit {
        /// How much is too much.
        #[setting(min = 0.0)]
        above: Option<f64>,
        /// For how long.
        #[setting(default = "5min", min = "1s")]
        dwell: Span,
    }

    #[derive(Debug, PartialEq, Derive)]
    struct Limits {
        /// By name.
        limits: BTreeMap<String, Limit>,
        /// Whom to tell.
        tell: Vec<String>,
    }

    fn refused(text: &str) -> (String, String) {
        match Limits::parse(text) {
            Err(Fault::Settings(refusal)) => refusal,
            other => panic!("{text} gave {other:?}"),
        }
    }

    #[test]
    fn what_is_left_out_is_empty() {
        let read = Limits::parse(r#"{"limits": {"damp": {}}}"#).expect("fits");
        let damp = Limit {
            above: None,
            dwell: minutes(5),
        };
        assert_eq!(read.limits["damp"], damp);
        assert!(read.tell.is_empty());
        assert_eq!(Limits::default(), Limits::parse("").expect("fits"));
    }

    #[test]
    fn the_innermost_mistake_is_named() {
        for (text, pointer, why) in [
            (
                r#"{"limits": {"a/b": {"above": "much"}}}"#,
                "/limits/a~1b/above",
                "\"much\" is no number",
            ),
            (
                r#"{"limits": {"damp": {"above": -1}}}"#,
                "/limits/damp/above",
                "must be at least 0.0",
            ),
            (
                r#"{"limits": {"damp": {"abvoe": 1}}}"#,
                "/limits/damp/abvoe",
                "unknown; there is above, dwell",
            ),
            (
                r#"{"limits": {"damp": 3}}"#,
                "/limits/damp",
                "3 is no table",
            ),
            (r#"{"limits": [1]}"#, "/limits", "[1] is no table"),
            (r#"{"tell": ["me", 3]}"#, "/tell/1", "3 is no text"),
            (r#"{"tell": "me"}"#, "/tell", "\"me\" is no list"),
        ] {
            assert_eq!(refused(text), (pointer.into(), why.into()), "{text}");
        }
    }

    #[test]
    fn the_schema_knows_what_may_be_left_out() {
        let schema: Value = serde_json::from_str(&crate::schema::<Limits>()).expect("is JSON");
        assert_eq!(schema["required"], json!([]));
        let limit = &schema["properties"]["limits"]["additionalProperties"];
        assert_eq!(limit["properties"]["above"]["minimum"], 0.0);
        assert_eq!(limit["additionalProperties"], false);
    }

    #[test]
    fn a_word_is_one_of_a_few() {
        let words = [("above", 1), ("below", -1)];
        assert_eq!(one_of(&json!("below"), &words), Ok(-1));
        let why = one_of(&json!("beyond"), &words);
        assert_eq!(why, Err("\"beyond\" is none of above, below".into()));
        assert_eq!(schema_of_words(&words)["enum"], json!(["above", "below"]));
    }
}
