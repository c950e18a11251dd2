//! What the log knew: everything the host needs to go on where it was.

use std::sync::Arc;

use growbox_model::commit::{Hold, Restored, RestoredPlugin, Switch};
use growbox_model::{
    DeviceId, Event, Generation, Instant, Json, Moment, PluginId, SensorId, Seq, Source, Span,
    Text, ZoneId,
};
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::position::{Position, signed, unsigned};
use crate::retention;
use crate::row::{COLUMNS, Names, taken};
use crate::{alerts, calls, safety};

/// The tail: the newest so many events, or fewer …
const TAIL: u64 = 20_000;
/// … when those of so long are fewer.
const TAIL_AGE: Span = Span::hours(1);
/// Ids against duplicates: the newest so many, or more …
const IDS: u64 = 100_000;
/// … when those of so long are more …
const IDS_AGE: Span = Span::minutes(10);
/// … but never more than fit a small machine.
const IDS_BOUND: u64 = 1_000_000;

/// Reads it all.
pub(crate) fn restore(connection: &Connection, position: &Position) -> rusqlite::Result<Restored> {
    let mut names = Names::default();
    Ok(Restored {
        last_seq: position.last,
        first_seq: retention::first(connection, position)?,
        clean: position.clean,
        same_boot: false,
        ended: None,
        moment: position.moment,
        wall: position.wall,
        newest_at: position.newest_at,
        bindings: rows(connection, "SELECT sensor, source FROM binding", |row| {
            let source: Text = row.get(1)?;
            Ok(sensor(row)?.map(|sensor| (sensor, Source(source))))
        })?,
        switches: switches(connection)?,
        overrides: overrides(connection)?,
        holds: holds(connection)?,
        stops: stops(connection)?,
        trips: rows(connection, safety::TRIPS, safety::read_trip)?,
        lock_outs: rows(connection, safety::LOCK_OUTS, safety::read_lock_out)?,
        doubts: rows(connection, safety::DOUBTS, safety::read_doubt)?,
        starts: rows(connection, safety::MADE, safety::read_start)?,
        open: rows(
            connection,
            "SELECT device, seq FROM open_request ORDER BY seq",
            |row| {
                let seq = Seq(unsigned(row.get(1)?));
                Ok(device(row)?.map(|device| (seq, device)))
            },
        )?,
        plugins: plugins(connection)?,
        alerts: rows(connection, alerts::ALERTS, alerts::read)?,
        reports: rows(connection, alerts::REPORTS, alerts::read_report)?,
        calls: rows(connection, calls::CALLS, |row| calls::read(connection, row))?,
        doses: rows(connection, calls::GIVEN, calls::read_dose)?,
        texts: Vec::new(),
        ids: ids(connection, position, &mut names)?,
        tail: tail(connection, position, &mut names)?,
    })
}

/// The id of the newest dead letter.
pub(crate) fn newest_letter(connection: &Connection) -> rusqlite::Result<u64> {
    connection.query_row("SELECT coalesce(max(id), 0) FROM dead_letter", [], |row| {
        row.get(0).map(unsigned)
    })
}

/// Every row as something; what this build cannot name is left out with a warning.
fn rows<T>(
    connection: &Connection,
    sql: &str,
    read: impl Fn(&Row<'_>) -> rusqlite::Result<Option<T>>,
) -> rusqlite::Result<Vec<T>> {
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query([])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        match read(row)? {
            Some(item) => found.push(item),
            None => tracing::warn!(
                sql,
                "a stored row names something this version does not know"
            ),
        }
    }
    Ok(found)
}

fn sensor(row: &Row<'_>) -> rusqlite::Result<Option<SensorId>> {
    Ok(SensorId::new(&row.get::<_, String>(0)?).ok())
}

fn device(row: &Row<'_>) -> rusqlite::Result<Option<DeviceId>> {
    Ok(DeviceId::new(&row.get::<_, String>(0)?).ok())
}

fn zone(row: &Row<'_>) -> rusqlite::Result<Option<ZoneId>> {
    Ok(ZoneId::new(&row.get::<_, String>(0)?).ok())
}

fn switches(connection: &Connection) -> rusqlite::Result<Vec<Switch>> {
    rows(
        connection,
        "SELECT device, level, moment, wall FROM switch",
        |row| {
            let (level, moment, wall) = (row.get(1)?, row.get(2)?, row.get(3)?);
            Ok(device(row)?.map(|device| Switch {
                device,
                level,
                moment: Moment(unsigned(moment)),
                wall: Instant(unsigned(wall)),
            }))
        },
    )
}

fn overrides(connection: &Connection) -> rusqlite::Result<Vec<(ZoneId, Text, Json)>> {
    rows(connection, "SELECT zone, key, value FROM override", |row| {
        let (key, value): (Text, String) = (row.get(1)?, row.get(2)?);
        Ok(zone(row)?.map(|zone| (zone, key, Json::trusted(&value))))
    })
}

fn holds(connection: &Connection) -> rusqlite::Result<Vec<(DeviceId, Hold)>> {
    rows(
        connection,
        "SELECT device, level, until, who, reason FROM hold",
        |row| {
            let hold = Hold {
                level: row.get(1)?,
                until: row
                    .get::<_, Option<i64>>(2)?
                    .map(|until| Instant(unsigned(until))),
                who: row.get(3)?,
                reason: row.get(4)?,
            };
            Ok(device(row)?.map(|device| (device, hold)))
        },
    )
}

fn stops(connection: &Connection) -> rusqlite::Result<Vec<(Option<ZoneId>, Text)>> {
    rows(connection, "SELECT zone, reason FROM stopped", |row| {
        let all = row.get_ref(0)?.as_str() == Ok("");
        let reason: Text = row.get(1)?;
        Ok(match zone(row)? {
            Some(zone) => Some((Some(zone), reason)),
            None => all.then_some((None, reason)),
        })
    })
}

fn plugins(connection: &Connection) -> rusqlite::Result<Vec<RestoredPlugin>> {
    let newest = "SELECT plugin, generation, version, digest, cursor FROM plugin AS this
         WHERE generation = (SELECT max(generation) FROM plugin WHERE plugin = this.plugin)";
    rows(connection, newest, |row| {
        let (generation, version, digest) = (Generation(row.get(1)?), row.get(2)?, row.get(3)?);
        let cursor: Option<i64> = row.get(4)?;
        let plugin = PluginId::new(&row.get::<_, String>(0)?).ok();
        Ok(plugin.map(|plugin| RestoredPlugin {
            plugin,
            generation,
            version,
            digest,
            cursor: cursor.map(|cursor| Seq(unsigned(cursor))),
        }))
    })
}

fn tail(
    connection: &Connection,
    position: &Position,
    names: &mut Names,
) -> rusqlite::Result<Vec<Arc<Event>>> {
    let young = taken_since(connection, position, position.moment - TAIL_AGE)?;
    let newest = nth_newest(connection, "event", TAIL)?.unwrap_or(Seq(0));
    let mut statement = connection.prepare(&format!(
        "SELECT {COLUMNS} FROM event WHERE seq >= ?1 ORDER BY seq"
    ))?;
    let mut rows = statement.query([signed(young.max(newest).0)])?;
    let mut tail = Vec::new();
    while let Some(row) = rows.next()? {
        tail.extend(names.event(connection, position.founded.unwrap_or(0), row)?);
    }
    Ok(tail)
}

fn ids(
    connection: &Connection,
    position: &Position,
    names: &mut Names,
) -> rusqlite::Result<Vec<(Source, Text, Seq)>> {
    let young = taken_since(connection, position, position.moment - IDS_AGE)?;
    let newest = nth_newest(connection, "event_id", IDS)?.unwrap_or(Seq(0));
    let bound = nth_newest(connection, "event_id", IDS_BOUND)?.unwrap_or(Seq(0));
    let mut statement =
        connection.prepare("SELECT seq, source, id FROM event_id WHERE seq >= ?1 ORDER BY seq")?;
    let mut rows = statement.query([signed(young.min(newest).max(bound).0)])?;
    let mut ids = Vec::new();
    while let Some(row) = rows.next()? {
        let seq = Seq(unsigned(row.get(0)?));
        let source = names.source(connection, row.get_ref(1)?)?;
        let id: Text = row.get(2)?;
        ids.extend(source.map(|source| (source, id, seq)));
    }
    Ok(ids)
}

/// The sequence of the n-th newest row, where there are so many.
fn nth_newest(connection: &Connection, table: &str, n: u64) -> rusqlite::Result<Option<Seq>> {
    connection
        .query_row(
            &format!("SELECT seq FROM {table} ORDER BY seq DESC LIMIT 1 OFFSET ?1"),
            [signed(n - 1)],
            |row| row.get(0).map(unsigned).map(Seq),
        )
        .optional()
}

/// The first event taken at `since` or later, found by halving: `taken` never falls along the log.
fn taken_since(
    connection: &Connection,
    position: &Position,
    since: Moment,
) -> rusqlite::Result<Seq> {
    let mut statement = connection
        .prepare("SELECT seq, at, lag, drift FROM event WHERE seq >= ?1 ORDER BY seq LIMIT 1")?;
    let (mut low, mut high) = (0, position.last.0 + 1);
    while low < high {
        let middle = low + (high - low) / 2;
        let found = statement
            .query_row(params![signed(middle)], |row| {
                let taken_at = unsigned(row.get(1)?).wrapping_add(unsigned(row.get(2)?));
                let moment = taken(taken_at, position.founded.unwrap_or(0), row.get(3)?);
                Ok((unsigned(row.get(0)?), moment))
            })
            .optional()?;
        match found {
            Some((seq, moment)) if moment < since => low = seq + 1,
            _ => high = middle,
        }
    }
    Ok(Seq(low))
}
