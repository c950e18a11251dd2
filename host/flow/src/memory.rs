//! A log in memory: commits fold into what a flow starts from, as storage would remember it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use growbox_model::commit::{Commit, PluginCommit, Record, Restored, RestoredPlugin};
use growbox_model::{Event, Generation, PluginId, Seq, Text};

/// Stored state of a plug-in.
pub(crate) type State = BTreeMap<Text, Vec<u8>>;

/// Everything that is durable.
#[derive(Debug, Clone)]
pub(crate) struct Memory {
    restored: Restored,
    states: BTreeMap<PluginId, State>,
    names: BTreeSet<Text>,
}

impl Memory {
    /// A log that has never been written.
    pub(crate) fn empty() -> Self {
        Self {
            restored: Restored {
                clean: true,
                same_boot: true,
                ..Restored::default()
            },
            states: BTreeMap::new(),
            names: BTreeSet::new(),
        }
    }

    /// What these commits leave behind.
    pub(crate) fn of<'a>(commits: impl IntoIterator<Item = &'a Commit>) -> Self {
        let mut memory = Self::empty();
        let _ = memory.open();
        for commit in commits {
            memory.keep(commit);
        }
        memory
    }

    /// What a flow starts from. From now on the end is an unclean one, unless it is told otherwise.
    pub(crate) fn open(&mut self) -> Restored {
        let mut known = self.restored.clone();
        known.texts = self.names.iter().cloned().collect();
        self.restored.clean = false;
        known
    }

    /// Whether the machine has booted since.
    pub(crate) fn booted_anew(&mut self, booted: bool) {
        self.restored.same_boot = !booted;
    }

    pub(crate) fn state(&self, plugin: &PluginId) -> State {
        self.states.get(plugin).cloned().unwrap_or_default()
    }

    pub(crate) fn events(&self) -> &[Arc<Event>] {
        &self.restored.tail
    }

    pub(crate) fn last(&self) -> Seq {
        self.restored.last_seq
    }

    pub(crate) fn keep(&mut self, commit: &Commit) {
        for event in &commit.events {
            assert!(event.seq > self.restored.last_seq, "numbers only grow");
            self.restored.last_seq = event.seq;
            self.restored.newest_at = self.restored.newest_at.max(event.at);
            if let Some(id) = &event.id {
                let known = (event.source.clone(), id.clone(), event.seq);
                self.restored.ids.push(known);
            }
            self.names.extend(event.names().map(Text::from));
            self.restored.tail.push(event.clone());
        }
        if commit.now.moment >= self.restored.moment {
            (self.restored.moment, self.restored.wall) = (commit.now.moment, commit.now.wall);
        }
        for record in &commit.records {
            self.note(record);
        }
        if let Some(batch) = &commit.plugin {
            self.keep_batch(batch);
        }
        self.restored.clean = commit.records.contains(&Record::CleanEnd);
        self.restored.first_seq = self.restored.tail.first().map_or(Seq(0), |e| e.seq);
    }

    /// As if so many names were in the log.
    pub(crate) fn holding_names(count: usize) -> Self {
        let mut memory = Self::empty();
        memory.names = (0..count).map(|i| Text::from(i.to_string())).collect();
        memory
    }

    /// Retention: everything up to here is gone.
    pub(crate) fn forget_up_to(&mut self, seq: Seq) {
        self.restored.tail.retain(|event| event.seq > seq);
        self.restored.first_seq = Seq(seq.0 + 1);
    }

    /// As if a plug-in had come no further.
    pub(crate) fn put_back(&mut self, plugin: &str, cursor: Seq) {
        self.plugin(&PluginId::new(plugin).unwrap()).cursor = Some(cursor);
    }

    fn note(&mut self, record: &Record) {
        let known = &mut self.restored;
        match record.clone() {
            Record::Bound(sensor, source) => {
                known.bindings.retain(|(bound, _)| *bound != sensor);
                known.bindings.extend(source.map(|source| (sensor, source)));
            }
            Record::Switched(switch) => {
                known.switches.retain(|s| s.device != switch.device);
                known.switches.push(switch);
            }
            Record::Override(zone, key, value) => {
                known.overrides.retain(|(z, k, _)| (z, k) != (&zone, &key));
                known
                    .overrides
                    .extend(value.map(|value| (zone, key, value)));
            }
            Record::Hold(device, hold) => {
                known.holds.retain(|(held, _)| *held != device);
                known.holds.extend(hold.map(|hold| (device, hold)));
            }
            Record::Stopped(zone, reason) => {
                known.stops.retain(|(stopped, _)| *stopped != zone);
                known.stops.extend(reason.map(|reason| (zone, reason)));
            }
            Record::Opened(seq, device) => known.open.push((seq, device)),
            Record::Closed(seq) => known.open.retain(|(open, _)| *open != seq),
            Record::Generation(plugin, generation, version, digest) => {
                let row = self.plugin(&plugin);
                (row.generation, row.version, row.digest) = (generation, version, digest);
            }
            Record::Alert(alert) => {
                known.alerts.retain(|kept| kept.id != alert.id);
                known.alerts.push(alert);
            }
            Record::Report(report) => {
                known.reports.retain(|kept| kept.window != report.window);
                known.reports.push(report);
            }
            Record::CallOpened(call) => known.calls.push(call),
            Record::CallClosed(id) => known.calls.retain(|call| call.id != id),
            Record::Dosed(dose) => known.doses.push(dose),
            Record::Tripped(rule, zone, trip) => {
                known.trips.retain(|t| (&t.rule, &t.zone) != (&rule, &zone));
                known.trips.extend(trip);
            }
            Record::LockedOut(device, lock_out) => {
                known.lock_outs.retain(|(locked, _)| *locked != device);
                known
                    .lock_outs
                    .extend(lock_out.map(|lock_out| (device, lock_out)));
            }
            Record::Doubted(device, how) => {
                known.doubts.retain(|(doubted, _)| *doubted != device);
                known.doubts.extend(how.map(|how| (device, how)));
            }
            Record::Started(device, moment) => known.starts.push((device, moment)),
            Record::DeadLetter(_) | Record::CleanEnd => {}
        }
    }

    fn keep_batch(&mut self, batch: &PluginCommit) {
        let row = self.plugin(&batch.plugin);
        assert_eq!(row.generation, batch.generation);
        row.cursor = Some(batch.cursor);
        let state = self.states.entry(batch.plugin.clone()).or_default();
        for (key, value) in &batch.state {
            match value {
                Some(value) => state.insert(key.clone(), value.clone()),
                None => state.remove(key),
            };
        }
    }

    fn plugin(&mut self, id: &PluginId) -> &mut RestoredPlugin {
        let plugins = &mut self.restored.plugins;
        let place = plugins.iter().position(|row| row.plugin == *id);
        let place = place.unwrap_or_else(|| {
            plugins.push(RestoredPlugin {
                plugin: id.clone(),
                generation: Generation(0),
                version: "".into(),
                digest: "".into(),
                cursor: None,
            });
            plugins.len() - 1
        });
        &mut plugins[place]
    }
}
