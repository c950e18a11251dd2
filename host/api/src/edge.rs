//! What every handler shares: the host, the token, and the places that are counted.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use growbox_model::row::Answer;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot, watch};
use tokio::time::timeout;

use crate::host::Host;
use crate::limits::Limits;
use crate::log::Log;
use crate::refusal::{Outcome, Refusal};

/// The edge while it serves.
pub(crate) struct Edge {
    pub(crate) host: Arc<dyn Host>,
    pub(crate) log: Log,
    pub(crate) token: String,
    /// Where it listens.
    pub(crate) address: SocketAddr,
    pub(crate) limits: Limits,
    /// Places for posts.
    pub(crate) posts: Arc<Semaphore>,
    /// Places for streams.
    pub(crate) streams: Arc<Semaphore>,
    /// Room for bodies, in bytes.
    pub(crate) room: Arc<Semaphore>,
    /// Turns true when the host ends.
    pub(crate) closing: watch::Receiver<bool>,
    /// Events refused here, of which the host has never heard.
    refused: AtomicU64,
}

impl Edge {
    pub(crate) fn new(
        host: Arc<dyn Host>,
        token: String,
        address: SocketAddr,
        limits: Limits,
        closing: watch::Receiver<bool>,
    ) -> Self {
        let places = |count: usize| Arc::new(Semaphore::new(count));
        Self {
            log: Log::new(Arc::clone(&host), &limits),
            host,
            token,
            address,
            limits,
            posts: places(limits.posts),
            streams: places(limits.streams),
            room: places(limits.all_bodies_bytes),
            closing,
            refused: AtomicU64::new(0),
        }
    }

    /// Counts events the host is not even asked about.
    pub(crate) fn count_refused(&self, events: usize) {
        self.refused.fetch_add(events as u64, Ordering::Relaxed);
    }

    /// How many those are by now.
    pub(crate) fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    /// A place among `places`, or the advice to come back.
    pub(crate) fn place(places: &Arc<Semaphore>, what: &str) -> Outcome<OwnedSemaphorePermit> {
        Arc::clone(places).try_acquire_owned().map_err(|_| {
            Refusal::busy(
                "too_many_requests",
                format!("as many {what} as can be served are open"),
            )
        })
    }

    /// Waits for the host's answer; what means "no" in general becomes a refusal here.
    pub(crate) async fn answered(&self, answer: oneshot::Receiver<Answer>) -> Outcome<Answer> {
        match timeout(self.limits.answer_time, answer).await {
            Ok(Ok(answer)) => crate::answer::accepted(answer),
            Ok(Err(_)) => Err(Refusal::busy("stopping", "the host is stopping")),
            Err(_) => Err(Refusal::busy(
                "no_answer",
                format!(
                    "no answer within {} s; what was sent may have been taken",
                    self.limits.answer_time.as_secs()
                ),
            )
            .hint(
                "send it again with the same event ids: what was taken is answered as duplicate",
            )),
        }
    }
}
