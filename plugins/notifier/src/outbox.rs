//! The outbox of one channel: one call at a time, in order, bounded by the hour.
//!
//! ```text
//!  put ──▶ waiting ──▶ out ──▶ done
//!             ▲          ├──▶ failed: again later, each time later
//!             └──────────┘──▶ refused, or a day old: given up
//! ```

use growbox_sdk::{Moment, Span, hours, minutes, seconds};
use serde::{Deserialize, Serialize};

use crate::message::{Message, Severity};
use crate::quiet::digest;

/// Messages that wait; of more the oldest that is not critical is only counted.
const WAITING: usize = 20;
/// The first try again comes after so long, each next after twice that.
const FIRST: Span = seconds(5);
const LONGEST: Span = minutes(10);
/// The host answers every call; one that is silent for so long was refused before it went out.
const SILENT: Span = minutes(5);
/// What could not be delivered for so long is old news.
const OLD: Span = hours(24);

/// Messages on their way through one channel.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Outbox {
    waiting: Vec<Letter>,
    /// Messages that were only counted.
    left_out: u32,
    /// The number of the next message: its key on this channel.
    next: u64,
    /// The call that has no answer yet.
    out: Option<Out>,
    /// Failures since the last success.
    failures: u32,
    not_before: Moment,
    /// When messages went out in the last hour.
    sent: Vec<Moment>,
    /// Whether something had to wait for the hour.
    held: bool,
}

#[derive(Debug, Serialize, Deserialize)]
struct Letter {
    number: u64,
    message: Message,
    written: Moment,
    attempts: u32,
}

#[derive(Debug, Serialize, Deserialize)]
struct Out {
    key: String,
    number: u64,
    since: Moment,
}

/// What an answer means.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Verdict {
    /// Delivered.
    Done,
    /// It may work later; the far side may have said when.
    Later(String, Option<Span>),
    /// It will never work.
    Never(String),
}

/// A message that will not be delivered.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct GivenUp {
    /// Its key.
    pub key: String,
    /// Its title.
    pub title: String,
    /// Why.
    pub why: String,
    /// How often it was tried.
    pub attempts: u32,
}

impl Outbox {
    /// One more message.
    pub(crate) fn put(&mut self, message: Message, now: Moment) {
        self.next += 1;
        self.waiting.push(Letter {
            number: self.next,
            message,
            written: now,
            attempts: 0,
        });
        if self.waiting.len() > WAITING {
            let out = self.out.as_ref().map(|out| out.number);
            let minor = |letter: &Letter| letter.message.severity < Severity::Critical;
            let free = |letter: &Letter| Some(letter.number) != out;
            let least = self.waiting.iter().position(|l| free(l) && minor(l));
            let index = least.or_else(|| self.waiting.iter().position(free));
            if let Some(index) = index {
                self.waiting.remove(index);
                self.left_out += 1;
            }
        }
    }

    /// What is to go out now, with its key; and what a call without any answer has made futile.
    pub(crate) fn next(
        &mut self,
        channel: &str,
        rate: u32,
        now: Moment,
    ) -> (Option<(String, Message)>, Option<GivenUp>) {
        let mut given_up = None;
        if let Some(out) = &self.out {
            if now.since(out.since) < SILENT {
                return (None, None);
            }
            let why = "no answer: is the origin granted?".to_string();
            given_up = self.answered(Verdict::Later(why, None), now);
        }
        if now < self.not_before {
            return (None, given_up);
        }
        self.sent.retain(|sent| now.since(*sent) < hours(1));
        self.fold(rate, now);
        let Some(letter) = self.waiting.iter_mut().find(|letter| {
            letter.attempts > 0 || self.sent.len() < allowed(letter.message.severity, rate)
        }) else {
            self.held = !self.waiting.is_empty();
            return (None, given_up);
        };
        if letter.attempts == 0 {
            self.sent.push(now);
        }
        letter.attempts += 1;
        let key = format!("{channel}-{}", letter.number);
        self.out = Some(Out {
            key: key.clone(),
            number: letter.number,
            since: now,
        });
        (Some((key, letter.message.clone())), given_up)
    }

    /// What had to wait for the hour goes out as one message when the hour is over.
    fn fold(&mut self, rate: u32, now: Moment) {
        let room = self.sent.len() < allowed(Severity::Info, rate);
        if !room || !(self.held || self.left_out > 0) {
            return;
        }
        self.held = false;
        let minor =
            |letter: &Letter| letter.attempts == 0 && letter.message.severity < Severity::Critical;
        let (folded, kept): (Vec<Letter>, Vec<Letter>) = std::mem::take(&mut self.waiting)
            .into_iter()
            .partition(minor);
        self.waiting = kept;
        let count = folded.len() + self.left_out as usize;
        let messages: Vec<Message> = folded.into_iter().map(|letter| letter.message).collect();
        let nobody = Message {
            at: 0,
            ..Message::default()
        };
        let newest = messages.last().unwrap_or(&nobody);
        let message = match messages.as_slice() {
            [] if self.left_out == 0 => return,
            [only] if self.left_out == 0 => only.clone(),
            _ => Message {
                title: format!("and {count} more"),
                ..digest(&messages, self.left_out, newest)
            },
        };
        self.left_out = 0;
        self.put(message, now);
    }

    /// Whether this is the call that has no answer yet.
    pub(crate) fn waits_for(&self, key: &str) -> bool {
        self.out.as_ref().is_some_and(|out| out.key == key)
    }

    /// The call that was out has been answered.
    pub(crate) fn answered(&mut self, verdict: Verdict, now: Moment) -> Option<GivenUp> {
        let out = self.out.take()?;
        let index = self.waiting.iter().position(|l| l.number == out.number)?;
        let why = match verdict {
            Verdict::Done => {
                self.waiting.remove(index);
                self.failures = 0;
                return None;
            }
            Verdict::Later(why, after) => {
                self.failures = self.failures.saturating_add(1);
                self.not_before = now + after.unwrap_or_default().max(back_off(self.failures));
                if now.since(self.waiting[index].written) < OLD {
                    return None;
                }
                format!("tried for a day; {why}")
            }
            Verdict::Never(why) => why,
        };
        let letter = self.waiting.remove(index);
        Some(GivenUp {
            key: out.key,
            title: letter.message.title,
            why,
            attempts: letter.attempts,
        })
    }

    /// The host performs open calls again after a restart: their time begins anew.
    pub(crate) fn restarted(&mut self, now: Moment) {
        if let Some(out) = &mut self.out {
            out.since = now;
        }
    }
}

/// Messages an hour: what is critical may be said twice as often.
fn allowed(severity: Severity, rate: u32) -> usize {
    let times = if severity == Severity::Critical { 2 } else { 1 };
    rate as usize * times
}

fn back_off(failures: u32) -> Span {
    let times = 1_u64 << failures.saturating_sub(1).min(10);
    Span::from_nanoseconds(FIRST.as_nanoseconds() * times).min(LONGEST)
}
