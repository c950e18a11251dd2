//! How much of everything the edge takes at once, each with its reason.

use std::time::Duration;

/// The bounds of the edge. The defaults are the contract's; tests tighten them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Longest body in bytes. 10 000 ordinary events are about 2 MiB.
    pub body_bytes: usize,
    /// Most events in one request: 8 MiB of `0,` would otherwise become gigabytes of refusals.
    pub events: usize,
    /// Bytes of all bodies being received or parsed together: many slow clients cost no more.
    pub all_bodies_bytes: usize,
    /// A body must be complete after so long.
    pub body_time: Duration,
    /// Posts at once; each may wait for room in the queue.
    pub posts: usize,
    /// Open streams; each is a reader of the log when it falls behind.
    pub streams: usize,
    /// Threads reading the log at once, whoever asks.
    pub log_readers: usize,
    /// How long a request waits for a free reader.
    pub log_time: Duration,
    /// Most bytes of events in one page; a page cut short says where to go on.
    pub page_bytes: usize,
    /// Connections at once; more wait in the backlog of the socket.
    pub connections: usize,
    /// A connection on which nothing moves is let go after so long. Longer than any answer takes.
    pub idle: Duration,
    /// Longest wait for the host's answer.
    pub answer_time: Duration,
    /// A quiet stream says that it lives this often; well under `idle`.
    pub keep_alive: Duration,
    /// What runs at the end of the host has this long to finish.
    pub farewell: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes: 8 << 20,
            events: 50_000,
            all_bodies_bytes: 64 << 20,
            body_time: Duration::from_secs(30),
            posts: 64,
            streams: 64,
            log_readers: 4,
            log_time: Duration::from_secs(10),
            page_bytes: 16 << 20,
            connections: 256,
            idle: Duration::from_secs(120),
            answer_time: Duration::from_secs(60),
            keep_alive: Duration::from_secs(15),
            farewell: Duration::from_secs(2),
        }
    }
}
