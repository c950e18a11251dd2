//! The lines on a room's socket, as the outside contract has them.

use growbox_model::{Instant, Span};
use serde::{Deserialize, Serialize};

/// What the room says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum FromRoom {
    /// As the first line: whether nothing real hangs on it.
    Simulated(bool),
    /// A sensor's reading.
    Reading(Reading),
    /// An output's level.
    State(State),
}

/// A sensor's reading.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Reading {
    pub(crate) sensor: String,
    pub(crate) quantity: String,
    pub(crate) value: f64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) unit: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) at: Option<Instant>,
}

/// An output's level.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct State {
    pub(crate) output: String,
    pub(crate) level: f64,
}

/// What growbox says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ToRoom {
    /// Where an output should be.
    Set(Set),
}

/// Where an output should be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Set {
    pub(crate) output: String,
    pub(crate) level: f64,
    /// Seconds, after which the room puts it to off unless it is set again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) within: Option<Span>,
}

/// A message as a line with its end.
pub(crate) fn line(message: &impl Serialize) -> Vec<u8> {
    // Strings, finite numbers and no maps: nothing here that JSON could refuse.
    let mut line = serde_json::to_vec(message).unwrap_or_default();
    line.push(b'\n');
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<FromRoom, serde_json::Error> {
        serde_json::from_str(text)
    }

    #[test]
    fn the_contracts_lines_are_read() {
        assert_eq!(
            read(r#"{"simulated":true}"#).unwrap(),
            FromRoom::Simulated(true)
        );
        let state = State {
            output: "heater".into(),
            level: 1.0,
        };
        assert_eq!(
            read(r#"{"state":{"output":"heater","level":1}}"#).unwrap(),
            FromRoom::State(state)
        );
        let reading = Reading {
            sensor: "canopy".into(),
            quantity: "temperature".into(),
            value: 24.5,
            unit: Some("celsius".into()),
            at: Some(Instant(1_768_473_000_000_000_000)),
        };
        let text = r#"{"reading":{"sensor":"canopy","quantity":"temperature","value":24.5,
            "unit":"celsius","at":"2026-01-15T10:30:00Z","battery":80}}"#;
        assert_eq!(read(text).unwrap(), FromRoom::Reading(reading));
    }

    #[test]
    fn a_set_is_written_as_the_contract_has_it() {
        let set = |level, within| {
            ToRoom::Set(Set {
                output: "heater".into(),
                level,
                within,
            })
        };
        let text = |message| String::from_utf8(line(&message)).unwrap();
        let expected = "{\"set\":{\"output\":\"heater\",\"level\":1.0,\"within\":90}}\n";
        assert_eq!(text(set(1.0, Some(Span::seconds(90)))), expected);
        assert_eq!(
            text(set(0.25, None)),
            "{\"set\":{\"output\":\"heater\",\"level\":0.25}}\n"
        );
    }

    #[test]
    fn nonsense_is_refused() {
        for text in [
            "{}",
            "[]",
            "null",
            "{\"reading\":{}}",
            r#"{"state":{"output":"a","level":"high"}}"#,
            r#"{"state":{"output":"a","level":1e999}}"#,
            r#"{"reading":{"sensor":"a","quantity":"b","value":NaN}}"#,
            r#"{"reading":{"sensor":"a","quantity":"b","value":1,"at":"yesterday"}}"#,
            &"[".repeat(1000),
        ] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
