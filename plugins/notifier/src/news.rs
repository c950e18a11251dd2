//! Events worth a word, and which word.

use growbox_sdk::calendar;
use growbox_sdk::json::Value;
use growbox_sdk::wire::{Clock, Event};

use crate::message::{Message, Severity, cut, place};
use crate::quiet::time_of_day;

/// What an event means to a person.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum News {
    /// An alert stands from now on.
    Raised(String, Message),
    /// Somebody has seen it.
    Acknowledged(String),
    /// It stands no more.
    Cleared(String, Message),
    /// Something happened; the same again soon is no news.
    Once(String, Message),
}

/// What an event means; none where it means nothing to a person.
pub(crate) fn of(event: &Event, clock: &Clock) -> Option<News> {
    let data = event.document()?;
    let told = Told { event, data: &data };
    Some(match event.type_.as_str() {
        "alert.raised" => News::Raised(told.alert(), told.raised()),
        "alert.acknowledged" => News::Acknowledged(told.alert()),
        "alert.cleared" => News::Cleared(told.alert(), told.cleared()),
        "device.error" => told.device_error(),
        "safety.violation" => {
            let what = format!("safety rule {}", told.or("rule", "broken"));
            told.once(
                "rule",
                &what,
                Severity::Critical,
                told.or("message", "see growbox device list"),
            )
        }
        "system.emergency" => {
            let why = told.or("message", "no reason given");
            told.once("rule", "emergency stop", Severity::Critical, why)
        }
        "storage.gap" => {
            let why = told.or("reason", "some events were not written");
            told.once("reason", "the log has a gap", Severity::Warning, why)
        }
        "plugin.quarantined" => {
            let what = format!("plug-in {} is quarantined", told.or("plugin", "?"));
            told.once(
                "plugin",
                &what,
                Severity::Warning,
                told.or("reason", "see growbox plugin list"),
            )
        }
        "system.lifecycle.started" => told.back(clock)?,
        _ => return None,
    })
}

/// The longest key that is remembered as it stands.
const KEY: usize = 96;

/// One key of several parts; a long one is told apart by its digest.
fn key_of(parts: &[&str]) -> String {
    let key = parts.join("/");
    if key.len() <= KEY {
        return key;
    }
    let digest = growbox_sdk::digest(key.as_bytes());
    format!("{}~{digest:016x}", cut(&key, KEY))
}

/// An event and its data.
struct Told<'e> {
    event: &'e Event,
    data: &'e Value,
}

impl Told<'_> {
    fn text(&self, field: &str) -> Option<&str> {
        self.data[field].as_str().filter(|text| !text.is_empty())
    }

    fn or<'a>(&'a self, field: &str, otherwise: &'a str) -> &'a str {
        self.text(field).unwrap_or(otherwise)
    }

    fn zone(&self) -> Option<&str> {
        self.event.zone.as_deref().or_else(|| self.text("zone"))
    }

    /// Rule, zone and subject together name one alert.
    fn alert(&self) -> String {
        let parts = [self.text("rule"), self.zone(), self.text("subject")];
        key_of(&parts.map(|part| part.unwrap_or("-")))
    }

    fn message(&self, heading: &str, what: &str, severity: Severity, text: &str) -> Message {
        Message {
            title: format!("{}: {what}", place(heading, self.zone())),
            text: text.to_string(),
            severity,
            kind: self.event.type_.clone(),
            zone: self.zone().map(ToString::to_string),
            at: self.event.at,
        }
        .bounded()
    }

    fn once(&self, named_by: &str, what: &str, severity: Severity, text: &str) -> News {
        let parts = [
            Some(self.event.type_.as_str()),
            self.zone(),
            self.text(named_by),
        ];
        let key = key_of(&parts.map(|part| part.unwrap_or("-")));
        News::Once(key, self.message(severity.heading(), what, severity, text))
    }

    fn raised(&self) -> Message {
        let severity = self.text("severity").and_then(Severity::parse);
        let severity = severity.unwrap_or_default();
        let mut text = self.or("message", "no words").to_string();
        if let Some(done) = self.text("action_taken") {
            text = format!("{text}\nDone: {done}");
        }
        self.message(severity.heading(), self.or("rule", "?"), severity, &text)
    }

    fn cleared(&self) -> Message {
        let text = self.or("message", "back to normal");
        self.message("Over", self.or("rule", "?"), Severity::Info, text)
    }

    fn device_error(&self) -> News {
        let device = self.or("device_id", "?");
        let mut text = self.or("message", "it failed").to_string();
        for (field, words) in [("error_code", "Code"), ("recovery_action", "To do")] {
            if let Some(more) = self.text(field) {
                text = format!("{text}\n{words}: {more}");
            }
        }
        let parts = ["device.error", device, self.or("error_code", "-")];
        let heading = Severity::Critical.heading();
        let message = self.message(heading, device, Severity::Critical, &text);
        News::Once(key_of(&parts), message)
    }

    /// After an unclean end: how long it was off.
    fn back(&self, clock: &Clock) -> Option<News> {
        let since = self.text("off_since")?;
        let since = calendar::instant(since, 0).ok()?;
        let shown = |instant| time_of_day(instant, clock.utc_offset);
        let off = format!("off {}–{}", shown(since), shown(self.event.at));
        let text = format!("growbox was {off} and did not end cleanly before: power cut or crash.");
        let severity = Severity::Warning;
        let message = self.message(severity.heading(), &off, severity, &text);
        Some(News::Once(format!("back/{}", self.event.seq), message))
    }
}
