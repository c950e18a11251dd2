//! Why the log could not do what it was asked, and what a person does next.

use std::path::PathBuf;

use rusqlite::ErrorCode;

/// A failure of the log. Reads as "failed to …".
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// Nothing can be written into the data directory.
    #[error(
        "write into the data directory {}: {source}; make it writable for this user, or choose another with --data",
        dir.display()
    )]
    NotWritable {
        /// The data directory.
        dir: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Another host holds the data directory.
    #[error(
        "use the data directory {}: another host{holder} runs on it; stop that one, or give this one its own with --data",
        dir.display()
    )]
    InUse {
        /// The data directory.
        dir: PathBuf,
        /// ` (process N)` where it is known, else empty.
        holder: String,
    },
    /// The database was written by a newer growbox.
    #[error(
        "open {}: its schema is version {found}, this growbox knows up to {known}; use the newer growbox, or another directory with --data",
        path.display()
    )]
    Newer {
        /// The database.
        path: PathBuf,
        /// The version it has.
        found: u32,
        /// The newest version this build knows.
        known: u32,
    },
    /// A step of a migration went wrong; the database stands as it was.
    #[error(
        "bring {} from schema {from} to {to}: {source}; it stands as it was, and a copy is {}",
        path.display(),
        copy.display()
    )]
    Migration {
        /// The database.
        path: PathBuf,
        /// The version it has.
        from: u32,
        /// The version it should have got.
        to: u32,
        /// The copy made before.
        copy: PathBuf,
        /// What SQLite said.
        source: rusqlite::Error,
    },
    /// The database is no sound growbox database.
    #[error("read {}: {why}", path.display())]
    Damaged {
        /// The database.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The system refused something about a file.
    #[error("{what} {}: {source}", path.display())]
    File {
        /// What was wanted.
        what: &'static str,
        /// Of which file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// SQLite refused something.
    #[error("{what}: {source}")]
    Sqlite {
        /// What was wanted.
        what: &'static str,
        /// What SQLite said.
        source: rusqlite::Error,
    },
}

impl StorageError {
    /// For `map_err`: names what was wanted of SQLite.
    pub(crate) fn sqlite(what: &'static str) -> impl FnOnce(rusqlite::Error) -> Self {
        move |source| Self::Sqlite { what, source }
    }

    /// Whether the database itself is broken, so that setting it aside helps.
    pub(crate) fn is_damage(&self) -> bool {
        match self {
            Self::Damaged { .. } => true,
            Self::Sqlite { source, .. } => is_damage(source),
            _ => false,
        }
    }
}

/// Whether SQLite says that the file is broken, not that the machine is.
pub(crate) fn is_damage(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
    )
}

/// Whether a table holds what growbox never writes there.
pub(crate) fn is_nonsense(error: &rusqlite::Error) -> bool {
    use rusqlite::Error as E;
    matches!(
        error,
        E::QueryReturnedNoRows
            | E::FromSqlConversionFailure(..)
            | E::IntegralValueOutOfRange(..)
            | E::InvalidColumnType(..)
            | E::Utf8Error(..)
    )
}
