//! Reading the log off tokio's threads, never by more than a few at once.

use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::host::Host;
use crate::limits::Limits;
use crate::refusal::{Outcome, Refusal};

/// Most events of one step through the log, so that a long page is never whole in memory twice.
pub(crate) const STEP: usize = 1000;

/// The readers of the log.
#[derive(Clone)]
pub(crate) struct Log {
    host: Arc<dyn Host>,
    readers: Arc<Semaphore>,
    patience: Duration,
}

impl Log {
    pub(crate) fn new(host: Arc<dyn Host>, limits: &Limits) -> Self {
        Self {
            host,
            readers: Arc::new(Semaphore::new(limits.log_readers)),
            patience: limits.log_time,
        }
    }

    /// Runs `read` where blocking is allowed. A client that goes away does not free the
    /// reader: only the end of the reading does.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&dyn Host) -> Result<T, String> + Send + 'static,
    ) -> Outcome<T> {
        let reader = timeout(self.patience, Arc::clone(&self.readers).acquire_owned());
        let Ok(Ok(reader)) = reader.await else {
            return Err(Refusal::busy("log_busy", "all readers of the log are busy"));
        };
        let host = Arc::clone(&self.host);
        let reading = tokio::task::spawn_blocking(move || {
            let outcome = read(&*host);
            drop(reader);
            outcome
        });
        match reading.await {
            Ok(Ok(found)) => Ok(found),
            Ok(Err(reason)) => Err(unreadable(&reason)),
            Err(failed) => Err(unreadable(&failed.to_string())),
        }
    }
}

fn unreadable(reason: &str) -> Refusal {
    tracing::warn!(reason, "the log cannot be read");
    Refusal::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        "log_unreadable",
        format!("the log cannot be read: {reason}"),
    )
}
