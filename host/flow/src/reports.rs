//! Reports: of each window the newest `analytics.report`.

use std::collections::BTreeMap;

use growbox_model::commit::{Record, Restored};
use growbox_model::row::{AnalyticsRow, Answer};
use growbox_model::{Event, Objection, Span, Text};

use crate::flow::Flow;
use crate::obey::length;

/// The windows that reports are made over.
const WINDOWS: [(&str, Span); 3] = [
    ("1h", Span::hours(1)),
    ("1d", Span::hours(24)),
    ("7d", Span::hours(7 * 24)),
];

/// The newest report of each window.
#[derive(Debug, Default)]
pub(crate) struct Reports(BTreeMap<Text, AnalyticsRow>);

impl Reports {
    /// What the log remembers.
    pub(crate) fn restored(restored: &Restored) -> Self {
        let rows = restored.reports.iter().cloned();
        Self(rows.map(|row| (row.window.clone(), row)).collect())
    }

    /// The newest report of a window; without one of every window, the shortest first.
    pub(crate) fn listed(&self, window: Option<&str>) -> Answer {
        let known = WINDOWS.map(|(name, _)| name);
        if let Some(window) = window.filter(|window| !known.contains(window)) {
            let mut unknown = Objection::unknown("unknown_window", "window", window, known);
            unknown.message.push_str("; windows are 1h, 1d and 7d");
            return Answer::NotFound(unknown);
        }
        let wanted = known
            .into_iter()
            .filter(|name| window.is_none_or(|w| w == *name));
        Answer::Analytics(
            wanted
                .filter_map(|name| self.0.get(name).cloned())
                .collect(),
        )
    }
}

/// The name of a report's window, said as text or in seconds.
fn window_of(event: &Event) -> Option<&'static str> {
    let said = length(&event.document()?.map(), "window")?;
    let window = WINDOWS.iter().find(|(_, span)| *span == said);
    window.map(|(name, _)| *name)
}

impl Flow {
    /// A report becomes the newest of its window, in the commit of its event.
    pub(crate) fn fold_report(&mut self, event: &Event) {
        let (Some(window), Some(report)) = (window_of(event), event.document()) else {
            tracing::warn!(
                event = event.seq.0,
                "a report is not kept: its window is none of 1h, 1d, 7d"
            );
            return;
        };
        let row = AnalyticsRow {
            window: window.into(),
            at: event.at,
            report: report.clone(),
        };
        self.reports.0.insert(row.window.clone(), row.clone());
        self.commit.records.push(Record::Report(row));
    }
}
