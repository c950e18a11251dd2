//! What a scrape says, whole and with 500 sensors.

use std::collections::BTreeMap;

use growbox_model::row::{ComponentRow, HealthRow, LatencyRow, MetricsRow, PluginRow, SeriesRow};
use growbox_model::{PluginId, Quantity, SensorId, ZoneId};

use super::exposed;
use crate::tests::memory::device;

pub(crate) fn row() -> MetricsRow {
    let plugin = PluginRow {
        id: PluginId::new("vpd-control").unwrap(),
        version: "0.1.0".into(),
        state: "running".into(),
        generation: Some(1),
        behind: 3,
        strikes: 0,
        memory_bytes: 1_400_000,
        controls: Vec::new(),
        why: Some("\"free\" text\nof a plug-in".into()),
    };
    let figures = [
        ("size_bytes", 4096.0),
        ("groups", 7.0),
        ("commit_p99_milliseconds", 12.0),
        ("odd", 1.0),
    ];
    let storage = ComponentRow {
        status: "healthy".into(),
        why: None,
        figures: figures.map(|(name, value)| (name.into(), value)).into(),
    };
    let latency = LatencyRow {
        count: 7,
        p50_milliseconds: 0.5,
        p95_milliseconds: 2.0,
        p99_milliseconds: 4.0,
    };
    MetricsRow {
        series: vec![
            series("canopy", "temperature", 24.5),
            series("canopy", "humidity", 64.0),
        ],
        devices: vec![device("exhaust")],
        switches: BTreeMap::from([(device("exhaust").id, 12)]),
        faults: BTreeMap::from([(plugin.id.clone(), 2)]),
        plugins: vec![plugin],
        verdicts: BTreeMap::from([("granted".into(), 96), ("denied".into(), 1)]),
        taken: 1000,
        refused: 4,
        health: HealthRow {
            overall: "healthy".into(),
            components: BTreeMap::from([("storage".into(), storage)]),
            latency: ["heard_to_said", "handler:vpd-control"]
                .map(|name| (name.into(), latency))
                .into(),
        },
    }
}

fn series(sensor: &str, quantity: &str, value: f64) -> SeriesRow {
    let quantity = Quantity::new(quantity).unwrap();
    SeriesRow {
        sensor: SensorId::new(sensor).unwrap(),
        zone: Some(ZoneId::new("tent").unwrap()),
        value,
        unit: quantity.spec().map_or("", |spec| spec.unit).into(),
        quantity,
    }
}

#[test]
fn a_scrape_says_everything_once_in_base_units() {
    let text = exposed(&row(), 2);
    for line in [
        "# TYPE growbox_sensor_temperature_celsius gauge",
        "growbox_sensor_temperature_celsius{sensor=\"canopy\",zone=\"tent\"} 24.5",
        "growbox_sensor_humidity_ratio{sensor=\"canopy\",zone=\"tent\"} 0.64",
        "growbox_device_level_ratio{device=\"exhaust\",role=\"exhaust\",zone=\"\"} 0.35",
        "growbox_device_switches_total{device=\"exhaust\",role=\"exhaust\",zone=\"\"} 12",
        "# TYPE growbox_requests_total counter",
        "growbox_requests_total{verdict=\"granted\"} 96",
        "growbox_plugin_state{plugin=\"vpd-control\",state=\"running\"} 1",
        "growbox_plugin_state{plugin=\"vpd-control\",state=\"quarantined\"} 0",
        "growbox_plugin_faults_total{plugin=\"vpd-control\"} 2",
        "growbox_plugin_memory_bytes{plugin=\"vpd-control\"} 1400000",
        "growbox_events_taken_total 1000",
        "growbox_events_refused_total 6",
        "growbox_storage_size_bytes 4096",
        "growbox_storage_commits_total 7",
        "growbox_storage_commit_p99_seconds 0.012",
        "growbox_latency_seconds{stage=\"heard_to_said\",percentile=\"99\"} 0.004",
        "growbox_handler_latency_seconds{plugin=\"vpd-control\",percentile=\"50\"} 0.0005",
        "growbox_health{component=\"overall\",status=\"healthy\"} 1",
        "growbox_health{component=\"storage\",status=\"critical\"} 0",
    ] {
        assert!(
            text.lines().any(|said| said == line),
            "{line} is missing in\n{text}"
        );
    }
    assert!(!text.contains("free") && !text.contains("odd"), "{text}");
    let types: Vec<&str> = text
        .lines()
        .filter(|line| line.starts_with("# TYPE"))
        .collect();
    let mut once = types.clone();
    once.dedup();
    assert_eq!(types, once);
}

#[test]
fn what_is_not_there_leaves_no_trace() {
    let mut row = row();
    row.series.clear();
    row.devices[0].level = None;
    let text = exposed(&row, 0);
    assert!(
        !text.contains("growbox_sensor_") && !text.contains("level_ratio"),
        "{text}"
    );
    assert!(text.contains("growbox_device_available"), "{text}");
}
