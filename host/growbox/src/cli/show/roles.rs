//! The roles a device can have, and what each brings.

use growbox_model::role::{ROLES, RoleSpec};
use serde_json::{Value, json};

use super::NOTHING;
use crate::render::{Table, level, number, span};

/// `growbox roles`: the table, or the same as JSON.
pub(in crate::cli) fn roles(json: bool) -> String {
    if json {
        let rows: Vec<Value> = ROLES.iter().map(row_json).collect();
        return format!("{}\n", json!({ "roles": rows }));
    }
    let heading = [
        "ROLE",
        "SAFE",
        "WHEN HOT",
        "LOWEST",
        "MIN ON",
        "MIN OFF",
        "COOL DOWN",
        "STARTS AN HOUR",
        "LONGEST RUN",
        "DOSES A DAY",
        "NEEDS FRESH",
        "WHAT IT DOES",
    ];
    let mut table = Table::new(heading);
    for role in ROLES {
        let lowest = if role.min_level_percent > 0.0 {
            format!("{} %", number(role.min_level_percent))
        } else {
            NOTHING.into()
        };
        let never_off = if role.never_off { ", never off" } else { "" };
        table.row([
            role.name.into(),
            role.safe_level.map_or_else(
                || "lowest".to_owned(),
                |safe| level(Some(safe), role.switched),
            ),
            role.emergency_level.map_or_else(
                || "as safe".to_owned(),
                |hot| level(Some(hot), role.switched),
            ),
            format!("{lowest}{never_off}"),
            span(role.min_on),
            span(role.min_off),
            span(role.cool_down),
            role.starts_per_hour
                .map_or_else(|| NOTHING.to_owned(), |starts| starts.to_string()),
            role.max_on.map_or_else(|| NOTHING.to_owned(), span),
            role.doses_per_day
                .map_or_else(|| NOTHING.to_owned(), |doses| doses.to_string()),
            if role.needs.is_empty() {
                NOTHING.to_owned()
            } else {
                role.needs.join(", ")
            },
            role.summary.into(),
        ]);
        table.note(&more(role));
    }
    table.to_string()
}

/// Why, and what has no column: few roles have any of it.
fn more(role: &RoleSpec) -> String {
    let mut words = vec![role.why.to_owned()];
    if let Some(slew) = role.slew {
        let step = number(slew.step * 100.0);
        words.push(format!(
            "its level changes by at most {step} % in {}",
            slew.every
        ));
    }
    if role.needs_light {
        words.push("only in the light".to_owned());
    }
    if !role.never_with.is_empty() {
        words.push(format!("never with {}", role.never_with.join(" or ")));
    }
    words.join("; ")
}

fn row_json(role: &RoleSpec) -> Value {
    json!({
        "name": role.name,
        "summary": role.summary,
        "switched": role.switched,
        "safe_level": role.safe_level,
        "emergency_level": role.emergency_level,
        "min_level_percent": role.min_level_percent,
        "never_off": role.never_off,
        "min_on_seconds": role.min_on,
        "min_off_seconds": role.min_off,
        "cool_down_seconds": role.cool_down,
        "slew_percent": role.slew.map(|slew| slew.step * 100.0),
        "slew_every_seconds": role.slew.map(|slew| slew.every),
        "starts_per_hour": role.starts_per_hour,
        "needs_light": role.needs_light,
        "never_with": role.never_with,
        "max_on_seconds": role.max_on,
        "doses_per_day": role.doses_per_day,
        "needs": role.needs,
        "why": role.why,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_are_a_table_with_every_role() {
        let text = roles(false);
        assert!(
            text.starts_with(" ROLE          SAFE    WHEN HOT  LOWEST"),
            "{text}"
        );
        let heater = text
            .lines()
            .find(|line| line.starts_with(" heater"))
            .unwrap();
        let cells: Vec<&str> = heater.split("  ").filter(|cell| !cell.is_empty()).collect();
        assert_eq!(
            cells[1..9]
                .iter()
                .map(|cell| cell.trim())
                .collect::<Vec<_>>(),
            [
                "off", "as safe", "–", "1 min", "2 min", "3 min", "–", "30 min"
            ],
            "{text}"
        );
        assert!(
            text.contains("only in the light; never with exhaust or intake"),
            "{text}"
        );
        let json: Value = serde_json::from_str(&roles(true)).unwrap();
        assert_eq!(
            json["roles"].as_array().unwrap().len(),
            growbox_model::role::ROLES.len()
        );
        assert_eq!(json["roles"][0]["min_on_seconds"], 30);
        let mut rows = json["roles"].as_array().unwrap().iter();
        let pump = rows.find(|row| row["name"] == "pump").unwrap();
        assert_eq!(pump["doses_per_day"], 24);
    }
}
