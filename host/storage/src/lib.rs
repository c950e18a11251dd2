//! What must survive, in SQLite: the event log, state and cursors, switch records, retention.
//!
//! ```text
//! flow ── commit ──▶ tail (memory, bounded) ── group ──▶ writer thread ──▶ growbox.db
//!                      │                                                     │
//!                      └──────────────── Reader: both as one ◀───────────────┘
//! ```
//!
//! A commit is written whole or not at all, and durable means fsynced. Nothing here waits for a
//! reader, and the flow waits for nothing here: when the disk does not keep up the tail fills,
//! `Log::is_full` says so, and the flow refuses what it can refuse.

mod alerts;
mod calls;
mod database;
mod error;
mod group;
mod intern;
mod lock;
mod minutes;
mod position;
mod read;
mod restore;
mod retention;
mod row;
mod safety;
mod samples;
mod scan;
mod schema;
mod shared;
mod tail;
#[cfg(test)]
mod tests;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use growbox_model::commit::Restored;
use growbox_model::ports::Written;
use growbox_model::{Commit, Instant, Seq};

pub use error::StorageError;
pub use read::{Reader, State};
pub use shared::{Health, Limits};
pub use tail::{Bounds, Gap};

use crate::intern::Texts;
use crate::minutes::Minutes;
use crate::position::Position;
use crate::shared::Shared;
use crate::tail::Tail;
use crate::writer::{Pace, Writer};

/// How the log is kept.
#[derive(Debug, Clone)]
pub struct Options {
    /// The wall clock now: names a database that has to be set aside.
    pub opened: Instant,
    /// What may change later on.
    pub limits: Limits,
    /// How much may wait for the disk.
    pub bounds: Bounds,
    /// Between two groups that somebody waits for: at most 20 a second.
    pub urgent_gap: Duration,
    /// Most events in one transaction; so many waiting are written at once.
    pub group_events: usize,
}

impl Options {
    /// The shipped ones.
    pub fn new(opened: Instant) -> Self {
        Self {
            opened,
            limits: Limits::default(),
            bounds: Bounds::default(),
            urgent_gap: Duration::from_millis(50),
            group_events: 50_000,
        }
    }
}

/// The log. Cheap to clone; when it is closed, or the last clone goes, what waits is written and
/// the writer ends.
#[derive(Clone)]
pub struct Log(Arc<Inner>);

struct Inner {
    shared: Arc<Shared>,
    reader: Reader,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// Opens the log in `dir`, which is made where it is missing and held until the log is let go
/// of. `on_durable` is called on the writer's thread after every group, with the newest durable
/// event.
///
/// After an unclean end the caller goes on numbering at a jump. The first event after it has to
/// be durable (`Log::flush`) before any number is shown outside: else a second crash could jump
/// to the same place again.
///
/// A damaged database is set aside (`Health::set_aside` names it) and a fresh one begun.
pub fn open(
    dir: &Path,
    options: &Options,
    on_durable: impl Fn(Seq) + Send + 'static,
) -> Result<(Log, Restored), StorageError> {
    let lock = lock::take(dir)?;
    let path = dir.join(database::NAME);
    let (loaded, set_aside) = load_or_replace(&path, options.opened)?;
    let tail = Tail::new(
        options.bounds,
        loaded.position.commits,
        loaded.newest_letter,
        loaded.position.last,
    );
    let shared = Arc::new(Shared::new(
        tail,
        &loaded.position,
        loaded.restored.first_seq,
        options.limits,
        options.group_events,
        set_aside,
    ));
    let writer = Writer {
        connection: loaded.connection,
        path: path.clone(),
        shared: shared.clone(),
        position: loaded.position,
        texts: loaded.texts,
        minutes: loaded.minutes,
        on_durable,
        urgent_gap: options.urgent_gap,
        pace: Pace::starting(std::time::Instant::now()),
        _lock: lock,
    };
    let thread = std::thread::Builder::new()
        .name("log-writer".into())
        .spawn(move || writer.run())
        .map_err(|source| StorageError::File {
            what: "start the writer of",
            path: path.clone(),
            source,
        })?;
    let log = Log(Arc::new(Inner {
        reader: Reader::new(shared.clone(), path),
        shared,
        thread: Mutex::new(Some(thread)),
    }));
    Ok((log, loaded.restored))
}

impl Log {
    /// Hands one step over. Never blocks and never fails: what the disk does not take now waits.
    pub fn commit(&self, commit: Commit) {
        self.0.shared.push(commit);
    }

    /// How far it has come with what it was handed.
    pub fn written(&self) -> Written {
        self.0.shared.written()
    }

    /// Whether so much waits for the disk that ordinary ingestion has to be refused and
    /// cursors stand still.
    pub fn is_full(&self) -> bool {
        self.0.shared.tail().full()
    }

    /// Waits until everything handed over so far is durable; false where that took longer than
    /// `at_most` or cannot be.
    pub fn flush(&self, at_most: Duration) -> bool {
        self.0.shared.flush(at_most)
    }

    /// The newest durable event.
    pub fn durable(&self) -> Seq {
        self.0.shared.durable()
    }

    /// The first event still in the log: a cursor below the one before it has a gap.
    pub fn first(&self) -> Seq {
        self.0.shared.first()
    }

    /// What had to be dropped since the last call, for a `storage.gap`.
    pub fn take_gap(&self) -> Option<Gap> {
        self.0.shared.tail().take_gap()
    }

    /// How it fares.
    pub fn health(&self) -> Health {
        self.0.shared.health()
    }

    /// Size of the database on disk in bytes, its write-ahead log included.
    pub fn size_bytes(&self) -> u64 {
        database::size_bytes(self.0.reader.path())
    }

    /// Takes over changed settings.
    pub fn set_limits(&self, limits: Limits) {
        self.0.shared.set_limits(limits);
    }

    /// Writes what waits and ends the writer, whoever else still holds a clone: they read on, and
    /// what they commit is not written any more.
    pub fn close(&self) {
        self.0.close();
    }

    /// For questions; shares its connections with every other reader of this log.
    pub fn reader(&self) -> Reader {
        self.0.reader.clone()
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.close();
    }
}

impl Inner {
    fn close(&self) {
        self.shared.close();
        let thread = self
            .thread
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let Some(thread) = thread else { return };
        // The last handle may go inside `on_durable`, on the writer's own thread.
        if thread.thread().id() != std::thread::current().id() && thread.join().is_err() {
            tracing::error!("the log's writer panicked");
        }
    }
}

struct Loaded {
    connection: rusqlite::Connection,
    position: Position,
    texts: Texts,
    minutes: Minutes,
    newest_letter: u64,
    restored: Restored,
}

fn load_or_replace(
    path: &Path,
    opened: Instant,
) -> Result<(Loaded, Option<PathBuf>), StorageError> {
    let found = if database::is_marked(path) {
        Err(StorageError::Damaged {
            path: path.to_owned(),
            why: "damage was met while the host ran".into(),
        })
    } else {
        load(path)
    };
    let error = match found {
        Err(error) if error.is_damage() => error,
        other => return other.map(|loaded| (loaded, None)),
    };
    let aside = database::set_aside(path, opened)?;
    tracing::warn!(%error, set_aside = %aside.display(), "the database is damaged: a fresh one is begun");
    let mut loaded = load(path)?;
    // What was switched when is lost: nothing may be taken for rested.
    loaded.restored.clean = false;
    Ok((loaded, Some(aside)))
}

fn load(path: &Path) -> Result<Loaded, StorageError> {
    let connection = database::connect(path)?;
    recall(connection).map_err(|source| {
        if error::is_nonsense(&source) {
            return StorageError::Damaged {
                path: path.to_owned(),
                why: source.to_string(),
            };
        }
        StorageError::Sqlite {
            what: "read what the log knew",
            source,
        }
    })
}

/// Reads everything, then takes the mark of the clean end away, durably. Where there is none
/// nothing is written, so that a host can start on a full disk.
fn recall(connection: rusqlite::Connection) -> rusqlite::Result<Loaded> {
    let mut position = Position::load(&connection)?;
    let texts = Texts::load(&connection)?;
    let restored = Restored {
        texts: texts.all(),
        ..restore::restore(&connection, &position)?
    };
    if position.clean {
        position.clean = false;
        position.store(&connection)?;
    }
    Ok(Loaded {
        texts,
        minutes: Minutes::load(&connection, &position)?,
        newest_letter: restore::newest_letter(&connection)?,
        restored,
        position,
        connection,
    })
}
