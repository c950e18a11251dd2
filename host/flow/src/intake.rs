//! Intake: posts wait for room in the queue, their events are admitted, checked, and taken in turn.
//!
//! Everything that can be refused is judged when an event is taken, never while it waits: so
//! it makes no difference how long the queue is, or over how many posts the events came.

use std::collections::{BTreeMap, VecDeque};

use growbox_model::commit::{DeadLetter, Record};
use growbox_model::incoming::{Incoming, Speaker};
use growbox_model::ports::Ticket;
use growbox_model::row::{PostResult, PostStatus, Wait};
use growbox_model::{Event, Instant, Json, Moment, Objection, Payload, Quality, Seq, Text};
use growbox_pipeline::admit::{Admission, Withheld};
use growbox_pipeline::duplicate::Duplicates;
use growbox_pipeline::queue::Queue;
use growbox_pipeline::validate::{Known, Taken, validate};

use crate::flow::Flow;
use crate::lanes::Taking;
use crate::say::Saying;

/// Driver readings that may wait for the queue; beyond, the oldest goes and is counted.
const DRIVER_BACKLOG: usize = 4096;

/// Where an event came from, so that its result can be told.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Origin {
    /// The post and the place in it; none for drivers.
    pub post: Option<(Ticket, usize)>,
    pub speaker: Speaker,
    /// When it was heard, machine time.
    pub heard: Moment,
}

impl Origin {
    /// Of what is heard now.
    pub(crate) fn heard(heard: Moment, speaker: Speaker) -> Self {
        Self {
            post: None,
            speaker,
            heard,
        }
    }
}

/// A post whose answer is not given yet.
#[derive(Debug)]
pub(crate) struct Post {
    pub results: Vec<PostResult>,
    pub wait: Wait,
    /// Events that wait for the queue, in it, or for their rate.
    pub undecided: usize,
    /// Those of them that wait for their rate.
    held: usize,
    /// The newest number any of its events got.
    pub last: Seq,
}

impl Post {
    /// Whether its events are taken: all of them have a number or a refusal.
    pub(crate) fn decided(&self) -> bool {
        self.undecided == 0
    }

    /// Whether its events are accepted: what waits for its rate counts as well.
    pub(crate) fn accepted(&self) -> bool {
        self.undecided == self.held
    }
}

#[derive(Debug)]
pub(crate) struct Feed {
    pub events: VecDeque<(Incoming, Origin)>,
    /// What goes ahead has been taken out of it.
    pub parted: bool,
}

impl Feed {
    /// Its events, from which what goes ahead is about to be taken.
    pub(crate) fn part(&mut self) -> &mut VecDeque<(Incoming, Origin)> {
        self.parted = true;
        &mut self.events
    }
}

/// Why an event is not taken.
enum Objected {
    /// It is known already, under this number.
    Duplicate(Seq),
    Refused(Objection),
}

/// Everything between an edge and the log.
#[derive(Debug)]
pub(crate) struct Intake {
    pub feeds: VecDeque<Feed>,
    pub drivers: VecDeque<(Incoming, Origin)>,
    pub posts: BTreeMap<Ticket, Post>,
    pub queue: Queue<(Incoming, Origin)>,
    pub admission: Admission<Origin>,
    pub duplicates: Duplicates,
    /// Whether anything from outside has been taken since the start.
    pub taken_any: bool,
    /// Events from outside that got a number.
    pub taken: u64,
    /// Events that were refused, whether somebody was told or not.
    pub refused: u64,
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
            taken_any: false,
            taken: 0,
            refused: 0,
            lost: 0,
            dead: 0,
        }
    }

    /// Whether anything waits to be taken.
    pub(crate) fn is_idle(&self) -> bool {
        self.queue.is_empty() && self.feeds.is_empty() && self.drivers.is_empty()
    }

    pub(crate) fn readings(&mut self, events: Vec<Incoming>, heard: Moment) {
        let origin = Origin::heard(heard, Speaker::Driver);
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
        from: Origin,
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
                            ..from
                        },
                    ));
                }
                Err(objection) => {
                    self.refused += 1;
                    refuse(&mut result, objection);
                }
            }
            results.push(result);
        }
        self.posts.insert(
            ticket,
            Post {
                results,
                wait,
                undecided: feed.len(),
                held: 0,
                last: Seq(0),
            },
        );
        if !feed.is_empty() {
            self.feeds.push_back(Feed {
                events: feed,
                parted: false,
            });
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

    fn post_of(&mut self, origin: Origin) -> Option<&mut Post> {
        self.posts.get_mut(&origin.post?.0)
    }

    /// Tells the result of one event of a post, where somebody waits for it.
    fn decided(&mut self, origin: Origin, last: Option<Seq>, tell: impl FnOnce(&mut PostResult)) {
        let (Some(post), Some((_, index))) = (self.post_of(origin), origin.post) else {
            return;
        };
        post.undecided = post.undecided.saturating_sub(1);
        post.last = post.last.max(last.unwrap_or_default());
        if let Some(result) = post.results.get_mut(index) {
            tell(result);
        }
    }

    /// An event waits for its rate; the one whose place it took is accepted, and passed over.
    fn held(&mut self, origin: Origin, displaced: Option<Origin>) {
        if let Some(post) = self.post_of(origin) {
            post.held += 1;
        }
        if let Some(displaced) = displaced {
            self.unheld(displaced);
            self.decided(displaced, None, |_| {});
        }
    }

    /// An event has waited long enough for its rate.
    pub(crate) fn unheld(&mut self, origin: Origin) {
        if let Some(post) = self.post_of(origin) {
            post.held = post.held.saturating_sub(1);
        }
    }

    /// Tells that a filter keeps an event back.
    fn withheld(&mut self, origin: Origin, withheld: &Withheld<Origin>) {
        let objection = match withheld {
            Withheld::Held(displaced) => return self.held(origin, *displaced),
            Withheld::Unwanted => {
                Objection::new("filtered", "[filters] drop_types names this type")
            }
            Withheld::Dropped => Objection::new(
                "rate_limited",
                "over the rate [filters] allows for this source and type",
            ),
        };
        self.refused += 1;
        self.decided(origin, None, |result| refuse(result, objection));
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
        if self.clock.by_events() {
            self.line_up();
            return;
        }
        let now = self.machine.boot;
        let room = self.intake.queue.room();
        for (event, origin) in self.intake.admission.release(now, room) {
            self.intake.unheld(origin);
            self.enqueue(event, origin);
        }
        while let Some((event, origin)) = self.intake.next_waiting() {
            self.admit(event, origin);
        }
    }

    /// Lets one event into the queue, where the filters do.
    pub(crate) fn admit(&mut self, event: Incoming, origin: Origin) {
        let now = self.machine.boot;
        match self.intake.admission.admit(event, origin, now) {
            Ok((event, origin)) => self.enqueue(event, origin),
            Err(withheld) => self.intake.withheld(origin, &withheld),
        }
    }

    /// Under the events clock there is one lane, and rates count in room time: they are looked
    /// at when the event is taken.
    fn line_up(&mut self) {
        while let Some(next) = self.intake.next_waiting() {
            if self.intake.queue.push(next, false).is_err() {
                return;
            }
        }
    }

    pub(crate) fn enqueue(&mut self, event: Incoming, origin: Origin) {
        let ahead = self.goes_ahead(&event, origin.speaker);
        if self.intake.queue.push((event, origin), ahead).is_err() {
            self.intake.lost += 1;
            self.intake.refused += 1;
            let full = Objection::new("queue_full", "the queue is full");
            self.intake
                .decided(origin, None, |result| refuse(result, full));
        }
    }

    /// The truth about an event, as the room stands now.
    fn judge_event(&self, event: &Incoming, origin: Origin) -> Result<Taken, Objected> {
        if let Some(id) = &event.id
            && let Some(seq) = self.intake.duplicates.known(&event.source, id)
        {
            return Err(Objected::Duplicate(seq));
        }
        let known = Known {
            node: &self.room.node,
            zones: &self.room.zones,
            sensors: &self.room.sensors,
            bindings: &self.zones,
            names: &self.names,
            now: self.clock.founded(),
            machine_wall: self.machine.wall,
        };
        validate(event, origin.speaker, &known).map_err(Objected::Refused)
    }

    /// Takes the next event out of the queue; false when there is none.
    pub(crate) fn take_next(&mut self, taking: Taking) -> bool {
        let next = match taking {
            Taking::Everything => self.intake.queue.pop(),
            Taking::Ahead => self.intake.queue.pop_ahead(),
            Taking::Nothing => None,
        };
        let Some((event, origin)) = next else {
            return false;
        };
        if self.clock.by_events() {
            self.take_at_its_rate(event, origin);
        } else {
            self.take(event, origin);
        }
        true
    }

    /// Turns the next event away if it would not be taken: then it moves no clock.
    pub(crate) fn turn_away_next(&mut self) -> bool {
        let objected = match self.intake.queue.peek() {
            Some((event, origin)) => self.judge_event(event, *origin).err(),
            None => None,
        };
        if let Some(objected) = objected
            && let Some((event, origin)) = self.intake.queue.pop()
        {
            self.turn_away(&event, origin, objected);
            return true;
        }
        false
    }

    fn take_at_its_rate(&mut self, event: Incoming, origin: Origin) {
        let reached = self.reached_by(event.at).unwrap_or_default();
        match self.intake.admission.admit(event, origin, reached) {
            Ok((event, origin)) => self.take(event, origin),
            Err(withheld) => self.intake.withheld(origin, &withheld),
        }
    }

    /// Under the events clock: readings whose turn has come in room time.
    pub(crate) fn take_released(&mut self) {
        let now = self.clock.now().moment;
        for (event, origin) in self.intake.admission.release(now, usize::MAX) {
            self.intake.unheld(origin);
            self.take(event, origin);
        }
    }

    /// The moment the events clock will say once it has taken an event that happened at `at`.
    pub(crate) fn reached_by(&self, at: Option<Instant>) -> Option<Moment> {
        let now = self.clock.founded()?;
        Some(now.moment + at.map_or(growbox_model::Span::ZERO, |at| at.since(now.wall)))
    }

    /// Takes one event: truth, clock, number, log, views, and what it orders.
    fn take(&mut self, event: Incoming, origin: Origin) {
        let taken = match self.judge_event(&event, origin) {
            Ok(taken) => taken,
            Err(objected) => return self.turn_away(&event, origin, objected),
        };
        self.intake.taken_any = true;
        self.intake.taken += 1;
        self.move_clock(event.at);
        let event = self.say(Saying::taken(self.calibrated(event), taken));
        self.latency.said(origin.heard);
        self.bind(&event);
        self.number(&event, origin);
        if event.effective() && origin.speaker == Speaker::Operator {
            self.obey(&event);
        }
    }

    /// What its sensor really meant: its offset is added to what it says. Whether that was
    /// plausible is a question to the sensor itself, and was asked before.
    fn calibrated(&self, mut event: Incoming) -> Incoming {
        if let Payload::Reading(reading) = &mut event.payload
            && let Some(sensor) = self.room.sensors.get(&reading.sensor)
            && let Some(offset) = sensor.offsets.get(&reading.quantity)
        {
            reading.value += offset;
        }
        event
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
                .remember(&event.source, id, event.seq, self.machine.boot);
        }
        let bad = event
            .reading()
            .is_some_and(|reading| reading.quality == Quality::Bad);
        self.intake.decided(origin, Some(event.seq), |result| {
            result.seq = Some(event.seq);
            result.id = Some(event.shown_id().into());
            result.foreign = event.foreign;
            result.quality = bad.then(|| "bad".into());
            if event.late {
                result.status = PostStatus::Late;
            }
        });
    }

    /// Who waits for an answer is told; where nobody does, a refusal becomes a dead letter.
    fn turn_away(&mut self, event: &Incoming, origin: Origin, objected: Objected) {
        self.intake.refused += u64::from(matches!(objected, Objected::Refused(_)));
        match objected {
            Objected::Duplicate(seq) => {
                self.intake.decided(origin, Some(seq), |result| {
                    result.status = PostStatus::Duplicate;
                    result.seq = Some(seq);
                });
            }
            Objected::Refused(objection) if self.intake.post_of(origin).is_some() => {
                self.intake
                    .decided(origin, None, |result| refuse(result, objection));
            }
            Objected::Refused(objection) => {
                let letter = self.dead_letter(event, &objection);
                self.file(letter);
            }
        }
    }

    /// Keeps what was refused where nobody waits for an answer.
    pub(crate) fn file(&mut self, letter: DeadLetter) {
        self.intake.dead += 1;
        let taken = self.clock.now().wall;
        self.commit
            .records
            .push(Record::DeadLetter(DeadLetter { taken, ..letter }));
    }

    fn dead_letter(&self, event: &Incoming, objection: &Objection) -> DeadLetter {
        DeadLetter {
            taken: self.clock.now().wall,
            source: event.source.clone(),
            code: objection.code.as_str().into(),
            message: objection.message.as_str().into(),
            body: body_of(event),
        }
    }
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
