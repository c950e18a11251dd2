//! Where the log stands: one row, rewritten with every group.

use growbox_model::{Instant, Moment, Seq};
use rusqlite::{Connection, params};

/// The row of the table `position`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Position {
    /// The newest durable event.
    pub(crate) last: Seq,
    /// The newest room time.
    pub(crate) moment: Moment,
    /// Its label.
    pub(crate) wall: Instant,
    /// The largest `at` of any event.
    pub(crate) newest_at: Instant,
    /// How many commits the log has taken in all its life; orders tables against the tail.
    pub(crate) commits: u64,
    /// Whether the newest commit ended the host cleanly.
    pub(crate) clean: bool,
    /// Up to here the table of minutes is complete.
    pub(crate) indexed: Seq,
    /// taken_at − taken of the first event ever: what `drift` counts from.
    pub(crate) founded: Option<i64>,
}

impl Position {
    /// Reads the row.
    pub(crate) fn load(connection: &Connection) -> rusqlite::Result<Self> {
        connection
            .prepare_cached(
                "SELECT last, moment, wall, newest_at, commits, clean, indexed, founded FROM position",
            )?
            .query_row([], |row| {
                Ok(Self {
                    last: Seq(unsigned(row.get(0)?)),
                    moment: Moment(unsigned(row.get(1)?)),
                    wall: Instant(unsigned(row.get(2)?)),
                    newest_at: Instant(unsigned(row.get(3)?)),
                    commits: unsigned(row.get(4)?),
                    clean: row.get(5)?,
                    indexed: Seq(unsigned(row.get(6)?)),
                    founded: row.get(7)?,
                })
            })
    }

    /// Writes the row.
    pub(crate) fn store(&self, connection: &Connection) -> rusqlite::Result<()> {
        connection
            .prepare_cached(
                "UPDATE position SET last = ?1, moment = ?2, wall = ?3, newest_at = ?4,
                 commits = ?5, clean = ?6, indexed = ?7, founded = ?8",
            )?
            .execute(params![
                signed(self.last.0),
                signed(self.moment.0),
                signed(self.wall.0),
                signed(self.newest_at.0),
                signed(self.commits),
                self.clean,
                signed(self.indexed.0),
                self.founded
            ])?;
        Ok(())
    }
}

/// SQLite counts in signed numbers: the same 64 bits, both ways.
pub(crate) fn signed(number: u64) -> i64 {
    number.cast_signed()
}

/// The way back.
pub(crate) fn unsigned(number: i64) -> u64 {
    number.cast_unsigned()
}
