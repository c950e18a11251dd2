//! The host as the guardian's child: started, listened to, asked to end, killed.

use std::io::{BufRead as _, BufReader};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::Context as _;
use crossbeam_channel::{Receiver, Sender, unbounded};
use rustix::process::{Pid, Signal, kill_process};

use super::watch::End;
use super::word::Word;

/// The last words of a host that is gone come within this.
const LAST_WORDS: Duration = Duration::from_millis(200);

/// A host, and the pipe by which it sees that its guardian lives.
pub(crate) struct Host {
    process: Child,
    words: Receiver<Word>,
    _pipe: UnixStream,
}

impl Host {
    /// Starts this very program with the same words, as a host alone. A terminal's signals reach
    /// the guardian only, and systemd hears of it through the guardian.
    pub(crate) fn start() -> anyhow::Result<Self> {
        let (ours, theirs) = UnixStream::pair().context("no pipe to the host")?;
        let process = Command::new("/proc/self/exe")
            .args(std::env::args_os().skip(1))
            .args(["--bare", "--guarded"])
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .process_group(0)
            .env_remove("NOTIFY_SOCKET")
            .env_remove("WATCHDOG_USEC")
            .env_remove("WATCHDOG_PID")
            .spawn()
            .context("cannot start the host")?;
        let (sender, words) = unbounded();
        let pipe = ours.try_clone().context("no pipe to the host")?;
        std::thread::Builder::new()
            .name("words".into())
            .spawn(move || pass_on(ours, &sender))
            .context("no thread to listen to the host")?;
        Ok(Self {
            process,
            words,
            _pipe: pipe,
        })
    }

    /// What it says.
    pub(crate) fn words(&self) -> &Receiver<Word> {
        &self.words
    }

    /// What it said before it ended.
    pub(crate) fn last_words(&self) -> Vec<Word> {
        let words = || self.words.recv_timeout(LAST_WORDS).ok();
        std::iter::from_fn(words).collect()
    }

    /// How it ended, once it has.
    pub(crate) fn ended(&mut self) -> Option<End> {
        let status = self.process.try_wait().ok()??;
        let by_signal = status.signal().map(End::Signal);
        let code = status.code().and_then(|code| u8::try_from(code).ok());
        Some(by_signal.unwrap_or(End::Code(code.unwrap_or(1))))
    }

    /// Sends it a signal; it is not waited for yet, so that its number is its own.
    pub(crate) fn signal(&self, signal: Signal) {
        if let Err(error) = kill_process(Pid::from_child(&self.process), signal) {
            tracing::error!("cannot send {signal:?} to the host: {error}");
        }
    }
}

/// Until the host closes its end. A word this version does not know is passed over.
fn pass_on(pipe: UnixStream, words: &Sender<Word>) {
    for line in BufReader::new(pipe).lines() {
        let Ok(line) = line else { return };
        let Ok(word) = serde_json::from_str(&line) else {
            tracing::warn!("the host said something its guardian does not understand");
            continue;
        };
        if words.send(word).is_err() {
            return;
        }
    }
}
