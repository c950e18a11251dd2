//! The tally: everything that is remembered, and how an event changes it.

use crate::band::InBand;
use crate::baseline::{Anomaly, Baseline, Care, Watched, has_hours};
use crate::bucket::{Bucket, Failed, Latency};
use crate::devices::Devices;
use crate::report::Account;
use crate::rings::{self, Kept, WINDOWS};
use growbox_sdk::calendar::rfc3339;
use growbox_sdk::json::{Value, json};
use growbox_sdk::prelude::*;
use growbox_sdk::wire::Clock;
use growbox_sdk::{Keyed, PerKey, State};
use serde::{Deserialize, Serialize};

/// Series with a baseline; with more, the rest is counted but not judged.
const SERIES: u64 = 600;
/// A series that has been silent for so long makes room for another.
const FORGOTTEN_AFTER: Span = hours(8 * 24);
/// Between two batches that lie further apart than this nothing is known.
const LONGEST_GAP: Span = minutes(15);
/// Anomalies that are kept for the reports.
const ANOMALIES: usize = 64;

/// The open minute, and what is read with every batch.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Open {
    /// When counting began.
    began: Option<Moment>,
    /// Everything up to here is counted.
    reached: Moment,
    minute: u64,
    bucket: Bucket,
    /// When each window was reported last.
    reported: [Option<Moment>; 3],
    /// Series with a baseline.
    series: u64,
}

impl Stored for Open {
    const KEY: &'static str = "open";
}

/// The newest anomalies, oldest first.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Anomalies(Vec<(Moment, Value)>);

impl Keyed for Anomalies {
    const PREFIX: &'static str = "anomalies";
}

/// Everything that is remembered; only what a batch touches is read and written.
#[derive(Debug)]
pub struct Tally {
    open: Whole<Open>,
    kept: PerKey<Kept>,
    devices: PerKey<Devices>,
    zones: PerZone<InBand>,
    watched: PerKey<Watched>,
    baselines: PerKey<Baseline>,
    anomalies: PerKey<Anomalies>,
}

impl State for Tally {
    fn open() -> Self {
        Self {
            open: Whole::open(),
            kept: PerKey::open(),
            devices: PerKey::open(),
            zones: PerZone::open(),
            watched: PerKey::open(),
            baselines: PerKey::open(),
            anomalies: PerKey::open(),
        }
    }

    fn save(self) -> Outcome {
        self.open.save()?;
        self.kept.save()?;
        self.devices.save()?;
        self.zones.save()?;
        self.watched.save()?;
        self.baselines.save()?;
        self.anomalies.save()
    }
}

/// An anomaly, and the reading it is about.
#[derive(Debug)]
pub(crate) struct Found(Value);

impl Found {
    fn of(reading: &Reading, hour: u8, anomaly: Anomaly) -> Self {
        let usual = anomaly.usual.value;
        let Reading {
            sensor,
            quantity,
            value,
            unit,
            ..
        } = reading;
        let message = format!(
            "{sensor}: {quantity} {value} {unit}, where {usual:.3} is usual between {hour}:00 and {}:00",
            hour + 1
        );
        Self(json!({
            "sensor_id": sensor,
            "quantity": quantity,
            "value": value,
            "expected": usual,
            "deviation": (anomaly.deviations * 100.0).round() / 100.0,
            "message": message,
        }))
    }

    pub(crate) fn tell(&self, event: &Event, effects: &mut Effects) {
        let told = effects.emit("analytics.anomaly", &self.0);
        let told = told.caused_by(&[event.seq]);
        if let Some(zone) = &event.zone {
            told.zone(zone);
        }
    }
}

impl Tally {
    /// Time has come to this moment: minutes that are over are closed.
    pub(crate) fn advance(&mut self, to: Moment) {
        let minute = rings::number(to, minutes(1));
        if self.open.began.is_none() {
            self.open.began = Some(to);
            self.open.minute = minute;
        } else if to.since(self.open.reached) > LONGEST_GAP {
            self.close_minute(self.open.reached);
            self.forget_what_stood(to);
            self.open.minute = minute;
        }
        while self.open.minute < minute {
            let end = rings::begin(self.open.minute + 1, minutes(1));
            self.close_minute(end);
            self.open.minute += 1;
        }
        self.open.reached = self.open.reached.max(to);
    }

    fn close_minute(&mut self, end: Moment) {
        let mut bucket = std::mem::take(&mut self.open.bucket);
        if self.devices.has("") {
            self.devices.of("").account(end, &mut bucket);
        }
        rings::close(&mut self.kept, self.open.minute, &bucket);
    }

    /// What stood before the gap may not stand any more.
    fn forget_what_stood(&mut self, now: Moment) {
        if self.devices.has("") {
            self.devices.of("").forget_levels(now);
        }
        for zone in self.zones.stored_zones() {
            self.zones.of(zone).forget_last();
        }
    }

    /// Folds an event in; an anomaly where it is one.
    pub(crate) fn take(&mut self, room: &Room, event: &Event, care: Care) -> Option<Found> {
        self.open.bucket.count(&event.type_, 1);
        if let Some(reading) = event.reading() {
            return self.take_reading(room, event, reading, care);
        }
        match event.type_.as_str() {
            "device.state.changed" => self.take_change(event),
            "device.error" | "device.action.failed" => self.take_failure(room, event),
            "system.health.check" => self.take_check(event),
            "system.lifecycle.started" => {
                self.forget_what_stood(Moment::from_nanoseconds(event.taken));
            }
            _ => {}
        }
        None
    }

    fn take_reading(
        &mut self,
        room: &Room,
        event: &Event,
        reading: &Reading,
        care: Care,
    ) -> Option<Found> {
        if !reading.usable() || !reading.value.is_finite() {
            return None;
        }
        let at = Moment::from_nanoseconds(event.taken);
        let local = local_seconds(room.clock(), at);
        if let Some(zone) = &event.zone {
            let key = format!("{zone} {}", reading.quantity);
            self.open.bucket.extreme(&key, reading.value, reading.value);
            if reading.quantity == "vpd" {
                let range = room.zone(zone).and_then(|zone| zone.range("vpd"));
                let inside = range.map(|range| range.contains(reading.value));
                let bucket = &mut self.open.bucket;
                self.zones.of(zone).take(zone, at, local, inside, bucket);
            }
        }
        if !has_hours(&reading.quantity) {
            return None;
        }
        let hour = u8::try_from(local.rem_euclid(86_400) / 3600).unwrap_or_default();
        let anomaly = self.watch(reading, at, hour, care)?;
        let found = Found::of(reading, hour, anomaly);
        self.open.bucket.anomalies += 1;
        let Anomalies(anomalies) = self.anomalies.of("");
        let mut kept = found.0.clone();
        kept["at"] = rfc3339(wall_of(room.clock(), at)).into();
        kept["zone"] = json!(event.zone);
        anomalies.push((at, kept));
        let surplus = anomalies.len().saturating_sub(ANOMALIES);
        anomalies.drain(..surplus);
        Some(found)
    }

    /// Judges a reading by what is usual, and keeps one of each quarter of an hour.
    fn watch(&mut self, reading: &Reading, at: Moment, hour: u8, care: Care) -> Option<Anomaly> {
        let key = format!("{}/{}", reading.sensor, reading.quantity);
        if self.open.series >= SERIES && !self.watched.has(&key) {
            return None;
        }
        let watched = self.watched.of(&key);
        if *watched == Watched::default() {
            self.open.series += 1;
        }
        if watched.needs_hour(hour) {
            watched.look_up(self.baselines.of(&key), hour, care);
        }
        let anomaly = watched.judge(reading.value, at, care);
        if watched.samples(at) {
            watched.sampled(at);
            let baseline = self.baselines.of(&key);
            baseline.keep(hour, reading.value);
            watched.look_up(baseline, hour, care);
        }
        anomaly
    }

    fn take_change(&mut self, event: &Event) {
        let Some(data) = event.document() else { return };
        let (Some(device), Some(percent)) =
            (data["device_id"].as_str(), data["power_level"].as_f64())
        else {
            return;
        };
        let before = match data["old_state"].as_str() {
            Some("off") => Some(0.0),
            Some(_) => Some(1.0),
            None => None,
        };
        let level = (percent / 100.0).clamp(0.0, 1.0);
        let at = Moment::from_nanoseconds(event.taken);
        let devices = self.devices.of("");
        devices.changed(device, (before, level), at, &mut self.open.bucket);
    }

    fn take_failure(&mut self, room: &Room, event: &Event) {
        let data = event.document().unwrap_or_default();
        let Some(device) = data["device_id"].as_str() else {
            return;
        };
        let at = wall_of(room.clock(), Moment::from_nanoseconds(event.taken));
        let failed = Failed {
            count: 1,
            first: at,
            last: at,
        };
        self.open.bucket.failed(device, failed);
    }

    fn take_check(&mut self, event: &Event) {
        let data = event.document().unwrap_or_default();
        for (what, told) in data["latency"].as_object().into_iter().flatten() {
            let figure = |name: &str| told[name].as_f64().filter(|f| f.is_finite());
            if let (Some(p50), Some(p95), Some(p99)) = (
                figure("p50_milliseconds"),
                figure("p95_milliseconds"),
                figure("p99_milliseconds"),
            ) {
                let latency = Latency {
                    p50,
                    p95,
                    p99,
                    worst_p99: p99,
                    checks: 1,
                };
                self.open.bucket.latency(what, latency);
            }
        }
    }

    /// Learns levels that no event has told, from the views of a tick.
    pub(crate) fn look_at_devices(&mut self, room: &Room) {
        let now = room.now();
        for zone in room.zones() {
            for device in zone.devices() {
                let devices = self.devices.of("");
                devices.seen(&device, now, &mut self.open.bucket);
            }
        }
    }

    /// Something of its own was said, which the host does not give back.
    pub(crate) fn count_own(&mut self, event_type: &str, times: u64) {
        if times > 0 {
            self.open.bucket.count(event_type, times);
        }
    }

    /// Whether a window's report is due: the first at once, then with every stretch of `every`.
    pub(crate) fn is_due(&mut self, window: usize, every: Span, now: Moment) -> bool {
        let Some(reported) = self.open.reported.get_mut(window) else {
            return false;
        };
        let due =
            reported.is_none_or(|before| rings::number(now, every) > rings::number(before, every));
        if due {
            *reported = Some(now);
        }
        due
    }

    /// Everything that a window's report is made of.
    pub(crate) fn account(&mut self, window: usize, room: &Room) -> Account {
        let (name, ring) = WINDOWS[window.min(WINDOWS.len() - 1)];
        let now = room.now();
        if window + 1 == WINDOWS.len() {
            self.forget_silent_series(now);
        }
        if self.devices.has("") {
            self.devices.of("").account(now, &mut self.open.bucket);
        }
        let mut bucket = ring.sum(&mut self.kept, now);
        bucket.add(&self.open.bucket);
        let began = self.open.began.unwrap_or(now);
        let from = rings::begin(ring.first(now), ring.length).max(began);
        let clock = room.clock();
        let first_day = local_seconds(clock, from).div_euclid(86_400);
        let zones: Vec<String> = bucket.bands.keys().cloned().collect();
        let days = zones.into_iter().map(|zone| {
            let days = self.zones.of(&zone).days.iter();
            let days = days.filter(|(day, _)| *day >= first_day).copied();
            (zone.clone(), days.collect())
        });
        let days = days.collect();
        let anomalies = if self.anomalies.has("") {
            let all = self.anomalies.of("").0.iter();
            let recent = all.filter(|(at, _)| *at >= from);
            recent.map(|(_, anomaly)| anomaly.clone()).collect()
        } else {
            Vec::new()
        };
        Account {
            window: name,
            from: wall_of(clock, from),
            to: clock.wall,
            span: now.since(from),
            bucket,
            days,
            anomalies,
        }
    }

    fn forget_silent_series(&mut self, now: Moment) {
        for key in self.watched.stored("") {
            if self.watched.of(&key).silent_for(now) > FORGOTTEN_AFTER {
                self.watched.forget(&key);
                self.baselines.forget(&key);
                self.open.series = self.open.series.saturating_sub(1);
            }
        }
    }
}

/// The wall clock's label of a moment.
fn wall_of(clock: Clock, at: Moment) -> u64 {
    let ago = Moment::from_nanoseconds(clock.now).since(at);
    clock.wall.saturating_sub(ago.as_nanoseconds())
}

/// Seconds of the local wall clock since 1970.
fn local_seconds(clock: Clock, at: Moment) -> i64 {
    let seconds = wall_of(clock, at) / 1_000_000_000;
    i64::try_from(seconds).unwrap_or(i64::MAX / 2) + i64::from(clock.utc_offset)
}
