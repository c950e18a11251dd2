//! Ten plug-ins: what a whole house of handlers costs at 1 000 events/s.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use anyhow::ensure;
use tempfile::TempDir;

use crate::host::{Host, guest};
use crate::load::{Stamps, configuration};
use crate::{Plan, Row, row};

/// Events in one request, ten times a second.
const REQUEST: usize = 100;
const BEAT: Duration = Duration::from_millis(100);
/// What is measured begins so much later: compiling and the first reports are no steady state.
const SETTLING: Duration = Duration::from_secs(3);
/// First-party handlers, besides the one of [`configuration`].
const EMBEDDED: [&str; 5] = [
    "alert-rules",
    "analytics",
    "notifier",
    "photoperiod",
    "sensor-watch",
];
/// One that needs a pump before it starts.
const WATERED: &str = r#"
[device]
pump = { zone = "z0", role = "pump", output = "null:pump" }
[plugin.irrigation]
grant = { control = ["pump"] }
[plugin.irrigation.settings.zones.z0]
dose = "20s"
every = "6h"
"#;
/// Guests of the tests: one counts every reading, one is given every reading for nothing, one
/// looks for devices to command at every temperature, and finds none.
const GUESTS: [(&str, &str); 3] = [
    ("counting", ""),
    ("slow", "settings = { milliseconds = 0 }\n"),
    ("overreach", ""),
];

fn house() -> anyhow::Result<String> {
    let mut text = configuration() + WATERED;
    for id in EMBEDDED {
        writeln!(text, "[plugin.{id}]")?;
    }
    for (id, settings) in GUESTS {
        let file = guest(id)?;
        write!(text, "[plugin.{id}]\nfile = {file:?}\n{settings}")?;
    }
    Ok(text)
}

pub(crate) fn measure(plan: &Plan) -> anyhow::Result<Vec<Row>> {
    let dir = TempDir::new()?;
    let host = Host::start(&dir, &house()?)?;
    drive(&host, SETTLING)?;
    let (begun, used) = (Instant::now(), host.processor_time()?);
    drive(&host, plan.latency)?;
    let seconds = begun.elapsed().as_secs_f64();
    let share = (host.processor_time()? - used).as_secs_f64() / seconds * 100.0;
    let plugins = host.get("/api/v1/plugins")?;
    let rows = plugins["plugins"].as_array().cloned().unwrap_or_default();
    let running = rows.iter().filter(|row| row["state"] == "running").count();
    ensure!(running == 10, "{running} of 10 plug-ins run: {plugins}");
    let behind = rows.iter().filter_map(|row| row["behind"].as_u64()).max();
    Ok(vec![row(
        format!("ten plug-ins, 1 000 events/s for {seconds:.0} s"),
        format!(
            "{share:.1} % of one core, {:.1} MiB resident, at most {} events behind",
            host.resident_mib()?,
            behind.unwrap_or(0)
        ),
        "< 15 % of one core",
    )])
}

/// Posts 1 000 events a second for so long.
fn drive(host: &Host, length: Duration) -> anyhow::Result<()> {
    let begun = Instant::now();
    for beat in 0.. {
        let due = begun + BEAT * beat;
        if begun.elapsed() >= length {
            break;
        }
        if let Some(wait) = due.checked_duration_since(Instant::now()) {
            std::thread::sleep(wait);
        }
        host.post("", &Stamps::new().body(REQUEST))?;
    }
    Ok(())
}
