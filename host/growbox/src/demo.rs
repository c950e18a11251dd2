//! `growbox demo`: the simulated tent with the first-party plug-ins at work, on one screen.

mod page;
mod seen;

use std::io::{IsTerminal as _, Write as _};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use growbox_api::Host as _;
use growbox_model::Event;
use growbox_model::room::ClockForm;
use growbox_model::row::{Answer, Question};

use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::TryRecvError;

use crate::cli::{DemoArgs, Environment, data_directory};
use crate::config::{self, Configuration, Surroundings};
use crate::room::{DataDirectory, Desk, Room, skip};
use crate::run::{Signals, end, runtime};
use page::Frame;
use seen::{Seen, Shown};

/// What the demo runs: the same file a reader finds among the examples.
const TENT: &str = include_str!("../../../examples/tent.toml");
/// An empty screen.
const CLEAR_SCREEN: &str = "\x1b[2J";
/// How often the screen is drawn, and how often a line is printed where there is no screen.
const DRAW_EVERY: Duration = Duration::from_millis(500);
const PRINT_EVERY: Duration = Duration::from_secs(5);

/// Carries out `growbox demo`.
pub fn demo(args: &DemoArgs, data: Option<&Path>) -> ExitCode {
    crate::telemetry::start(true, crate::telemetry::LogFormat::Text);
    end(perform(args, data))
}

fn perform(args: &DemoArgs, data: Option<&Path>) -> anyhow::Result<()> {
    let configuration = tent(args.speed)?;
    let own = tempfile::Builder::new()
        .prefix("growbox-demo-")
        .tempdir()
        .context("no temporary directory")?;
    let named = data
        .map(Path::to_owned)
        .or_else(|| Environment::of_process().growbox_data);
    let path = match &named {
        Some(data) => data_directory(Some(data), None, &Environment::default()).data,
        None => own.path().to_owned(),
    };
    let data = DataDirectory::open(&path)?;
    let listen = args.listen.unwrap_or(configuration.api.listen);
    runtime()?.block_on(show(configuration, &data, listen, args))
}

/// The example, with the speed asked for.
fn tent(speed: f64) -> anyhow::Result<Configuration> {
    let around = Surroundings {
        file: "examples/tent.toml",
        folder: Path::new("."),
        time_zone: &config::system_time_zone(),
        exists: &|_| true,
    };
    let checked = config::read(TENT, &around);
    let mut configuration = checked
        .configuration
        .with_context(|| "the demo's own configuration is wrong")?;
    configuration.room.node.clock = ClockForm::Scaled(speed);
    Ok(configuration)
}

async fn show(
    configuration: Configuration,
    data: &DataDirectory,
    listen: std::net::SocketAddr,
    args: &DemoArgs,
) -> anyhow::Result<()> {
    let mut signals = Signals::new()?;
    let open = |listen| {
        tokio::task::block_in_place(|| Room::open(configuration.clone(), data, Some(listen), None))
    };
    let room = match open(listen) {
        Err(error) if args.listen.is_none() && in_use(&error) => open(([127, 0, 0, 1], 0).into())?,
        opened => opened?,
    };
    let hurry = room.hurry();
    let frame = Frame {
        speed: args.speed,
        url: format!("http://{}", room.address),
        data: data.path().display().to_string(),
        zone: jiff::tz::TimeZone::get(&configuration.room.node.time_zone)?,
        lights_on: configuration
            .room
            .zones
            .values()
            .find_map(|zone| zone.lights_on),
        colour: std::env::var_os("NO_COLOR").is_none(),
    };
    let mut seen = Seen::default();
    let desk = room.desk.clone();
    let length = args.seconds.map(Duration::from_secs_f64);
    let (tell, told) = tokio::sync::oneshot::channel();
    let ended = async move {
        let reason = tokio::select! {
            reason = signals.next() => reason,
            reason = watch(&desk, &frame, &mut seen, length) => reason,
        };
        tokio::spawn(async move {
            signals.next().await;
            skip(&hurry);
        });
        // The receiver lives until the end of this function.
        let _ = tell.send((frame, seen));
        reason
    };
    room.serve(ended).await?;
    let (frame, seen) = told.await.context("the demo ended before it began")?;
    finish(&frame, &seen)
}

fn in_use(error: &anyhow::Error) -> bool {
    let cause = error.downcast_ref::<std::io::Error>();
    cause.is_some_and(|error| error.kind() == std::io::ErrorKind::AddrInUse)
        || error.chain().any(|cause| {
            cause
                .downcast_ref::<std::io::Error>()
                .is_some_and(|e| e.kind() == std::io::ErrorKind::AddrInUse)
        })
}

/// Draws until the length is over.
async fn watch(
    desk: &Arc<Desk>,
    frame: &Frame,
    seen: &mut Seen,
    length: Option<Duration>,
) -> &'static str {
    let begun = Instant::now();
    let terminal = std::io::stdout().is_terminal();
    let every = if terminal { DRAW_EVERY } else { PRINT_EVERY };
    let mut live = desk.subscribe();
    let mut beat = tokio::time::interval(DRAW_EVERY);
    let mut printed: Option<Instant> = None;
    if terminal {
        print(CLEAR_SCREEN);
    }
    loop {
        beat.tick().await;
        hear(&mut live, seen);
        if let Some(shown) = look(desk, begun).await {
            seen.take(shown);
            if printed.is_none_or(|when| when.elapsed() >= every) {
                printed = Some(Instant::now());
                print(&if terminal {
                    frame.page(seen)
                } else {
                    frame.line(seen) + "\n"
                });
            }
        }
        if length.is_some_and(|length| begun.elapsed() >= length) {
            return "the demo is over";
        }
    }
}

/// Takes in what has been said since the last look; who lags behind has missed some of it.
fn hear(live: &mut Receiver<Arc<Event>>, seen: &mut Seen) {
    loop {
        match live.try_recv() {
            Ok(event) => seen.hear(&event),
            Err(TryRecvError::Lagged(_)) => {}
            Err(TryRecvError::Empty | TryRecvError::Closed) => return,
        }
    }
}

/// Where nobody reads, the demo goes on.
fn print(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

async fn look(desk: &Arc<Desk>, begun: Instant) -> Option<Shown> {
    let Ok(Answer::Zones(zones)) = desk.ask(Question::Zones).await else {
        return None;
    };
    let Ok(Answer::Devices(devices)) = desk.ask(Question::Devices).await else {
        return None;
    };
    let Ok(Answer::Plugins(plugins)) = desk.ask(Question::Plugins).await else {
        return None;
    };
    let Ok(Answer::Health(health)) = desk.ask(Question::Health).await else {
        return None;
    };
    let Ok(Answer::Alerts(alerts)) = desk.ask(Question::Alerts).await else {
        return None;
    };
    Some(Shown {
        zones,
        devices,
        plugins,
        alerts,
        health,
        events: desk.newest().0,
        seconds: begun.elapsed().as_secs_f64(),
    })
}

/// The summary, and whether it went well.
fn finish(frame: &Frame, seen: &Seen) -> anyhow::Result<()> {
    println!("\n{}\n{}", frame.line(seen), seen.summary());
    let troubles = seen.troubles();
    if troubles.is_empty() {
        Ok(())
    } else {
        bail!("it did not go well: {}", troubles.join("; "))
    }
}
