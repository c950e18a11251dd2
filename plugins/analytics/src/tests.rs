//! The whole handler in a room without a host: what reports say, against a recount by hand.

use super::*;
use growbox_sdk::json::{Value, json};
use growbox_sdk::native::Instance;
use growbox_sdk::testing::{self, setpoint, zone};
use growbox_sdk::wire::{Batch, DeviceView, Effect, Payload, ZoneView};
use proptest::prelude::*;
use std::collections::BTreeMap;

mod recording;

/// A handler with a clock of its own; ticks come with every minute.
struct Bench {
    instance: Instance<Analytics>,
    now: Span,
    seq: u64,
    zones: Vec<ZoneView>,
    told: Vec<(String, Value)>,
}

impl Bench {
    fn new() -> Self {
        let mut tent = zone("tent");
        tent.setpoints = vec![setpoint("vpd", 0.8, 1.2)];
        Self {
            instance: Instance::of(Analytics::default()),
            now: seconds(1),
            seq: 0,
            zones: vec![tent],
            told: Vec::new(),
        }
    }

    fn event(&mut self, event_type: &str, payload: Payload) -> Event {
        self.seq += 1;
        Event {
            seq: self.seq,
            type_: event_type.into(),
            zone: Some("tent".into()),
            source: "test".into(),
            at: testing::clock(self.now).wall,
            taken: self.now.as_nanoseconds(),
            cause: None,
            correlation: None,
            payload,
            metadata: None,
        }
    }

    fn document(&mut self, event_type: &str, data: &Value) -> Event {
        self.event(event_type, Payload::Document(data.to_string()))
    }

    fn reading(&mut self, sensor: &str, quantity: &str, value: f64) -> Event {
        let reading = Reading {
            sensor: sensor.into(),
            quantity: quantity.into(),
            value,
            unit: "unit".into(),
            quality: Quality::Good,
        };
        self.event(&format!("sensor.{quantity}"), Payload::Reading(reading))
    }

    fn batch(&mut self, tick: bool, events: Vec<Event>) {
        let batch = Batch {
            tick,
            events,
            ..testing::batch(self.now, self.zones.clone())
        };
        for effect in self.instance.handle(&batch).expect("handles the batch") {
            match effect {
                Effect::Emit(draft) => {
                    let Payload::Document(text) = draft.payload else {
                        panic!("a reading")
                    };
                    assert!(text.len() < 64 * 1024, "{} bytes", text.len());
                    let data = growbox_sdk::json::from_str(&text).expect("JSON");
                    self.told.push((draft.type_, data));
                }
                other => panic!("{other:?}"),
            }
        }
    }

    fn send(&mut self, event: Event) {
        self.batch(false, vec![event]);
    }

    /// Goes on, with a tick at every whole minute.
    fn pass(&mut self, length: Span) {
        let end = self.now + length;
        loop {
            let minute = self.now.as_nanoseconds() / minutes(1).as_nanoseconds() + 1;
            let next = minutes(minute);
            if next > end {
                break;
            }
            self.now = next;
            self.batch(true, Vec::new());
        }
        self.now = end;
    }

    fn report(&self, window: &str) -> &Value {
        let all = self.told.iter().rev();
        let mut reports =
            all.filter(|(kind, data)| kind == "analytics.report" && data["window"] == window);
        &reports.next().expect("a report").1
    }

    fn anomalies(&self) -> Vec<&Value> {
        let all = self.told.iter();
        let found = all.filter(|(kind, _)| kind == "analytics.anomaly");
        found.map(|(_, data)| data).collect()
    }

    fn state_bytes(&self) -> usize {
        self.instance.store().bytes()
    }
}

#[test]
fn an_empty_room_has_whole_reports_of_zeros() {
    let mut bench = Bench::new();
    bench.pass(minutes(1));
    for window in ["1h", "1d", "7d"] {
        let report = bench.report(window);
        assert_eq!(report["events"]["per_hour"], 0.0);
        for member in ["frequency", "latency", "devices", "climate"] {
            assert!(report[member].is_object(), "{member} {report}");
        }
        for member in ["failures", "anomalies"] {
            assert_eq!(report[member], json!([]));
        }
        assert!(!report.to_string().contains("null"), "{report}");
    }
    assert_eq!(bench.report("1h")["from"], "2026-01-15T10:31:00Z");
}

#[test]
fn reports_come_as_often_as_the_settings_say() {
    let mut bench = Bench::new();
    bench.pass(hours(2));
    let made = |window: &str| {
        let of = bench
            .told
            .iter()
            .filter(|(_, data)| data["window"] == window);
        of.count()
    };
    assert_eq!((made("1h"), made("1d"), made("7d")), (25, 3, 1));
}

#[test]
fn rates_are_by_time_and_not_by_events() {
    let mut bench = Bench::new();
    for _ in 0..180 {
        let event = bench.document("control.mode.changed", &json!({}));
        bench.send(event);
        bench.pass(minutes(1));
    }
    let rate = &bench.report("1h")["frequency"]["control.mode.changed"];
    let per_hour = rate["per_hour"].as_f64().unwrap();
    assert!((59.0..=61.1).contains(&per_hour), "{rate}");
    let day = &bench.report("1d")["frequency"]["control.mode.changed"];
    assert_eq!(day["count"], 180);
    assert!(
        (59.0..=61.0).contains(&day["per_hour"].as_f64().unwrap()),
        "{day}"
    );
}

#[test]
fn duty_is_the_level_weighted_with_time() {
    let mut bench = Bench::new();
    let change = |bench: &mut Bench, old: &str, percent: f64| {
        let data = json!({"device_id": "heater", "old_state": old, "power_level": percent});
        let event = bench.document("device.state.changed", &data);
        bench.send(event);
    };
    bench.pass(minutes(1));
    change(&mut bench, "off", 50.0);
    bench.pass(minutes(10));
    change(&mut bench, "50 %", 0.0);
    bench.pass(minutes(30));
    change(&mut bench, "off", 100.0);
    bench.pass(minutes(10));
    bench.pass(minutes(5));
    let used = &bench.report("1h")["devices"]["heater"];
    let known = used["known_seconds"].as_f64().unwrap();
    assert!((3_200.0..=3_300.0).contains(&known), "{used}");
    let on = used["on_seconds"].as_f64().unwrap();
    let duty = used["duty"].as_f64().unwrap();
    let expected = (300.0 + (on - 600.0)) / known;
    assert!((duty - expected).abs() < 1e-3, "{used}");
    assert_eq!((&used["switches"], &used["starts"]), (&json!(3), &json!(2)));
}

#[test]
fn a_device_that_never_switches_is_seen_in_the_views() {
    let mut bench = Bench::new();
    let fan = DeviceView {
        level: 1.0,
        ..testing::device("fan", "circulation")
    };
    bench.zones[0].devices = vec![fan];
    bench.pass(minutes(11));
    let used = &bench.report("1h")["devices"]["fan"];
    assert_eq!((&used["duty"], &used["switches"]), (&json!(1.0), &json!(0)));
    let event = bench.document("system.lifecycle.started", &json!({}));
    bench.now = bench.now + hours(3);
    bench.send(event);
    bench.pass(minutes(10));
    let known = bench.report("1d")["devices"]["fan"]["known_seconds"].as_f64();
    assert!(
        known < Some(1_300.0),
        "nothing is known of the gap: {known:?}"
    );
}

#[test]
fn three_failures_of_a_device_are_a_pattern() {
    let mut bench = Bench::new();
    let kinds = ["device.error", "device.action.failed", "device.error"];
    for kind in kinds {
        let event = bench.document(kind, &json!({"device_id": "pump", "error_code": "stuck"}));
        bench.send(event);
        let once = bench.document("device.error", &json!({"device_id": "fan"}));
        if kind != "device.error" {
            bench.send(once);
        }
        bench.pass(minutes(2));
    }
    bench.pass(minutes(5));
    let failures = bench.report("1h")["failures"].as_array().unwrap();
    assert_eq!(failures.len(), 1, "{failures:?}");
    assert_eq!(failures[0]["device_id"], "pump");
    assert_eq!(failures[0]["pattern"], "repeated_failures");
    assert_eq!(
        (&failures[0]["count"], &failures[0]["span"]),
        (&json!(3), &json!(240.0))
    );
}

#[test]
fn latency_is_that_of_the_newest_check_and_the_worst() {
    let mut bench = Bench::new();
    for p99 in [9.0, 70.0, 8.0] {
        let row = json!({"count": 5, "p50_milliseconds": 1.0, "p95_milliseconds": 2.0, "p99_milliseconds": p99});
        let data =
            json!({"overall_status": "healthy", "latency": {"heard_to_said": row, "broken": 5}});
        let event = bench.document("system.health.check", &data);
        bench.send(event);
        bench.pass(minutes(2));
    }
    let latency = &bench.report("1h")["latency"];
    let row = &latency["heard_to_said"];
    assert_eq!(
        (&row["p99_milliseconds"], &row["worst_p99_milliseconds"]),
        (&json!(8.0), &json!(70.0))
    );
    assert_eq!(
        (&row["checks"], &latency["broken"]),
        (&json!(3), &Value::Null)
    );
}

#[test]
fn an_anomaly_is_told_once_and_stands_in_the_report() {
    let mut bench = Bench::new();
    for minute in 0..5 * 24 * 60_u64 {
        if minute % 5 == 0 {
            let hour = minute / 60 % 24;
            let value = 20.0 + hour as f64 / 4.0 + (minute % 7) as f64 * 0.05;
            let event = bench.reading("canopy", "temperature", value);
            bench.send(event);
        }
        bench.pass(minutes(1));
    }
    assert_eq!(
        bench.anomalies(),
        Vec::<&Value>::new(),
        "a usual day is no anomaly"
    );
    for value in [60.0, 61.0, 60.5, 22.8] {
        let event = bench.reading("canopy", "temperature", value);
        bench.send(event);
        bench.pass(minutes(1));
    }
    let anomalies = bench.anomalies();
    assert_eq!(anomalies.len(), 1, "{anomalies:?}");
    assert_eq!(anomalies[0]["sensor_id"], "canopy");
    assert_eq!(anomalies[0]["value"], 60.0);
    assert!((20.0..27.0).contains(&anomalies[0]["expected"].as_f64().unwrap()));
    assert!(
        anomalies[0]["message"]
            .as_str()
            .unwrap()
            .contains("60 unit")
    );
    bench.pass(minutes(5));
    let listed = bench.report("1h")["anomalies"].as_array().unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0]["zone"], "tent");
}

/// Quantities and names as long as they may be, and more of everything than fits.
#[test]
fn whatever_happens_reports_and_state_keep_their_bounds() {
    let mut bench = Bench::new();
    bench.zones = (0..80)
        .map(|n| {
            let mut zone = zone(&format!("{n:0>64}"));
            zone.setpoints = vec![setpoint("vpd", 0.8, 1.2)];
            zone
        })
        .collect();
    for hour in 0..12_u64 {
        for n in 0..200 {
            let mut events = Vec::new();
            let name = format!("{n:0>64}");
            events.push(bench.document(&format!("x.{:0>100}.{n}", hour % 3), &json!({})));
            for _ in 0..3 {
                events.push(bench.document("device.error", &json!({"device_id": name})));
            }
            let data = json!({"device_id": name, "old_state": "off", "power_level": 33.3});
            events.push(bench.document("device.state.changed", &data));
            for quantity in ["vpd", "temperature"] {
                let mut event = bench.reading(&name, quantity, 1.0);
                event.zone = Some(format!("{:0>64}", n % 80));
                events.push(event);
            }
            bench.batch(false, events);
        }
        bench.pass(hours(1));
    }
    assert!(bench.report("1d")["left_out"]["types"].as_u64() > Some(0));
    let bytes = bench.state_bytes();
    assert!(bytes < 3 * 1024 * 1024, "{bytes} bytes");
}

/// Fifty sensors with all hours known: ten times as many fit.
#[test]
fn the_state_of_five_hundred_sensors_fits_and_batches_write_little() {
    let mut bench = Bench::new();
    let mut largest = 0;
    for quarter in 0..6 * 24 * 4_u64 {
        let events = (0..50)
            .map(|n| {
                let value = 20.0 + ((n * 37 + quarter * 11) % 997) as f64 / 333.0;
                bench.reading(&format!("sensor-{n}"), "temperature", value)
            })
            .collect();
        bench.batch(false, events);
        let again = bench.reading("sensor-7", "temperature", 21.0);
        bench.send(again);
        let writes = bench.instance.store().last_writes().values();
        let written: usize = writes.flatten().map(Vec::len).sum();
        largest = largest.max(written);
        bench.now = bench.now + minutes(15);
        bench.batch(true, Vec::new());
    }
    let bytes = bench.state_bytes() * 10;
    println!("500 sensors: {bytes} bytes of state; a batch of one reading writes {largest}");
    assert!(bytes < 3 * 1024 * 1024, "{bytes} bytes");
    assert!(largest < 2_048, "{largest} bytes");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    /// Whatever comes when: the window of an hour holds what a recount of its stretch finds, and
    /// duty is a share.
    #[test]
    fn windows_equal_a_recount(steps in prop::collection::vec((0_u64..600, 0_u8..4, 0_u8..=100), 1..200)) {
        let mut bench = Bench::new();
        let mut said: Vec<(u64, &str)> = Vec::new();
        for (wait, kind, percent) in steps {
            bench.pass(seconds(wait));
            let name = ["control.mode.changed", "device.state.changed", "system.config.changed", "sensor.co2"][usize::from(kind)];
            let event = match kind {
                1 => bench.document(name, &json!({"device_id": "fan", "power_level": percent})),
                3 => bench.reading("a", "co2", f64::from(percent)),
                _ => bench.document(name, &json!({})),
            };
            said.push((event.taken, name));
            bench.send(event);
        }
        bench.pass(minutes(5));
        let report = bench.report("1h").clone();
        let from = growbox_sdk::calendar::instant(report["from"].as_str().unwrap(), 0).unwrap();
        let to = growbox_sdk::calendar::instant(report["to"].as_str().unwrap(), 0).unwrap();
        let founded = testing::clock(Span::ZERO).wall;
        let mut counted: BTreeMap<&str, u64> = BTreeMap::new();
        for (taken, name) in said {
            if (from..=to).contains(&(founded + taken)) {
                *counted.entry(name).or_default() += 1;
            }
        }
        for name in ["control.mode.changed", "device.state.changed", "system.config.changed", "sensor.co2"] {
            let found = report["frequency"][name]["count"].as_u64().unwrap_or(0);
            prop_assert_eq!(found, counted.get(name).copied().unwrap_or(0), "{} in {}", name, &report);
        }
        let used = &report["devices"]["fan"];
        if used.is_object() {
            let duty = used["duty"].as_f64().unwrap();
            prop_assert!((0.0..=1.0).contains(&duty));
            prop_assert!(used["on_seconds"].as_f64() <= used["known_seconds"].as_f64());
            prop_assert!(used["known_seconds"].as_f64() <= Some(3_600.0));
        }
    }
}
