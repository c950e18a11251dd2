//! Whether it is day: `lights_on` and the hours of light, by the local clock.

use growbox_model::{Instant, Now, Span};

const DAY_SECONDS: i64 = 86_400;

/// The photoperiod of a zone.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Photoperiod {
    /// Seconds after local midnight.
    pub lights_on: u32,
    /// May reach past midnight.
    pub hours_of_light: f64,
}

impl Photoperiod {
    /// Whether the lights should be on; none while the clock cannot be believed.
    pub(crate) fn day(self, now: Now, utc_offset: i32) -> Option<bool> {
        now.wall_trusted.then(|| self.lit(now.wall, utc_offset))
    }

    fn lit(self, wall: Instant, utc_offset: i32) -> bool {
        let local = i64::try_from(wall.0 / Span::seconds(1).0).unwrap_or(0) + i64::from(utc_offset);
        let since_on = (local - i64::from(self.lights_on)).rem_euclid(DAY_SECONDS);
        (since_on as f64) < self.hours_of_light * 3600.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use growbox_model::Moment;

    fn day_at(time: &str, lights_on: u32, hours_of_light: f64, utc_offset: i32) -> bool {
        let now = Now {
            moment: Moment(0),
            wall: Instant::parse(time).unwrap(),
            wall_trusted: true,
        };
        Photoperiod {
            lights_on,
            hours_of_light,
        }
        .day(now, utc_offset)
        .unwrap()
    }

    #[test]
    fn day_follows_the_local_clock_and_crosses_midnight() {
        let six = 6 * 3600;
        assert!(!day_at("2026-01-15T05:59:59Z", six, 18.0, 0));
        assert!(day_at("2026-01-15T06:00:00Z", six, 18.0, 0));
        assert!(day_at("2026-01-15T23:59:59Z", six, 18.0, 0));
        assert!(!day_at("2026-01-15T00:00:00Z", six, 18.0, 0));
        assert!(
            day_at("2026-01-15T05:00:00Z", six, 18.0, 3600),
            "06:00 local"
        );
        let twenty = 20 * 3600;
        assert!(day_at("2026-01-15T02:00:00Z", twenty, 12.0, 0));
        assert!(!day_at("2026-01-15T08:00:00Z", twenty, 12.0, 0));
        assert!(!day_at("2026-01-15T12:00:00Z", six, 0.0, 0), "drying");
    }

    #[test]
    fn an_untrusted_clock_says_neither() {
        let now = Now::default();
        assert_eq!(
            Photoperiod {
                lights_on: 0,
                hours_of_light: 18.0
            }
            .day(now, 0),
            None
        );
    }
}
