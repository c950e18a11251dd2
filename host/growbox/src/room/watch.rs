//! Watching files: a change is told, what it means is for others to find out.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use notify::{RecommendedWatcher, RecursiveMode, Watcher as _};

/// Watches as long as it lives.
#[derive(Default)]
pub(super) struct Watch(
    #[allow(dead_code, reason = "it watches until it is dropped")] Option<RecommendedWatcher>,
);

impl Watch {
    /// Watches the folders of all files: a file that is replaced is another file.
    pub(super) fn over<T: Send + 'static>(
        files: Vec<(PathBuf, T)>,
        tell: impl Fn(&T) + Send + 'static,
    ) -> anyhow::Result<Self> {
        let files: Vec<(PathBuf, T)> = files
            .into_iter()
            .map(|(file, what)| (absolute(&file), what))
            .collect();
        if files.is_empty() {
            return Ok(Self(None));
        }
        let folders: BTreeSet<PathBuf> = files
            .iter()
            .filter_map(|(file, _)| file.parent().map(Path::to_owned))
            .collect();
        let mut watcher =
            notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
                let Ok(event) = event else { return };
                if event.kind.is_access() {
                    return;
                }
                for (_, what) in files.iter().filter(|(file, _)| event.paths.contains(file)) {
                    tell(what);
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
