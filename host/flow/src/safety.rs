//! Safety: rules see each reading as it comes in, and what they do is said and stands as an alert.

use std::collections::BTreeMap;

use growbox_gate::Turn;
use growbox_model::{Event, Reading, Seq, Text};
use serde_json::json;

use crate::flow::Flow;
use crate::judge::Surroundings;
use crate::say::Saying;

/// What led to what, so that a device can be asked why.
#[derive(Debug, Default)]
pub(crate) struct Violations {
    /// The reading with which a rule has just turned.
    shown: Option<Seq>,
    /// The newest violation of each rule.
    said: BTreeMap<Text, Seq>,
}

impl Flow {
    /// Shows a reading to the rules, before any handler sees it.
    pub(crate) fn show(&mut self, event: &Event, reading: &Reading) {
        let Some(zone) = &event.zone else { return };
        let now = self.clock.now();
        let world = Surroundings {
            zones: &self.zones,
            now,
            durable: self.durable,
        };
        if self.gate.see(zone, &reading.quantity, &world, now) {
            self.violations.shown = Some(event.seq);
        }
    }

    /// A rule has tripped, or its trip is over.
    pub(crate) fn say_turn(&mut self, turn: &Turn) {
        let (Turn::Tripped(trip) | Turn::Over(trip)) = turn;
        let zone = Some(trip.zone.clone());
        let rule = format!("safety:{}", trip.rule);
        let alert = json!({
            "rule": rule,
            "severity": "critical",
            "message": trip.message,
            "since": trip.since,
        });
        if let Turn::Over(_) = turn {
            self.announce(Saying::host("alert.cleared", &alert).in_zone(zone));
            return;
        }
        let violation = json!({
            "rule": trip.rule,
            "zone": trip.zone,
            "message": trip.message,
            "devices": self.gate.moved_by(&trip.rule, &trip.zone),
        });
        let cause = self.violations.shown.take();
        let violation = Saying::host("safety.violation", &violation).in_zone(zone.clone());
        let violation = self.announce(violation.caused_by(cause));
        if let Some(violation) = violation {
            self.violations.said.insert(trip.rule.clone(), violation);
        }
        let alert = Saying::host("alert.raised", &alert).in_zone(zone);
        self.announce(alert.caused_by(violation));
        self.commit.urgent = true;
    }

    /// The violation behind what a rule did to a device.
    pub(crate) fn violation_behind(&self, trigger: &str) -> Option<Seq> {
        let rule = trigger.strip_prefix("safety:")?;
        let rule = rule.split(';').next().unwrap_or(rule);
        self.violations.said.get(rule).copied()
    }
}
