//! Throughput: one client posts requests of 1 000 readings as fast as they are answered, all recorded.

use std::fmt::Write as _;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use anyhow::ensure;
use tempfile::TempDir;

use crate::host::Host;
use crate::{Plan, Row, row};

/// Events in one request.
pub(crate) const REQUEST: usize = 1000;
/// Zones, each with a pair of sensors.
const ZONES: usize = 4;
/// Different bodies prepared; each is stamped anew.
const WARM_UP: usize = 10;

/// A room of four zones with the first-party controller subscribed.
pub(crate) fn configuration() -> String {
    let mut text = String::from("[node]\nunknown_sensors = \"measure\"\n");
    for zone in 0..ZONES {
        write!(text, "[zone.z{zone}]\nstage = \"mid-veg\"\n").expect("text takes text");
    }
    text + "[plugin.vpd-control]\n"
}

pub(crate) fn measure(plan: &Plan) -> anyhow::Result<Vec<Row>> {
    let dir = TempDir::new()?;
    let host = Host::start(&dir, &configuration())?;
    let mut clock = Stamps::new();
    for _ in 0..WARM_UP {
        host.post("", &clock.body(REQUEST))?;
    }
    let (begun, used) = (Instant::now(), host.processor_time()?);
    let mut posted = 0;
    while begun.elapsed() < plan.throughput {
        let answer = host.post("", &clock.body(REQUEST))?;
        ensure!(!answer.contains("refused"), "refused: {answer}");
        posted += REQUEST;
    }
    let answer = host.post("?settled=true", &clock.body(REQUEST))?;
    host.post("?durable=true", &clock.body(REQUEST))?;
    posted += 2 * REQUEST;
    let seconds = begun.elapsed().as_secs_f64();
    let cores = (host.processor_time()? - used).as_secs_f64() / seconds;
    ensure!(answer.contains("accepted"), "{answer}");
    let health = host.get("/api/v1/health")?;
    let durable = health["components"]["storage"]["figures"]["durable"]
        .as_f64()
        .unwrap_or(0.0);
    let rate = posted as f64 / seconds;
    Ok(vec![row(
        format!(
            "external events/s, requests of {REQUEST}, one client, vpd-control subscribed, all durable"
        ),
        format!("{rate:.0} ({durable:.0} events in the log; host uses {cores:.2} cores)"),
        "≥ 50 000",
    )])
}

/// Bodies of readings whose time goes on by 20 µs an event.
pub(crate) struct Stamps {
    next: u128,
    count: usize,
}

impl Stamps {
    pub(crate) fn new() -> Self {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Self {
            next: now.as_nanos(),
            count: 0,
        }
    }

    /// Temperature and humidity of the zones in turn; each pair has one time.
    pub(crate) fn body(&mut self, events: usize) -> Vec<u8> {
        let mut text = String::with_capacity(events * 180);
        text.push('[');
        for index in 0..events {
            let pair = self.count / 2;
            let zone = pair % ZONES;
            let wave = ((pair / ZONES) % 100) as f64 / 50.0;
            let (quantity, value) = if self.count.is_multiple_of(2) {
                ("temperature", 24.0 + wave)
            } else {
                ("humidity", 60.0 + wave)
            };
            let at = growbox_model::Instant(u64::try_from(self.next).unwrap_or(u64::MAX));
            let comma = if index == 0 { "" } else { "," };
            write!(
                text,
                "{comma}{{\"type\":\"sensor.{quantity}\",\"timestamp\":\"{at}\",\"data\":{{\"sensor_id\":\"z{zone}-{quantity}\",\"value\":{value},\"quality\":\"good\"}},\"metadata\":{{\"zone\":\"z{zone}\"}}}}"
            )
            .expect("text takes text");
            self.count += 1;
            if self.count.is_multiple_of(2) {
                self.next += 40_000;
            }
        }
        text.push(']');
        text.into_bytes()
    }
}
