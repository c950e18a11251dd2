//! Watching plug-in files: a change is told, what it means is the supervisor's to find out.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use crossbeam_channel::Sender;
use growbox_model::{PluginId, RoomSpec};
use notify::{RecommendedWatcher, RecursiveMode, Watcher as _};

use super::supervisor::{Task, watched};

/// Watches as long as it lives.
pub(super) struct Watch(
    #[allow(dead_code, reason = "it watches until it is dropped")] Option<RecommendedWatcher>,
);

impl Watch {
    /// Watches the folders of all plug-in files: a file that is replaced is another file.
    pub(super) fn over(room: &RoomSpec, tasks: &Sender<Task>) -> anyhow::Result<Self> {
        let files: Vec<(PathBuf, PluginId)> = watched(room)
            .into_iter()
            .map(|(file, id)| (absolute(&file), id))
            .collect();
        if files.is_empty() {
            return Ok(Self(None));
        }
        let folders: BTreeSet<PathBuf> = files
            .iter()
            .filter_map(|(file, _)| file.parent().map(Path::to_owned))
            .collect();
        let tasks = tasks.clone();
        let mut watcher =
            notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
                let Ok(event) = event else { return };
                if event.kind.is_access() {
                    return;
                }
                for (_, id) in files.iter().filter(|(file, _)| event.paths.contains(file)) {
                    // A supervisor that is gone means that the host is ending.
                    let _ = tasks.send(Task::FileChanged(id.clone()));
                }
            })
            .context("cannot watch files")?;
        for folder in &folders {
            watcher
                .watch(folder, RecursiveMode::NonRecursive)
                .with_context(|| format!("cannot watch {}", folder.display()))?;
        }
        Ok(Self(Some(watcher)))
    }
}

fn absolute(file: &Path) -> PathBuf {
    std::path::absolute(file).unwrap_or_else(|_| file.to_owned())
}
