//! Hold: how far a person's hold comes at the moment it is taken.

use growbox_model::{DeviceId, Verdict, VerdictKind};

use crate::gate::Gate;
use crate::policy::envelope;
use crate::say;

impl Gate {
    /// What there is to say of a hold that was just taken, of a device asked to be at `level` (none:
    /// where it is): who goes before it, or what the envelope made of it.
    pub fn judge_hold(&self, id: &DeviceId, level: Option<f64>) -> Verdict {
        let device = self.devices.get(id);
        let verdict = |kind, policy, why| Verdict {
            kind,
            policy,
            why,
            level: device.and_then(|device| Some(device.held.as_ref()?.hold.level)),
            until: device.and_then(|device| device.held.as_ref()?.until),
            free_at: None,
        };
        if let Some(bound) = device.and_then(|device| device.safety.as_ref()) {
            let why = format!("it waits: safety rule {}: {}", bound.rule, bound.message);
            return verdict(VerdictKind::Outranked, "safety", why);
        }
        if let Some(stop) = device.and_then(|device| self.bonds.stop_of(&device.spec)) {
            let why = format!("it waits: stopped: {}", stop.reason);
            return verdict(VerdictKind::Outranked, "stop", why);
        }
        let clamped = device.zip(level).and_then(|(device, asked)| {
            let held = envelope::clamp(asked, &device.spec);
            say::changed(asked, held, &device.spec)
        });
        match clamped {
            Some(why) => verdict(VerdictKind::Clamped, "envelope", why),
            None => {
                let why = "people go before controllers".to_owned();
                verdict(VerdictKind::Granted, "hold", why)
            }
        }
    }
}
