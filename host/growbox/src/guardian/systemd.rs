//! What systemd hears of the guardian, where it started it: readiness, life, the end, and a line of status.
//!
//! A thread of its own tells: a systemd that does not read holds up no device.

use crossbeam_channel::{Receiver, Sender, bounded};
use growbox_model::{Moment, Span};
use sd_notify::NotifyState;

/// Words that may wait for systemd; what is more is not said.
const WAITING: usize = 16;

enum Word {
    Alive,
    Ready,
    Status(String),
    Stopping,
}

/// Tells systemd, or nobody.
pub(crate) struct Systemd {
    words: Option<Sender<Word>>,
    /// How often it wants to hear that the guardian lives.
    every: Option<Span>,
    next: Moment,
}

impl Systemd {
    /// As the environment says.
    pub(crate) fn of_environment() -> Self {
        let mut micros = 0;
        let watched = sd_notify::watchdog_enabled(false, &mut micros);
        let listens = std::env::var_os("NOTIFY_SOCKET").is_some();
        Self {
            words: listens.then(begin).flatten(),
            // Twice in each interval, as its manual asks.
            every: watched.then_some(Span(micros.saturating_mul(1_000) / 2)),
            next: Moment(0),
        }
    }

    /// The guardian lives.
    pub(crate) fn beat(&mut self, now: Moment) {
        if let Some(every) = self.every
            && now >= self.next
        {
            self.next = now + every;
            self.say(Word::Alive);
        }
    }

    /// The host's edges are open.
    pub(crate) fn ready(&self) {
        self.say(Word::Ready);
    }

    /// What is going on instead.
    pub(crate) fn status(&self, status: String) {
        self.say(Word::Status(status));
    }

    /// The end has begun.
    pub(crate) fn stopping(&self) {
        self.say(Word::Stopping);
    }

    fn say(&self, word: Word) {
        if let Some(words) = &self.words {
            // Nothing waits for a systemd that is not listening.
            let _ = words.try_send(word);
        }
    }
}

fn begin() -> Option<Sender<Word>> {
    let (words, said) = bounded(WAITING);
    let telling = std::thread::Builder::new().name("systemd".into());
    match telling.spawn(move || pass_on(&said)) {
        Ok(_) => Some(words),
        Err(error) => {
            tracing::error!("no thread to tell systemd anything: {error}");
            None
        }
    }
}

fn pass_on(said: &Receiver<Word>) {
    for word in said {
        match &word {
            Word::Alive => tell(&[NotifyState::Watchdog]),
            Word::Ready => tell(&[NotifyState::Ready, NotifyState::Status("running")]),
            Word::Status(status) => tell(&[NotifyState::Status(status)]),
            Word::Stopping => tell(&[NotifyState::Stopping]),
        }
    }
}

fn tell(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(false, state) {
        tracing::warn!("cannot tell systemd: {error}");
    }
}
