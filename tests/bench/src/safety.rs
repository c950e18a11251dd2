//! Safety under load: a plug-in spins, readings pour in, and a rule's act and a stop reach their devices.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::bail;
use growbox_tests::{By, Outside, What};
use serde_json::json;
use tempfile::TempDir;

use crate::host::{Host, guest};
use crate::{Plan, Row, row};

const PER_SECOND: u32 = 10_000;
/// Events of one post of the load.
const POST: u32 = 250;
const LAMPS: [&str; 5] = ["l1", "l2", "l3", "l4", "l5"];
/// Stops that are measured.
const STOPS: usize = 30;
const DEADLINE: Duration = Duration::from_secs(10);

pub(crate) fn measure(plan: &Plan) -> anyhow::Result<Vec<Row>> {
    let dir = TempDir::new()?;
    let socket = dir.path().join("room.sock");
    let names: Vec<&str> = ["horn"].into_iter().chain(LAMPS).collect();
    let outside = Outside::new(&socket, &names, 1.0);
    let host = Host::start(&dir, &configuration(&socket.display().to_string())?)?;
    let over = Arc::new(AtomicBool::new(false));
    let rows = std::thread::scope(|scope| {
        let load = scope.spawn(|| pour(&host, &over));
        let rows = acts(&host, &outside, plan.latency).and_then(|mut rows| {
            rows.extend(stops(&host, &outside)?);
            Ok(rows)
        });
        over.store(true, Ordering::Release);
        let poured = load
            .join()
            .unwrap_or_else(|_| bail!("the load ended early"))?;
        rows.map(|rows| (rows, poured))
    });
    let (mut rows, poured) = rows?;
    for row in &mut rows {
        row.what = format!(
            "{}, a plug-in spins, {poured:.0} events/s come in",
            row.what
        );
    }
    Ok(rows)
}

fn configuration(socket: &str) -> anyhow::Result<String> {
    let device = |name: &str| {
        format!(
            "{name} = {{ zone = \"tent\", role = \"other\", switched = true, min_on = 0, min_off = 0, output = \"unix:{socket}#{name}\" }}\n"
        )
    };
    let lamps: String = LAMPS.iter().map(|name| device(name)).collect();
    let spins = guest("endless-handle")?;
    Ok(format!(
        "[node]\nunknown_sensors = \"measure\"\n[zone.tent]\noperation = \"control\"\n[device]\n{}{lamps}\
         [safety.hot]\nquantity = \"temperature\"\nabove = 40\nclear = 30\ndwell = 0\nlatch = false\n\
         devices = {{ horn = 1 }}\n[safety.tent-hot]\nenabled = false\n\
         [plugin.endless-handle]\nfile = {:?}\n",
        device("horn"),
        spins.display().to_string()
    ))
}

/// Pours readings of a quantity nobody guards until it is over; how many a second.
fn pour(host: &Host, over: &AtomicBool) -> anyhow::Result<f64> {
    let event = json!({"type": "sensor.co2", "metadata": {"zone": "tent"},
                       "data": {"sensor_id": "load", "value": 600}});
    let body = json!(vec![event; POST as usize]).to_string();
    let (begun, mut posts) = (Instant::now(), 0u32);
    while !over.load(Ordering::Acquire) {
        let due = begun + Duration::from_secs(1) * (posts * POST) / PER_SECOND;
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        host.post("", body.as_bytes())?;
        posts += 1;
    }
    Ok(f64::from(posts * POST) / begun.elapsed().as_secs_f64())
}

/// From sending a dangerous reading until the far side has the order.
fn acts(host: &Host, outside: &Outside, length: Duration) -> anyhow::Result<Vec<Row>> {
    let (begun, mut times) = (Instant::now(), Vec::new());
    let mut hot = false;
    while begun.elapsed() < length {
        hot = !hot;
        let value = if hot { 45.0 } else { 20.0 };
        let event = json!({"type": "sensor.temperature", "metadata": {"zone": "tent"},
                           "data": {"sensor_id": "canopy", "value": value}});
        let then = outside.now();
        host.post("", event.to_string().as_bytes())?;
        let level = f64::from(u8::from(hot));
        let at = switched(outside, "horn", level, then)?;
        if hot {
            times.push(at - then);
        }
    }
    let count = times.len();
    Ok(vec![row(
        format!("sending a dangerous reading → driver call, {count} of them"),
        figure(&mut times),
        "p99 < 5 ms",
    )])
}

/// From asking for a stop until everything that was on is off.
fn stops(host: &Host, outside: &Outside) -> anyhow::Result<Vec<Row>> {
    let mut times = Vec::new();
    for _ in 0..STOPS {
        for lamp in LAMPS {
            let then = outside.now();
            let set = json!({"level": 1, "for": 600, "who": "bench", "reason": "to measure"});
            host.order(&format!("devices/{lamp}/set"), &set)?;
            switched(outside, lamp, 1.0, then)?;
        }
        let then = outside.now();
        let who = json!({"who": "bench", "reason": "to measure"});
        host.order("stop", &who)?;
        let mut last = then;
        for lamp in LAMPS {
            last = last.max(switched(outside, lamp, 0.0, then)?);
        }
        times.push(last - then);
        host.order("reset", &who)?;
    }
    Ok(vec![row(
        format!(
            "asking for a stop → {} devices driven off, {STOPS} stops",
            LAMPS.len()
        ),
        figure(&mut times),
        "50 ms",
    )])
}

/// When an output went to a level, by the far side's own clock.
fn switched(outside: &Outside, output: &str, level: f64, since: f64) -> anyhow::Result<f64> {
    let wanted = What::Switched(output.to_owned(), level, By::Order);
    let begun = Instant::now();
    while begun.elapsed() < DEADLINE {
        let record = outside.record_since(since);
        if let Some(entry) = record.iter().find(|entry| entry.what == wanted) {
            return Ok(entry.at);
        }
        std::thread::sleep(Duration::from_micros(200));
    }
    bail!("{output} did not go to {level} within {DEADLINE:?}")
}

fn figure(times: &mut [f64]) -> String {
    times.sort_unstable_by(f64::total_cmp);
    let at = |share: f64| {
        let index = (times.len().saturating_sub(1) as f64 * share) as usize;
        times.get(index).map_or(f64::NAN, |time| time * 1000.0)
    };
    format!("median {:.2} ms, p99 {:.2} ms", at(0.5), at(0.99))
}
