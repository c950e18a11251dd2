//! All plug-ins: candidates come, generations take over between two batches, batches go out and come back.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use growbox_model::commit::{Record, Restored, RestoredPlugin};
use growbox_model::ports::{BatchResult, Handled, Ports};
use growbox_model::{
    Batch, Clock, Event, Fault, Generation, Moment, PluginCommit, PluginId, Requester, Seq,
    StateDelta, Text, ZoneId, ZoneView,
};
use growbox_pipeline::route::{PLUGINS, Route};
use serde_json::json;

use crate::flow::Flow;
use crate::input::{Candidate, Exchanged};
use crate::mailbox::{Mailbox, Out, Phase};
use crate::ring::{Entry, Ring, depth_below};
use crate::say::Saying;

/// Events read from the log at once for a plug-in that is behind the ring.
const BACKLOG: usize = 1024;
/// A cursor that has moved so far over events that are not for its plug-in is stored.
const FAR: u64 = 10_000;

/// The plug-ins by id, and who waits to take over.
#[derive(Debug)]
pub(crate) struct Plugins {
    pub boxes: BTreeMap<PluginId, Mailbox>,
    candidates: BTreeMap<PluginId, Candidate>,
    /// Exchanges the ports have been asked for.
    exchanging: BTreeMap<PluginId, (Candidate, Generation)>,
    known: BTreeMap<PluginId, RestoredPlugin>,
    /// Those that were refused and of which nothing older runs.
    pub refused: BTreeSet<PluginId>,
    /// The first event still in the log.
    log_start: Seq,
    /// Whether the log held nothing but the host's own words when the host started.
    host_was_alone: bool,
}

impl Plugins {
    pub(crate) fn restored(restored: &Restored) -> Self {
        let known = restored
            .plugins
            .iter()
            .map(|p| (p.plugin.clone(), p.clone()))
            .collect();
        Self {
            boxes: BTreeMap::new(),
            candidates: BTreeMap::new(),
            exchanging: BTreeMap::new(),
            known,
            refused: BTreeSet::new(),
            log_start: restored.first_seq,
            host_was_alone: only_the_host_spoke(restored),
        }
    }

    /// Whether the flow must wait for one of them under the events clock.
    pub(crate) fn busy(&self) -> bool {
        !self.exchanging.is_empty()
            || !self.candidates.is_empty()
            || self.boxes.values().any(Mailbox::busy)
    }

    /// Those that have a batch out and are waited for.
    pub(crate) fn out(&self) -> impl Iterator<Item = &PluginId> {
        let busy = self.boxes.values().filter(|mailbox| mailbox.busy());
        busy.map(Mailbox::id)
    }

    /// Whether everything up to `seq` is behind all of them that run.
    pub(crate) fn have_handled(&self, seq: Seq, ring: &Ring) -> bool {
        self.boxes
            .values()
            .filter(|mailbox| mailbox.phase == Phase::Running)
            .all(|mailbox| {
                let waits = |entry: &Entry| entry.event.seq <= seq && mailbox.wants(entry);
                mailbox.out.as_ref().is_none_or(|out| out.batch.first > seq)
                    && (mailbox.cursor >= seq
                        || ring
                            .after(mailbox.cursor)
                            .is_some_and(|mut entries| !entries.any(waits)))
            })
    }

    pub(crate) fn next_tick(&self) -> Option<Moment> {
        self.boxes.values().filter_map(Mailbox::next_tick).min()
    }

    /// Notes the ticks that are due: each comes with the next batch.
    pub(crate) fn note_ticks(&mut self, now: Moment) {
        for mailbox in self.boxes.values_mut() {
            mailbox.note_tick(now);
        }
    }

    pub(crate) fn next_retry(&self) -> Option<Moment> {
        let until = |mailbox: &Mailbox| match mailbox.phase {
            Phase::BackingOff(until) => Some(until),
            _ => None,
        };
        self.boxes.values().filter_map(until).min()
    }

    /// A plug-in that does not run any more; added again, it goes on from where it was.
    pub(crate) fn remove(&mut self, plugin: &PluginId) -> Option<Mailbox> {
        self.candidates.remove(plugin);
        self.exchanging.remove(plugin);
        let mailbox = self.boxes.remove(plugin)?;
        if let Some(known) = self.known.get_mut(plugin)
            && !matches!(mailbox.phase, Phase::Waiting(_))
        {
            known.cursor = Some(mailbox.cursor);
        }
        Some(mailbox)
    }

    fn next_generation(&self, plugin: &PluginId) -> Generation {
        let running = self.boxes.get(plugin).map(|mailbox| mailbox.generation);
        let known = self.known.get(plugin).map(|known| known.generation);
        Generation(running.max(known).map_or(1, |newest| newest.0 + 1))
    }
}

impl Flow {
    /// New code or settings are loaded and checked: they wait until the old generation is idle.
    pub(crate) fn hear_candidate(&mut self, candidate: Candidate) {
        let id = candidate.spec.id.clone();
        if !self.room.plugins.get(&id).is_some_and(|spec| spec.enabled) {
            return;
        }
        if self.plugins.boxes.len() >= PLUGINS && !self.plugins.boxes.contains_key(&id) {
            return self.refuse_plugin(
                &id,
                &format!("{PLUGINS} plug-ins are the most one room runs"),
            );
        }
        self.plugins.candidates.insert(id, candidate);
    }

    /// Asks for the exchange of every plug-in that is idle and has a candidate.
    pub(crate) fn exchange_plugins(&mut self, ports: &mut impl Ports) {
        let idle: Vec<PluginId> = self
            .plugins
            .candidates
            .keys()
            .filter(|id| !self.plugins.exchanging.contains_key(*id))
            .filter(|id| {
                self.plugins
                    .boxes
                    .get(*id)
                    .is_none_or(|mailbox| mailbox.out.is_none())
            })
            .cloned()
            .collect();
        for id in idle {
            if let Some(candidate) = self.plugins.candidates.remove(&id) {
                let generation = self.generation_for(&candidate);
                ports.exchange(&id, generation, self.guest_clock());
                self.plugins.exchanging.insert(id, (candidate, generation));
            }
        }
    }

    /// The same code with the same settings goes on as the same generation: after a restart, and
    /// under other grants or limits.
    fn generation_for(&self, candidate: &Candidate) -> Generation {
        let id = &candidate.spec.id;
        match self.plugins.known.get(id) {
            Some(known) if known.digest == candidate.digest => known.generation,
            _ => self.plugins.next_generation(id),
        }
    }

    /// The exchange has happened: the new generation takes over, or the old one goes on.
    pub(crate) fn hear_exchanged(&mut self, exchanged: Exchanged, ports: &mut impl Ports) {
        let Some((candidate, generation)) = self.plugins.exchanging.remove(&exchanged.plugin)
        else {
            return;
        };
        match exchanged.outcome {
            Ok(state) => self.take_over(candidate, generation, state, ports),
            Err(reason) => self.refuse_plugin(&exchanged.plugin, &reason),
        }
    }

    fn take_over(
        &mut self,
        candidate: Candidate,
        generation: Generation,
        state: StateDelta,
        ports: &mut impl Ports,
    ) {
        let id = candidate.spec.id.clone();
        let old = self.plugins.boxes.remove(&id);
        let old_ran = old
            .as_ref()
            .is_some_and(|mailbox| !matches!(mailbox.phase, Phase::Waiting(_)));
        let cursor = match &old {
            Some(mailbox) if !matches!(mailbox.phase, Phase::Waiting(_)) => mailbox.cursor,
            _ => self.first_cursor(&id),
        };
        let version = candidate.manifest.version.clone();
        let same = old.as_ref().map(|mailbox| mailbox.generation) == Some(generation);
        let kind = if old.is_some() {
            "plugin.swapped"
        } else {
            "plugin.loaded"
        };
        self.flush(ports);
        let known = self.plugins.known.get(&id);
        let known_cursor = known.and_then(|known| known.cursor);
        let known_cursor = known_cursor
            .filter(|_| !old_ran)
            .or(old_ran.then_some(cursor));
        if known.map(|known| known.generation) != Some(generation) {
            self.commit.records.push(Record::Generation(
                id.clone(),
                generation,
                version.as_str().into(),
                candidate.digest.clone(),
            ));
        }
        let mut spec = candidate.spec;
        if let Some(configured) = self.room.plugins.get(&id) {
            spec.grant = configured.grant.clone();
            spec.deny = configured.deny.clone();
        }
        let now = self.clock.now().moment;
        let mailbox = Mailbox::new(spec, candidate.manifest, generation, cursor, now);
        let granted = !matches!(mailbox.phase, Phase::Waiting(_));
        self.plugins.boxes.insert(id.clone(), mailbox);
        self.plugins.refused.remove(&id);
        let running = RestoredPlugin {
            plugin: id.clone(),
            generation,
            version: version.as_str().into(),
            digest: candidate.digest,
            cursor: known_cursor.or(granted.then_some(cursor)),
        };
        self.plugins.known.insert(id.clone(), running);
        self.commit.plugin = granted.then(|| PluginCommit {
            plugin: id.clone(),
            generation,
            cursor,
            state,
            frame: None,
        });
        let data = json!({"plugin": id, "version": version, "generation": generation});
        if !same {
            self.announce(Saying::host(kind, &data));
        }
        self.flush(ports);
        self.route_again();
    }

    /// The stored cursor; the log's end for a plug-in that is first granted now, which is 0 as
    /// long as the host has been alone with its log. One below the log's tail jumps.
    fn first_cursor(&mut self, id: &PluginId) -> Seq {
        let Some(cursor) = self.plugins.known.get(id).and_then(|known| known.cursor) else {
            let alone = self.plugins.host_was_alone && !self.intake.taken_any;
            return if alone { Seq(0) } else { self.last_seq };
        };
        let start = Seq(self.plugins.log_start.0.saturating_sub(1));
        if cursor >= start {
            return cursor;
        }
        let reason = format!(
            "events {} to {start} are no longer in the log",
            Seq(cursor.0 + 1)
        );
        self.announce(Saying::host(
            "plugin.gap",
            &json!({"plugin": id, "reason": reason}),
        ));
        start
    }

    pub(crate) fn refuse_plugin(&mut self, id: &PluginId, reason: &str) {
        let running = self.plugins.boxes.get_mut(id);
        let goes_on = running
            .as_ref()
            .map(|mailbox| mailbox.manifest.version.clone());
        if let Some(mailbox) = running {
            mailbox.trouble = Some(format!("refused new code or settings: {reason}").into());
        } else {
            self.plugins.refused.insert(id.clone());
        }
        let data = json!({"plugin": id, "reason": reason, "goes_on": goes_on});
        self.announce(Saying::host("plugin.refused", &data));
    }

    /// Who wants what, anew: the table, and every event in the ring.
    pub(crate) fn route_again(&mut self) {
        let mut rows = Vec::new();
        for (place, mailbox) in self.plugins.boxes.values_mut().enumerate() {
            mailbox.place = place;
            rows.push((
                mailbox.id().to_string(),
                mailbox.manifest.subscriptions.clone(),
            ));
        }
        self.table.set(rows);
        let table = &mut self.table;
        self.ring
            .route_again(|event| table.route(&event.kind, event.zone.as_ref()));
    }

    /// Cuts a batch for every plug-in that is idle and has something to do. While the log takes
    /// nothing, cursors stand still.
    pub(crate) fn cut_batches(&mut self, ports: &mut impl Ports) {
        let cutting = self.clock.founded().is_some()
            && self.start_is_durable()
            && self.refuses(ports).is_none();
        let ids: Vec<PluginId> = self.plugins.boxes.keys().cloned().collect();
        for id in ids {
            if let Some(batch) = self.batch_again(&id) {
                ports.deliver(batch);
            } else if cutting && let Some(batch) = self.cut_batch(&id, ports) {
                ports.deliver(batch);
            }
        }
    }

    fn batch_again(&mut self, id: &PluginId) -> Option<Batch> {
        let machine = self.machine.boot;
        self.plugins
            .boxes
            .get_mut(id)?
            .try_again(machine)
            .map(|out| out.batch.clone())
    }

    fn cut_batch(&mut self, id: &PluginId, ports: &mut impl Ports) -> Option<Batch> {
        if self.plugins.exchanging.contains_key(id) {
            return None;
        }
        let clock = self.guest_clock();
        let mailbox = self
            .plugins
            .boxes
            .get_mut(id)
            .filter(|mailbox| mailbox.idle())?;
        let selection = loop {
            let selection = match self.ring.after(mailbox.cursor) {
                Some(entries) => mailbox.select(entries),
                None => {
                    let events = ports.backlog(mailbox.cursor, BACKLOG);
                    mailbox.select(behind(&mut self.table, events).iter())
                }
            };
            let moved = selection.last > mailbox.cursor;
            if !selection.events.is_empty() || !moved {
                break selection;
            }
            mailbox.cursor = selection.last;
        };
        let tick = mailbox.take_tick();
        if selection.events.is_empty() && !tick {
            self.keep_cursor(id, ports);
            return None;
        }
        mailbox.cut(selection, tick, clock, self.last_seq);
        let zones = Arc::new(self.views_for(&Requester::Plugin(id.clone())));
        let out = self.plugins.boxes.get_mut(id)?.out.as_mut()?;
        out.batch.zones = zones;
        Some(out.batch.clone())
    }

    /// Stores a cursor that has wandered far without a batch: else it would begin there again.
    fn keep_cursor(&mut self, id: &PluginId, ports: &mut impl Ports) {
        let Some(mailbox) = self.plugins.boxes.get_mut(id) else {
            return;
        };
        if mailbox.cursor.0 - mailbox.stored.0 < FAR {
            return;
        }
        mailbox.stored = mailbox.cursor;
        let kept = PluginCommit {
            plugin: id.clone(),
            generation: mailbox.generation,
            cursor: mailbox.cursor,
            state: Vec::new(),
            frame: None,
        };
        self.flush(ports);
        self.commit.plugin = Some(kept);
        self.flush(ports);
    }

    /// The clock as guests are told it; before the events clock is founded it cannot be trusted.
    fn guest_clock(&self) -> Clock {
        let now = self.clock.founded().unwrap_or_default();
        Clock {
            now: now.moment,
            wall: now.wall,
            wall_trusted: now.wall_trusted,
            utc_offset: self.zones.utc_offset(now.wall),
        }
    }

    fn views_for(&self, viewer: &Requester) -> Vec<ZoneView> {
        let now = self.clock.now();
        let mut views: Vec<ZoneView> = self
            .zones
            .ids()
            .filter_map(|zone| self.zones.view(zone, now))
            .collect();
        for view in &mut views {
            view.devices = self.gate.views(&view.zone, Some(viewer), now);
            if let Some(scope) = self.stop_scope(viewer, &view.zone) {
                view.attributes.push(("emergency_stop".into(), scope));
            }
        }
        views
    }

    /// How far a plug-in's stop of a zone is granted: `*`, or the zone alone.
    fn stop_scope(&self, viewer: &Requester, zone: &ZoneId) -> Option<Text> {
        let Requester::Plugin(id) = viewer else {
            return None;
        };
        let mailbox = self.plugins.boxes.get(id)?;
        let scope = match (mailbox.may_stop("*"), mailbox.may_stop(zone.as_str())) {
            (_, false) => return None,
            (true, _) => "*",
            (false, _) => zone.as_str(),
        };
        Some(scope.into())
    }

    /// Whether a result is that of the batch that is out.
    pub(crate) fn is_awaited(&self, result: &BatchResult) -> bool {
        self.plugins
            .boxes
            .get(&result.plugin)
            .filter(|mailbox| mailbox.generation == result.generation)
            .and_then(|mailbox| mailbox.out.as_ref())
            .is_some_and(|out| out.batch.last == result.last)
    }

    /// A batch came back.
    pub(crate) fn hear_handled(&mut self, result: BatchResult, ports: &mut impl Ports) {
        if !self.is_awaited(&result) {
            return;
        }
        self.stats.handled(&result);
        let machine = self.machine.boot;
        self.latency
            .handled(&result.plugin, result.elapsed, machine);
        let Some(mailbox) = self.plugins.boxes.get_mut(&result.plugin) else {
            return;
        };
        mailbox.memory_bytes = result.memory_bytes;
        let Some(out) = mailbox.out.take() else {
            return;
        };
        match result.outcome {
            Ok(handled) => self.handled_well(&result.plugin, &out, handled, ports),
            Err(fault) => self.handled_badly(&result.plugin, out, &fault),
        }
    }

    /// State, cursor, emitted events, verdicts: one message to the log, never split.
    fn handled_well(&mut self, id: &PluginId, out: &Out, handled: Handled, ports: &mut impl Ports) {
        self.flush(ports);
        let Some(mailbox) = self.plugins.boxes.get_mut(id) else {
            return;
        };
        mailbox.went_well(&out.batch);
        let generation = mailbox.generation;
        let frame = (!handled.effects.is_empty()).then(|| out.frame());
        self.commit.plugin = Some(PluginCommit {
            plugin: id.clone(),
            generation,
            cursor: out.batch.last,
            state: handled.state,
            frame,
        });
        for effect in handled.effects {
            self.perform(id, generation, out, effect, ports);
        }
        self.flush(ports);
    }

    /// Nothing of that batch happened; what comes next depends on the fault.
    fn handled_badly(&mut self, id: &PluginId, out: Out, fault: &Fault) {
        let machine = self.machine.boot;
        let Some(mailbox) = self.plugins.boxes.get_mut(id) else {
            return;
        };
        tracing::warn!(plugin = %id, first = out.batch.first.0, last = out.batch.last.0, "{fault}");
        match fault {
            Fault::Event { seq, why } if out.holds(*seq) => mailbox.park(*seq, &out, why),
            Fault::Permanent(why) => mailbox.phase = Phase::Quarantined(why.as_str().into()),
            other => mailbox.strike(out, &other.to_string(), machine),
        }
        if let Phase::Quarantined(why) = &mailbox.phase {
            let why = why.clone();
            self.quarantine(id, &why);
        }
    }

    /// A plug-in that cannot go on lets go of everything it asked for.
    fn quarantine(&mut self, id: &PluginId, why: &str) {
        let Some(mailbox) = self.plugins.boxes.get(id) else {
            return;
        };
        let data = json!({
            "plugin": id,
            "version": mailbox.manifest.version,
            "generation": mailbox.generation,
            "reason": why,
        });
        self.say(Saying::host("plugin.quarantined", &data));
        self.gate.forget(
            &Requester::Plugin(id.clone()),
            &format!("{id} is quarantined: {why}"),
        );
    }
}

/// Whether nothing from outside and of no plug-in has ever been in the log.
fn only_the_host_spoke(restored: &Restored) -> bool {
    let whole = restored.tail.first().map_or(Seq(0), |oldest| oldest.seq) <= restored.first_seq;
    let host = growbox_model::Source::host();
    whole && restored.tail.iter().all(|event| event.source == host)
}

/// Events from the log, as if they came from the ring.
fn behind(table: &mut growbox_pipeline::route::Table, events: Vec<Arc<Event>>) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::with_capacity(events.len());
    for event in events {
        let route = if event.effective() {
            table.route(&event.kind, event.zone.as_ref())
        } else {
            Route::default()
        };
        let cause = event.cause.and_then(|cause| {
            let place = entries.binary_search_by_key(&cause, |entry| entry.event.seq);
            entries.get(place.ok()?)
        });
        let depth = depth_below(&event, cause);
        entries.push(Entry {
            event,
            route,
            correlation: None,
            depth,
        });
    }
    entries
}
