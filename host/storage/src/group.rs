//! One group of commits inside one transaction: each message's parts into their tables.

use growbox_model::commit::{DeadLetter, Frame, Hold, PluginCommit, Switch};
use growbox_model::{
    Commit, DeviceId, Generation, Json, PluginId, Record, SensorId, Seq, Source, Text, ZoneId,
};
use rusqlite::{Connection, OptionalExtension, params};

use crate::position::signed;
use crate::tail::Pending;
use crate::{alerts, calls, safety};

/// The newest so many dead letters are kept.
const DEAD_LETTERS: u64 = 10_000;

/// One part of a commit, in the order in which the parts apply.
pub(crate) enum Step<'a> {
    /// State, cursor and frame of a batch.
    Batch(&'a PluginCommit),
    /// Any record.
    Record(&'a Record),
}

/// The batch first, since a generation that takes over copies what it leaves; unless the batch
/// is of that very generation.
pub(crate) fn steps(commit: &Commit) -> impl Iterator<Item = Step<'_>> {
    let founds = |record: &&Record| match (record, &commit.plugin) {
        (Record::Generation(plugin, generation, ..), Some(batch)) => {
            *plugin == batch.plugin && *generation == batch.generation
        }
        _ => false,
    };
    let before = commit.records.iter().filter(founds);
    let after = commit.records.iter().filter(move |record| !founds(record));
    before
        .map(Step::Record)
        .chain(commit.plugin.iter().map(Step::Batch))
        .chain(after.map(Step::Record))
}

/// Everything of a commit but its events.
pub(crate) fn apply(connection: &Connection, pending: &Pending) -> rusqlite::Result<()> {
    for step in steps(&pending.commit) {
        match step {
            Step::Batch(batch) => apply_batch(connection, batch)?,
            Step::Record(record) => apply_record(connection, record)?,
        }
    }
    for (id, letter) in pending.letters() {
        keep_letter(connection, id, letter)?;
    }
    Ok(())
}

fn apply_record(connection: &Connection, record: &Record) -> rusqlite::Result<()> {
    match record {
        Record::Bound(sensor, source) => bind(connection, sensor, source.as_ref()),
        Record::Switched(switch) => keep_switch(connection, switch),
        Record::Override(zone, key, value) => set(connection, zone, key, value.as_ref()),
        Record::Hold(device, kept) => hold(connection, device, kept.as_ref()),
        Record::Stopped(zone, reason) => stop(connection, zone.as_ref(), reason.as_ref()),
        Record::Opened(seq, device) => open(connection, *seq, device),
        Record::Closed(seq) => run(
            connection,
            "DELETE FROM open_request WHERE seq = ?1",
            params![signed(seq.0)],
        ),
        Record::Generation(plugin, generation, version, digest) => {
            take_over(connection, plugin, *generation)?;
            run(
                connection,
                "UPDATE plugin SET version = ?3, digest = ?4 WHERE plugin = ?1 AND generation = ?2",
                params![plugin.as_str(), generation.0, version, digest],
            )
        }
        Record::Alert(alert) => alerts::keep(connection, alert),
        Record::Report(report) => alerts::keep_report(connection, report),
        Record::CallOpened(call) => calls::open(connection, call),
        Record::CallClosed(id) => calls::close(connection, *id),
        Record::Dosed(dose) => calls::keep_dose(connection, dose),
        Record::Tripped(rule, zone, trip) => safety::trip(connection, rule, zone, trip.as_ref()),
        Record::LockedOut(device, kept) => safety::lock_out(connection, device, kept.as_ref()),
        Record::Doubted(device, how) => safety::doubt(connection, device, how.as_ref()),
        Record::Started(device, moment) => safety::start(connection, device, *moment),
        // Dead letters have ids of their own; the clean end is a mark of the position.
        Record::DeadLetter(_) | Record::CleanEnd => Ok(()),
    }
}

fn run(connection: &Connection, sql: &str, params: impl rusqlite::Params) -> rusqlite::Result<()> {
    connection.prepare_cached(sql)?.execute(params).map(|_| ())
}

fn apply_batch(connection: &Connection, batch: &PluginCommit) -> rusqlite::Result<()> {
    let (plugin, generation) = (batch.plugin.as_str(), batch.generation.0);
    run(
        connection,
        "INSERT INTO plugin (plugin, generation, version, digest, cursor) VALUES (?1, ?2, '', '', ?3)
         ON CONFLICT DO UPDATE SET cursor = excluded.cursor",
        params![plugin, generation, signed(batch.cursor.0)],
    )?;
    for (key, value) in &batch.state {
        match value {
            Some(value) => run(
                connection,
                "INSERT INTO state (plugin, generation, key, value) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT DO UPDATE SET value = excluded.value",
                params![plugin, generation, key, value],
            )?,
            None => run(
                connection,
                "DELETE FROM state WHERE plugin = ?1 AND generation = ?2 AND key = ?3",
                params![plugin, generation, key],
            )?,
        }
    }
    match &batch.frame {
        Some(frame) => keep_frame(connection, plugin, generation, frame),
        None => Ok(()),
    }
}

fn keep_frame(
    connection: &Connection,
    plugin: &str,
    generation: u32,
    frame: &Frame,
) -> rusqlite::Result<()> {
    run(
        connection,
        "INSERT OR REPLACE INTO frame
         (last, plugin, generation, now, first, view, wall, wall_trusted, utc_offset, tick)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        params![
            signed(frame.last.0),
            plugin,
            generation,
            signed(frame.clock.now.0),
            signed(frame.first.0),
            signed(frame.view.0),
            signed(frame.clock.wall.0),
            frame.clock.wall_trusted,
            frame.clock.utc_offset,
            frame.tick
        ],
    )
}

/// A new generation starts on a copy of what the one before left; that one is kept for the way
/// back, older ones go.
fn take_over(
    connection: &Connection,
    plugin: &PluginId,
    generation: Generation,
) -> rusqlite::Result<()> {
    let (plugin, generation) = (plugin.as_str(), generation.0);
    let before: Option<u32> = connection
        .prepare_cached("SELECT max(generation) FROM plugin WHERE plugin = ?1 AND generation < ?2")?
        .query_row(params![plugin, generation], |row| row.get(0))?;
    let known = connection
        .prepare_cached("SELECT 1 FROM plugin WHERE plugin = ?1 AND generation = ?2")?
        .query_row(params![plugin, generation], |_| Ok(()))
        .optional()?;
    if known.is_none() {
        copy_generation(connection, plugin, before, generation)?;
    }
    for sql in [
        "DELETE FROM plugin WHERE plugin = ?1 AND generation < ?2",
        "DELETE FROM state WHERE plugin = ?1 AND generation < ?2",
    ] {
        run(connection, sql, params![plugin, before.unwrap_or(0)])?;
    }
    Ok(())
}

fn copy_generation(
    connection: &Connection,
    plugin: &str,
    from: Option<u32>,
    to: u32,
) -> rusqlite::Result<()> {
    run(
        connection,
        "INSERT INTO plugin (plugin, generation, version, digest, cursor) VALUES (?1, ?3, '', '',
         (SELECT cursor FROM plugin WHERE plugin = ?1 AND generation = ?2))",
        params![plugin, from, to],
    )?;
    run(
        connection,
        "INSERT INTO state (plugin, generation, key, value)
         SELECT plugin, ?3, key, value FROM state WHERE plugin = ?1 AND generation = ?2",
        params![plugin, from, to],
    )
}

fn bind(
    connection: &Connection,
    sensor: &SensorId,
    source: Option<&Source>,
) -> rusqlite::Result<()> {
    match source {
        Some(source) => run(
            connection,
            "INSERT OR REPLACE INTO binding (sensor, source) VALUES (?1, ?2)",
            params![sensor.as_str(), source.as_str()],
        ),
        None => run(
            connection,
            "DELETE FROM binding WHERE sensor = ?1",
            [sensor.as_str()],
        ),
    }
}

fn keep_switch(connection: &Connection, switch: &Switch) -> rusqlite::Result<()> {
    run(
        connection,
        "INSERT OR REPLACE INTO switch (device, level, moment, wall) VALUES (?1, ?2, ?3, ?4)",
        params![
            switch.device.as_str(),
            switch.level,
            signed(switch.moment.0),
            signed(switch.wall.0)
        ],
    )
}

fn set(
    connection: &Connection,
    zone: &ZoneId,
    key: &Text,
    value: Option<&Json>,
) -> rusqlite::Result<()> {
    match value {
        Some(value) => run(
            connection,
            "INSERT OR REPLACE INTO override (zone, key, value) VALUES (?1, ?2, ?3)",
            params![zone.as_str(), key, value.as_str()],
        ),
        None => run(
            connection,
            "DELETE FROM override WHERE zone = ?1 AND key = ?2",
            params![zone.as_str(), key],
        ),
    }
}

fn hold(connection: &Connection, device: &DeviceId, kept: Option<&Hold>) -> rusqlite::Result<()> {
    match kept {
        Some(hold) => run(
            connection,
            "INSERT OR REPLACE INTO hold (device, level, until, who, reason)
             VALUES (?1, ?2, ?3, ?4, ?5)",
            params![
                device.as_str(),
                hold.level,
                hold.until.map(|until| signed(until.0)),
                hold.who,
                hold.reason
            ],
        ),
        None => run(
            connection,
            "DELETE FROM hold WHERE device = ?1",
            [device.as_str()],
        ),
    }
}

/// The empty name stands for all zones: no zone can have it.
fn stop(
    connection: &Connection,
    zone: Option<&ZoneId>,
    reason: Option<&Text>,
) -> rusqlite::Result<()> {
    let zone = zone.map_or("", ZoneId::as_str);
    match reason {
        Some(reason) => run(
            connection,
            "INSERT OR REPLACE INTO stopped (zone, reason) VALUES (?1, ?2)",
            params![zone, reason],
        ),
        None => run(connection, "DELETE FROM stopped WHERE zone = ?1", [zone]),
    }
}

fn open(connection: &Connection, seq: Seq, device: &DeviceId) -> rusqlite::Result<()> {
    run(
        connection,
        "INSERT OR REPLACE INTO open_request (seq, device) VALUES (?1, ?2)",
        params![signed(seq.0), device.as_str()],
    )
}

fn keep_letter(connection: &Connection, id: u64, letter: &DeadLetter) -> rusqlite::Result<()> {
    run(
        connection,
        "INSERT INTO dead_letter (id, taken, source, code, message, body)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![
            signed(id),
            signed(letter.taken.0),
            letter.source.as_str(),
            letter.code,
            letter.message,
            letter.body
        ],
    )?;
    run(
        connection,
        "DELETE FROM dead_letter WHERE id <= ?1",
        [signed(id.saturating_sub(DEAD_LETTERS))],
    )
}
