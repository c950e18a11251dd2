//! The command line: what a person types becomes a command; those that ask a running host are carried out here.
//!
//! ```text
//!  words ──▶ args ──▶ Command::Local  ──▶ the binary itself (run, demo, sim, check …)
//!                └──▶ Command::Asking ──▶ place: where is the host? ──▶ client: HTTP ──▶ show: text or JSON
//! ```
//!
//! Exit codes: 0 done, 1 failed, 2 wrong usage or configuration, 3 host not reachable.

mod age;
mod args;
mod ask;
mod check;
mod client;
mod device;
mod failure;
mod ingest;
mod notify_test;
mod options;
mod place;
mod show;
mod sse;
mod zone_set;

#[cfg(test)]
mod tests;

use std::ffi::OsString;
use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;

pub use age::When;
pub use args::{Asking, Local};
pub use check::check;
pub use failure::{Exit, Failure};
pub use options::{
    CheckArgs, DemoArgs, DiscoverArgs, EventFilter, Export, Format, IngestArgs, OrderArgs, RunArgs,
    SafeArgs, SimArgs, ZoneSetArgs,
};
pub use place::{Environment, Place, data_directory};
pub use show::manifest_text;

/// What was typed.
#[derive(Debug, Clone, PartialEq)]
pub struct Command {
    /// `--data`.
    pub data: Option<std::path::PathBuf>,
    /// What to do.
    pub task: Task,
}

/// Who carries a command out.
#[derive(Debug, Clone, PartialEq)]
pub enum Task {
    /// The binary itself.
    Local(Local),
    /// A running host, asked over HTTP.
    Asking(Asking),
}

/// Reads the command line.
///
/// # Errors
///
/// Help, version or wrong usage: it has been printed, and the exit code is returned.
pub fn parse(words: impl IntoIterator<Item = OsString>) -> Result<Command, ExitCode> {
    args::read(words).map_err(|shown| {
        // Where not even this can be printed there is nobody to tell.
        let _ = shown.print();
        if shown.use_stderr() {
            Exit::Wrong.into()
        } else {
            Exit::Done.into()
        }
    })
}

/// Asks the running host and shows its answer.
pub fn perform(asking: &Asking, data: Option<&Path>) -> ExitCode {
    let place = place::of_client(data, &Environment::of_process());
    let mut out = std::io::stdout().lock();
    let asked = ask::perform(asking, &place, &ask::here_and_now(), &mut out);
    let done = asked.and_then(|exit| out.flush().map(|()| exit).map_err(Failure::from));
    finish(done)
}

/// Carries out `growbox roles`.
pub fn roles(json: bool) -> ExitCode {
    let written = std::io::stdout().write_all(show::roles(json).as_bytes());
    finish(written.map(|()| Exit::Done).map_err(Failure::from))
}

/// An exit code for what became of a command; a failure is told on standard error.
pub fn finish(done: Result<Exit, Failure>) -> ExitCode {
    match done {
        Ok(exit) => exit.into(),
        Err(Failure::ReaderGone) => Exit::Done.into(),
        Err(failure) => {
            let _ = writeln!(std::io::stderr(), "error: {failure}");
            failure.exit().into()
        }
    }
}
