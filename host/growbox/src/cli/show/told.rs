//! An event as the host tells it, and the few words that say what it is about.

use growbox_model::Instant;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::render::{Reader, level, one_line, quantity};

/// An event's JSON, as far as it is shown.
#[derive(Debug, Clone, Deserialize)]
pub(in crate::cli) struct Told {
    pub(super) seq: u64,
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) timestamp: Instant,
    #[serde(default)]
    pub(super) source: String,
    #[serde(default)]
    generation: Option<u64>,
    #[serde(default)]
    foreign: bool,
    #[serde(default)]
    pub(super) data: Map<String, Value>,
    #[serde(default)]
    metadata: Map<String, Value>,
}

/// Verdicts and outcomes: the last part of `device.action.…`.
const VERDICTS: [&str; 6] = [
    "granted",
    "clamped",
    "dampened",
    "outranked",
    "denied",
    "expired",
];
const OUTCOMES: [&str; 4] = ["executed", "failed", "superseded", "lapsed"];

impl Told {
    pub(super) fn number(&self) -> String {
        format!("#{}", self.seq)
    }

    pub(super) fn zone(&self) -> &str {
        self.metadata
            .get("zone")
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    fn text(&self, key: &str) -> Option<&str> {
        self.data
            .get(key)
            .and_then(Value::as_str)
            .filter(|text| !text.is_empty())
    }

    fn action(&self) -> Option<&str> {
        self.kind.strip_prefix("device.action.")
    }

    fn is_reading(&self) -> bool {
        self.data.contains_key("sensor_id") && self.data.get("value").is_some_and(Value::is_number)
    }

    /// Its part in a story: reading, handler, request, verdict, outcome, or what it concerns.
    pub(super) fn part(&self) -> &str {
        match self.action() {
            Some("requested") => "request",
            Some(word) if VERDICTS.contains(&word) => "verdict",
            Some(word) if OUTCOMES.contains(&word) => "outcome",
            _ if self.source.starts_with("plugin:") => "handler",
            _ if self.is_reading() => "reading",
            _ => self.kind.split('.').next().unwrap_or_default(),
        }
    }

    /// What it says, in one line.
    pub(super) fn words(&self, reader: &Reader) -> String {
        let said = match self.action() {
            Some("requested") => self.request(),
            Some(word) => self.answer(word, reader),
            None if self.is_reading() => self.reading(),
            None => self.document(),
        };
        let foreign = if self.foreign {
            " (foreign: without effect)"
        } else {
            ""
        };
        one_line(&format!("{said}{foreign}"))
    }

    /// As in a story, where a handler's words stand beside its name.
    pub(super) fn words_of_part(&self, reader: &Reader) -> String {
        let Some(plugin) = self
            .source
            .strip_prefix("plugin:")
            .filter(|_| self.part() == "handler")
        else {
            return self.words(reader);
        };
        let handler = self.handler(plugin);
        format!("{handler}: {} {}", self.kind, self.words(reader))
    }

    /// A plug-in, and which generation of it spoke.
    fn handler(&self, plugin: &str) -> String {
        match self.generation {
            Some(generation) => format!("{plugin}, generation {generation}"),
            None => plugin.to_owned(),
        }
    }

    fn reading(&self) -> String {
        let value = self
            .data
            .get("value")
            .and_then(Value::as_f64)
            .unwrap_or_default();
        let sensor = self.text("sensor_id").unwrap_or_default();
        let shown = quantity(value, self.text("unit").unwrap_or_default());
        match self.text("quality") {
            None | Some("good") => format!("{sensor} {shown}"),
            Some(quality) => format!("{sensor} {shown}, {quality}"),
        }
    }

    fn level(&self) -> String {
        let switched = self.text("action") == Some("on");
        match self.data.get("level").and_then(Value::as_f64) {
            Some(value) => level(Some(value), switched),
            None => self.text("action").unwrap_or_default().to_owned(),
        }
    }

    fn request(&self) -> String {
        let mut said = format!(
            "{} {}",
            self.text("device_id").unwrap_or_default(),
            self.level()
        );
        if let Some(duration) = self.data.get("duration").and_then(span) {
            said.push_str(&format!(" for {}", crate::render::span(duration)));
        }
        self.add_who_and_why(&mut said);
        said
    }

    fn answer(&self, word: &str, reader: &Reader) -> String {
        let mut said = format!("{} {word}", self.text("device_id").unwrap_or_default());
        let level = self.level();
        let to = if word == "clamped" { " to" } else { "" };
        if !level.is_empty() {
            said.push_str(&format!("{to} {level}"));
        }
        if let Some(policy) = self.text("policy") {
            said.push_str(&format!(" by {policy}"));
        }
        if let Some(until) = self
            .text("until")
            .and_then(|until| Instant::parse(until).ok())
        {
            said.push_str(&format!(" until {}", reader.second(until)));
        }
        self.add_who_and_why(&mut said);
        said
    }

    fn add_who_and_why(&self, said: &mut String) {
        let requester = self.text("requester").filter(|_| self.part() == "request");
        match (requester, self.text("reason")) {
            (Some(who), Some(why)) => {
                said.push_str(&format!(": {}: {why}", self.handler(who)));
            }
            (None, Some(words)) | (Some(words), None) => said.push_str(&format!(": {words}")),
            (None, None) => {}
        }
    }

    /// Names and values, the plain ones only.
    fn document(&self) -> String {
        let plain = self.data.iter().filter_map(|(key, value)| match value {
            Value::String(text) if text.is_empty() => None,
            Value::String(text) => Some(format!("{key} {text}")),
            Value::Number(number) => Some(format!("{key} {number}")),
            Value::Bool(flag) => Some(format!("{key} {flag}")),
            Value::Array(list) => Some(format!("{key} ({})", list.len())),
            Value::Null | Value::Object(_) => None,
        });
        plain.collect::<Vec<_>>().join(", ")
    }
}

fn span(value: &Value) -> Option<growbox_model::Span> {
    growbox_model::Span::deserialize(value).ok()
}
