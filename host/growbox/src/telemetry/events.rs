//! What the host says of itself in its log: each event a type, its name and fields stable.
//!
//! Whoever reads logs by program relies on `event` and the names of the fields; the message
//! is for people and may change. Nothing here carries a secret: neither tokens nor what a
//! configuration hides.

use std::net::SocketAddr;
use std::path::Path;

/// `host.started`: the edges are open.
pub(crate) struct Started<'a> {
    /// Where HTTP listens.
    pub(crate) address: SocketAddr,
    /// The data directory.
    pub(crate) data: &'a Path,
}

impl Started<'_> {
    pub(crate) fn tell(&self) {
        let Self { address, data } = self;
        tracing::info!(event = "host.started", %address, data = %data.display(),
            version = env!("CARGO_PKG_VERSION"), "growbox runs: http://{address}");
    }
}

/// `host.stopping`: the edges refuse, devices go to their safe levels.
pub(crate) struct Stopping<'a> {
    /// A signal, or what else ended it.
    pub(crate) reason: &'a str,
}

impl Stopping<'_> {
    pub(crate) fn tell(&self) {
        tracing::info!(event = "host.stopping", reason = self.reason, "ending");
    }
}

/// `storage.set_aside`: the log was damaged; the room runs on with a new one.
pub(crate) struct LogSetAside<'a> {
    /// Where the damaged one is now.
    pub(crate) path: &'a Path,
}

impl LogSetAside<'_> {
    pub(crate) fn tell(&self) {
        tracing::error!(event = "storage.set_aside", path = %self.path.display(),
            "the log was damaged and has been set aside; the room runs on with a new one");
    }
}

/// `clock.wrong_for_room`: a real room under a clock that is not the machine's.
pub(crate) struct WrongClock<'a> {
    /// The room's address.
    pub(crate) address: &'a str,
}

impl WrongClock<'_> {
    pub(crate) fn tell(&self) {
        tracing::error!(
            event = "clock.wrong_for_room",
            address = self.address,
            "a real room under a clock of its own: [node] clock = \"system\" is the only one for it"
        );
    }
}
