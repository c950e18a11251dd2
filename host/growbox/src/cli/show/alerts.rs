//! Alerts: what is or was wrong, since when, and who knows.

use growbox_model::row::{AlertRow, AlertState};

use super::{NOTHING, none};
use crate::render::{Reader, Table};

/// `growbox alerts`.
pub(in crate::cli) fn list(alerts: &[AlertRow], reader: &Reader) -> String {
    if alerts.is_empty() {
        return none("alerts");
    }
    let mut table = Table::new([
        "ALERT", "STATE", "SEVERITY", "RULE", "ABOUT", "SINCE", "RAISED",
    ]);
    for alert in alerts {
        table.row([
            alert.id.to_string(),
            state(alert.state).into(),
            alert.severity.to_string(),
            alert.rule.to_string(),
            about(alert),
            reader.short(alert.since),
            reader.short(alert.raised),
        ]);
        table.note(&alert.message);
        for line in aftermath(alert, reader) {
            table.note(&line);
        }
    }
    table.to_string()
}

fn state(state: AlertState) -> &'static str {
    match state {
        AlertState::Raised => "raised",
        AlertState::Acknowledged => "acknowledged",
        AlertState::Cleared => "cleared",
    }
}

fn about(alert: &AlertRow) -> String {
    match (&alert.zone, &alert.subject) {
        (Some(zone), Some(subject)) => format!("{subject} in {zone}"),
        (Some(zone), None) => zone.to_string(),
        (None, Some(subject)) => subject.to_string(),
        (None, None) => NOTHING.into(),
    }
}

fn aftermath(alert: &AlertRow, reader: &Reader) -> Vec<String> {
    let action = alert
        .action_taken
        .as_ref()
        .map(|action| format!("did: {action}"));
    let who = alert.who.as_deref().unwrap_or("somebody");
    let seen = alert
        .acknowledged
        .map(|when| format!("seen by {who}, {}", reader.short(when)));
    let over = alert
        .cleared
        .map(|when| format!("over since {}", reader.short(when)));
    [action, seen, over].into_iter().flatten().collect()
}
