//! A reading too far from its target.

use crate::excursion::Position;
use crate::series::named;
use crate::words::{figure, with_unit};
use growbox_sdk::prelude::*;

/// `kind = "deviation"`.
#[derive(Clone, Debug, PartialEq, Settings)]
pub(crate) struct Deviation {
    /// Where it should be, in the quantity's unit; left out: the zone's target at the time.
    pub(crate) target: Option<f64>,
    /// How far it may be off, as a part of the target.
    #[setting(default = 0.2, min = 0.0)]
    pub(crate) fraction: f64,
    /// It must be outside for longer than this.
    #[setting(default = "15min", max = "30d")]
    pub(crate) dwell: Span,
}

impl Deviation {
    pub(crate) fn check(&self) -> Result<(), String> {
        match self.target {
            Some(target) if target <= 0.0 => {
                Err("a target must be more than 0: the deviation is a part of it".into())
            }
            _ => Ok(()),
        }
    }

    /// Where a reading of this zone should be. A zone without such a target is not judged.
    pub(crate) fn target(&self, room: &Room, zone: Option<&str>, quantity: &str) -> Option<f64> {
        let of_zone = || {
            let zone = room.zone(zone?)?;
            let mut setpoints = zone.setpoints.iter();
            let setpoint = setpoints.find(|setpoint| setpoint.quantity == quantity)?;
            Some(setpoint.target)
        };
        self.target.or_else(of_zone).filter(|target| *target > 0.0)
    }

    /// Exact: nothing is rounded.
    pub(crate) fn position(&self, value: f64, target: f64, hysteresis: f64) -> Position {
        let (off, allowed) = ((value - target).abs(), self.fraction * target);
        if off > allowed {
            Position::Outside
        } else if hysteresis > 0.0 && off > allowed - hysteresis {
            Position::Near
        } else {
            Position::Inside
        }
    }

    /// `VPD of vpd-control.tent is 1.05 kPa, 34 % below its target of 1.6 kPa; it may be 20 % off`.
    pub(crate) fn words(&self, reading: &Reading, target: f64) -> String {
        let percent = (reading.value - target).abs() / target * 100.0;
        let side = if reading.value < target {
            "below"
        } else {
            "above"
        };
        format!(
            "{} is {}, {percent:.0} % {side} its target of {}; it may be {} % off",
            named(reading),
            with_unit(reading.value, &reading.unit),
            with_unit(target, &reading.unit),
            figure(self.fraction * 100.0),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Position::{Inside, Near, Outside};

    #[test]
    fn it_is_exact() {
        let deviation = Deviation {
            target: Some(1.6),
            fraction: 0.2,
            dwell: minutes(15),
        };
        let edge = 0.2 * 1.6;
        let position = |value| deviation.position(value, 1.6, 0.0);
        assert_eq!(position(1.6 + edge), Inside);
        assert_eq!(position(1.6 + edge + 1e-12), Outside);
        assert_eq!(position(1.6 - edge - 1e-12), Outside);
        assert_eq!(deviation.position(1.9, 1.6, 0.1), Near);
        assert_eq!(deviation.position(1.8, 1.6, 0.1), Inside);
    }
}
