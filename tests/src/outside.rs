//! Devices outside the host: a simulated room behind `unix:` in this process, with a record of what really happened.
//!
//! Each output does as it is told, and puts itself to off when its `within` has run out. The
//! record bears the far side's own time: seconds of the room since it began. Lines are answered
//! by whoever reads them, and one thread minds the timers; nothing here knows what the host means.
//!
//! Its clock runs, or it is told the time step by step, as a host is under the events clock: then
//! what happened in a step bears where that began and where it ended.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::mem::MaybeUninit;
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::io::ioctl_fionread;
use serde_json::{Value, json};
use socket2::SockRef;

use crate::record::{By, Entry, What};

/// A host that takes no bytes for this long is dropped.
const WRITE_TIMEOUT: Duration = Duration::from_secs(2);

#[derive(Debug, Default)]
struct Output {
    level: f64,
    ends: Option<Timer>,
}

/// Ends an output so long after it was told to. In a step nobody knows yet when that was.
#[derive(Debug, Clone, Copy)]
struct Timer {
    within: f64,
    told: Stamp,
}

impl Timer {
    /// Not before, and by when.
    fn ends(self) -> Stamp {
        (self.told.0 + self.within, self.told.1 + self.within)
    }
}

#[derive(Debug, Default)]
struct State {
    outputs: BTreeMap<String, Output>,
    record: Vec<Entry>,
    stream: Option<UnixStream>,
    /// What stood on the line of the newest connection and is no whole line yet.
    heard: Vec<u8>,
    connections: u64,
    listening: u64,
    deaf: bool,
    ended: bool,
}

/// Seconds of the room since it began.
#[derive(Debug)]
enum Clock {
    /// So many a second, since then.
    Runs(Instant, f64),
    /// As it was told last: the bits of the number.
    Told(AtomicU64),
}

/// Not before, and by when.
type Stamp = (f64, f64);

#[derive(Debug)]
struct Shared {
    clock: Clock,
    path: PathBuf,
    state: Mutex<State>,
    news: Condvar,
}

/// The far side. It ends when it is dropped.
#[derive(Debug)]
pub struct Outside(Arc<Shared>);

impl Outside {
    /// Listens at `path`, everything off, `speed` seconds of the room a second.
    ///
    /// # Panics
    /// Where it cannot listen there.
    #[must_use]
    pub fn new(path: &Path, outputs: &[&str], speed: f64) -> Self {
        Self::with(path, outputs, Clock::Runs(Instant::now(), speed))
    }

    /// The same, where time passes only by [`Outside::pass_to`].
    ///
    /// # Panics
    /// Where it cannot listen there.
    #[must_use]
    pub fn told(path: &Path, outputs: &[&str]) -> Self {
        Self::with(path, outputs, Clock::Told(AtomicU64::new(0)))
    }

    fn with(path: &Path, outputs: &[&str], clock: Clock) -> Self {
        let new = |name: &&str| ((*name).to_owned(), Output::default());
        let state = State {
            outputs: outputs.iter().map(new).collect(),
            ..State::default()
        };
        let shared = Arc::new(Shared {
            clock,
            path: path.to_owned(),
            state: Mutex::new(state),
            news: Condvar::new(),
        });
        if let Clock::Runs(_, speed) = shared.clock {
            let timers = shared.clone();
            std::thread::spawn(move || timers.mind(speed));
        }
        shared.listen();
        Self(shared)
    }

    /// Seconds of the room since it began.
    #[must_use]
    pub fn now(&self) -> f64 {
        self.0.now()
    }

    /// A step is over: what was to happen in it has happened, and now it is `to`.
    pub fn pass_to(&self, to: f64) {
        let Clock::Told(now) = &self.0.clock else {
            return;
        };
        let mut state = self.0.state();
        self.0.hear(&mut state);
        for entry in state
            .record
            .iter_mut()
            .rev()
            .take_while(|entry| entry.until > to)
        {
            entry.until = to;
        }
        for timer in state.outputs.values_mut().filter_map(|o| o.ends.as_mut()) {
            timer.told.1 = timer.told.1.min(to);
        }
        let from = f64::from_bits(now.swap(to.to_bits(), Ordering::AcqRel));
        state.sweep_step(from, to);
    }

    /// Somebody notes what they saw or did.
    pub fn note(&self, what: What) {
        self.0.state().note(self.0.stamp(), what);
    }

    /// Everything that happened so far.
    #[must_use]
    pub fn record(&self) -> Vec<Entry> {
        self.0.state().record.clone()
    }

    /// What happened at or after a moment of the room.
    #[must_use]
    pub fn record_since(&self, at: f64) -> Vec<Entry> {
        let state = self.0.state();
        let before = state.record.partition_point(|entry| entry.at < at);
        state.record[before..].to_vec()
    }

    /// Where an output is.
    ///
    /// # Panics
    /// Where there is no such output.
    #[must_use]
    pub fn level(&self, output: &str) -> f64 {
        self.0.state().outputs[output].level
    }

    /// A sensor says something to whoever is connected; false where nobody is.
    pub fn say(&self, sensor: &str, quantity: &str, value: f64) -> bool {
        let reading = json!({"reading": {"sensor": sensor, "quantity": quantity, "value": value}});
        let mut state = self.0.state();
        let stamp = self.0.stamp();
        let said = state.write(&reading);
        if said {
            state.note(stamp, What::Said(sensor.to_owned(), value));
        }
        said
    }

    /// Somebody at the device moves it.
    pub fn turn(&self, output: &str, level: f64) {
        let mut state = self.0.state();
        state.put(output, level, None, self.0.stamp(), By::Hand);
        state.tell(output);
    }

    /// Goes away: connections end, and nobody listens. Outputs stay as they are.
    pub fn vanish(&self) {
        {
            let mut state = self.0.state();
            state.listening += 1;
            state.note(self.0.stamp(), What::Lost);
            state.hang_up();
        }
        // Wakes who waits for a connection; they see that it is over.
        drop(UnixStream::connect(&self.0.path));
        drop(std::fs::remove_file(&self.0.path));
    }

    /// Listens again.
    ///
    /// # Panics
    /// Where it cannot.
    pub fn appear(&self) {
        self.note(What::Returned);
        self.0.listen();
    }

    /// From now on it lets hosts in and never reads what they write, or reads again.
    pub fn deafen(&self, deaf: bool) {
        let mut state = self.0.state();
        state.deaf = deaf;
        let what = if deaf { What::Lost } else { What::Returned };
        state.note(self.0.stamp(), what);
        state.hang_up();
    }
}

impl Drop for Outside {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let record = self.record();
            let newest = record.len().saturating_sub(80);
            eprintln!("--- the newest of what happened outside");
            for entry in &record[newest..] {
                eprintln!("{:10.3} {:?}", entry.at, entry.what);
            }
        }
        self.0.state().ended = true;
        self.0.news.notify_all();
        self.vanish();
    }
}

impl State {
    fn note(&mut self, (at, until): Stamp, what: What) {
        self.record.push(Entry { at, until, what });
    }

    /// Ends the connection; its reader sees that it is not the newest any more.
    fn hang_up(&mut self) {
        self.connections += 1;
        self.heard.clear();
        if let Some(stream) = self.stream.take() {
            // An error means that it is gone already.
            drop(stream.shutdown(Shutdown::Both));
        }
    }

    fn write(&mut self, line: &Value) -> bool {
        let Some(stream) = &mut self.stream else {
            return false;
        };
        let written = writeln!(stream, "{line}").is_ok();
        if !written {
            self.stream = None;
        }
        written
    }

    fn tell(&mut self, output: &str) {
        let level = self.outputs[output].level;
        self.write(&json!({"state": {"output": output, "level": level}}));
    }

    fn put(&mut self, output: &str, level: f64, ends: Option<Timer>, stamp: Stamp, by: By) {
        let Some(state) = self.outputs.get_mut(output) else {
            return;
        };
        state.ends = ends;
        if state.level != level {
            state.level = level;
            self.note(stamp, What::Switched(output.to_owned(), level, by));
        }
    }

    /// Ends what has run out, as a timer does that looks now.
    fn sweep(&mut self, now: f64) {
        for (name, _) in self.over(now) {
            self.put(&name, 0.0, None, (now, now), By::Timer);
            self.tell(&name);
        }
    }

    /// Ends what has run out since the last step, each at its own moment.
    fn sweep_step(&mut self, from: f64, to: f64) {
        for (name, (earliest, latest)) in self.over(to) {
            let stamp = (earliest.max(from), latest);
            self.put(&name, 0.0, None, stamp, By::Timer);
            self.tell(&name);
        }
    }

    /// Outputs whose time has run out for certain, the first one first.
    fn over(&self, now: f64) -> Vec<(String, Stamp)> {
        let ends = |(name, output): (&String, &Output)| Some((name.clone(), output.ends?.ends()));
        let mut over: Vec<(String, Stamp)> = self.outputs.iter().filter_map(ends).collect();
        over.retain(|(_, ends)| ends.1 <= now);
        over.sort_by(|one, other| one.1.0.total_cmp(&other.1.0));
        over
    }
}

impl Shared {
    fn now(&self) -> f64 {
        match &self.clock {
            Clock::Runs(begun, speed) => begun.elapsed().as_secs_f64() * speed,
            Clock::Told(bits) => f64::from_bits(bits.load(Ordering::Acquire)),
        }
    }

    /// Where the time is told, nobody knows yet when the step ends.
    fn stamp(&self) -> Stamp {
        let now = self.now();
        match &self.clock {
            Clock::Runs(..) => (now, now),
            Clock::Told(_) => (now, f64::INFINITY),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Minds the timers until the end.
    fn mind(&self, speed: f64) {
        let mut state = self.state();
        while !state.ended {
            let now = self.now();
            state.sweep(now);
            let ends = state.outputs.values().filter_map(|output| output.ends);
            let next = ends
                .map(|timer| timer.ends().1)
                .fold(f64::INFINITY, f64::min);
            let wait = ((next - now) / speed).clamp(0.0, 1.0);
            let waited = self.news.wait_timeout(state, Duration::from_secs_f64(wait));
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn listen(self: &Arc<Self>) {
        let listener = UnixListener::bind(&self.path).expect("the folder takes a socket");
        let number = {
            let mut state = self.state();
            state.listening += 1;
            state.listening
        };
        let shared = self.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if shared.state().listening != number {
                    return;
                }
                shared.clone().joined(stream);
            }
        });
    }

    /// The newest connection counts. What it is told first: that this is a simulation, every level.
    fn joined(self: Arc<Self>, stream: UnixStream) {
        let Ok(reading) = stream.try_clone() else {
            return;
        };
        drop(stream.set_write_timeout(Some(WRITE_TIMEOUT)));
        let mut state = self.state();
        state.hang_up();
        state.stream = Some(stream);
        let number = state.connections;
        state.note(self.stamp(), What::Joined);
        state.write(&json!({"simulated": true}));
        let outputs: Vec<String> = state.outputs.keys().cloned().collect();
        for output in &outputs {
            state.tell(output);
        }
        let deaf = state.deaf;
        drop(state);
        if !deaf {
            std::thread::spawn(move || self.read(&reading, number));
        }
    }

    /// Takes what the host writes for as long as the connection is the newest. Nothing is taken
    /// off the line but under the lock: so whoever has that knows what was heard, and what not.
    fn read(&self, stream: &UnixStream, number: u64) {
        let waits = || SockRef::from(stream).peek(&mut [MaybeUninit::uninit()]);
        while waits().is_ok_and(|bytes| bytes > 0) {
            let mut state = self.state();
            if state.connections != number {
                return;
            }
            self.hear(&mut state);
            if state.stream.is_none() {
                break;
            }
        }
        let mut state = self.state();
        if state.connections == number {
            state.note(self.stamp(), What::HungUp);
            state.hang_up();
        }
    }

    /// Takes everything that stands on the line now.
    fn hear(&self, state: &mut State) {
        let Some(mut stream) = state.stream.as_ref().filter(|_| !state.deaf) else {
            return;
        };
        let there = ioctl_fionread(stream).unwrap_or(0);
        let mut bytes = vec![0; usize::try_from(there).unwrap_or(0)];
        if stream.read_exact(&mut bytes).is_err() {
            return;
        }
        state.heard.extend(bytes);
        while let Some(end) = state.heard.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = state.heard.drain(..=end).collect();
            self.take(&line, state);
        }
    }

    /// Every set is answered with the output's level, changed or not.
    fn take(&self, line: &[u8], state: &mut State) {
        if let Clock::Runs(..) = self.clock {
            state.sweep(self.now());
        }
        let set = &serde_json::from_slice::<Value>(line).expect("the host writes JSON")["set"];
        let output = set["output"].as_str().expect("a set names its output");
        let level = set["level"].as_f64().expect("a set has a level");
        let told = self.stamp();
        let ends = set["within"].as_f64().map(|within| Timer { within, told });
        let ends = ends.filter(|_| level > 0.0);
        state.put(output, level, ends, told, By::Order);
        state.tell(output);
        self.news.notify_all();
    }
}
