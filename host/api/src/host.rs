//! What the HTTP edge needs of the host behind it.

use std::sync::Arc;

use growbox_model::commit::DeadLetter;
use growbox_model::ports::History;
use growbox_model::row::{Answer, Order, Question, Signature, Wait};
use growbox_model::{Event, Incoming, Objection, SensorId, Seq, Speaker};
use serde_json::{Map, Value};
use tokio::sync::{broadcast, oneshot};

/// The events of one request.
#[derive(Debug)]
pub struct Post {
    /// In the order of the request; what could not be read keeps its place.
    pub events: Vec<Result<Incoming, Objection>>,
    /// With whose authority they are said.
    pub speaker: Speaker,
    /// When the answer is due.
    pub wait: Wait,
}

/// The running room, as the HTTP edge sees it.
///
/// Methods that may block say so and are called on threads that may; all others
/// are called on tokio's threads and must return at once. A receiver whose
/// sender is dropped means the host is stopping.
pub trait Host: Send + Sync + 'static {
    /// Takes events in. Answers [`Answer::Posted`] with one result per event, in order, or
    /// [`Answer::Full`] where nothing was taken. A full queue makes it wait, not fail.
    fn post(&self, post: Post) -> oneshot::Receiver<Answer>;

    /// Answers one listing.
    fn ask(&self, question: Question) -> oneshot::Receiver<Answer>;

    /// Carries out a change, or refuses it with [`Answer::NotFound`] or [`Answer::Conflict`].
    /// A change of one thing answers the one row.
    fn order(&self, order: Order, signature: Signature) -> oneshot::Receiver<Answer>;

    /// Releases a sensor from the source it is bound to. Any answer but
    /// [`Answer::NotFound`], [`Answer::Conflict`] and [`Answer::Full`] means it is free.
    fn rebind(&self, sensor: SensorId, signature: Signature) -> oneshot::Receiver<Answer>;

    /// The log, unwritten events included. Its methods may block.
    fn history(&self) -> Arc<dyn History>;

    /// The newest event that [`Host::history`] answers; zero while there is none.
    fn newest(&self) -> Seq;

    /// Live events in sequence order. Each is in [`Host::history`] before it is sent here, so
    /// that a reader who falls behind finds everything it missed in the log.
    fn subscribe(&self) -> broadcast::Receiver<Arc<Event>>;

    /// The newest dead letters, newest first. May block.
    fn dead_letters(&self, limit: usize) -> Vec<DeadLetter>;

    /// An event by its number (`#88213`), by the id its sender gave, or by the id it is shown
    /// with (`e88213`); a bare number is one where nobody gave it as an id. May block.
    fn find_event(&self, id: &str) -> Option<Arc<Event>>;

    /// What enrichment and correlation add to `metadata`: `system_version`, `processing_node`,
    /// `zone_context`, `correlated_events` (ids as shown), `correlation_pattern`. May block.
    fn context(&self, event: &Event) -> Map<String, Value>;

    /// `zone_context` alone, for the live stream.
    fn zone_context(&self, event: &Event) -> Option<Value>;

    /// One plug-in as `{"plugin":ROW,"manifest":…,"grant":…}`. May block.
    fn plugin(&self, id: &str) -> Option<Value>;
}
