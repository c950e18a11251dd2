//! A room to try the flow in: a log in memory, native handlers, drivers that confirm, a manual clock.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use growbox_model::batch::{Batch, Clock};
use growbox_model::commit::{Commit, OpenCall, Record};
use growbox_model::effect::{Draft, Effect, Fault};
use growbox_model::incoming::{Incoming, Speaker};
use growbox_model::manifest::{Ask, Delivery, Manifest, Subscription};
use growbox_model::ports::{
    BatchResult, DriveOrder, DriverReport, Handled, Ports, Ticket, Written,
};
use growbox_model::room::{ClockForm, FilterSpec, NodeSpec};
use growbox_model::row::{Answer, Order, PostResult, Question, Signature, Wait};
use growbox_model::{
    Command, DeviceId, DeviceSpec, Event, EventType, Generation, Instant, Json, Moment, Objection,
    Payload, PluginId, PluginSpec, Request, Role, RoomSpec, Seq, Span, Text, ZoneId, ZoneSpec,
};
use serde_json::{Value, json};

use crate::memory::{Memory, State};
use crate::{Candidate, Exchanged, Flow, Input, Machine, Start, Wake};

/// A native handler: effects and changed state, or why not.
pub(crate) type Handler = Box<dyn FnMut(&Batch, &mut State) -> Result<Vec<Effect>, Fault>>;

/// What a plug-in of the bench is.
pub(crate) struct Guest {
    pub(crate) spec: PluginSpec,
    pub(crate) manifest: Manifest,
    pub(crate) digest: &'static str,
    pub(crate) handler: Handler,
}

/// What lies behind the ports.
pub(crate) struct Behind {
    pub(crate) memory: Memory,
    pub(crate) commits: Vec<Commit>,
    pub(crate) answers: BTreeMap<Ticket, Answer>,
    pub(crate) orders: Vec<DriveOrder>,
    /// Outputs attached (+) and detached (-).
    pub(crate) wires: Vec<String>,
    /// Configurations that were taken over while it ran.
    pub(crate) rooms: Vec<RoomSpec>,
    /// Outbound calls that are to be performed.
    pub(crate) calls: Vec<OpenCall>,
    /// Every batch that went out.
    pub(crate) batches: Vec<Batch>,
    /// What the flow has yet to hear from plug-ins and drivers.
    pub(crate) pending: VecDeque<Input>,
    /// Batches nobody has handled yet.
    delivered: VecDeque<Batch>,
    pub(crate) refusal: Option<Text>,
    /// Whether orders are confirmed at once.
    pub(crate) confirms: bool,
    /// Whether commits become durable at once.
    pub(crate) fsyncs: bool,
    written: Written,
}

/// A flow and all around it.
pub(crate) struct Bench {
    pub(crate) flow: Flow,
    pub(crate) behind: Behind,
    pub(crate) machine: Machine,
    pub(crate) wake: Wake,
    guests: BTreeMap<PluginId, (Handler, State)>,
    next_ticket: u64,
}

/// When the bench's rooms begin.
pub(crate) fn start_of_time() -> Instant {
    Instant::parse("2026-01-15T10:00:00Z").unwrap()
}

/// So many seconds after the start.
pub(crate) fn at(seconds: u64) -> Instant {
    start_of_time().plus(Span::seconds(seconds))
}

pub(crate) fn tent() -> ZoneId {
    ZoneId::new("tent").unwrap()
}

/// A tent and a lab, a plain switch in the tent, sensors of any name.
pub(crate) fn room(clock: ClockForm) -> RoomSpec {
    let zone = |id| {
        let id = ZoneId::new(id).unwrap();
        (id.clone(), ZoneSpec::bare(id))
    };
    let mut switch = DeviceSpec::of_role(
        DeviceId::new("switch").unwrap(),
        Role::new("other").unwrap(),
        "null:switch",
    );
    switch.zone = Some(tent());
    RoomSpec {
        node: NodeSpec {
            clock,
            measure_unknown_sensors: true,
            max_ahead: match clock {
                ClockForm::Events => Span::hours(7 * 24),
                ClockForm::System | ClockForm::Scaled(_) => Span::seconds(60),
            },
            ..NodeSpec::default()
        },
        zones: [zone("tent"), zone("lab")].into(),
        sensors: BTreeMap::new(),
        devices: [(switch.id.clone(), switch)].into(),
        plugins: BTreeMap::new(),
        circuits: BTreeMap::new(),
        safety: Vec::new(),
        filters: FilterSpec::default(),
    }
}

/// An event as an HTTP client posts it.
pub(crate) fn event(value: Value) -> Result<Incoming, Objection> {
    Incoming::read(value, "http")
}

/// A temperature in the tent.
pub(crate) fn warmth(sensor: &str, celsius: f64, when: Instant) -> Result<Incoming, Objection> {
    event(json!({
        "type": "sensor.temperature", "timestamp": when,
        "data": {"sensor_id": sensor, "value": celsius}, "metadata": {"zone": "tent"},
    }))
}

/// A subscription to these types, every event.
pub(crate) fn every(types: &[&str]) -> Subscription {
    Subscription {
        types: types.iter().map(|t| (*t).to_owned()).collect(),
        zones: Vec::new(),
        delivery: Delivery::Every,
    }
}

/// A plug-in that may emit whatever it asks for and control the switch.
pub(crate) fn guest(
    id: &str,
    subscription: Subscription,
    handler: impl FnMut(&Batch, &mut State) -> Result<Vec<Effect>, Fault> + 'static,
) -> Guest {
    let id = PluginId::new(id).unwrap();
    let ask = |ability: &str, scope: &str| Ask {
        ability: ability.into(),
        scope: scope.into(),
        why: "to try it".into(),
        required: false,
    };
    let mut spec = PluginSpec::bare(id.clone());
    spec.grant.control = vec![DeviceId::new("switch").unwrap()];
    Guest {
        spec,
        manifest: Manifest {
            id,
            version: "0.1.0".into(),
            summary: "tries the flow".into(),
            subscriptions: vec![subscription],
            asks: vec![
                ask("emit", "*"),
                ask("control", "*"),
                ask("emergency-stop", "*"),
            ],
            tick: None,
            settings_schema: "{}".into(),
            state_version: 1,
            attributes: Vec::new(),
        },
        digest: "one",
        handler: Box::new(handler),
    }
}

impl Guest {
    pub(crate) fn ticking(mut self, period: Span) -> Self {
        self.manifest.tick = Some(period);
        self
    }
}

/// A handler that counts events and folds their numbers, so that order matters.
pub(crate) fn counting(batch: &Batch, state: &mut State) -> Result<Vec<Effect>, Fault> {
    let mut folded = folded(state);
    for event in &batch.events {
        folded = fold(folded, event.seq);
    }
    state.insert(
        "fold".into(),
        [folded.0, folded.1].map(u64::to_be_bytes).concat(),
    );
    Ok(Vec::new())
}

/// How many, and in which order.
pub(crate) fn folded(state: &State) -> (u64, u64) {
    state.get("fold").map_or((0, 0), |bytes| {
        let half = |from: usize| u64::from_be_bytes(bytes[from..from + 8].try_into().unwrap());
        (half(0), half(8))
    })
}

pub(crate) fn fold((count, order): (u64, u64), seq: Seq) -> (u64, u64) {
    (count + 1, order.wrapping_mul(31).wrapping_add(seq.0))
}

/// Says `kind` with these causes.
pub(crate) fn saying(kind: &str, causes: &[Seq]) -> Effect {
    Effect::Emit(Draft {
        kind: EventType::parse(kind).unwrap(),
        zone: None,
        at: None,
        payload: Payload::Document(Json::trusted("{}")),
        metadata: None,
        causes: causes.to_vec(),
    })
}

/// Asks for a level of the switch.
pub(crate) fn asking(level: f64, causes: &[Seq]) -> Effect {
    Effect::Request(Request {
        device: DeviceId::new("switch").unwrap(),
        command: Command::Level(level),
        lease: None,
        reason: "because".into(),
        causes: causes.to_vec(),
    })
}

impl Ports for Behind {
    fn commit(&mut self, commit: Commit) {
        self.memory.keep(&commit);
        if self.fsyncs {
            self.pending.push_back(Input::Durable(self.memory.last()));
            self.written.durable = self.written.handed + 1;
        }
        self.written.handed += 1;
        self.commits.push(commit);
    }

    fn written(&self) -> Written {
        self.written
    }

    fn call(&mut self, call: OpenCall) {
        self.calls.push(call);
    }

    fn deliver(&mut self, batch: Batch) {
        self.batches.push(batch.clone());
        self.delivered.push_back(batch);
    }

    fn drive(&mut self, order: DriveOrder) {
        if self.confirms {
            let report = DriverReport::Confirmed(order.device.clone(), order.level);
            self.pending.push_back(Input::Driver(report));
        }
        self.orders.push(order);
    }

    fn answer(&mut self, ticket: Ticket, answer: Answer) {
        assert!(
            self.answers.insert(ticket, answer).is_none(),
            "answered once"
        );
    }

    fn exchange(&mut self, plugin: &PluginId, _: Generation, _: Clock) {
        let plugin = plugin.clone();
        let outcome = Ok(Vec::new());
        self.pending
            .push_back(Input::Exchanged(Exchanged { plugin, outcome }));
    }

    fn attach(&mut self, device: &DeviceSpec) {
        self.wires.push(format!("+{}", device.output));
    }

    fn detach(&mut self, device: &DeviceSpec) {
        self.wires.push(format!("-{}", device.output));
    }

    fn reconfigured(&mut self, room: &RoomSpec) {
        self.rooms.push(room.clone());
    }

    fn log_refusal(&self) -> Option<Text> {
        self.refusal.clone()
    }

    fn backlog(&mut self, after: Seq, limit: usize) -> Vec<Arc<Event>> {
        let newer = self.memory.events().iter().filter(|e| e.seq > after);
        newer.take(limit).cloned().collect()
    }
}

impl Bench {
    /// A room that starts for the first time, with these plug-ins.
    pub(crate) fn new(room: RoomSpec, guests: Vec<Guest>) -> Self {
        Self::restarted(room, guests, Memory::empty(), start_of_time())
    }

    /// A room that goes on from what a log remembers.
    pub(crate) fn restarted(
        room: RoomSpec,
        guests: Vec<Guest>,
        memory: Memory,
        wall: Instant,
    ) -> Self {
        let wall = match room.node.clock {
            ClockForm::Events => wall.plus(Span::hours(24 * 365)),
            ClockForm::System | ClockForm::Scaled(_) => wall,
        };
        let machine = Machine {
            boot: Moment(1_000),
            wall,
            wall_trusted: true,
        };
        Self::restarted_on(machine, room, guests, memory)
    }

    /// The same, on a machine whose clocks say this.
    pub(crate) fn restarted_on(
        machine: Machine,
        room: RoomSpec,
        guests: Vec<Guest>,
        mut memory: Memory,
    ) -> Self {
        let flow = Flow::start(Start {
            deeds: Vec::new(),
            room,
            restored: memory.open(),
            machine,
            utc_offset: Box::new(|_| 0),
            version: "0.0.0".into(),
        });
        let mut bench = Self {
            flow,
            behind: Behind {
                memory,
                commits: Vec::new(),
                answers: BTreeMap::new(),
                orders: Vec::new(),
                wires: Vec::new(),
                rooms: Vec::new(),
                calls: Vec::new(),
                batches: Vec::new(),
                pending: VecDeque::new(),
                delivered: VecDeque::new(),
                refusal: None,
                confirms: true,
                fsyncs: true,
                written: Written::default(),
            },
            machine,
            wake: Wake::default(),
            guests: BTreeMap::new(),
            next_ticket: 1,
        };
        for guest in guests {
            bench.load(guest);
        }
        bench.run();
        bench
    }

    /// Puts a plug-in in its place, once the flow has turned.
    pub(crate) fn load(&mut self, guest: Guest) {
        let state = self.behind.memory.state(&guest.spec.id);
        let (id, spec) = (guest.spec.id.clone(), guest.spec.clone());
        self.flow.room.plugins.insert(id, spec);
        let seat = (guest.handler, state);
        self.guests.insert(guest.spec.id.clone(), seat);
        let candidate = Candidate {
            spec: guest.spec,
            manifest: guest.manifest,
            digest: guest.digest.into(),
        };
        self.behind
            .pending
            .push_back(Input::Candidate(Box::new(candidate)));
    }

    /// Everything committed becomes durable.
    pub(crate) fn fsync(&mut self) {
        self.behind.written.durable = self.behind.written.handed;
        self.turn([Input::Durable(self.behind.memory.last())]);
    }

    /// One turn with these inputs.
    pub(crate) fn turn(&mut self, inputs: impl IntoIterator<Item = Input>) {
        self.wake = self.flow.turn(inputs, self.machine, &mut self.behind);
        while self.flow.more {
            self.wake = self.flow.turn([], self.machine, &mut self.behind);
        }
    }

    /// Lets handlers handle what was delivered to them; their answers wait to be heard.
    pub(crate) fn handle(&mut self) {
        while let Some(batch) = self.behind.delivered.pop_front() {
            let answer = self.answer_of(&batch);
            self.behind.pending.push_back(Input::Handled(answer));
        }
    }

    fn answer_of(&mut self, batch: &Batch) -> BatchResult {
        let (handler, state) = self.guests.get_mut(&batch.plugin).unwrap();
        let mut changed = state.clone();
        let outcome = handler(batch, &mut changed).map(|effects| {
            let delta = changed
                .iter()
                .filter(|(key, value)| state.get(*key) != Some(*value));
            let delta = delta.map(|(key, value)| (key.clone(), Some(value.clone())));
            let handled = Handled {
                effects,
                state: delta.collect(),
            };
            *state = changed;
            handled
        });
        BatchResult {
            plugin: batch.plugin.clone(),
            generation: batch.generation,
            last: batch.last,
            outcome,
            elapsed: Span::ZERO,
            memory_bytes: 0,
        }
    }

    /// Turns until nobody has anything to say.
    pub(crate) fn run(&mut self) {
        self.turn([]);
        for _ in 0..100_000 {
            self.handle();
            if self.behind.pending.is_empty() {
                return;
            }
            let heard: Vec<Input> = self.behind.pending.drain(..).collect();
            self.turn(heard);
        }
        panic!("the room does not come to rest");
    }

    /// Lets the running clock go on, waking the flow when it wants to be.
    pub(crate) fn pass(&mut self, span: Span) {
        let end = self.machine.boot + span;
        self.run();
        while let Some(next) = self.wake.machine.filter(|next| *next < end) {
            self.move_to(next.max(self.machine.boot + Span(1)));
            self.run();
        }
        self.move_to(end);
        self.run();
    }

    fn move_to(&mut self, boot: Moment) {
        let passed = boot.since(self.machine.boot);
        self.machine.wall = self.machine.wall.plus(passed);
        self.machine.boot = boot;
    }

    pub(crate) fn ticket(&mut self) -> Ticket {
        self.next_ticket += 1;
        Ticket(self.next_ticket)
    }

    /// A post that is not answered yet.
    pub(crate) fn posting(
        &mut self,
        events: Vec<Result<Incoming, Objection>>,
        speaker: Speaker,
        wait: Wait,
    ) -> (Ticket, Input) {
        let ticket = self.ticket();
        let post = Input::Post {
            ticket,
            events,
            speaker,
            wait,
        };
        (ticket, post)
    }

    fn post_as(
        &mut self,
        events: Vec<Result<Incoming, Objection>>,
        by: Speaker,
    ) -> Vec<PostResult> {
        let (ticket, post) = self.posting(events, by, Wait::Accepted);
        self.turn([post]);
        self.run();
        self.posted(ticket).expect("answered")
    }

    /// Posts as anybody, and lets everything settle.
    pub(crate) fn post(&mut self, events: Vec<Result<Incoming, Objection>>) -> Vec<PostResult> {
        self.post_as(events, Speaker::Anyone)
    }

    /// Posts with the token.
    pub(crate) fn tell(&mut self, value: Value) -> PostResult {
        self.post_as(vec![event(value)], Speaker::Operator)
            .remove(0)
    }

    /// The answer to a post, once there is one.
    pub(crate) fn posted(&self, ticket: Ticket) -> Option<Vec<PostResult>> {
        match self.behind.answers.get(&ticket)? {
            Answer::Posted(results) => Some(results.clone()),
            other => panic!("not a post's answer: {other:?}"),
        }
    }

    /// The answer to a question.
    pub(crate) fn ask(&mut self, question: Question) -> Answer {
        let ticket = self.ticket();
        self.turn([Input::Ask(ticket, question)]);
        self.behind.answers[&ticket].clone()
    }

    /// The answer to an order of anna's.
    pub(crate) fn order(&mut self, order: Order) -> Answer {
        let ticket = self.ticket();
        let by = Signature {
            who: "anna".into(),
            reason: "to see".into(),
        };
        self.turn([Input::Order(ticket, order, by)]);
        self.run();
        self.behind.answers[&ticket].clone()
    }

    /// Every committed event.
    pub(crate) fn events(&self) -> Vec<Arc<Event>> {
        let commits = self.behind.commits.iter();
        commits
            .flat_map(|commit| commit.events.iter().cloned())
            .collect()
    }

    /// Every committed event of a type or prefix.
    pub(crate) fn said(&self, pattern: &str) -> Vec<Arc<Event>> {
        let mut events = self.events();
        events.retain(|event| event.kind.matches(pattern));
        events
    }

    /// Every record.
    pub(crate) fn records(&self) -> Vec<Record> {
        let commits = self.behind.commits.iter();
        commits.flat_map(|commit| commit.records.clone()).collect()
    }

    /// The batches a plug-in was given.
    pub(crate) fn batches_of(&self, plugin: &str) -> Vec<&Batch> {
        let all = self.behind.batches.iter();
        all.filter(|batch| batch.plugin.as_str() == plugin)
            .collect()
    }

    /// The numbers a plug-in was given.
    pub(crate) fn given(&self, plugin: &str) -> Vec<Seq> {
        let batches = self.batches_of(plugin).into_iter();
        batches
            .flat_map(|batch| batch.events.iter().map(|event| event.seq))
            .collect()
    }

    /// A plug-in's stored state.
    pub(crate) fn state(&self, plugin: &str) -> State {
        self.behind.memory.state(&PluginId::new(plugin).unwrap())
    }
}

/// A member of a document.
pub(crate) fn field(event: &Event, key: &str) -> Value {
    event.data()[key].clone()
}
