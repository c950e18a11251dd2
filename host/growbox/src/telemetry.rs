//! Logs of the host itself: to standard error, as much as `GROWBOX_LOG` says.

use tracing_subscriber::EnvFilter;

/// Starts logging; `quiet` shows warnings only. A second call changes nothing.
pub(crate) fn start(quiet: bool) {
    let usual = if quiet { "error" } else { "info" };
    let filter = EnvFilter::try_from_env("GROWBOX_LOG").unwrap_or_else(|_| EnvFilter::new(usual));
    // Only fails where somebody has set one before.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))
        .try_init();
}
