//! Tells people what went wrong, on every channel they named, once, and not at night.
//!
//! ```text
//!  event ──▶ news: is this worth a word? ──▶ standing: was it said already? ──▶ quiet hours?
//!        ──▶ an outbox a channel: one at a time, in order, at most so many an hour
//!        ──▶ call ──▶ plugin.call.answered: done, again later, or given up and said so
//! ```
//!
//! Its own failing calls are no news: they are tried again, and what is given up is an event.

mod channel;
mod message;
mod news;
mod outbox;
mod quiet;
mod standing;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use growbox_sdk::json::{Value, json};
use growbox_sdk::prelude::*;
use serde::{Deserialize, Serialize};

use channel::Channel;
use message::{Message, Severity};
use news::News;
use outbox::{GivenUp, Outbox};
use quiet::{Hours, Kept};
use standing::Standing;

/// Its own name, as the host knows it.
const ID: &str = env!("CARGO_PKG_NAME");

/// What an operator may set; `[notify]` of the configuration does it.
#[derive(Clone, Debug, Settings)]
pub struct Notifier {
    /// The topic's address.
    pub ntfy: Option<String>,
    /// The header Authorization for it; secrets by name.
    pub ntfy_authorization: Option<String>,
    /// Where JSON is posted.
    pub webhook: Option<String>,
    /// The header Authorization for it; secrets by name.
    pub webhook_authorization: Option<String>,
    /// The address of a bot's sendMessage; the token by name.
    pub telegram: Option<String>,
    /// The chat it writes to.
    pub telegram_chat: Option<String>,
    /// To whom mail goes: mailto:ADDRESS.
    pub mail: Option<String>,
    /// Hours in which only what is critical is said, local time: 22:00-07:00.
    pub quiet_hours: Option<String>,
    /// The least severity that is said: info, warning or critical.
    #[setting(default = "warning")]
    pub least: String,
    /// Messages an hour each channel gets; critical ones get twice as many.
    #[setting(default = 20)]
    pub rate: u32,
    /// A critical alert nobody acknowledges is said again after so long; 0 s: never.
    #[setting(default = "1h")]
    pub repeat: Span,
}

/// What is remembered.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Notes {
    standing: Standing,
    kept: Kept,
    outboxes: BTreeMap<String, Outbox>,
}

impl Stored for Notes {
    const KEY: &'static str = "notes";
}

#[growbox::plugin(
    reads(
        "alert.raised",
        "alert.cleared",
        "alert.acknowledged",
        "device.error",
        "safety.violation",
        "system.emergency",
        "system.lifecycle.started",
        "storage.gap",
        "plugin.quarantined",
        "plugin.call.answered",
        "x.notifier.test"
    ),
    tick = "5s",
    may_call("*" = "to reach the channels that [notify] names"),
    may_emit(
        "x.notifier.gave_up" = "to say what could not be delivered",
        "x.notifier.tested" = "to say which channels a test went to"
    )
)]
impl Handler for Notifier {
    type State = Whole<Notes>;

    fn check(&self) -> Outcome {
        if Severity::parse(&self.least).is_none() {
            let why = "is info, warning or critical";
            return Err(fault::settings("/least", why));
        }
        self.hours().map(drop)
    }

    fn handle(&self, room: &Room, notes: &mut Self::State, effects: &mut Effects) -> Outcome {
        let hours = self.hours()?;
        let quiet = hours.is_some_and(|hours| hours.hold(&room.clock()));
        for event in room.events() {
            match event.type_.as_str() {
                "plugin.call.answered" => answered(room, event, notes, effects),
                "x.notifier.test" => self.test(room, event, effects),
                _ => self.hear(room, event, quiet, notes),
            }
        }
        let repeat = Some(self.repeat).filter(|repeat| *repeat > Span::ZERO);
        for message in notes.standing.remind(repeat, room.now()) {
            self.tell(message, quiet, room.now(), notes);
        }
        if !quiet && let Some(message) = notes.kept.open() {
            self.post(&message, room.now(), notes);
        }
        self.dispatch(room, notes, effects);
        Ok(())
    }
}

impl Notifier {
    fn hours(&self) -> Result<Option<Hours>, growbox_sdk::wire::Fault> {
        let hours = self.quiet_hours.as_deref().map(Hours::parse).transpose();
        hours.map_err(|why| fault::settings("/quiet_hours", why))
    }

    fn least(&self) -> Severity {
        Severity::parse(&self.least).unwrap_or(Severity::Warning)
    }

    fn channels(&self) -> Vec<Channel<'_>> {
        Channel::all(self)
    }

    fn hear(&self, room: &Room, event: &Event, quiet: bool, notes: &mut Notes) {
        if event.is("system.lifecycle.started") {
            let outboxes = notes.outboxes.values_mut();
            outboxes.for_each(|outbox| outbox.restarted(room.now()));
        }
        let Some(news) = news::of(event, &room.clock()) else {
            return;
        };
        let worth = |severity: Severity| severity >= self.least();
        let message = match news {
            News::Raised(key, message) if worth(message.severity) => {
                notes.standing.raise(key, message, room.now())
            }
            News::Once(key, message) if worth(message.severity) => {
                notes.standing.once(key, message, room.now())
            }
            News::Raised(..) | News::Once(..) => None,
            News::Acknowledged(key) => {
                notes.standing.acknowledge(&key);
                None
            }
            News::Cleared(key, message) => notes.standing.clear(&key, message),
        };
        if let Some(message) = message {
            self.tell(message, quiet, room.now(), notes);
        }
    }

    /// Now, or when the quiet hours are over.
    fn tell(&self, message: Message, quiet: bool, now: Moment, notes: &mut Notes) {
        if quiet && message.severity < Severity::Critical {
            notes.kept.keep(message);
        } else {
            self.post(&message, now, notes);
        }
    }

    fn post(&self, message: &Message, now: Moment, notes: &mut Notes) {
        for channel in self.channels() {
            let outbox = notes.outboxes.entry(channel.name.into()).or_default();
            outbox.put(message.clone(), now);
        }
    }

    fn dispatch(&self, room: &Room, notes: &mut Notes, effects: &mut Effects) {
        let channels = self.channels();
        let named = |name: &str| channels.iter().any(|channel| channel.name == name);
        notes.outboxes.retain(|name, _| named(name));
        for channel in &channels {
            let Some(outbox) = notes.outboxes.get_mut(channel.name) else {
                continue;
            };
            let (ready, given_up) = outbox.next(channel.name, self.rate, room.now());
            if let Some(given_up) = given_up {
                say_given_up(channel.name, &given_up, &[], effects);
            }
            if let Some((key, message)) = ready {
                channel.send(&key, &message, effects);
            }
        }
    }

    /// A message to every channel, or to one, past rate and quiet hours, without a second try.
    fn test(&self, room: &Room, event: &Event, effects: &mut Effects) {
        let data = event.document().unwrap_or_default();
        let only = data["channel"].as_str();
        let message = Message {
            title: "A test".into(),
            text: "growbox can reach you on this channel.".into(),
            severity: Severity::Info,
            kind: event.type_.clone(),
            zone: None,
            at: room.clock().wall,
        };
        let mut told: Vec<Value> = Vec::new();
        for channel in self.channels() {
            if only.is_none_or(|only| only == channel.name) {
                let key = format!("{}-test-{}", channel.name, event.seq);
                channel.send(&key, &message, effects);
                told.push(json!({"channel": channel.name, "key": key}));
            }
        }
        let channels: Vec<_> = self.channels().iter().map(|c| c.name).collect();
        effects
            .emit(
                "x.notifier.tested",
                &json!({"test": event.seq, "calls": told, "channels": channels}),
            )
            .caused_by(&[event.seq]);
    }
}

/// What came of a call of its own.
fn answered(room: &Room, event: &Event, notes: &mut Notes, effects: &mut Effects) {
    let data = event.document().unwrap_or_default();
    let (Some(ID), Some(key)) = (data["plugin"].as_str(), data["key"].as_str()) else {
        return;
    };
    let Some((name, outbox)) = notes
        .outboxes
        .iter_mut()
        .find(|(_, outbox)| outbox.waits_for(key))
    else {
        return;
    };
    let verdict = channel::judge(name, &data, room.clock().wall);
    if let Some(given_up) = outbox.answered(verdict, room.now()) {
        say_given_up(name, &given_up, &[event.seq], effects);
    }
}

fn say_given_up(channel: &str, given_up: &GivenUp, causes: &[u64], effects: &mut Effects) {
    log::warn(format!(
        "{channel}: \"{}\" is given up: {}",
        given_up.title, given_up.why
    ));
    let data = json!({
        "channel": channel, "key": given_up.key, "title": given_up.title,
        "reason": given_up.why, "attempts": given_up.attempts,
    });
    effects.emit("x.notifier.gave_up", &data).caused_by(causes);
}
