//! A host in memory: takes everything, remembers what it was asked.

use std::sync::mpsc;
use std::sync::{Arc, Mutex};

use growbox_model::commit::DeadLetter;
use growbox_model::ports::{EventFilter, History, Sample, Window};
use growbox_model::row::{Answer, DeviceRow, Order, PostResult, PostStatus, Question, Signature};
use growbox_model::{
    Event, Incoming, Instant, Moment, Objection, SensorId, Seq, Source, Span, Speaker,
};
use serde_json::{Map, Value, json};
use tokio::sync::{broadcast, oneshot};

use crate::{Host, Post, Wait};

/// What the host does with the next posts.
#[derive(Debug, Default)]
pub(crate) enum Mood {
    /// Takes them.
    #[default]
    Taking,
    /// The log is full.
    Full,
    /// Keeps the question and does not answer; tells that it came.
    Silent(mpsc::Sender<oneshot::Sender<Answer>>),
    /// Drops the question.
    Stopping,
}

#[derive(Clone, Default)]
pub(crate) struct Events(Arc<Mutex<Vec<Arc<Event>>>>);

pub(crate) struct Memory {
    pub(crate) events: Events,
    pub(crate) mood: Mutex<Mood>,
    pub(crate) posts: Mutex<Vec<(Speaker, Wait, usize)>>,
    pub(crate) orders: Mutex<Vec<(Order, Signature)>>,
    /// Answers to orders and questions, newest last; without one the devices.
    pub(crate) answers: Mutex<Vec<Answer>>,
    live: broadcast::Sender<Arc<Event>>,
}

impl Memory {
    pub(crate) fn new(backlog: usize) -> Self {
        Self {
            events: Events::default(),
            mood: Mutex::default(),
            posts: Mutex::default(),
            orders: Mutex::default(),
            answers: Mutex::default(),
            live: broadcast::channel(backlog).0,
        }
    }

    pub(crate) fn count(&self) -> usize {
        self.events.0.lock().unwrap().len()
    }

    /// Appends an event as it stands in JSON.
    pub(crate) fn add(&self, event: Value, cause: Option<u64>) -> Seq {
        let mut incoming = Incoming::read(event, "http").unwrap();
        incoming.cause = cause.map(Seq);
        self.append(incoming)
    }

    /// In the log first, then live, as the trait asks.
    fn append(&self, incoming: Incoming) -> Seq {
        let mut events = self.events.0.lock().unwrap();
        let seq = Seq(events.len() as u64 + 1);
        let event = Arc::new(numbered(seq, incoming));
        events.push(Arc::clone(&event));
        drop(events);
        drop(self.live.send(event)); // nobody may be listening
        seq
    }

    pub(crate) fn answer_next(&self, answer: Answer) {
        self.answers.lock().unwrap().push(answer);
    }

    fn take_in(&self, index: usize, event: Result<Incoming, Objection>) -> PostResult {
        let mut result = PostResult {
            index,
            id: None,
            status: PostStatus::Refused,
            seq: None,
            quality: None,
            foreign: false,
            error: None,
        };
        match event {
            Ok(incoming) => {
                result.id.clone_from(&incoming.id);
                result.status = PostStatus::Accepted;
                result.seq = Some(self.append(incoming));
            }
            Err(objection) => result.error = Some(objection),
        }
        result
    }
}

fn numbered(seq: Seq, incoming: Incoming) -> Event {
    let at = incoming.at.unwrap_or_default();
    Event {
        seq,
        id: incoming.id,
        kind: incoming.kind,
        zone: incoming.zone,
        source: incoming.source,
        at,
        taken: Moment(seq.0),
        taken_at: at,
        cause: incoming.cause,
        generation: None,
        foreign: false,
        late: false,
        payload: incoming.payload,
        metadata: incoming.metadata,
    }
}

pub(crate) fn device(id: &str) -> DeviceRow {
    DeviceRow {
        id: serde_json::from_value(json!(id)).unwrap(),
        zone: None,
        role: "exhaust".into(),
        level: Some(0.35),
        since: Some(Instant(0)),
        owner: Some("vpd-control".into()),
        why: "wants more dry air".into(),
        until: None,
        available: true,
        refusal: None,
        free_at: None,
    }
}

fn answered(answer: Answer) -> oneshot::Receiver<Answer> {
    let (send, receive) = oneshot::channel();
    send.send(answer).unwrap();
    receive
}

impl Host for Memory {
    fn post(&self, post: Post) -> oneshot::Receiver<Answer> {
        match &*self.mood.lock().unwrap() {
            Mood::Taking => {}
            Mood::Full => return answered(Answer::Full("the disk is full".into())),
            Mood::Stopping => return oneshot::channel().1,
            Mood::Silent(told) => {
                let (send, receive) = oneshot::channel();
                told.send(send).unwrap();
                return receive;
            }
        }
        let head = (post.speaker, post.wait, post.events.len());
        self.posts.lock().unwrap().push(head);
        let events = post.events.into_iter().enumerate();
        answered(Answer::Posted(
            events.map(|(index, e)| self.take_in(index, e)).collect(),
        ))
    }

    fn ask(&self, _: Question) -> oneshot::Receiver<Answer> {
        let next = self.answers.lock().unwrap().pop();
        answered(next.unwrap_or_else(|| Answer::Devices(vec![device("exhaust")])))
    }

    fn order(&self, order: Order, signature: Signature) -> oneshot::Receiver<Answer> {
        self.orders.lock().unwrap().push((order, signature));
        self.ask(Question::Devices)
    }

    fn rebind(&self, _: SensorId, _: Signature) -> oneshot::Receiver<Answer> {
        self.ask(Question::Devices)
    }

    fn history(&self) -> Arc<dyn History> {
        Arc::new(self.events.clone())
    }

    fn newest(&self) -> Seq {
        Seq(self.count() as u64)
    }

    fn subscribe(&self) -> broadcast::Receiver<Arc<Event>> {
        self.live.subscribe()
    }

    fn dead_letters(&self, limit: usize) -> Vec<DeadLetter> {
        let letter = DeadLetter {
            taken: Instant(0),
            source: Source("mqtt:a/b".into()),
            code: "unknown_zone".into(),
            message: "no such zone".into(),
            body: "{}".into(),
        };
        vec![letter; limit.min(3)]
    }

    fn find_event(&self, id: &str) -> Option<Arc<Event>> {
        let events = self.events.0.lock().unwrap();
        let number = id.strip_prefix('#').unwrap_or(id);
        let found = events
            .iter()
            .find(|e| e.seq.0.to_string() == number || e.shown_id() == id);
        found.cloned()
    }

    fn context(&self, event: &Event) -> Map<String, Value> {
        let before = format!("e{}", event.seq.0.saturating_sub(1));
        let context = json!({"processing_node": "test", "correlated_events": [before],
                             "correlation_pattern": "climate_swing"});
        context.as_object().cloned().unwrap()
    }

    fn zone_context(&self, _: &Event) -> Option<Value> {
        Some(json!({"stage": "flower"}))
    }

    fn plugin(&self, id: &str) -> Option<Value> {
        (id == "vpd-control").then(|| json!({"plugin": {"id": id}, "manifest": {}, "grant": {}}))
    }
}

impl History for Events {
    fn events(&self, filter: &EventFilter) -> Result<Vec<Arc<Event>>, String> {
        if filter.zone.as_ref().is_some_and(|z| z.as_str() == "broken") {
            return Err("the disk is gone".to_owned());
        }
        let events = self.0.lock().unwrap();
        let wanted = events.iter().filter(|event| filter.wants(event));
        Ok(wanted.take(filter.limit).cloned().collect())
    }

    fn samples(
        &self,
        _: &SensorId,
        _: &str,
        _: Window,
        _: Option<Span>,
    ) -> Result<Vec<Sample>, String> {
        Err("the edge asks for no samples".to_owned())
    }
}
