//! The sparse table: per minute of `at`, which stretch of the log it touches.
//!
//! Rewriting the current minute with every group would cost a page each time, so the newest
//! stretch is kept in memory and written now and then; `Position::indexed` says how far the
//! table reaches, and a query simply scans what lies beyond.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use growbox_model::{Instant, Seq};
use rusqlite::{Connection, params};

use crate::position::{Position, signed, unsigned};

const NANOS: u64 = 60_000_000_000;

/// So many events may lie beyond the table before it is brought up to date.
const BEYOND: usize = 8192;

/// The minute an instant lies in.
pub(crate) fn minute(at: Instant) -> u64 {
    at.0 / NANOS
}

/// What the table does not know yet.
#[derive(Debug, Default)]
pub(crate) struct Minutes {
    fold: BTreeMap<u64, (Seq, Seq)>,
    events: usize,
}

impl Minutes {
    /// Folds again what lies beyond the table.
    pub(crate) fn load(connection: &Connection, position: &Position) -> rusqlite::Result<Self> {
        let mut minutes = Self::default();
        let mut statement = connection.prepare("SELECT seq, at FROM event WHERE seq > ?1")?;
        let mut rows = statement.query([signed(position.indexed.0)])?;
        while let Some(row) = rows.next()? {
            minutes.add(Seq(unsigned(row.get(0)?)), Instant(unsigned(row.get(1)?)));
        }
        Ok(minutes)
    }

    /// Takes in one event. Twice is as good as once.
    pub(crate) fn add(&mut self, seq: Seq, at: Instant) {
        let entry = self.fold.entry(minute(at)).or_insert((seq, seq));
        entry.0 = entry.0.min(seq);
        entry.1 = entry.1.max(seq);
        self.events += 1;
    }

    /// Whether it is time to write.
    pub(crate) fn full(&self) -> bool {
        self.events >= BEYOND
    }

    /// Writes everything into the table: later numbers, so of a known minute only its end moves.
    pub(crate) fn store(&self, connection: &Connection) -> rusqlite::Result<()> {
        for (minute, (first, last)) in &self.fold {
            connection
                .prepare_cached(
                    "INSERT INTO minute (minute, first, last) VALUES (?1, ?2, ?3)
                     ON CONFLICT (minute) DO UPDATE
                     SET last = excluded.last",
                )?
                .execute(params![signed(*minute), signed(first.0), signed(last.0)])?;
        }
        Ok(())
    }

    /// What was written is durable.
    pub(crate) fn stored(&mut self) {
        *self = Self::default();
    }
}

/// A stretch of sequence numbers, both ends in it.
pub(crate) type Stretch = RangeInclusive<u64>;

/// Where the table says that events of these minutes are: disjoint, ascending, inside `bounds`.
pub(crate) fn stretches(
    connection: &Connection,
    minutes: RangeInclusive<u64>,
    bounds: &Stretch,
) -> rusqlite::Result<Vec<Stretch>> {
    let mut statement = connection.prepare_cached(
        "SELECT first, last FROM minute WHERE minute BETWEEN ?1 AND ?2 AND last >= ?3 AND first <= ?4",
    )?;
    let found = statement
        .query_map(
            params![
                clamped(*minutes.start()),
                clamped(*minutes.end()),
                clamped(*bounds.start()),
                clamped(*bounds.end())
            ],
            |row| Ok((unsigned(row.get(0)?), unsigned(row.get(1)?))),
        )?
        .collect::<rusqlite::Result<Vec<_>>>()?;
    Ok(united(found, bounds))
}

/// The newest minute the table knows, at or below this one.
pub(crate) fn newest_minute(
    connection: &Connection,
    at_most: u64,
) -> rusqlite::Result<Option<u64>> {
    connection
        .prepare_cached("SELECT max(minute) FROM minute WHERE minute <= ?1")?
        .query_row([clamped(at_most)], |row| row.get::<_, Option<i64>>(0))
        .map(|minute| minute.map(unsigned))
}

/// For comparisons inside SQLite, which knows no number above `i64::MAX`.
pub(crate) fn clamped(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Overlapping and touching stretches become one.
pub(crate) fn united(mut parts: Vec<(u64, u64)>, bounds: &Stretch) -> Vec<Stretch> {
    parts.sort_unstable();
    let mut whole: Vec<(u64, u64)> = Vec::new();
    for (first, last) in parts {
        let (first, last) = (first.max(*bounds.start()), last.min(*bounds.end()));
        match whole.last_mut() {
            _ if first > last => {}
            Some(before) if first <= before.1.saturating_add(1) => before.1 = before.1.max(last),
            _ => whole.push((first, last)),
        }
    }
    whole
        .into_iter()
        .map(|(first, last)| first..=last)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stretches_are_united_inside_the_bounds() {
        let parts = vec![(50, 60), (1, 9), (10, 12), (5, 7), (90, 200)];
        assert_eq!(united(parts, &(3..=100)), vec![3..=12, 50..=60, 90..=100]);
        assert!(united(vec![(1, 2)], &(3..=9)).is_empty());
    }
}
