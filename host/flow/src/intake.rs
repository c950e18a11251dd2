//! Intake: posts wait for room in the queue, their events are checked, admitted, and taken in turn.

use std::collections::{BTreeMap, VecDeque};

use growbox_model::commit::{DeadLetter, Record};
use growbox_model::incoming::{Incoming, Speaker};
use growbox_model::ports::Ticket;
use growbox_model::row::{PostResult, PostStatus, Wait};
use growbox_model::{Event, Instant, Json, Now, Objection, Quality, Seq, Text};
use growbox_pipeline::admit::{Admission, Withheld};
use growbox_pipeline::duplicate::Duplicates;
use growbox_pipeline::queue::Queue;
use growbox_pipeline::validate::{Known, Taken, validate};

use crate::flow::Flow;
use crate::say::Saying;

/// Driver readings that may wait for the queue; beyond, the oldest goes and is counted.
const DRIVER_BACKLOG: usize = 4096;

/// Where an event came from, so that its result can be told.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Origin {
    /// The post and the place in it; none for drivers.
    pub post: Option<(Ticket, usize)>,
    pub speaker: Speaker,
}

/// A post whose answer is not given yet.
#[derive(Debug)]
pub(crate) struct Post {
    pub results: Vec<PostResult>,
    pub wait: Wait,
    /// Events that wait for the queue, or in it.
    pub undecided: usize,
    /// The newest number any of its events got.
    pub last: Seq,
}

#[derive(Debug)]
struct Feed {
    events: VecDeque<(Incoming, Origin)>,
}

/// Everything between an edge and the log.
#[derive(Debug)]
pub(crate) struct Intake {
    feeds: VecDeque<Feed>,
    drivers: VecDeque<(Incoming, Origin)>,
    pub posts: BTreeMap<Ticket, Post>,
    pub queue: Queue<(Incoming, Origin)>,
    pub admission: Admission<Origin>,
    pub duplicates: Duplicates,
    /// The largest `at` admitted, which is what the events clock will reach.
    newest_at: Option<Instant>,
    /// Driver readings that found no room.
    pub lost: u64,
    /// Events refused after they were accepted.
    pub dead: u64,
}

impl Intake {
    pub(crate) fn new(room: &growbox_model::RoomSpec) -> Self {
        Self {
            feeds: VecDeque::new(),
            drivers: VecDeque::new(),
            posts: BTreeMap::new(),
            queue: Queue::new(room.node.queue),
            admission: Admission::new(room.filters.clone()),
            duplicates: Duplicates::default(),
            newest_at: None,
            lost: 0,
            dead: 0,
        }
    }

    /// Whether anything waits to be taken.
    pub(crate) fn is_idle(&self) -> bool {
        self.queue.is_empty() && self.feeds.is_empty() && self.drivers.is_empty()
    }

    pub(crate) fn readings(&mut self, events: Vec<Incoming>) {
        let origin = Origin {
            post: None,
            speaker: Speaker::Driver,
        };
        self.drivers
            .extend(events.into_iter().map(|event| (event, origin)));
        while self.drivers.len() > DRIVER_BACKLOG {
            self.drivers.pop_front();
            self.lost += 1;
        }
    }

    /// Takes a post in: what an edge refused has its result, the rest waits for the queue.
    pub(crate) fn post(
        &mut self,
        ticket: Ticket,
        events: Vec<Result<Incoming, Objection>>,
        speaker: Speaker,
        wait: Wait,
    ) {
        let mut results = Vec::with_capacity(events.len());
        let mut feed = VecDeque::with_capacity(events.len());
        for (index, event) in events.into_iter().enumerate() {
            let mut result = blank(index);
            match event {
                Ok(event) => {
                    result.id.clone_from(&event.id);
                    feed.push_back((
                        event,
                        Origin {
                            post: Some((ticket, index)),
                            speaker,
                        },
                    ));
                }
                Err(objection) => refuse(&mut result, objection),
            }
            results.push(result);
        }
        self.posts.insert(
            ticket,
            Post {
                results,
                wait,
                undecided: feed.len(),
                last: Seq(0),
            },
        );
        if !feed.is_empty() {
            self.feeds.push_back(Feed { events: feed });
        }
    }

    fn next_waiting(&mut self) -> Option<(Incoming, Origin)> {
        if self.queue.is_full() {
            return None;
        }
        if let Some(event) = self.drivers.pop_front() {
            return Some(event);
        }
        let feed = self.feeds.front_mut()?;
        let event = feed.events.pop_front();
        if feed.events.is_empty() {
            self.feeds.pop_front();
        }
        event
    }

    /// Tells the result of one event of a post.
    fn decided(&mut self, origin: Origin, tell: impl FnOnce(&mut PostResult), last: Option<Seq>) {
        let Some((ticket, index)) = origin.post else {
            return;
        };
        let Some(post) = self.posts.get_mut(&ticket) else {
            return;
        };
        post.undecided = post.undecided.saturating_sub(1);
        post.last = post.last.max(last.unwrap_or_default());
        if let Some(result) = post.results.get_mut(index) {
            tell(result);
        }
    }
}

fn blank(index: usize) -> PostResult {
    PostResult {
        index,
        id: None,
        status: PostStatus::Accepted,
        seq: None,
        quality: None,
        foreign: false,
        error: None,
    }
}

fn refuse(result: &mut PostResult, objection: Objection) {
    result.status = PostStatus::Refused;
    result.error = Some(objection);
}

impl Flow {
    /// Lets waiting events into the queue, as far as it has room.
    pub(crate) fn fill_queue(&mut self) {
        for (event, origin) in self.intake.admission.release(self.rate_time()) {
            self.enqueue(event, origin);
        }
        while let Some((event, origin)) = self.intake.next_waiting() {
            self.admit(event, origin);
        }
    }

    /// Rates count in machine time, under the events clock in room time.
    pub(crate) fn rate_time(&self) -> growbox_model::Moment {
        if self.clock.by_events() {
            self.clock.now().moment
        } else {
            self.machine.boot
        }
    }

    fn admit(&mut self, event: Incoming, origin: Origin) {
        if let Err(objection) = self.check(&event, origin.speaker) {
            self.intake
                .decided(origin, |result| refuse(result, objection), None);
            return;
        }
        if let Some(id) = &event.id
            && let Err(seq) =
                self.intake
                    .duplicates
                    .first_time(&event.source, id, self.machine.boot)
        {
            self.intake.decided(
                origin,
                |result| {
                    result.status = PostStatus::Duplicate;
                    result.seq = seq;
                },
                seq.or(Some(self.last_seq)),
            );
            return;
        }
        let (source, id) = (event.source.clone(), event.id.clone());
        match self.intake.admission.admit(event, origin, self.rate_time()) {
            Ok((event, origin)) => self.enqueue(event, origin),
            Err(withheld) => {
                if let (Some(id), false) = (id, withheld == Withheld::Held) {
                    self.intake.duplicates.forget_one(&source, &id);
                }
                self.intake
                    .decided(origin, |result| tell_withheld(result, &withheld), None);
            }
        }
    }

    fn enqueue(&mut self, event: Incoming, origin: Origin) {
        self.intake.newest_at = self.intake.newest_at.max(event.at);
        let critical = event.kind.critical();
        if self.intake.queue.push((event, origin), critical).is_err() {
            self.intake.lost += 1;
            let full = Objection::new("queue_full", "the queue is full");
            self.intake
                .decided(origin, |result| refuse(result, full), None);
        }
    }

    /// Validation for the answer of an edge: against the clock as it will be once the queue is taken.
    fn check(&self, event: &Incoming, speaker: Speaker) -> Result<Taken, Objection> {
        let mut now = self.clock.founded();
        if let Some(newest) = self.intake.newest_at.filter(|_| self.clock.by_events()) {
            let wall = now.map_or(newest, |now| now.wall.max(newest));
            now = Some(Now {
                wall,
                ..now.unwrap_or_default()
            });
        }
        self.validate(event, speaker, now)
    }

    fn validate(
        &self,
        event: &Incoming,
        speaker: Speaker,
        now: Option<Now>,
    ) -> Result<Taken, Objection> {
        let known = Known {
            node: &self.room.node,
            zones: &self.room.zones,
            sensors: &self.room.sensors,
            bindings: &self.zones,
            now,
            machine_wall: self.machine.wall,
        };
        validate(event, speaker, &known)
    }

    /// Takes one event out of the queue: clock, truth, number, log, views, and what it orders.
    pub(crate) fn take(&mut self, event: Incoming, origin: Origin) {
        let verdict = self.validate(&event, origin.speaker, self.clock.founded());
        let taken = match verdict {
            Ok(taken) => taken,
            Err(objection) => return self.bury(&event, origin, objection),
        };
        self.move_clock(event.at);
        let event = self.say(Saying::taken(event, taken));
        self.bind(&event);
        self.number(&event, origin);
        if event.effective() && origin.speaker == Speaker::Operator {
            self.obey(&event);
        }
    }

    /// Under the events clock an event founds it or moves it on; what waited for a founded clock is said first.
    fn move_clock(&mut self, at: Option<Instant>) {
        if !self.clock.by_events() {
            return;
        }
        let founded = self.clock.founded();
        self.clock
            .reach(at.unwrap_or(founded.map_or(self.machine.wall, |now| now.wall)));
        for saying in std::mem::take(&mut self.unsaid) {
            self.say(saying);
        }
    }

    fn bind(&mut self, event: &Event) {
        if let Some(reading) = event.reading().filter(|_| event.effective())
            && self.zones.bind(&reading.sensor, &event.source)
        {
            self.commit.records.push(Record::Bound(
                reading.sensor.clone(),
                Some(event.source.clone()),
            ));
        }
    }

    fn number(&mut self, event: &Event, origin: Origin) {
        if let Some(id) = &event.id {
            self.intake
                .duplicates
                .numbered(&event.source, id, event.seq);
        }
        let bad = event
            .reading()
            .is_some_and(|reading| reading.quality == Quality::Bad);
        self.intake.decided(
            origin,
            |result| {
                result.seq = Some(event.seq);
                result.id = Some(event.shown_id().into());
                result.foreign = event.foreign;
                result.quality = bad.then(|| "bad".into());
                if event.late {
                    result.status = PostStatus::Late;
                }
            },
            Some(event.seq),
        );
    }

    /// What was accepted and then refused becomes a dead letter.
    fn bury(&mut self, event: &Incoming, origin: Origin, objection: Objection) {
        self.intake.dead += 1;
        if let Some(id) = &event.id {
            self.intake.duplicates.forget_one(&event.source, id);
        }
        self.commit.records.push(Record::DeadLetter(DeadLetter {
            taken: self.clock.now().wall,
            source: event.source.clone(),
            code: objection.code.as_str().into(),
            message: objection.message.as_str().into(),
            body: body_of(event),
        }));
        self.intake
            .decided(origin, |result| refuse(result, objection), None);
    }
}

fn tell_withheld(result: &mut PostResult, withheld: &Withheld) {
    let objection = match withheld {
        Withheld::Held => return,
        Withheld::Unwanted => Objection::new("filtered", "[filters] drop_types names this type"),
        Withheld::Dropped => Objection::new(
            "rate_limited",
            "over the rate [filters] allows for this source and type",
        ),
    };
    refuse(result, objection);
}

fn body_of(event: &Incoming) -> Text {
    let data = match &event.payload {
        growbox_model::Payload::Reading(reading) => serde_json::Value::Object(reading.data()),
        growbox_model::Payload::Document(json) => serde_json::Value::Object(json.map()),
    };
    let whole = serde_json::json!({
        "type": event.kind, "timestamp": event.at, "data": data,
        "metadata": event.metadata.as_ref().map(Json::map),
    });
    whole.to_string().into()
}
