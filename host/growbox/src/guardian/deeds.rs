//! What the guardian did while there was no host: kept in `guardian.jsonl` until the next one has it in its log.
//!
//! A thread of its own writes, so that a disk that does not answer holds up no device. The host
//! takes the file aside before it reads it, so that nothing is lost that is written meanwhile.

use std::convert::Infallible;
use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, fchown};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded};
use growbox_model::{Deed, Instant};

use super::plan::Arrival;

/// Deeds that may wait for the disk.
const WAITING: usize = 256;
/// At the end the disk gets so long for the last ones.
const LAST_DEED: Duration = Duration::from_secs(1);
/// A device that does not stay where it is put fills no disk.
const AT_MOST: usize = 1000;
/// Files that may be aside: of hosts that ended before they had them in their log.
const ASIDE: usize = 16;

/// Writes deeds down; dropped, it waits a moment for the last ones.
#[derive(Debug)]
pub(crate) struct Recorder {
    deeds: Option<Sender<Deed>>,
    recorded: usize,
    waiting: Arc<AtomicUsize>,
    /// Closes when everything is written.
    ended: Receiver<Infallible>,
}

impl Recorder {
    /// Begins to write into this data directory.
    pub(crate) fn begin(data: PathBuf) -> io::Result<Self> {
        let (deeds, said) = bounded::<Deed>(WAITING);
        let (ends, ended) = bounded(0);
        let waiting = Arc::<AtomicUsize>::default();
        let left = waiting.clone();
        std::thread::Builder::new()
            .name("deeds".into())
            .spawn(move || {
                for deed in said {
                    if let Err(error) = keep(&data, &deed) {
                        tracing::error!("cannot write down what was done: {error}");
                    }
                    left.fetch_sub(1, Ordering::AcqRel);
                }
                drop::<Sender<Infallible>>(ends);
            })?;
        Ok(Self {
            deeds: Some(deeds),
            recorded: 0,
            waiting,
            ended,
        })
    }

    /// Leaves it to be written that a device has come to its safe level, where it was elsewhere.
    pub(crate) fn record(&mut self, arrival: &Arrival, why: &str) {
        let Some(deed) = deed(arrival, growbox_drivers::machine::wall(), why) else {
            return;
        };
        self.recorded += 1;
        if self.recorded > AT_MOST {
            return;
        }
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

/// What is told of a device that has come to its safe level; nothing where it was there already.
fn deed(arrival: &Arrival, at: Instant, why: &str) -> Option<Deed> {
    let broken = if arrival.breaks_min_on {
        "; breaks the minimum on"
    } else {
        ""
    };
    (arrival.from != Some(arrival.to)).then(|| Deed {
        at,
        device: arrival.device.clone(),
        from: arrival.from,
        to: arrival.to,
        why: format!("{why}{broken}").into(),
    })
}

/// Writes one down, on a line of its own whatever a power cut left before it.
fn keep(data: &Path, deed: &Deed) -> io::Result<()> {
    let line = format!("\n{}\n", serde_json::to_string(deed)?);
    let mut file = OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .open(file(data))?;
    belongs_to_owner_of(data, &file);
    file.write_all(line.as_bytes())
}

/// Whoever runs `growbox safe`, the host is to be able to read what it did.
pub(super) fn belongs_to_owner_of(data: &Path, file: &File) {
    if let Ok(owner) = std::fs::metadata(data) {
        // Who may not give a file away is its owner, or will be told by the host.
        let _ = fchown(file, Some(owner.uid()), Some(owner.gid()));
    }
}

/// Deeds that were taken from the disk, and where they stand until the log has them.
#[derive(Debug, Default)]
pub(crate) struct Taken {
    /// In the order in which they were done.
    pub(crate) deeds: Vec<Deed>,
    files: Vec<(PathBuf, usize)>,
}

/// Takes aside all that is written down; a line that was torn by a power cut is left out, and
/// what cannot be read does not keep a room from running.
pub(crate) fn take(data: &Path) -> Taken {
    let aside = |number: usize| data.join(format!("guardian.{number}.jsonl"));
    if let Some(free) = (0..ASIDE).map(aside).find(|path| !path.exists()) {
        match std::fs::rename(file(data), free) {
            Err(error) if error.kind() != ErrorKind::NotFound => cannot("take", data, &error),
            _ => {}
        }
    }
    let mut taken = Taken::default();
    for path in (0..ASIDE).map(aside) {
        match std::fs::read(&path) {
            Ok(bytes) => taken.add(path, &bytes),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => cannot("read", &path, &error),
        }
    }
    taken.deeds.sort_by_key(|deed| deed.at);
    taken
}

impl Taken {
    fn add(&mut self, path: PathBuf, bytes: &[u8]) {
        let text = String::from_utf8_lossy(bytes);
        let deeds = text.lines().map(serde_json::from_str);
        self.deeds.extend(deeds.filter_map(Result::ok));
        self.files.push((path, bytes.len()));
    }

    /// The log has them. What was written since they were read stays for the next host.
    pub(crate) fn forget(self) {
        for (path, read) in self.files {
            let whole = std::fs::metadata(&path).is_ok_and(|file| file.len() == read as u64);
            if whole && let Err(error) = std::fs::remove_file(&path) {
                cannot("remove", &path, &error);
            }
        }
    }
}

fn cannot(verb: &str, path: &Path, error: &io::Error) {
    let path = path.display();
    tracing::error!("cannot {verb} what the guardian did, in {path}: {error}");
}

#[cfg(test)]
mod tests {
    use super::*;
    use growbox_model::DeviceId;

    fn arrival(from: Option<f64>, breaks_min_on: bool) -> Arrival {
        Arrival {
            device: DeviceId::new("lamp").unwrap(),
            from,
            to: 0.0,
            breaks_min_on,
        }
    }

    fn written(seconds: u64, why: &str) -> Deed {
        deed(&arrival(Some(1.0), false), Instant(seconds), why).unwrap()
    }

    #[test]
    fn who_breaks_a_minimum_on_says_so_and_who_moved_nothing_says_nothing() {
        let told = |arrival| deed(&arrival, Instant(0), "guardian: it hung").map(|deed| deed.why);
        assert_eq!(
            told(arrival(Some(1.0), true)).as_deref(),
            Some("guardian: it hung; breaks the minimum on")
        );
        assert_eq!(
            told(arrival(None, false)).as_deref(),
            Some("guardian: it hung")
        );
        assert_eq!(told(arrival(Some(0.0), false)), None);
    }

    #[test]
    fn what_is_done_while_a_host_begins_is_there_for_the_next() {
        let data = tempfile::tempdir().unwrap();
        let data = data.path();
        let (before, meanwhile, late) = (written(1, "a"), written(2, "b"), written(3, "c"));
        keep(data, &before).unwrap();
        let taken = take(data);
        assert_eq!(taken.deeds, std::slice::from_ref(&before));
        keep(data, &meanwhile).unwrap();
        // A host that ended before its log had them: they are told again.
        let again = take(data);
        assert_eq!(again.deeds, [before, meanwhile.clone()]);
        keep(data, &late).unwrap();
        again.forget();
        let last = take(data);
        assert_eq!(last.deeds, [late]);
        last.forget();
        assert!(take(data).deeds.is_empty());
        assert_eq!(std::fs::read_dir(data).unwrap().count(), 0);
    }

    #[test]
    fn what_grew_since_it_was_read_is_kept_and_a_torn_line_spoils_no_other() {
        let data = tempfile::tempdir().unwrap();
        let data = data.path();
        std::fs::write(file(data), b"{\"at\":17,\"dev\xff").unwrap();
        keep(data, &written(1, "a")).unwrap();
        let taken = take(data);
        assert_eq!(taken.deeds, [written(1, "a")]);
        let path = taken.files[0].0.clone();
        let mut open = OpenOptions::new().append(true).open(&path).unwrap();
        open.write_all(b"\n").unwrap();
        taken.forget();
        assert!(path.exists());
    }
}
