//! Room time: moments that never go back, spans between them.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::ops::{Add, Sub};

const NANOSECONDS: u64 = 1_000_000_000;

/// Names of a unit of time in text, and how many seconds it has.
const UNITS: [(&str, f64); 9] = [
    ("ms", 0.001),
    ("s", 1.0),
    ("sec", 1.0),
    ("m", 60.0),
    ("min", 60.0),
    ("h", 3600.0),
    ("hours", 3600.0),
    ("d", 86_400.0),
    ("days", 86_400.0),
];

/// A length of room time.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Span {
    nanoseconds: u64,
}

/// An instant of room time: nanoseconds since the log was founded.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Moment {
    nanoseconds: u64,
}

/// So many seconds.
#[must_use]
pub const fn seconds(count: u64) -> Span {
    Span::from_nanoseconds(count.saturating_mul(NANOSECONDS))
}

/// So many minutes.
#[must_use]
pub const fn minutes(count: u64) -> Span {
    seconds(count.saturating_mul(60))
}

/// So many hours.
#[must_use]
pub const fn hours(count: u64) -> Span {
    minutes(count.saturating_mul(60))
}

impl Span {
    /// No time at all.
    pub const ZERO: Self = Self::from_nanoseconds(0);

    /// So many nanoseconds, as the contract counts.
    #[must_use]
    pub const fn from_nanoseconds(nanoseconds: u64) -> Self {
        Self { nanoseconds }
    }

    /// In nanoseconds, as the contract counts.
    #[must_use]
    pub const fn as_nanoseconds(self) -> u64 {
        self.nanoseconds
    }

    /// In seconds.
    #[must_use]
    pub fn as_seconds(self) -> f64 {
        self.nanoseconds as f64 / NANOSECONDS as f64
    }

    /// Half of it.
    #[must_use]
    pub const fn half(self) -> Self {
        Self::from_nanoseconds(self.nanoseconds / 2)
    }

    /// How many whole times `other` fits into it; none where `other` is no time at all.
    #[must_use]
    pub const fn divided_by(self, other: Self) -> Option<u64> {
        self.nanoseconds.checked_div(other.nanoseconds)
    }

    /// Text such as `30s`, `5min`, `1.5 h`.
    ///
    /// # Errors
    /// A sentence that shows what is understood.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
        let unit = &text[digits.len()..];
        let factor = UNITS.iter().find(|(name, _)| *name == unit);
        match (digits.trim().parse::<f64>(), factor) {
            (Ok(count), Some((_, factor))) => Self::from_seconds(count * factor),
            _ => Err(format!(
                "\"{text}\" is no duration; write \"30s\", \"5min\" or \"2h\""
            )),
        }
    }

    /// From seconds, whole or not.
    ///
    /// # Errors
    /// A sentence, where the number is negative, infinite or longer than a century.
    pub fn from_seconds(count: f64) -> Result<Self, String> {
        const CENTURY: f64 = 3.2e9;
        if !(0.0..=CENTURY).contains(&count) {
            return Err(format!("{count} s is no duration"));
        }
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "in range"
        )]
        Ok(Self::from_nanoseconds(
            (count * NANOSECONDS as f64).round() as u64
        ))
    }
}

/// `45 s`, `5 min`, `1.5 h`.
impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.as_seconds();
        match count {
            _ if count < 60.0 => write!(f, "{count} s"),
            _ if count < 3600.0 => write!(f, "{} min", count / 60.0),
            _ => write!(f, "{} h", count / 3600.0),
        }
    }
}

impl Add for Span {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self::from_nanoseconds(self.nanoseconds.saturating_add(other.nanoseconds))
    }
}

impl Moment {
    /// So many nanoseconds after the log was founded.
    #[must_use]
    pub const fn from_nanoseconds(nanoseconds: u64) -> Self {
        Self { nanoseconds }
    }

    /// Nanoseconds since the log was founded.
    #[must_use]
    pub const fn as_nanoseconds(self) -> u64 {
        self.nanoseconds
    }

    /// How long ago `earlier` was; no time at all where it lies ahead.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Span {
        Span::from_nanoseconds(self.nanoseconds.saturating_sub(earlier.nanoseconds))
    }
}

impl Add<Span> for Moment {
    type Output = Self;
    fn add(self, span: Span) -> Self {
        Self::from_nanoseconds(self.nanoseconds.saturating_add(span.nanoseconds))
    }
}

impl Sub for Moment {
    type Output = Span;
    fn sub(self, earlier: Self) -> Span {
        self.since(earlier)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_becomes_time() {
        assert_eq!(Span::parse("30s"), Ok(seconds(30)));
        assert_eq!(Span::parse("5min"), Ok(minutes(5)));
        assert_eq!(Span::parse("1.5 h"), Ok(minutes(90)));
        assert_eq!(
            Span::parse("250ms"),
            Ok(Span::from_nanoseconds(250_000_000))
        );
    }

    #[test]
    fn nonsense_is_told_what_to_write() {
        for text in ["", "5", "min", "-5min", "5 parsecs", "NaNs", "infs"] {
            assert!(Span::parse(text).is_err(), "{text}");
        }
        assert_eq!(
            Span::parse("soon").unwrap_err(),
            "\"soon\" is no duration; write \"30s\", \"5min\" or \"2h\""
        );
    }

    #[test]
    fn time_never_runs_backwards() {
        let (early, late) = (Moment::from_nanoseconds(5), Moment::from_nanoseconds(8));
        assert_eq!(late - early, Span::from_nanoseconds(3));
        assert_eq!(early - late, Span::ZERO);
    }

    #[test]
    fn spans_read_well() {
        assert_eq!(seconds(45).to_string(), "45 s");
        assert_eq!(minutes(5).to_string(), "5 min");
        assert_eq!(minutes(90).to_string(), "1.5 h");
    }
}
