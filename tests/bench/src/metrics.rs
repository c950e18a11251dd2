//! One scrape of `/metrics` with 500 sensors, as Prometheus sees it.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use anyhow::ensure;
use tempfile::TempDir;

use crate::host::Host;
use crate::{Plan, Row, row};

/// Sensors with one series each.
const SENSORS: usize = 500;
/// Scrapes measured.
const SCRAPES: usize = 100;

pub(crate) fn measure(_: &Plan) -> anyhow::Result<Vec<Row>> {
    let dir = TempDir::new()?;
    let host = Host::start(
        &dir,
        "[node]\nunknown_sensors = \"measure\"\n[zone.tent]\nstage = \"mid-veg\"\n[plugin.vpd-control]\n",
    )?;
    host.post("?settled=true", &readings())?;
    let mut taken = Vec::with_capacity(SCRAPES);
    for _ in 0..SCRAPES {
        let begun = Instant::now();
        let text = host.text("/metrics")?;
        taken.push(begun.elapsed());
        let series = text.matches("growbox_sensor_temperature_celsius{").count();
        ensure!(series == SENSORS, "{series} series in a scrape");
    }
    taken.sort_unstable();
    let at = |place: usize| taken.get(place).map_or(f64::NAN, milliseconds);
    Ok(vec![row(
        format!("one scrape of /metrics, {SENSORS} sensors, {SCRAPES} scrapes"),
        format!(
            "median {:.2} ms, worst {:.2} ms",
            at(SCRAPES / 2),
            at(SCRAPES - 1)
        ),
        "< 10 ms",
    )])
}

fn milliseconds(taken: &Duration) -> f64 {
    taken.as_secs_f64() * 1000.0
}

/// One temperature of each sensor.
fn readings() -> Vec<u8> {
    let mut text = String::from("[");
    for number in 0..SENSORS {
        let comma = if number == 0 { "" } else { "," };
        let value = 20.0 + (number % 100) as f64 / 10.0;
        write!(
            text,
            "{comma}{{\"type\":\"sensor.temperature\",\"data\":{{\"sensor_id\":\"s{number}\",\"value\":{value}}},\"metadata\":{{\"zone\":\"tent\"}}}}"
        )
        .expect("text takes text");
    }
    (text + "]").into_bytes()
}
