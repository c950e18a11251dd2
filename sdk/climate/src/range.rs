//! From here to there, both ends included.

use core::fmt;

/// A closed range of a quantity in its canonical unit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Range {
    /// The least value that is still in.
    pub low: f64,
    /// The greatest value that is still in.
    pub high: f64,
}

impl Range {
    /// The range from `low` to `high`.
    #[must_use]
    pub const fn new(low: f64, high: f64) -> Self {
        Self { low, high }
    }

    /// The middle: the target of a range unless one is set.
    #[must_use]
    pub fn middle(self) -> f64 {
        f64::midpoint(self.low, self.high)
    }

    /// Whether `value` lies in the range.
    #[must_use]
    pub fn contains(self, value: f64) -> bool {
        self.low <= value && value <= self.high
    }

    /// Whether the two ranges have a value in common.
    #[must_use]
    pub fn meets(self, other: Self) -> bool {
        self.low <= other.high && other.low <= self.high
    }
}

impl From<(f64, f64)> for Range {
    fn from((low, high): (f64, f64)) -> Self {
        Self::new(low, high)
    }
}

/// `0.65–0.80` with a precision, `21–27` without.
impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match f.precision() {
            Some(places) => write!(f, "{:.places$}–{:.places$}", self.low, self.high),
            None => write!(f, "{}–{}", self.low, self.high),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_are_included() {
        let range = Range::new(1.0, 2.0);
        assert!(range.contains(1.0) && range.contains(2.0) && !range.contains(2.01));
        assert!(range.meets(Range::new(2.0, 3.0)) && !range.meets(Range::new(2.1, 3.0)));
        assert_eq!(range.middle(), 1.5);
    }

    #[test]
    fn reads_as_growers_write_it() {
        assert_eq!(format!("{:.2}", Range::new(0.65, 0.8)), "0.65–0.80");
        assert_eq!(Range::new(21.0, 27.0).to_string(), "21–27");
    }
}
