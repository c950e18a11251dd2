//! Rounds: under the events clock answers are heard in a fixed order, once all of them are in.
//!
//! Who of several plug-ins and drivers answers first depends on threads, and must not be seen
//! in the log. So the flow cuts and drives, waits until all have answered, then hears plug-ins
//! in the order of their ids, then drivers in that of their devices.

use std::collections::BTreeMap;

use growbox_model::ports::{BatchResult, DriverReport, Ports};
use growbox_model::{DeviceId, Moment, PluginId, Span};

use crate::flow::{Flow, Life};
use crate::judge::Surroundings;

/// A driver that has not answered by then is settled without: machine time.
const PATIENCE: Span = Span::seconds(5);

/// Answers that wait for the others.
#[derive(Debug, Default)]
pub(crate) struct Round {
    handled: BTreeMap<PluginId, BatchResult>,
    driven: BTreeMap<DeviceId, Vec<DriverReport>>,
}

impl Flow {
    /// Hears of a batch now, or with its round.
    pub(crate) fn hear_result(&mut self, result: BatchResult, ports: &mut impl Ports) {
        if !self.clock.by_events() {
            self.hear_handled(result, ports);
        } else if self.is_awaited(&result) {
            self.round.handled.insert(result.plugin.clone(), result);
        }
    }

    /// Hears of a device now, or with its round where it has been told something.
    pub(crate) fn hear_report(&mut self, report: DriverReport) {
        let device = report.device();
        let running = self.clock.by_events() && self.life == Life::Running;
        if running && self.driving.contains_key(device) {
            let waiting = self.round.driven.entry(device.clone()).or_default();
            waiting.push(report);
        } else {
            self.hear_driver(&report);
        }
    }

    /// Hears all answers of a round that is complete.
    pub(crate) fn close_round(&mut self, ports: &mut impl Ports) {
        if self.round.is_empty() || !self.round_is_complete() {
            return;
        }
        let Round { handled, driven } = std::mem::take(&mut self.round);
        for result in handled.into_values() {
            self.hear_handled(result, ports);
        }
        for report in driven.into_values().flatten() {
            self.hear_driver(&report);
        }
    }

    fn round_is_complete(&self) -> bool {
        let answered = |id| self.round.handled.contains_key(id);
        let now = self.machine.boot;
        self.plugins.out().all(answered)
            && self.driving.iter().all(|(device, patience)| {
                *patience <= now
                    || self
                        .round
                        .driven
                        .get(device)
                        .is_some_and(|r| r.iter().any(answers))
            })
    }

    /// A device has been told something.
    pub(crate) fn await_driver(&mut self, device: DeviceId) {
        self.driving.insert(device, self.machine.boot + PATIENCE);
    }

    fn hear_driver(&mut self, report: &DriverReport) {
        if answers(report) {
            self.driving.remove(report.device());
        }
        self.stats.driven(report);
        self.gate.report(report, self.clock.now());
    }

    /// Whether drivers are being waited for.
    pub(crate) fn drivers_busy(&self) -> bool {
        let now = self.machine.boot;
        self.driving.values().any(|patience| *patience > now) || self.pulses_wait()
    }

    /// Whether a pulse may only be driven once its request is on disk, and it is not yet.
    fn pulses_wait(&self) -> bool {
        self.gate.awaits_durability(&Surroundings {
            zones: &self.zones,
            now: self.clock.now(),
            durable: self.durable,
            written: self.written,
        })
    }

    /// When patience with a driver ends.
    pub(crate) fn next_patience(&self) -> Option<Moment> {
        let now = self.machine.boot;
        let ends = self.driving.values().copied();
        ends.filter(|patience| *patience > now).min()
    }
}

impl Round {
    fn is_empty(&self) -> bool {
        self.handled.is_empty() && self.driven.is_empty()
    }
}

/// Whether a report answers an order.
fn answers(report: &DriverReport) -> bool {
    matches!(
        report,
        DriverReport::Confirmed(..) | DriverReport::Failed(..) | DriverReport::Available(_, false)
    )
}
