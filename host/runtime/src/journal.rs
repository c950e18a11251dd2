//! What a plug-in writes to its log: shown to people, capped per call, a few lines kept.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use growbox_model::Text;

use crate::limits::{JOURNAL_LINES, LOG_LINE_BYTES, LOG_LINES};

/// How much a line matters, as the plug-in says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// For its author.
    Debug,
    /// For whoever looks.
    Info,
    /// Something is odd.
    Warn,
    /// Something is wrong.
    Error,
}

/// One line of a plug-in's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// How much it matters.
    pub level: Level,
    /// What it says: one line, without control characters.
    pub message: Text,
}

/// The newest lines of one plug-in, shared with whoever shows them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Lines(Arc<Mutex<VecDeque<Line>>>);

impl Lines {
    /// The newest lines, oldest first.
    pub(crate) fn newest(&self) -> Vec<Line> {
        self.lock().iter().cloned().collect()
    }

    fn push(&self, line: Line) {
        let mut lines = self.lock();
        if lines.len() == JOURNAL_LINES {
            lines.pop_front();
        }
        lines.push_back(line);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, VecDeque<Line>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes the lines of one plug-in, call by call.
#[derive(Debug)]
pub(crate) struct Journal {
    plugin: Text,
    lines: Lines,
    this_call: u32,
}

impl Journal {
    pub(crate) fn new(plugin: Text, lines: Lines) -> Self {
        Self {
            plugin,
            lines,
            this_call: 0,
        }
    }

    /// A line the plug-in wrote.
    pub(crate) fn write(&mut self, level: Level, message: &str) {
        self.this_call = self.this_call.saturating_add(1);
        if self.this_call <= LOG_LINES {
            self.keep(level, &clean(message));
        }
    }

    /// Ends a call: says how many lines were dropped.
    pub(crate) fn end_call(&mut self) {
        let dropped = self.this_call.saturating_sub(LOG_LINES);
        self.this_call = 0;
        if dropped > 0 {
            let note = format!(
                "{dropped} more lines in one call were dropped (at most {LOG_LINES} are kept)"
            );
            self.keep(Level::Warn, &note);
        }
    }

    fn keep(&self, level: Level, message: &str) {
        let plugin = &*self.plugin;
        match level {
            Level::Debug => tracing::debug!(target: "plugin", plugin, "{message}"),
            Level::Info => tracing::info!(target: "plugin", plugin, "{message}"),
            Level::Warn => tracing::warn!(target: "plugin", plugin, "{message}"),
            Level::Error => tracing::error!(target: "plugin", plugin, "{message}"),
        }
        self.lines.push(Line {
            level,
            message: message.into(),
        });
    }
}

/// Shortened, and without characters that could forge lines or steer a terminal.
fn clean(message: &str) -> String {
    let mut end = message.len().min(LOG_LINE_BYTES);
    while !message.is_char_boundary(end) {
        end -= 1;
    }
    let mut line: String = message[..end]
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    if end < message.len() {
        line.push('…');
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn journal() -> (Journal, Lines) {
        let lines = Lines::default();
        (Journal::new("chatty".into(), lines.clone()), lines)
    }

    #[test]
    fn a_flood_is_counted_not_kept() {
        let (mut journal, lines) = journal();
        for n in 0..LOG_LINES + 7 {
            journal.write(Level::Info, &format!("line {n}"));
        }
        journal.end_call();
        let kept = lines.newest();
        assert_eq!(kept.len(), LOG_LINES as usize + 1);
        assert!(kept.last().unwrap().message.starts_with("7 more lines"));
        journal.write(Level::Info, "next call");
        assert_eq!(&*lines.newest().last().unwrap().message, "next call");
    }

    #[test]
    fn only_the_newest_lines_are_kept() {
        let (mut journal, lines) = journal();
        for n in 0..JOURNAL_LINES + 5 {
            journal.write(Level::Info, &n.to_string());
            journal.end_call();
        }
        assert_eq!(lines.newest().len(), JOURNAL_LINES);
        assert_eq!(&*lines.newest()[0].message, "5");
    }

    #[test]
    fn lines_cannot_be_forged() {
        assert_eq!(clean("a\nERROR \u{1b}[2J"), "a ERROR  [2J");
        let long = clean(&"ä".repeat(LOG_LINE_BYTES));
        assert!(long.len() <= LOG_LINE_BYTES + "…".len() && long.ends_with('…'));
    }
}
