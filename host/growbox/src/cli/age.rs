//! A point in time as people type it: RFC 3339, or how long ago.

use std::str::FromStr;

use growbox_model::{Instant, Objection, Span};

/// A time, or an age that becomes one when it is known what is now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// This instant.
    At(Instant),
    /// So long ago.
    Ago(Span),
}

impl When {
    /// The instant meant, by this machine's clock.
    pub fn instant(self, now: Instant) -> Instant {
        match self {
            Self::At(instant) => instant,
            Self::Ago(span) => now.minus(span),
        }
    }
}

impl FromStr for When {
    type Err = Objection;

    fn from_str(text: &str) -> Result<Self, Objection> {
        let ago = text.parse::<Span>().map(Self::Ago);
        ago.or_else(|_| Instant::parse(text).map(Self::At)).map_err(|_| {
            let shown = growbox_model::id::quoted(text);
            let message = format!("{shown} is neither a time such as 2026-01-15T10:30:00Z nor an age such as 2d, 3h, 10min");
            Objection::new("bad_time", message)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_count_back_from_now() {
        let now = Instant::parse("2026-01-15T10:30:00Z").unwrap();
        let when = |text: &str| {
            text.parse::<When>()
                .map(|when| when.instant(now).to_string())
        };
        assert_eq!(when("2d").unwrap(), "2026-01-13T10:30:00Z");
        assert_eq!(when("90s").unwrap(), "2026-01-15T10:28:30Z");
        assert_eq!(
            when("2026-01-01T00:00:00+01:00").unwrap(),
            "2025-12-31T23:00:00Z"
        );
        assert!(
            when("yesterday")
                .unwrap_err()
                .message
                .contains("an age such as 2d")
        );
    }
}
