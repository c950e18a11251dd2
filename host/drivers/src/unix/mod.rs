//! `unix:PATH#NAME`: a room in another process, JSON lines both ways over its socket.
//!
//! What is known and what follows from it is [`session`], pure. Here are the two threads per
//! socket: one connects, writes orders and watches deadlines; one reads. The caller of
//! [`Driver::send`] only leaves its order in the output's slot and goes on.

pub(crate) mod lines;
mod session;
pub(crate) mod wire;

use std::collections::BTreeSet;
use std::io::{self, ErrorKind, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use growbox_model::{Objection, Span, Text};

use crate::back_off::BackOff;
use crate::driver::{Driver, DriverEvent, Order, Sink};
use crate::machine;

use lines::Lines;
use session::Session;

/// A room that takes no bytes for this long is as good as gone.
const WRITE_TIMEOUT: Duration = Duration::from_secs(2);

/// Where nothing is awaited the writer wakes this often, only to wait again.
const IDLE: Span = Span::hours(1);

/// How patient the client is, in machine time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// An order that is not confirmed for this long has failed.
    pub confirm_within: Span,
    /// The wait after the first connection that failed; doubles from there.
    pub first_retry: Span,
    /// The longest wait between two tries.
    pub longest_retry: Span,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            confirm_within: Span::seconds(5),
            first_retry: Span::millis(200),
            longest_retry: Span::seconds(5),
        }
    }
}

/// The growbox side of one room's socket.
#[derive(Debug)]
pub struct UnixRoom {
    prefix: String,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    session: Mutex<Session>,
    wake: Sender<()>,
    stopping: AtomicBool,
}

impl UnixRoom {
    /// Serves the named outputs and sensors of the room behind `path`. Connecting goes on in the
    /// background, for ever; what comes of it is told to the sink.
    ///
    /// # Errors
    ///
    /// `no_thread` where the system gives none.
    pub fn open(
        path: &str,
        outputs: &[Text],
        sensors: &[Text],
        patience: Patience,
        sink: Sink,
    ) -> Result<Self, Objection> {
        let (wake, woken) = bounded(1);
        let session = Session::new(path, patience.confirm_within, outputs, sensors);
        let shared = Arc::new(Shared {
            session: Mutex::new(session),
            wake,
            stopping: AtomicBool::new(false),
        });
        let client = Client {
            path: path.to_owned(),
            shared: shared.clone(),
            sink,
            woken,
            telling: Mutex::default(),
        };
        thread::Builder::new()
            .name(format!("unix:{path}"))
            .spawn(move || client.run(patience))
            .map_err(|error| {
                Objection::new("no_thread", format!("no thread for unix:{path}: {error}"))
            })?;
        Ok(Self {
            prefix: format!("unix:{path}#"),
            shared,
        })
    }
}

impl Driver for UnixRoom {
    fn send(&mut self, order: Order) -> Vec<DriverEvent> {
        let point = order.address.strip_prefix(&self.prefix).unwrap_or_default();
        let events = self.shared.session().order(point, &order, machine::now());
        self.shared.wake();
        events
    }

    fn attach(&mut self, point: &str) -> Result<Vec<DriverEvent>, Objection> {
        Ok(self.shared.session().attach(point))
    }

    fn detach(&mut self, point: &str) {
        self.shared.session().detach(point);
    }

    fn listen(&mut self, points: &BTreeSet<Text>) {
        self.shared.session().listen(points);
    }

    fn simulated(&self) -> Option<bool> {
        self.shared.session().simulated()
    }
}

impl Drop for UnixRoom {
    /// Orders that were given are still written; nothing waits for it.
    fn drop(&mut self) {
        self.shared.stopping.store(true, Ordering::Release);
        self.shared.wake();
    }
}

impl Shared {
    /// Held only for pure steps, never while waiting.
    fn session(&self) -> MutexGuard<'_, Session> {
        self.session.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One token is enough: who is woken looks at everything.
    fn wake(&self) {
        let _ = self.wake.try_send(());
    }

    fn stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }
}

/// The threads' side.
struct Client {
    path: String,
    shared: Arc<Shared>,
    sink: Sink,
    woken: Receiver<()>,
    /// Whose turn it is to tell.
    telling: Mutex<()>,
}

impl Client {
    fn run(self, patience: Patience) {
        let mut back_off = BackOff::new(patience.first_retry, patience.longest_retry);
        while !self.shared.stopping() {
            let begun = machine::now();
            let reason = match UnixStream::connect(&self.path) {
                Ok(stream) => self.converse(&stream),
                Err(error) => format!("cannot connect to {}: {error}", self.path),
            };
            let ended = machine::now();
            self.step(|session| session.lost(&reason));
            tracing::debug!(path = self.path, reason, "room not connected");
            let wait = back_off.after(machine::until(ended, begun));
            self.rest(Span(ended.0.saturating_add(wait.0)));
        }
    }

    /// Waits, whatever orders come meanwhile: they stay in their slots.
    fn rest(&self, until: Span) {
        while !self.shared.stopping() {
            let left = machine::until(until, machine::now());
            if left == Span::ZERO
                || self.woken.recv_timeout(left.duration()) == Err(RecvTimeoutError::Disconnected)
            {
                return;
            }
        }
    }

    /// Talks until the connection ends; returns why it did.
    fn converse(&self, stream: &UnixStream) -> String {
        self.step(Session::connected);
        let ended = AtomicBool::new(false);
        let (read, written) = thread::scope(|scope| {
            let reader = scope.spawn(|| {
                let reason = self.read(stream);
                ended.store(true, Ordering::Release);
                self.shared.wake();
                reason
            });
            let written = self.write(stream, &ended);
            // Ends the reader too. An error means that the connection is gone already.
            let _ = stream.shutdown(Shutdown::Both);
            (reader.join(), written)
        });
        match (written, read) {
            (Err(error), _) => format!("connection lost: {error}"),
            (Ok(()), Ok(reason)) => format!("connection lost: {reason}"),
            (Ok(()), Err(_)) => "connection lost: its reader failed".to_owned(),
        }
    }

    /// Reads until the connection ends; returns why it did.
    fn read(&self, mut stream: &UnixStream) -> String {
        let mut lines = Lines::default();
        let mut chunk = [0; 8192];
        loop {
            match stream.read(&mut chunk) {
                Ok(0) => return "the room closed it".to_owned(),
                Ok(length) => {
                    for line in lines.feed(&chunk[..length]) {
                        self.step(|session| session.line(&line));
                    }
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return error.to_string(),
            }
        }
    }

    /// Writes what is wanted whenever something is, until the reader has ended or the driver is gone.
    fn write(&self, mut stream: &UnixStream, ended: &AtomicBool) -> io::Result<()> {
        stream.set_write_timeout(Some(WRITE_TIMEOUT))?;
        loop {
            let stopping = self.shared.stopping();
            let frames = self.shared.session().frames(machine::now());
            stream.write_all(&frames.bytes)?;
            self.tell(frames.then);
            if stopping || ended.load(Ordering::Acquire) {
                return Ok(());
            }
            self.await_news();
            self.step(|session| session.overdue(machine::now()));
        }
    }

    fn await_news(&self) {
        let now = machine::now();
        let deadline = self.shared.session().next_deadline();
        let wait = deadline.map_or(IDLE, |deadline| machine::until(deadline, now));
        // Woken or late makes no difference: the caller looks at everything.
        let _ = self.woken.recv_timeout(wait.duration());
    }

    /// Takes a step and tells what comes of it: one thread's news after the other's, but the
    /// session is let go before, since the sink may wait for whoever waits in [`Driver::send`].
    fn step(&self, step: impl FnOnce(&mut Session) -> Vec<DriverEvent>) {
        let _turn = self.telling.lock().unwrap_or_else(PoisonError::into_inner);
        let events = step(&mut self.shared.session());
        self.tell(events);
    }

    fn tell(&self, events: Vec<DriverEvent>) {
        for event in events {
            (self.sink)(event);
        }
    }
}

#[cfg(test)]
mod tests;
