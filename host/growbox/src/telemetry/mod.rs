//! Logs of the host itself: to standard error, as much as `GROWBOX_LOG` says, as text or JSON lines.
//!
//! In JSON each line is one object: `timestamp`, `level`, `target`, `message`, and the fields
//! of what happened side by side. What the host says of itself has a stable name in `event`;
//! all of these stand in `events`. A line that is not understood can be passed over.

pub(crate) mod events;
mod lossy;

use std::io::IsTerminal as _;

use clap::ValueEnum;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

use lossy::Lossy;

/// How a log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum LogFormat {
    /// For people
    #[default]
    Text,
    /// One JSON object a line, for programs
    Json,
}

/// Starts logging; `quiet` shows errors only. A second call changes nothing.
pub(crate) fn start(quiet: bool, format: LogFormat) {
    begin(quiet, format, std::io::stderr);
}

/// A log that is written beside what goes on; dropped, its last lines are written.
#[must_use = "dropped, nothing waits for what is said later"]
pub(crate) struct Log(Option<Lossy>);

/// Starts a log that never holds up who writes it.
pub(crate) fn start_lossy(format: LogFormat) -> Log {
    match Lossy::over(std::io::stderr()) {
        Ok(lossy) => {
            let each = lossy.clone();
            begin(false, format, move || each.clone());
            Log(Some(lossy))
        }
        Err(error) => {
            start(false, format);
            tracing::warn!("no thread for the log: {error}; who does not read it holds it up");
            Log(None)
        }
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        if let Some(lossy) = &self.0 {
            lossy.settle();
        }
    }
}

fn begin<W>(quiet: bool, format: LogFormat, writer: W)
where
    W: for<'writer> MakeWriter<'writer> + Send + Sync + 'static,
{
    let usual = if quiet { "error" } else { "info" };
    let filter = EnvFilter::try_from_env("GROWBOX_LOG").unwrap_or_else(|_| EnvFilter::new(usual));
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(writer);
    // Starting only fails where somebody has started before.
    let _ = match format {
        LogFormat::Text => lines.with_ansi(std::io::stderr().is_terminal()).try_init(),
        LogFormat::Json => lines
            .json()
            .flatten_event(true)
            .with_current_span(false)
            .with_span_list(false)
            .try_init(),
    };
}
