//! A plug-in as the flow sees it: a cursor and a filter over the ring, one batch out at a time.
//!
//! ```text
//!  waiting ──granted──▶ running ◀──────────┐
//!                        │  │ fault        │ back-off over: the same batch again
//!                        │  └───▶ backing off
//!                        │              │ five strikes, or a permanent fault
//!                        └──────────────▶ quarantined ──new code or settings──▶ running
//! ```

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use growbox_model::{
    Batch, Clock, Event, Frame, Generation, Manifest, Moment, PluginId, PluginSpec, Quantity,
    SensorId, Seq, Span, Text,
};

use growbox_model::manifest::covers;

use crate::ring::Entry;

/// Most events in one batch.
pub(crate) const BATCH_EVENTS: usize = 256;
/// Most bytes in one batch, roughly.
pub(crate) const BATCH_BYTES: usize = 256 * 1024;
/// Faults in a row that quarantine a plug-in.
pub(crate) const STRIKES: u32 = 5;
/// Good batches in a row that clear the strikes.
const CLEARED_BY: u32 = 100;
/// First and longest back-off after a fault, machine time.
const BACK_OFF: (Span, Span) = (Span::millis(200), Span::seconds(5));
/// Emitted events a plug-in may save up, and gains per second and per event it is given.
const EMIT_BUDGET: (f64, f64, f64) = (1000.0, 100.0, 2.0);

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Phase {
    /// A required ask is not granted: which.
    Waiting(Text),
    Running,
    /// Until this machine time.
    BackingOff(Moment),
    /// Why.
    Quarantined(Text),
}

/// A batch that is out, with what is needed to judge its effects and to send it again.
#[derive(Debug, Clone)]
pub(crate) struct Out {
    pub batch: Batch,
    /// The newest event the views knew.
    pub view: Seq,
    /// Depth of each event of the batch.
    pub depths: Vec<u8>,
}

/// What a cut considered.
#[derive(Debug, Default)]
pub(crate) struct Selection {
    pub events: Vec<Entry>,
    pub last: Seq,
    pub skipped: u64,
    bytes: usize,
    newest: HashMap<(SensorId, Quantity), usize>,
}

#[derive(Debug)]
pub(crate) struct Mailbox {
    pub spec: PluginSpec,
    pub manifest: Manifest,
    pub generation: Generation,
    /// Its place in the subscription table.
    pub place: usize,
    /// The last sequence considered.
    pub cursor: Seq,
    /// The cursor as the log knows it.
    pub stored: Seq,
    pub phase: Phase,
    pub out: Option<Out>,
    /// To be sent again once the back-off is over.
    pub again: Option<Out>,
    next_tick: Option<Moment>,
    /// A tick has fallen due since the last batch; further ones coalesce with it.
    tick_owed: bool,
    pub parked: BTreeSet<Seq>,
    pub strikes: u32,
    pub memory_bytes: u64,
    /// What was refused or went wrong last.
    pub trouble: Option<Text>,
    /// Matching events passed over, all told.
    pub passed_over: u64,
    good: u32,
    budget: f64,
    budget_filled: Moment,
}

impl Mailbox {
    pub(crate) fn new(
        spec: PluginSpec,
        manifest: Manifest,
        generation: Generation,
        cursor: Seq,
        now: Moment,
    ) -> Self {
        let phase = missing_grant(&spec, &manifest).map_or(Phase::Running, Phase::Waiting);
        let next_tick = manifest.tick.map(|period| next_multiple(period, now));
        Self {
            spec,
            manifest,
            generation,
            place: 0,
            cursor,
            stored: cursor,
            phase,
            out: None,
            again: None,
            next_tick,
            tick_owed: false,
            parked: BTreeSet::new(),
            strikes: 0,
            memory_bytes: 0,
            trouble: None,
            passed_over: 0,
            good: 0,
            budget: EMIT_BUDGET.0,
            budget_filled: now,
        }
    }

    pub(crate) fn id(&self) -> &PluginId {
        &self.spec.id
    }

    pub(crate) fn idle(&self) -> bool {
        self.phase == Phase::Running && self.out.is_none()
    }

    /// Whether the flow must wait for it under the events clock.
    pub(crate) fn busy(&self) -> bool {
        self.phase == Phase::Running && self.out.is_some()
    }

    /// When the next tick falls due, where ticks mean anything to it now.
    pub(crate) fn next_tick(&self) -> Option<Moment> {
        self.next_tick
            .filter(|_| matches!(self.phase, Phase::Running | Phase::BackingOff(_)))
    }

    /// Notes a tick that is due; late ones coalesce.
    pub(crate) fn note_tick(&mut self, now: Moment) {
        if self.next_tick().is_some_and(|tick| tick <= now) {
            self.next_tick = self.manifest.tick.map(|period| next_multiple(period, now));
            self.tick_owed = true;
        }
    }

    /// Whether the next batch is to carry a tick.
    pub(crate) fn take_tick(&mut self) -> bool {
        std::mem::take(&mut self.tick_owed)
    }

    /// Chooses what the next batch holds out of what comes after the cursor.
    pub(crate) fn select<'a>(&self, entries: impl Iterator<Item = &'a Entry>) -> Selection {
        let mut selection = Selection {
            last: self.cursor,
            ..Selection::default()
        };
        for entry in entries {
            if !selection.take(entry, self) {
                break;
            }
        }
        selection.settle();
        selection
    }

    /// Whether an event is one for it.
    pub(crate) fn wants(&self, entry: &Entry) -> bool {
        entry.route.wanted.contains(self.place)
            && entry.event.source.plugin() != Some(self.spec.id.as_str())
            && !self.parked.contains(&entry.event.seq)
    }

    /// Makes a selection the batch that is out.
    pub(crate) fn cut(
        &mut self,
        selection: Selection,
        tick: bool,
        clock: Clock,
        view: Seq,
    ) -> &mut Out {
        let first = Seq(self.cursor.0 + 1);
        let depths = selection.events.iter().map(|entry| entry.depth).collect();
        let (events, correlations): (Vec<Arc<Event>>, Vec<_>) = selection
            .events
            .into_iter()
            .map(|entry| (entry.event, entry.correlation))
            .unzip();
        self.budget_for(events.len(), clock.now);
        let batch = Batch {
            plugin: self.spec.id.clone(),
            generation: self.generation,
            clock,
            tick,
            skipped: selection.skipped,
            first,
            last: selection.last,
            zones: Arc::default(),
            events,
            correlations,
        };
        self.out.insert(Out {
            batch,
            view,
            depths,
        })
    }

    fn budget_for(&mut self, events: usize, now: Moment) {
        let (most, per_second, per_event) = EMIT_BUDGET;
        let gained =
            now.since(self.budget_filled).as_seconds() * per_second + events as f64 * per_event;
        self.budget = (self.budget + gained).min(most.max(events as f64 * per_event));
        self.budget_filled = now;
    }

    /// Two keys: its manifest asks to stop this zone (`*`: everything), and the operator grants it.
    pub(crate) fn may_stop(&self, scope: &str) -> bool {
        let (ability, spec) = ("emergency-stop", &self.spec);
        self.manifest.asks_for(ability, scope)
            && spec.grant.names(ability, scope)
            && !spec.deny.names(ability, scope)
    }

    /// Whether it may still emit an event.
    pub(crate) fn spend(&mut self) -> bool {
        let may = self.budget >= 1.0;
        if may {
            self.budget -= 1.0;
        }
        may
    }

    /// A batch went well.
    pub(crate) fn went_well(&mut self, batch: &Batch) {
        (self.cursor, self.stored) = (batch.last, batch.last);
        self.passed_over += batch.skipped;
        self.parked = self.parked.split_off(&batch.last);
        self.good += 1;
        if self.good >= CLEARED_BY {
            self.strikes = 0;
        }
    }

    /// One event of a batch is put aside; the rest is cut again.
    pub(crate) fn park(&mut self, seq: Seq, out: &Out, why: &str) {
        self.parked.insert(seq);
        self.tick_owed |= out.batch.tick;
        self.trouble = Some(format!("parked event {seq}: {why}").into());
    }

    /// A fault: the same batch again after a back-off, or quarantine.
    pub(crate) fn strike(&mut self, out: Out, why: &str, machine: Moment) {
        self.good = 0;
        self.strikes += 1;
        self.trouble = Some(why.into());
        if self.strikes >= STRIKES {
            self.phase = Phase::Quarantined(why.into());
            return;
        }
        let pause = BACK_OFF
            .0
            .times(1 << (self.strikes - 1).min(10))
            .min(BACK_OFF.1);
        self.again = Some(out);
        self.phase = Phase::BackingOff(machine + pause);
    }

    /// The back-off is over.
    pub(crate) fn try_again(&mut self, machine: Moment) -> Option<&Out> {
        let Phase::BackingOff(until) = self.phase else {
            return None;
        };
        if machine < until {
            return None;
        }
        self.phase = Phase::Running;
        self.out = self.again.take();
        self.out.as_ref()
    }
}

impl Out {
    /// The frame that is stored, so that the batch can be explained and run again.
    pub(crate) fn frame(&self) -> Frame {
        Frame {
            first: self.batch.first,
            last: self.batch.last,
            view: self.view,
            clock: self.batch.clock,
            tick: self.batch.tick,
        }
    }

    /// Whether it holds this event.
    pub(crate) fn holds(&self, seq: Seq) -> bool {
        self.batch.events.iter().any(|event| event.seq == seq)
    }

    /// How deep an event that follows from `causes` lies: one below the stated cause, else below the deepest.
    pub(crate) fn depth_below(&self, causes: &[Seq]) -> u8 {
        let stated = self
            .batch
            .events
            .iter()
            .zip(&self.depths)
            .filter(|(event, _)| causes.contains(&event.seq))
            .map(|(_, depth)| *depth)
            .max();
        let deepest = stated
            .or_else(|| self.depths.iter().copied().max())
            .unwrap_or(0);
        deepest.saturating_add(1)
    }

    /// The event that effects with these causes follow from: the newest stated one the plug-in
    /// could know, else the batch's newest.
    pub(crate) fn cause(&self, causes: &[Seq]) -> Option<Seq> {
        let known = causes.iter().copied().filter(|seq| *seq <= self.view).max();
        known.or_else(|| self.batch.events.last().map(|event| event.seq))
    }
}

impl Selection {
    /// Considers one entry; false when the batch is full before it.
    fn take(&mut self, entry: &Entry, mailbox: &Mailbox) -> bool {
        if !mailbox.wants(entry) {
            self.last = entry.event.seq;
            return true;
        }
        let weight = weigh(&entry.event);
        if entry.route.latest.contains(mailbox.place)
            && let Some(reading) = entry.event.reading()
        {
            let series = (reading.sensor.clone(), reading.quantity.clone());
            if let Some(&place) = self.newest.get(&series) {
                let older = std::mem::replace(&mut self.events[place], entry.clone());
                self.bytes = self.bytes + weight - weigh(&older.event);
                self.skipped += 1;
                self.last = entry.event.seq;
                return true;
            }
            if self.has_room_for(weight) {
                self.newest.insert(series, self.events.len());
            }
        }
        if !self.has_room_for(weight) {
            return false;
        }
        self.bytes += weight;
        self.events.push(entry.clone());
        self.last = entry.event.seq;
        true
    }

    fn has_room_for(&self, weight: usize) -> bool {
        self.events.is_empty()
            || (self.events.len() < BATCH_EVENTS && self.bytes + weight <= BATCH_BYTES)
    }

    /// Coalesced readings took older places: back into sequence order.
    fn settle(&mut self) {
        if self.skipped > 0 {
            self.events.sort_by_key(|entry| entry.event.seq);
        }
    }
}

/// What an event weighs in a batch, roughly.
fn weigh(event: &Event) -> usize {
    let body = event.document().map_or(0, |json| json.as_str().len());
    96 + body
        + event
            .metadata
            .as_ref()
            .map_or(0, |json| json.as_str().len())
}

/// Multiples of the period, so that ticks fall alike after a restart.
fn next_multiple(period: Span, now: Moment) -> Moment {
    let period = period.0.max(1);
    Moment((now.0 / period + 1) * period)
}

/// The first required ask that is not granted. A role is granted by any device of it, many
/// origins by any of them.
fn missing_grant(spec: &PluginSpec, manifest: &Manifest) -> Option<Text> {
    manifest
        .asks
        .iter()
        .filter(|ask| ask.required && ask.ability != "emit")
        .find(|ask| match ask.ability.as_str() {
            "control" => spec.grant.control.is_empty(),
            "call" => !spec
                .grant
                .call
                .iter()
                .any(|origin| covers(&ask.scope, origin)),
            ability => !spec.grant.names(ability, &ask.scope),
        })
        .map(|ask| format!("{} {}: {}", ask.ability, ask.scope, ask.why).into())
}
