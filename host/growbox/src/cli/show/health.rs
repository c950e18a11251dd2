//! How well everything is, part by part.

use growbox_model::row::HealthRow;

use crate::render::{Table, number};

/// `growbox health`.
pub(in crate::cli) fn show(health: &HealthRow) -> String {
    let mut table = Table::new(["PART", "STATUS", "FIGURES"]);
    for (name, part) in &health.components {
        let figures: Vec<String> = part
            .figures
            .iter()
            .map(|(name, value)| format!("{name} {}", number(*value)))
            .collect();
        table.row([
            name.to_string(),
            part.status.to_string(),
            figures.join(", "),
        ]);
        if let Some(why) = &part.why {
            table.note(why);
        }
    }
    format!(" {}\n{table}{}", health.overall, latency(health))
}

/// How long things took lately; nothing where nothing happened.
fn latency(health: &HealthRow) -> String {
    if health.latency.is_empty() {
        return String::new();
    }
    let mut table =
        Table::new(["LATENCY", "HOW OFTEN", "MEDIAN", "95 %", "99 %"]).right(&[1, 2, 3, 4]);
    for (name, row) in &health.latency {
        let milliseconds = |figure: f64| format!("{} ms", number(figure));
        table.row([
            name.replace('_', " "),
            row.count.to_string(),
            milliseconds(row.p50_milliseconds),
            milliseconds(row.p95_milliseconds),
            milliseconds(row.p99_milliseconds),
        ]);
    }
    table.to_string()
}
