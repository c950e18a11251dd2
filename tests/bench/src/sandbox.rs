//! The price of the sandbox: vpd-control as a component and compiled natively, in the same flow.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use growbox_flow::{Candidate, Exchanged, Flow, Input, Machine, Start};
use growbox_model::commit::Restored;
use growbox_model::ports::{
    BatchResult, DriveOrder, DriverReport, EventFilter, Handled, History, Ports, Sample, Ticket,
    Window,
};
use growbox_model::room::{FilterSpec, NodeSpec};
use growbox_model::row::{Answer, Wait};
use growbox_model::{
    Batch, Clock, Commit, Event, Generation, Incoming, Instant as Wall, Manifest, Moment, PluginId,
    PluginSpec, RoomSpec, SensorId, Seq, Span, Speaker, Text, ZoneId, ZoneSpec,
};
use growbox_runtime::{Actor, Loaded, Loader};

use crate::load::Stamps;
use crate::native::Native;
use crate::{Plan, Row, host, row};

pub(crate) fn measure(plan: &Plan) -> anyhow::Result<Vec<Row>> {
    let code = std::fs::read(host::guest("vpd-control")?)?;
    let loaded = Loader::in_memory()?
        .load(&code, 64 << 20)
        .map_err(|e| anyhow::anyhow!("{e}"))?;
    let inputs = inputs(plan.sandbox_events)?;
    let native = Bench::new(Box::new(Native::start()?)).run(&loaded.manifest, &inputs)?;
    let wasm = Bench::new(Box::new(Sandboxed::start(&loaded)?)).run(&loaded.manifest, &inputs)?;
    let each = |time: Duration| time.as_secs_f64() * 1e6 / inputs.len() as f64;
    Ok(vec![
        row(
            "one event through flow and handler, native",
            format!(
                "{:.2} µs, of which handler {:.2} µs",
                each(native.0),
                each(native.1)
            ),
            "–",
        ),
        row(
            "one event through flow and handler, sandboxed",
            format!(
                "{:.2} µs, of which handler {:.2} µs",
                each(wasm.0),
                each(wasm.1)
            ),
            "–",
        ),
        row(
            "price of the sandbox",
            format!(
                "{:.2}× the whole, {:.2}× the handler",
                wasm.0.div_duration_f64(native.0),
                wasm.1.div_duration_f64(native.1)
            ),
            "–",
        ),
    ])
}

fn inputs(events: usize) -> anyhow::Result<Vec<Incoming>> {
    let body: Vec<serde_json::Value> = serde_json::from_slice(&Stamps::new().body(events))?;
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

    /// The whole time, and the handler's share.
    fn run(
        mut self,
        manifest: &Manifest,
        inputs: &[Incoming],
    ) -> anyhow::Result<(Duration, Duration)> {
        let mut flow = Flow::start(start(inputs)?);
        let candidate = Candidate {
            spec: spec(),
            manifest: manifest.clone(),
            digest: "bench".into(),
        };
        self.turn(&mut flow, Input::Candidate(Box::new(candidate)));
        self.handling = Duration::ZERO;
        let begun = Instant::now();
        for (number, request) in inputs.chunks(1000).enumerate() {
            self.answered = false;
            let events = request.iter().cloned().map(Ok).collect();
            let ticket = Ticket(number as u64 + 1);
            let post = Input::Post {
                ticket,
                events,
                speaker: Speaker::Anyone,
                wait: Wait::Settled,
            };
            self.turn(&mut flow, post);
            anyhow::ensure!(self.answered, "request {number} has not settled");
        }
        Ok((begun.elapsed(), self.handling))
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

fn start(inputs: &[Incoming]) -> anyhow::Result<Start> {
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
        filters: FilterSpec::default(),
    };
    let restored = Restored {
        clean: true,
        ..Restored::default()
    };
    Ok(Start {
        room,
        restored,
        machine: machine(),
        utc_offset: Box::new(|_| 0),
        version: "bench".into(),
    })
}

impl Ports for Bench {
    fn commit(&mut self, _: Commit) {}

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
