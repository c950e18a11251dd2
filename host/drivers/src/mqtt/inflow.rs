//! Readings on their way in: gathered, handed over together, acknowledged once they are durable.
//!
//! ```text
//!  message ──▶ waiting ──5 ms or 1 000──▶ under way ──durable──▶ acknowledged
//!               │  ▲                          │
//!               │  └──────── not now ─────────┘   with the time at which it came
//!               └ too many under way: the newest of each topic waits, older ones are passed over
//! ```

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use growbox_model::{Span, Text};
use tokio::task::JoinSet;

use super::connection::RECEIVE_MAXIMUM;
use super::ledger::Receipt;
use super::{Intake, Said, Taken};

/// Messages wait at most so long for company.
const GATHER: Span = Span::millis(5);
/// So many go together at most.
const TOGETHER: usize = 1000;
/// So many messages are under way, and as many wait, before older ones give way to newer ones.
/// The broker itself sends no more at QoS 1 before some are acknowledged.
const MOST: usize = RECEIVE_MAXIMUM as usize;
/// The wait before what was not taken is handed over again.
const AGAIN: Span = Span::millis(200);

/// One message with its readings.
#[derive(Debug)]
pub(super) struct Message {
    pub(super) topic: Text,
    pub(super) readings: Vec<Said>,
    pub(super) receipt: Option<Receipt>,
}

/// Messages with their places in the order of arrival.
type Batch = Vec<(u64, Message)>;

/// Everything on its way in.
pub(super) struct Inflow {
    intake: Arc<dyn Intake>,
    waiting: BTreeMap<u64, Message>,
    newest: HashMap<Text, u64>,
    next: u64,
    /// When what waits is handed over.
    due: Option<Span>,
    /// Why nothing is taken now.
    refused: Option<String>,
    posts: JoinSet<(Batch, Taken)>,
    under_way: usize,
    /// Messages a newer one took the place of.
    pub(super) passed_over: u64,
    /// Readings that are in the log, or refused for good.
    pub(super) taken: u64,
}

impl Inflow {
    pub(super) fn new(intake: Arc<dyn Intake>) -> Self {
        Self {
            intake,
            waiting: BTreeMap::new(),
            newest: HashMap::new(),
            next: 0,
            due: None,
            refused: None,
            posts: JoinSet::new(),
            under_way: 0,
            passed_over: 0,
            taken: 0,
        }
    }

    /// Takes a message; gives back the receipt of one that it took the place of.
    pub(super) fn push(&mut self, message: Message, now: Span) -> Option<Receipt> {
        let older = self.newest.get(&message.topic).copied();
        let displaced = older
            .filter(|_| self.waiting.len() >= MOST)
            .and_then(|place| self.waiting.remove(&place));
        self.passed_over += u64::from(displaced.is_some());
        self.next += 1;
        self.newest.insert(message.topic.clone(), self.next);
        self.waiting.insert(self.next, message);
        self.due.get_or_insert(Span(now.0.saturating_add(GATHER.0)));
        displaced.and_then(|message| message.receipt)
    }

    /// Hands over what is due.
    pub(super) fn hand_over(&mut self, now: Span) {
        while self.ready(now) {
            let messages = self.next_messages();
            self.under_way += messages.len();
            let readings: Vec<Said> = messages
                .iter()
                .flat_map(|(_, message)| message.readings.iter().cloned())
                .collect();
            let taking = self.intake.take(readings);
            self.posts.spawn(async move { (messages, taking.await) });
        }
        if self.waiting.is_empty() {
            self.due = None;
        }
    }

    fn ready(&self, now: Span) -> bool {
        let due = self.due.is_some_and(|due| due <= now);
        let full = self.refused.is_none() && self.waiting.len() >= TOGETHER;
        !self.waiting.is_empty() && (due || full) && self.under_way < MOST
    }

    fn next_messages(&mut self) -> Batch {
        let mut messages = Vec::new();
        while messages.len() < TOGETHER
            && let Some((place, message)) = self.waiting.pop_first()
        {
            if self.newest.get(&message.topic) == Some(&place) {
                self.newest.remove(&message.topic);
            }
            messages.push((place, message));
        }
        messages
    }

    /// When [`Inflow::hand_over`] has something to do, if nothing comes before.
    pub(super) fn next_deadline(&self) -> Option<Span> {
        self.due.filter(|_| self.under_way < MOST)
    }

    /// Waits until something handed over is answered; the receipts of what is taken. Never
    /// while nothing is under way.
    pub(super) async fn answered(&mut self) -> Vec<Receipt> {
        let Some(answer) = self.posts.join_next().await else {
            return std::future::pending().await;
        };
        let Ok((messages, taken)) = answer else {
            // The host behind the intake has broken down; the broker sends them again.
            return Vec::new();
        };
        self.under_way = self.under_way.saturating_sub(messages.len());
        match taken {
            Taken::Durable => {
                self.refused = None;
                self.taken += messages
                    .iter()
                    .map(|(_, message)| message.readings.len() as u64)
                    .sum::<u64>();
                messages
                    .into_iter()
                    .filter_map(|(_, message)| message.receipt)
                    .collect()
            }
            Taken::Partly(left, why) => {
                let (done, rest) = parted(messages, &left);
                self.taken += done.readings;
                self.put_back(rest, why);
                done.receipts
            }
            Taken::NotNow(why) => {
                self.put_back(messages, why);
                Vec::new()
            }
        }
    }

    /// What was not taken goes before what came later.
    fn put_back(&mut self, messages: Batch, why: String) {
        self.refused = Some(why);
        let later = Span(crate::machine::now().0.saturating_add(AGAIN.0));
        self.due = Some(later);
        for (place, mut message) in messages {
            for reading in &mut message.readings {
                reading.at.get_or_insert(reading.arrived);
            }
            self.waiting.insert(place, message);
        }
    }

    /// Why nothing is taken now.
    pub(super) fn refusal(&self) -> Option<&str> {
        self.refused.as_deref()
    }

    /// Messages that wait or are under way.
    pub(super) fn len(&self) -> usize {
        self.waiting.len() + self.under_way
    }
}

/// What is done of a batch.
struct Done {
    readings: u64,
    receipts: Vec<Receipt>,
}

/// What is done, and the readings in these places, counted over all messages, that are not.
fn parted(messages: Batch, left: &BTreeSet<usize>) -> (Done, Batch) {
    let (mut receipts, mut rest, mut counted) = (Vec::new(), Batch::new(), 0);
    for (place, mut message) in messages {
        message.readings.retain(|_| {
            counted += 1;
            left.contains(&(counted - 1))
        });
        if message.readings.is_empty() {
            receipts.extend(message.receipt);
        } else {
            rest.push((place, message));
        }
    }
    let readings = (counted - left.len().min(counted)) as u64;
    (Done { readings, receipts }, rest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use growbox_model::Instant;

    fn message(topic: &str, readings: usize) -> Message {
        let said = Said {
            sensor: topic.into(),
            topic: topic.into(),
            quantity: "temperature".into(),
            value: 20.0,
            unit: None,
            at: None,
            arrived: Instant(0),
            undated: false,
        };
        Message {
            topic: topic.into(),
            readings: vec![said; readings],
            receipt: None,
        }
    }

    #[test]
    fn of_what_is_taken_in_part_only_the_rest_comes_again() {
        let batch = vec![
            (1, message("a", 2)),
            (2, message("b", 1)),
            (3, message("c", 2)),
        ];
        let (done, rest) = parted(batch, &[1, 3, 4].into());
        let rest: Vec<_> = rest
            .iter()
            .map(|(place, message)| (*place, message.readings.len()))
            .collect();
        assert_eq!((done.readings, rest), (2, vec![(1, 1), (3, 2)]));
    }
}
