//! Safety: rules see each reading as it comes in, and what they do is said and stands as an alert.

use growbox_gate::Turn;
use growbox_model::{Event, Reading};
use serde_json::json;

use crate::flow::Flow;
use crate::judge::Surroundings;
use crate::say::Saying;

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
        self.gate.see(zone, &reading.quantity, &world, now);
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
        self.announce(Saying::host("safety.violation", &violation).in_zone(zone.clone()));
        self.announce(Saying::host("alert.raised", &alert).in_zone(zone));
        self.commit.urgent = true;
    }
}
