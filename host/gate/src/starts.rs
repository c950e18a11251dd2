//! Starts: how often a device left zero within the last hour.

use std::collections::VecDeque;

use growbox_model::{DeviceId, Moment, Span};

/// What the bound is about: any stretch of this length.
const HOUR: Span = Span::hours(1);

/// The starts that still count, oldest first.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Starts(VecDeque<Moment>);

impl Starts {
    /// What the log remembers of this device; after an end nobody saw, one more, just now.
    pub(crate) fn restored(
        starts: &[(DeviceId, Moment)],
        device: &DeviceId,
        kept: bool,
        now: Moment,
    ) -> Self {
        let own = starts.iter().filter(|(id, _)| id == device);
        let mut starts: Vec<Moment> = own.map(|(_, at)| (*at).min(now)).collect();
        if !kept {
            starts.push(now);
        }
        starts.sort_unstable();
        Self(starts.into())
    }

    /// Counts one more.
    pub(crate) fn add(&mut self, now: Moment) {
        while self.0.front().is_some_and(|oldest| *oldest + HOUR <= now) {
            self.0.pop_front();
        }
        self.0.push_back(now);
    }

    /// When one more is free; none where that is now.
    pub(crate) fn free_at(&self, limit: u32, now: Moment) -> Option<Moment> {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let oldest = self.0.get(self.0.len().checked_sub(limit)?)?;
        Some(*oldest + HOUR).filter(|free_at| *free_at > now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(minutes: u64) -> Moment {
        Moment(Span::minutes(minutes).0)
    }

    #[test]
    fn one_more_is_free_an_hour_after_the_oldest_that_counts() {
        let mut starts = Starts::default();
        for minute in [0, 10, 20] {
            starts.add(at(minute));
        }
        assert_eq!(starts.free_at(4, at(21)), None);
        assert_eq!(starts.free_at(3, at(21)), Some(at(60)));
        assert_eq!(starts.free_at(3, at(60)), None);
    }

    #[test]
    fn an_end_that_nobody_saw_counts_as_one_start() {
        let id = DeviceId::new("cooler").unwrap();
        let made = [(id.clone(), at(10))];
        let seen = Starts::restored(&made, &id, true, at(30));
        let unseen = Starts::restored(&made, &id, false, at(30));
        assert_eq!(seen.free_at(2, at(30)), None);
        assert_eq!(unseen.free_at(2, at(30)), Some(at(70)));
    }
}
