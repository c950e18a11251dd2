//! Events as lines: a listing, a live tail, and the story of one.

use super::told::Told;
use crate::render::{Reader, Table};

/// How wide the columns of a live tail are: what is to come cannot be measured.
const TYPE_WIDTH: usize = 26;
const ZONE_WIDTH: usize = 8;

/// A page of the log.
pub(in crate::cli) fn list(events: &[Told], reader: &Reader) -> String {
    if events.is_empty() {
        return super::none("such events");
    }
    let mut table = Table::new(["TIME", "NUMBER", "TYPE", "ZONE", "WHAT"]);
    for event in events {
        let row = [
            reader.second(event.timestamp),
            event.number(),
            event.kind.clone(),
            event.zone().into(),
            event.words(reader),
        ];
        table.row(row);
    }
    table.to_string()
}

/// One line of a live tail.
pub(in crate::cli) fn tail_line(event: &Told, reader: &Reader) -> String {
    let line = format!(
        " {}  {:<8}  {:<TYPE_WIDTH$}  {:<ZONE_WIDTH$}  {}",
        reader.second(event.timestamp),
        event.number(),
        event.kind,
        event.zone(),
        event.words(reader)
    );
    format!("{}\n", line.trim_end())
}

/// What led to what, oldest first.
pub(in crate::cli) fn story(events: &[Told], reader: &Reader) -> String {
    if events.is_empty() {
        return super::none("events are known of it");
    }
    let mut table = Table::bare();
    for event in events {
        let row = [
            reader.second(event.timestamp),
            event.part().into(),
            event.number(),
            event.words_of_part(reader),
        ];
        table.row(row);
    }
    table.to_string()
}

/// What happened around an event, and the pattern in it.
pub(in crate::cli) fn related(events: &[Told], pattern: Option<&str>, reader: &Reader) -> String {
    let mut text = list(events, reader);
    if let Some(pattern) = pattern {
        text.push_str(&format!(" pattern: {}\n", pattern.replace('_', " ")));
    }
    text
}
