//! `growbox run`: a room from its configuration until TERM.

use std::io::Read as _;
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use tokio::signal::unix::{SignalKind, signal};

use crate::cli::{Environment, Exit, RunArgs, data_directory};
use crate::config::{self, Checked, Configuration};
use crate::guardian::{Help, guard};
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
    let configuration = checked.configuration.clone();
    let has_guardian = !args.bare && configuration.is_some();
    if !has_guardian {
        eprint!("{checked}");
    }
    let Some(configuration) = configuration else {
        return Exit::Wrong.into();
    };
    let log = telemetry::start_lossy(args.log_format);
    let environment = Environment::of_process();
    let place = data_directory(data, configuration.data.as_deref(), &environment);
    if has_guardian {
        let help = Help::of(&configuration, &args.config);
        return guard(&place.data, help).unwrap_or_else(|error| end(Err(error)));
    }
    let guardian = match args.guarded.then(guardian).transpose() {
        Ok(guardian) => guardian,
        Err(error) => {
            eprintln!("error: --guarded is how the guardian starts its host: {error}");
            return Exit::Wrong.into();
        }
    };
    let lived = live(
        configuration,
        (&args.config, checked),
        &place.data,
        args.listen,
        guardian,
    );
    // What went before is written before the reason of the end.
    drop(log);
    end(lived)
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
    guardian: Option<UnixStream>,
) -> anyhow::Result<()> {
    let runtime = runtime()?;
    let lived = runtime.block_on(async {
        // First of all: a signal that nobody listens for ends the process.
        let hangup = signal(SignalKind::hangup())?;
        let mut ended = Signals::new()?;
        let data = DataDirectory::open(data)?;
        let orphaned = guardian.as_ref().map(orphaned).transpose()?;
        let room = tokio::task::block_in_place(|| {
            let mut room = Room::open(configuration, &data, listen, guardian)?;
            room.follow(file, checked)?;
            anyhow::Ok(room)
        })?;
        reload_on(hangup, &room);
        let (address, data) = (room.address, data.path());
        telemetry::events::Started { address, data }.tell();
        let hurry = room.hurry();
        let first = async move {
            let reason = tokio::select! {
                reason = ended.next() => reason,
                reason = guardian_gone(orphaned) => reason,
            };
            tokio::spawn(async move {
                ended.next().await;
                skip(&hurry);
            });
            reason
        };
        room.serve(first).await
    });
    // Who looks up a broker's name may do so for minutes; the end does not wait for that.
    runtime.shutdown_background();
    lived
}

/// The guardian, which is this process's standard input.
fn guardian() -> std::io::Result<UnixStream> {
    let stream = UnixStream::from(std::io::stdin().as_fd().try_clone_to_owned()?);
    stream.peer_addr().map(|_| stream)
}

/// What tells that the guardian has gone: it says nothing, so that its end is all that comes.
fn orphaned(guardian: &UnixStream) -> anyhow::Result<tokio::sync::oneshot::Receiver<()>> {
    let mut guardian = guardian.try_clone()?;
    let (gone, told) = tokio::sync::oneshot::channel();
    std::thread::Builder::new()
        .name("orphaned".into())
        .spawn(move || {
            let mut byte = [0];
            while guardian.read(&mut byte).is_ok_and(|read| read > 0) {}
            // A host that ends by itself does not listen any more.
            let _ = gone.send(());
        })
        .context("no thread to watch the guardian")?;
    Ok(told)
}

async fn guardian_gone(told: Option<tokio::sync::oneshot::Receiver<()>>) -> &'static str {
    match told {
        // Whether told or torn down, it is not there any more.
        Some(told) => drop(told.await),
        None => std::future::pending().await,
    }
    "the guardian is gone"
}

/// HUP: the configuration file is looked at anew. One that came before the room was open counts.
fn reload_on(mut hangup: tokio::signal::unix::Signal, room: &Room) {
    if let Some(reload) = room.reload() {
        tokio::spawn(async move {
            while hangup.recv().await.is_some() {
                reload();
            }
        });
    }
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
