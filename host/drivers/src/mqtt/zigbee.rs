//! Zigbee2MQTT: its messages, its commands, and the list of its devices.

use growbox_model::PowerOn;
use growbox_model::id::quoted;
use serde_json::{Map, Value, json};

use super::payload::{Payload, number};
use super::settings::{Timer, ZigbeeOutput};

/// The most steps of a dimmer.
const BRIGHTNESS: f64 = 254.0;

/// Zigbee2MQTT's key for what a device does when its power returns.
const POWER_ON: &str = "power_on_behavior";

/// What a key of a message is a reading of.
struct Key {
    name: &'static str,
    quantity: &'static str,
    unit: &'static str,
    read: fn(&Value) -> Result<f64, String>,
}

const fn key(name: &'static str, quantity: &'static str, unit: &'static str) -> Key {
    Key {
        name,
        quantity,
        unit,
        read: number,
    }
}

const fn yes_or_no(
    name: &'static str,
    quantity: &'static str,
    unit: &'static str,
    read: fn(&Value) -> Result<f64, String>,
) -> Key {
    Key {
        name,
        quantity,
        unit,
        read,
    }
}

/// Keys that are readings, in the units Zigbee2MQTT has fixed for them. All others (battery,
/// link quality, settings) are none. Of two keys for one quantity the first counts.
const KEYS: &[Key] = &[
    key("temperature", "temperature", "celsius"),
    key("humidity", "humidity", "percent"),
    key("pressure", "pressure", "hectopascal"),
    key("soil_moisture", "soil_moisture", "percent"),
    key("illuminance_lux", "illuminance", "lux"),
    key("illuminance", "illuminance", "lux"),
    key("co2", "co2", "parts_per_million"),
    key("power", "power", "watt"),
    key("energy", "energy", "kilowatt_hour"),
    key("ph", "ph", "ph"),
    key("ec", "ec", "microsiemens_per_centimetre"),
    // The contact is closed when the door is.
    yes_or_no("contact", "door", "open", |value| {
        flag(value).map(|closed| 1.0 - closed)
    }),
    yes_or_no("water_leak", "leak", "wet", flag),
    yes_or_no("occupancy", "motion", "moving", flag),
];

fn flag(value: &Value) -> Result<f64, String> {
    value
        .as_bool()
        .map(|flag| f64::from(u8::from(flag)))
        .ok_or_else(|| format!("{} is neither true nor false", quoted(&value.to_string())))
}

/// One quantity of a message.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Found {
    pub(super) quantity: &'static str,
    pub(super) value: f64,
    pub(super) unit: &'static str,
}

/// All quantities of a message, and what was wrong with others.
pub(super) fn readings(payload: &Payload) -> (Vec<Found>, Vec<String>) {
    let object = match payload {
        Payload::Empty => return Default::default(),
        Payload::Json(Value::Object(object)) => object,
        Payload::Json(_) | Payload::Text(_) => {
            return (Vec::new(), vec!["it is no JSON object".to_owned()]);
        }
    };
    let (mut found, mut wrong): (Vec<Found>, Vec<String>) = Default::default();
    for key in KEYS {
        let known = found.iter().any(|earlier| earlier.quantity == key.quantity);
        let Some(value) = object.get(key.name).filter(|_| !known) else {
            continue;
        };
        match (key.read)(value) {
            Ok(value) => found.push(Found {
                quantity: key.quantity,
                value,
                unit: key.unit,
            }),
            Err(why) => wrong.push(format!("{}: {why}", key.name)),
        }
    }
    (found, wrong)
}

/// The level a message tells of an output; none where it tells nothing of it.
pub(super) fn state(
    payload: &Payload,
    output: &ZigbeeOutput,
    switched: bool,
) -> Result<Option<f64>, String> {
    let object = match payload {
        Payload::Empty => return Ok(None),
        Payload::Json(Value::Object(object)) => object,
        Payload::Json(_) | Payload::Text(_) => return Err("it is no JSON object".to_owned()),
    };
    match object.get(&property("state", output)) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(word)) if word == "OFF" => Ok(Some(0.0)),
        Some(Value::String(word)) if word == "ON" => on_level(object, output, switched).map(Some),
        Some(other) => Err(format!(
            "state: {} is neither ON nor OFF",
            quoted(&other.to_string())
        )),
    }
}

fn on_level(
    object: &Map<String, Value>,
    output: &ZigbeeOutput,
    switched: bool,
) -> Result<f64, String> {
    let brightness = object.get(&property("brightness", output));
    match brightness.filter(|value| !switched && !value.is_null()) {
        None => Ok(1.0),
        Some(value) => number(value)
            .map(|steps| (steps / BRIGHTNESS).clamp(0.0, 1.0))
            .map_err(|why| format!("brightness: {why}")),
    }
}

/// The payload of `<base>/NAME/set` that brings an output to a level.
pub(super) fn command(
    output: &ZigbeeOutput,
    switched: bool,
    level: f64,
    timer: Option<(Timer, u64)>,
) -> String {
    let mut object = Map::new();
    let word = if level > 0.0 { "ON" } else { "OFF" };
    object.insert(property("state", output), word.into());
    if level > 0.0 && !switched {
        let steps = (level * BRIGHTNESS).round().max(1.0);
        object.insert(property("brightness", output), json!(steps as u8));
    }
    match timer {
        Some((Timer::OnTime, seconds)) if level > 0.0 => {
            object.insert("on_time".to_owned(), seconds.into());
        }
        Some((Timer::Countdown, seconds)) if level > 0.0 => {
            object.insert(property("countdown", output), seconds.into());
        }
        _ => {}
    }
    Value::Object(object).to_string()
}

/// The payload that tells an output what to do when its power returns.
pub(super) fn power_on_command(output: &ZigbeeOutput, wanted: PowerOn) -> String {
    let mut object = Map::new();
    object.insert(property(POWER_ON, output), power_on_word(wanted).into());
    Value::Object(object).to_string()
}

/// What a message says that an output does when its power returns.
pub(super) fn power_on<'p>(payload: &'p Payload, output: &ZigbeeOutput) -> Option<&'p str> {
    let Payload::Json(Value::Object(object)) = payload else {
        return None;
    };
    object.get(&property(POWER_ON, output))?.as_str()
}

/// Zigbee2MQTT's word for it.
pub(super) fn power_on_word(behaviour: PowerOn) -> &'static str {
    match behaviour {
        PowerOn::Off => "off",
        PowerOn::On => "on",
        PowerOn::Previous => "previous",
    }
}

/// The payload of `<base>/NAME/get` that makes an output tell its state.
pub(super) fn question(output: &ZigbeeOutput) -> String {
    let mut object = Map::new();
    object.insert(property("state", output), "".into());
    Value::Object(object).to_string()
}

fn property(name: &str, output: &ZigbeeOutput) -> String {
    match &output.endpoint {
        None => name.to_owned(),
        Some(endpoint) => format!("{name}_{endpoint}"),
    }
}

/// One device of the bridge's list, as far as growbox can use it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ZigbeeDevice {
    /// Its friendly name.
    pub name: String,
    /// What people call it: vendor, model, description.
    pub label: String,
    /// The quantities it measures.
    pub quantities: Vec<&'static str>,
    /// Its outlets that can be switched; one without a name is the device itself.
    pub switches: Vec<Option<String>>,
    /// Whether it dims.
    pub dims: bool,
    /// Its own off timer, where the list says so.
    pub timer: Timer,
    /// What it can be told to do when its power returns, in Zigbee2MQTT's words.
    pub power_on: Vec<String>,
    /// Whether the bridge leaves it out.
    pub disabled: bool,
}

/// Reads the bridge's list (`<base>/bridge/devices`), or says why it is none.
///
/// # Errors
///
/// In words.
pub(super) fn devices(bytes: &[u8]) -> Result<Vec<ZigbeeDevice>, String> {
    let list: Vec<Value> =
        serde_json::from_slice(bytes).map_err(|error| format!("no list of devices: {error}"))?;
    Ok(list.iter().filter_map(device).collect())
}

fn device(entry: &Value) -> Option<ZigbeeDevice> {
    if entry.get("type").and_then(Value::as_str) == Some("Coordinator") {
        return None;
    }
    let text = |value: Option<&Value>| value.and_then(Value::as_str).unwrap_or_default().to_owned();
    let name = text(entry.get("friendly_name"));
    if name.is_empty() {
        return None;
    }
    let definition = entry.get("definition");
    let part = |key: &str| text(definition.and_then(|definition| definition.get(key)));
    let words = [part("vendor"), part("model"), part("description")];
    let mut device = ZigbeeDevice {
        name,
        label: words.join(" ").trim().to_owned(),
        quantities: Vec::new(),
        switches: Vec::new(),
        dims: false,
        timer: Timer::None,
        power_on: Vec::new(),
        disabled: entry.get("disabled").and_then(Value::as_bool) == Some(true),
    };
    let exposes = definition.and_then(|definition| definition.get("exposes"));
    for expose in exposes.and_then(Value::as_array).into_iter().flatten() {
        device.take(expose);
    }
    Some(device)
}

impl ZigbeeDevice {
    /// Takes one feature of the device, or a group of them with its features inside.
    fn take(&mut self, expose: &Value) {
        let text = |key: &str| expose.get(key).and_then(Value::as_str).unwrap_or_default();
        let kind = text("type");
        if matches!(kind, "switch" | "light") {
            let endpoint = Some(text("endpoint")).filter(|endpoint| !endpoint.is_empty());
            self.switches.push(endpoint.map(str::to_owned));
        }
        let features = expose.get("features").and_then(Value::as_array);
        for feature in features.into_iter().flatten() {
            let named = |name: &str| feature.get("name").and_then(Value::as_str) == Some(name);
            self.dims |= kind == "light" && named("brightness");
        }
        let (name, settable) = (text("name"), expose.get("access").and_then(Value::as_u64));
        let settable = settable.is_some_and(|access| access & 2 != 0);
        match name {
            "on_time" if settable => self.timer = Timer::OnTime,
            // Some count minutes, and then the list says so.
            "countdown" if settable && text("unit") == "s" => self.timer = Timer::Countdown,
            POWER_ON if settable => {
                let words = expose.get("values").and_then(Value::as_array);
                let words = words.into_iter().flatten().filter_map(Value::as_str);
                self.power_on = words.map(str::to_owned).collect();
            }
            _ => {}
        }
        let quantity = KEYS.iter().find(|key| key.name == name);
        if let Some(key) = quantity.filter(|key| !self.quantities.contains(&key.quantity)) {
            self.quantities.push(key.quantity);
        }
    }
}

#[cfg(test)]
mod tests;
