//! A body from outside: whole and within its bounds, or nothing of it.

use axum::body::{Body, BodyDataStream};
use axum::http::{HeaderMap, StatusCode, header};
use futures_util::StreamExt;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout;

use crate::edge::Edge;
use crate::refusal::{Outcome, Refusal};

/// How often its bound a refused body is read to its end, so that a client that only listens
/// after it has said everything hears why.
const COURTESY: usize = 4;
/// Room set aside on the mere word of a client.
const ANNOUNCED: usize = 1 << 20;

/// A complete body, and the room it takes until it is dropped.
#[derive(Debug, Default)]
pub(crate) struct Received {
    pub(crate) bytes: Vec<u8>,
    room: Option<OwnedSemaphorePermit>,
}

/// Receives a body of at most `longest` bytes.
pub(crate) async fn receive(
    edge: &Edge,
    headers: &HeaderMap,
    body: Body,
    longest: usize,
) -> Outcome<Received> {
    check_encoding(headers)?;
    let announced = announced(headers);
    if announced > longest && headers.contains_key(header::EXPECT) {
        return Err(too_large(longest)); // it asked first and has sent nothing yet
    }
    let mut received = Received::default();
    received
        .bytes
        .reserve(announced.min(longest).min(ANNOUNCED));
    let receiving = received.fill(edge, body.into_data_stream(), longest);
    match timeout(edge.limits.body_time, receiving).await {
        Ok(outcome) => outcome.map(|()| received),
        Err(_) => Err(Refusal::new(
            StatusCode::REQUEST_TIMEOUT,
            "body_too_slow",
            format!(
                "the body was not complete after {} s; nothing was taken",
                edge.limits.body_time.as_secs()
            ),
        )),
    }
}

impl Received {
    async fn fill(
        &mut self,
        edge: &Edge,
        mut chunks: BodyDataStream,
        longest: usize,
    ) -> Outcome<()> {
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk.map_err(|_| cut_short())?;
            if self.bytes.len() + chunk.len() > longest {
                self.release();
                hear_out(chunks, longest.saturating_mul(COURTESY)).await;
                return Err(too_large(longest));
            }
            self.take_room(edge, chunk.len())?;
            self.bytes.extend_from_slice(&chunk);
        }
        Ok(())
    }

    fn take_room(&mut self, edge: &Edge, bytes: usize) -> Outcome<()> {
        let room = std::sync::Arc::clone(&edge.room);
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        let more = room.try_acquire_many_owned(bytes).map_err(|_| {
            Refusal::busy("too_many_bytes", "too many bodies are being sent at once")
        })?;
        match &mut self.room {
            Some(room) => room.merge(more),
            None => self.room = Some(more),
        }
        Ok(())
    }

    fn release(&mut self) {
        *self = Self::default();
    }
}

/// Reads on and forgets, within bounds.
async fn hear_out(mut chunks: BodyDataStream, bytes: usize) {
    let mut heard = 0;
    while let Some(Ok(chunk)) = chunks.next().await {
        heard += chunk.len();
        if heard > bytes {
            return;
        }
    }
}

fn announced(headers: &HeaderMap) -> usize {
    let length = headers.get(header::CONTENT_LENGTH);
    length
        .and_then(|value| value.to_str().ok()?.parse().ok())
        .unwrap_or(0)
}

fn check_encoding(headers: &HeaderMap) -> Outcome<()> {
    match headers.get(header::CONTENT_ENCODING) {
        None => Ok(()),
        Some(value) if value == "identity" => Ok(()),
        Some(_) => Err(Refusal::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported_encoding",
            "the body is compressed; send it plain",
        )),
    }
}

fn cut_short() -> Refusal {
    Refusal::bad("cut_short", "the body ended early; nothing was taken")
}

fn too_large(longest: usize) -> Refusal {
    Refusal::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "body_too_large",
        format!("the body is longer than {longest} bytes; nothing was taken"),
    )
    .hint("send several smaller requests")
}
