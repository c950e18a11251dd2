//! Measures what the README claims, and prints one table. Never asserts: machines differ.
//!
//! `growbox-bench [--quick] [PART]…`, with `GROWBOX_BIN` and `GROWBOX_GUESTS` naming what is measured;
//! `cargo xtask bench` builds both and runs it.

mod gate;
mod host;
mod latency;
mod load;
mod memory;
mod metrics;
mod mqtt;
mod native;
mod plugins;
mod safety;
mod sandbox;
mod start;

use std::time::Duration;

/// How long each part takes.
#[derive(Debug, Clone, Copy)]
struct Plan {
    throughput: Duration,
    latency: Duration,
    memory: Duration,
    mqtt: Duration,
    sandbox_events: usize,
}

impl Plan {
    fn of(quick: bool) -> Self {
        let (throughput, latency, memory, mqtt, sandbox_events) = if quick {
            (5, 5, 20, 3, 100_000)
        } else {
            (20, 30, 600, 10, 500_000)
        };
        let seconds = Duration::from_secs;
        Self {
            throughput: seconds(throughput),
            latency: seconds(latency),
            memory: seconds(memory),
            mqtt: seconds(mqtt),
            sandbox_events,
        }
    }
}

fn main() -> anyhow::Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let plan = Plan::of(words.iter().any(|word| word == "--quick"));
    let wanted = |name: &str| {
        let mut parts = words
            .iter()
            .filter(|word| !word.starts_with("--"))
            .peekable();
        parts.peek().is_none() || parts.any(|part| part == name)
    };
    let mut table = Vec::new();
    for (name, measure) in PARTS.into_iter().filter(|(name, _)| wanted(name)) {
        eprintln!("measuring: {name} …");
        table.extend(measure(&plan)?);
    }
    println!("\n| what | figure | wanted |\n|---|---|---|");
    for row in table {
        println!("| {} | {} | {} |", row.what, row.figure, row.wanted);
    }
    Ok(())
}

type Measure = fn(&Plan) -> anyhow::Result<Vec<Row>>;

const PARTS: [(&str, Measure); 10] = [
    ("throughput", load::measure),
    ("latency", latency::measure),
    ("start", start::measure),
    ("gate", gate::measure),
    ("safety", safety::measure),
    ("sandbox", sandbox::measure),
    ("plugins", plugins::measure),
    ("metrics", metrics::measure),
    ("mqtt", mqtt::measure),
    ("memory", memory::measure),
];

/// One line of the table.
struct Row {
    what: String,
    figure: String,
    wanted: &'static str,
}

fn row(what: impl Into<String>, figure: impl Into<String>, wanted: &'static str) -> Row {
    Row {
        what: what.into(),
        figure: figure.into(),
        wanted,
    }
}
