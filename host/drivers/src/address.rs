//! Addresses: the text that names one point of the outside, and the kinds there are.

use std::fmt;

use growbox_model::id::quoted;
use growbox_model::{Objection, SensorId, Text};

use crate::tent::{Output, SENSORS};

/// Kinds of address this build has a driver for.
const BUILT: [&str; 6] = ["sim", "gpio", "unix", "zigbee", "mqtt", "null"];

/// Kinds growbox knows of and this build has no driver for.
const KNOWN: [&str; 3] = ["pwm", "hwmon", "i2c"];

/// The longest path of a unix socket, in bytes (`sockaddr_un`, with its closing zero).
const PATH_BYTES: usize = 107;

/// The highest pin of the header, by its BCM number.
const PINS: u8 = 27;

/// The longest topic, and the longest friendly name, in bytes.
const TOPIC_BYTES: usize = 256;

/// One point of the outside that this build can reach.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Address {
    /// `sim:NAME`: an output or a sensor of the simulated tent in this process.
    Simulated {
        /// Such as `heater` or `canopy`.
        name: Text,
    },
    /// `unix:PATH#POINT`: an output or a sensor of a room in another process.
    Unix {
        /// The socket's path.
        path: Text,
        /// The far side's own name of the output or sensor.
        point: Text,
    },
    /// `gpio:PIN`: a relay or a contact on a pin of this Raspberry Pi, by its BCM number.
    Pin {
        /// 0…27.
        pin: u8,
        /// On, or closed, is low: `gpio:PIN#low`.
        active_low: bool,
    },
    /// `zigbee:NAME`: a device of Zigbee2MQTT.
    Zigbee {
        /// Its friendly name.
        name: Text,
        /// One outlet of several: `zigbee:NAME#l1`.
        endpoint: Option<Text>,
    },
    /// `mqtt:TOPIC`: a topic of any make.
    Mqtt {
        /// Where readings come, or commands go.
        topic: Text,
    },
    /// `null:NAME`: an output that does whatever it is told, in no world at all.
    Null {
        /// Any name.
        name: Text,
    },
}

/// Reads an address.
///
/// # Errors
///
/// `bad_address` where it has not the form, `no_driver` where this build cannot reach that kind,
/// `unknown_kind` where nobody can, naming the nearest.
pub fn parse_address(text: &str) -> Result<Address, Objection> {
    let Some((kind, rest)) = text.split_once(':') else {
        return Err(bad(
            text,
            "KIND:NAME such as sim:heater or unix:/run/tent.sock#heater",
        ));
    };
    match kind {
        "sim" => Ok(Address::Simulated {
            name: name(text, rest)?,
        }),
        "null" => Ok(Address::Null {
            name: name(text, rest)?,
        }),
        "gpio" => gpio(text, rest),
        "unix" => unix(text, rest),
        "zigbee" => zigbee(text, rest),
        "mqtt" => Ok(Address::Mqtt {
            topic: topic(text, rest, "mqtt:TOPIC such as mqtt:shed/temperature")?,
        }),
        _ => Err(unreachable_kind(text, kind)),
    }
}

/// Whether what is behind the address lives in the process that opens it, and ends with it.
pub fn is_of_this_process(text: &str) -> bool {
    matches!(
        parse_address(text),
        Ok(Address::Simulated { .. } | Address::Null { .. })
    )
}

/// Reads the address of an output.
///
/// # Errors
///
/// As [`parse_address`], and `unknown_output` for what the simulated tent has not.
pub fn parse_output(text: &str) -> Result<Address, Objection> {
    let address = parse_address(text)?;
    if let Address::Simulated { name } = &address {
        Output::named(name)?;
    }
    Ok(address)
}

/// Reads the address of a sensor.
///
/// # Errors
///
/// As [`parse_address`], and `unknown_sensor` for what the simulated tent has not or no sensor is.
pub fn parse_source(text: &str) -> Result<Address, Objection> {
    let address = parse_address(text)?;
    match &address {
        Address::Simulated { name } if !SENSORS.contains(&&**name) => Err(Objection::unknown(
            "unknown_sensor",
            "sensor of the simulated tent",
            name,
            SENSORS,
        )),
        Address::Zigbee {
            endpoint: Some(_), ..
        } => Err(Objection::new(
            "unknown_sensor",
            format!(
                "{} is an outlet; a sensor is the whole device",
                quoted(text)
            ),
        )),
        Address::Null { .. } => Err(Objection::new(
            "unknown_sensor",
            format!(
                "{} is no sensor: null: takes orders and reads nothing",
                quoted(text)
            ),
        )),
        _ => Ok(address),
    }
}

fn name(text: &str, name: &str) -> Result<Text, Objection> {
    point(text, name, "KIND:NAME with a NAME of [A-Za-z0-9_.:-]{1,64}")
}

/// Points are named like sensors, which is what readings of them will be stored under.
fn point(text: &str, name: &str, form: &str) -> Result<Text, Objection> {
    SensorId::new(name)
        .map(|id| id.as_str().into())
        .map_err(|_| bad(text, form))
}

fn unix(text: &str, rest: &str) -> Result<Address, Objection> {
    const FORM: &str = "unix:PATH#NAME such as unix:/run/tent.sock#heater";
    let (path, name) = rest.rsplit_once('#').ok_or_else(|| bad(text, FORM))?;
    if path.is_empty() || path.contains('\0') {
        return Err(bad(text, FORM));
    }
    if path.len() > PATH_BYTES {
        return Err(bad(text, "unix:PATH#NAME with a PATH of at most 107 bytes"));
    }
    Ok(Address::Unix {
        path: path.into(),
        point: point(text, name, FORM)?,
    })
}

fn gpio(text: &str, rest: &str) -> Result<Address, Objection> {
    const FORM: &str =
        "gpio:PIN with a BCM number of 0 to 27, such as gpio:17, or gpio:17#low where on is low";
    let (number, active_low) = match rest.strip_suffix("#low") {
        Some(number) => (number, true),
        None => (rest, false),
    };
    let pin = number.parse().ok().filter(|pin| *pin <= PINS);
    // One pin has one name.
    let pin = pin.filter(|pin: &u8| pin.to_string() == number);
    let pin = pin.ok_or_else(|| bad(text, FORM))?;
    Ok(Address::Pin { pin, active_low })
}

fn zigbee(text: &str, rest: &str) -> Result<Address, Objection> {
    const FORM: &str = "zigbee:NAME or zigbee:NAME#OUTLET such as zigbee:Heater plug";
    let (name, endpoint) = match rest.split_once('#') {
        Some((name, endpoint)) => (name, Some(point(text, endpoint, FORM)?)),
        None => (rest, None),
    };
    Ok(Address::Zigbee {
        name: topic(text, name, FORM)?,
        endpoint,
    })
}

/// A topic, or a part of one: no wildcards, since each address is one point.
fn topic(text: &str, topic: &str, form: &str) -> Result<Text, Objection> {
    let odd = |c: char| matches!(c, '+' | '#') || c.is_control();
    if topic.trim() != topic || topic.is_empty() || topic.contains(odd) {
        return Err(bad(text, &format!("{form}, without + and #")));
    }
    if topic.len() > TOPIC_BYTES {
        let form = format!("{form}, with at most {TOPIC_BYTES} bytes");
        return Err(bad(text, &form));
    }
    Ok(topic.into())
}

fn bad(text: &str, form: &str) -> Objection {
    Objection::new(
        "bad_address",
        format!("{} is no address of the form {form}", quoted(text)),
    )
}

fn unreachable_kind(text: &str, kind: &str) -> Objection {
    if KNOWN.contains(&kind) {
        let have = BUILT.map(|kind| format!("{kind}:")).join(", ");
        return Objection::new(
            "no_driver",
            format!(
                "this build has no driver for {kind}: ({}); it has {have}",
                quoted(text)
            ),
        );
    }
    let kinds = BUILT.into_iter().chain(KNOWN);
    Objection::unknown("unknown_kind", "kind of address", kind, kinds)
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Simulated { name } => write!(f, "sim:{name}"),
            Self::Unix { path, point } => write!(f, "unix:{path}#{point}"),
            Self::Pin { pin, active_low } => {
                let polarity = if *active_low { "#low" } else { "" };
                write!(f, "gpio:{pin}{polarity}")
            }
            Self::Zigbee {
                name,
                endpoint: None,
            } => write!(f, "zigbee:{name}"),
            Self::Zigbee {
                name,
                endpoint: Some(endpoint),
            } => write!(f, "zigbee:{name}#{endpoint}"),
            Self::Mqtt { topic } => write!(f, "mqtt:{topic}"),
            Self::Null { name } => write!(f, "null:{name}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_and_written() {
        for text in [
            "sim:heater",
            "unix:/run/a#b.sock#canopy",
            "unix:tent.sock#x:y",
            "null:pump-1",
            "gpio:17",
            "gpio:5#low",
            "zigbee:Room climate",
            "zigbee:Strip/2#l1",
            "mqtt:käse/1/$x y",
        ] {
            assert_eq!(parse_address(text).unwrap().to_string(), text);
        }
        let Address::Unix { path, point } = parse_address("unix:/run/a#b.sock#canopy").unwrap()
        else {
            panic!("not unix");
        };
        assert_eq!((&*path, &*point), ("/run/a#b.sock", "canopy"));
    }

    #[test]
    fn what_is_no_address_says_what_one_is() {
        let long = format!("unix:/{}#x", "p".repeat(107));
        let long_topic = format!("mqtt:{}", "t".repeat(257));
        for text in [
            "heater",
            "sim:",
            "sim:a b",
            "unix:/run/x",
            "unix:#x",
            "unix:/run/x#",
            &long,
            &long_topic,
            "null:ä",
            "gpio:28",
            "gpio:05",
            "gpio:5#high",
            "mqtt:",
            "mqtt:shed/+",
            "mqtt:a\0b",
            "zigbee: Plug",
            "zigbee:#",
            "zigbee:Strip#",
        ] {
            let refusal = parse_address(text).unwrap_err();
            assert_eq!(refusal.code, "bad_address", "{text}");
        }
    }

    #[test]
    fn kinds_this_build_lacks_are_told_from_kinds_that_are_not() {
        for kind in KNOWN {
            let refusal = parse_address(&format!("{kind}:5")).unwrap_err();
            assert_eq!(refusal.code, "no_driver");
            assert!(
                refusal
                    .message
                    .starts_with(&format!("this build has no driver for {kind}:"))
            );
        }
        let refusal = parse_address("gpoi:5").unwrap_err();
        assert_eq!(refusal.nearest.as_deref(), Some("gpio"));
    }

    #[test]
    fn the_tents_points_are_known_by_name() {
        assert!(parse_output("sim:exhaust").is_ok());
        assert_eq!(
            parse_output("sim:exaust").unwrap_err().nearest.as_deref(),
            Some("exhaust")
        );
        assert!(parse_output("sim:canopy").is_err());
        assert!(parse_source("sim:canopy").is_ok());
        assert!(parse_source("sim:heater").is_err());
        assert!(parse_source("null:x").is_err());
        assert!(parse_source("gpio:4#low").is_ok());
        assert!(parse_source("zigbee:Strip#l1").is_err());
        assert!(parse_source("unix:/run/x#anything").is_ok());
    }
}
