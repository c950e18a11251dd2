//! What was said already: alerts that stand, and what happened a moment ago.

use std::collections::BTreeMap;

use growbox_sdk::{Moment, Span, hours};
use serde::{Deserialize, Serialize};

use crate::message::{Message, Severity, place};

/// Alerts that are remembered; of more the one said longest ago is forgotten.
const ALERTS: usize = 64;
/// Other things that are remembered.
const RECENT: usize = 128;
/// What happens again within so long is not said again.
const AGAIN: Span = hours(1);

/// What was said.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Standing {
    alerts: BTreeMap<String, Alert>,
    recent: BTreeMap<String, Moment>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Alert {
    message: Message,
    acknowledged: bool,
    said: Moment,
}

impl Standing {
    /// An alert is raised: to be said unless it stands, and is no worse, already.
    pub(crate) fn raise(&mut self, key: String, message: Message, now: Moment) -> Option<Message> {
        if let Some(known) = self.alerts.get(&key)
            && known.message.severity >= message.severity
        {
            return None;
        }
        let alert = Alert {
            message: message.clone().brief(),
            acknowledged: false,
            said: now,
        };
        self.alerts.insert(key, alert);
        forget_oldest(&mut self.alerts, ALERTS, |alert| alert.said);
        Some(message)
    }

    /// Somebody has seen it.
    pub(crate) fn acknowledge(&mut self, key: &str) {
        if let Some(alert) = self.alerts.get_mut(key) {
            alert.acknowledged = true;
        }
    }

    /// It is over: to be said where its beginning was.
    pub(crate) fn clear(&mut self, key: &str, message: Message) -> Option<Message> {
        self.alerts.remove(key).map(|_| message)
    }

    /// Something happened: to be said unless it was a moment ago.
    pub(crate) fn once(&mut self, key: String, message: Message, now: Moment) -> Option<Message> {
        self.recent.retain(|_, said| now.since(*said) < AGAIN);
        if self.recent.contains_key(&key) {
            return None;
        }
        self.recent.insert(key, now);
        forget_oldest(&mut self.recent, RECENT, |said| *said);
        Some(message)
    }

    /// Critical alerts that nobody has seen for so long.
    pub(crate) fn remind(&mut self, repeat: Option<Span>, now: Moment) -> Vec<Message> {
        let Some(repeat) = repeat else {
            return Vec::new();
        };
        let due = self.alerts.values_mut().filter(|alert| {
            !alert.acknowledged
                && alert.message.severity == Severity::Critical
                && now.since(alert.said) >= repeat
        });
        due.map(|alert| {
            alert.said = now;
            let zone = alert.message.zone.as_deref();
            let before = place(Severity::Critical.heading(), zone);
            let again = place("Still critical", zone);
            Message {
                title: alert.message.title.replacen(&before, &again, 1),
                ..alert.message.clone()
            }
        })
        .collect()
    }
}

fn forget_oldest<T>(known: &mut BTreeMap<String, T>, most: usize, said: impl Fn(&T) -> Moment) {
    while known.len() > most {
        let oldest = known.iter().min_by_key(|(_, each)| said(each));
        let Some(key) = oldest.map(|(key, _)| key.clone()) else {
            return;
        };
        known.remove(&key);
    }
}
