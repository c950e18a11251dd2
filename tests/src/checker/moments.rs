//! When something in the log happened outside: between the readings before and after it.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::record::{Entry, What};

/// A change of a device's level as the log tells it.
#[derive(Debug, Clone)]
pub(super) struct Told {
    pub(super) device: String,
    pub(super) level: f64,
    pub(super) trigger: String,
    pub(super) earliest: f64,
    pub(super) latest: f64,
}

/// What the log says of changes, with times of the far side.
#[derive(Debug)]
pub(super) struct Moments {
    told: Vec<Told>,
    hung_up: Vec<f64>,
}

impl Moments {
    pub(super) fn of(record: &[Entry], log: &[Value]) -> Self {
        let marks = marks(record, log);
        let window = |event: &Value| {
            let seq = event["seq"].as_u64().unwrap_or(0);
            let after = marks.partition_point(|(mark, _)| *mark < seq);
            let before = after.checked_sub(1).map_or(0.0, |index| marks[index].1);
            let after = marks.get(after).map_or(f64::INFINITY, |(_, at)| *at);
            (before, after)
        };
        let told = log
            .iter()
            .filter(|event| event["type"] == "device.state.changed")
            .map(|event| {
                let (earliest, latest) = window(event);
                let data = &event["data"];
                let text = |key: &str| data[key].as_str().unwrap_or_default().to_owned();
                Told {
                    device: text("device_id"),
                    level: data["power_level"].as_f64().unwrap_or(0.0) / 100.0,
                    trigger: text("trigger"),
                    earliest,
                    latest,
                }
            });
        let gone = record.iter().filter(|entry| entry.what == What::HungUp);
        Self {
            told: told.collect(),
            hung_up: gone.map(|entry| entry.at).collect(),
        }
    }

    /// Whether the host was gone so soon after that it may not have written it down.
    pub(super) fn forgotten(&self, at: f64, within: f64) -> bool {
        let soon = |gone: &f64| (at..=at + within).contains(gone);
        self.hung_up.iter().any(soon)
    }

    /// Whether the log says of this switch that the device came to off or on for such a reason.
    pub(super) fn tells(
        &self,
        device: &str,
        on: bool,
        switch: &Entry,
        slack: f64,
        reason: impl Fn(&str) -> bool,
    ) -> bool {
        self.told.iter().any(|told| {
            told.device == device
                && (told.level > 0.0) == on
                && told.earliest - slack <= switch.until
                && switch.at <= told.latest + slack
                && reason(&told.trigger)
        })
    }
}

/// Readings that stand in both: their number in the log, and when they were said.
fn marks(record: &[Entry], log: &[Value]) -> Vec<(u64, f64)> {
    let mut said: BTreeMap<(&str, u64), f64> = BTreeMap::new();
    for entry in record {
        if let What::Said(sensor, value) = &entry.what {
            said.entry((sensor.as_str(), value.to_bits()))
                .or_insert(entry.at);
        }
    }
    let mut marks: Vec<(u64, f64)> = log
        .iter()
        .filter_map(|event| {
            let sensor = event["data"]["sensor_id"].as_str()?;
            let value = event["data"]["value"].as_f64()?;
            let at = said.remove(&(sensor, value.to_bits()))?;
            Some((event["seq"].as_u64()?, at))
        })
        .collect();
    marks.sort_unstable_by_key(|(seq, _)| *seq);
    marks
}
