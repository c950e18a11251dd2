//! The ring: the newest events, shared by all mailboxes, each with who wants it.

use std::collections::VecDeque;
use std::sync::Arc;

use growbox_model::batch::Correlation;
use growbox_model::{Event, Seq};
use growbox_pipeline::route::Route;

/// One event as the mailboxes see it.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub event: Arc<Event>,
    pub route: Route,
    pub correlation: Option<Correlation>,
    /// How many plug-in events lie between it and something from outside.
    pub depth: u8,
}

/// A bounded window on the end of the log.
#[derive(Debug)]
pub(crate) struct Ring {
    entries: VecDeque<Entry>,
    capacity: usize,
    /// The newest event that is no longer, or never was, in the ring.
    evicted: Seq,
}

impl Ring {
    /// An empty ring behind `evicted`.
    pub(crate) fn new(capacity: usize, evicted: Seq) -> Self {
        Self {
            entries: VecDeque::with_capacity(capacity.min(1024)),
            capacity: capacity.max(1),
            evicted,
        }
    }

    pub(crate) fn push(&mut self, entry: Entry) {
        if self.entries.len() == self.capacity
            && let Some(oldest) = self.entries.pop_front()
        {
            self.evicted = oldest.event.seq;
        }
        self.entries.push_back(entry);
    }

    /// Entries after `seq`; none when some of them have left the ring.
    pub(crate) fn after(&self, seq: Seq) -> Option<impl Iterator<Item = &Entry>> {
        if seq < self.evicted {
            return None;
        }
        let start = self.entries.partition_point(|entry| entry.event.seq <= seq);
        Some(self.entries.range(start..))
    }

    pub(crate) fn entry(&self, seq: Seq) -> Option<&Entry> {
        let place = self
            .entries
            .binary_search_by_key(&seq, |entry| entry.event.seq)
            .ok()?;
        self.entries.get(place)
    }

    /// How deep an event lies: as deep as its cause, and one deeper where a plug-in said it.
    pub(crate) fn depth_of(&self, event: &Event) -> u8 {
        let cause = event.cause.and_then(|cause| self.entry(cause));
        depth_below(event, cause)
    }

    /// Names anew who wants each event, after the subscription table has changed.
    pub(crate) fn route_again(&mut self, mut route: impl FnMut(&Event) -> Route) {
        for entry in &mut self.entries {
            entry.route = route(&entry.event);
        }
    }
}

/// How deep an event lies below its cause.
pub(crate) fn depth_below(event: &Event, cause: Option<&Entry>) -> u8 {
    let above = cause.map_or(0, |entry| entry.depth);
    above.saturating_add(u8::from(event.source.plugin().is_some()))
}
