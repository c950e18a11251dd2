//! What is old enough goes, a little at a time, so that nobody waits for it.

use growbox_model::{Instant, Moment, Seq};
use rusqlite::{Connection, params};

use crate::minutes::minute;
use crate::position::{Position, signed, unsigned};
use crate::row::taken;

/// Most events that go in one step.
pub(crate) const STEP: usize = 2000;

/// Whether there may be more to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// Everything that is left is young enough.
    Done,
    /// The step was used up; the next one goes on.
    More,
}

/// Removes the oldest events taken before `cutoff`, never the newest one of the log.
pub(crate) fn step(
    connection: &Connection,
    position: &Position,
    cutoff: Moment,
) -> rusqlite::Result<Step> {
    let Some(old) = oldest_before(connection, position, cutoff)? else {
        return Ok(Step::Done);
    };
    for table in ["event", "event_id"] {
        connection
            .prepare_cached(&format!("DELETE FROM {table} WHERE seq <= ?1"))?
            .execute([signed(old.last.0)])?;
    }
    connection
        .prepare_cached("DELETE FROM frame WHERE last <= ?1")?
        .execute([signed(old.last.0)])?;
    connection
        .prepare_cached("DELETE FROM minute WHERE minute <= ?1 AND last <= ?2")?
        .execute(params![signed(old.newest_minute), signed(old.last.0)])?;
    Ok(if old.events == STEP {
        Step::More
    } else {
        Step::Done
    })
}

struct Old {
    last: Seq,
    newest_minute: u64,
    events: usize,
}

/// `taken` never falls along the log, so the old ones are its first rows.
fn oldest_before(
    connection: &Connection,
    position: &Position,
    cutoff: Moment,
) -> rusqlite::Result<Option<Old>> {
    let mut statement = connection.prepare_cached(
        "SELECT seq, at, lag, drift FROM event WHERE seq < ?1 ORDER BY seq LIMIT ?2",
    )?;
    let mut rows = statement.query(params![signed(position.last.0), STEP as i64])?;
    let mut old: Option<Old> = None;
    while let Some(row) = rows.next()? {
        let at = unsigned(row.get(1)?);
        let taken_at = at.wrapping_add(unsigned(row.get(2)?));
        if taken(taken_at, position.founded.unwrap_or(0), row.get(3)?) >= cutoff {
            break;
        }
        let (events, newest) = old.map_or((0, 0), |o| (o.events, o.newest_minute));
        old = Some(Old {
            last: Seq(unsigned(row.get(0)?)),
            newest_minute: newest.max(minute(Instant(at))),
            events: events + 1,
        });
    }
    Ok(old)
}

/// The first event still there; the one after the last where there is none.
pub(crate) fn first(connection: &Connection, position: &Position) -> rusqlite::Result<Seq> {
    let first: Option<i64> = connection
        .prepare_cached("SELECT min(seq) FROM event")?
        .query_row([], |row| row.get(0))?;
    Ok(first.map_or(Seq(position.last.0 + 1), |seq| Seq(unsigned(seq))))
}
