//! Zones of another configuration: overrides of keys the file left alone stay, others end.

use growbox_model::commit::Record;
use growbox_model::{Json, RoomSpec, Text, ZoneId};
use serde_json::{Value, json};

use crate::flow::Flow;
use crate::overrides::{apply, read};

/// What became of what somebody with the token had changed.
#[derive(Debug, Default)]
pub(super) struct Overrides {
    pub kept: Vec<Value>,
    pub ended: Vec<Value>,
}

impl Flow {
    pub(super) fn exchange_zones(&mut self, old: &RoomSpec) -> Overrides {
        let ids = old.zones.keys().chain(self.room.zones.keys()).cloned();
        let before: Vec<_> = ids
            .filter_map(|zone| Some((zone.clone(), self.points_of(&zone)?)))
            .collect();
        let mut overrides = Overrides::default();
        self.end_gone_zones(old, &mut overrides);
        self.zones.exchange(old, &self.room);
        for zone in self.room.zones.keys().cloned().collect::<Vec<_>>() {
            self.exchange_overrides(old, &zone, &mut overrides);
        }
        for (zone, points) in before {
            self.go_over(&zone, &points, None);
        }
        overrides
    }

    /// What was changed of a zone that is gone is forgotten.
    fn end_gone_zones(&mut self, old: &RoomSpec, out: &mut Overrides) {
        let gone = old
            .zones
            .keys()
            .filter(|id| !self.room.zones.contains_key(*id));
        for zone in gone {
            let Some(state) = self.zones.zone(zone) else {
                continue;
            };
            let paused = state.pause.as_ref().map(|_| Text::from("pause"));
            let ramps = (!state.ramps.is_empty()).then(|| Text::from(crate::ramps::KEY));
            for (key, kept) in &state.overrides {
                out.ended.push(told(zone, key, &kept.value));
            }
            for key in state.overrides.keys().cloned().chain(paused).chain(ramps) {
                let ended = Record::Override(zone.clone(), key, None);
                self.commit.records.push(ended);
            }
        }
    }

    /// Overrides stay as long as the file says of their key what it said then.
    fn exchange_overrides(&mut self, old: &RoomSpec, zone: &ZoneId, out: &mut Overrides) {
        let Some((spec, state)) = self.room.zones.get(zone).zip(self.zones.zone_mut(zone)) else {
            return;
        };
        for (key, kept) in std::mem::take(&mut state.overrides) {
            let same = read(spec, &key) == kept.filed;
            if same && apply(&mut state.spec, &key, &kept.value).is_ok() {
                out.kept.push(told(zone, &key, &kept.value));
                state.overrides.insert(key, kept);
            } else {
                out.ended.push(told(zone, &key, &kept.value));
                let ended: Option<Json> = None;
                let ended = Record::Override(zone.clone(), key, ended);
                self.commit.records.push(ended);
            }
        }
        let before = old.zones.get(zone).map(|old| old.operation);
        if state.pause.is_some() && before != Some(spec.operation) {
            out.ended.push(told(zone, "pause", &Value::Null));
            self.keep_pause(&zone.clone(), None);
        }
    }
}

fn told(zone: &ZoneId, key: &str, value: &Value) -> Value {
    json!({"zone": zone, "parameter": key, "value": value})
}
