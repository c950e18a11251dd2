//! The report: what a window held, as JSON that stays far below what an event may weigh.

use crate::bucket::{Band, Bucket};
use growbox_sdk::calendar::rfc3339;
use growbox_sdk::json::{Map, Value, json};
use growbox_sdk::prelude::*;
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// So many failures of one device are a pattern.
const PATTERN: u64 = 3;
/// Most entries of any list; what is beyond is counted.
const ENTRIES: usize = 48;
/// Newest anomalies in a report.
const ANOMALIES: usize = 20;
/// What a report may weigh; an event may weigh 64 KiB, with its metadata.
const BYTES: usize = 56 * 1024;
/// Rates over less than this would exaggerate.
const SHORTEST: Span = minutes(1);

/// What a report is made of.
#[derive(Debug)]
pub(crate) struct Account {
    pub(crate) window: &'static str,
    /// In ns since the Unix epoch.
    pub(crate) from: u64,
    pub(crate) to: u64,
    /// Room time between them.
    pub(crate) span: Span,
    pub(crate) bucket: Bucket,
    /// Of each zone the local days, since 1970, that the window touches.
    pub(crate) days: BTreeMap<String, Vec<(i64, Band)>>,
    pub(crate) anomalies: Vec<Value>,
}

/// The document of an account: cut shorter and shorter until it fits.
pub(crate) fn document(account: &Account) -> Value {
    let mut most = ENTRIES;
    loop {
        let document = cut(account, most);
        if most <= 1 || document.to_string().len() <= BYTES {
            return document;
        }
        most /= 2;
    }
}

fn cut(account: &Account, most: usize) -> Value {
    let bucket = &account.bucket;
    let seconds = account.span.as_seconds();
    let frequency = Frequency {
        hours: seconds.max(SHORTEST.as_seconds()) / 3600.0,
        most,
    };
    let (types, rest) = frequency.of_types(bucket);
    let (failures, more_failures) = failures(bucket, most);
    let (anomalies, more_anomalies) = anomalies(account, most);
    let mut document = json!({
        "window": account.window,
        "from": rfc3339(account.from),
        "to": rfc3339(account.to),
        "seconds": rounded(seconds),
        "events": frequency.rate(bucket.events()),
        "frequency": types,
        "failures": failures,
        "latency": latency(bucket, most),
        "devices": devices(bucket, most),
        "climate": climate(account, most),
        "anomalies": anomalies,
    });
    let left_out = [
        ("types", rest),
        ("failures", more_failures),
        ("anomalies", more_anomalies),
        ("devices", bucket.devices.len().saturating_sub(most)),
    ];
    let left_out: Map<String, Value> = left_out
        .into_iter()
        .filter(|(_, count)| *count > 0)
        .map(|(name, count)| (name.to_owned(), count.into()))
        .collect();
    if !left_out.is_empty() {
        document["left_out"] = left_out.into();
    }
    document
}

/// How often something happened, by real time.
struct Frequency {
    hours: f64,
    most: usize,
}

impl Frequency {
    fn rate(&self, count: u64) -> Value {
        json!({"count": count, "per_hour": rounded(count as f64 / self.hours)})
    }

    /// The most frequent types, and how many events are of others.
    fn of_types(&self, bucket: &Bucket) -> (Value, usize) {
        let mut types: Vec<(&String, u64)> = bucket.types.iter().map(|(t, n)| (t, *n)).collect();
        types.sort_by_key(|(_, count)| Reverse(*count));
        let rest: u64 = types.iter().skip(self.most).map(|(_, n)| n).sum();
        let shown = types.into_iter().take(self.most);
        let shown: Map<String, Value> = shown
            .map(|(name, count)| (name.clone(), self.rate(count)))
            .collect();
        let rest = usize::try_from(rest + bucket.rest).unwrap_or(usize::MAX);
        (shown.into(), rest)
    }
}

/// Devices that failed again and again, the worst first, and how many more.
fn failures(bucket: &Bucket, most: usize) -> (Vec<Value>, usize) {
    let mut patterns: Vec<_> = bucket
        .failures
        .iter()
        .filter(|(_, failed)| failed.count >= PATTERN)
        .collect();
    patterns.sort_by_key(|(_, failed)| Reverse(failed.count));
    let more = patterns.len().saturating_sub(most);
    let pattern = |(device, failed): (&String, &crate::bucket::Failed)| {
        let span = failed.last.saturating_sub(failed.first);
        json!({
            "device_id": device,
            "pattern": "repeated_failures",
            "count": failed.count,
            "first": rfc3339(failed.first),
            "last": rfc3339(failed.last),
            "span": rounded(Span::from_nanoseconds(span).as_seconds()),
        })
    };
    let shown = patterns.into_iter().take(most).map(pattern);
    (shown.collect(), more)
}

fn latency(bucket: &Bucket, most: usize) -> Map<String, Value> {
    let rows = bucket.latency.iter().take(most);
    rows.map(|(what, latency)| {
        let row = json!({
            "p50_milliseconds": rounded(latency.p50),
            "p95_milliseconds": rounded(latency.p95),
            "p99_milliseconds": rounded(latency.p99),
            "worst_p99_milliseconds": rounded(latency.worst_p99),
            "checks": latency.checks,
        });
        (what.clone(), row)
    })
    .collect()
}

fn devices(bucket: &Bucket, most: usize) -> Map<String, Value> {
    let rows = bucket.devices.iter().take(most);
    rows.map(|(device, used)| {
        let row = json!({
            "duty": share(used.weighted, used.known),
            "on_seconds": rounded(used.on),
            "known_seconds": rounded(used.known),
            "switches": used.switches,
            "starts": used.starts,
        });
        (device.clone(), row)
    })
    .collect()
}

/// Time in band and extremes of each zone.
fn climate(account: &Account, most: usize) -> Map<String, Value> {
    let bucket = &account.bucket;
    let mut zones: BTreeMap<&str, Value> = BTreeMap::new();
    for (zone, band) in bucket.bands.iter().take(most) {
        let days = account.days.get(zone).into_iter().flatten();
        let days: Vec<Value> = days.map(|(day, band)| day_of(*day, *band)).collect();
        let mut row = in_band(*band);
        row["days"] = days.into();
        zones.insert(zone, row);
    }
    for (key, (low, high)) in bucket.extremes.iter().take(most) {
        if let Some((zone, quantity)) = key.split_once(' ') {
            let row = zones.entry(zone).or_insert_with(|| json!({}));
            row["extremes"][quantity] = json!({"low": rounded(*low), "high": rounded(*high)});
        }
    }
    let rows = zones.into_iter();
    rows.map(|(zone, row)| (zone.to_owned(), row)).collect()
}

fn day_of(day: i64, band: Band) -> Value {
    let begin = u64::try_from(day).unwrap_or_default();
    let date = rfc3339(begin.saturating_mul(86_400_000_000_000));
    let mut row = in_band(band);
    row["day"] = date.split('T').next().unwrap_or_default().into();
    row
}

fn in_band(band: Band) -> Value {
    json!({
        "in_band": share(band.inside, band.measured),
        "in_band_seconds": rounded(band.inside),
        "measured_seconds": rounded(band.measured),
    })
}

/// The newest anomalies, and how many more there were.
fn anomalies(account: &Account, most: usize) -> (&[Value], usize) {
    let all = &account.anomalies;
    let shown = &all[all.len().saturating_sub(most.min(ANOMALIES))..];
    let counted = usize::try_from(account.bucket.anomalies).unwrap_or(usize::MAX);
    (shown, counted.saturating_sub(shown.len()))
}

/// A share of a whole, 0…1; 0 of nothing.
fn share(part: f64, whole: f64) -> f64 {
    if whole <= 0.0 {
        return 0.0;
    }
    let share = (part / whole).clamp(0.0, 1.0);
    (share * 1e4).round() / 1e4
}

/// To a thousandth; a number whatever comes.
fn rounded(value: f64) -> f64 {
    let rounded = (value * 1e3).round() / 1e3;
    if rounded.is_finite() { rounded } else { 0.0 }
}
