//! Safety: rules see each reading as it comes in, and what they do is said and stands as an alert.

use std::collections::BTreeMap;

use growbox_gate::Turn;
use growbox_model::{Event, Json, Reading, Seq, Text, ZoneId};
use serde_json::json;

use crate::flow::Flow;
use crate::judge::Surroundings;
use crate::say::Saying;

/// The newest violation of each rule in each zone, and the newest emergency of each stop, so that a
/// device can be asked why.
#[derive(Debug, Default)]
pub(crate) struct Violations {
    rules: BTreeMap<(Text, ZoneId), Seq>,
    /// By zone; none stops everything.
    stops: BTreeMap<Option<ZoneId>, Seq>,
}

impl Violations {
    fn note(&mut self, rule: Text, zone: ZoneId, violation: Seq) {
        self.rules.insert((rule, zone), violation);
    }

    /// A stop, and the event that tells of it.
    pub(crate) fn note_stop(&mut self, zone: Option<ZoneId>, emergency: Seq) {
        self.stops.insert(zone, emergency);
    }

    /// A violation or an emergency of before the restart.
    pub(crate) fn remember(&mut self, event: &Event) {
        if event.kind.as_str() == "system.emergency" {
            return self.note_stop(event.zone.clone(), event.seq);
        }
        let data = event.document().map(Json::map);
        let rule = data.as_ref().and_then(|data| data.get("rule")?.as_str());
        if let (Some(rule), Some(zone)) = (rule, &event.zone) {
            self.note(rule.into(), zone.clone(), event.seq);
        }
    }

    /// The violation behind what a rule did to a device of this zone; where it is none of the
    /// rule's own, the newest. Behind a stop, its emergency.
    pub(crate) fn behind(&self, trigger: &str, zone: Option<&ZoneId>) -> Option<Seq> {
        let trigger = trigger.split(';').next().unwrap_or(trigger);
        if trigger == "stop" {
            let zones = [None, zone.cloned()];
            return zones
                .iter()
                .filter_map(|zone| self.stops.get(zone).copied())
                .max();
        }
        let rule = trigger.strip_prefix("safety:")?;
        let mine = self.rules.iter().filter(|((named, _), _)| **named == *rule);
        let nearest = mine.max_by_key(|((_, at), seq)| (zone == Some(at), **seq));
        nearest.map(|(_, seq)| *seq)
    }
}

impl Flow {
    /// Shows a reading to the rules, before any handler sees it.
    pub(crate) fn show(&mut self, event: &Event, reading: &Reading) {
        let Some(zone) = &event.zone else { return };
        if !self.zones.vouches(&reading.sensor, &event.source) {
            return;
        }
        let now = self.clock.now();
        let world = Surroundings {
            zones: &self.zones,
            now,
            durable: self.durable,
            written: self.written,
        };
        let quantity = &reading.quantity;
        self.gate.see(zone, quantity, event.seq, &world, now);
    }

    /// A rule has tripped, or its trip is over.
    pub(crate) fn say_turn(&mut self, turn: &Turn) {
        let (trip, shown) = match turn {
            Turn::Tripped(trip, shown) => (trip, *shown),
            Turn::Over(trip) => (trip, None),
        };
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
        let violation = Saying::host("safety.violation", &violation).in_zone(zone.clone());
        let violation = self.announce(violation.caused_by(shown));
        if let Some(violation) = violation {
            let (rule, zone) = (trip.rule.clone(), trip.zone.clone());
            self.violations.note(rule, zone, violation);
        }
        let alert = Saying::host("alert.raised", &alert).in_zone(zone);
        self.announce(alert.caused_by(violation));
        self.commit.urgent = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_rule_of_two_zones_is_kept_apart() {
        let zone = |name: &str| ZoneId::new(name).unwrap();
        let mut violations = Violations::default();
        violations.note("co2".into(), zone("attic"), Seq(3));
        violations.note("co2".into(), zone("tent"), Seq(7));
        let behind = |name: &str| violations.behind("safety:co2; minimum on", Some(&zone(name)));
        assert_eq!(behind("attic"), Some(Seq(3)));
        assert_eq!(behind("tent"), Some(Seq(7)));
        assert_eq!(behind("shed"), Some(Seq(7)), "a device of another zone");
        assert_eq!(violations.behind("safety:hot", None), None);
        assert_eq!(violations.behind("hold", None), None);
        violations.note_stop(None, Seq(9));
        violations.note_stop(Some(zone("tent")), Seq(11));
        let stopped = |name: &str| violations.behind("stop; minimum on", Some(&zone(name)));
        assert_eq!(
            (stopped("tent"), stopped("attic")),
            (Some(Seq(11)), Some(Seq(9)))
        );
    }
}
