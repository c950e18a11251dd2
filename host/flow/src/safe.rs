//! Handing over what is to be done when this process is gone.

use growbox_model::ports::Ports;
use growbox_model::{Moment, SafePlan};

use crate::flow::Flow;

impl Flow {
    /// Hands the safe plan over where it has changed, its moments by the machine's clock.
    pub(crate) fn hand_over(&mut self, ports: &mut impl Ports) {
        let Some(plan) = self.gate.safe_plan(self.planned.as_ref()) else {
            return;
        };
        let devices = plan.devices.iter().cloned().map(|mut device| {
            device.free_at = device.free_at.map(|moment| self.machine_time(moment));
            device.bound_until = device.bound_until.map(|moment| self.machine_time(moment));
            device
        });
        ports.safe_plan(SafePlan {
            devices: devices.collect(),
        });
        self.planned = Some(plan);
    }

    /// Under the events clock, which stands still by itself, as if it ran from now on.
    fn machine_time(&self, moment: Moment) -> Moment {
        let running = self.clock.machine_time_of(moment);
        running.unwrap_or(self.machine.boot + moment.since(self.clock.now().moment))
    }
}
