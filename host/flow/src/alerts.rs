//! Alerts: what rules say is wrong, from its raising until it is cleared.
//!
//! ```text
//!  alert.raised ──▶ raised ──alert.acknowledged──▶ acknowledged
//!                     └──────── alert.cleared ─────────┴──▶ cleared, the newest 200 kept
//! ```
//!
//! Rule, zone and subject name one alert: raised again while it stands, it stays the same one.

use std::collections::{BTreeMap, VecDeque};

use growbox_model::commit::{Record, Restored};
use growbox_model::row::{AlertRow, AlertState, Answer, Signature};
use growbox_model::{Event, Instant, Json, Objection, Seq, Text, ZoneId};
use serde_json::{Map, Value, json};

use crate::flow::Flow;
use crate::say::Saying;

/// Most alerts that stand at once; beyond, an `alert.raised` of a plug-in is refused.
const STANDING: usize = 1000;
/// Cleared alerts that are still listed.
const CLEARED: usize = 200;

/// What names one alert.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    rule: Text,
    zone: Option<ZoneId>,
    subject: Option<Text>,
}

#[derive(Debug)]
struct Alert {
    row: AlertRow,
    /// The event that raised it, where its number is known.
    raised_by: Option<Seq>,
}

/// All alerts of the room.
#[derive(Debug, Default)]
pub(crate) struct Alerts {
    standing: BTreeMap<Key, Alert>,
    /// Oldest first.
    cleared: VecDeque<AlertRow>,
}

impl Key {
    fn of(zone: Option<&ZoneId>, data: &Map<String, Value>) -> Self {
        Self {
            rule: text(data, "rule").unwrap_or_default(),
            zone: zone.cloned(),
            subject: text(data, "subject"),
        }
    }

    fn of_row(row: &AlertRow) -> Self {
        Self {
            rule: row.rule.clone(),
            zone: row.zone.clone(),
            subject: row.subject.clone(),
        }
    }
}

fn text(data: &Map<String, Value>, key: &str) -> Option<Text> {
    data.get(key).and_then(Value::as_str).map(Text::from)
}

impl Alerts {
    /// What the log remembers.
    pub(crate) fn restored(restored: &Restored) -> Self {
        let mut alerts = Self::default();
        for row in restored.alerts.iter().cloned() {
            if row.state == AlertState::Cleared {
                alerts.keep_cleared(row);
            } else {
                let raised_by = number_of(&row.id, restored);
                let alert = Alert { row, raised_by };
                alerts.standing.insert(Key::of_row(&alert.row), alert);
            }
        }
        alerts
            .cleared
            .make_contiguous()
            .sort_by_key(|row| row.cleared);
        alerts
    }

    /// Whether an alert of these words may be raised: it stands already, or there is room.
    pub(crate) fn may_raise(&self, zone: Option<&ZoneId>, data: &Json) -> Result<(), Objection> {
        let key = Key::of(zone, &data.map());
        if self.standing.len() < STANDING || self.standing.contains_key(&key) {
            return Ok(());
        }
        let why = format!("{STANDING} alerts stand already; clear some of them first");
        Err(Objection::new("too_many_alerts", why))
    }

    /// Takes an event about an alert in; the row where it changed one.
    fn fold(&mut self, event: &Event, data: &Map<String, Value>) -> Option<AlertRow> {
        let key = Key::of(event.zone.as_ref(), data);
        match event.kind.as_str() {
            "alert.raised" => self.raise(key, event, data),
            "alert.acknowledged" => {
                let row = &mut self.standing.get_mut(&key)?.row;
                row.state = AlertState::Acknowledged;
                row.acknowledged = Some(event.at);
                row.who = text(data, "who").or_else(|| Some(event.source.0.clone()));
                Some(row.clone())
            }
            "alert.cleared" => {
                let Alert { mut row, .. } = self.standing.remove(&key)?;
                row.state = AlertState::Cleared;
                row.cleared = Some(event.at);
                self.keep_cleared(row.clone());
                Some(row)
            }
            _ => None,
        }
    }

    fn raise(&mut self, key: Key, event: &Event, data: &Map<String, Value>) -> Option<AlertRow> {
        if let Some(Alert { row, .. }) = self.standing.get_mut(&key) {
            row.severity = text(data, "severity").unwrap_or_else(|| row.severity.clone());
            row.message = text(data, "message").unwrap_or_else(|| row.message.clone());
            row.action_taken = text(data, "action_taken").or(row.action_taken.take());
            return Some(row.clone());
        }
        if self.standing.len() >= STANDING {
            tracing::warn!(
                event = event.seq.0,
                "an alert is not listed: {STANDING} stand already"
            );
            return None;
        }
        let since = text(data, "since").and_then(|since| Instant::parse(&since).ok());
        let row = AlertRow {
            id: self.id_for(event),
            rule: key.rule.clone(),
            state: AlertState::Raised,
            severity: text(data, "severity").unwrap_or_else(|| "warning".into()),
            zone: key.zone.clone(),
            subject: key.subject.clone(),
            message: text(data, "message").unwrap_or_else(|| key.rule.clone()),
            since: since.unwrap_or(event.at),
            raised: event.at,
            acknowledged: None,
            who: None,
            cleared: None,
            action_taken: text(data, "action_taken"),
        };
        let raised_by = Some(event.seq);
        let alert = Alert {
            row: row.clone(),
            raised_by,
        };
        self.standing.insert(key, alert);
        Some(row)
    }

    /// The event's id as shown, unless another alert has it: ids are the clients' own.
    fn id_for(&self, event: &Event) -> Text {
        let shown: Text = event.shown_id().into();
        if self.rows().any(|row| row.id == shown) {
            return format!("e{}", event.seq.0).into();
        }
        shown
    }

    fn keep_cleared(&mut self, row: AlertRow) {
        if self.cleared.len() == CLEARED {
            self.cleared.pop_front();
        }
        self.cleared.push_back(row);
    }

    fn rows(&self) -> impl Iterator<Item = &AlertRow> {
        let standing = self.standing.values().map(|alert| &alert.row);
        standing.chain(&self.cleared)
    }

    /// Those that stand before those that were cleared, the newest first.
    pub(crate) fn listed(&self) -> Vec<AlertRow> {
        let mut standing: Vec<&Alert> = self.standing.values().collect();
        standing.sort_by_key(|alert| std::cmp::Reverse((alert.row.raised, alert.raised_by)));
        let standing = standing.into_iter().map(|alert| &alert.row);
        standing.chain(self.cleared.iter().rev()).cloned().collect()
    }

    fn find(&self, id: &str) -> Option<&AlertRow> {
        self.rows().find(|row| &*row.id == id)
    }

    fn raised_by(&self, row: &AlertRow) -> Option<Seq> {
        self.standing.get(&Key::of_row(row))?.raised_by
    }
}

/// The number of the event with this id.
fn number_of(id: &str, restored: &Restored) -> Option<Seq> {
    let given = restored
        .ids
        .iter()
        .rev()
        .find(|(_, given, _)| &**given == id);
    let numbered = || id.strip_prefix('e')?.parse().ok().map(Seq);
    given.map(|(_, _, seq)| *seq).or_else(numbered)
}

impl Flow {
    /// An event about an alert changes its row, in the commit of that event.
    pub(crate) fn fold_alert(&mut self, event: &Event) {
        let Some(data) = event.document().map(Json::map) else {
            return;
        };
        if let Some(row) = self.alerts.fold(event, &data) {
            self.commit.records.push(Record::Alert(row));
        }
    }

    /// Alerts of zones that are no longer configured: nobody else could clear them.
    pub(crate) fn clear_orphans(&mut self) {
        let zones = &self.room.zones;
        let gone = |alert: &&Alert| {
            let zone = alert.row.zone.as_ref();
            zone.is_some_and(|zone| !zones.contains_key(zone))
        };
        let orphans = self.alerts.standing.values().filter(gone);
        let rows: Vec<AlertRow> = orphans.map(|alert| alert.row.clone()).collect();
        for row in rows {
            self.say_of_alert(
                "alert.cleared",
                &row,
                &json!({"reason": "its zone is gone"}),
            );
        }
    }

    /// Somebody has seen an alert.
    pub(crate) fn order_acknowledge(&mut self, id: &str, by: &Signature) -> Answer {
        let Some(row) = self.alerts.find(id).cloned() else {
            let known: Vec<&str> = self.alerts.rows().map(|row| &*row.id).collect();
            let unknown = Objection::unknown("unknown_alert", "alert", id, known);
            return Answer::NotFound(unknown);
        };
        let who = row.who.as_deref().unwrap_or("somebody");
        let at = |at: Option<Instant>| at.map_or_else(String::new, |at| format!(" at {at}"));
        let refused = match row.state {
            AlertState::Raised => None,
            AlertState::Acknowledged => Some((
                "acknowledged_already",
                format!("{who} acknowledged {id} already{}", at(row.acknowledged)),
            )),
            AlertState::Cleared => Some((
                "cleared_already",
                format!(
                    "{id} was cleared{}: nothing is left to acknowledge",
                    at(row.cleared)
                ),
            )),
        };
        if let Some((code, why)) = refused {
            return Answer::Conflict(Objection::new(code, why));
        }
        let signed = json!({"who": by.who, "reason": by.reason});
        self.say_of_alert("alert.acknowledged", &row, &signed);
        Answer::Alerts(self.alerts.find(id).into_iter().cloned().collect())
    }

    fn say_of_alert(&mut self, kind: &'static str, row: &AlertRow, more: &Value) {
        let mut data = json!({"rule": row.rule, "alert": row.id, "severity": row.severity});
        if let (Some(data), Some(more)) = (data.as_object_mut(), more.as_object()) {
            data.extend(row.subject.iter().map(|s| ("subject".to_owned(), json!(s))));
            data.extend(more.clone());
        }
        let saying = Saying::host(kind, &data).in_zone(row.zone.clone());
        self.announce(saying.caused_by(self.alerts.raised_by(row)));
    }
}
