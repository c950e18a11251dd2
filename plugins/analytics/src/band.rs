//! The band: for how long VPD lay within the set points of its zone, by window and by local day.

use crate::bucket::{Band, Bucket};
use growbox_sdk::prelude::*;
use serde::{Deserialize, Serialize};

/// A reading stands until the next one, but no longer than this.
const STANDS: Span = minutes(5);
/// Days that are kept: as many as the longest window touches.
const DAYS: usize = 8;
const DAY_SECONDS: i64 = 86_400;

/// What is remembered of a zone.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct InBand {
    /// The newest reading: when, by the wall, and whether it lay inside.
    #[serde(rename = "l", skip_serializing_if = "Option::is_none")]
    last: Option<(Moment, i64, bool)>,
    /// Days since 1970, local, and how they were: oldest first.
    #[serde(rename = "d")]
    pub(crate) days: Vec<(i64, Band)>,
}

impl InBand {
    /// A reading came: the one before has stood until now.
    ///
    /// `local_seconds` are those of the local wall clock since 1970; `inside` is none where
    /// there is no band, and then nothing is measured.
    pub(crate) fn take(
        &mut self,
        zone: &str,
        at: Moment,
        local_seconds: i64,
        inside: Option<bool>,
        bucket: &mut Bucket,
    ) {
        if let Some((since, local_since, inside)) = self.last {
            let stood = at.since(since).as_seconds().min(STANDS.as_seconds());
            bucket.band(zone, measured(stood, inside));
            self.by_day(local_since, stood, inside);
        }
        self.last = inside.map(|inside| (at, local_seconds, inside));
    }

    /// The newest reading no longer says what is.
    pub(crate) fn forget_last(&mut self) {
        self.last = None;
    }

    /// A stretch belongs to the day it lies in; over midnight, to both.
    fn by_day(&mut self, local_since: i64, stood: f64, inside: bool) {
        let day = local_since.div_euclid(DAY_SECONDS);
        let left = ((day + 1) * DAY_SECONDS - local_since) as f64;
        self.add(day, measured(stood.min(left), inside));
        if stood > left {
            self.add(day + 1, measured(stood - left, inside));
        }
    }

    fn add(&mut self, day: i64, band: Band) {
        if let Some((_, known)) = self.days.iter_mut().find(|(known, _)| *known == day) {
            known.inside += band.inside;
            known.measured += band.measured;
            return;
        }
        self.days.push((day, band));
        self.days.sort_by_key(|(day, _)| *day);
        let surplus = self.days.len().saturating_sub(DAYS);
        self.days.drain(..surplus);
    }
}

fn measured(seconds: f64, inside: bool) -> Band {
    Band {
        inside: if inside { seconds } else { 0.0 },
        measured: seconds,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Moment {
        Moment::from_nanoseconds(0) + growbox_sdk::seconds(seconds)
    }

    #[test]
    fn a_reading_stands_until_the_next_but_not_for_ever() {
        let (mut band, mut bucket) = (InBand::default(), Bucket::default());
        band.take("tent", at(0), 0, Some(true), &mut bucket);
        band.take("tent", at(60), 60, Some(false), &mut bucket);
        band.take("tent", at(90), 90, Some(true), &mut bucket);
        band.take("tent", at(3_690), 3_690, None, &mut bucket);
        band.take("tent", at(4_000), 4_000, Some(true), &mut bucket);
        let all = bucket.bands["tent"];
        assert_eq!((all.inside, all.measured), (360.0, 390.0));
    }

    #[test]
    fn midnight_parts_a_stretch() {
        let (mut band, mut bucket) = (InBand::default(), Bucket::default());
        band.take("tent", at(0), DAY_SECONDS - 20, Some(true), &mut bucket);
        band.take("tent", at(60), DAY_SECONDS + 40, Some(true), &mut bucket);
        let days: Vec<_> = band.days.iter().map(|(day, b)| (*day, b.inside)).collect();
        assert_eq!(days, [(0, 20.0), (1, 40.0)]);
    }

    #[test]
    fn only_so_many_days_are_kept() {
        let (mut band, mut bucket) = (InBand::default(), Bucket::default());
        for day in 0..30 {
            let local = day * DAY_SECONDS;
            band.take("tent", at(local as u64), local, Some(true), &mut bucket);
        }
        assert_eq!(band.days.len(), DAYS);
        assert_eq!(band.days.last().map(|(day, _)| *day), Some(28));
    }
}
