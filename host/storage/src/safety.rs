//! Trips, lock-outs, doubts and starts as rows, both ways: what protects beyond the end of the process.

use growbox_model::{DeviceId, Instant, LockOut, Moment, Span, Text, Trip, ZoneId};
use rusqlite::{Connection, Row, params};

use crate::position::{signed, unsigned};

/// Starts of the newest stretch are kept, room time.
const STARTS: Span = Span::hours(1);

/// Keeps a tripped rule, or forgets it.
pub(crate) fn trip(
    connection: &Connection,
    rule: &Text,
    zone: &ZoneId,
    trip: Option<&Trip>,
) -> rusqlite::Result<()> {
    let Some(trip) = trip else {
        return connection
            .prepare_cached("DELETE FROM trip WHERE rule = ?1 AND zone = ?2")?
            .execute(params![rule, zone.as_str()])
            .map(|_| ());
    };
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO trip (rule, zone, message, since, latched)
             VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute(params![
            rule,
            zone.as_str(),
            trip.message,
            signed(trip.since.0),
            trip.latched
        ])
        .map(|_| ())
}

/// What `read_trip` reads.
pub(crate) const TRIPS: &str = "SELECT rule, zone, message, since, latched FROM trip";

/// A row of `TRIPS`.
pub(crate) fn read_trip(row: &Row<'_>) -> rusqlite::Result<Option<Trip>> {
    let (rule, message, since, latched) = (row.get(0)?, row.get(2)?, row.get(3)?, row.get(4)?);
    let zone = ZoneId::new(&row.get::<_, String>(1)?).ok();
    Ok(zone.map(|zone| Trip {
        rule,
        zone,
        message,
        since: Instant(unsigned(since)),
        latched,
    }))
}

/// Keeps a lock-out, or forgets it.
pub(crate) fn lock_out(
    connection: &Connection,
    device: &DeviceId,
    lock_out: Option<&LockOut>,
) -> rusqlite::Result<()> {
    let Some(lock_out) = lock_out else {
        return connection
            .prepare_cached("DELETE FROM lock_out WHERE device = ?1")?
            .execute([device.as_str()])
            .map(|_| ());
    };
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO lock_out (device, who, reason, since) VALUES (?1, ?2, ?3, ?4)",
        )?
        .execute(params![
            device.as_str(),
            lock_out.who,
            lock_out.reason,
            signed(lock_out.since.0)
        ])
        .map(|_| ())
}

/// What `read_lock_out` reads.
pub(crate) const LOCK_OUTS: &str = "SELECT device, who, reason, since FROM lock_out";

/// A row of `LOCK_OUTS`.
pub(crate) fn read_lock_out(row: &Row<'_>) -> rusqlite::Result<Option<(DeviceId, LockOut)>> {
    let lock_out = LockOut {
        who: row.get(1)?,
        reason: row.get(2)?,
        since: Instant(unsigned(row.get(3)?)),
    };
    let device = DeviceId::new(&row.get::<_, String>(0)?).ok();
    Ok(device.map(|device| (device, lock_out)))
}

/// Keeps what caught a device, or forgets it.
pub(crate) fn doubt(
    connection: &Connection,
    device: &DeviceId,
    how: Option<&Text>,
) -> rusqlite::Result<()> {
    let Some(how) = how else {
        return connection
            .prepare_cached("DELETE FROM doubt WHERE device = ?1")?
            .execute([device.as_str()])
            .map(|_| ());
    };
    connection
        .prepare_cached("INSERT OR REPLACE INTO doubt (device, how) VALUES (?1, ?2)")?
        .execute(params![device.as_str(), how])
        .map(|_| ())
}

/// What `read_doubt` reads.
pub(crate) const DOUBTS: &str = "SELECT device, how FROM doubt";

/// A row of `DOUBTS`.
pub(crate) fn read_doubt(row: &Row<'_>) -> rusqlite::Result<Option<(DeviceId, Text)>> {
    let how = row.get(1)?;
    let device = DeviceId::new(&row.get::<_, String>(0)?).ok();
    Ok(device.map(|device| (device, how)))
}

/// Keeps a start for its hour.
pub(crate) fn start(
    connection: &Connection,
    device: &DeviceId,
    moment: Moment,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached("INSERT INTO start (device, moment) VALUES (?1, ?2)")?
        .execute(params![device.as_str(), signed(moment.0)])?;
    connection
        .prepare_cached("DELETE FROM start WHERE moment < ?1")?
        .execute([signed((moment - STARTS).0)])
        .map(|_| ())
}

/// What `read_start` reads, oldest first.
pub(crate) const MADE: &str = "SELECT device, moment FROM start ORDER BY number";

/// A row of `MADE`.
pub(crate) fn read_start(row: &Row<'_>) -> rusqlite::Result<Option<(DeviceId, Moment)>> {
    let moment = Moment(unsigned(row.get(1)?));
    let device = DeviceId::new(&row.get::<_, String>(0)?).ok();
    Ok(device.map(|device| (device, moment)))
}
