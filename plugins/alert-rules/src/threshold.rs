//! A reading beyond a limit.

use crate::excursion::Position;
use crate::series::named;
use crate::words::with_unit;
use growbox_sdk::prelude::*;

/// `kind = "threshold"`.
#[derive(Clone, Debug, PartialEq, Settings)]
pub(crate) struct Threshold {
    /// More than this is outside, in the quantity's unit.
    pub(crate) above: Option<f64>,
    /// Less than this is outside, in the quantity's unit.
    pub(crate) below: Option<f64>,
    /// It must be outside for longer than this.
    #[setting(default = "0s", max = "30d")]
    pub(crate) dwell: Span,
}

impl Threshold {
    pub(crate) fn check(&self) -> Result<(), String> {
        match (self.above, self.below) {
            (None, None) => Err("name what is too much (above), too little (below) or both".into()),
            (Some(above), Some(below)) if below >= above => {
                Err("below must be less than above, or every value is outside".into())
            }
            _ => Ok(()),
        }
    }

    pub(crate) fn position(&self, value: f64, hysteresis: f64) -> Position {
        let beyond = |margin: f64| {
            self.above.is_some_and(|above| value > above - margin)
                || self.below.is_some_and(|below| value < below + margin)
        };
        if beyond(0.0) {
            Position::Outside
        } else if beyond(hysteresis) && hysteresis > 0.0 {
            Position::Near
        } else {
            Position::Inside
        }
    }

    /// `humidity of canopy is 86.2 %; the limit is 80 %`.
    pub(crate) fn words(&self, reading: &Reading) -> String {
        let unit = |value: f64| with_unit(value, &reading.unit);
        let limit = match (self.above, self.below) {
            (Some(above), Some(below)) => format!("it may be {} to {}", unit(below), unit(above)),
            (Some(above), None) => format!("it may be at most {}", unit(above)),
            (None, below) => format!("it may be at least {}", unit(below.unwrap_or_default())),
        };
        format!("{} is {}; {limit}", named(reading), unit(reading.value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Position::{Inside, Near, Outside};

    #[test]
    fn a_limit_itself_is_inside() {
        let both = Threshold {
            above: Some(80.0),
            below: Some(40.0),
            dwell: Span::ZERO,
        };
        for (value, hysteresis, position) in [
            (80.1, 0.0, Outside),
            (80.0, 0.0, Inside),
            (80.0, 2.0, Near),
            (78.0, 2.0, Inside),
            (39.9, 0.0, Outside),
            (41.0, 2.0, Near),
            (42.0, 2.0, Inside),
        ] {
            assert_eq!(both.position(value, hysteresis), position, "{value}");
        }
    }
}
