//! Time as three kinds of number, so that no two can be mistaken for each other.
//!
//! - `Instant`: a wall-clock label; it may jump, it may be wrong.
//! - `Moment`: room time since the log was founded; never goes back. Leases, dwell,
//!   ticks and staleness count in it.
//! - `Span`: the difference of two moments.

use std::fmt;
use std::ops::{Add, Sub};
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::objection::Objection;

const SECOND: u64 = 1_000_000_000;

/// Wall clock, nanoseconds since the Unix epoch, UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Instant(pub u64);

/// Room time, nanoseconds since the log was founded.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Moment(pub u64);

/// A length of time in nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Span(pub u64);

/// What the room clock says: both its hands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Now {
    /// Room time.
    pub moment: Moment,
    /// The label that goes with it.
    pub wall: Instant,
    /// Whether the label can be believed (a board without a battery clock starts untrusted).
    pub wall_trusted: bool,
}

/// Whether a text has the form of RFC 3339, however far away it lies.
fn is_date_and_time(text: &str) -> bool {
    let pieces = jiff::fmt::temporal::Pieces::parse(text);
    pieces.is_ok_and(|pieces| pieces.time().is_some() && pieces.offset().is_some())
}

impl Instant {
    /// Parses RFC 3339.
    pub fn parse(text: &str) -> Result<Self, Objection> {
        let bad = || {
            Objection::new(
                "bad_time",
                format!(
                    "{} is no RFC 3339 time such as 2026-01-15T10:30:00Z",
                    crate::id::quoted(text)
                ),
            )
        };
        let outside = || {
            let shown = crate::id::quoted(text);
            let why = format!("{shown} lies outside the years 1970 to 2554");
            Objection::new("bad_time", why)
        };
        let stamp: jiff::Timestamp = match text.parse() {
            Ok(stamp) => stamp,
            Err(_) if is_date_and_time(text) => return Err(outside()),
            Err(_) => return Err(bad()),
        };
        u64::try_from(stamp.as_nanosecond())
            .map(Self)
            .map_err(|_| outside())
    }

    /// This instant moved forward.
    pub fn plus(self, span: Span) -> Self {
        Self(self.0.saturating_add(span.0))
    }

    /// This instant moved back.
    pub fn minus(self, span: Span) -> Self {
        Self(self.0.saturating_sub(span.0))
    }

    /// How long after `earlier` this is; zero when it is not.
    pub fn since(self, earlier: Self) -> Span {
        Span(self.0.saturating_sub(earlier.0))
    }
}

impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_nanosecond(i128::from(self.0)) {
            Ok(stamp) => stamp.fmt(f),
            Err(_) => write!(f, "9999-12-31T23:59:59Z"),
        }
    }
}

impl Serialize for Instant {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Instant {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(from)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

impl Moment {
    /// How long after `earlier` this is; zero when it is not.
    pub fn since(self, earlier: Self) -> Span {
        Span(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Span> for Moment {
    type Output = Self;
    fn add(self, span: Span) -> Self {
        Self(self.0.saturating_add(span.0))
    }
}

impl Sub<Span> for Moment {
    type Output = Self;
    fn sub(self, span: Span) -> Self {
        Self(self.0.saturating_sub(span.0))
    }
}

impl Span {
    /// No time at all.
    pub const ZERO: Self = Self(0);

    /// From whole milliseconds.
    pub const fn millis(millis: u64) -> Self {
        Self(millis * (SECOND / 1000))
    }

    /// From whole seconds.
    pub const fn seconds(seconds: u64) -> Self {
        Self(seconds * SECOND)
    }

    /// From whole minutes.
    pub const fn minutes(minutes: u64) -> Self {
        Self::seconds(minutes * 60)
    }

    /// From whole hours.
    pub const fn hours(hours: u64) -> Self {
        Self::minutes(hours * 60)
    }

    /// From seconds with a fraction; `None` where that is no length of time (negative, not finite).
    pub fn from_seconds(seconds: f64) -> Option<Self> {
        let nanos = seconds * SECOND as f64;
        (nanos.is_finite() && (0.0..1.8e19).contains(&nanos)).then_some(Self(nanos as u64))
    }

    /// In seconds.
    pub fn as_seconds(self) -> f64 {
        self.0 as f64 / SECOND as f64
    }

    /// This many times as long.
    pub const fn times(self, n: u64) -> Self {
        Self(self.0.saturating_mul(n))
    }

    /// As the standard library's duration.
    pub const fn duration(self) -> std::time::Duration {
        std::time::Duration::from_nanos(self.0)
    }
}

impl From<std::time::Duration> for Span {
    fn from(duration: std::time::Duration) -> Self {
        Self(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX))
    }
}

const UNITS: [(&str, u64); 14] = [
    ("ns", 1),
    ("us", 1_000),
    ("ms", SECOND / 1000),
    ("seconds", SECOND),
    ("second", SECOND),
    ("sec", SECOND),
    ("s", SECOND),
    ("minutes", 60 * SECOND),
    ("minute", 60 * SECOND),
    ("min", 60 * SECOND),
    ("hours", 3600 * SECOND),
    ("hour", 3600 * SECOND),
    ("h", 3600 * SECOND),
    ("d", 86_400 * SECOND),
];

impl FromStr for Span {
    type Err = Objection;

    /// Parses text such as `5min`, `30 s`, `1.5h`, `2d`.
    fn from_str(text: &str) -> Result<Self, Objection> {
        let bad = || {
            Objection::new(
                "bad_duration",
                format!(
                    "{} is no duration: seconds as a number, or text such as \"30s\", \"5min\", \"1h\", \"2d\"",
                    crate::id::quoted(text)
                ),
            )
        };
        let text = text.trim();
        let digits = text
            .find(|c: char| !(c.is_ascii_digit() || c == '.'))
            .unwrap_or(text.len());
        let number: f64 = text[..digits].parse().map_err(|_| bad())?;
        let unit = text[digits..].trim();
        let nanos = UNITS
            .iter()
            .find(|(name, _)| *name == unit)
            .ok_or_else(bad)?
            .1;
        Self::from_seconds(number * nanos as f64 / SECOND as f64).ok_or_else(bad)
    }
}

impl fmt::Display for Span {
    /// The largest unit that divides it: `5min`, `90s`, `1h`; seconds with a fraction otherwise.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = [("d", 86_400), ("h", 3600), ("min", 60), ("s", 1)]
            .into_iter()
            .find(|(_, seconds)| self.0 != 0 && self.0.is_multiple_of(seconds * SECOND));
        match whole {
            Some((unit, seconds)) => write!(f, "{}{unit}", self.0 / (seconds * SECOND)),
            None => write!(f, "{}s", self.as_seconds()),
        }
    }
}

impl Serialize for Span {
    /// Seconds, as a number.
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        if self.0.is_multiple_of(SECOND) {
            to.serialize_u64(self.0 / SECOND)
        } else {
            to.serialize_f64(self.as_seconds())
        }
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Form {
            Seconds(f64),
            Text(String),
        }
        match Form::deserialize(from)? {
            Form::Seconds(seconds) => Self::from_seconds(seconds)
                .ok_or_else(|| serde::de::Error::custom(format!("{seconds} is no duration"))),
            Form::Text(text) => text.parse().map_err(serde::de::Error::custom),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_read_and_written() {
        for (text, seconds) in [("5min", 300), ("30 s", 30), ("1.5h", 5400), ("2d", 172_800)] {
            assert_eq!(text.parse::<Span>().unwrap(), Span::seconds(seconds));
        }
        assert!("5 parsecs".parse::<Span>().is_err());
        assert!("-1s".parse::<Span>().is_err());
        assert_eq!(Span::seconds(300).to_string(), "5min");
        assert_eq!(Span::millis(1500).to_string(), "1.5s");
        assert_eq!(serde_json::to_string(&Span::seconds(90)).unwrap(), "90");
        assert_eq!(
            serde_json::from_str::<Span>("\"2min\"").unwrap(),
            Span::minutes(2)
        );
    }

    #[test]
    fn instants_are_rfc_3339() {
        let instant = Instant::parse("2026-01-15T11:30:00+01:00").unwrap();
        assert_eq!(instant.to_string(), "2026-01-15T10:30:00Z");
        assert!(Instant::parse("yesterday").is_err());
        assert!(Instant::parse("1960-01-01T00:00:00Z").is_err());
    }
}
