//! Quiet hours: what can wait until morning waits, and comes in one message.

use growbox_sdk::wire::Clock;
use serde::{Deserialize, Serialize};

use crate::message::{Message, Severity};

const DAY_MINUTES: u64 = 24 * 60;
const MINUTE: u64 = 60 * 1_000_000_000;
/// Messages that are kept in words; the rest is counted.
const KEPT: usize = 20;

/// From and to, in minutes after local midnight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Hours {
    from: u64,
    to: u64,
}

impl Hours {
    /// Of `22:00-07:00`.
    ///
    /// # Errors
    /// A sentence that shows what is understood.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let refuse = || format!("\"{text}\" are no hours; write \"22:00-07:00\"");
        let (from, to) = text.split_once('-').ok_or_else(refuse)?;
        let (from, to) = (
            minutes(from).ok_or_else(refuse)?,
            minutes(to).ok_or_else(refuse)?,
        );
        Ok(Self { from, to })
    }

    /// Whether they hold now. A clock that cannot be trusted makes no silence.
    pub(crate) fn hold(self, clock: &Clock) -> bool {
        let now = local_minutes(clock.wall, clock.utc_offset);
        let within = if self.from <= self.to {
            (self.from..self.to).contains(&now)
        } else {
            now >= self.from || now < self.to
        };
        clock.wall_trusted && within
    }
}

fn minutes(text: &str) -> Option<u64> {
    let (hours, minutes) = text.trim().split_once(':')?;
    let two_digits = |text: &str| {
        let sound = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse::<u64>().ok().filter(|_| sound)
    };
    let (hours, minutes) = (two_digits(hours)?, two_digits(minutes)?);
    (hours < 24 && minutes < 60).then_some(hours * 60 + minutes)
}

fn local_minutes(instant: u64, utc_offset: i32) -> u64 {
    let east = i64::from(utc_offset) / 60;
    let utc = i64::try_from(instant / MINUTE).unwrap_or_default();
    (utc + east).rem_euclid(DAY_MINUTES as i64).unsigned_abs()
}

/// `02:14`, local time.
pub(crate) fn time_of_day(instant: u64, utc_offset: i32) -> String {
    let minutes = local_minutes(instant, utc_offset);
    format!("{:02}:{:02}", minutes / 60, minutes % 60)
}

/// What waits for the end of the quiet hours.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Kept {
    messages: Vec<Message>,
    more: u32,
}

impl Kept {
    /// Keeps a message; of too many the oldest are only counted.
    pub(crate) fn keep(&mut self, message: Message) {
        if self.messages.len() >= KEPT {
            self.messages.remove(0);
            self.more += 1;
        }
        self.messages.push(message);
    }

    /// Everything that was kept, as one message.
    pub(crate) fn open(&mut self) -> Option<Message> {
        let kept = std::mem::take(self);
        let last = kept.messages.last()?;
        if kept.messages.len() == 1 {
            return kept.messages.into_iter().next();
        }
        let count = kept.messages.len() + kept.more as usize;
        Some(Message {
            title: format!("{count} messages while it was quiet"),
            ..digest(&kept.messages, kept.more, last)
        })
    }
}

/// Several messages as one, the newest first; `newest` gives it its time.
pub(crate) fn digest(messages: &[Message], more: u32, newest: &Message) -> Message {
    let lines = messages.iter().rev().map(|message| {
        let text = message.text.lines().next().unwrap_or_default();
        format!("{} · {text}", message.title)
    });
    let mut lines: Vec<String> = lines.collect();
    if more > 0 {
        lines.push(format!("and {more} more"));
    }
    Message {
        title: String::new(),
        text: lines.join("\n"),
        severity: messages
            .iter()
            .map(|m| m.severity)
            .max()
            .unwrap_or(Severity::Info),
        kind: newest.kind.clone(),
        zone: None,
        at: newest.at,
    }
    .bounded()
}
