//! Envelope: the levels a device may run at.

use growbox_model::DeviceSpec;

/// The level the device takes for an asked one: 0 where it may be off, else from its lowest
/// running level to its highest. The asked level is finite and from 0 to 1.
pub(crate) fn clamp(asked: f64, spec: &DeviceSpec) -> f64 {
    let lowest = if spec.switched { 1.0 } else { spec.low };
    if asked == 0.0 && !spec.never_off {
        return 0.0;
    }
    let raised = asked.max(lowest);
    if spec.switched {
        raised
    } else {
        raised.min(spec.high)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::{exhaust, heater};

    #[test]
    fn levels_stay_inside() {
        let mut fan = exhaust();
        fan.low = 0.2;
        fan.high = 0.8;
        for (never_off, asked, level) in [
            (true, 0.0, 0.2),
            (false, 0.0, 0.0),
            (false, 0.1, 0.2),
            (true, 0.5, 0.5),
            (true, 1.0, 0.8),
        ] {
            fan.never_off = never_off;
            assert_eq!(clamp(asked, &fan), level, "{asked} {never_off}");
        }
    }

    #[test]
    fn a_switched_device_is_on_or_off() {
        let mut plug = heater();
        assert_eq!(clamp(0.0, &plug), 0.0);
        assert_eq!(clamp(1.0, &plug), 1.0);
        plug.never_off = true;
        assert_eq!(clamp(0.0, &plug), 1.0);
    }
}
