//! Opening the file: sound and of a version we know, or set aside so that the room still runs.

use std::path::{Path, PathBuf};
use std::time::Duration;

use growbox_model::Instant;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use crate::error::StorageError;
use crate::schema;

/// The database inside the data directory.
pub(crate) const NAME: &str = "growbox.db";

/// Pages the log may grow by before they are moved from the write-ahead log into the database.
/// A page rewritten many times in between is moved once, which spares memory cards.
const CHECKPOINT_PAGES: u32 = 4000;

/// The one connection that writes: checked, migrated, every commit an fsync.
pub(crate) fn connect(path: &Path) -> Result<Connection, StorageError> {
    let connection = Connection::open(path).map_err(|error| not_writable(path, error))?;
    prepare(&connection).map_err(StorageError::sqlite("open the database"))?;
    schema::migrate(&connection, path, schema::MIGRATIONS).map_err(|error| match error {
        StorageError::Sqlite { source, .. } => not_writable(path, source),
        other => other,
    })?;
    durable(&connection).map_err(|error| not_writable(path, error))?;
    check(&connection, path)?;
    Ok(connection)
}

/// A connection for queries.
pub(crate) fn connect_reader(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    prepare(&connection)?;
    Ok(connection)
}

/// What the database and its write-ahead log take on disk, in bytes.
pub(crate) fn size_bytes(path: &Path) -> u64 {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    let size = |path: &Path| std::fs::metadata(path).map_or(0, |file| file.len());
    size(path) + size(Path::new(&log))
}

fn prepare(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(Duration::from_secs(5))?;
    connection.set_prepared_statement_cache_capacity(64);
    connection.pragma_update(None, "cache_size", -2000)
}

fn durable(connection: &Connection) -> rusqlite::Result<()> {
    connection.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)
}

fn not_writable(path: &Path, source: rusqlite::Error) -> StorageError {
    match source.sqlite_error_code() {
        Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
            StorageError::NotWritable {
                dir: path.parent().unwrap_or(path).to_owned(),
                source: std::io::Error::other(source),
            }
        }
        _ => StorageError::Sqlite {
            what: "open the database",
            source,
        },
    }
}

/// Reads the small tables completely. The events are not: at every start that would take minutes.
fn check(connection: &Connection, path: &Path) -> Result<(), StorageError> {
    for table in schema::SMALL {
        let verdict: String = connection
            .query_row(&format!("PRAGMA quick_check('{table}')"), [], |row| {
                row.get(0)
            })
            .map_err(StorageError::sqlite("check the database"))?;
        if verdict != "ok" {
            return Err(StorageError::Damaged {
                path: path.to_owned(),
                why: format!("table {table}: {verdict}"),
            });
        }
    }
    Ok(())
}

/// Remembers that damage was met while running; the next start sets the file aside.
pub(crate) fn mark_damaged(path: &Path) -> std::io::Result<()> {
    std::fs::write(
        marker(path),
        "The database was found damaged; the next start sets it aside.\n",
    )
}

/// Whether damage was met while running.
pub(crate) fn is_marked(path: &Path) -> bool {
    marker(path).exists()
}

fn marker(path: &Path) -> PathBuf {
    path.with_extension("db.is-damaged")
}

/// Moves a damaged database out of the way, with its write-ahead log. Returns its new name.
pub(crate) fn set_aside(path: &Path, opened: Instant) -> Result<PathBuf, StorageError> {
    let stamp = opened.to_string().replace(':', "-");
    let name = |n: u32| match n {
        0 => path.with_extension(format!("db.damaged-{stamp}")),
        _ => path.with_extension(format!("db.damaged-{stamp}-{n}")),
    };
    let aside = (0..)
        .map(name)
        .find(|candidate| !candidate.exists())
        .unwrap_or_else(|| name(0));
    for suffix in ["-wal", "-shm", ""] {
        move_if_there(&with_suffix(path, suffix), &with_suffix(&aside, suffix))?;
    }
    if is_marked(path) {
        std::fs::remove_file(marker(path)).map_err(|source| StorageError::File {
            what: "remove",
            path: marker(path),
            source,
        })?;
    }
    Ok(aside)
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn move_if_there(from: &Path, to: &Path) -> Result<(), StorageError> {
    match std::fs::rename(from, to) {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => Err(StorageError::File {
            what: "set aside",
            path: from.to_owned(),
            source,
        }),
        _ => Ok(()),
    }
}
