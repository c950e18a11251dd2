//! Latency: how long things take, as percentiles over the newest minutes, in bounded memory.
//!
//! ```text
//!  heard_to_said       from when an event was heard as input to the end of the turn that said it
//!  request_to_verdict  from when a batch with a request was heard to the end of the turn that judged it
//!  handler:ID          one call of a plug-in's handler, as its actor measured it
//! ```
//!
//! All of it is machine time, told from outside. It is for people, never for decisions.

use std::collections::BTreeMap;

use growbox_model::row::LatencyRow;
use growbox_model::{Moment, PluginId, Span, Text};

use crate::clock::Machine;
use crate::flow::Flow;

/// The window slides in steps of this length.
const SLICE: Span = Span::seconds(60);
/// So many slices are the window: five minutes.
const SLICES: usize = 5;
/// Steps between a power of two and the next: a percentile is at most an eighth too high.
const STEPS: u64 = 8;
/// Buckets of one histogram: microseconds up to 2^32, which is over an hour.
const BUCKETS: usize = 240;

/// How often something took how long, in steps that grow with the length.
#[derive(Debug, Clone)]
struct Histogram {
    counts: Box<[u32; BUCKETS]>,
    count: u64,
    longest: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self {
            counts: Box::new([0; BUCKETS]),
            count: 0,
            longest: 0,
        }
    }
}

/// The bucket of a length in microseconds.
fn bucket(microseconds: u64) -> usize {
    if microseconds < STEPS {
        return microseconds as usize;
    }
    let octave = u64::from(microseconds.ilog2());
    let step = (microseconds >> (octave - 3)) % STEPS;
    (((octave - 2) * STEPS + step) as usize).min(BUCKETS - 1)
}

/// The longest length of a bucket, in microseconds.
fn longest_of(bucket: usize) -> u64 {
    let bucket = bucket as u64;
    if bucket < STEPS {
        return bucket;
    }
    let octave = bucket / STEPS + 2;
    let step = bucket % STEPS;
    ((STEPS + step + 1) << (octave - 3)) - 1
}

impl Histogram {
    fn record(&mut self, length: Span, times: u32) {
        let microseconds = length.0 / 1_000;
        let place = &mut self.counts[bucket(microseconds)];
        *place = place.saturating_add(times);
        self.count += u64::from(times);
        self.longest = self.longest.max(microseconds);
    }

    fn add(&mut self, other: &Self) {
        for (mine, others) in self.counts.iter_mut().zip(other.counts.iter()) {
            *mine = mine.saturating_add(*others);
        }
        self.count += other.count;
        self.longest = self.longest.max(other.longest);
    }

    /// The length that this share of all did not exceed, in milliseconds.
    fn percentile(&self, share: f64) -> f64 {
        let wanted = ((self.count as f64 * share).ceil() as u64).max(1);
        let mut seen = 0;
        for (place, count) in self.counts.iter().enumerate() {
            seen += u64::from(*count);
            if seen >= wanted {
                return longest_of(place).min(self.longest) as f64 / 1_000.0;
            }
        }
        self.longest as f64 / 1_000.0
    }
}

/// One thing's latency over the sliding window.
#[derive(Debug, Clone, Default)]
pub(crate) struct Track {
    /// The number of its slice of machine time, and what was measured in it.
    slices: [(u64, Histogram); SLICES],
}

impl Track {
    pub(crate) fn record(&mut self, length: Span, times: u32, now: Moment) {
        let number = now.0 / SLICE.0;
        let slice = &mut self.slices[(number % SLICES as u64) as usize];
        if slice.0 != number {
            *slice = (number, Histogram::default());
        }
        slice.1.record(length, times);
    }

    /// Percentiles of the newest five minutes; none where nothing happened in them.
    pub(crate) fn row(&self, now: Moment) -> Option<LatencyRow> {
        let number = now.0 / SLICE.0;
        let mut whole = Histogram::default();
        for (slice, histogram) in &self.slices {
            if *slice <= number && slice + SLICES as u64 > number {
                whole.add(histogram);
            }
        }
        (whole.count > 0).then(|| LatencyRow {
            count: whole.count,
            p50_milliseconds: whole.percentile(0.50),
            p95_milliseconds: whole.percentile(0.95),
            p99_milliseconds: whole.percentile(0.99),
        })
    }
}

/// Everything whose latency is measured.
#[derive(Debug, Default)]
pub(crate) struct Latency {
    said: Track,
    verdicts: Track,
    handlers: BTreeMap<PluginId, Track>,
    /// What this turn has said: when it was heard, how many.
    heard: Vec<(Moment, u32)>,
    /// Requests this turn has judged.
    judged: u32,
}

impl Latency {
    /// A handler's call has ended.
    pub(crate) fn handled(&mut self, plugin: &PluginId, elapsed: Span, now: Moment) {
        if let Some(track) = self.handlers.get_mut(plugin) {
            return track.record(elapsed, 1, now);
        }
        let track = self.handlers.entry(plugin.clone()).or_default();
        track.record(elapsed, 1, now);
    }

    /// An event that was heard then has been said.
    pub(crate) fn said(&mut self, heard: Moment) {
        match self.heard.last_mut() {
            Some((newest, count)) if *newest == heard => *count += 1,
            _ => self.heard.push((heard, 1)),
        }
    }

    /// A request has its verdict.
    pub(crate) fn judged(&mut self) {
        self.judged += 1;
    }

    fn turn_ended(&mut self, begun: Moment, ended: Moment) {
        for (heard, count) in self.heard.drain(..) {
            self.said.record(ended.since(heard), count, ended);
        }
        let judged = std::mem::take(&mut self.judged);
        if judged > 0 {
            self.verdicts.record(ended.since(begun), judged, ended);
        }
    }

    pub(crate) fn of_handler(&self, plugin: &PluginId, now: Moment) -> Option<LatencyRow> {
        self.handlers.get(plugin)?.row(now)
    }

    fn rows(&self, plugins: impl Fn(&PluginId) -> bool, now: Moment) -> BTreeMap<Text, LatencyRow> {
        let handlers = self.handlers.iter().filter(|(id, _)| plugins(id));
        let handlers = handlers.map(|(id, track)| (format!("handler:{id}"), track.row(now)));
        [
            ("heard_to_said".to_owned(), self.said.row(now)),
            ("request_to_verdict".to_owned(), self.verdicts.row(now)),
        ]
        .into_iter()
        .chain(handlers)
        .filter_map(|(name, row)| Some((name.into(), row?)))
        .collect()
    }
}

impl Flow {
    /// What the machine's clock said when the turn was over: only then is known how long it took.
    pub fn turn_ended(&mut self, machine: Machine) {
        self.latency.turn_ended(self.machine.boot, machine.boot);
    }

    /// Latency of the pipeline and of every plug-in that is there.
    pub(crate) fn latency_rows(&self) -> BTreeMap<Text, LatencyRow> {
        let there = |id: &PluginId| self.plugins.boxes.contains_key(id);
        self.latency.rows(there, self.machine.boot)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(seconds: u64) -> Moment {
        Moment(0) + Span::seconds(seconds)
    }

    #[test]
    fn nothing_measured_has_no_percentiles() {
        assert_eq!(Track::default().row(at(100)), None);
    }

    #[test]
    fn what_lies_five_minutes_back_is_forgotten() {
        let mut track = Track::default();
        track.record(Span::millis(900), 1, at(0));
        track.record(Span::millis(3), 99, at(240));
        assert_eq!(track.row(at(299)).unwrap().count, 100);
        let later = track.row(at(300)).unwrap();
        assert_eq!(later.count, 99);
        assert!(later.p99_milliseconds < 4.0, "{later:?}");
        assert_eq!(track.row(at(1_000)), None);
    }

    #[test]
    fn a_slice_is_used_again() {
        let mut track = Track::default();
        track.record(Span::millis(900), 7, at(0));
        track.record(Span::millis(1), 1, at(300));
        assert_eq!(track.row(at(300)).unwrap().count, 1);
    }

    #[test]
    fn events_count_from_when_they_were_heard() {
        let mut latency = Latency::default();
        latency.said(at(1));
        latency.said(at(1));
        latency.said(at(2));
        latency.judged();
        latency.turn_ended(at(2), at(2) + Span::millis(10));
        let rows = latency.rows(|_| true, at(2));
        assert_eq!(rows["heard_to_said"].count, 3);
        assert!(rows["heard_to_said"].p95_milliseconds >= 1_010.0);
        assert!(rows["request_to_verdict"].p99_milliseconds < 12.0);
    }

    proptest! {
        #[test]
        fn percentiles_are_true_to_an_eighth(mut lengths in prop::collection::vec(0_u64..4_000_000_000, 1..300)) {
            let mut track = Track::default();
            for length in &lengths {
                track.record(Span(length * 1_000), 1, at(60));
            }
            lengths.sort_unstable();
            let row = track.row(at(60)).unwrap();
            prop_assert_eq!(row.count, lengths.len() as u64);
            let true_one = |share: f64| {
                let rank = (lengths.len() as f64 * share).ceil() as usize;
                lengths[rank.max(1) - 1] as f64 / 1_000.0
            };
            for (share, found) in [(0.5, row.p50_milliseconds), (0.95, row.p95_milliseconds), (0.99, row.p99_milliseconds)] {
                let truth = true_one(share);
                prop_assert!(found >= truth && found <= truth * 1.125 + 0.001, "{share}: {found} for {truth}");
            }
        }

        #[test]
        fn a_length_lies_in_its_bucket(length in 0_u64..4_294_967_296) {
            let place = bucket(length);
            prop_assert!(length <= longest_of(place));
            prop_assert!(place == 0 || length > longest_of(place - 1));
        }
    }
}
