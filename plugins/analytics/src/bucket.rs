//! A bucket: what happened in one stretch of room time, in bounded size; buckets add up.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Most event types that a bucket tells apart; the rest is counted together.
pub(crate) const TYPES: usize = 48;
/// Most devices, for duty and for failures.
pub(crate) const DEVICES: usize = 48;
/// Most pairs of zone and quantity whose extremes are kept.
pub(crate) const EXTREMES: usize = 32;
/// Most zones whose time in band is kept.
pub(crate) const ZONES: usize = 16;
/// Most things whose latency is kept: the pipeline and every plug-in.
pub(crate) const LATENCIES: usize = 34;

/// What happened in one stretch of time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Bucket {
    #[serde(rename = "t", skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) types: BTreeMap<String, u64>,
    /// Events of types beyond the bound.
    #[serde(rename = "r", skip_serializing_if = "is_zero")]
    pub(crate) rest: u64,
    #[serde(rename = "d", skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) devices: BTreeMap<String, Use>,
    #[serde(rename = "f", skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) failures: BTreeMap<String, Failed>,
    /// By zone and quantity, with a space between.
    #[serde(rename = "x", skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) extremes: BTreeMap<String, (f64, f64)>,
    #[serde(rename = "b", skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) bands: BTreeMap<String, Band>,
    #[serde(rename = "l", skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) latency: BTreeMap<String, Latency>,
    #[serde(rename = "a", skip_serializing_if = "is_zero")]
    pub(crate) anomalies: u64,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// How a device was used, as far as its level was known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Use {
    /// Seconds in which its level was known.
    #[serde(rename = "k")]
    pub(crate) known: f64,
    /// Seconds in which it was on.
    #[serde(rename = "o")]
    pub(crate) on: f64,
    /// Seconds, each weighted with the level.
    #[serde(rename = "w")]
    pub(crate) weighted: f64,
    /// Crossings of zero.
    #[serde(rename = "s")]
    pub(crate) switches: u64,
    /// Crossings from off to on.
    #[serde(rename = "n")]
    pub(crate) starts: u64,
}

/// How often a device failed; instants in ns since the Unix epoch.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Failed {
    #[serde(rename = "c")]
    pub(crate) count: u64,
    #[serde(rename = "f")]
    pub(crate) first: u64,
    #[serde(rename = "l")]
    pub(crate) last: u64,
}

/// Seconds of VPD inside the band, of those in which it was measured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Band {
    #[serde(rename = "i")]
    pub(crate) inside: f64,
    #[serde(rename = "m")]
    pub(crate) measured: f64,
}

/// Latency as the host's checks told it, in milliseconds: the newest, and the worst.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Latency {
    #[serde(rename = "a")]
    pub(crate) p50: f64,
    #[serde(rename = "b")]
    pub(crate) p95: f64,
    #[serde(rename = "c")]
    pub(crate) p99: f64,
    #[serde(rename = "w")]
    pub(crate) worst_p99: f64,
    #[serde(rename = "n")]
    pub(crate) checks: u64,
}

/// The value of a key, made where there is room for one more.
fn place<'m, V>(
    map: &'m mut BTreeMap<String, V>,
    key: &str,
    most: usize,
    fresh: impl FnOnce() -> V,
) -> Option<&'m mut V> {
    if !map.contains_key(key) {
        if map.len() >= most {
            return None;
        }
        map.insert(key.to_owned(), fresh());
    }
    map.get_mut(key)
}

impl Bucket {
    /// An event of this type.
    pub(crate) fn count(&mut self, event_type: &str, times: u64) {
        match place(&mut self.types, event_type, TYPES, || 0) {
            Some(count) => *count += times,
            None => self.rest += times,
        }
    }

    /// The use of a device, to be added to.
    pub(crate) fn device(&mut self, device: &str) -> Option<&mut Use> {
        place(&mut self.devices, device, DEVICES, Use::default)
    }

    /// A device failed so often between two instants.
    pub(crate) fn failed(&mut self, device: &str, failed: Failed) {
        if let Some(known) = place(&mut self.failures, device, DEVICES, || Failed {
            count: 0,
            ..failed
        }) {
            known.count += failed.count;
            known.first = known.first.min(failed.first);
            known.last = known.last.max(failed.last);
        }
    }

    /// A quantity of a zone was somewhere between these.
    pub(crate) fn extreme(&mut self, zone_quantity: &str, low: f64, high: f64) {
        if let Some(known) = place(&mut self.extremes, zone_quantity, EXTREMES, || (low, high)) {
            *known = (known.0.min(low), known.1.max(high));
        }
    }

    /// VPD of a zone was measured for so long, and so much of it inside the band.
    pub(crate) fn band(&mut self, zone: &str, band: Band) {
        if let Some(known) = place(&mut self.bands, zone, ZONES, Band::default) {
            known.inside += band.inside;
            known.measured += band.measured;
        }
    }

    /// A check told the latency of something, later than what is known.
    pub(crate) fn latency(&mut self, what: &str, latency: Latency) {
        if let Some(known) = place(&mut self.latency, what, LATENCIES, Latency::default) {
            *known = Latency {
                worst_p99: known.worst_p99.max(latency.worst_p99),
                checks: known.checks + latency.checks,
                ..latency
            };
        }
    }

    /// Adds what happened after it.
    pub(crate) fn add(&mut self, later: &Self) {
        for (event_type, times) in &later.types {
            self.count(event_type, *times);
        }
        self.rest += later.rest;
        for (device, used) in &later.devices {
            if let Some(known) = self.device(device) {
                known.known += used.known;
                known.on += used.on;
                known.weighted += used.weighted;
                known.switches += used.switches;
                known.starts += used.starts;
            }
        }
        for (device, failed) in &later.failures {
            self.failed(device, *failed);
        }
        for (zone_quantity, (low, high)) in &later.extremes {
            self.extreme(zone_quantity, *low, *high);
        }
        for (zone, band) in &later.bands {
            self.band(zone, *band);
        }
        for (what, latency) in &later.latency {
            self.latency(what, *latency);
        }
        self.anomalies += later.anomalies;
    }

    /// All events.
    pub(crate) fn events(&self) -> u64 {
        self.types.values().sum::<u64>() + self.rest
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_event_is_lost_however_many_types_there_are(types in prop::collection::vec(0_u16..200, 0..600)) {
            let mut whole = Bucket::default();
            for half in types.chunks(100) {
                let mut bucket = Bucket::default();
                for kind in half {
                    bucket.count(&format!("x.a.{kind}"), 1);
                }
                whole.add(&bucket);
            }
            prop_assert_eq!(whole.events(), types.len() as u64);
            prop_assert!(whole.types.len() <= TYPES);
        }
    }

    #[test]
    fn failures_span_from_the_first_to_the_last() {
        let mut bucket = Bucket::default();
        for at in [7, 3, 9] {
            let failed = Failed {
                count: 1,
                first: at,
                last: at,
            };
            bucket.failed("fan", failed);
        }
        let expected = Failed {
            count: 3,
            first: 3,
            last: 9,
        };
        assert_eq!(bucket.failures["fan"], expected);
    }
}
