//! Memory: what the host process keeps resident at 1 000 events/s.

use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::host::Host;
use crate::load::{Stamps, configuration};
use crate::{Plan, Row, row};

/// Events in one request, ten times a second.
const REQUEST: usize = 100;
const BEAT: Duration = Duration::from_millis(100);

pub(crate) fn measure(plan: &Plan) -> anyhow::Result<Vec<Row>> {
    let dir = TempDir::new()?;
    let host = Host::start(&dir, &configuration())?;
    let fresh = host.resident_mib()?;
    let (begun, used) = (Instant::now(), host.processor_time()?);
    let mut most: f64 = 0.0;
    let mut beats = 0u32;
    while begun.elapsed() < plan.memory {
        let due = begun + BEAT * beats;
        if let Some(wait) = due.checked_duration_since(Instant::now()) {
            std::thread::sleep(wait);
        }
        host.post("", &Stamps::new().body(REQUEST))?;
        most = most.max(host.resident_mib()?);
        beats += 1;
    }
    let seconds = begun.elapsed().as_secs_f64();
    let share = (host.processor_time()? - used).as_secs_f64() / seconds * 100.0;
    Ok(vec![row(
        format!(
            "resident memory at 1 000 events/s after {seconds:.0} s ({share:.0} % of one core)"
        ),
        format!(
            "{:.1} MiB now, {most:.1} MiB at most, {fresh:.1} MiB fresh",
            host.resident_mib()?
        ),
        "< 64 MiB after 10 min",
    )])
}
