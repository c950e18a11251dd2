//! What systemd hears of the guardian, where it started it: readiness, life, the end, and a line of status.

use growbox_model::{Moment, Span};
use sd_notify::NotifyState;

/// Tells systemd, or nobody.
pub(crate) struct Systemd {
    /// How often it wants to hear that the guardian lives.
    every: Option<Span>,
    next: Moment,
}

impl Systemd {
    /// As the environment says.
    pub(crate) fn of_environment() -> Self {
        let mut micros = 0;
        let watched = sd_notify::watchdog_enabled(false, &mut micros);
        Self {
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
            tell(&[NotifyState::Watchdog]);
        }
    }

    /// The host's edges are open.
    pub(crate) fn ready(&self) {
        tell(&[NotifyState::Ready, NotifyState::Status("running")]);
    }

    /// What is going on instead.
    pub(crate) fn status(&self, status: &str) {
        tell(&[NotifyState::Status(status)]);
    }

    /// The end has begun.
    pub(crate) fn stopping(&self) {
        tell(&[NotifyState::Stopping]);
    }
}

/// Without systemd this does nothing.
fn tell(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(false, state) {
        tracing::warn!("cannot tell systemd: {error}");
    }
}
