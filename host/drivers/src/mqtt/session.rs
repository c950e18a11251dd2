//! The session with the broker: connects, listens, tells, and begins again when it breaks.

use std::hash::{BuildHasher, Hash as _, Hasher as _, RandomState};
use std::sync::Arc;
use std::time::Duration;

use growbox_model::{Span, Text};
use rumqttc::v5::mqttbytes::v5::{ConnAck, Packet, Publish, SubAck, SubscribeReasonCode};

use super::complaints::Complaints;
use super::connection::{Connection, Entry, News, owed};
use super::decode::{self, Coming};
use super::inflow::{Inflow, Message};
use super::ledger::{Arrival, Ledger};
use super::payload::{self, Payload};
use super::settings::{OutputForm, SensorPoint, Settings};
use super::table::{Bridge, Table, Topic};
use super::{Health, Intake, Letter, Shared, plain, zigbee};
use crate::back_off::BackOff;
use crate::driver::{DriverEvent, Sink};
use crate::machine;

/// The wait after the first connection that failed; doubles from there.
const FIRST_RETRY: Span = Span::millis(200);
/// The longest wait between two tries.
const LONGEST_RETRY: Span = Span::seconds(30);
/// The longest for who is fleeting.
const LONGEST_FLEETING_RETRY: Span = Span::seconds(3);
/// Without anything to do the session wakes this often, only to wait again.
const IDLE: Span = Span::seconds(60);
/// Saying goodbye takes at most so long.
const GOODBYE: Duration = Duration::from_secs(1);

/// Everything the session knows.
pub(super) struct Session {
    settings: Settings,
    sensors: Vec<SensorPoint>,
    table: Table,
    shared: Arc<Shared>,
    sink: Sink,
    intake: Arc<dyn Intake>,
    inflow: Inflow,
    ledger: Ledger,
    complaints: Complaints,
    digests: RandomState,
    received: u64,
    connections: u64,
    /// Why the broker is not there; none while it is.
    away: Option<String>,
}

impl Session {
    pub(super) fn new(
        settings: Settings,
        sensors: Vec<SensorPoint>,
        table: Table,
        shared: Arc<Shared>,
        sink: Sink,
        intake: Arc<dyn Intake>,
    ) -> Self {
        Self {
            settings,
            sensors,
            table,
            shared,
            sink,
            inflow: Inflow::new(intake.clone()),
            intake,
            ledger: Ledger::default(),
            complaints: Complaints::default(),
            digests: RandomState::new(),
            received: 0,
            connections: 0,
            away: Some("not connected yet".into()),
        }
    }

    /// Lasts until it is told to stop.
    pub(super) async fn run(mut self) {
        let longest = if self.settings.fleeting {
            LONGEST_FLEETING_RETRY
        } else {
            LONGEST_RETRY
        };
        let mut back_off = BackOff::new(FIRST_RETRY, longest);
        while !self.shared.stopping() {
            let begun = machine::now();
            let reason = match Connection::open(&self.settings, Entry::Lasting) {
                Ok(connection) => self.converse(connection).await,
                Err(error) => error.to_string(),
            };
            if self.shared.stopping() {
                return;
            }
            let ended = machine::now();
            self.lost(reason, ended);
            let wait = self.jittered(back_off.after(machine::until(ended, begun)));
            self.rest(Span(ended.0.saturating_add(wait.0))).await;
        }
    }

    /// Between half and all of it, so that a room full of clients does not come back at once.
    fn jittered(&self, wait: Span) -> Span {
        let chance = self.digests.hash_one(machine::now().0);
        Span(wait.0 / 2 + chance % (wait.0 / 2).max(1))
    }

    fn lost(&mut self, reason: String, now: Span) {
        if self.away.as_ref() != Some(&reason) {
            tracing::warn!("MQTT: {reason}");
        }
        let events = self.shared.outputs().lost(&reason, now);
        self.away = Some(reason);
        self.tell(events);
        self.say_health();
    }

    /// Waits; what was handed over is answered meanwhile.
    async fn rest(&mut self, until: Span) {
        loop {
            let now = machine::now();
            if self.shared.stopping() || until <= now {
                return;
            }
            self.inflow.hand_over(now);
            let deadline = self
                .inflow
                .next_deadline()
                .map_or(until, |due| due.min(until));
            tokio::select! {
                receipts = self.inflow.answered() => {
                    for receipt in receipts {
                        // Not here: acknowledged when it comes again.
                        self.ledger.taken(receipt);
                    }
                }
                () = self.shared.wake.notified() => {}
                () = tokio::time::sleep(machine::until(deadline, now).duration()) => {}
            }
        }
    }

    /// Talks until the connection ends; returns why it did.
    async fn converse(&mut self, mut line: Connection) -> String {
        loop {
            let wait = machine::until(self.next_deadline(), machine::now());
            tokio::select! {
                news = line.next() => match news {
                    Ok(News::Packet(packet)) => self.hear(*packet, &mut line),
                    Ok(News::Taken(receipt, answer)) => {
                        let events = self.shared.outputs().taken(receipt, answer);
                        self.tell(events);
                    }
                    Err(error) => return error.to_string(),
                },
                receipts = self.inflow.answered() => {
                    for receipt in receipts {
                        if let Some(packet) = self.ledger.taken(receipt) {
                            line.acknowledge(packet);
                        }
                    }
                }
                () = self.shared.wake.notified() => {}
                () = tokio::time::sleep(wait.duration()) => {}
            }
            let now = machine::now();
            self.inflow.hand_over(now);
            self.speak(&mut line, now);
            self.say_health();
            if self.shared.stopping() {
                line.publish(&self.status_topic(), "offline".into(), true);
                line.close(GOODBYE).await;
                return "growbox ends".to_owned();
            }
        }
    }

    fn next_deadline(&self) -> Span {
        let outputs = self.shared.outputs().next_deadline();
        let idle = Span(machine::now().0.saturating_add(IDLE.0));
        let all = [outputs, self.inflow.next_deadline(), Some(idle)];
        all.into_iter().flatten().min().unwrap_or(idle)
    }

    /// Tells outputs what is wanted of them, and gives up on what was not confirmed.
    fn speak(&mut self, line: &mut Connection, now: Span) {
        let overdue = self.shared.outputs().overdue(now);
        self.tell(overdue);
        if self.away.is_some() {
            return;
        }
        let (messages, then) = self.shared.outputs().messages(now);
        for message in messages {
            let receipt = message.receipt;
            if !line.command(message)
                && let Some(receipt) = receipt
            {
                let why = "too many messages wait for the broker".to_owned();
                let failed = self.shared.outputs().taken(receipt, Err(why));
                self.tell(failed);
            }
        }
        self.tell(then);
    }

    fn hear(&mut self, packet: Packet, line: &mut Connection) {
        match packet {
            Packet::ConnAck(answer) => self.connected(&answer, line),
            Packet::SubAck(answer) => self.subscribed(&answer),
            Packet::Publish(publish) => self.message(&publish, line),
            _ => {}
        }
    }

    fn connected(&mut self, answer: &ConnAck, line: &mut Connection) {
        let now = machine::now();
        self.connections += 1;
        self.away = None;
        let (host, session) = (&self.settings.host, answer.session_present);
        tracing::info!(host, session, "MQTT: connected");
        self.ledger.connected(session);
        let topics = self.table.subscriptions();
        line.subscribe(topics.map(|(topic, always)| (&**topic, always)));
        line.publish(&self.status_topic(), "online".into(), true);
        let events = self.shared.outputs().connected(now);
        let questions = self.shared.outputs().questions();
        self.tell(events);
        for question in questions {
            line.publish(&question.topic, question.payload, false);
        }
    }

    fn status_topic(&self) -> String {
        format!("{}/status", self.settings.own)
    }

    fn subscribed(&mut self, answer: &SubAck) {
        let refused =
            |code: &&SubscribeReasonCode| !matches!(code, SubscribeReasonCode::Success(_));
        if let Some(code) = answer.return_codes.iter().find(refused) {
            let why = format!("the broker does not let growbox listen: {code:?}");
            self.complain(&"a subscription".into(), &why, b"");
        }
    }

    fn message(&mut self, publish: &Publish, line: &Connection) {
        self.received += 1;
        let packet = owed(publish);
        let arrival = packet.map(|packet| {
            let digest = self.digest(publish);
            self.ledger.arrived(packet, publish.dup, digest)
        });
        let receipt = match arrival {
            None => None,
            Some(Arrival::New(receipt)) => Some(receipt),
            Some(Arrival::Again) => return,
            Some(Arrival::Done) => {
                packet
                    .into_iter()
                    .for_each(|packet| line.acknowledge(packet));
                return;
            }
        };
        let now = machine::now();
        let message = self
            .read(publish, line, now)
            .map(|(topic, readings)| Message {
                topic,
                readings,
                receipt,
            });
        let done = match message {
            Some(message) => self.inflow.push(message, now),
            None => receipt,
        };
        if let Some(packet) = done.and_then(|receipt| self.ledger.taken(receipt)) {
            line.acknowledge(packet);
        }
    }

    fn digest(&self, publish: &Publish) -> u64 {
        let mut hasher = self.digests.build_hasher();
        publish.topic.hash(&mut hasher);
        publish.payload.hash(&mut hasher);
        hasher.finish()
    }

    /// What a message says: states and presences are told at once, readings are given back.
    fn read(
        &mut self,
        publish: &Publish,
        line: &Connection,
        now: Span,
    ) -> Option<(Text, Vec<super::Said>)> {
        // Only topics that were asked for come, and those are text.
        let name = std::str::from_utf8(&publish.topic).ok()?;
        let table = std::mem::take(&mut self.table);
        let readings = match table.find(name) {
            Some((name, topic)) => self.read_topic(name, topic, publish, now),
            None => {
                line.unsubscribe(name);
                None
            }
        };
        self.table = table;
        readings
    }

    /// A button that is let go says so too. What the broker kept is no news: it was acted upon
    /// when it was said, and a person has looked at it since.
    fn hear_stop(&self, name: &Text, publish: &Publish) {
        let words = String::from_utf8_lossy(&publish.payload);
        let words = words.trim();
        let let_go = ["", "0", "off", "false", "no"];
        if publish.retain || let_go.contains(&&*words.to_ascii_lowercase()) {
            return;
        }
        self.intake.stop(name, words);
    }

    fn read_topic(
        &mut self,
        name: &Text,
        topic: &Topic,
        publish: &Publish,
        now: Span,
    ) -> Option<(Text, Vec<super::Said>)> {
        let bytes = &publish.payload[..];
        if topic.bridge == Some(Bridge::Devices) {
            self.learn(name, bytes);
        }
        if topic.stop {
            self.hear_stop(name, publish);
        }
        if !topic.is_read() {
            return None;
        }
        let payload = match Payload::read(bytes) {
            Ok(payload) => payload,
            Err(why) => {
                self.complain(name, &why, bytes);
                return None;
            }
        };
        self.read_states(name, topic, &payload, publish, now);
        let coming = Coming {
            arrived: machine::wall(),
            retained: publish.retain,
        };
        let mut all = Vec::new();
        let mut wrong = Vec::new();
        for sensor in topic
            .sensors
            .iter()
            .filter_map(|index| self.sensors.get(*index))
        {
            let (readings, complaints) = decode::readings(sensor, &payload, coming);
            all.extend(readings);
            wrong.extend(complaints);
        }
        if !wrong.is_empty() {
            self.complain(name, &wrong.join("; "), bytes);
        }
        (!all.is_empty()).then(|| (name.clone(), all))
    }

    fn read_states(
        &mut self,
        name: &Text,
        topic: &Topic,
        payload: &Payload,
        publish: &Publish,
        now: Span,
    ) {
        let presences = topic
            .presences
            .iter()
            .map(|index| (Some(*index), payload::presence(payload)));
        let bridge =
            (topic.bridge == Some(Bridge::State)).then(|| (None, payload::presence(payload)));
        let presences: Vec<_> = presences.chain(bridge).collect();
        for (index, presence) in presences {
            let events = match (presence, index) {
                _ if *payload == Payload::Empty => Vec::new(),
                (Ok(there), Some(index)) => self.shared.outputs().present(index, there, now),
                (Ok(runs), None) => self.shared.outputs().bridge(runs, now),
                (Err(why), _) => {
                    self.complain(name, &why, &publish.payload);
                    Vec::new()
                }
            };
            self.tell(events);
        }
        for index in &topic.states {
            let complaint = self.shared.outputs().hear_settings(*index, payload);
            if let Some(word) = complaint {
                tracing::warn!("MQTT: {word}");
            }
            let level = self.level(*index, payload);
            let events = match level {
                Ok(None) => Vec::new(),
                Ok(Some(level)) => self.shared.outputs().state(*index, level, publish.retain),
                Err(why) => {
                    self.complain(name, &why, &publish.payload);
                    Vec::new()
                }
            };
            self.tell(events);
        }
    }

    fn level(&self, index: usize, payload: &Payload) -> Result<Option<f64>, String> {
        let outputs = self.shared.outputs();
        let Some(point) = outputs.point(index) else {
            return Ok(None);
        };
        match &point.form {
            OutputForm::Zigbee(output) => zigbee::state(payload, output, point.switched),
            OutputForm::Mapped(output) => plain::state(payload, output),
        }
    }

    fn learn(&mut self, name: &Text, bytes: &[u8]) {
        match zigbee::devices(bytes) {
            Ok(devices) => {
                let told = self.shared.outputs().learn(&devices);
                for word in told {
                    tracing::warn!("MQTT: {word}");
                }
            }
            Err(why) => self.complain(name, &why, bytes),
        }
    }

    /// Counts what could not be read; named at the first and at every doubling.
    fn complain(&mut self, topic: &Text, why: &str, bytes: &[u8]) {
        let Some(count) = self.complaints.note(topic, why, machine::now()) else {
            return;
        };
        (self.sink)(DriverEvent::Unreadable {
            address: format!("mqtt:{topic}").into(),
            message: why.to_owned(),
            count,
        });
        self.intake.refuse(Letter {
            topic: topic.clone(),
            message: why.to_owned(),
            payload: bytes.into(),
        });
    }

    fn tell(&self, events: Vec<DriverEvent>) {
        for event in events {
            (self.sink)(event);
        }
    }

    fn say_health(&self) {
        let now = machine::now();
        let complaint = self.complaints.fresh(now).map(str::to_owned);
        let refused = self.inflow.refusal().map(str::to_owned);
        self.shared.say_health(Health {
            connected: self.away.is_none(),
            trouble: self.away.clone().or(refused).or(complaint),
            received: self.received,
            readings: self.inflow.taken,
            unreadable: self.complaints.count,
            passed_over: self.inflow.passed_over,
            under_way: self.inflow.len() as u64,
            unacknowledged: self.ledger.len() as u64,
            connections: self.connections,
        });
    }
}
