//! The channels: how each wants to be told, and what its answers mean.

use growbox_sdk::calendar;
use growbox_sdk::json::{Value, json};
use growbox_sdk::{Effects, Span, minutes, seconds};

use crate::Notifier;
use crate::message::{Message, Severity};
use crate::outbox::Verdict;

/// Where a far side is too busy and does not say for how long.
const BUSY: Span = seconds(60);
/// Longer than that nobody is obeyed.
const LONGEST_BUSY: Span = minutes(60);

/// One channel, as the settings name it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Channel<'s> {
    /// Its name: the key in `[notify]`.
    pub(crate) name: &'static str,
    address: &'s str,
    authorization: Option<&'s str>,
    chat: &'s str,
}

impl<'s> Channel<'s> {
    /// All that are named.
    pub(crate) fn all(settings: &'s Notifier) -> Vec<Self> {
        let named = [
            ("ntfy", &settings.ntfy, &settings.ntfy_authorization),
            (
                "webhook",
                &settings.webhook,
                &settings.webhook_authorization,
            ),
            ("telegram", &settings.telegram, &None),
            ("mail", &settings.mail, &None),
        ];
        let channel = |(name, address, authorization): (
            &'static str,
            &'s Option<String>,
            &'s Option<String>,
        )| {
            Some(Self {
                name,
                address: address.as_deref().filter(|address| !address.is_empty())?,
                authorization: authorization.as_deref(),
                chat: settings.telegram_chat.as_deref().unwrap_or_default(),
            })
        };
        named.into_iter().filter_map(channel).collect()
    }

    /// Sends a message; the key comes back with the answer, and tells a second copy from a second message.
    pub(crate) fn send(&self, key: &str, message: &Message, effects: &mut Effects) {
        let call = effects.call(key, "POST", self.address);
        let call = match self.authorization {
            Some(authorization) => call.header("Authorization", authorization),
            None => call,
        };
        match self.name {
            "ntfy" => call
                .header("Title", &message.title)
                .header("Priority", priority(message.severity))
                .header("Tags", tags(message.severity))
                .header("X-Growbox-Key", key)
                .body(message.text.as_str()),
            "telegram" => call
                .header("Content-Type", "application/json")
                .body(telegram(self.chat, message).to_string()),
            "mail" => call
                .header("Subject", &message.title)
                .body(message.text.as_str()),
            _ => call
                .header("Content-Type", "application/json")
                .header("Idempotency-Key", key)
                .body(webhook(key, message).to_string()),
        };
    }
}

fn priority(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "3",
        Severity::Warning => "4",
        Severity::Critical => "5",
    }
}

fn tags(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "seedling",
        Severity::Warning => "warning",
        Severity::Critical => "rotating_light",
    }
}

fn webhook(key: &str, message: &Message) -> Value {
    json!({
        "key": key,
        "title": message.title,
        "text": message.text,
        "severity": message.severity.name(),
        "type": message.kind,
        "zone": message.zone,
        "timestamp": calendar::rfc3339(message.at),
    })
}

fn telegram(chat: &str, message: &Message) -> Value {
    json!({
        "chat_id": chat,
        "text": format!("{}\n{}", message.title, message.text),
        "disable_notification": message.severity == Severity::Info,
    })
}

/// What an answer of this channel means.
pub(crate) fn judge(channel: &str, answer: &Value, wall: u64) -> Verdict {
    let Some(status) = answer["status"].as_u64() else {
        let why = answer["error"].as_str().unwrap_or("no answer");
        return Verdict::Later(why.into(), None);
    };
    let said = answer["body"].as_str().unwrap_or_default();
    let said = crate::message::cut(said, 200);
    let why = format!("status {status} {said}").trim_end().to_string();
    match (channel, status) {
        (_, 200..300) => Verdict::Done,
        // Mail servers count the other way round: 4 is later, 5 is never.
        ("mail", 400..500) => Verdict::Later(why, None),
        ("mail", _) => Verdict::Never(why),
        (_, 429 | 503) => Verdict::Later(why, Some(retry_after(answer, wall))),
        (_, 408 | 425 | 500..600) => Verdict::Later(why, None),
        (_, 300..400) => {
            let to = answer["headers"]["location"].as_str().unwrap_or("nowhere");
            Verdict::Never(format!(
                "status {status}: it redirects to {to}, which is not followed"
            ))
        }
        _ => Verdict::Never(why),
    }
}

/// Seconds, or a date of which only RFC 3339 is read; else a minute.
fn retry_after(answer: &Value, wall: u64) -> Span {
    let said = answer["headers"]["retry-after"]
        .as_str()
        .unwrap_or_default();
    let at = || {
        calendar::instant(said, 0)
            .ok()
            .map(|at| at.saturating_sub(wall))
    };
    let span = match said.trim().parse::<u64>() {
        Ok(count) => Some(seconds(count)),
        Err(_) => at().map(Span::from_nanoseconds),
    };
    span.unwrap_or(BUSY).min(LONGEST_BUSY)
}
