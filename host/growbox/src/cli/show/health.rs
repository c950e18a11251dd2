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
    format!(" {}\n{table}", health.overall)
}
