//! The desk: where edges hand in posts, questions and orders, and get their answers.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};

use crossbeam_channel::{Sender, TrySendError};
use growbox_api::{Host, Post};
use growbox_drivers::mqtt::Pulse;
use growbox_flow::Input;
use growbox_model::batch::Correlation;
use growbox_model::commit::DeadLetter;
use growbox_model::ports::{EventFilter, History, Ticket};
use growbox_model::row::{Answer, HealthRow, Order, PluginRow, Question, Signature, ZoneRow};
use growbox_model::{Event, RoomSpec, SensorId, Seq};
use growbox_pipeline::correlate::{Recent, WINDOW};
use growbox_pipeline::enrich::{self, Node};
use growbox_storage::{Log, Reader};
use serde_json::{Map, Value, json};
use tokio::sync::{broadcast, oneshot};

use super::heart::Message;
use super::mqtt::with_broker;
use super::supervisor::Ledger;

/// Live events a slow stream may lag behind before it reads from the log.
const LIVE: usize = 4096;
/// Events before one that correlation looks at.
const BEFORE: usize = 256;

/// Between the edges and the flow.
pub struct Desk {
    inbox: Sender<Message>,
    waiting: Mutex<HashMap<Ticket, oneshot::Sender<Answer>>>,
    next_ticket: AtomicU64,
    live: broadcast::Sender<Arc<Event>>,
    newest: AtomicU64,
    zones: RwLock<Vec<ZoneRow>>,
    reader: Reader,
    ledger: Arc<Ledger>,
    node: Node,
    closed: AtomicBool,
    broker: OnceLock<Pulse>,
    heart: tokio::sync::Notify,
}

impl Desk {
    pub(super) fn new(
        room: &RoomSpec,
        inbox: Sender<Message>,
        log: &Log,
        ledger: Arc<Ledger>,
    ) -> Self {
        Self {
            inbox,
            waiting: Mutex::default(),
            next_ticket: AtomicU64::new(1),
            live: broadcast::channel(LIVE).0,
            newest: AtomicU64::new(log.durable().0),
            zones: RwLock::default(),
            reader: log.reader(),
            ledger,
            node: Node {
                version: env!("CARGO_PKG_VERSION"),
                name: room.node.name.to_string(),
            },
            closed: AtomicBool::new(false),
            broker: OnceLock::new(),
            heart: tokio::sync::Notify::new(),
        }
    }

    /// Hands something to the flow under a ticket. A dropped answer means: not now.
    fn hand_in(&self, input: impl FnOnce(Ticket) -> Input) -> oneshot::Receiver<Answer> {
        let (tell, told) = oneshot::channel();
        if self.closed.load(Ordering::Acquire) {
            return told;
        }
        let ticket = Ticket(self.next_ticket.fetch_add(1, Ordering::Relaxed));
        self.waiting().insert(ticket, tell);
        match self.inbox.try_send(Message::Input(input(ticket))) {
            Ok(()) => {}
            Err(TrySendError::Full(message)) => self.stand_in_line(message),
            Err(TrySendError::Disconnected(_)) => {
                self.waiting().remove(&ticket);
                self.heart.notify_waiters();
            }
        }
        told
    }

    /// A flood keeps nobody from being heard, a person's stop least of all: it waits for room, and
    /// who asked waits no longer than an answer may take.
    fn stand_in_line(&self, message: Message) {
        let inbox = self.inbox.clone();
        // An error means that the flow has ended; then nobody answers.
        let wait = move || drop(inbox.send(message));
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn_blocking(wait)),
            Err(_) => wait(),
        }
    }

    fn waiting(&self) -> std::sync::MutexGuard<'_, HashMap<Ticket, oneshot::Sender<Answer>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The flow's answer goes to who asked; plug-ins that did not load join in here.
    pub(super) fn answer(&self, ticket: Ticket, answer: Answer) {
        let answer = match answer {
            Answer::Zones(rows) if ticket == Ticket(0) => {
                *self.zones.write().unwrap_or_else(PoisonError::into_inner) = rows;
                return;
            }
            Answer::Plugins(mut rows) => {
                self.add_refused(&mut rows);
                Answer::Plugins(rows)
            }
            Answer::Metrics(mut row) => {
                self.add_refused(&mut row.plugins);
                row.health = self.with_broker(row.health);
                Answer::Metrics(row)
            }
            Answer::Health(row) => Answer::Health(self.with_broker(row)),
            other => other,
        };
        if let Some(tell) = self.waiting().remove(&ticket) {
            // Who asked may have gone.
            let _ = tell.send(answer);
        }
    }

    /// Plug-ins that did not load are unknown to the flow.
    fn add_refused(&self, rows: &mut Vec<PluginRow>) {
        rows.extend(self.ledger.refused());
        rows.sort_by(|a, b| a.id.cmp(&b.id));
    }

    /// Live events, once they are in the log's tail.
    pub(super) fn publish(&self, events: Vec<Arc<Event>>) {
        let Some(last) = events.last() else { return };
        self.newest.store(last.seq.0, Ordering::Release);
        if self.live.receiver_count() > 0 {
            for event in events {
                // Nobody listens any more: fine.
                let _ = self.live.send(event);
            }
        }
    }

    /// Files what an edge refused that cannot answer. When the heart is busy it is only counted
    /// by that edge.
    pub(super) fn file(&self, letter: DeadLetter) {
        let _ = self
            .inbox
            .try_send(Message::Input(Input::DeadLetter(letter)));
    }

    fn with_broker(&self, row: HealthRow) -> HealthRow {
        match self.broker.get() {
            Some(broker) => with_broker(row, &broker.health()),
            None => row,
        }
    }

    /// Lets a broker's session show its health among the others.
    pub(super) fn watch(&self, broker: Pulse) {
        // There is one broker.
        let _ = self.broker.set(broker);
    }

    /// Refuses everything from now on.
    pub(super) fn close(&self) {
        self.closed.store(true, Ordering::Release);
    }

    /// Resolves when the heart has stopped on its own.
    pub(super) async fn heart_stopped(&self) {
        self.heart.notified().await;
    }

    /// Tells whoever waits that the heart has stopped.
    pub(super) fn tell_heart_stopped(&self) {
        self.heart.notify_one();
    }

    fn correlation(&self, event: &Event) -> Option<Correlation> {
        let filter = EventFilter {
            from: Some(event.at.minus(WINDOW.times(2))),
            up_to: Some(event.seq),
            zone: event.zone.clone(),
            limit: BEFORE,
            ..EventFilter::default()
        };
        let earlier = self.reader.newest(&filter).unwrap_or_default();
        Recent::explain(event, earlier.iter().map(|e| &**e))
    }

    fn zone_row(&self, event: &Event) -> Option<ZoneRow> {
        let zones = self.zones.read().unwrap_or_else(PoisonError::into_inner);
        zones
            .iter()
            .find(|row| event.zone.as_ref() == Some(&row.id))
            .cloned()
    }
}

impl Host for Desk {
    fn post(&self, post: Post) -> oneshot::Receiver<Answer> {
        let Post {
            events,
            speaker,
            wait,
        } = post;
        self.hand_in(|ticket| Input::Post {
            ticket,
            events,
            speaker,
            wait,
        })
    }

    fn ask(&self, question: Question) -> oneshot::Receiver<Answer> {
        self.hand_in(|ticket| Input::Ask(ticket, question))
    }

    fn order(&self, order: Order, signature: Signature) -> oneshot::Receiver<Answer> {
        self.hand_in(|ticket| Input::Order(ticket, order, signature))
    }

    fn rebind(&self, sensor: SensorId, _signature: Signature) -> oneshot::Receiver<Answer> {
        self.hand_in(|ticket| Input::Rebind(ticket, sensor))
    }

    fn history(&self) -> Arc<dyn History> {
        Arc::new(self.reader.clone())
    }

    fn newest(&self) -> Seq {
        Seq(self.newest.load(Ordering::Acquire))
    }

    fn subscribe(&self) -> broadcast::Receiver<Arc<Event>> {
        self.live.subscribe()
    }

    fn dead_letters(&self, limit: usize) -> Vec<DeadLetter> {
        let letters = self.reader.dead_letters(limit).unwrap_or_default();
        letters.into_iter().map(|(_, letter)| letter).collect()
    }

    fn find_event(&self, id: &str) -> Option<Arc<Event>> {
        self.reader.find(id).ok().flatten()
    }

    fn context(&self, event: &Event) -> Map<String, Value> {
        let correlation = self.correlation(event);
        enrich::context(
            &self.node,
            event,
            self.zone_row(event).as_ref(),
            correlation.as_ref(),
        )
    }

    fn zone_context(&self, event: &Event) -> Option<Value> {
        self.zone_row(event).map(|row| json!(row))
    }

    fn plugin(&self, id: &str) -> Option<Value> {
        let rows = match self.ask(Question::Plugins).blocking_recv() {
            Ok(Answer::Plugins(rows)) => rows,
            _ => return None,
        };
        let row = rows.into_iter().find(|row| row.id.as_str() == id)?;
        let mut inspected = self.ledger.inspect(id);
        inspected.insert("plugin".into(), json!(row));
        Some(Value::Object(inspected))
    }
}
