//! Witnesses: what a device was caught at is said, and stands as an alert until it is mended.

use growbox_gate::{Finding, Mismatch, Testimony};
use growbox_model::{Quality, Reading};
use serde_json::json;

use crate::flow::Flow;
use crate::say::Saying;

impl Flow {
    /// Shows a reading to whom it witnesses; an implausible one says nothing.
    pub(crate) fn hear_witness(&mut self, reading: &Reading) {
        let value = (reading.quality != Quality::Bad).then_some(reading.value);
        let now = self.clock.now();
        self.gate
            .witness(&reading.sensor, &reading.quantity, value, now);
    }

    /// A device was caught, or does as it is told again.
    pub(crate) fn say_testimony(&mut self, testimony: &Testimony) {
        let device = &testimony.device;
        let zone = self.zone_of(device);
        let rule = format!("device:{device}");
        let (code, message, recovery) = match &testimony.finding {
            Finding::Believed => {
                let alert = json!({"rule": rule, "subject": device});
                self.announce(Saying::host("alert.cleared", &alert).in_zone(zone));
                return;
            }
            Finding::Failing(why) => ("driver_failed", why, "it is told again, ever more rarely"),
            Finding::Doubted(mismatch) => (code(mismatch), &mismatch.message, "it is told again"),
            Finding::GivenUp(mismatch) => (
                code(mismatch),
                &mismatch.message,
                "it is kept at its safe level until a person releases it",
            ),
        };
        let error = json!({
            "device_id": device,
            "error_code": code,
            "message": message,
            "recovery_action": recovery,
        });
        let error = Saying::host("device.error", &error).in_zone(zone.clone());
        let error = self.announce(error);
        let alert = json!({
            "rule": rule,
            "subject": device,
            "severity": "critical",
            "message": format!("{device}: {message}; {recovery}"),
        });
        let alert = Saying::host("alert.raised", &alert).in_zone(zone);
        self.announce(alert.caused_by(error));
        self.commit.urgent = true;
    }
}

fn code(mismatch: &Mismatch) -> &'static str {
    if mismatch.on { "stuck_on" } else { "stuck_off" }
}
