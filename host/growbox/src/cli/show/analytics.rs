//! A report as text: each part a table, in the order and the words of the report itself.

use growbox_model::Span;
use growbox_model::row::AnalyticsRow;
use serde_json::{Map, Value};

use super::NOTHING;
use crate::render::{Reader, Table, number, one_line, span};

/// `growbox analytics --window W`.
pub(in crate::cli) fn report(rows: &[AnalyticsRow], window: &str, reader: &Reader) -> String {
    let Some(row) = rows.first() else {
        return format!(
            " no report over {window} yet: the plug-in analytics makes them, look at growbox plugin list\n"
        );
    };
    let mut text = format!(" {} until {}\n", row.window, reader.second(row.at));
    let report = row.report.map();
    let mut plain = Table::bare();
    for (key, value) in report
        .iter()
        .filter(|(key, value)| is_plain(value) && *key != "window")
    {
        plain.row([words(key), cell(key, value)]);
    }
    text.push_str(&plain.to_string());
    for (key, value) in report.iter().filter(|(_, value)| !is_plain(value)) {
        text.push_str(&format!(
            "\n {}\n{}",
            words(key).to_uppercase(),
            part(value)
        ));
    }
    text
}

fn is_plain(value: &Value) -> bool {
    !matches!(value, Value::Object(_) | Value::Array(_))
}

/// Rows by name, rows in a list, or names with one value each.
fn part(value: &Value) -> String {
    match value {
        Value::Object(map) if map.values().any(Value::is_object) => {
            rows(map.iter().map(|(name, row)| (Some(name.as_str()), row)))
        }
        Value::Object(map) => {
            let mut table = Table::bare();
            for (key, value) in map {
                table.row([words(key), cell(key, value)]);
            }
            or_none(table.to_string())
        }
        Value::Array(list) => rows(list.iter().map(|row| (None, row))),
        other => format!(" {}\n", cell("", other)),
    }
}

fn rows<'a>(rows: impl Iterator<Item = (Option<&'a str>, &'a Value)>) -> String {
    let mut lines = Table::bare();
    for (name, row) in rows {
        let said = match row {
            Value::Object(map) => pairs(map),
            other => cell("", other),
        };
        lines.row([name.map_or_else(|| "·".to_owned(), one_line), said]);
    }
    or_none(lines.to_string())
}

fn or_none(text: String) -> String {
    if text.is_empty() {
        format!(" {NOTHING}\n")
    } else {
        text
    }
}

/// `starts 14, on time 3 h 2 min`.
fn pairs(map: &Map<String, Value>) -> String {
    let pairs = map.iter().map(|(key, value)| match value {
        Value::Object(inner) => format!("{}: {}", words(key), pairs(inner)),
        value => format!("{} {}", words(key), cell(key, value)),
    });
    pairs.collect::<Vec<_>>().join(", ")
}

/// The unit stands last in a name and is shown with the value.
const UNITS: [&str; 5] = ["_seconds", "_milliseconds", "_percent", "_ratio", "_bytes"];

fn words(key: &str) -> String {
    let bare = UNITS.iter().find_map(|unit| key.strip_suffix(unit));
    one_line(&bare.unwrap_or(key).replace('_', " "))
}

fn cell(key: &str, value: &Value) -> String {
    match value {
        Value::Null => NOTHING.into(),
        Value::String(text) => one_line(text),
        Value::Bool(flag) => if *flag { "yes" } else { "no" }.into(),
        Value::Number(figure) => figure
            .as_f64()
            .map_or_else(|| figure.to_string(), |n| with_unit(key, n)),
        Value::Array(list) => list
            .iter()
            .map(|each| cell(key, each))
            .collect::<Vec<_>>()
            .join("; "),
        Value::Object(map) => format!("({})", pairs(map)),
    }
}

fn with_unit(key: &str, value: f64) -> String {
    let lasting = |seconds: f64| span(Span((seconds * 1e9) as u64));
    if key.ends_with("_milliseconds") {
        format!("{} ms", number(value))
    } else if key.ends_with("_seconds") && value >= 0.0 {
        lasting(value)
    } else if key.ends_with("_percent") {
        format!("{} %", number(value))
    } else if key.ends_with("_ratio") {
        format!("{} %", number(value * 100.0))
    } else {
        number(value)
    }
}

#[cfg(test)]
mod tests {
    use growbox_model::{Instant, Json};
    use jiff::tz::TimeZone;
    use serde_json::json;

    use super::*;

    #[test]
    fn every_part_of_a_report_is_shown_in_words() {
        let data = json!({
            "window": "1d", "events": 1200,
            "frequency_per_hour": {"sensor.temperature": 50.0},
            "devices": {"heater": {"starts": 14, "on_seconds": 10_920.0, "duty_ratio": 0.126}},
            "failures": [{"device_id": "pump", "count": 3, "codes": ["stuck", "lost"]}],
            "anomalies": [],
        });
        let at = Instant::parse("2026-01-15T14:00:00Z").unwrap();
        let row = AnalyticsRow {
            window: "1d".into(),
            at,
            report: Json::of(&data),
        };
        let reader = Reader {
            now: at,
            zone: TimeZone::UTC,
        };
        let text = report(&[row], "1d", &reader);
        for part in [
            " 1d until 14:00:00\n",
            "events  1200",
            "FREQUENCY PER HOUR\n sensor.temperature  50",
            " heater  duty 12.6 %, on 3 h 2 min, starts 14",
            "codes stuck; lost, count 3, device id pump",
            "ANOMALIES\n –\n",
        ] {
            assert!(text.contains(part), "{part:?} is missing in\n{text}");
        }
        assert!(report(&[], "7d", &reader).contains("no report over 7d"));
    }
}
