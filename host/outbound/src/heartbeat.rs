//! The heartbeat: a call to the outside as long as all is well, so that somebody notices silence.

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use growbox_model::effect::Call;
use growbox_model::origin::origin_of;

use crate::book::Book;
use crate::http::{self, PATIENCE};
use crate::secret::Purse;

/// A silent moment is not the end: it is looked at again after so long.
const AGAIN: Duration = Duration::from_secs(1);

/// What is pinged, and how often.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heartbeat {
    /// The address; secrets by name.
    pub url: String,
    /// How often.
    pub every: Duration,
}

/// A thread that pings; it ends when this is dropped, without waiting for a ping under way.
#[derive(Debug)]
pub struct Pulse {
    // Dropped, it ends the thread.
    _end: SyncSender<()>,
    _thread: JoinHandle<()>,
}

impl Pulse {
    /// Pings as long as `alive` says so. The first ping comes at once.
    ///
    /// # Errors
    /// Where the machine has no thread for it.
    pub fn start(
        heartbeat: Heartbeat,
        book: Book,
        alive: impl Fn() -> bool + Send + 'static,
    ) -> std::io::Result<Self> {
        let (end, ended) = sync_channel(0);
        let thread = std::thread::Builder::new()
            .name("heartbeat".into())
            .spawn(move || beat(&heartbeat, &book, alive, &ended))?;
        Ok(Self {
            _end: end,
            _thread: thread,
        })
    }
}

fn beat(heartbeat: &Heartbeat, book: &Book, alive: impl Fn() -> bool, ended: &Receiver<()>) {
    let agent = http::agent(PATIENCE);
    let mut failing = false;
    loop {
        let wait = if alive() {
            let pinged = ping(&agent, heartbeat, book);
            tell(&pinged, &mut failing);
            heartbeat.every
        } else {
            AGAIN
        };
        if ended.recv_timeout(wait) != Err(RecvTimeoutError::Timeout) {
            return;
        }
    }
}

fn ping(agent: &ureq::Agent, heartbeat: &Heartbeat, book: &Book) -> Result<(), String> {
    let call = Call {
        key: "heartbeat".into(),
        method: "GET".into(),
        url: heartbeat.url.clone(),
        headers: Vec::new(),
        body: Vec::new(),
    };
    let origin = origin_of(&call.url).map_err(|objection| objection.message)?;
    let reply = http::perform(agent, &call, &origin, &mut Purse::new(book, &origin))?;
    match reply.status {
        200..300 => Ok(()),
        status => Err(format!("{origin} answers with status {status}")),
    }
}

/// A change is told, not each ping.
fn tell(pinged: &Result<(), String>, failing: &mut bool) {
    match pinged {
        Err(why) if !*failing => tracing::warn!("the heartbeat does not get through: {why}"),
        Ok(()) if *failing => tracing::info!("the heartbeat gets through again"),
        _ => {}
    }
    *failing = pinged.is_err();
}
