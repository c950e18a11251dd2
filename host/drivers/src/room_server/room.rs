//! The tent as the far side of a socket: lines in, lines out, its time an argument.

use growbox_model::id::quoted;
use growbox_model::{Instant, Objection, Span};

use crate::tent::{OUTPUTS, Output, Switch, Tent};
use crate::unix::lines::{LINE_BYTES, Line};
use crate::unix::wire::{FromRoom, Reading, State, ToRoom};

/// After a longer standstill (a suspended machine) the tent lives through the last day only.
use crate::sim::LONGEST_LEAP;

/// A tent that speaks the room's lines.
#[derive(Debug)]
pub struct ServedRoom {
    tent: Tent,
    interval: Span,
    next_reading: Span,
    founded: Option<Instant>,
}

/// What happened in the room: lines for whoever is connected, switches for the record.
#[derive(Debug, Default)]
pub(super) struct Happened {
    pub(super) lines: Vec<FromRoom>,
    pub(super) switches: Vec<Switch>,
}

impl ServedRoom {
    /// The tent with readings every `interval` of its own time, at least a second.
    ///
    /// They carry no time: it is that of their arrival, which suits every clock but `events`.
    pub fn new(tent: Tent, interval: Span) -> Self {
        let interval = interval.max(Span::seconds(1));
        let next_reading = after(tent.now(), interval);
        Self {
            tent,
            interval,
            next_reading,
            founded: None,
        }
    }

    /// Its readings carry a time: the tent's, which is `begun` now.
    #[must_use]
    pub fn dated(mut self, begun: Instant) -> Self {
        self.founded = Some(begun.minus(self.tent.now()));
        self
    }

    /// The tent as it is.
    pub fn tent(&self) -> &Tent {
        &self.tent
    }

    /// What a new connection is told: that this is a simulation, every level, every reading.
    pub(super) fn greeting(&self) -> Vec<FromRoom> {
        let state = |output: Output| state(output, self.tent.level(output));
        let mut lines = vec![FromRoom::Simulated(true)];
        lines.extend(OUTPUTS.map(state));
        lines.extend(self.readings());
        lines
    }

    fn readings(&self) -> impl Iterator<Item = FromRoom> {
        let at = self.founded.map(|founded| founded.plus(self.tent.now()));
        self.tent.readings().into_iter().map(move |reading| {
            FromRoom::Reading(Reading {
                sensor: reading.sensor.to_owned(),
                quantity: reading.quantity.to_owned(),
                value: reading.value,
                unit: Some(reading.unit.to_owned()),
                at,
            })
        })
    }

    /// How long until readings or the end of a level are due.
    pub(super) fn next_due(&self) -> Span {
        let due = self
            .tent
            .next_lapse()
            .map_or(self.next_reading, |lapse| lapse.min(self.next_reading));
        Span(due.0.saturating_sub(self.tent.now().0))
    }

    /// Lets time pass. Readings that fell due more than once are given once: they have no use late.
    pub(super) fn advance(&mut self, span: Span) -> Happened {
        let switches = self.tent.step(span.min(LONGEST_LEAP));
        let mut lines: Vec<FromRoom> = switches
            .iter()
            .map(|switch| state(switch.output, switch.level))
            .collect();
        if self.tent.now() >= self.next_reading {
            lines.extend(self.readings());
            self.next_reading = self.following();
        }
        Happened { lines, switches }
    }

    /// The next multiple of the interval, so that a late turn does not shift the ones after it.
    fn following(&self) -> Span {
        let passed = self.tent.now().0.saturating_sub(self.next_reading.0) / self.interval.0;
        after(
            self.next_reading,
            self.interval.times(passed.saturating_add(1)),
        )
    }

    /// Takes a line. Every set that is taken is answered with the output's state, changed or not.
    ///
    /// # Errors
    ///
    /// `bad_line`, `unknown_output`, `bad_level`; the room is as before.
    pub(super) fn line(&mut self, line: &Line) -> Result<Happened, Objection> {
        let ToRoom::Set(set) = read(line)?;
        let output = Output::named(&set.output)?;
        let switch = self.tent.set(output, set.level, set.within)?;
        let lines = vec![state(output, self.tent.level(output))];
        Ok(Happened {
            lines,
            switches: switch.into_iter().collect(),
        })
    }
}

fn after(time: Span, span: Span) -> Span {
    Span(time.0.saturating_add(span.0))
}

fn state(output: Output, level: f64) -> FromRoom {
    FromRoom::State(State {
        output: output.name().to_owned(),
        level,
    })
}

fn read(line: &Line) -> Result<ToRoom, Objection> {
    let Line::Whole(bytes) = line else {
        return Err(Objection::new(
            "bad_line",
            format!("a line longer than {LINE_BYTES} bytes"),
        ));
    };
    serde_json::from_slice(bytes).map_err(|error| {
        let text = String::from_utf8_lossy(bytes);
        Objection::new(
            "bad_line",
            format!("{} is no set line: {error}", quoted(&text)),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn room() -> ServedRoom {
        ServedRoom::new(Tent::new(1), Span::seconds(10))
    }

    fn set(room: &mut ServedRoom, text: &str) -> Result<Happened, Objection> {
        room.line(&Line::Whole(text.as_bytes().to_vec()))
    }

    fn readings(happened: &Happened) -> usize {
        happened
            .lines
            .iter()
            .filter(|line| matches!(line, FromRoom::Reading(_)))
            .count()
    }

    #[test]
    fn the_greeting_begins_with_what_the_contract_wants_first() {
        let greeting = room().greeting();
        assert_eq!(greeting[0], FromRoom::Simulated(true));
        assert_eq!(greeting.len(), 1 + OUTPUTS.len() + 8);
    }

    #[test]
    fn a_set_is_done_and_answered_and_ends_by_itself() {
        let mut room = room();
        let text = r#"{"set":{"output":"heater","level":1,"within":4.5}}"#;
        let happened = set(&mut room, text).unwrap();
        assert_eq!(happened.lines, [state(Output::Heater, 1.0)]);
        assert_eq!(happened.switches.len(), 1);
        assert_eq!(set(&mut room, text).unwrap().lines.len(), 1);
        assert_eq!(room.next_due(), Span::millis(4500));
        let happened = room.advance(Span::millis(4500));
        assert_eq!(happened.lines, [state(Output::Heater, 0.0)]);
        assert_eq!(room.tent().level(Output::Heater), 0.0);
    }

    #[test]
    fn readings_come_once_an_interval_and_not_in_heaps() {
        let mut room = room();
        assert_eq!(readings(&room.advance(Span::seconds(9))), 0);
        assert_eq!(room.next_due(), Span::seconds(1));
        assert_eq!(readings(&room.advance(Span::seconds(1))), 8);
        assert_eq!(readings(&room.advance(Span::seconds(995))), 8);
        assert_eq!(room.next_due(), Span::seconds(5));
        assert_eq!(readings(&room.advance(Span(u64::MAX))), 8);
        assert_eq!(room.tent().now(), after(Span::seconds(1005), LONGEST_LEAP));
    }

    #[test]
    fn readings_are_dated_on_request() {
        let begun = Instant(1_700_000_000_000_000_000);
        let mut room = room().dated(begun);
        let happened = room.advance(Span::seconds(10));
        assert!(happened.lines.iter().all(|line| matches!(
            line,
            FromRoom::Reading(Reading { at: Some(at), .. }) if *at == begun.plus(Span::seconds(10))
        )));
    }

    #[test]
    fn nonsense_changes_nothing() {
        let mut room = room();
        for text in [
            "on",
            "{}",
            r#"{"set":{"output":"heater"}}"#,
            r#"{"set":{"output":"heather","level":1}}"#,
            r#"{"set":{"output":"heater","level":0.5}}"#,
            r#"{"set":{"output":"exhaust","level":1.5}}"#,
            r#"{"set":{"output":"heater","level":1,"within":-1}}"#,
            r#"{"reading":{"sensor":"canopy","quantity":"co2","value":1}}"#,
        ] {
            assert!(set(&mut room, text).is_err(), "{text}");
        }
        assert!(room.line(&Line::TooLong).is_err());
        assert!(
            OUTPUTS
                .into_iter()
                .all(|output| room.tent().level(output) == 0.0)
        );
    }
}
