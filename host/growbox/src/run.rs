//! `growbox run`: a room from its configuration until TERM.

use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use tokio::signal::unix::{SignalKind, signal};

use crate::cli::{Environment, Exit, RunArgs, data_directory};
use crate::config::{self, Checked, Configuration};
use crate::room::{DataDirectory, Room, skip};
use crate::telemetry;

/// Carries out `growbox run`.
pub fn run(args: &RunArgs, data: Option<&Path>) -> ExitCode {
    let checked = match config::load(&args.config) {
        Ok(checked) => checked,
        Err(error) => {
            eprintln!("error: {error}");
            return Exit::Wrong.into();
        }
    };
    eprint!("{checked}");
    let Some(configuration) = checked.configuration.clone() else {
        return Exit::Wrong.into();
    };
    telemetry::start(false, args.log_format);
    let environment = Environment::of_process();
    let place = data_directory(data, configuration.data.as_deref(), &environment);
    end(live(
        configuration,
        (&args.config, checked),
        &place.data,
        args.listen,
    ))
}

/// The exit code of how it ended; a failure is told with its causes.
pub(crate) fn end(done: anyhow::Result<()>) -> ExitCode {
    match done {
        Ok(()) => Exit::Done.into(),
        Err(error) => {
            eprintln!("error: {}", told(&error));
            Exit::Failed.into()
        }
    }
}

/// An error and its causes, each said once.
fn told(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if !text.contains(&cause) {
            let between = if text.is_empty() { "" } else { ": " };
            text.push_str(between);
            text.push_str(&cause);
        }
    }
    text
}

fn live(
    configuration: Configuration,
    (file, checked): (&Path, Checked),
    data: &Path,
    listen: Option<std::net::SocketAddr>,
) -> anyhow::Result<()> {
    let data = DataDirectory::open(data)?;
    runtime()?.block_on(async {
        let mut ended = Signals::new()?;
        let room = tokio::task::block_in_place(|| {
            let mut room = Room::open(configuration, &data, listen)?;
            room.follow(file, checked)?;
            anyhow::Ok(room)
        })?;
        reload_on_hangup(&room)?;
        let (address, data) = (room.address, data.path());
        telemetry::events::Started { address, data }.tell();
        let hurry = room.hurry();
        let first = async move {
            let reason = ended.next().await;
            tokio::spawn(async move {
                ended.next().await;
                skip(&hurry);
            });
            reason
        };
        room.serve(first).await
    })
}

/// HUP: the configuration file is looked at anew.
fn reload_on_hangup(room: &Room) -> anyhow::Result<()> {
    let mut hangup = signal(SignalKind::hangup())?;
    if let Some(reload) = room.reload() {
        tokio::spawn(async move {
            while hangup.recv().await.is_some() {
                reload();
            }
        });
    }
    Ok(())
}

/// Tokio for the edges: two threads are plenty beside the flow.
pub(crate) fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .context("no threads for the edges")
}

/// TERM and INT.
pub(crate) struct Signals {
    term: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

impl Signals {
    pub(crate) fn new() -> anyhow::Result<Self> {
        Ok(Self {
            term: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    pub(crate) async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.term.recv() => "TERM",
            _ = self.interrupt.recv() => "interrupted",
        }
    }
}
