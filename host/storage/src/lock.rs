//! One host per data directory: an advisory lock that ends with the process, however it ends.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::Path;

use crate::error::StorageError;

const NAME: &str = "lock";

/// Held as long as it lives.
#[derive(Debug)]
pub(crate) struct DirectoryLock {
    _file: File,
}

/// Makes the directory where it is missing, and takes it.
pub(crate) fn take(dir: &Path) -> Result<DirectoryLock, StorageError> {
    let not_writable = |source| StorageError::NotWritable {
        dir: dir.to_owned(),
        source,
    };
    std::fs::create_dir_all(dir).map_err(not_writable)?;
    let mut file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .read(true)
        .write(true)
        .open(dir.join(NAME))
        .map_err(not_writable)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            return Err(StorageError::InUse {
                dir: dir.to_owned(),
                holder: holder(&mut file),
            });
        }
        Err(TryLockError::Error(source)) => {
            return Err(StorageError::File {
                what: "lock",
                path: dir.join(NAME),
                source,
            });
        }
    }
    sign(&mut file).map_err(not_writable)?;
    Ok(DirectoryLock { _file: file })
}

/// Writes down who holds it, for the one who comes second.
fn sign(file: &mut File) -> std::io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    write!(file, "{}", std::process::id())
}

fn holder(file: &mut File) -> String {
    let mut text = String::new();
    match file.take(20).read_to_string(&mut text) {
        Ok(_) if text.bytes().all(|b| b.is_ascii_digit()) && !text.is_empty() => {
            format!(" (process {text})")
        }
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_host_is_refused_by_directory_and_process() {
        let dir = tempfile::tempdir().unwrap();
        let first = take(dir.path()).unwrap();
        let refusal = take(dir.path()).unwrap_err().to_string();
        assert!(refusal.contains(dir.path().to_str().unwrap()), "{refusal}");
        assert!(
            refusal.contains(&format!("process {}", std::process::id())),
            "{refusal}"
        );
        drop(first);
        take(dir.path()).unwrap();
    }

    #[test]
    fn a_directory_that_cannot_be_made_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("a-file");
        std::fs::write(&file, "").unwrap();
        let refusal = take(&file.join("data")).unwrap_err();
        assert!(
            matches!(refusal, StorageError::NotWritable { .. }),
            "{refusal}"
        );
    }
}
