//! `GET /api/v1/events` and the questions about one event.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{Uri, header};
use axum::response::{IntoResponse, Response};
use growbox_model::ports::EventFilter;
use growbox_model::row::{Answer, DeviceRow, Question};
use growbox_model::{DeviceId, Event, Seq};
use serde_json::{Map, Value, json};

use crate::answer::{row, unexpected};
use crate::edge::Edge;
use crate::host::Host;
use crate::log::STEP;
use crate::params::Params;
use crate::refusal::{Outcome, Refusal};
use crate::{filter, story};

/// `GET /api/v1/events`: one page of the log.
pub(crate) async fn events(State(edge): State<Arc<Edge>>, uri: Uri) -> Outcome {
    let params = Params::read(&uri, filter::PARAMETERS)?;
    let filter = filter::of_query(&params)?;
    let context = params.flag("context")?;
    let most = edge.limits.page_bytes;
    let page = edge.log.read(move |host| page(host, filter, context, most));
    Ok(json_text(page.await?))
}

/// The page as text, in steps, so that a long one is in memory once. It ends before its limit
/// where it has become too long; at least one event is always in it.
fn page(
    host: &dyn Host,
    mut filter: EventFilter,
    context: bool,
    most: usize,
) -> Result<Vec<u8>, String> {
    let history = host.history();
    let mut page = Page::new();
    let mut wanted = filter.limit;
    loop {
        filter.limit = wanted.min(STEP);
        let events = history.events(&filter)?;
        wanted -= events.len().min(wanted);
        for event in &events {
            let added = if context {
                host.context(event)
            } else {
                Map::new()
            };
            page.write(event, added)?;
            if page.text.len() >= most {
                return Ok(page.end(true));
            }
        }
        if events.len() < filter.limit {
            return Ok(page.end(false));
        }
        if wanted == 0 {
            return Ok(page.end(true));
        }
        filter.after = page.last;
    }
}

/// A page being written.
struct Page {
    text: Vec<u8>,
    last: Option<Seq>,
}

impl Page {
    fn new() -> Self {
        Self {
            text: b"{\"events\":[".to_vec(),
            last: None,
        }
    }

    fn write(&mut self, event: &Event, added: Map<String, Value>) -> Result<(), String> {
        if self.last.is_some() {
            self.text.push(b',');
        }
        self.last = Some(event.seq);
        serde_json::to_writer(&mut self.text, &shown(event, added)).map_err(|e| e.to_string())
    }

    /// Closes it; where `more` may follow, it says after which event.
    fn end(mut self, more: bool) -> Vec<u8> {
        let next = self.last.filter(|_| more);
        let end = format!("],\"next\":{}}}", json!(next));
        self.text.extend_from_slice(end.as_bytes());
        self.text
    }
}

/// An event as the edges show it, with what enrichment adds to its metadata.
pub(crate) fn shown(event: &Event, added: Map<String, Value>) -> Value {
    let mut json = event.to_json();
    if let (false, Some(metadata)) = (added.is_empty(), json["metadata"].as_object_mut()) {
        metadata.extend(added);
    }
    json
}

fn json_text(text: Vec<u8>) -> Response {
    (
        [(header::CONTENT_TYPE, "application/json")],
        Bytes::from(text),
    )
        .into_response()
}

/// `GET /api/v1/events/ID/why`: what led to it, and what came of it.
pub(crate) async fn why(State(edge): State<Arc<Edge>>, Path(id): Path<String>) -> Outcome {
    let name = id.clone();
    let found = edge.log.read(move |host| match host.find_event(&id) {
        Some(event) => story::of(host, &event).map(Some),
        None => Ok(None),
    });
    let events = found
        .await?
        .ok_or_else(|| Refusal::not_found("event", &name))?;
    Ok(row(&json!({ "events": all_shown(&events) })))
}

/// `GET /api/v1/events/ID/related`: what happened around it.
pub(crate) async fn related(State(edge): State<Arc<Edge>>, Path(id): Path<String>) -> Outcome {
    let name = id.clone();
    let found = edge.log.read(move |host| {
        let event = host.find_event(&id);
        Ok(event.map(|event| story::related(host, &event)))
    });
    let (events, pattern) = found
        .await?
        .ok_or_else(|| Refusal::not_found("event", &name))?;
    Ok(row(
        &json!({ "events": all_shown(&events), "pattern": pattern }),
    ))
}

/// `GET /api/v1/devices/ID/why`: where it is, and the events that brought it there.
pub(crate) async fn device_why(State(edge): State<Arc<Edge>>, Path(id): Path<String>) -> Outcome {
    let device = DeviceId::new(&id)?;
    let device_row = device_row(&edge, &device).await?;
    let events = edge
        .log
        .read(move |host| story::of_device(host, &device))
        .await?;
    Ok(row(
        &json!({ "device": device_row, "events": all_shown(&events) }),
    ))
}

async fn device_row(edge: &Edge, device: &DeviceId) -> Outcome<DeviceRow> {
    let rows = match edge.answered(edge.host.ask(Question::Devices)).await? {
        Answer::Devices(rows) => rows,
        other => return Err(unexpected(&other)),
    };
    let known = rows
        .iter()
        .map(|row| row.id.to_string())
        .collect::<Vec<_>>();
    let row = rows.into_iter().find(|row| row.id == *device);
    row.ok_or_else(|| {
        Refusal::not_found("device", device.as_str())
            .hint(format!("the devices are: {}", known.join(", ")))
    })
}

fn all_shown(events: &[Arc<Event>]) -> Vec<Value> {
    events.iter().map(|event| event.to_json()).collect()
}
