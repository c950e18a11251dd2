//! Routing: a table from type and zone to the plug-ins that want the event.

use std::collections::HashMap;

use growbox_model::manifest::{Delivery, Subscription};
use growbox_model::{EventType, ZoneId};

/// Most plug-ins one room runs: a set of them is one machine word.
pub const PLUGINS: usize = 64;

/// A set of plug-ins by place in the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Places(u64);

impl Places {
    /// Whether `place` is in it.
    pub fn contains(self, place: usize) -> bool {
        place < PLUGINS && self.0 & (1 << place) != 0
    }

    /// Whether nobody is.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    fn insert(&mut self, place: usize) {
        if place < PLUGINS {
            self.0 |= 1 << place;
        }
    }
}

/// Who wants an event, and who of them only the latest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Route {
    /// Everybody who wants it.
    pub wanted: Places,
    /// Those whose every matching subscription says `latest`.
    pub latest: Places,
}

/// The subscription table. Rows are set in bulk from manifests; answers are remembered.
#[derive(Debug, Default)]
pub struct Table {
    rows: Vec<(String, Vec<Subscription>)>,
    known: HashMap<(EventType, Option<ZoneId>), Route>,
}

impl Table {
    /// Replaces all rows: each plug-in's id, in its place, with its subscriptions.
    pub fn set(&mut self, rows: Vec<(String, Vec<Subscription>)>) {
        self.rows = rows;
        self.known.clear();
    }

    /// Who wants an event of this type in this zone.
    pub fn route(&mut self, kind: &EventType, zone: Option<&ZoneId>) -> Route {
        let key = (kind.clone(), zone.cloned());
        if let Some(route) = self.known.get(&key) {
            return *route;
        }
        let route = self.look_up(kind, zone);
        if self.known.len() < 65_536 {
            self.known.insert(key, route);
        }
        route
    }

    fn look_up(&self, kind: &EventType, zone: Option<&ZoneId>) -> Route {
        let mut route = Route::default();
        for (place, (_, subscriptions)) in self.rows.iter().enumerate() {
            let mut matching = subscriptions
                .iter()
                .filter(|s| covers(s, kind, zone))
                .peekable();
            if matching.peek().is_none() {
                continue;
            }
            route.wanted.insert(place);
            if matching.all(|s| s.delivery == Delivery::Latest) {
                route.latest.insert(place);
            }
        }
        route
    }
}

fn covers(subscription: &Subscription, kind: &EventType, zone: Option<&ZoneId>) -> bool {
    let zone_fits = subscription.zones.is_empty()
        || zone.is_some_and(|z| subscription.zones.iter().any(|wanted| wanted == z.as_str()));
    zone_fits
        && subscription
            .types
            .iter()
            .any(|pattern| kind.matches(pattern))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subscription(types: &[&str], zones: &[&str], delivery: Delivery) -> Subscription {
        let own = |list: &[&str]| list.iter().map(|t| (*t).to_owned()).collect();
        Subscription {
            types: own(types),
            zones: own(zones),
            delivery,
        }
    }

    #[test]
    fn several_handlers_prefixes_and_zones() {
        let mut table = Table::default();
        table.set(vec![
            (
                "a".into(),
                vec![subscription(&["sensor.*"], &[], Delivery::Latest)],
            ),
            (
                "b".into(),
                vec![subscription(
                    &["sensor.temperature"],
                    &["tent"],
                    Delivery::Every,
                )],
            ),
            (
                "c".into(),
                vec![
                    subscription(&["*"], &[], Delivery::Latest),
                    subscription(&["sensor.co2"], &[], Delivery::Every),
                ],
            ),
        ]);
        let tent = ZoneId::new("tent").unwrap();
        let places = |route: Route| {
            (0..3)
                .filter(|p| route.wanted.contains(*p))
                .collect::<Vec<_>>()
        };
        let temperature = EventType::parse("sensor.temperature").unwrap();
        assert_eq!(places(table.route(&temperature, Some(&tent))), [0, 1, 2]);
        assert_eq!(places(table.route(&temperature, None)), [0, 2]);
        let co2 = table.route(&EventType::parse("sensor.co2").unwrap(), None);
        assert!(
            co2.latest.contains(0) && !co2.latest.contains(2),
            "one `every` makes it every"
        );
        assert_eq!(
            places(table.route(&EventType::known("device.error"), None)),
            [2]
        );
        table.set(vec![]);
        assert!(
            table.route(&temperature, None).wanted.is_empty(),
            "remembered answers go with the rows"
        );
    }
}
