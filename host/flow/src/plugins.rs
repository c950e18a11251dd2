//! All plug-ins: candidates come, generations take over between two batches, batches go out and come back.

use std::collections::BTreeMap;
use std::sync::Arc;

use growbox_model::commit::{Record, Restored, RestoredPlugin};
use growbox_model::ports::{BatchResult, Handled, Ports};
use growbox_model::{
    Batch, Clock, Event, Fault, Generation, Moment, PluginCommit, PluginId, Requester, Seq,
    StateDelta, ZoneView,
};
use growbox_pipeline::route::{PLUGINS, Route};
use serde_json::json;

use crate::flow::Flow;
use crate::input::{Candidate, Exchanged};
use crate::mailbox::{Mailbox, Out, Phase};
use crate::ring::{Entry, Ring};
use crate::say::Saying;

/// Events read from the log at once for a plug-in that is behind the ring.
const BACKLOG: usize = 1024;

/// The plug-ins by id, and who waits to take over.
#[derive(Debug)]
pub(crate) struct Plugins {
    pub boxes: BTreeMap<PluginId, Mailbox>,
    candidates: BTreeMap<PluginId, Candidate>,
    /// Exchanges the ports have been asked for.
    exchanging: BTreeMap<PluginId, (Candidate, Generation)>,
    known: BTreeMap<PluginId, RestoredPlugin>,
    /// The first event still in the log.
    log_start: Seq,
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
            log_start: restored.first_seq,
        }
    }

    /// Whether the flow must wait for one of them under the events clock.
    pub(crate) fn busy(&self) -> bool {
        !self.exchanging.is_empty()
            || !self.candidates.is_empty()
            || self.boxes.values().any(Mailbox::busy)
    }

    /// Whether everything up to `seq` is behind all of them that run.
    pub(crate) fn have_handled(&self, seq: Seq, ring: &Ring) -> bool {
        self.boxes
            .values()
            .filter(|mailbox| mailbox.phase == Phase::Running)
            .all(|mailbox| {
                let waits = |entry: &Entry| {
                    entry.event.seq <= seq && entry.route.wanted.contains(mailbox.place)
                };
                mailbox.out.as_ref().is_none_or(|out| out.batch.first > seq)
                    && (mailbox.cursor >= seq
                        || ring
                            .after(mailbox.cursor)
                            .is_some_and(|mut entries| !entries.any(waits)))
            })
    }

    pub(crate) fn next_tick(&self) -> Option<Moment> {
        self.boxes
            .values()
            .filter(|m| m.idle())
            .filter_map(|m| m.next_tick)
            .min()
    }

    pub(crate) fn next_retry(&self) -> Option<Moment> {
        let until = |mailbox: &Mailbox| match mailbox.phase {
            Phase::BackingOff(until) => Some(until),
            _ => None,
        };
        self.boxes.values().filter_map(until).min()
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

    /// The same code as before the restart goes on as the same generation.
    fn generation_for(&self, candidate: &Candidate) -> Generation {
        let id = &candidate.spec.id;
        match self.plugins.known.get(id) {
            Some(known)
                if !self.plugins.boxes.contains_key(id) && known.digest == candidate.digest =>
            {
                known.generation
            }
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
        let cursor = old
            .as_ref()
            .map_or_else(|| self.first_cursor(&id), |mailbox| mailbox.cursor);
        let version = candidate.manifest.version.clone();
        let kind = if old.is_some() {
            "plugin.swapped"
        } else {
            "plugin.loaded"
        };
        self.flush(ports);
        let known = self.plugins.known.get(&id).map(|known| known.generation);
        if known != Some(generation) {
            self.commit.records.push(Record::Generation(
                id.clone(),
                generation,
                version.as_str().into(),
                candidate.digest.clone(),
            ));
        }
        let now = self.clock.now().moment;
        let mailbox = Mailbox::new(candidate.spec, candidate.manifest, generation, cursor, now);
        self.plugins.boxes.insert(id.clone(), mailbox);
        self.commit.plugin = Some(PluginCommit {
            plugin: id.clone(),
            generation,
            cursor,
            state,
            frame: None,
        });
        let data = json!({"plugin": id, "version": version, "generation": generation});
        self.announce(Saying::host(kind, &data));
        self.flush(ports);
        self.route_again();
    }

    /// The stored cursor; the log's end for a plug-in that is new. One below the log's tail jumps.
    fn first_cursor(&mut self, id: &PluginId) -> Seq {
        let Some(cursor) = self.plugins.known.get(id).and_then(|known| known.cursor) else {
            return self.last_seq;
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
            mailbox.trouble = Some(format!("refused new code: {reason}").into());
        }
        let data = json!({"plugin": id, "reason": reason, "goes_on": goes_on});
        self.announce(Saying::host("plugin.refused", &data));
    }

    /// Who wants what, anew: the table, and every event in the ring.
    fn route_again(&mut self) {
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

    /// Cuts a batch for every plug-in that is idle and has something to do.
    pub(crate) fn cut_batches(&mut self, ports: &mut impl Ports) {
        let ids: Vec<PluginId> = self.plugins.boxes.keys().cloned().collect();
        for id in ids {
            if let Some(batch) = self.batch_again(&id).or_else(|| self.cut_batch(&id, ports)) {
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
        if self.plugins.exchanging.contains_key(id) || self.clock.founded().is_none() {
            return None;
        }
        let clock = self.guest_clock();
        let mailbox = self
            .plugins
            .boxes
            .get_mut(id)
            .filter(|mailbox| mailbox.idle())?;
        let tick = mailbox.take_tick(clock.now);
        let selection = match self.ring.after(mailbox.cursor) {
            Some(entries) => mailbox.select(entries),
            None => {
                let entries = behind(&mut self.table, ports.backlog(mailbox.cursor, BACKLOG));
                mailbox.select(entries.iter())
            }
        };
        if selection.events.is_empty() && !tick {
            mailbox.cursor = selection.last.max(mailbox.cursor);
            return None;
        }
        mailbox.cut(selection, tick, clock, self.last_seq);
        let zones = Arc::new(self.views_for(&Requester::Plugin(id.clone())));
        let out = self.plugins.boxes.get_mut(id)?.out.as_mut()?;
        out.batch.zones = zones;
        Some(out.batch.clone())
    }

    /// The clock as guests are told it.
    fn guest_clock(&self) -> Clock {
        let now = self.clock.now();
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
            .zones
            .keys()
            .filter_map(|zone| self.zones.view(zone, now))
            .collect();
        for view in &mut views {
            view.devices = self.gate.views(&view.zone, Some(viewer), now);
        }
        views
    }

    /// A batch came back.
    pub(crate) fn hear_handled(&mut self, result: BatchResult, ports: &mut impl Ports) {
        let Some(mailbox) = self.plugins.boxes.get_mut(&result.plugin) else {
            return;
        };
        let current = mailbox.generation == result.generation
            && mailbox
                .out
                .as_ref()
                .is_some_and(|out| out.batch.last == result.last);
        if !current {
            return;
        }
        mailbox.memory_bytes = result.memory_bytes;
        self.stats.handled(&result);
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
        mailbox.went_well(out.batch.last);
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
            self.perform(id, generation, out, effect);
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
            Fault::Event { seq, why } if *seq > mailbox.cursor && *seq <= out.batch.last => {
                mailbox.parked.insert(*seq);
                mailbox.trouble = Some(format!("parked event {seq}: {why}").into());
            }
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

/// Events from the log, as if they came from the ring.
fn behind(table: &mut growbox_pipeline::route::Table, events: Vec<Arc<Event>>) -> Vec<Entry> {
    let entry = |event: Arc<Event>| {
        let route = if event.effective() {
            table.route(&event.kind, event.zone.as_ref())
        } else {
            Route::default()
        };
        let depth = u8::from(event.source.plugin().is_some());
        Entry {
            event,
            route,
            correlation: None,
            depth,
        }
    };
    events.into_iter().map(entry).collect()
}
