//! Start: from launching the binary to a room that answers, with compiled code in the cache.

use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::host::Host;
use crate::{Plan, Row, load, row};

const STARTS: usize = 5;

pub(crate) fn measure(_: &Plan) -> anyhow::Result<Vec<Row>> {
    let dir = TempDir::new()?;
    let cold = start(&dir)?;
    let mut warm = Vec::new();
    for _ in 0..STARTS {
        warm.push(start(&dir)?);
    }
    warm.sort_unstable();
    let median = warm.get(STARTS / 2).copied().unwrap_or_default();
    Ok(vec![
        row(
            "start, warm cache, after kill -9 (median of 5)",
            format!("{:.0} ms", milliseconds(median)),
            "< 1 s",
        ),
        row(
            "start, cold cache (one plug-in compiled)",
            format!("{:.0} ms", milliseconds(cold)),
            "–",
        ),
    ])
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

fn start(dir: &TempDir) -> anyhow::Result<Duration> {
    let begun = Instant::now();
    let host = Host::start(dir, &load::configuration())?;
    let took = begun.elapsed();
    drop(host);
    Ok(took)
}
