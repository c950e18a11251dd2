//! Events for other programs: JSON lines that say which version they are, or comma-separated values.

use serde_json::Value;

use crate::cli::options::Format;

/// What a value of the CSV is taken from: top level, `data`, or `metadata`.
const COLUMNS: [(&str, &[&str]); 16] = [
    ("seq", &["seq"]),
    ("id", &["id"]),
    ("type", &["type"]),
    ("timestamp", &["timestamp"]),
    ("taken", &["taken"]),
    ("source", &["source"]),
    ("zone", &["metadata", "zone"]),
    ("sensor_id", &["data", "sensor_id"]),
    ("value", &["data", "value"]),
    ("unit", &["data", "unit"]),
    ("quality", &["data", "quality"]),
    ("device_id", &["data", "device_id"]),
    ("level", &["data", "level"]),
    ("reason", &["data", "reason"]),
    ("cause", &["cause"]),
    ("data", &["data"]),
];

/// The first line of an export.
pub(in crate::cli) fn heading(format: Format) -> &'static str {
    match format {
        Format::Json => "{\"growbox_export\":1}\n",
        Format::Csv => {
            "seq,id,type,timestamp,taken,source,zone,sensor_id,value,unit,quality,device_id,level,reason,cause,data\n"
        }
    }
}

/// One event.
pub(in crate::cli) fn line(event: &Value, format: Format) -> String {
    match format {
        Format::Json => format!("{event}\n"),
        Format::Csv => {
            let cells: Vec<String> = COLUMNS.iter().map(|(_, path)| cell(event, path)).collect();
            format!("{}\n", cells.join(","))
        }
    }
}

fn cell(event: &Value, path: &[&str]) -> String {
    let value = path.iter().try_fold(event, |value, key| value.get(key));
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => quoted(text),
        Some(other) => quoted(&other.to_string()),
    }
}

/// RFC 4180: quotes where a comma, a quote or a line break is inside.
fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) {
        return format!("\"{}\"", text.replace('"', "\"\""));
    }
    text.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_heading_names_the_columns() {
        let names: Vec<&str> = COLUMNS.iter().map(|(name, _)| *name).collect();
        assert_eq!(heading(Format::Csv), format!("{}\n", names.join(",")));
    }

    #[test]
    fn cells_are_quoted_where_they_must_be() {
        let event = json!({
            "seq": 7, "id": "a,b", "type": "sensor.temperature", "timestamp": "2026-01-15T10:30:00Z",
            "taken": "2026-01-15T10:30:01Z", "source": "http", "data": {"sensor_id": "canopy", "value": 24.5},
            "metadata": {"zone": "tent"}
        });
        let expected = "7,\"a,b\",sensor.temperature,2026-01-15T10:30:00Z,2026-01-15T10:30:01Z,http,tent,canopy,24.5,,,,,,,\
                        \"{\"\"sensor_id\"\":\"\"canopy\"\",\"\"value\"\":24.5}\"\n";
        assert_eq!(line(&event, Format::Csv), expected);
    }
}
