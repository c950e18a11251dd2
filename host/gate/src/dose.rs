//! The doses of a device: how many count now, and when the next one is free.
//!
//! A dose counts for a day of room time, which goes on over restarts and which nobody can set,
//! and for a day by the label it bears. A label that lies ahead (the clock was set back
//! meanwhile) counts for nothing: no wrong label keeps plants dry for years.

use growbox_model::{DeviceId, Dose, Instant, Moment, Now, Span};

/// What the bound is about: any stretch of this length.
const DAY: Span = Span::hours(24);

/// The pulses a device was given.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Doses {
    given: Vec<Given>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Given {
    moment: Moment,
    wall: Instant,
}

impl Doses {
    /// What the log remembers of this device.
    pub(crate) fn restored(doses: &[Dose], device: &DeviceId, now: Now) -> Self {
        let own = doses.iter().filter(|dose| dose.device == *device);
        let given = own.map(|dose| Given {
            moment: dose.moment.min(now.moment),
            wall: dose.wall,
        });
        Self {
            given: given.collect(),
        }
    }

    /// Counts one more, given now.
    pub(crate) fn add(&mut self, now: Now) {
        self.given
            .retain(|given| given.wall > now.wall || given.end(now) > now.moment);
        self.given.push(Given {
            moment: now.moment,
            wall: now.wall,
        });
    }

    /// When one more may be given; none where that is now.
    pub(crate) fn free_at(&self, limit: u32, now: Now) -> Option<Moment> {
        let mut ends: Vec<Moment> = self.given.iter().map(|given| given.end(now)).collect();
        ends.retain(|end| *end > now.moment);
        ends.sort_unstable();
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let over = ends.len().checked_sub(limit)?;
        Some(ends.get(over).copied().unwrap_or(now.moment + DAY))
    }
}

impl Given {
    /// When it no longer counts, as far as the clock can tell now.
    fn end(self, now: Now) -> Moment {
        let by_room = self.moment + DAY;
        let by_label = if self.wall <= now.wall {
            now.moment + self.wall.plus(DAY).since(now.wall)
        } else {
            now.moment
        };
        by_room.max(by_label)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now(hours: u64, wall_hours: u64) -> Now {
        Now {
            moment: Moment(Span::hours(hours).0),
            wall: Instant(Span::hours(1_000_000 + wall_hours).0),
            wall_trusted: true,
        }
    }

    #[test]
    fn a_dose_is_free_a_day_after_the_oldest_that_counts() {
        let mut doses = Doses::default();
        for hour in [100, 103, 106] {
            doses.add(now(hour, hour));
        }
        let at = now(107, 107);
        assert_eq!(doses.free_at(4, at), None);
        assert_eq!(doses.free_at(3, at), Some(now(124, 0).moment));
        assert_eq!(doses.free_at(2, at), Some(now(127, 0).moment));
        assert_eq!(doses.free_at(3, now(124, 124)), None);
    }

    #[test]
    fn a_clock_set_back_or_ahead_gives_no_more() {
        let mut doses = Doses::default();
        doses.add(now(100, 100));
        assert!(doses.free_at(1, now(101, 20)).is_some(), "set back");
        assert!(doses.free_at(1, now(101, 200)).is_some(), "set ahead");
        assert_eq!(doses.free_at(1, now(125, 300)), None);
    }

    #[test]
    fn what_the_log_remembers_counts_whatever_its_label() {
        let device = DeviceId::new("pump").unwrap();
        let of = |hours, wall_hours| Dose {
            device: device.clone(),
            length: Span::seconds(20),
            moment: now(hours, 0).moment,
            wall: now(0, wall_hours).wall,
        };
        let other = Dose {
            device: DeviceId::new("other").unwrap(),
            ..of(49, 99)
        };
        let known = [of(20, 70), of(40, 90), other];
        let at = now(50, 100);
        let doses = Doses::restored(&known, &device, at);
        assert_eq!(doses.free_at(2, at), None);
        assert_eq!(doses.free_at(1, at), Some(now(64, 0).moment));
        for label in [9_000, 0] {
            let wrong = Doses::restored(&[of(40, label)], &device, at);
            assert_eq!(wrong.free_at(1, at), Some(now(64, 0).moment));
            assert_eq!(wrong.free_at(1, now(64, 114)), None);
        }
        let later = Doses::restored(&[of(9_000, 0)], &device, at);
        assert_eq!(later.free_at(1, at), Some(now(74, 0).moment));
    }
}
