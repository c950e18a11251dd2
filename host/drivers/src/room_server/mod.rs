//! The far side of `unix:`: a simulated tent behind a socket, as `growbox sim` runs it.
//!
//! One thread owns the tent and moves it by the machine clock; one accepts; one reads each
//! connection. One connection counts, the newest: whoever comes takes the room over, and the one
//! before is closed. When nobody is connected the tent goes on, and what was set with `within`
//! ends all the same: that is what it is for.

mod room;

use std::io::{self, ErrorKind, Read, Write};
use std::net::Shutdown;
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileTypeExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded, select};
use growbox_model::{Objection, Span};

use crate::machine;
use crate::tent::Switch;
use crate::unix::lines::{Line, Lines};
use crate::unix::wire::{self, FromRoom};
use room::Happened;

pub use room::ServedRoom;

/// A growbox that takes no bytes for this long is dropped: the tent does not wait.
const WRITE_TIMEOUT: Duration = Duration::from_secs(1);

/// Lines read and not yet taken. A reader that is ahead waits, and its sender with it.
const LINES_AHEAD: usize = 64;

/// What the system lacks for a connection may be there a little later.
const REST_AFTER_ERROR: Duration = Duration::from_millis(100);

/// However slow the tent, it is looked after this often.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// Faster than this the clock's own grain would show.
const FASTEST: f64 = 100_000.0;

/// Listens at `path`. A socket that a dead process left behind is replaced.
///
/// # Errors
///
/// `AddrInUse` where a living process listens there or the path is something else than a
/// socket; whatever the system says otherwise.
pub fn listen(path: &Path) -> io::Result<UnixListener> {
    match UnixListener::bind(path) {
        Err(error) if error.kind() == ErrorKind::AddrInUse && is_left_behind(path) => {
            std::fs::remove_file(path)?;
            UnixListener::bind(path)
        }
        result => result,
    }
}

fn is_left_behind(path: &Path) -> bool {
    // Connecting to a plain file is refused just as to a socket nobody listens on.
    let is_socket = std::fs::symlink_metadata(path).is_ok_and(|file| file.file_type().is_socket());
    is_socket
        && matches!(UnixStream::connect(path), Err(error) if error.kind() == ErrorKind::ConnectionRefused)
}

/// Serves the room to whoever connects, `speed` seconds of the tent a second, until `stop` says
/// so or loses its sender. `record` hears of every switch of an output: what really happened.
///
/// # Errors
///
/// `bad_speed` where `speed` is not above 0 and at most 100 000, `no_socket` where the system
/// does not let the listener be used.
pub fn serve(
    listener: UnixListener,
    room: ServedRoom,
    speed: f64,
    stop: &Receiver<()>,
    record: impl FnMut(&Switch),
) -> Result<(), Objection> {
    if !(speed > 0.0 && speed <= FASTEST) {
        let message = format!("{speed} is no speed: more than 0, at most {FASTEST}");
        return Err(Objection::new("bad_speed", message));
    }
    let no_socket = |error: io::Error| Objection::new("no_socket", format!("no socket: {error}"));
    let end_of_listening = listener.try_clone().map_err(no_socket)?;
    let stopping = AtomicBool::new(false);
    let (arriving, arrivals) = bounded(1);
    thread::scope(|scope| {
        scope.spawn(|| accept(listener, arriving, &stopping));
        Server::new(room, speed, record).run(&arrivals, stop);
        stopping.store(true, Ordering::Release);
        drop(arrivals);
        shut(end_of_listening)
    })
    .map_err(no_socket)
}

/// Wakes whoever waits for a connection: a socket that is shut accepts no more.
fn shut(listener: UnixListener) -> io::Result<()> {
    UnixStream::from(OwnedFd::from(listener)).shutdown(Shutdown::Both)
}

#[allow(
    clippy::needless_pass_by_value,
    reason = "its end closes both: the socket, and the channel by which the server sees it"
)]
fn accept(listener: UnixListener, arriving: Sender<UnixStream>, stopping: &AtomicBool) {
    for stream in listener.incoming() {
        let taken = match stream {
            _ if stopping.load(Ordering::Acquire) => return,
            Ok(stream) => arriving.send(stream).is_ok(),
            Err(error) => {
                tracing::error!(%error, "cannot accept a connection");
                thread::sleep(REST_AFTER_ERROR);
                true
            }
        };
        if !taken {
            return;
        }
    }
}

/// What a connection's reader says, with the connection's number.
enum Spoken {
    Line(u64, Line),
    Ended(u64),
}

/// The thread that owns the tent.
struct Server<R> {
    room: ServedRoom,
    speed: f64,
    record: R,
    /// Machine time up to which the tent has lived.
    lived: Span,
    current: Option<Connection>,
    connections: u64,
}

/// The growbox that is connected.
struct Connection {
    number: u64,
    stream: Arc<UnixStream>,
}

impl<R: FnMut(&Switch)> Server<R> {
    fn new(room: ServedRoom, speed: f64, record: R) -> Self {
        Self {
            room,
            speed,
            record,
            lived: machine::now(),
            current: None,
            connections: 0,
        }
    }

    fn run(mut self, arrivals: &Receiver<UnixStream>, stop: &Receiver<()>) {
        let (speaking, spoken) = bounded(LINES_AHEAD);
        loop {
            select! {
                recv(stop) -> _ => break,
                recv(arrivals) -> stream => match stream {
                    Ok(stream) => self.arrived(stream, &speaking),
                    Err(_) => break,
                },
                recv(spoken) -> said => match said {
                    Ok(said) => self.said(said),
                    Err(_) => break,
                },
                default(self.until_due()) => self.live(),
            }
        }
        self.hang_up();
    }

    fn until_due(&self) -> Duration {
        let due = Duration::try_from_secs_f64(self.room.next_due().as_seconds() / self.speed);
        let passed = machine::until(machine::now(), self.lived).duration();
        due.unwrap_or(LONGEST_WAIT)
            .min(LONGEST_WAIT)
            .saturating_sub(passed)
    }

    /// Lets the tent live up to now.
    fn live(&mut self) {
        let now = machine::now();
        let passed = machine::until(now, self.lived).as_seconds() * self.speed;
        self.lived = now;
        let happened = self
            .room
            .advance(Span::from_seconds(passed).unwrap_or(Span(u64::MAX)));
        self.happened(&happened);
    }

    fn happened(&mut self, happened: &Happened) {
        happened.switches.iter().for_each(&mut self.record);
        self.tell(&happened.lines);
    }

    /// The newest connection takes the place of the one before.
    fn arrived(&mut self, stream: UnixStream, speaking: &Sender<Spoken>) {
        self.live();
        self.hang_up();
        self.connections += 1;
        match Connection::begin(self.connections, stream, speaking.clone()) {
            Ok(connection) => self.current = Some(connection),
            Err(error) => tracing::error!(%error, "cannot serve a connection"),
        }
        let greeting = self.room.greeting();
        self.tell(&greeting);
    }

    fn said(&mut self, said: Spoken) {
        match said {
            Spoken::Line(number, line) if self.is_current(number) => self.line(&line),
            Spoken::Ended(number) if self.is_current(number) => self.hang_up(),
            Spoken::Line(..) | Spoken::Ended(_) => {}
        }
    }

    fn is_current(&self, number: u64) -> bool {
        self.current
            .as_ref()
            .is_some_and(|connection| connection.number == number)
    }

    fn line(&mut self, line: &Line) {
        self.live();
        match self.room.line(line) {
            Ok(happened) => self.happened(&happened),
            Err(refusal) => tracing::error!(%refusal, "line ignored"),
        }
    }

    fn tell(&mut self, lines: &[FromRoom]) {
        let Some(connection) = &self.current else {
            return;
        };
        let bytes: Vec<u8> = lines.iter().flat_map(wire::line).collect();
        if let Err(error) = (&*connection.stream).write_all(&bytes) {
            tracing::warn!(%error, "connection lost");
            self.hang_up();
        }
    }

    fn hang_up(&mut self) {
        if let Some(connection) = self.current.take() {
            // An error means that it is gone already.
            let _ = connection.stream.shutdown(Shutdown::Both);
        }
    }
}

impl Connection {
    fn begin(number: u64, stream: UnixStream, speaking: Sender<Spoken>) -> io::Result<Self> {
        stream.set_write_timeout(Some(WRITE_TIMEOUT))?;
        let stream = Arc::new(stream);
        let heard = stream.clone();
        thread::Builder::new()
            .name(format!("connection {number}"))
            .spawn(move || read(number, &heard, &speaking))?;
        Ok(Self { number, stream })
    }
}

/// Reads until the connection or the server has ended.
fn read(number: u64, mut stream: &UnixStream, speaking: &Sender<Spoken>) {
    let mut lines = Lines::default();
    let mut chunk = [0; 8192];
    loop {
        let length = match stream.read(&mut chunk) {
            Ok(length) => length,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(_) => 0,
        };
        for line in lines.feed(&chunk[..length]) {
            if speaking.send(Spoken::Line(number, line)).is_err() {
                return;
            }
        }
        if length == 0 {
            // A server that is gone need not be told.
            let _ = speaking.send(Spoken::Ended(number));
            return;
        }
    }
}

#[cfg(test)]
mod tests;
