//! From the bytes of a body to events, in one pass: each is typed as soon as its JSON ends.

use std::fmt;

use axum::http::StatusCode;
use growbox_model::{Incoming, Objection, Text};
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use crate::refusal::{Outcome, Refusal};

/// How a body says several events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// One object, or an array of objects.
    Json,
    /// One object a line (`application/x-ndjson`).
    Lines,
}

/// The events of one body.
#[derive(Debug)]
pub(crate) struct Intake {
    /// In order; what could not be typed keeps its place.
    pub(crate) events: Vec<Result<Incoming, Objection>>,
    /// Ids given to what could not be typed, by place.
    pub(crate) ids: Vec<(usize, Text)>,
    edge: &'static str,
    most: usize,
}

impl Intake {
    /// Reads a whole body, or refuses all of it. At most `most` events; their source begins
    /// with the name of the edge.
    pub(crate) fn read(bytes: &[u8], form: Form, edge: &'static str, most: usize) -> Outcome<Self> {
        let mut intake = Self {
            events: Vec::new(),
            ids: Vec::new(),
            edge,
            most,
        };
        match form {
            Form::Json => intake.read_json(bytes)?,
            Form::Lines => intake.read_lines(bytes)?,
        }
        Ok(intake)
    }

    fn read_json(&mut self, bytes: &[u8]) -> Outcome<()> {
        let mut json = serde_json::Deserializer::from_slice(bytes);
        let read = self.deserialize(&mut json);
        match read.and_then(|()| json.end()) {
            Ok(()) => Ok(()),
            Err(_) if self.events.len() > self.most => Err(self.too_many()),
            Err(error) => Err(unreadable("the body", &error)),
        }
    }

    fn read_lines(&mut self, bytes: &[u8]) -> Outcome<()> {
        for (index, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
            if line.trim_ascii().is_empty() {
                continue;
            }
            let event = serde_json::from_slice(line)
                .map_err(|error| unreadable(&format!("line {} of the body", index + 1), &error))?;
            self.take(event);
            if self.events.len() > self.most {
                return Err(self.too_many());
            }
        }
        Ok(())
    }

    fn take(&mut self, mut value: Value) {
        let id = value.get_mut("id").map(Value::take);
        if let (Some(id), Some(slot)) = (&id, value.get_mut("id")) {
            *slot = id.clone();
        }
        let event = Incoming::read(value, self.edge);
        if let (Err(_), Some(Value::String(id))) = (&event, id) {
            self.ids.push((self.events.len(), id.into()));
        }
        self.events.push(event);
    }

    fn too_many(&self) -> Refusal {
        Refusal::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "too_many_events",
            format!(
                "the body holds more than {} events; nothing was taken",
                self.most
            ),
        )
        .hint("send several smaller requests")
    }
}

impl<'de> DeserializeSeed<'de> for &mut Intake {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for &mut Intake {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an event or an array of events")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<(), A::Error> {
        self.take(Value::deserialize(MapAccessDeserializer::new(map))?);
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut events: A) -> Result<(), A::Error> {
        while let Some(event) = events.next_element()? {
            self.take(event);
            if self.events.len() > self.most {
                return Err(A::Error::custom("too many events"));
            }
        }
        Ok(())
    }
}

fn unreadable(what: &str, error: &serde_json::Error) -> Refusal {
    let said = error.to_string();
    let reason = match said.strip_prefix("recursion limit exceeded") {
        Some(place) => format!("it is nested too deeply{place}; an event nests at most 64 deep"),
        None => said,
    };
    let hint = if reason.starts_with("trailing characters") {
        "one event a line is sent as Content-Type: application/x-ndjson"
    } else {
        "an event is an object, several are an array; NaN and Infinity are no JSON numbers"
    };
    Refusal::bad(
        "unreadable_body",
        format!("{what} cannot be read: {reason}; nothing was taken"),
    )
    .hint(hint)
}
