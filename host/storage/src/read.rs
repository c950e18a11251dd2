//! Questions to the log: what is durable and what is not yet, answered as one.
//!
//! The tail is looked at first, the database after it and only below the tail's first event:
//! a commit leaves the tail only when the database has it, so nothing is missed or seen twice.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use growbox_model::commit::{DeadLetter, Frame};
use growbox_model::ports::{EventFilter, History, Sample, Window};
use growbox_model::{
    Clock, Event, Generation, Instant, Moment, PluginId, Record, SensorId, Seq, Source, Span, Text,
};
use rusqlite::{Connection, OptionalExtension, params};

use crate::database;
use crate::error::{StorageError, is_damage};
use crate::group::{Step, steps};
use crate::position::{Position, signed, unsigned};
use crate::row::Names;
use crate::samples;
use crate::scan::{Order, Sieve, View, bounds};
use crate::shared::Shared;
use crate::tail::Pending;

/// Connections kept open between queries.
const IDLE: usize = 4;

/// The state of one generation of a plug-in.
pub type State = BTreeMap<Text, Vec<u8>>;

/// Reads the log; cheap to clone, never in the writer's way.
#[derive(Clone)]
pub struct Reader {
    shared: Arc<Shared>,
    pool: Arc<Pool>,
}

/// Commits of the tail, and its first event.
type Unwritten = (Vec<Arc<Pending>>, Option<Seq>);

struct Pool {
    path: PathBuf,
    idle: Mutex<Vec<Shelf>>,
}

/// A connection with what it has learnt of the interned strings.
struct Shelf {
    connection: Connection,
    names: Names,
}

impl Reader {
    pub(crate) fn new(shared: Arc<Shared>, path: PathBuf) -> Self {
        let idle = Mutex::new(Vec::new());
        Self {
            shared,
            pool: Arc::new(Pool { path, idle }),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.pool.path
    }

    /// The first `limit` events a filter wants, oldest first. To page, go on `after` the last.
    pub fn query(&self, filter: &EventFilter) -> Result<Vec<Arc<Event>>, StorageError> {
        self.collect(filter, Order::OldestFirst)
    }

    /// The newest `limit` events a filter wants, oldest first.
    pub fn newest(&self, filter: &EventFilter) -> Result<Vec<Arc<Event>>, StorageError> {
        let mut found = self.collect(filter, Order::NewestFirst)?;
        found.reverse();
        Ok(found)
    }

    /// The next `limit` events after a sequence, whatever they are.
    pub fn backlog(&self, after: Seq, limit: usize) -> Result<Vec<Arc<Event>>, StorageError> {
        self.query(&EventFilter {
            after: Some(after),
            limit,
            ..EventFilter::default()
        })
    }

    /// The event of this number.
    pub fn get(&self, seq: Seq) -> Result<Option<Arc<Event>>, StorageError> {
        let only = EventFilter {
            after: seq.0.checked_sub(1).map(Seq),
            up_to: Some(seq),
            limit: 1,
            ..EventFilter::default()
        };
        Ok(self.query(&only)?.pop())
    }

    /// The event named `#SEQ`, or by the id its sender gave (the newest of that id), or else by
    /// `eSEQ` or `SEQ`.
    pub fn find(&self, name: &str) -> Result<Option<Arc<Event>>, StorageError> {
        if let Some(seq) = name.strip_prefix('#').and_then(number) {
            return self.get(seq);
        }
        if let Some(event) = self.find_id(name)? {
            return Ok(Some(event));
        }
        match number(name.strip_prefix('e').unwrap_or(name)) {
            Some(seq) => self.get(seq),
            None => Ok(None),
        }
    }

    fn find_id(&self, id: &str) -> Result<Option<Arc<Event>>, StorageError> {
        let tail = self.shared.tail().all();
        let mut waiting = tail.iter().flat_map(|p| &p.commit.events).rev();
        if let Some(event) = waiting.find(|event| event.id.as_deref() == Some(id)) {
            return Ok(Some(event.clone()));
        }
        let seq = self.with(|view| {
            view.connection
                .prepare_cached("SELECT seq FROM event_id WHERE id = ?1 ORDER BY seq DESC LIMIT 1")?
                .query_row([id], |row| row.get(0))
                .optional()
        })?;
        seq.map_or(Ok(None), |seq| self.get(Seq(unsigned(seq))))
    }

    /// What an event caused, among the `within` events after it.
    pub fn caused_by(&self, seq: Seq, within: usize) -> Result<Vec<Arc<Event>>, StorageError> {
        let mut after = self.backlog(seq, within)?;
        after.retain(|event| event.cause == Some(seq));
        Ok(after)
    }

    /// The newest dead letters with their ids, newest first.
    pub fn dead_letters(&self, limit: usize) -> Result<Vec<(u64, DeadLetter)>, StorageError> {
        let tail = self.shared.tail().all();
        let (commits, durable) = self.with(|view| {
            let letters = letters(view.connection, limit)?;
            Ok((view.position.commits, letters))
        })?;
        let waiting = tail
            .iter()
            .rev()
            .filter(|pending| pending.number > commits)
            .flat_map(|pending| pending.letters().collect::<Vec<_>>().into_iter().rev())
            .map(|(id, letter)| (id, letter.clone()));
        Ok(waiting.chain(durable).take(limit).collect())
    }

    /// What a generation of a plug-in has stored.
    pub fn state(&self, plugin: &PluginId, generation: Generation) -> Result<State, StorageError> {
        Ok(self
            .states_of(plugin)?
            .remove(&generation)
            .unwrap_or_default())
    }

    fn states_of(&self, plugin: &PluginId) -> Result<BTreeMap<Generation, State>, StorageError> {
        let tail = self.shared.tail().all();
        let (commits, mut states) =
            self.with(|view| Ok((view.position.commits, states(view.connection, plugin)?)))?;
        for pending in tail.iter().filter(|pending| pending.number > commits) {
            overlay(&mut states, plugin, pending);
        }
        Ok(states)
    }

    /// What the newest generation of a plug-in has stored.
    pub fn newest_state(&self, plugin: &PluginId) -> Result<State, StorageError> {
        let newest = self.states_of(plugin)?.pop_last();
        Ok(newest.map(|(_, state)| state).unwrap_or_default())
    }

    /// Frames of a generation's batches that considered `from` or later, oldest first.
    /// Only durable ones.
    pub fn frames(
        &self,
        plugin: &PluginId,
        generation: Generation,
        from: Seq,
        limit: usize,
    ) -> Result<Vec<Frame>, StorageError> {
        self.with(|view| {
            view.connection
                .prepare_cached(
                    "SELECT first, last, view, now, wall, wall_trusted, utc_offset, tick FROM frame
                     WHERE last >= ?1 AND plugin = ?2 AND generation = ?3
                     ORDER BY last, now LIMIT ?4",
                )?
                .query_map(
                    params![
                        signed(from.0),
                        plugin.as_str(),
                        generation.0,
                        i64::try_from(limit).unwrap_or(i64::MAX)
                    ],
                    frame,
                )?
                .collect()
        })
    }

    fn collect(&self, filter: &EventFilter, order: Order) -> Result<Vec<Arc<Event>>, StorageError> {
        if filter.limit == 0 {
            return Ok(Vec::new());
        }
        let unwritten = self.unwritten(filter, order);
        self.join(filter, order, unwritten)
    }

    /// The database below the tail, and the tail as it was a moment ago.
    fn join(
        &self,
        filter: &EventFilter,
        order: Order,
        (tail, unwritten): Unwritten,
    ) -> Result<Vec<Arc<Event>>, StorageError> {
        let mut found = Vec::new();
        let waiting = tail
            .iter()
            .flat_map(|pending| &pending.commit.events)
            .filter(|event| filter.wants(event));
        match order {
            Order::OldestFirst => {
                self.durable(filter, unwritten, order, &mut found)?;
                let left = filter.limit - found.len();
                found.extend(waiting.take(left).cloned());
            }
            Order::NewestFirst => {
                found.extend(waiting.rev().take(filter.limit).cloned());
                self.durable(filter, unwritten, order, &mut found)?;
            }
        }
        Ok(found)
    }

    /// The part of the tail a query may need, and where the tail begins.
    fn unwritten(&self, filter: &EventFilter, order: Order) -> Unwritten {
        let after = filter.after.unwrap_or_default();
        let everything = EventFilter {
            after: filter.after,
            limit: filter.limit,
            ..EventFilter::default()
        };
        let enough = if order == Order::OldestFirst && *filter == everything {
            filter.limit
        } else {
            usize::MAX
        };
        let tail = self.shared.tail();
        (tail.following(after, enough), tail.first())
    }

    fn durable(
        &self,
        filter: &EventFilter,
        unwritten: Option<Seq>,
        order: Order,
        found: &mut Vec<Arc<Event>>,
    ) -> Result<(), StorageError> {
        let bounds = bounds(filter, unwritten);
        if found.len() >= filter.limit || bounds.is_empty() {
            return Ok(());
        }
        self.with(|view| {
            let mut stretches = view.stretches(filter, &bounds)?;
            if order == Order::NewestFirst {
                stretches.reverse();
            }
            let mut sieve = Sieve::new(filter);
            for stretch in stretches {
                let flow = view.scan(&stretch, order, &mut sieve, |event| {
                    found.push(event);
                    if found.len() < filter.limit {
                        ControlFlow::Continue(())
                    } else {
                        ControlFlow::Break(())
                    }
                })?;
                if flow.is_break() {
                    break;
                }
            }
            Ok(())
        })
    }

    /// Runs a question inside one reading transaction. A connection that failed is not kept.
    pub(crate) fn with<T>(
        &self,
        question: impl FnOnce(&mut View<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, StorageError> {
        let mut shelf = self
            .pool
            .take()
            .map_err(StorageError::sqlite("open the log for reading"))?;
        let answer = ask(&mut shelf, question).map_err(|source| self.pool.blame(source))?;
        self.pool.give_back(shelf);
        Ok(answer)
    }
}

impl History for Reader {
    fn events(&self, filter: &EventFilter) -> Result<Vec<Arc<Event>>, String> {
        self.query(filter).map_err(|error| error.to_string())
    }

    fn samples(
        &self,
        sensor: &SensorId,
        quantity: &str,
        window: Window,
        step: Option<Span>,
    ) -> Result<Vec<Sample>, String> {
        let filter = samples::filter(sensor, quantity, window);
        let (tail, unwritten) = self.unwritten(&filter, Order::NewestFirst);
        let waiting: Vec<_> = tail
            .iter()
            .flat_map(|pending| &pending.commit.events)
            .filter(|event| filter.wants(event))
            .filter_map(|event| samples::point(event))
            .collect();
        self.with(|view| samples::series(view, &filter, waiting, unwritten, step))
            .map_err(|error| error.to_string())
    }
}

impl Pool {
    fn take(&self) -> rusqlite::Result<Shelf> {
        let idle = self
            .idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop();
        match idle {
            Some(shelf) => Ok(shelf),
            None => Ok(Shelf {
                connection: database::connect_reader(&self.path)?,
                names: Names::default(),
            }),
        }
    }

    /// Damage met by a reader is remembered like damage met by the writer.
    fn blame(&self, source: rusqlite::Error) -> StorageError {
        if is_damage(&source)
            && let Err(error) = database::mark_damaged(&self.path)
        {
            tracing::error!(%error, "the damaged database could not be marked");
        }
        StorageError::Sqlite {
            what: "read the log",
            source,
        }
    }

    fn give_back(&self, shelf: Shelf) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < IDLE {
            idle.push(shelf);
        }
    }
}

fn ask<T>(
    shelf: &mut Shelf,
    question: impl FnOnce(&mut View<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    let transaction = shelf.connection.unchecked_transaction()?;
    let mut view = View {
        position: Position::load(&transaction)?,
        connection: &transaction,
        names: &mut shelf.names,
    };
    let answer = question(&mut view)?;
    transaction.commit()?;
    Ok(answer)
}

fn number(text: &str) -> Option<Seq> {
    text.parse().ok().map(Seq)
}

fn letters(connection: &Connection, limit: usize) -> rusqlite::Result<Vec<(u64, DeadLetter)>> {
    connection
        .prepare_cached(
            "SELECT id, taken, source, code, message, body FROM dead_letter
             ORDER BY id DESC LIMIT ?1",
        )?
        .query_map([i64::try_from(limit).unwrap_or(i64::MAX)], |row| {
            let letter = DeadLetter {
                taken: Instant(unsigned(row.get(1)?)),
                source: Source(row.get(2)?),
                code: row.get(3)?,
                message: row.get(4)?,
                body: row.get(5)?,
            };
            Ok((unsigned(row.get(0)?), letter))
        })?
        .collect()
}

/// The states of every generation of a plug-in the log still has: two at most.
fn states(
    connection: &Connection,
    plugin: &PluginId,
) -> rusqlite::Result<BTreeMap<Generation, State>> {
    let mut states = BTreeMap::new();
    let mut generations =
        connection.prepare_cached("SELECT generation FROM plugin WHERE plugin = ?1")?;
    for generation in generations.query_map([plugin.as_str()], |row| row.get(0))? {
        states.insert(Generation(generation?), State::new());
    }
    let mut entries =
        connection.prepare_cached("SELECT generation, key, value FROM state WHERE plugin = ?1")?;
    let mut rows = entries.query([plugin.as_str()])?;
    while let Some(row) = rows.next()? {
        let state: &mut State = states.entry(Generation(row.get(0)?)).or_default();
        state.insert(row.get(1)?, row.get(2)?);
    }
    Ok(states)
}

/// Does to the states in memory what the writer will do to the tables.
fn overlay(states: &mut BTreeMap<Generation, State>, plugin: &PluginId, pending: &Pending) {
    for step in steps(&pending.commit) {
        match step {
            Step::Batch(batch) if batch.plugin == *plugin => {
                let state = states.entry(batch.generation).or_default();
                for (key, value) in &batch.state {
                    match value {
                        Some(value) => state.insert(key.clone(), value.clone()),
                        None => state.remove(key),
                    };
                }
            }
            Step::Record(Record::Generation(of, generation, ..)) if of == plugin => {
                let before = states.range(..*generation).next_back();
                let copy = before.map(|(_, state)| state.clone()).unwrap_or_default();
                states.entry(*generation).or_insert(copy);
            }
            _ => {}
        }
    }
}

fn frame(row: &rusqlite::Row<'_>) -> rusqlite::Result<Frame> {
    Ok(Frame {
        first: Seq(unsigned(row.get(0)?)),
        last: Seq(unsigned(row.get(1)?)),
        view: Seq(unsigned(row.get(2)?)),
        clock: Clock {
            now: Moment(unsigned(row.get(3)?)),
            wall: Instant(unsigned(row.get(4)?)),
            wall_trusted: row.get(5)?,
            utc_offset: row.get(6)?,
        },
        tick: row.get(7)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::fixtures::{PATIENCE, commit, opened, patient, readings};

    /// Between the look at the tail and the look at the disk the tail was written, and more.
    #[test]
    fn what_was_written_since_the_look_at_the_tail_is_not_seen_twice() {
        let dir = tempfile::tempdir().unwrap();
        let (log, _) = opened(dir.path(), &patient());
        log.commit(commit(readings(1..=3)));
        assert!(log.flush(PATIENCE));
        log.commit(commit(readings(4..=6)));
        let (reader, all) = (
            log.reader(),
            EventFilter {
                limit: 100,
                ..EventFilter::default()
            },
        );
        for order in [Order::OldestFirst, Order::NewestFirst] {
            let before = reader.unwritten(&all, order);
            let newest = log.reader().newest(&all).unwrap().last().unwrap().seq.0;
            log.commit(commit(readings(newest + 1..=newest + 3)));
            assert!(log.flush(PATIENCE));
            let mut found = reader.join(&all, order, before).unwrap();
            found.sort_by_key(|event| event.seq);
            assert!(found.windows(2).all(|pair| pair[0].seq < pair[1].seq));
            assert!(found.len() as u64 >= newest);
        }
    }
}
