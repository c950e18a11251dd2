//! The tables, and the way from one version of them to the next.

use std::path::{Path, PathBuf};

use rusqlite::Connection;

use crate::error::StorageError;

/// One script per version; the database's `user_version` counts those that have run.
pub(crate) static MIGRATIONS: &[&str] = &[FIRST, SECOND, THIRD, FOURTH];

/// Tables that are small enough to be checked completely at every start.
pub(crate) const SMALL: [&str; 20] = [
    "doubt",
    "trip",
    "lock_out",
    "start",
    "position",
    "text",
    "plugin",
    "state",
    "binding",
    "switch",
    "override",
    "hold",
    "stopped",
    "open_request",
    "dead_letter",
    "alert",
    "report",
    "open_call",
    "call_header",
    "dose",
];

/// The log is keyed by sequence and has no secondary index: an index on sensor and time
/// would write thirty times as much. Time queries go by `minute`, ids by `event_id`, both
/// of which only grow at their end.
///
/// - `event`: `at` is the wall clock in ns; `lag` = taken_at − at; `drift` = taken_at − taken −
///   `position.founded` (all but constant, hence small); `cause` = how many numbers back.
///   `type`, `zone`, `source`, `sensor`, `unit`: a number of `text`, or the text itself once
///   `text` is full. `unit` is null where it is the quantity's own. A document has no `sensor`.
///   `flags`: see `row.rs`. `codec` says how to read the row; 1 is this.
/// - `minute`: per minute of `at` the first and last sequence, complete up to `position.indexed`.
/// - `position`: one row, written with every group.
pub(crate) const FIRST: &str = "
CREATE TABLE position (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    last INTEGER NOT NULL, moment INTEGER NOT NULL, wall INTEGER NOT NULL,
    newest_at INTEGER NOT NULL, commits INTEGER NOT NULL, clean INTEGER NOT NULL,
    indexed INTEGER NOT NULL, founded INTEGER
);
INSERT INTO position VALUES (1, 0, 0, 0, 0, 0, 1, 0, NULL);

CREATE TABLE text (id INTEGER PRIMARY KEY, text TEXT NOT NULL);

CREATE TABLE event (
    seq INTEGER PRIMARY KEY, codec INTEGER NOT NULL, at INTEGER NOT NULL,
    lag INTEGER NOT NULL, drift INTEGER NOT NULL,
    type NOT NULL, zone, source NOT NULL, sensor, unit, value REAL,
    flags INTEGER NOT NULL, cause INTEGER, generation INTEGER, body TEXT, metadata TEXT
);
CREATE TABLE event_id (seq INTEGER PRIMARY KEY, source NOT NULL, id TEXT NOT NULL);
CREATE TABLE minute (minute INTEGER PRIMARY KEY, first INTEGER NOT NULL, last INTEGER NOT NULL);

CREATE TABLE plugin (
    plugin TEXT NOT NULL, generation INTEGER NOT NULL,
    version TEXT NOT NULL, digest TEXT NOT NULL, cursor INTEGER,
    PRIMARY KEY (plugin, generation)
) WITHOUT ROWID;
CREATE TABLE state (
    plugin TEXT NOT NULL, generation INTEGER NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL,
    PRIMARY KEY (plugin, generation, key)
) WITHOUT ROWID;
CREATE TABLE frame (
    last INTEGER NOT NULL, plugin TEXT NOT NULL, generation INTEGER NOT NULL, now INTEGER NOT NULL,
    first INTEGER NOT NULL, view INTEGER NOT NULL, wall INTEGER NOT NULL,
    wall_trusted INTEGER NOT NULL, utc_offset INTEGER NOT NULL, tick INTEGER NOT NULL,
    PRIMARY KEY (last, plugin, generation, now)
) WITHOUT ROWID;

CREATE TABLE binding (sensor TEXT PRIMARY KEY, source TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE switch (
    device TEXT PRIMARY KEY, level REAL NOT NULL, moment INTEGER NOT NULL, wall INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE override (
    zone TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (zone, key)
) WITHOUT ROWID;
CREATE TABLE hold (
    device TEXT PRIMARY KEY, level REAL NOT NULL, until INTEGER, who TEXT NOT NULL, reason TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE stopped (zone TEXT PRIMARY KEY, reason TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE open_request (seq INTEGER PRIMARY KEY, device TEXT NOT NULL);
CREATE TABLE dead_letter (
    id INTEGER PRIMARY KEY, taken INTEGER NOT NULL, source TEXT NOT NULL,
    code TEXT NOT NULL, message TEXT NOT NULL, body TEXT NOT NULL
);
";

/// What alerts, analytics, outbound calls and pulses need. Alerts are numbered as they were
/// raised; a header stands at its place in the call it belongs to.
const SECOND: &str = "
CREATE TABLE alert (
    number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, rule TEXT NOT NULL, state TEXT NOT NULL,
    severity TEXT NOT NULL, zone TEXT, subject TEXT, message TEXT NOT NULL,
    since INTEGER NOT NULL, raised INTEGER NOT NULL, acknowledged INTEGER, who TEXT,
    cleared INTEGER, action_taken TEXT
);
CREATE TABLE report (
    window TEXT PRIMARY KEY, at INTEGER NOT NULL, report TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE open_call (
    id INTEGER PRIMARY KEY, plugin TEXT NOT NULL, generation INTEGER NOT NULL, cause INTEGER,
    key TEXT NOT NULL, method TEXT NOT NULL, url TEXT NOT NULL, body BLOB NOT NULL
);
CREATE TABLE call_header (
    call INTEGER NOT NULL, place INTEGER NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL,
    PRIMARY KEY (call, place)
) WITHOUT ROWID;
CREATE TABLE dose (
    number INTEGER PRIMARY KEY, device TEXT NOT NULL, length INTEGER NOT NULL,
    moment INTEGER NOT NULL, wall INTEGER NOT NULL
);
";

/// What safety rules, lock-outs and starts per hour need.
const THIRD: &str = "
CREATE TABLE trip (
    rule TEXT NOT NULL, zone TEXT NOT NULL, message TEXT NOT NULL, since INTEGER NOT NULL,
    latched INTEGER NOT NULL, PRIMARY KEY (rule, zone)
) WITHOUT ROWID;
CREATE TABLE lock_out (
    device TEXT PRIMARY KEY, who TEXT NOT NULL, reason TEXT NOT NULL, since INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE start (
    number INTEGER PRIMARY KEY, device TEXT NOT NULL, moment INTEGER NOT NULL
);
";

/// Who is kept safe because its witness caught it.
const FOURTH: &str = "
CREATE TABLE doubt (device TEXT PRIMARY KEY, how TEXT NOT NULL) WITHOUT ROWID;
";

/// Brings the database to the newest version: forward only, in one transaction, after a copy.
pub(crate) fn migrate(
    connection: &Connection,
    path: &Path,
    migrations: &[&str],
) -> Result<(), StorageError> {
    let from = version(connection)?;
    let known = u32::try_from(migrations.len()).unwrap_or(u32::MAX);
    if from > known {
        return Err(StorageError::Newer {
            path: path.to_owned(),
            found: from,
            known,
        });
    }
    if from == known {
        return Ok(());
    }
    if from == 0 {
        refuse_foreign(connection, path)?;
        return run(connection, migrations, known).map_err(StorageError::sqlite("make the tables"));
    }
    let copy = copy_of(connection, path, from)?;
    run(connection, &migrations[from as usize..], known).map_err(|source| StorageError::Migration {
        path: path.to_owned(),
        from,
        to: known,
        copy,
        source,
    })
}

fn version(connection: &Connection) -> Result<u32, StorageError> {
    connection
        .query_row("PRAGMA user_version", [], |row| row.get(0))
        .map_err(StorageError::sqlite("read the version of the schema"))
}

/// A database without our version but with tables was made by somebody else.
fn refuse_foreign(connection: &Connection, path: &Path) -> Result<(), StorageError> {
    let tables: i64 = connection
        .query_row("SELECT count(*) FROM sqlite_master", [], |row| row.get(0))
        .map_err(StorageError::sqlite("read the schema"))?;
    if tables == 0 {
        return Ok(());
    }
    Err(StorageError::Damaged {
        path: path.to_owned(),
        why: "it is a database, but none that growbox made".into(),
    })
}

fn run(connection: &Connection, scripts: &[&str], version: u32) -> rusqlite::Result<()> {
    let transaction = connection.unchecked_transaction()?;
    for script in scripts {
        transaction.execute_batch(script)?;
    }
    transaction.pragma_update(None, "user_version", version)?;
    transaction.commit()
}

/// A whole, consistent copy beside the database, named after the version it has.
fn copy_of(connection: &Connection, path: &Path, version: u32) -> Result<PathBuf, StorageError> {
    let copy = path.with_extension(format!("db.version-{version}"));
    if copy.exists() {
        std::fs::remove_file(&copy).map_err(|source| StorageError::File {
            what: "replace the older copy",
            path: copy.clone(),
            source,
        })?;
    }
    connection
        .execute("VACUUM INTO ?1", [copy.to_string_lossy()])
        .map_err(StorageError::sqlite(
            "copy the database before its migration",
        ))?;
    Ok(copy)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fresh(dir: &Path) -> (Connection, PathBuf) {
        let path = dir.join("growbox.db");
        (Connection::open(&path).unwrap(), path)
    }

    #[test]
    fn goes_forward_after_a_copy() {
        let dir = tempfile::tempdir().unwrap();
        let (connection, path) = fresh(dir.path());
        migrate(&connection, &path, &[FIRST]).unwrap();
        connection
            .execute("INSERT INTO binding VALUES ('canopy', 'http')", [])
            .unwrap();
        migrate(&connection, &path, MIGRATIONS).unwrap();
        let newest = version(&connection).unwrap();
        assert_eq!(newest as usize, MIGRATIONS.len());
        let copy = Connection::open(dir.path().join("growbox.db.version-1")).unwrap();
        assert_eq!(version(&copy).unwrap(), 1);
        let kept: i64 = copy
            .query_row("SELECT count(*) FROM binding", [], |row| row.get(0))
            .unwrap();
        assert_eq!(kept, 1);
    }

    #[test]
    fn a_step_that_fails_changes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let (connection, path) = fresh(dir.path());
        migrate(&connection, &path, &[FIRST]).unwrap();
        let next = [FIRST, "CREATE TABLE extra (a); nonsense"];
        let error = migrate(&connection, &path, &next).unwrap_err().to_string();
        assert!(error.contains("from schema 1 to 2"), "{error}");
        assert_eq!(version(&connection).unwrap(), 1);
        assert!(connection.prepare("SELECT a FROM extra").is_err());
    }

    #[test]
    fn a_newer_one_is_refused_with_both_numbers() {
        let dir = tempfile::tempdir().unwrap();
        let (connection, path) = fresh(dir.path());
        connection.pragma_update(None, "user_version", 7).unwrap();
        let error = migrate(&connection, &path, MIGRATIONS).unwrap_err();
        assert!(matches!(
            error,
            StorageError::Newer {
                found: 7,
                known,
                ..
            } if known as usize == MIGRATIONS.len()
        ));
        let known = format!("up to {}", MIGRATIONS.len());
        assert!(error.to_string().contains('7') && error.to_string().contains(&known));
    }

    #[test]
    fn the_log_has_no_secondary_index() {
        let connection = Connection::open_in_memory().unwrap();
        migrate(&connection, Path::new("memory"), MIGRATIONS).unwrap();
        let own: i64 = connection
            .query_row(
                "SELECT count(*) FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL",
                [],
                |row| row.get(0),
            )
            .unwrap();
        assert_eq!(own, 0);
    }
}
