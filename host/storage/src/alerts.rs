//! Alerts and reports as rows, both ways.

use growbox_model::row::{AlertRow, AlertState, AnalyticsRow};
use growbox_model::{Instant, Json, ZoneId};
use rusqlite::{Connection, Row, params};

use crate::position::{signed, unsigned};

/// The newest so many cleared alerts are kept; those that stand always are.
const CLEARED: i64 = 200;

/// Keeps an alert as it stands now.
pub(crate) fn keep(connection: &Connection, alert: &AlertRow) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO alert (id, rule, state, severity, zone, subject, message, since, raised,
             acknowledged, who, cleared, action_taken)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)
             ON CONFLICT (id) DO UPDATE SET state = excluded.state, severity = excluded.severity,
             message = excluded.message, acknowledged = excluded.acknowledged,
             who = excluded.who, cleared = excluded.cleared, action_taken = excluded.action_taken",
        )?
        .execute(params![
            alert.id,
            alert.rule,
            word(alert.state),
            alert.severity,
            alert.zone.as_ref().map(ZoneId::as_str),
            alert.subject,
            alert.message,
            signed(alert.since.0),
            signed(alert.raised.0),
            alert.acknowledged.map(|at| signed(at.0)),
            alert.who,
            alert.cleared.map(|at| signed(at.0)),
            alert.action_taken,
        ])?;
    match alert.state {
        AlertState::Cleared => forget_older(connection),
        AlertState::Raised | AlertState::Acknowledged => Ok(()),
    }
}

fn forget_older(connection: &Connection) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "DELETE FROM alert WHERE state = 'cleared' AND number NOT IN (SELECT number FROM alert
             WHERE state = 'cleared' ORDER BY cleared DESC, number DESC LIMIT ?1)",
        )?
        .execute([CLEARED])
        .map(|_| ())
}

/// What `read` reads, oldest first.
pub(crate) const ALERTS: &str = "SELECT id, rule, state, severity, zone, subject, message, since, \
     raised, acknowledged, who, cleared, action_taken FROM alert ORDER BY number";

/// A row of `ALERTS`; none where it names what this version does not know.
pub(crate) fn read(row: &Row<'_>) -> rusqlite::Result<Option<AlertRow>> {
    let zone: Option<String> = row.get(4)?;
    let zone = zone.map(|zone| ZoneId::new(&zone)).transpose().ok();
    let (Some(state), Some(zone)) = (state(row.get_ref(2)?.as_str()?), zone) else {
        return Ok(None);
    };
    let instant = |cell: i64| Instant(unsigned(cell));
    Ok(Some(AlertRow {
        id: row.get(0)?,
        rule: row.get(1)?,
        state,
        severity: row.get(3)?,
        zone,
        subject: row.get(5)?,
        message: row.get(6)?,
        since: instant(row.get(7)?),
        raised: instant(row.get(8)?),
        acknowledged: row.get::<_, Option<i64>>(9)?.map(instant),
        who: row.get(10)?,
        cleared: row.get::<_, Option<i64>>(11)?.map(instant),
        action_taken: row.get(12)?,
    }))
}

fn word(state: AlertState) -> &'static str {
    match state {
        AlertState::Raised => "raised",
        AlertState::Acknowledged => "acknowledged",
        AlertState::Cleared => "cleared",
    }
}

fn state(word: &str) -> Option<AlertState> {
    let all = [
        AlertState::Raised,
        AlertState::Acknowledged,
        AlertState::Cleared,
    ];
    all.into_iter().find(|state| self::word(*state) == word)
}

/// Keeps the newest report of its window.
pub(crate) fn keep_report(connection: &Connection, report: &AnalyticsRow) -> rusqlite::Result<()> {
    connection
        .prepare_cached("INSERT OR REPLACE INTO report (window, at, report) VALUES (?1, ?2, ?3)")?
        .execute(params![
            report.window,
            signed(report.at.0),
            report.report.as_str()
        ])
        .map(|_| ())
}

/// What `read_report` reads.
pub(crate) const REPORTS: &str = "SELECT window, at, report FROM report";

/// A row of `REPORTS`.
pub(crate) fn read_report(row: &Row<'_>) -> rusqlite::Result<Option<AnalyticsRow>> {
    let report: String = row.get(2)?;
    Ok(Some(AnalyticsRow {
        window: row.get(0)?,
        at: Instant(unsigned(row.get(1)?)),
        report: Json::trusted(&report),
    }))
}
