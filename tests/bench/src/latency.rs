//! Latency: at 1 000 events/s, from sending an event to seeing the verdict it caused, as a client sees it.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::net::TcpStream;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::host::{Host, guest};
use crate::{Plan, Row, row};

const PER_SECOND: u64 = 1000;
/// One in so many events is a temperature, which causes a request.
const CAUSES: u64 = 10;

pub(crate) fn measure(plan: &Plan) -> anyhow::Result<Vec<Row>> {
    let dir = TempDir::new()?;
    let toggler = guest("toggler")?;
    let configuration = format!(
        "[node]\nunknown_sensors = \"measure\"\n[zone.tent]\n[device]\n\
         heater = {{ zone = \"tent\", role = \"heater\", output = \"null:heater\", min_on = 0, min_off = 0 }}\n\
         [plugin.toggler]\nfile = {:?}\ngrant = {{ control = [\"heater\"] }}\n[plugin.vpd-control]\n",
        toggler.display().to_string()
    );
    let host = Host::start(&dir, &configuration)?;
    let seen = follow(host.address())?;
    let mut latencies = send_and_match(&host, &seen, plan.latency)?;
    latencies.sort_unstable();
    let at = |share: f64| {
        let index = ((latencies.len() - 1) as f64 * share) as usize;
        latencies
            .get(index)
            .map_or(f64::NAN, |d| d.as_secs_f64() * 1000.0)
    };
    let count = latencies.len();
    Ok(vec![row(
        format!(
            "sending an event → seeing its verdict in the stream, at {PER_SECOND} events/s, {count} verdicts"
        ),
        format!("median {:.2} ms, p99 {:.2} ms", at(0.5), at(0.99)),
        "median < 2 ms",
    )])
}

/// Sends one event at a time on its beat; matches verdicts to the sending of their first cause.
fn send_and_match(
    host: &Host,
    seen: &Receiver<(Instant, Value)>,
    length: Duration,
) -> anyhow::Result<Vec<Duration>> {
    let begun = Instant::now();
    let beat = Duration::from_nanos(1_000_000_000 / PER_SECOND);
    let mut sent: HashMap<u64, Instant> = HashMap::new();
    let mut number = 0u64;
    while begun.elapsed() < length {
        let due = begun + beat * u32::try_from(number).unwrap_or(u32::MAX);
        while Instant::now() < due {
            std::thread::yield_now();
        }
        let quantity = if number.is_multiple_of(CAUSES) {
            "temperature"
        } else {
            "co2"
        };
        let event = json!({"type": format!("sensor.{quantity}"), "metadata": {"zone": "tent"},
                           "data": {"sensor_id": quantity, "value": 20.0 + (number % 7) as f64}});
        let when = Instant::now();
        let answer: Value = serde_json::from_str(&host.post("", event.to_string().as_bytes())?)?;
        if let Some(seq) = answer["results"][0]["seq"].as_u64() {
            sent.insert(seq, when);
        }
        number += 1;
    }
    Ok(matched(&sent, seen))
}

fn matched(sent: &HashMap<u64, Instant>, seen: &Receiver<(Instant, Value)>) -> Vec<Duration> {
    let mut requests: HashMap<u64, Instant> = HashMap::new();
    let mut latencies = Vec::new();
    while let Ok((when, event)) = seen.recv_timeout(Duration::from_millis(500)) {
        let (Some(seq), Some(cause)) = (event["seq"].as_u64(), event["cause"].as_u64()) else {
            continue;
        };
        if event["type"] == "device.action.requested" {
            if let Some(begun) = sent.get(&cause) {
                requests.insert(seq, *begun);
            }
        } else if let Some(begun) = requests.remove(&cause) {
            latencies.push(when.duration_since(begun));
        }
    }
    latencies
}

/// Follows the stream of device events on a thread; each with the instant it arrived.
fn follow(address: &str) -> anyhow::Result<Receiver<(Instant, Value)>> {
    let mut stream = TcpStream::connect(address)?;
    write!(
        stream,
        "GET /api/v1/events/stream?type=device.action.* HTTP/1.1\r\nHost: {address}\r\n\r\n"
    )?;
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader
        .read_line(&mut line)
        .context("the stream does not answer")?;
    let (tell, told) = channel();
    std::thread::spawn(move || {
        read_stream(reader, &|event| tell.send((Instant::now(), event)).is_ok());
    });
    Ok(told)
}

fn read_stream(mut reader: BufReader<impl Read>, tell: &dyn Fn(Value) -> bool) {
    let mut line = String::new();
    while reader.read_line(&mut line).is_ok_and(|n| n > 0) {
        let event = line
            .strip_prefix("data:")
            .and_then(|data| serde_json::from_str(data.trim()).ok());
        line.clear();
        if let Some(event) = event
            && !tell(event)
        {
            return;
        }
    }
}
