//! What the guardian did while there was no host: kept in `guardian.jsonl` until the next one has it in its log.
//!
//! A thread of its own writes, so that a disk that does not answer holds up no device.

use std::convert::Infallible;
use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use crossbeam_channel::{Receiver, Sender, bounded};
use growbox_model::Deed;

/// Deeds that may wait for the disk.
const WAITING: usize = 256;
/// At the end the disk gets so long for the last ones.
const LAST_DEED: Duration = Duration::from_secs(1);

/// Writes deeds down; dropped, it waits a moment for the last ones.
#[derive(Debug)]
pub(crate) struct Recorder {
    deeds: Option<Sender<Deed>>,
    waiting: Arc<AtomicUsize>,
    /// Closes when everything is written.
    ended: Receiver<Infallible>,
}

impl Recorder {
    /// Begins to write into this data directory.
    pub(crate) fn begin(data: PathBuf) -> std::io::Result<Self> {
        let (deeds, said) = bounded::<Deed>(WAITING);
        let (ends, ended) = bounded(0);
        let waiting = Arc::<AtomicUsize>::default();
        let left = waiting.clone();
        std::thread::Builder::new()
            .name("deeds".into())
            .spawn(move || {
                for deed in said {
                    if let Err(error) = keep(&data, &deed) {
                        tracing::error!("cannot write down what was done: {error:#}");
                    }
                    left.fetch_sub(1, Ordering::AcqRel);
                }
                drop::<Sender<Infallible>>(ends);
            })?;
        Ok(Self {
            deeds: Some(deeds),
            waiting,
            ended,
        })
    }

    /// Leaves one to be written.
    pub(crate) fn record(&self, deed: Deed) {
        self.waiting.fetch_add(1, Ordering::AcqRel);
        let taken = self.deeds.as_ref().map(|deeds| deeds.try_send(deed));
        if !matches!(taken, Some(Ok(()))) {
            self.waiting.fetch_sub(1, Ordering::AcqRel);
            tracing::error!("cannot write down what was done: the disk does not answer");
        }
    }

    /// Whether everything is written.
    pub(crate) fn is_idle(&self) -> bool {
        self.waiting.load(Ordering::Acquire) == 0
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.deeds = None;
        // Written or not, it is over.
        let _ = self.ended.recv_timeout(LAST_DEED);
    }
}

fn file(data: &Path) -> PathBuf {
    data.join("guardian.jsonl")
}

/// Writes one down.
fn keep(data: &Path, deed: &Deed) -> anyhow::Result<()> {
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
