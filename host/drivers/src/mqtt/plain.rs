//! Topics of any make, as the configuration maps them: a value in, a command out.

use growbox_model::id::quoted;
use serde_json::Value;

use super::payload::{Payload, number, number_in, switch_word};
use super::settings::{MappedOutput, MappedValue};

/// The value of a message; none where the message was only taken back.
pub(super) fn value(payload: &Payload, mapped: &MappedValue) -> Result<Option<f64>, String> {
    let read = match (payload, &mapped.pointer) {
        (Payload::Empty, _) => return Ok(None),
        (Payload::Json(json), Some(pointer)) => {
            let found = json.pointer(pointer);
            let found = found.ok_or_else(|| format!("it has nothing at {}", quoted(pointer)))?;
            number_or_flag(found)
        }
        (Payload::Json(_), None) => Err("it is JSON, and no value = \"/…\" says where".to_owned()),
        (Payload::Text(text), None) => number_in(text),
        (Payload::Text(text), Some(pointer)) => {
            let (text, pointer) = (quoted(text), quoted(pointer));
            Err(format!(
                "{text} is no JSON that could have something at {pointer}"
            ))
        }
    };
    let value = read? * mapped.scale + mapped.offset;
    if value.is_finite() {
        Ok(Some(value))
    } else {
        Err(format!("{value} is no finite number"))
    }
}

fn number_or_flag(value: &Value) -> Result<f64, String> {
    value
        .as_bool()
        .map_or_else(|| number(value), |flag| Ok(f64::from(u8::from(flag))))
}

/// The command that brings a device to a level.
pub(super) fn command(output: &MappedOutput, level: f64, seconds: Option<u64>) -> String {
    if let Some(template) = &output.level {
        return filled(template, level);
    }
    match (level > 0.0, seconds, &output.on_for) {
        (false, ..) => output.off.clone(),
        (true, Some(seconds), Some(template)) => {
            template.replace("{seconds}", &seconds.to_string())
        }
        (true, ..) => output.on.clone(),
    }
}

fn filled(template: &str, level: f64) -> String {
    template
        .replace("{percent}", &(level * 100.0).round().to_string())
        .replace("{byte}", &(level * 255.0).round().to_string())
        .replace("{level}", &((level * 1000.0).round() / 1000.0).to_string())
}

/// The level a state message tells; none where it tells nothing of it.
pub(super) fn state(payload: &Payload, output: &MappedOutput) -> Result<Option<f64>, String> {
    let said = match (payload, &output.state_pointer) {
        (Payload::Empty, _) => return Ok(None),
        (Payload::Json(json), Some(pointer)) => match json.pointer(pointer) {
            None | Some(Value::Null) => return Ok(None),
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
        },
        (Payload::Json(json), None) => json.to_string(),
        (Payload::Text(text), _) => text.clone(),
    };
    let word = |command: &str| same_words(payload, &said, command);
    if let Some(template) = &output.level {
        return level_of(&said, template).map(Some);
    }
    if word(&output.on) {
        return Ok(Some(1.0));
    }
    if word(&output.off) {
        return Ok(Some(0.0));
    }
    let on = switch_word(&said).ok_or_else(|| format!("{} is neither on nor off", quoted(&said)));
    on.map(|on| Some(f64::from(u8::from(on))))
}

/// A state is often said in the words of the command.
fn same_words(payload: &Payload, said: &str, command: &str) -> bool {
    let as_json = || serde_json::from_str::<Value>(command).ok();
    said == command || matches!(payload, Payload::Json(json) if Some(json) == as_json().as_ref())
}

/// A level is told in the measure in which it is ordered.
fn level_of(said: &str, template: &str) -> Result<f64, String> {
    let whole = if template.contains("{level}") {
        1.0
    } else if template.contains("{byte}") {
        255.0
    } else {
        100.0
    };
    let level = match (said.parse::<f64>(), switch_word(said)) {
        (Ok(number), _) => number / whole,
        (Err(_), Some(on)) => f64::from(u8::from(on)),
        (Err(_), None) => return Err(format!("{} is no level", quoted(said))),
    };
    if (0.0..=1.0).contains(&level) {
        Ok(level)
    } else {
        Err(format!("{} is no level of 0…{whole}", quoted(said)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn mapped(pointer: Option<&str>, scale: f64, offset: f64) -> MappedValue {
        MappedValue {
            pointer: pointer.map(str::to_owned),
            quantity: "temperature".into(),
            unit: None,
            scale,
            offset,
        }
    }

    fn output(level: Option<&str>) -> MappedOutput {
        MappedOutput {
            topic: "t".into(),
            on: "ON".into(),
            on_for: Some("ON:{seconds}".into()),
            off: "OFF".into(),
            level: level.map(str::to_owned),
            state_topic: None,
            state_pointer: None,
            availability_topic: None,
        }
    }

    fn read(text: &str) -> Payload {
        Payload::read(text.as_bytes()).unwrap()
    }

    #[test]
    fn values_come_plain_or_from_inside_json() {
        let plain = |text: &str| value(&read(text), &mapped(None, 1.0, 0.0));
        assert_eq!(plain("21.5"), Ok(Some(21.5)));
        assert_eq!(plain(""), Ok(None));
        for text in ["warm", "NaN", "{\"a\":1}", "[21]"] {
            assert!(plain(text).is_err(), "{text}");
        }
        let inside = |text: &str| value(&read(text), &mapped(Some("/a/0"), 0.1, -1.0));
        assert_eq!(inside(r#"{"a":[250]}"#), Ok(Some(24.0)));
        for text in ["250", "{}", r#"{"a":["250"]}"#, r#"{"a":[null]}"#] {
            assert!(inside(text).is_err(), "{text}");
        }
    }

    #[test]
    fn commands_are_the_words_of_the_configuration() {
        let switch = output(None);
        assert_eq!(command(&switch, 1.0, None), "ON");
        assert_eq!(command(&switch, 1.0, Some(120)), "ON:120");
        assert_eq!(command(&switch, 0.0, Some(120)), "OFF");
        let dimmer = |template| command(&output(Some(template)), 0.355, None);
        assert_eq!(dimmer("{\"brightness\":{byte}}"), "{\"brightness\":91}");
        assert_eq!(dimmer("{percent} {level}"), "36 0.355");
    }

    #[test]
    fn states_are_told_in_the_words_of_the_command() {
        let told = |text: &str| state(&read(text), &output(None));
        assert_eq!(told("ON"), Ok(Some(1.0)));
        assert_eq!(told("off"), Ok(Some(0.0)));
        assert!(told("perhaps").is_err());
        let json = MappedOutput {
            on: r#"{"POWER":"ON"}"#.into(),
            ..output(None)
        };
        assert_eq!(state(&read(r#"{ "POWER": "ON" }"#), &json), Ok(Some(1.0)));
        let inside = MappedOutput {
            state_pointer: Some("/POWER1".into()),
            ..output(None)
        };
        assert_eq!(state(&read(r#"{"POWER1":"OFF"}"#), &inside), Ok(Some(0.0)));
        assert_eq!(state(&read(r#"{"POWER1":true}"#), &inside), Ok(Some(1.0)));
        assert_eq!(state(&read(r#"{"Wifi":{}}"#), &inside), Ok(None));
        let level = |text: &str| state(&read(text), &output(Some("{percent}")));
        assert_eq!(level("35"), Ok(Some(0.35)));
        assert_eq!(level("off"), Ok(Some(0.0)));
        assert!(level("350").is_err() && level("NaN").is_err());
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(
            bytes in proptest::collection::vec(any::<u8>(), 0..100),
            pointer in proptest::option::of(".*"),
            level in proptest::option::of(".*"),
        ) {
            if let Ok(payload) = Payload::read(&bytes) {
                let read = value(&payload, &mapped(pointer.as_deref(), 1.0, 0.0));
                prop_assert!(read.ok().flatten().is_none_or(f64::is_finite));
                let output = MappedOutput { state_pointer: pointer, ..output(level.as_deref()) };
                let level = state(&payload, &output).ok().flatten();
                prop_assert!(level.is_none_or(|level| (0.0..=1.0).contains(&level)));
            }
        }
    }
}
