//! `GET /api/v1/events/stream`: first what was missed, then what happens, without gap or double.
//!
//! ```text
//!  subscribe ──► behind ──log read to its end──► live ──► …
//!                   ▲                              │
//!                   └────── fell behind ◄──────────┘
//! ```
//!
//! An event is in the log before it is sent to subscribers. So whoever has
//! subscribed and then reads the log to its end has missed nothing, and what comes
//! live with a number already seen is a double.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::sse::{self, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use growbox_model::ports::EventFilter;
use growbox_model::{Event, Seq};
use serde_json::Map;
use tokio::sync::broadcast::{self, error::RecvError};
use tokio::sync::{OwnedSemaphorePermit, watch};

use crate::edge::Edge;
use crate::filter;
use crate::log::STEP;
use crate::params::Params;
use crate::query::shown;
use crate::refusal::{Outcome, Refusal};

/// The parameters of the stream.
pub(crate) const PARAMETERS: &[&str] = &[
    "from", "to", "type", "zone", "sensor", "device", "after", "limit",
];

/// Opens a stream. With `Last-Event-ID`, `after` or `from` it begins in the log.
pub(crate) async fn stream(
    State(edge): State<Arc<Edge>>,
    uri: Uri,
    headers: HeaderMap,
) -> Outcome<Response> {
    let mut filter = filter::of_stream(&Params::read(&uri, PARAMETERS)?)?;
    filter.after = last_seen(&headers)?.or(filter.after);
    let place = Edge::place(&edge.streams, "streams")?;
    let keep_alive = KeepAlive::new().interval(edge.limits.keep_alive);
    let reader = Reader::new(edge, filter, place);
    let events = stream::unfold(reader, |mut reader| async move {
        let event = reader.next().await?;
        let frame = frame(&reader.edge, &event);
        Some((Ok::<_, Infallible>(frame), reader))
    });
    Ok(Sse::new(events).keep_alive(keep_alive).into_response())
}

fn last_seen(headers: &HeaderMap) -> Outcome<Option<Seq>> {
    let Some(value) = headers.get("last-event-id").filter(|v| !v.is_empty()) else {
        return Ok(None);
    };
    let seq = value.to_str().ok().and_then(|text| text.parse().ok());
    seq.map(|seq| Some(Seq(seq))).ok_or_else(|| {
        Refusal::bad(
            "bad_last_event_id",
            "Last-Event-ID is not the number of an event",
        )
    })
}

fn frame(edge: &Edge, event: &Event) -> sse::Event {
    let context = edge.host.zone_context(event);
    let added: Map<_, _> = context
        .map(|context| ("zone_context".to_owned(), context))
        .into_iter()
        .collect();
    sse::Event::default()
        .id(event.seq.0.to_string())
        .event(event.kind.as_str())
        .data(shown(event, added).to_string())
}

/// One client's place in the log.
struct Reader {
    edge: Arc<Edge>,
    filter: EventFilter,
    live: broadcast::Receiver<Arc<Event>>,
    closing: watch::Receiver<bool>,
    /// Everything up to here was sent or not wanted.
    seen: Seq,
    /// Whether the log knows something that was not seen.
    behind: bool,
    /// Read from the log, not sent yet.
    ready: VecDeque<Arc<Event>>,
    /// How many may still be sent.
    left: usize,
    _place: OwnedSemaphorePermit,
}

impl Reader {
    fn new(edge: Arc<Edge>, filter: EventFilter, place: OwnedSemaphorePermit) -> Self {
        let live = edge.host.subscribe();
        let behind = filter.after.is_some() || filter.from.is_some();
        let begin = if behind { Seq(0) } else { edge.host.newest() };
        Self {
            live,
            closing: edge.closing.clone(),
            seen: filter.after.unwrap_or(begin),
            behind,
            ready: VecDeque::new(),
            left: filter.limit,
            filter,
            edge,
            _place: place,
        }
    }

    /// The next wanted event; none when the stream ends.
    async fn next(&mut self) -> Option<Arc<Event>> {
        while self.left > 0 && !*self.closing.borrow() {
            if let Some(event) = self.ready.pop_front() {
                self.left -= 1;
                return Some(event);
            }
            if self.behind {
                self.catch_up().await?;
            } else {
                self.listen().await?;
            }
        }
        None
    }

    /// One step through the log.
    async fn catch_up(&mut self) -> Option<()> {
        let end = self.edge.host.newest();
        let filter = EventFilter {
            after: Some(self.seen),
            up_to: Some(end),
            limit: STEP,
            ..self.filter.clone()
        };
        let step = self
            .edge
            .log
            .read(move |host| host.history().events(&filter));
        let events = step.await.ok()?; // the client resumes by itself where it was
        self.behind = events.len() == STEP;
        let last = events.last().map_or(end, |event| event.seq);
        self.seen = self.seen.max(if self.behind { last } else { end });
        self.ready.extend(events);
        Some(())
    }

    /// Waits for something live.
    async fn listen(&mut self) -> Option<()> {
        tokio::select! {
            biased;
            _ = self.closing.changed() => None,
            live = self.live.recv() => self.hear(live),
        }
    }

    fn hear(&mut self, live: Result<Arc<Event>, RecvError>) -> Option<()> {
        match live {
            Ok(event) if event.seq <= self.seen => {}
            Ok(event) => {
                self.seen = event.seq;
                if self.filter.wants(&event) {
                    self.ready.push_back(event);
                }
            }
            Err(RecvError::Lagged(_)) => self.behind = true,
            Err(RecvError::Closed) => return None,
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use growbox_model::ports::EventFilter;
    use serde_json::json;

    use super::*;
    use crate::Limits;
    use crate::tests::memory::Memory;

    /// What happens between subscribing and reading the log is in both: it is told once.
    #[tokio::test]
    async fn what_is_in_log_and_live_is_told_once() {
        let host = Arc::new(Memory::new(16));
        let add = || {
            let data = json!({"sensor_id": "canopy", "value": 20});
            host.add(json!({"type": "sensor.temperature", "data": data}), None)
        };
        let (_open, closing) = watch::channel(false);
        let address = ([127, 0, 0, 1], 0).into();
        let limits = Limits::default();
        let edge = Edge::new(
            Arc::clone(&host) as _,
            String::new(),
            address,
            limits,
            closing,
        );
        let place = Edge::place(&edge.streams, "streams").unwrap();
        let filter = EventFilter {
            after: Some(Seq(0)),
            limit: usize::MAX,
            ..EventFilter::default()
        };
        add();
        let mut reader = Reader::new(Arc::new(edge), filter, place);
        add();
        for expected in [1, 2] {
            assert_eq!(reader.next().await.unwrap().seq, Seq(expected));
        }
        add();
        assert_eq!(reader.next().await.unwrap().seq, Seq(3));
    }
}
