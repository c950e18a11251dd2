//! The price of the sandbox: vpd-control as a component and compiled natively, in the same flow.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use growbox_flow::{Candidate, Exchanged, Flow, Input, Machine, Start};
use growbox_model::commit::{OpenCall, Restored};
use growbox_model::ports::{
    BatchResult, DriveOrder, DriverReport, EventFilter, Handled, History, Ports, Sample, Ticket,
    Window, Written,
};
use growbox_model::room::{FilterSpec, NodeSpec};
use growbox_model::row::{Answer, Wait};
use growbox_model::{
    Batch, Clock, Commit, DeviceSpec, Event, Generation, Incoming, Instant as Wall, Manifest,
    Moment, PluginId, PluginSpec, RoomSpec, SensorId, Seq, Span, Speaker, Text, ZoneId, ZoneSpec,
};
use growbox_runtime::{Actor, Loaded, Loader};

use crate::load::Stamps;
use crate::native::Native;
use crate::{Plan, Row, host, row};

/// Runs of each kind, in turn; the best counts.
const RUNS: usize = 3;
/// Events in one post.
const POST: usize = 1000;

pub(crate) fn measure(plan: &Plan) -> anyhow::Result<Vec<Row>> {
    let code = std::fs::read(host::guest("vpd-control")?)?;
    let loaded = Loader::in_memory()?
        .load(&code, 64 << 20)
        .map_err(|e| anyhow::anyhow!("{e}"))?;
    let posts = plan.sandbox_events / POST;
    let (mut native, mut wasm) = (Times::WORST, Times::WORST);
    for _ in 0..RUNS {
        native = native.best(Bench::new(Box::new(Native::start()?)).run(&loaded.manifest, posts)?);
        wasm = wasm
            .best(Bench::new(Box::new(Sandboxed::start(&loaded)?)).run(&loaded.manifest, posts)?);
    }
    let each = |time: Duration| time.as_secs_f64() * 1e6 / (posts * POST) as f64;
    let told = |times: Times| {
        format!(
            "{:.2} µs, of which handler {:.2} µs",
            each(times.whole),
            each(times.handler)
        )
    };
    let ratio = format!(
        "{:.2}× the whole, {:.2}× the handler",
        wasm.whole.div_duration_f64(native.whole),
        wasm.handler.div_duration_f64(native.handler)
    );
    Ok(vec![
        row(
            "one event through flow and handler, native",
            told(native),
            "–",
        ),
        row(
            "one event through flow and handler, sandboxed",
            told(wasm),
            "–",
        ),
        row("price of the sandbox", ratio, "–"),
    ])
}

/// How long a run took.
#[derive(Debug, Clone, Copy)]
struct Times {
    whole: Duration,
    handler: Duration,
}

impl Times {
    const WORST: Self = Self {
        whole: Duration::MAX,
        handler: Duration::MAX,
    };

    fn best(self, other: Self) -> Self {
        if other.whole < self.whole {
            other
        } else {
            self
        }
    }
}

/// One post's events, read as an edge reads them.
fn events(stamps: &mut Stamps) -> anyhow::Result<Vec<Incoming>> {
    let body: Vec<serde_json::Value> = serde_json::from_slice(&stamps.body(POST))?;
    body.into_iter()
        .map(|value| Incoming::read(value, "http").context("a bad event"))
        .collect()
}

/// One way of running a handler: a batch in, what it made of it out.
pub(crate) trait Handler {
    fn handle(&mut self, batch: Batch) -> BatchResult;
}

/// The component, in its actor.
struct Sandboxed {
    actor: Actor,
    results: crossbeam_channel::Receiver<BatchResult>,
}

impl Sandboxed {
    fn start(loaded: &Loaded) -> anyhow::Result<Self> {
        let (tell, results) = crossbeam_channel::unbounded();
        let send = move |result| drop(tell.send(result));
        let actor = Actor::start(
            loaded,
            &spec(),
            Generation(1),
            BTreeMap::new(),
            Clock::default(),
            Arc::new(NoHistory),
            send,
        )?;
        Ok(Self { actor, results })
    }
}

impl Handler for Sandboxed {
    fn handle(&mut self, batch: Batch) -> BatchResult {
        self.actor
            .deliver(batch)
            .expect("one batch is out at a time");
        self.results.recv().expect("the actor lives")
    }
}

struct NoHistory;

impl History for NoHistory {
    fn events(&self, _: &EventFilter) -> Result<Vec<Arc<Event>>, String> {
        Ok(Vec::new())
    }

    fn samples(
        &self,
        _: &SensorId,
        _: &str,
        _: Window,
        _: Option<Span>,
    ) -> Result<Vec<Sample>, String> {
        Ok(Vec::new())
    }
}

fn spec() -> PluginSpec {
    let mut spec = PluginSpec::bare(PluginId::new("vpd-control").expect("an id"));
    spec.deadline = Span::seconds(10);
    spec
}

/// The flow over ports that keep nothing.
struct Bench {
    handler: Box<dyn Handler>,
    heard: VecDeque<Input>,
    handling: Duration,
    answered: bool,
}

impl Bench {
    fn new(handler: Box<dyn Handler>) -> Self {
        Self {
            handler,
            heard: VecDeque::new(),
            handling: Duration::ZERO,
            answered: false,
        }
    }

    /// Posts one after the other, each settled before the next; reading them is not counted.
    fn run(mut self, manifest: &Manifest, posts: usize) -> anyhow::Result<Times> {
        let mut stamps = Stamps::new();
        let mut flow = Flow::start(start(&events(&mut stamps)?));
        let candidate = Candidate {
            spec: spec(),
            manifest: manifest.clone(),
            digest: "bench".into(),
        };
        self.turn(&mut flow, Input::Candidate(Box::new(candidate)));
        self.handling = Duration::ZERO;
        let mut whole = Duration::ZERO;
        for number in 0..posts {
            let post = Input::Post {
                ticket: Ticket(number as u64 + 1),
                events: events(&mut stamps)?.into_iter().map(Ok).collect(),
                speaker: Speaker::Anyone,
                wait: Wait::Settled,
            };
            self.answered = false;
            let begun = Instant::now();
            self.turn(&mut flow, post);
            whole += begun.elapsed();
            anyhow::ensure!(self.answered, "post {number} has not settled");
        }
        Ok(Times {
            whole,
            handler: self.handling,
        })
    }

    /// Turns until nothing is left to hear.
    fn turn(&mut self, flow: &mut Flow, input: Input) {
        self.heard.push_back(input);
        while !self.heard.is_empty() {
            let heard: Vec<Input> = self.heard.drain(..).collect();
            flow.turn(heard, machine(), self);
        }
    }
}

fn machine() -> Machine {
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap_or_default();
    let nanos = u64::try_from(now.as_nanos()).unwrap_or(u64::MAX);
    Machine {
        boot: Moment(nanos),
        wall: Wall(nanos),
        wall_trusted: true,
    }
}

fn start(inputs: &[Incoming]) -> Start {
    let zones = inputs.iter().filter_map(|event| event.zone.clone());
    let zone = |id: ZoneId| {
        let stage: Option<Text> = Some("mid-veg".into());
        (
            id.clone(),
            ZoneSpec {
                stage,
                ..ZoneSpec::bare(id)
            },
        )
    };
    let room = RoomSpec {
        node: NodeSpec {
            measure_unknown_sensors: true,
            max_ahead: Span::hours(1),
            ..NodeSpec::default()
        },
        zones: zones.map(zone).collect(),
        sensors: BTreeMap::new(),
        devices: BTreeMap::new(),
        plugins: BTreeMap::new(),
        circuits: BTreeMap::new(),
        safety: Vec::new(),
        filters: FilterSpec::default(),
    };
    let restored = Restored {
        clean: true,
        ..Restored::default()
    };
    Start {
        deeds: Vec::new(),
        room,
        restored,
        machine: machine(),
        utc_offset: Box::new(|_| 0),
        version: "bench".into(),
    }
}

impl Ports for Bench {
    fn commit(&mut self, _: Commit) {}

    fn written(&self) -> Written {
        Written::default()
    }

    fn call(&mut self, _: OpenCall) {}

    fn deliver(&mut self, batch: Batch) {
        let begun = Instant::now();
        let result = self.handler.handle(batch);
        self.handling += begun.elapsed();
        self.heard.push_back(Input::Handled(result));
    }

    fn drive(&mut self, order: DriveOrder) {
        self.heard.push_back(Input::Driver(DriverReport::Confirmed(
            order.device,
            order.level,
        )));
    }

    fn answer(&mut self, _: Ticket, _: Answer) {
        self.answered = true;
    }

    fn exchange(&mut self, plugin: &PluginId, _: Generation, _: Clock) {
        self.heard.push_back(Input::Exchanged(Exchanged {
            plugin: plugin.clone(),
            outcome: Ok(Vec::new()),
        }));
    }

    fn attach(&mut self, _: &DeviceSpec) {}

    fn detach(&mut self, _: &DeviceSpec) {}

    fn reconfigured(&mut self, _: &RoomSpec) {}

    fn log_refusal(&self) -> Option<Text> {
        None
    }

    fn backlog(&mut self, _: Seq, _: usize) -> Vec<Arc<Event>> {
        Vec::new()
    }
}

/// A batch that went well, however it was run.
pub(crate) fn done(batch: &Batch, handled: Handled) -> BatchResult {
    BatchResult {
        plugin: batch.plugin.clone(),
        generation: batch.generation,
        last: batch.last,
        outcome: Ok(handled),
        elapsed: Span::ZERO,
        memory_bytes: 0,
    }
}
