//! What the flow, the readers and the writer share: the tail, and how the writer fares.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use growbox_model::ports::Written;
use growbox_model::{Commit, Seq, Span};

use crate::position::Position;
use crate::tail::{Gap, Pending, Rhythm, Tail};

/// What may change while the log runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// How long a commit waits for company.
    pub commit_interval: Duration,
    /// Events taken longer ago (room time) are removed.
    pub retention: Span,
    /// The database grows to so many bytes at most; none: as far as the disk reaches.
    pub max_bytes: Option<u64>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            commit_interval: Duration::from_secs(1),
            retention: Span::hours(24 * 90),
            max_bytes: None,
        }
    }
}

/// How the log fares.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Health {
    /// Events that are not durable yet.
    pub pending_events: usize,
    /// The memory they take, estimated.
    pub pending_bytes: usize,
    /// How long the oldest of them has waited.
    pub oldest_unwritten: Option<Duration>,
    /// How long the newest group took.
    pub last_commit: Duration,
    /// Groups written since the start.
    pub groups: u64,
    /// Why the newest try failed; none while all is well.
    pub error: Option<String>,
    /// Whether ordinary ingestion is refused.
    pub full: bool,
    /// The newest durable event.
    pub durable: Seq,
    /// The first event still in the log.
    pub first: Seq,
    /// What was dropped and not yet recorded.
    pub gap: Option<Gap>,
    /// Where the damaged database of before is, when the start had to set it aside.
    pub set_aside: Option<PathBuf>,
}

#[derive(Debug, Default)]
struct Status {
    commits: u64,
    groups: u64,
    durable: Seq,
    first: Seq,
    last_commit: Duration,
    error: Option<String>,
    ended: bool,
}

/// One per log.
#[derive(Debug)]
pub(crate) struct Shared {
    tail: Mutex<Tail>,
    arrived: Condvar,
    status: Mutex<Status>,
    written: Condvar,
    limits: Mutex<Limits>,
    closing: AtomicBool,
    /// Somebody waits who cannot wait for long.
    pressed: AtomicBool,
    group_events: usize,
    set_aside: Option<PathBuf>,
}

impl Shared {
    pub(crate) fn new(
        tail: Tail,
        position: &Position,
        first: Seq,
        limits: Limits,
        group_events: usize,
        set_aside: Option<PathBuf>,
    ) -> Self {
        Self {
            tail: Mutex::new(tail),
            arrived: Condvar::new(),
            status: Mutex::new(Status {
                commits: position.commits,
                durable: position.last,
                first,
                ..Status::default()
            }),
            written: Condvar::new(),
            limits: Mutex::new(limits),
            closing: AtomicBool::new(false),
            pressed: AtomicBool::new(false),
            group_events,
            set_aside,
        }
    }

    /// The tail, for a moment.
    pub(crate) fn tail(&self) -> MutexGuard<'_, Tail> {
        lock(&self.tail)
    }

    /// Takes a commit in; wakes the writer where that changes when it has to act.
    pub(crate) fn push(&self, commit: Commit) {
        let urgent = commit.urgent;
        let mut tail = self.tail();
        let before = tail.load().0;
        let idle = tail.load().2.is_none();
        tail.push(commit, Instant::now());
        let grown = before < self.group_events && tail.load().0 >= self.group_events;
        if idle || urgent || grown {
            self.arrived.notify_one();
        }
    }

    /// Blocks the writer until a group is due. None: everything is written and nobody holds the log.
    pub(crate) fn wait_for_group(
        &self,
        last_group: Instant,
        not_before: Instant,
        urgent_gap: Duration,
    ) -> Option<Vec<Arc<Pending>>> {
        let mut tail = self.tail();
        loop {
            let now = Instant::now();
            let rhythm = Rhythm {
                interval: self.limits().commit_interval,
                urgent_gap,
                group_events: self.group_events,
            };
            let pressed = self.pressed.load(Ordering::Acquire);
            let not_before = if pressed { last_group } else { not_before };
            let due = tail.due(last_group, &rhythm).map(|due| due.max(not_before));
            tail = match due {
                None if self.closing() => return None,
                None => wait(&self.arrived, tail, None),
                Some(due) if self.closing() || due <= now => {
                    self.pressed.store(false, Ordering::Release);
                    return Some(tail.group(self.group_events));
                }
                Some(due) => wait(&self.arrived, tail, Some(due - now)),
            };
        }
    }

    /// A group is durable.
    pub(crate) fn wrote(
        &self,
        commits: usize,
        position: &Position,
        first: Option<Seq>,
        took: Duration,
    ) {
        self.tail().settle(commits);
        let mut status = lock(&self.status);
        status.commits = position.commits;
        status.durable = position.last;
        status.first = first.unwrap_or(status.first);
        status.groups += 1;
        status.last_commit = took;
        status.error = None;
        self.written.notify_all();
    }

    /// A group could not be written.
    pub(crate) fn failed(&self, error: &rusqlite::Error) {
        lock(&self.status).error = Some(error.to_string());
    }

    /// The writer is gone.
    pub(crate) fn ended(&self) {
        let mut status = lock(&self.status);
        status.ended = true;
        if !self.closing() {
            status.error = Some("the writer has stopped; restart growbox".into());
        }
        self.written.notify_all();
    }

    /// Nobody holds the log any more.
    pub(crate) fn close(&self) {
        let _tail = self.tail();
        self.closing.store(true, Ordering::Release);
        self.arrived.notify_one();
    }

    pub(crate) fn closing(&self) -> bool {
        self.closing.load(Ordering::Acquire)
    }

    /// Waits until everything handed over so far is durable. False: the time ran out, or the
    /// writer has ended.
    pub(crate) fn flush(&self, at_most: Duration) -> bool {
        // What failed before is tried once more at once: its pause may be longer than this.
        self.pressed.store(true, Ordering::Release);
        let wanted = self.hurry();
        let until = Instant::now() + at_most;
        let mut status = lock(&self.status);
        while status.commits < wanted {
            let left = until.saturating_duration_since(Instant::now());
            if status.ended || left.is_zero() {
                return false;
            }
            status = wait(&self.written, status, Some(left));
        }
        true
    }

    /// Makes what waits urgent; the number of its newest commit.
    fn hurry(&self) -> u64 {
        let mut tail = self.tail();
        tail.hurry();
        self.arrived.notify_one();
        tail.number()
    }

    pub(crate) fn limits(&self) -> Limits {
        *lock(&self.limits)
    }

    pub(crate) fn set_limits(&self, limits: Limits) {
        *lock(&self.limits) = limits;
        let _tail = self.tail();
        self.arrived.notify_one();
    }

    pub(crate) fn written(&self) -> Written {
        let handed = self.tail().number();
        let durable = lock(&self.status).commits;
        Written { handed, durable }
    }

    pub(crate) fn durable(&self) -> Seq {
        lock(&self.status).durable
    }

    pub(crate) fn first(&self) -> Seq {
        lock(&self.status).first
    }

    pub(crate) fn health(&self) -> Health {
        let ((pending_events, pending_bytes, oldest), full, gap) = {
            let tail = self.tail();
            (tail.load(), tail.full(), tail.gap())
        };
        let status = lock(&self.status);
        Health {
            pending_events,
            pending_bytes,
            oldest_unwritten: oldest.map(|since| since.elapsed()),
            last_commit: status.last_commit,
            groups: status.groups,
            error: status.error.clone(),
            full,
            durable: status.durable,
            first: status.first,
            gap,
            set_aside: self.set_aside.clone(),
        }
    }
}

/// A thread that panicked while it held one of these left no half-made change behind.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn wait<'a, T>(
    condition: &Condvar,
    guard: MutexGuard<'a, T>,
    at_most: Option<Duration>,
) -> MutexGuard<'a, T> {
    match at_most {
        None => condition
            .wait(guard)
            .unwrap_or_else(PoisonError::into_inner),
        Some(time) => {
            condition
                .wait_timeout(guard, time)
                .unwrap_or_else(PoisonError::into_inner)
                .0
        }
    }
}
