//! Saying: an event gets its number, its neighbours and its listeners, and goes to the log.

use std::sync::Arc;

use growbox_model::event::Payload;
use growbox_model::incoming::Incoming;
use growbox_model::{Event, EventType, Generation, Instant, Json, Seq, Source, Text, ZoneId};
use growbox_pipeline::validate::Taken;
use serde_json::{Value, json};

use crate::flow::Flow;
use crate::ring::Entry;
use crate::zones::Silence;

/// An event before it has a number.
#[derive(Debug, Clone)]
pub(crate) struct Saying {
    pub id: Option<Text>,
    pub kind: EventType,
    pub zone: Option<ZoneId>,
    pub source: Source,
    /// None: now.
    pub at: Option<Instant>,
    pub cause: Option<Seq>,
    pub generation: Option<Generation>,
    pub foreign: bool,
    pub late: bool,
    pub payload: Payload,
    pub metadata: Option<Json>,
    /// How many plug-in events lie between it and something from outside; none: as many as its cause.
    pub depth: Option<u8>,
}

/// Words of the host that may wait for the first event; beyond, the newest are dropped.
const UNSAID: usize = 1024;

impl Saying {
    /// Something the host itself says.
    pub(crate) fn host(kind: &'static str, data: &Value) -> Self {
        Self {
            id: None,
            kind: EventType::known(kind),
            zone: None,
            source: Source::host(),
            at: None,
            cause: None,
            generation: None,
            foreign: false,
            late: false,
            payload: Payload::Document(Json::of(data)),
            metadata: None,
            depth: None,
        }
    }

    pub(crate) fn in_zone(self, zone: Option<ZoneId>) -> Self {
        Self { zone, ..self }
    }

    pub(crate) fn caused_by(self, cause: Option<Seq>) -> Self {
        Self { cause, ..self }
    }

    /// Something from outside, as validation took it.
    pub(crate) fn taken(event: Incoming, taken: Taken) -> Self {
        Self {
            id: event.id,
            kind: event.kind,
            zone: taken.zone,
            source: event.source,
            at: event.at,
            cause: event.cause,
            generation: None,
            foreign: taken.foreign,
            late: taken.late,
            payload: event.payload,
            metadata: event.metadata,
            depth: None,
        }
    }
}

impl Flow {
    /// Gives an event its number and lets it be seen: log, ring, views, mailboxes.
    pub(crate) fn say(&mut self, saying: Saying) -> Arc<Event> {
        let now = self.clock.now();
        self.last_seq = Seq(self.last_seq.0 + 1);
        let depth = saying.depth;
        let event = Arc::new(Event {
            seq: self.last_seq,
            id: saying.id,
            kind: saying.kind,
            zone: saying.zone,
            source: saying.source,
            at: saying.at.unwrap_or(now.wall),
            taken: now.moment,
            taken_at: now.wall,
            cause: saying.cause,
            generation: saying.generation,
            foreign: saying.foreign,
            late: saying.late,
            payload: saying.payload,
            metadata: saying.metadata,
        });
        self.names.note(event.names());
        self.commit.events.push(event.clone());
        if event.effective() {
            self.let_see(&event, depth);
            self.keep_listings(&event);
        }
        event
    }

    /// What is listed by itself: alerts, reports.
    fn keep_listings(&mut self, event: &Event) {
        match event.kind.as_str() {
            "analytics.report" => self.fold_report(event),
            kind if kind.starts_with("alert.") => self.fold_alert(event),
            _ => {}
        }
    }

    /// Views, neighbours, listeners.
    fn let_see(&mut self, event: &Arc<Event>, depth: Option<u8>) {
        let depth = depth.unwrap_or_else(|| self.ring.depth_of(event));
        let route = self.table.route(&event.kind, event.zone.as_ref());
        let correlation = self.recent.observe(event);
        self.ring.push(Entry {
            event: event.clone(),
            route,
            correlation,
            depth,
        });
        if let Some(reading) = event.reading() {
            if let Some(silence) = self.zones.observe(event, reading) {
                self.say_silence("sensor.recovered", silence, Some(event.seq));
            }
            self.show(event, reading);
            self.hear_witness(reading);
            self.hear_stop_input(event, reading);
        }
    }

    /// Series that have fallen silent say so.
    pub(crate) fn tell_silence(&mut self) {
        for silence in self.zones.fall_silent(self.clock.now().moment) {
            let now = self.clock.now();
            self.gate
                .witness(&silence.sensor, &silence.quantity, None, now);
            self.say_silence("sensor.stale", silence, None);
        }
    }

    fn say_silence(&mut self, kind: &'static str, silence: Silence, cause: Option<Seq>) {
        let data = json!({
            "sensor_id": silence.sensor,
            "quantity": silence.quantity,
            "last_seen": silence.last_seen,
            "interval": silence.interval,
        });
        self.say(
            Saying::host(kind, &data)
                .in_zone(silence.zone)
                .caused_by(cause),
        );
    }

    /// The log could not keep everything: what is missing.
    pub(crate) fn say_gap(&mut self, first: Seq, last: Seq, events: u64) {
        let reason = format!("{events} events found no room while the disk took none");
        let data = json!({"first": first, "last": last, "events": events, "reason": reason});
        self.announce(Saying::host("storage.gap", &data));
    }

    /// Says something of the host's own, now or as soon as the first event has founded the clock.
    /// Its number, where it has one already.
    pub(crate) fn announce(&mut self, saying: Saying) -> Option<Seq> {
        if self.clock.founded().is_some() {
            return Some(self.say(saying).seq);
        }
        if self.unsaid.len() < UNSAID {
            self.unsaid.push(saying);
        }
        None
    }
}
