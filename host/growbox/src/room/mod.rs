//! A running room: everything wired together, and nothing else.
//!
//! ```text
//!  tokio      HTTP ──▶ desk ─┐                     ┌─▶ log-writer
//!  drivers    unix, …  ──────┤                     ├─▶ drivers (one-slot mailboxes)
//!  plugins    actors ────────┼─▶ heart: the flow ──┼─▶ actors  (one batch each)
//!  supervisor files, loader ─┘   one thread        └─▶ desk    (answers, live events)
//! ```
//!
//! Only messages pass between them. The heart owns the flow; nothing waits for a plug-in.

mod clock;
mod data;
mod desk;
mod embedded;
mod heart;
mod mqtt;
mod outbound;
mod points;
mod ports;
mod reload;
mod safekeeping;
mod spoken;
mod storage;
mod supervisor;
mod watch;

use std::net::{SocketAddr, TcpListener};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use crossbeam_channel::{Sender, bounded};
use growbox_drivers::mqtt::Running;
use growbox_drivers::{DriverEvent, Drivers, Options as DriverOptions, Sink};
use growbox_flow::{Flow, Start, UtcOffset};
use growbox_model::commit::Restored;
use growbox_model::room::ClockForm;
use growbox_model::{Deed, RoomSpec, Span};
use growbox_outbound::Pulse;
use growbox_storage::{Limits, Log};

pub(crate) use clock::boot_time;
pub use data::DataDirectory;
pub use desk::Desk;
pub use supervisor::COMPILE;

use crate::config::{Checked, Configuration, StorageSpec};
use crate::guardian::deeds;
use crate::telemetry::events;
use heart::{Heart, Message};
use outbound::{Beats, Outside, Renewal};
use points::Points;
use ports::LivePorts;
use reload::Reload;
use safekeeping::Safekeeping;
use supervisor::Supervisor;

/// Messages that may wait for the heart.
const INBOX: usize = 4096;
/// The longest a clean end takes after the queue has drained.
const LAST_COMMIT: Duration = Duration::from_secs(3);
/// The longest the first commit may take.
const FIRST_COMMIT: Duration = Duration::from_secs(10);
/// Retention where the configuration says for ever.
const FOR_EVER: Span = Span(u64::MAX);

/// A room that runs.
pub struct Room {
    /// What the edges talk to.
    pub desk: Arc<Desk>,
    /// Where HTTP listens.
    pub address: SocketAddr,
    listener: Option<TcpListener>,
    token: String,
    inbox: Sender<Message>,
    hurry: Arc<AtomicBool>,
    heart: JoinHandle<()>,
    log: Log,
    broker: Option<Running>,
    reload: Option<Reload>,
    renewal: Renewal,
    data: DataDirectory,
    _pulse: Option<Pulse>,
}

impl Room {
    /// Opens log, drivers, plug-ins and the port, and lets the flow begin. Edges open last.
    ///
    /// # Errors
    /// In words: what could not be opened, where, and what to do.
    pub fn open(
        configuration: Configuration,
        data: &DataDirectory,
        listen: Option<SocketAddr>,
        guardian: Option<UnixStream>,
    ) -> anyhow::Result<Self> {
        let Configuration {
            room,
            api,
            storage,
            mqtt,
            notify,
            ..
        } = configuration;
        let token = data.token()?;
        let listen = listen.unwrap_or(api.listen);
        let listener = TcpListener::bind(listen).with_context(|| {
            format!("cannot listen on {listen}; name another address with --listen ADDR")
        })?;
        let address = listener.local_addr()?;

        let (inbox, messages) = bounded(INBOX);
        let limits = limits_of(&storage);
        let (log, mut restored) = open_log(data, limits, inbox.clone())?;
        (restored.same_boot, restored.ended) = data.boot()?;
        let points = Points::of(&room);
        let sink = driver_sink(&room, &points, inbox.clone());
        let mut drivers = open_drivers(&room, &points, &sink)?;
        let behind = mqtt.as_ref().map(mqtt::behind);
        let broker = mqtt.map(|mqtt| mqtt::Broker::open(mqtt, &points, &mut drivers, &sink));
        let supervisor = Supervisor::new(&room, data, &log, inbox.clone())?;
        let tasks = supervisor.tasks();
        let actors = supervisor.actors();
        let desk = Arc::new(Desk::new(&room, inbox.clone(), &log, supervisor.ledger()));
        let outside = Outside::open(&notify, room.node.clock, inbox.clone())?;
        let renewal = outside.renewal();
        let beats = Beats::default();
        let (safekeeping, opening) =
            Safekeeping::begin(data.path().to_owned(), guardian, behind, beats.clone())?;
        let ports = LivePorts::new(
            log.clone(),
            actors,
            (drivers, points),
            desk.clone(),
            tasks.clone(),
            data.path().to_owned(),
            (outside, safekeeping),
        );
        let mut done = deeds::take(data.path());
        let flow = start_flow(room.clone(), restored, std::mem::take(&mut done.deeds))?;
        let hurry = Arc::new(AtomicBool::new(false));
        let heart = Heart::new(flow, ports, messages, hurry.clone(), beats.clone());
        let watched = Watched(desk.clone());
        let heart = std::thread::Builder::new()
            .name("flow".into())
            .spawn(move || watched.over(heart))?;
        let loaded = supervisor.start()?;
        loaded
            .recv()
            .map_err(|_| anyhow!("the plug-in supervisor ended while it loaded"))?;
        // Numbers may be shown only once the start that founds them is on disk: a second crash
        // before that would give them out again.
        if !log.flush(FIRST_COMMIT) {
            bail!("the log does not become durable: {}", why_not(&log));
        }
        done.forget();
        let broker = broker.map(|broker| broker.start(&desk));
        let commits = storage.commit_interval.duration();
        let pulse = outbound::start_pulse(&notify, commits, beats, log.clone())?;
        data.write_address(address)?;
        opening.tell();
        Ok(Self {
            desk,
            broker,
            address,
            listener: Some(listener),
            token,
            inbox,
            hurry,
            heart,
            log,
            reload: None,
            renewal,
            data: data.clone(),
            _pulse: pulse,
        })
    }

    /// Follows the configuration file it was opened from: what changes there is taken over while
    /// the room runs, or refused with its reasons.
    ///
    /// # Errors
    /// When the file cannot be watched.
    pub fn follow(&mut self, file: &Path, running: Checked) -> anyhow::Result<()> {
        let renewal = self.renewal.clone();
        let (inbox, log) = (self.inbox.clone(), self.log.clone());
        let reload = Reload::begin(file, running, inbox, log, renewal)?;
        self.reload = Some(reload);
        Ok(())
    }

    /// What looks at the configuration file anew when it is told to, where one is followed.
    pub fn reload(&self) -> Option<impl Fn() + Send + 'static> {
        self.reload.as_ref().map(Reload::by_hand)
    }

    /// Serves HTTP until `ended`, then ends cleanly.
    ///
    /// # Errors
    /// When the flow or the port fails, or the last commit does not reach the disk in time.
    pub async fn serve(mut self, ended: impl Future<Output = &'static str>) -> anyhow::Result<()> {
        let listener = self
            .listener
            .take()
            .ok_or_else(|| anyhow!("served already"))?;
        let (close, closed) = tokio::sync::oneshot::channel::<()>();
        let serving = tokio::spawn(growbox_api::serve(
            listener,
            self.desk.clone(),
            self.token.clone(),
            async move { drop(closed.await) },
        ));
        let reason = tokio::select! {
            reason = ended => reason,
            () = self.desk.heart_stopped() => bail!("the flow has ended; the log says why"),
        };
        events::Stopping { reason }.tell();
        self.desk.close();
        let broker = self.broker.take();
        let finished = tokio::task::spawn_blocking(move || self.finish(reason));
        let hurry = finished.await?;
        // Last, since the safe levels go through it.
        if let Some(broker) = broker {
            broker.close().await;
        }
        drop(close);
        serving.await??;
        hurry
    }

    /// Queue drains, safe levels, last commit.
    fn finish(self, reason: &'static str) -> anyhow::Result<()> {
        self.inbox
            .send(Message::End(reason))
            .map_err(|_| anyhow!("the flow has ended already"))?;
        self.heart
            .join()
            .map_err(|_| anyhow!("the flow panicked while it ended"))?;
        if self.log.flush(LAST_COMMIT) {
            self.log.close();
            if let Err(error) = self.data.note_end(clock::machine().boot) {
                tracing::warn!("when it ended is not kept: {error:#}");
            }
            Ok(())
        } else {
            bail!("the last commit is not durable: {}", why_not(&self.log))
        }
    }

    /// Lets a second TERM skip the queue.
    pub fn hurry(&self) -> Arc<AtomicBool> {
        self.hurry.clone()
    }
}

/// What hinders the log from being written.
fn why_not(log: &Log) -> String {
    let slow = || "the disk takes too long".to_owned();
    log.health().error.map_or_else(slow, |why| why.to_string())
}

/// Tells a room to skip to its safe levels.
pub fn skip(hurry: &AtomicBool) {
    hurry.store(true, Ordering::Release);
}

/// Tells the desk when the heart stops, by whatever way.
struct Watched(Arc<Desk>);

impl Watched {
    fn over(self, heart: Heart) {
        heart.beat();
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.0.tell_heart_stopped();
    }
}

/// How the log is kept, as configured.
fn limits_of(storage: &StorageSpec) -> Limits {
    Limits {
        commit_interval: storage.commit_interval.duration(),
        retention: storage.retention.unwrap_or(FOR_EVER),
        ..Limits::default()
    }
}

fn open_log(
    data: &DataDirectory,
    limits: Limits,
    inbox: Sender<Message>,
) -> anyhow::Result<(Log, Restored)> {
    let options = growbox_storage::Options {
        limits,
        ..growbox_storage::Options::new(clock::machine().wall)
    };
    let durable = move |seq| {
        // A full inbox means that the heart is awake; it asks the log itself.
        let _ = inbox.try_send(Message::Input(growbox_flow::Input::Durable(seq)));
    };
    let (log, restored) = growbox_storage::open(data.path(), &options, durable)?;
    if let Some(aside) = log.health().set_aside {
        events::LogSetAside { path: &aside }.tell();
    }
    Ok((log, restored))
}

/// What drivers say becomes what the flow hears.
fn driver_sink(room: &RoomSpec, points: &Points, inbox: Sender<Message>) -> Sink {
    let known = points.clone();
    let real_time = room.node.clock == ClockForm::System;
    Arc::new(move |event| {
        if let DriverEvent::Attached {
            address,
            simulated: false,
        } = &event
            && !real_time
        {
            events::WrongClock { address }.tell();
            // A heart that is gone means that the host is ending.
            let _ = inbox.send(Message::End("a real room needs the system clock"));
            return;
        }
        if let Some(input) = known.input(event) {
            // A heart that is gone means that the host is ending.
            let _ = inbox.send(Message::Input(input));
        }
    })
}

fn open_drivers(room: &RoomSpec, points: &Points, sink: &Sink) -> anyhow::Result<Drivers> {
    let outputs = room.devices.values().map(|device| &*device.output);
    let sources = points.sources();
    let sources = sources.iter().map(|source| &**source);
    Drivers::open(outputs, sources, DriverOptions::default(), sink).map_err(|objections| {
        let all: Vec<String> = objections.iter().map(ToString::to_string).collect();
        anyhow!("drivers: {}", all.join("; "))
    })
}

fn start_flow(room: RoomSpec, restored: Restored, deeds: Vec<Deed>) -> anyhow::Result<Flow> {
    let utc_offset = utc_offset(&room.node.time_zone)?;
    Ok(Flow::start(Start {
        room,
        restored,
        machine: clock::machine(),
        utc_offset,
        version: env!("CARGO_PKG_VERSION").into(),
        deeds,
    }))
}

fn utc_offset(zone: &str) -> anyhow::Result<UtcOffset> {
    let zone =
        jiff::tz::TimeZone::get(zone).with_context(|| format!("[node] time_zone {zone:?}"))?;
    Ok(Box::new(move |instant| {
        let stamp = jiff::Timestamp::from_nanosecond(i128::from(instant.0)).unwrap_or_default();
        zone.to_offset(stamp).seconds()
    }))
}
