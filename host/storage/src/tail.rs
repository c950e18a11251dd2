//! The unwritten tail: commits that wait for the disk, in order, bounded, and readable.
//!
//! Pure: machine time is an argument.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use growbox_model::{Commit, Event, Record, Seq};

/// How much may wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Events.
    pub events: usize,
    /// Bytes, estimated.
    pub bytes: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            events: 200_000,
            bytes: 64 * 1024 * 1024,
        }
    }
}

/// Events that could not be kept, because the buffer was full beyond its reserve.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap {
    /// The first of them.
    pub first: Seq,
    /// The last of them.
    pub last: Seq,
    /// How many.
    pub events: u64,
}

/// One commit on its way to the disk.
#[derive(Debug)]
pub(crate) struct Pending {
    /// Counts commits over the log's whole life.
    pub(crate) number: u64,
    /// The id of its first dead letter.
    pub(crate) letter: u64,
    /// The newest event up to and including this commit.
    pub(crate) through: Seq,
    /// What to write.
    pub(crate) commit: Commit,
    since: Instant,
    bytes: usize,
}

/// What waits, oldest first.
#[derive(Debug)]
pub(crate) struct Tail {
    waiting: VecDeque<Arc<Pending>>,
    bounds: Bounds,
    events: usize,
    bytes: usize,
    hurried: u64,
    number: u64,
    letter: u64,
    through: Seq,
    gap: Option<Gap>,
}

/// When a group is written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rhythm {
    /// At the latest so long after its first commit came.
    pub(crate) interval: Duration,
    /// At the soonest so long after the group before, when somebody waits.
    pub(crate) urgent_gap: Duration,
    /// At once when so many events wait.
    pub(crate) group_events: usize,
}

impl Tail {
    /// Goes on after what is durable.
    pub(crate) fn new(bounds: Bounds, commits: u64, letters: u64, last: Seq) -> Self {
        Self {
            waiting: VecDeque::new(),
            bounds,
            events: 0,
            bytes: 0,
            hurried: 0,
            number: commits,
            letter: letters,
            through: last,
            gap: None,
        }
    }

    /// Takes one commit in. When even the reserve is used up its events and dead letters are
    /// dropped and counted; state, cursors and records are kept, since later ones build on them.
    pub(crate) fn push(&mut self, mut commit: Commit, now: Instant) {
        if self.beyond_reserve() {
            self.drop_events(&mut commit);
        }
        if commit.is_empty() {
            return;
        }
        self.number += 1;
        if let Some(last) = commit.events.last() {
            debug_assert!(commit.events[0].seq > self.through, "numbers only grow");
            self.through = last.seq;
        }
        let pending = Pending {
            number: self.number,
            letter: self.letter + 1,
            through: self.through,
            bytes: size(&commit),
            since: now,
            commit,
        };
        self.letter += pending.letters().count() as u64;
        self.events += pending.commit.events.len();
        self.bytes += pending.bytes;
        if pending.commit.urgent {
            self.hurry();
        }
        self.waiting.push_back(Arc::new(pending));
    }

    /// Somebody waits for everything taken in so far.
    pub(crate) fn hurry(&mut self) {
        self.hurried = self.number;
    }

    /// Whether ordinary ingestion has to wait.
    pub(crate) fn full(&self) -> bool {
        self.events >= self.bounds.events || self.bytes >= self.bounds.bytes
    }

    /// A quarter above the bound is for what the host itself must say while it is full.
    fn beyond_reserve(&self) -> bool {
        self.events >= self.bounds.events / 4 * 5 || self.bytes >= self.bounds.bytes / 4 * 5
    }

    fn drop_events(&mut self, commit: &mut Commit) {
        commit
            .records
            .retain(|record| !matches!(record, Record::DeadLetter(_)));
        let events = std::mem::take(&mut commit.events);
        let (Some(first), Some(last)) = (events.first(), events.last()) else {
            return;
        };
        let before = self.gap;
        self.gap = Some(Gap {
            first: before.map_or(first.seq, |gap| gap.first),
            last: last.seq,
            events: before.map_or(0, |gap| gap.events) + events.len() as u64,
        });
    }

    /// What was dropped since the last time somebody asked.
    pub(crate) fn take_gap(&mut self) -> Option<Gap> {
        self.gap.take()
    }

    /// What was dropped and not yet asked for.
    pub(crate) fn gap(&self) -> Option<Gap> {
        self.gap
    }

    /// When the next group is due; none while nothing waits.
    pub(crate) fn due(&self, last_group: Instant, rhythm: &Rhythm) -> Option<Instant> {
        let first = self.waiting.front()?;
        let in_company = first.since + rhythm.interval;
        let hurried = last_group + rhythm.urgent_gap;
        Some(if self.events >= rhythm.group_events {
            last_group
        } else if first.number <= self.hurried {
            hurried.min(in_company)
        } else {
            in_company
        })
    }

    /// The oldest commits, whole ones, together about so many events at most.
    pub(crate) fn group(&self, events: usize) -> Vec<Arc<Pending>> {
        let mut taken = 0;
        self.waiting
            .iter()
            .take_while(|pending| {
                let fits = taken == 0 || taken + pending.weight() <= events;
                taken += pending.weight();
                fits
            })
            .cloned()
            .collect()
    }

    /// The oldest so many commits are durable.
    pub(crate) fn settle(&mut self, commits: usize) {
        for pending in self.waiting.drain(..commits.min(self.waiting.len())) {
            self.events -= pending.commit.events.len();
            self.bytes -= pending.bytes;
        }
    }

    /// All that waits.
    pub(crate) fn all(&self) -> Vec<Arc<Pending>> {
        self.waiting.iter().cloned().collect()
    }

    /// The commits with events in `after`+1 …, until they hold `enough` of them.
    pub(crate) fn following(&self, after: Seq, enough: usize) -> Vec<Arc<Pending>> {
        let start = self.waiting.partition_point(|p| p.through <= after);
        let mut held = 0;
        self.waiting
            .range(start..)
            .take_while(|pending| {
                let more = held < enough;
                held += pending
                    .commit
                    .events
                    .iter()
                    .filter(|e| e.seq > after)
                    .count();
                more
            })
            .cloned()
            .collect()
    }

    /// The first event that waits.
    pub(crate) fn first(&self) -> Option<Seq> {
        self.waiting
            .iter()
            .find_map(|pending| pending.commit.events.first())
            .map(|event| event.seq)
    }

    /// The number of the newest commit, durable or not.
    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    /// How many events wait, how many bytes, and since when.
    pub(crate) fn load(&self) -> (usize, usize, Option<Instant>) {
        let oldest = self.waiting.front().map(|pending| pending.since);
        (self.events, self.bytes, oldest)
    }
}

impl Pending {
    /// Its dead letters, with the ids they will have.
    pub(crate) fn letters(
        &self,
    ) -> impl Iterator<Item = (u64, &growbox_model::commit::DeadLetter)> {
        let letters = self.commit.records.iter().filter_map(|r| match r {
            Record::DeadLetter(letter) => Some(letter),
            _ => None,
        });
        (self.letter..).zip(letters)
    }

    /// What it counts in a group: records weigh as much as events.
    fn weight(&self) -> usize {
        (self.commit.events.len() + self.commit.records.len()).max(1)
    }
}

/// An estimate of the memory a commit holds.
fn size(commit: &Commit) -> usize {
    let events: usize = commit.events.iter().map(|e| event_size(e)).sum();
    let state: usize = commit
        .plugin
        .iter()
        .flat_map(|p| &p.state)
        .map(entry_size)
        .sum();
    let records: usize = commit.records.iter().map(record_size).sum();
    200 + events + state + records
}

fn event_size(event: &Event) -> usize {
    let text = |json: Option<&growbox_model::Json>| json.map_or(0, |j| j.as_str().len());
    let more = event.reading().and_then(|reading| reading.more.as_ref());
    280 + text(event.metadata.as_ref())
        + text(event.document())
        + text(more)
        + event.id.as_ref().map_or(0, |id| id.len())
}

fn entry_size(entry: &(growbox_model::Text, Option<Vec<u8>>)) -> usize {
    60 + entry.0.len() + entry.1.as_ref().map_or(0, Vec::len)
}

fn record_size(record: &Record) -> usize {
    match record {
        Record::DeadLetter(letter) => 200 + letter.body.len() + letter.message.len(),
        _ => 200,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RHYTHM: Rhythm = Rhythm {
        interval: Duration::from_secs(1),
        urgent_gap: Duration::from_millis(50),
        group_events: 10,
    };

    fn closed(seq: u64) -> Commit {
        Commit {
            records: vec![Record::Closed(Seq(seq))],
            ..Commit::default()
        }
    }

    fn urgent() -> Commit {
        Commit {
            urgent: true,
            ..closed(1)
        }
    }

    fn tail() -> Tail {
        Tail::new(Bounds::default(), 0, 0, Seq(0))
    }

    #[test]
    fn company_is_waited_for_hurry_is_not() {
        let start = Instant::now();
        let mut tail = tail();
        assert_eq!(tail.due(start, &RHYTHM), None);
        tail.push(closed(1), start);
        assert_eq!(tail.due(start, &RHYTHM), Some(start + RHYTHM.interval));
        tail.push(urgent(), start);
        assert_eq!(tail.due(start, &RHYTHM), Some(start + RHYTHM.urgent_gap));
        tail.settle(2);
        tail.push(closed(1), start);
        assert_eq!(tail.due(start, &RHYTHM), Some(start + RHYTHM.interval));
    }

    #[test]
    fn hurry_lasts_until_the_hurried_one_is_written() {
        let start = Instant::now();
        let mut tail = tail();
        for _ in 0..25 {
            tail.push(closed(1), start);
        }
        tail.push(urgent(), start);
        let mut groups = Vec::new();
        while tail.due(start, &RHYTHM) == Some(start + RHYTHM.urgent_gap) {
            let group = tail.group(RHYTHM.group_events).len();
            tail.settle(group);
            groups.push(group);
        }
        assert_eq!(groups, [10, 10, 6]);
    }

    #[test]
    fn a_commit_larger_than_a_group_goes_whole() {
        let mut tail = tail();
        let mut large = closed(1);
        large.records = vec![Record::Closed(Seq(1)); 30];
        tail.push(large, Instant::now());
        tail.push(closed(1), Instant::now());
        assert_eq!(tail.group(10).len(), 1);
    }

    #[test]
    fn nothing_is_no_commit() {
        let mut tail = tail();
        tail.push(Commit::default(), Instant::now());
        assert!(tail.all().is_empty());
    }
}
