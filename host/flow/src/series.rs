//! One series: the newest value of one quantity of one sensor, and whether it is stale.

use growbox_model::{
    Event, Instant, Moment, Quality, Quantity, Reading, SensorId, Source, Span, Text, Trouble,
    ZoneId,
};

/// The interval assumed before anything is learnt, and the longest that is.
const LONGEST_INTERVAL: Span = Span::minutes(5);
/// The shortest interval that is learnt: readings that come in one burst say nothing of the next.
const SHORTEST_INTERVAL: Span = Span::seconds(1);
/// A series is stale after so many intervals.
const INTERVALS: u64 = 3;
/// Gaps the median is taken of.
const GAPS: usize = 9;
/// Gaps that must be known before their median counts.
const ENOUGH_GAPS: usize = 3;

#[derive(Debug, Clone)]
pub(crate) struct Series {
    pub sensor: SensorId,
    pub quantity: Quantity,
    pub zone: Option<ZoneId>,
    /// Who said the newest.
    pub source: Source,
    /// Whether it enters the zone's measures.
    pub measured: bool,
    pub unit: Text,
    pub value: f64,
    pub quality: Quality,
    pub at: Instant,
    pub taken: Moment,
    pub taken_at: Instant,
    pub stale: bool,
    /// Whether it has spoken since the start, or the host was away for no time that counts.
    pub heard: bool,
    /// Since when it has said the very same.
    same_since: Moment,
    /// When it is looked at next, where that is planned.
    pub watched: Option<Moment>,
    /// How often it reports: configured, else the median of the last gaps, else five minutes.
    pub interval: Span,
    configured: bool,
    /// The newest gaps, in turn.
    gaps: [Span; GAPS],
    gaps_known: usize,
}

impl Series {
    pub(crate) fn first(
        event: &Event,
        reading: &Reading,
        configured: Option<Span>,
        measured: bool,
    ) -> Self {
        Self {
            sensor: reading.sensor.clone(),
            quantity: reading.quantity.clone(),
            zone: event.zone.clone(),
            source: event.source.clone(),
            measured,
            unit: reading.unit.clone(),
            value: reading.value,
            quality: reading.quality,
            at: event.at,
            taken: event.taken,
            taken_at: event.taken_at,
            stale: false,
            heard: true,
            same_since: event.taken,
            watched: None,
            interval: configured.unwrap_or(LONGEST_INTERVAL),
            configured: configured.is_some(),
            gaps: [Span::ZERO; GAPS],
            gaps_known: 0,
        }
    }

    /// Takes a newer reading; tells whether the series recovered with it. One that happened
    /// earlier than the newest changes nothing, unless that one bears a label which has not come
    /// yet: then the wall clock went back, and labels tell nothing of the order.
    pub(crate) fn take(&mut self, event: &Event, reading: &Reading) -> bool {
        if event.at < self.at && self.at <= event.taken_at {
            return false;
        }
        let gap = event.at.since(self.at);
        if gap > Span::ZERO && !self.configured {
            self.learn(gap);
        }
        if self.value.to_bits() != reading.value.to_bits() {
            self.same_since = event.taken;
        }
        self.heard = true;
        self.value = reading.value;
        self.quality = reading.quality;
        self.at = event.at;
        self.taken = event.taken;
        self.taken_at = event.taken_at;
        if self.zone != event.zone {
            self.zone.clone_from(&event.zone);
        }
        if self.source != event.source {
            self.source.clone_from(&event.source);
        }
        std::mem::take(&mut self.stale)
    }

    /// Another configured interval; without one it is learnt from here.
    pub(crate) fn expect_every(&mut self, configured: Option<Span>) {
        self.configured = configured.is_some();
        self.interval = configured.unwrap_or(LONGEST_INTERVAL);
        self.gaps_known = 0;
    }

    fn learn(&mut self, gap: Span) {
        self.gaps[self.gaps_known % GAPS] = gap;
        self.gaps_known += 1;
        if self.gaps_known >= ENOUGH_GAPS {
            let mut gaps = self.gaps;
            let known = &mut gaps[..self.gaps_known.min(GAPS)];
            known.sort_unstable();
            let median = known[known.len() / 2];
            self.interval = median.clamp(SHORTEST_INTERVAL, LONGEST_INTERVAL);
        }
    }

    /// When it becomes stale, if nothing comes.
    pub(crate) fn stale_at(&self) -> Moment {
        self.taken + self.interval.times(INTERVALS)
    }

    /// Why it is not believed.
    pub(crate) fn trouble(&self, now: Moment, frozen_after: Option<Span>) -> Option<Trouble> {
        let troubles = [
            Trouble::Absent,
            Trouble::Stale,
            Trouble::Bad,
            Trouble::Frozen,
        ];
        let mut troubles = troubles.into_iter();
        troubles.find(|trouble| self.troubled_by(*trouble, now, frozen_after))
    }

    /// Whether this is why it is not believed, or one reason of several; who has said the very
    /// same for `frozen_after` is frozen.
    pub(crate) fn troubled_by(
        &self,
        trouble: Trouble,
        now: Moment,
        frozen_after: Option<Span>,
    ) -> bool {
        match trouble {
            Trouble::Absent => !self.heard,
            Trouble::Stale => self.stale || now >= self.stale_at(),
            Trouble::Bad => self.quality == Quality::Bad,
            Trouble::Frozen => {
                frozen_after.is_some_and(|span| self.taken.since(self.same_since) >= span)
            }
        }
    }

    /// Whether it can be acted upon now.
    pub(crate) fn fresh(&self, now: Moment) -> bool {
        self.trouble(now, None).is_none()
    }
}
