//! The live ports: behind them are the log, the actors, the drivers and the desk.

use std::path::PathBuf;
use std::sync::Arc;

use crossbeam_channel::Sender;
use growbox_drivers::{DriverEvent, Drivers, Order};
use growbox_flow::Input;
use growbox_model::ports::{BatchResult, DriveOrder, DriverReport, Ports, Ticket, Written};
use growbox_model::row::{Answer, ComponentRow};
use growbox_model::{
    Batch, Clock, Commit, DeviceSpec, Event, Fault, Generation, Instant, OpenCall, PluginId,
    RoomSpec, Seq, Span, Text,
};
use growbox_storage::{Log, Reader};

use super::desk::Desk;
use super::outbound::Outside;
use super::points::Points;
use super::safekeeping::Safekeeping;
use super::storage;
use super::supervisor::{Actors, Task};

/// The world, as the flow reaches it.
pub(super) struct LivePorts {
    log: Log,
    reader: Reader,
    actors: Arc<Actors>,
    drivers: Drivers,
    points: Points,
    desk: Arc<Desk>,
    tasks: Sender<Task>,
    /// Where the database is.
    data: PathBuf,
    outside: Outside,
    safekeeping: Safekeeping,
    /// What is known at once: to be heard in the next turn.
    heard: Vec<Input>,
}

impl LivePorts {
    pub(super) fn new(
        log: Log,
        actors: Arc<Actors>,
        (drivers, points): (Drivers, Points),
        desk: Arc<Desk>,
        tasks: Sender<Task>,
        data: PathBuf,
        (outside, safekeeping): (Outside, Safekeeping),
    ) -> Self {
        let reader = log.reader();
        Self {
            log,
            reader,
            actors,
            drivers,
            points,
            desk,
            tasks,
            data,
            outside,
            safekeeping,
            heard: Vec::new(),
        }
    }

    /// What has become known during a turn.
    pub(super) fn take_heard(&mut self) -> Vec<Input> {
        std::mem::take(&mut self.heard)
    }

    /// Lets simulated rooms live up to `wall`.
    pub(super) fn live_up_to(&mut self, wall: Instant) {
        let events = self.drivers.advance(wall);
        self.hear(events);
    }

    /// When a simulated room next has something to say.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.drivers.next_due()
    }

    /// What the log had to drop, as soon as it takes events again.
    pub(super) fn take_gap(&self) -> Option<Input> {
        let gap = (!self.log.is_full()).then(|| self.log.take_gap())??;
        Some(Input::Gap(gap.first, gap.last, gap.events))
    }

    pub(super) fn durable(&self) -> Seq {
        self.log.durable()
    }

    fn hear(&mut self, events: Vec<DriverEvent>) {
        self.heard.extend(
            events
                .into_iter()
                .filter_map(|event| self.points.input(event)),
        );
    }
}

impl Ports for LivePorts {
    fn commit(&mut self, commit: Commit) {
        let events = commit.events.clone();
        self.log.commit(commit);
        self.desk.publish(events);
    }

    fn written(&self) -> Written {
        self.log.written()
    }

    fn deliver(&mut self, batch: Batch) {
        let (plugin, generation, last) = (batch.plugin.clone(), batch.generation, batch.last);
        if let Err(why) = self.actors.deliver(batch) {
            self.heard.push(Input::Handled(BatchResult {
                plugin,
                generation,
                last,
                outcome: Err(Fault::Transient(why)),
                elapsed: Span::ZERO,
                memory_bytes: 0,
            }));
        }
    }

    fn drive(&mut self, order: DriveOrder) {
        let order = Order {
            address: order.output,
            level: order.level,
            within: order.within,
            pulse: order.pulse,
        };
        let events = self.drivers.send(order);
        self.hear(events);
    }

    fn safe_plan(&mut self, plan: growbox_model::SafePlan) {
        self.safekeeping.take(plan);
    }

    fn call(&mut self, call: OpenCall) {
        let refused = self.outside.call(call);
        self.heard.extend(refused.map(Input::Called));
    }

    fn answer(&mut self, ticket: Ticket, answer: Answer) {
        self.desk.answer(ticket, answer);
    }

    fn exchange(&mut self, plugin: &PluginId, generation: Generation, clock: Clock) {
        // A supervisor that is gone means that the host is ending.
        let _ = self
            .tasks
            .send(Task::Exchange(plugin.clone(), generation, clock));
    }

    fn attach(&mut self, device: &DeviceSpec) {
        self.points.attach(device);
        match self.drivers.attach(&device.output) {
            Ok(events) => self.hear(events),
            Err(objection) => {
                tracing::error!(device = %device.id, "not attached: {objection}");
                let lost = DriverReport::Available(device.id.clone(), false);
                self.heard.push(Input::Driver(lost));
            }
        }
    }

    fn detach(&mut self, device: &DeviceSpec) {
        self.drivers.detach(&device.output);
        self.points.detach(&device.output);
    }

    fn reconfigured(&mut self, room: &RoomSpec) {
        self.points.hear(room);
        let sources = self.points.sources();
        let heard = self.drivers.listen(sources.iter().map(|source| &**source));
        for objection in heard.err().into_iter().flatten() {
            tracing::error!("a sensor cannot be heard: {objection}");
        }
        // A supervisor that is gone means that the host is ending.
        let _ = self.tasks.send(Task::Configured(room.plugins.clone()));
    }

    fn log_refusal(&self) -> Option<Text> {
        self.log.is_full().then(|| {
            let health = self.log.health();
            let why = health
                .error
                .unwrap_or_else(|| "the disk is slower than what comes in".into());
            format!(
                "the log takes nothing now, {} events wait: {why}",
                health.pending_events
            )
            .into()
        })
    }

    fn storage(&self) -> Option<ComponentRow> {
        let (health, size) = (self.log.health(), self.log.size_bytes());
        let row = storage::told(&health, size, &self.data);
        Some(storage::beside_plan(row, self.safekeeping.is_behind()))
    }

    fn backlog(&mut self, after: Seq, limit: usize) -> Vec<Arc<Event>> {
        self.reader.backlog(after, limit).unwrap_or_else(|error| {
            tracing::error!(%error, after = after.0, "cannot read the log for a plug-in that is behind");
            Vec::new()
        })
    }
}
