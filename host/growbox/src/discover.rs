//! `growbox discover`: what Zigbee2MQTT has, as lines for the configuration.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use growbox_drivers::mqtt::{Discovery, Settings, Timer, ZigbeeDevice, discover as look};
use growbox_model::room::NodeSpec;

use crate::cli::{DiscoverArgs, Exit};
use crate::config::{self, broker_settings};

/// What a name says about the role of a device; a longer word goes before one it contains.
const ROLES: &[(&str, &str)] = &[
    ("dehumidifier", "dehumidifier"),
    ("humidifier", "humidifier"),
    ("heater", "heater"),
    ("exhaust", "exhaust"),
    ("circulation", "circulation"),
    ("light", "light"),
    ("lamp", "light"),
];

/// Carries out `growbox discover`.
pub fn discover(args: &DiscoverArgs) -> ExitCode {
    let settings = match settings(args) {
        Ok(settings) => settings,
        Err(why) => {
            eprintln!("error: {why}");
            return Exit::Wrong.into();
        }
    };
    let found = crate::run::runtime().and_then(|runtime| {
        let at_most = Duration::from_secs(args.seconds);
        Ok(runtime.block_on(look(&settings, at_most))?)
    });
    match found {
        Ok(Discovery::Devices(devices)) => {
            print!("{}", lines(&devices));
            Exit::Done.into()
        }
        Ok(Discovery::NoBridge) => {
            let (host, base) = (&settings.host, &settings.base);
            eprintln!(
                "error: the broker at {host} is there, and no Zigbee2MQTT has left its list under {base}/bridge/devices\n  is it running? does [mqtt] base name its topic?"
            );
            Exit::Failed.into()
        }
        Ok(Discovery::Unreadable(why)) => {
            eprintln!("error: Zigbee2MQTT's list of devices cannot be read: {why}");
            Exit::Failed.into()
        }
        Err(error) => {
            eprintln!("error: {error:#}");
            Exit::Unreachable.into()
        }
    }
}

/// The broker named, else that of the configuration.
fn settings(args: &DiscoverArgs) -> Result<Settings, String> {
    if let Some(broker) = &args.broker {
        return broker_settings(broker, &NodeSpec::default()).map_err(|error| error.to_string());
    }
    let checked = config::load(&args.config).map_err(|error| {
        format!("{error}\n  or name the broker: growbox discover --broker 192.168.1.10")
    })?;
    let Some(configuration) = checked.configuration else {
        return Err(format!(
            "{checked}\n  or name the broker: growbox discover --broker 192.168.1.10"
        ));
    };
    let broker = configuration.mqtt.map(|mqtt| mqtt.settings);
    broker.ok_or_else(|| {
        let file = args.config.display();
        format!("{file} has no [mqtt]; name the broker: growbox discover --broker 192.168.1.10")
    })
}

fn lines(devices: &[ZigbeeDevice]) -> String {
    let mut taken = BTreeSet::new();
    let mut sensors = String::from("[sensor]\n");
    let mut outputs = String::from(
        "\n[device]                # zone and role are guesses; all roles: growbox roles\n",
    );
    for device in devices.iter().filter(|device| !device.disabled) {
        if !device.quantities.is_empty() {
            let id = id_of(&device.name, &mut taken);
            let measured = device.quantities.join(", ");
            let source = quoted(&format!("zigbee:{}", device.name));
            // Text takes text: writing to it does not fail.
            let _ = writeln!(
                sensors,
                "{id} = {{ source = {source} }}    # {measured}; {}",
                comment(&device.label)
            );
        }
        for outlet in &device.switches {
            outputs.push_str(&device_line(device, outlet.as_deref(), &mut taken));
        }
    }
    format!("{sensors}{outputs}")
}

fn device_line(
    device: &ZigbeeDevice,
    outlet: Option<&str>,
    taken: &mut BTreeSet<String>,
) -> String {
    let (name, address) = match outlet {
        None => (device.name.clone(), format!("zigbee:{}", device.name)),
        Some(outlet) => (
            format!("{} {outlet}", device.name),
            format!("zigbee:{}#{outlet}", device.name),
        ),
    };
    let id = id_of(&name, taken);
    let lower = name.to_lowercase();
    let role = ROLES.iter().find(|(word, _)| lower.contains(word));
    let (mark, role) = role.map_or(("# ", "other"), |(_, role)| ("", role));
    let timer = if device.timer == Timer::None {
        "no timer of its own"
    } else {
        "goes off by itself when growbox is gone"
    };
    let (switched, output) = (!device.dims, quoted(&address));
    format!(
        "{mark}{id} = {{ zone = \"tent\", role = \"{role}\", output = {output}, switched = {switched} }}    # {}; {timer}\n",
        comment(&device.label)
    )
}

/// A friendly name as an id, told apart from those before.
fn id_of(name: &str, taken: &mut BTreeSet<String>) -> String {
    let plain = |c: char| {
        if c.is_ascii_alphanumeric() {
            c.to_ascii_lowercase()
        } else {
            '-'
        }
    };
    let all: String = name.chars().map(plain).collect();
    let words: Vec<&str> = all.split('-').filter(|word| !word.is_empty()).collect();
    let mut base: String = words.join("-").chars().take(56).collect();
    if base.is_empty() {
        base = "unnamed".to_owned();
    }
    let mut id = base.clone();
    for number in 2_u32.. {
        if taken.insert(id.clone()) {
            break;
        }
        id = format!("{base}-{number}");
    }
    id
}

/// Text as TOML writes it.
fn quoted(text: &str) -> String {
    toml_edit::Value::from(text).to_string().trim().to_owned()
}

/// Text of strangers on one line.
fn comment(text: &str) -> String {
    let line = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    line.take(80).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn device(
        name: &str,
        quantities: Vec<&'static str>,
        switches: Vec<Option<String>>,
    ) -> ZigbeeDevice {
        ZigbeeDevice {
            name: name.into(),
            label: "Maker\nModel".into(),
            quantities,
            switches,
            dims: false,
            timer: Timer::None,
            power_on: Vec::new(),
            disabled: false,
        }
    }

    #[test]
    fn what_is_printed_is_a_configuration() {
        let devices = [
            device(
                "Room \"climate\" ä",
                vec!["temperature", "humidity"],
                vec![],
            ),
            device("Heater plug", vec!["power"], vec![None]),
            device("0x00158d", vec![], vec![Some("l1".into())]),
        ];
        let text = lines(&devices);
        let document: toml_edit::DocumentMut = text.parse().unwrap();
        let source = document["sensor"]["room-climate"]["source"].as_str();
        assert_eq!(source, Some("zigbee:Room \"climate\" ä"));
        let heater = &document["device"]["heater-plug-2"];
        assert_eq!(heater["role"].as_str(), Some("heater"));
        assert!(text.contains("\n# 0x00158d-l1 = { zone = \"tent\", role = \"other\", output = \"zigbee:0x00158d#l1\""), "{text}");
    }

    #[test]
    fn the_dehumidifier_is_no_humidifier() {
        let mut taken = BTreeSet::new();
        let line = device_line(
            &device("Dehumidifier", vec![], vec![None]),
            None,
            &mut taken,
        );
        assert!(line.contains("role = \"dehumidifier\""), "{line}");
    }
}
