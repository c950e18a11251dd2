//! The recorded office of 2015: rows, and the events they become.

use serde_json::{Value, json};

use crate::place::workspace;

/// What one minute brought.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// When, RFC 3339.
    pub time: String,
    /// Air temperature, °C.
    pub temperature: f64,
    /// Relative humidity, %.
    pub humidity: f64,
    /// Light, lux.
    pub light: f64,
    /// CO2, ppm.
    pub co2: f64,
}

impl Row {
    /// The four readings of this row, each with an id made of the quantity and the row's number.
    #[must_use]
    pub fn events(&self, number: usize) -> [Value; 4] {
        let event = |quantity: &str, sensor: &str, value: f64| {
            json!({
                "id": format!("{quantity}-{number}"),
                "type": format!("sensor.{quantity}"),
                "timestamp": self.time,
                "data": {"sensor_id": sensor, "value": value},
                "metadata": {"zone": "office"},
            })
        };
        [
            event("temperature", "desk", self.temperature),
            event("humidity", "desk", self.humidity),
            event("illuminance", "window", self.light),
            event("co2", "desk", self.co2),
        ]
    }
}

/// Every row of the recording, in its order.
///
/// # Panics
/// Where the recording is not as it was.
#[must_use]
pub fn office() -> Vec<Row> {
    let path = workspace().join("examples/recordings/room-2015-02-04.csv");
    let text = std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    text.lines().skip(1).map(row).collect()
}

fn row(line: &str) -> Row {
    let cells: Vec<&str> = line.split(',').collect();
    let number = |at: usize| -> f64 {
        let cell = cells.get(at).and_then(|cell| cell.parse().ok());
        cell.unwrap_or_else(|| panic!("no number {at} in {line:?}"))
    };
    Row {
        time: cells[0].to_owned(),
        temperature: number(1),
        humidity: number(2),
        light: number(3),
        co2: number(4),
    }
}
