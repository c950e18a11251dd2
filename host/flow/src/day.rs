//! Whether it is day: the window of light that begins at `lights_on` by the local clock.
//!
//! A day of light begins when the local clock shows `lights_on` and lasts its hours in real
//! time: plants count hours, not what a clock shows. Where daylight saving skips `lights_on`
//! the day begins as much later as the clock was put forward; where it comes twice the first
//! one counts.

use growbox_climate::Stage;
use growbox_model::{Instant, Now, Span, ZoneSpec};

const DAY_SECONDS: i64 = 86_400;

/// The photoperiod of a zone.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Photoperiod {
    /// Seconds after local midnight.
    pub lights_on: u32,
    /// May reach past midnight.
    pub hours_of_light: f64,
}

/// One day of light.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Window {
    /// When the light goes on.
    pub start: Instant,
    /// When it goes off.
    pub end: Instant,
}

impl Window {
    /// Whether it is day at an instant.
    pub(crate) fn holds(self, wall: Instant) -> bool {
        self.start <= wall && wall < self.end
    }
}

impl Photoperiod {
    /// Of a zone; none without `lights_on`, or where neither it nor its stage says how long.
    pub(crate) fn of(zone: &ZoneSpec) -> Option<Self> {
        let stage_hours = || {
            let stage = Stage::from_name(zone.stage.as_deref()?)?;
            Some(f64::from(stage.hours_of_light()))
        };
        Some(Self {
            lights_on: zone.lights_on?,
            hours_of_light: zone.hours_of_light.or_else(stage_hours)?,
        })
    }

    /// The day of light that is running, else the next one; none while the clock cannot be
    /// believed, or where there is no light at all. `offset`: seconds east of UTC at an instant.
    pub(crate) fn window(self, now: Now, offset: impl Fn(Instant) -> i32) -> Option<Window> {
        if !now.wall_trusted || self.hours_of_light <= 0.0 {
            return None;
        }
        let today = (seconds(now.wall) + i64::from(offset(now.wall))).div_euclid(DAY_SECONDS);
        (today - 1..=today + 2)
            .map(|date| self.window_of(date, &offset))
            .find(|window| now.wall < window.end)
    }

    /// The window of a local date, counted in days since 1970-01-01.
    fn window_of(self, date: i64, offset: &impl Fn(Instant) -> i32) -> Window {
        let local = date * DAY_SECONDS + i64::from(self.lights_on);
        let start = instant(from_local(local, |utc| offset(instant(utc))));
        let hours = (self.hours_of_light * 3600.0).round() as u64;
        Window {
            start,
            end: start.plus(Span::seconds(hours)),
        }
    }
}

/// Local seconds as seconds of UTC: the first instant at which the local clock shows them, or,
/// where it never does, as if it had not been put forward yet.
fn from_local(local: i64, offset: impl Fn(i64) -> i32) -> i64 {
    let candidates =
        [local - DAY_SECONDS, local + DAY_SECONDS].map(|nearby| local - i64::from(offset(nearby)));
    let shown = candidates
        .into_iter()
        .filter(|utc| utc + i64::from(offset(*utc)) == local);
    shown
        .min()
        .or_else(|| candidates.into_iter().max())
        .unwrap_or(local)
}

fn seconds(wall: Instant) -> i64 {
    i64::try_from(wall.0 / Span::seconds(1).0).unwrap_or(0)
}

fn instant(seconds: i64) -> Instant {
    Instant(Span::seconds(u64::try_from(seconds).unwrap_or(0)).0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use growbox_model::Moment;

    const SIX: u32 = 6 * 3600;

    fn at(time: &str) -> Now {
        Now {
            moment: Moment(0),
            wall: Instant::parse(time).unwrap(),
            wall_trusted: true,
        }
    }

    fn light(lights_on: u32, hours_of_light: f64) -> Photoperiod {
        Photoperiod {
            lights_on,
            hours_of_light,
        }
    }

    fn day_at(time: &str, lights_on: u32, hours_of_light: f64, utc_offset: i32) -> bool {
        let window = light(lights_on, hours_of_light).window(at(time), |_| utc_offset);
        window.is_some_and(|window| window.holds(at(time).wall))
    }

    /// Central Europe in 2026: put forward on 29 March, and back on 25 October, at 01:00 UTC.
    fn berlin(utc: Instant) -> i32 {
        let summer = Instant::parse("2026-03-29T01:00:00Z").unwrap()
            ..Instant::parse("2026-10-25T01:00:00Z").unwrap();
        3600 + 3600 * i32::from(summer.contains(&utc))
    }

    fn window(light: Photoperiod, time: &str) -> (String, String) {
        let window = light.window(at(time), berlin).unwrap();
        (window.start.to_string(), window.end.to_string())
    }

    #[test]
    fn day_follows_the_local_clock_and_crosses_midnight() {
        assert!(!day_at("2026-01-15T05:59:59Z", SIX, 18.0, 0));
        assert!(day_at("2026-01-15T06:00:00Z", SIX, 18.0, 0));
        assert!(day_at("2026-01-15T23:59:59Z", SIX, 18.0, 0));
        assert!(!day_at("2026-01-15T00:00:00Z", SIX, 18.0, 0));
        assert!(
            day_at("2026-01-15T05:00:00Z", SIX, 18.0, 3600),
            "06:00 local"
        );
        let twenty = 20 * 3600;
        assert!(day_at("2026-01-15T02:00:00Z", twenty, 12.0, 0));
        assert!(!day_at("2026-01-15T08:00:00Z", twenty, 12.0, 0));
        assert!(!day_at("2026-01-15T12:00:00Z", SIX, 0.0, 0), "drying");
        assert!(day_at("2026-01-15T05:59:59Z", SIX, 24.0, 0), "never dark");
    }

    #[test]
    fn a_day_is_as_long_as_it_should_be_when_the_clocks_change() {
        let evening = light(20 * 3600, 12.0);
        let (start, end) = window(evening, "2026-03-28T23:00:00Z");
        assert!(start.starts_with("2026-03-28T19:00:00"), "{start}");
        assert!(end.starts_with("2026-03-29T07:00:00"), "{end}: 09:00 local");
        let (_, end) = window(evening, "2026-10-24T23:00:00Z");
        assert!(end.starts_with("2026-10-25T06:00:00"), "{end}: 07:00 local");
    }

    #[test]
    fn a_lights_on_that_is_skipped_comes_later_and_one_that_comes_twice_counts_once() {
        let half_past_two = light(2 * 3600 + 1800, 12.0);
        let (start, _) = window(half_past_two, "2026-03-29T02:00:00Z");
        assert!(start.starts_with("2026-03-29T01:30:00"), "{start}");
        let (start, _) = window(half_past_two, "2026-10-25T02:00:00Z");
        assert!(start.starts_with("2026-10-25T00:30:00"), "{start}");
        for minute in 30..150 {
            let time = format!("2026-10-25T{:02}:{:02}:00Z", minute / 60, minute % 60);
            let window = half_past_two.window(at(&time), berlin).unwrap();
            assert!(window.holds(at(&time).wall), "{time}");
        }
    }

    #[test]
    fn at_night_the_next_day_is_told() {
        let (start, end) = window(light(SIX, 18.0), "2026-01-15T00:10:00Z");
        assert!(start.starts_with("2026-01-15T05:00:00"), "{start}");
        assert!(end.starts_with("2026-01-15T23:00:00"), "{end}");
    }

    #[test]
    fn an_untrusted_clock_says_neither() {
        let never_set = Now::default();
        assert_eq!(light(0, 18.0).window(never_set, |_| 0), None);
    }
}
