//! Open outbound calls and given doses as rows, both ways.

use growbox_model::commit::{CallId, Dose, OpenCall};
use growbox_model::{Call, DeviceId, Generation, Instant, Moment, PluginId, Seq, Span};
use rusqlite::{Connection, Row, params};

use crate::position::{signed, unsigned};

/// How long a dose is kept, in room time: a day, and a little.
const DOSES: Span = Span::hours(25);

/// Keeps a call until it is answered.
pub(crate) fn open(connection: &Connection, open: &OpenCall) -> rusqlite::Result<()> {
    close(connection, open.id)?;
    let OpenCall { call, .. } = open;
    connection
        .prepare_cached(
            "INSERT INTO open_call (id, plugin, generation, cause, key, method, url, body)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?
        .execute(params![
            signed(open.id.0),
            open.plugin.as_str(),
            open.generation.0,
            open.cause.map(|cause| signed(cause.0)),
            call.key,
            call.method,
            call.url,
            call.body,
        ])?;
    for (place, (name, value)) in call.headers.iter().enumerate() {
        connection
            .prepare_cached(
                "INSERT INTO call_header (call, place, name, value) VALUES (?1, ?2, ?3, ?4)",
            )?
            .execute(params![signed(open.id.0), place as i64, name, value])?;
    }
    Ok(())
}

/// Forgets a call.
pub(crate) fn close(connection: &Connection, id: CallId) -> rusqlite::Result<()> {
    for sql in [
        "DELETE FROM open_call WHERE id = ?1",
        "DELETE FROM call_header WHERE call = ?1",
    ] {
        connection.prepare_cached(sql)?.execute([signed(id.0)])?;
    }
    Ok(())
}

/// What `read` reads, oldest first.
pub(crate) const CALLS: &str =
    "SELECT id, plugin, generation, cause, key, method, url, body FROM open_call ORDER BY id";

/// A row of `CALLS`, with its headers.
pub(crate) fn read(connection: &Connection, row: &Row<'_>) -> rusqlite::Result<Option<OpenCall>> {
    let id: i64 = row.get(0)?;
    let Ok(plugin) = PluginId::new(&row.get::<_, String>(1)?) else {
        return Ok(None);
    };
    let cause: Option<i64> = row.get(3)?;
    Ok(Some(OpenCall {
        id: CallId(unsigned(id)),
        plugin,
        generation: Generation(row.get(2)?),
        cause: cause.map(|cause| Seq(unsigned(cause))),
        call: Call {
            key: row.get(4)?,
            method: row.get(5)?,
            url: row.get(6)?,
            headers: headers(connection, id)?,
            body: row.get(7)?,
        },
    }))
}

fn headers(connection: &Connection, call: i64) -> rusqlite::Result<Vec<(String, String)>> {
    connection
        .prepare_cached("SELECT name, value FROM call_header WHERE call = ?1 ORDER BY place")?
        .query_map([call], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect()
}

/// Keeps a dose for its day.
pub(crate) fn keep_dose(connection: &Connection, dose: &Dose) -> rusqlite::Result<()> {
    connection
        .prepare_cached("INSERT INTO dose (device, length, moment, wall) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![
            dose.device.as_str(),
            signed(dose.length.0),
            signed(dose.moment.0),
            signed(dose.wall.0)
        ])?;
    connection
        .prepare_cached("DELETE FROM dose WHERE moment < ?1")?
        .execute([signed((dose.moment - DOSES).0)])
        .map(|_| ())
}

/// What `read_dose` reads, oldest first.
pub(crate) const GIVEN: &str = "SELECT device, length, moment, wall FROM dose ORDER BY number";

/// A row of `GIVEN`.
pub(crate) fn read_dose(row: &Row<'_>) -> rusqlite::Result<Option<Dose>> {
    let (length, moment, wall) = (row.get(1)?, row.get(2)?, row.get(3)?);
    let device = DeviceId::new(&row.get::<_, String>(0)?).ok();
    Ok(device.map(|device| Dose {
        device,
        length: Span(unsigned(length)),
        moment: Moment(unsigned(moment)),
        wall: Instant(unsigned(wall)),
    }))
}
