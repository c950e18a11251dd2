//! What the guardian did while there was no host: kept in `guardian.jsonl` until the next one has it in its log.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use growbox_model::Deed;

fn file(data: &Path) -> PathBuf {
    data.join("guardian.jsonl")
}

/// Writes one down.
pub(crate) fn keep(data: &Path, deed: &Deed) -> anyhow::Result<()> {
    let mut line = serde_json::to_vec(deed)?;
    line.push(b'\n');
    let mut file = OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .open(file(data))?;
    Ok(file.write_all(&line)?)
}

/// All that are written down; a line that was torn by a power cut is left out.
pub(crate) fn kept(data: &Path) -> anyhow::Result<Vec<Deed>> {
    let path = file(data);
    match std::fs::read_to_string(&path) {
        Ok(text) => {
            let deeds = text.lines().map(serde_json::from_str);
            Ok(deeds.filter_map(Result::ok).collect())
        }
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}

/// The log has them.
pub(crate) fn forget(data: &Path) {
    let path = file(data);
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            let path = path.display();
            tracing::warn!("cannot remove {path}: {error}; its deeds will be told again");
        }
        _ => {}
    }
}
