//! Modes: which range of VPD is kept.

use growbox_sdk::climate::Range;
use growbox_sdk::wire::Setpoint;

/// A strategy of control, as named in `control.mode.changed`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Keeps the stage's range. The default.
    Perfection,
    /// Keeps the set target, give or take a tolerance.
    Target,
}

impl Mode {
    /// The mode of a zone, or the default and the name that means nothing here.
    pub(crate) fn from_name(name: Option<&str>) -> (Self, Option<&str>) {
        match name {
            None | Some("VPD_Perfection") => (Self::Perfection, None),
            Some("VPD_Target") => (Self::Target, None),
            unknown => (Self::Perfection, unknown),
        }
    }

    /// The range of VPD in kPa that this mode keeps.
    pub(crate) fn range(self, setpoint: &Setpoint, tolerance: f64) -> Range {
        match self {
            Self::Perfection => Range::new(setpoint.low, setpoint.high),
            Self::Target => Range::new(setpoint.target - tolerance, setpoint.target + tolerance),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use growbox_sdk::testing;

    #[test]
    fn perfection_is_the_default_and_takes_in_what_is_unknown() {
        assert_eq!(Mode::from_name(None), (Mode::Perfection, None));
        assert_eq!(
            Mode::from_name(Some("VPD_Perfection")),
            (Mode::Perfection, None)
        );
        assert_eq!(Mode::from_name(Some("VPD_Target")), (Mode::Target, None));
        assert_eq!(
            Mode::from_name(Some("Drying")),
            (Mode::Perfection, Some("Drying"))
        );
    }

    #[test]
    fn a_target_has_a_tolerance_and_perfection_a_range() {
        let mut setpoint = testing::setpoint("vpd", 0.75, 1.1);
        setpoint.target = 1.4;
        assert_eq!(
            Mode::Perfection.range(&setpoint, 0.1),
            Range::new(0.75, 1.1)
        );
        let range = Mode::Target.range(&setpoint, 0.1);
        assert!((range.low - 1.3).abs() < 1e-12 && (range.high - 1.5).abs() < 1e-12);
    }
}
