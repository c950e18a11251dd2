//! The one thread that writes: gathers what waits, commits it as one group, tries again where
//! the disk does not let it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use growbox_model::{Record, Seq};
use rusqlite::{Connection, ErrorCode};

use crate::database;
use crate::error::is_damage;
use crate::group;
use crate::intern::Texts;
use crate::lock::DirectoryLock;
use crate::minutes::Minutes;
use crate::position::Position;
use crate::retention::{self, Step};
use crate::row;
use crate::shared::{Limits, Shared};
use crate::tail::Pending;

const BACK_OFF_FIRST: Duration = Duration::from_millis(200);
const BACK_OFF_LONGEST: Duration = Duration::from_secs(5);
/// Between two looks at what is old enough to go.
const RETENTION_EVERY: Duration = Duration::from_secs(10);
const PAGE_BYTES: u64 = 4096;
/// What SQLite takes for "no limit".
const PAGES_WITHOUT_LIMIT: u64 = 4_294_967_294;

/// What a writer starts from.
pub(crate) struct Writer<F> {
    pub(crate) connection: Connection,
    pub(crate) path: PathBuf,
    pub(crate) shared: Arc<Shared>,
    pub(crate) position: Position,
    pub(crate) texts: Texts,
    pub(crate) minutes: Minutes,
    pub(crate) on_durable: F,
    pub(crate) urgent_gap: Duration,
    pub(crate) pace: Pace,
    /// Let go only when the last group is written.
    pub(crate) _lock: DirectoryLock,
}

/// When what may happen next, by the machine clock.
#[derive(Debug)]
pub(crate) struct Pace {
    last_group: Instant,
    not_before: Instant,
    back_off: Duration,
    retention_due: Instant,
    pages: u64,
}

impl Pace {
    pub(crate) fn starting(now: Instant) -> Self {
        Self {
            last_group: now,
            not_before: now,
            back_off: Duration::ZERO,
            retention_due: now,
            pages: PAGES_WITHOUT_LIMIT,
        }
    }
}

impl<F: Fn(Seq)> Writer<F> {
    /// Runs until the log is let go of and everything is written, or cannot be.
    pub(crate) fn run(mut self) {
        let _ends = Ends(self.shared.clone());
        while let Some(group) = self.next_group() {
            let (began, last_try) = (Instant::now(), self.shared.closing());
            let written = self.write(&group);
            self.pace.last_group = Instant::now();
            match written {
                Ok((position, step)) => self.succeeded(&group, position, step, began),
                // One that began before is tried once more: what stood in the way may be gone.
                Err(error) if last_try => {
                    tracing::error!(%error, "the last events could not be written");
                    self.shared.failed(&error);
                    break;
                }
                Err(error) => self.failed(&error),
            }
        }
        self.settle_files();
    }

    /// Brings the write-ahead log into the database, so that its one file is all there is. Where
    /// that fails the two files together are the database.
    fn settle_files(&self) {
        let checkpoint = "PRAGMA wal_checkpoint(TRUNCATE)";
        if let Err(error) = self.connection.query_row(checkpoint, [], |_| Ok(())) {
            tracing::warn!(%error, "the write-ahead log stays beside the database");
        }
    }

    fn next_group(&self) -> Option<Vec<Arc<Pending>>> {
        self.shared
            .wait_for_group(self.pace.last_group, self.pace.not_before, self.urgent_gap)
    }

    /// One transaction: events, tables, position, and a little retention.
    fn write(&mut self, group: &[Arc<Pending>]) -> rusqlite::Result<(Position, Step)> {
        let limits = self.shared.limits();
        self.limit_size(&limits)?;
        let mut position = self.position;
        let transaction = self.connection.unchecked_transaction()?;
        for pending in group {
            write_events(
                &transaction,
                &mut self.texts,
                &mut self.minutes,
                &mut position,
                pending,
            )?;
            group::apply(&transaction, pending)?;
        }
        self.texts.store(&transaction)?;
        if self.minutes.full() || position.clean {
            self.minutes.store(&transaction)?;
            position.indexed = position.last;
        }
        let mut step = Step::Done;
        if self.pace.retention_due <= Instant::now() && self.pace.back_off.is_zero() {
            step = retain(&transaction, &position, &limits)?;
        }
        position.store(&transaction)?;
        transaction.commit()?;
        Ok((position, step))
    }

    fn limit_size(&mut self, limits: &Limits) -> rusqlite::Result<()> {
        let pages = limits
            .max_bytes
            .map_or(PAGES_WITHOUT_LIMIT, |bytes| (bytes / PAGE_BYTES).max(1));
        if pages != self.pace.pages {
            self.connection
                .query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(()))?;
            self.pace.pages = pages;
        }
        Ok(())
    }

    fn succeeded(
        &mut self,
        group: &[Arc<Pending>],
        position: Position,
        step: Step,
        began: Instant,
    ) {
        self.position = position;
        self.texts.saved();
        if self.position.indexed == self.position.last {
            self.minutes.stored();
        }
        self.pace.back_off = Duration::ZERO;
        let now = self.pace.last_group;
        if self.pace.retention_due <= now && step == Step::Done {
            self.pace.retention_due = now + RETENTION_EVERY;
        }
        let first = retention::first(&self.connection, &self.position);
        self.shared
            .wrote(group.len(), &self.position, first.ok(), now - began);
        (self.on_durable)(self.position.last);
    }

    fn failed(&mut self, error: &rusqlite::Error) {
        let pace = &mut self.pace;
        pace.back_off = (pace.back_off * 2).clamp(BACK_OFF_FIRST, BACK_OFF_LONGEST);
        pace.not_before = pace.last_group + pace.back_off;
        tracing::error!(%error, again_in = ?pace.back_off, "the log could not be written");
        self.shared.failed(error);
        if is_damage(error)
            && let Err(error) = database::mark_damaged(&self.path)
        {
            tracing::error!(%error, "the damaged database could not be marked");
        }
        if error.sqlite_error_code() == Some(ErrorCode::DiskFull) {
            self.make_room();
        }
    }

    /// What is old enough goes even while nothing new can be written.
    fn make_room(&self) {
        let limits = self.shared.limits();
        let tried = self.connection.unchecked_transaction().and_then(|alone| {
            retain(&alone, &self.position, &limits)?;
            alone.commit()
        });
        if let Err(error) = tried {
            tracing::warn!(%error, "old events could not be removed either");
        }
    }
}

fn retain(connection: &Connection, position: &Position, limits: &Limits) -> rusqlite::Result<Step> {
    retention::step(connection, position, position.moment - limits.retention)
}

/// Tells those who wait that nobody writes any more, however the thread ended.
struct Ends(Arc<Shared>);

impl Drop for Ends {
    fn drop(&mut self) {
        self.0.ended();
    }
}

fn write_events(
    connection: &Connection,
    texts: &mut Texts,
    minutes: &mut Minutes,
    position: &mut Position,
    pending: &Pending,
) -> rusqlite::Result<()> {
    for event in &pending.commit.events {
        let founded = *position.founded.get_or_insert_with(|| row::founding(event));
        row::insert(connection, texts, founded, event)?;
        minutes.add(event.seq, event.at);
        position.newest_at = position.newest_at.max(event.at);
    }
    let now = pending.commit.now;
    if now.moment >= position.moment {
        (position.moment, position.wall) = (now.moment, now.wall);
    }
    position.last = position.last.max(pending.through);
    position.commits = pending.number;
    position.clean = pending.commit.records.contains(&Record::CleanEnd);
    Ok(())
}
