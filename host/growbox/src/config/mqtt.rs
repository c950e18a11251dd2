//! `[mqtt]`: the broker, and what the tables say of sensors and devices behind it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use growbox_drivers::mqtt::{
    MappedOutput, MappedValue, OutputForm, OutputPoint, Roots, SensorForm, SensorPoint, Settings,
    Timer, ZigbeeOutput,
};
use growbox_drivers::{Address, parse_address};
use growbox_model::id::quoted;
use growbox_model::room::{ClockForm, NodeSpec};
use growbox_model::{DeviceSpec, Objection, Quantity, RoomSpec, Span, Text};
use toml_edit::{TableLike, Value};

use super::Surroundings;
use super::report::{Report, Wrong};
use super::section::{Section, as_table, locate};
use super::value::{Read, flag, number_in, some_text, span_in, text, word_of};

/// Where Zigbee2MQTT puts everything unless it was told otherwise.
const BASE: &str = "zigbee2mqtt";
/// Ports without and with TLS.
const PORTS: (u16, u16) = (1883, 8883);
/// Who growbox logs in as where it has a password and no name.
const USER: &str = "growbox";
/// How long the line may be silent.
const KEEP_ALIVE: Span = Span::seconds(30);

const TIMERS: &[(&str, Timer)] = &[
    ("on_time", Timer::OnTime),
    ("countdown", Timer::Countdown),
    ("none", Timer::None),
];

/// Everything behind the broker.
#[derive(Debug, Clone, PartialEq)]
pub struct MqttSpec {
    /// The broker.
    pub settings: Settings,
    /// The sensors behind it.
    pub sensors: Vec<SensorPoint>,
    /// The devices behind it.
    pub outputs: Vec<OutputPoint>,
}

/// The broker while the other tables are read.
#[derive(Debug)]
pub(super) struct Broker {
    settings: Option<Settings>,
    /// Whether there is such a table, good or bad.
    named: bool,
    /// Nothing real hangs on it: any clock is right for it.
    simulated: bool,
    pub(super) sensors: Vec<SensorPoint>,
    pub(super) outputs: Vec<OutputPoint>,
}

impl Broker {
    /// The topic of a sensor behind the broker; none where its address is another driver's.
    pub(super) fn topic_of(&self, address: &Address) -> Option<String> {
        let base = self
            .settings
            .as_ref()
            .map_or(BASE, |settings| &settings.base);
        match address {
            Address::Zigbee { name, .. } => Some(format!("{base}/{name}")),
            Address::Mqtt { topic } => Some(topic.to_string()),
            _ => None,
        }
    }
}

/// Settings of a broker given by its address alone.
///
/// # Errors
///
/// `bad_broker`.
pub fn broker_settings(broker: &str, node: &NodeSpec) -> Result<Settings, Objection> {
    let (host, port, tls) = address(broker)?;
    let safe = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let name: String = node
        .name
        .chars()
        .map(|c| if safe(c) { c } else { '-' })
        .collect();
    Ok(Settings {
        host,
        port,
        tls: tls.then_some(Roots::System),
        user: None,
        password: None,
        client_id: format!("growbox-{name}"),
        base: BASE.to_owned(),
        own: format!("growbox/{name}"),
        keep_alive: KEEP_ALIVE,
        stop_topic: None,
        fleeting: false,
    })
}

/// `host`, `host:port`, `mqtt://…`, `mqtts://…`: host, port, and whether TLS is meant.
fn address(broker: &str) -> Result<(String, u16, bool), Objection> {
    let bad = || {
        let message = format!(
            "{} is no broker such as 192.168.1.10 or mqtts://mqtt.example:8883",
            quoted(broker)
        );
        Objection::new("bad_broker", message)
    };
    let (tls, rest) = match broker.split_once("://") {
        Some(("mqtt", rest)) => (false, rest),
        Some(("mqtts", rest)) => (true, rest),
        Some(_) => return Err(bad()),
        None => (false, broker),
    };
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    let default = if tls { PORTS.1 } else { PORTS.0 };
    let (host, port) = match rest.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, port.parse().map_err(|_| bad())?),
        _ => (rest, default),
    };
    let bracketed = host.starts_with('[') && host.ends_with(']');
    let odd = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '/' | '@' | '#' | '?');
    if host.is_empty() || port == 0 || host.contains(odd) || (host.contains(':') && !bracketed) {
        return Err(bad());
    }
    Ok((host.to_owned(), port, tls))
}

/// Reads `[mqtt]`.
pub(super) fn read(
    report: &mut Report<'_>,
    root: &dyn TableLike,
    node: &NodeSpec,
    around: &Surroundings<'_>,
) -> Broker {
    let mut broker = Broker {
        settings: None,
        named: root.contains_key("mqtt"),
        simulated: false,
        sensors: Vec::new(),
        outputs: Vec::new(),
    };
    let Some(item) = root.get("mqtt") else {
        return broker;
    };
    locate(report, "mqtt", root, "mqtt");
    let Some(table) = as_table(report, "mqtt", item) else {
        return broker;
    };
    let mut section = Section::new(report, "mqtt", Some(table));
    let real = "what is behind a broker is taken to be real";
    broker.simulated = section.or("simulated", flag, false, real);
    broker.settings = settings(section, node, around);
    broker
}

fn settings(
    mut section: Section<'_, '_>,
    node: &NodeSpec,
    around: &Surroundings<'_>,
) -> Option<Settings> {
    let found = section.given("broker", |value| Ok(broker_settings(&text(value)?, node)?));
    section.require("broker", "add broker = \"192.168.1.10\"");
    // The rest is read all the same, to be checked.
    let mut settings = found
        .clone()
        .or_else(|| broker_settings("unknown", node).ok())?;
    let (base, id) = (settings.base.clone(), settings.client_id.clone());
    settings.base = section.or("base", topic, base, "Zigbee2MQTT's own default");
    settings.client_id = section.or(
        "client_id",
        some_text,
        id,
        "the broker keeps messages for this name",
    );
    let keep_alive = span_in(Span::seconds(5)..=Span::hours(12));
    settings.keep_alive = section.or(
        "keep_alive",
        keep_alive,
        KEEP_ALIVE,
        "a broken line is noticed within one and a half of it",
    );
    settings.stop_topic = section.or_none("stop_topic", topic, "nobody stops it over MQTT");
    settings.password = password(&mut section, around);
    settings.user = match settings.password {
        Some(_) => Some(section.or("user", some_text, USER.to_owned(), "growbox's own name")),
        None => section.or_none("user", some_text, "the broker lets anybody in"),
    };
    later(&mut section);
    roots(&mut section, &mut settings, around);
    section.finish();
    found.map(|_| settings)
}

/// Keys growbox knows of, and this build cannot serve.
fn later(section: &mut Section<'_, '_>) {
    if section.given("home_assistant", flag) == Some(true) {
        let lack = "this build does not show the room to Home Assistant yet";
        let wrong = Wrong::new("not_in_this_build", lack).but("take it out until then");
        section.report.error("mqtt.home_assistant", wrong);
    }
}

fn topic(value: &Value) -> Read<String> {
    let topic = some_text(value)?;
    match parse_address(&format!("mqtt:{topic}")) {
        Ok(_) => Ok(topic),
        Err(_) => Err(Wrong::new(
            "bad_topic",
            format!("{} is no topic", quoted(&topic)),
        )),
    }
}

fn password(section: &mut Section<'_, '_>, around: &Surroundings<'_>) -> Option<PathBuf> {
    const CURE: &str = "password = { file = \"/etc/growbox/mqtt\" }, mode 0600";
    let given = section.raw("password")?;
    if given.is_str() {
        let wrong = Wrong::new("secret_in_the_open", "a secret has a file of its own");
        section.report.error("mqtt.password", wrong.but(CURE));
        return None;
    }
    let mut table = section.table("password");
    table.require("file", CURE);
    let file = table.given("file", |value| existing(value, around));
    table.finish();
    file
}

/// A file that is there, relative to the configuration's folder.
fn existing(value: &Value, around: &Surroundings<'_>) -> Read<PathBuf> {
    let path = around.folder.join(Path::new(&some_text(value)?));
    if (around.exists)(&path) {
        return Ok(path);
    }
    let message = format!("there is no file {}", path.display());
    Err(Wrong::new("no_such_file", message))
}

fn roots(section: &mut Section<'_, '_>, settings: &mut Settings, around: &Surroundings<'_>) {
    let ca = section.or_none(
        "ca",
        |value| existing(value, around),
        "with mqtts:// the authorities this system trusts",
    );
    match (ca, &settings.tls) {
        (None, _) => {}
        (Some(file), Some(_)) => settings.tls = Some(Roots::File(file)),
        (Some(_), None) => {
            let wrong = Wrong::new("no_effect", "ca has no effect without TLS");
            section
                .report
                .error("mqtt.ca", wrong.but("broker = \"mqtts://…\""));
        }
    }
}

/// What a line of `[sensor]` says beside its source, where that is behind the broker.
pub(super) fn sensor_point(
    section: &mut Section<'_, '_>,
    name: &str,
    address: &Address,
    broker: &Broker,
) -> Option<SensorPoint> {
    let topic = broker.topic_of(address)?;
    let form = match address {
        Address::Mqtt { .. } => SensorForm::Mapped(mapped_value(section)?),
        _ => SensorForm::Zigbee,
    };
    Some(SensorPoint {
        sensor: name.into(),
        topic: topic.into(),
        form,
    })
}

fn mapped_value(section: &mut Section<'_, '_>) -> Option<MappedValue> {
    let quantity = section.given("quantity", |value| Ok(Quantity::new(&text(value)?)?));
    section.require(
        "quantity",
        "add quantity = \"temperature\" or whatever it measures",
    );
    let pointer = section.or_none("value", pointer, "the message is the value");
    let unit = section.given("unit", some_text);
    if let (Some(quantity), Some(unit)) = (&quantity, &unit)
        && let Some(spec) = quantity.spec()
        && let Err(objection) = spec.canonical(0.0, Some(unit))
    {
        section.report.error(&section.key("unit"), objection.into());
    }
    let any = || number_in(-1e12..=1e12);
    let scale = section.or("scale", any(), 1.0, "as it is");
    let offset = section.or("offset", any(), 0.0, "as it is");
    Some(MappedValue {
        pointer,
        quantity: quantity?.as_str().into(),
        unit: unit.map(Text::from),
        scale,
        offset,
    })
}

/// A JSON pointer (RFC 6901).
fn pointer(value: &Value) -> Read<String> {
    let pointer = text(value)?;
    if pointer.starts_with('/') {
        return Ok(pointer);
    }
    let wrong = Wrong::new(
        "bad_pointer",
        format!("{} is no JSON pointer", quoted(&pointer)),
    );
    Err(wrong.but(format!("\"/{}\"", pointer.replace('.', "/"))))
}

/// What a line of `[device]` says beside its output, where that is behind the broker.
pub(super) fn output_point(
    section: &mut Section<'_, '_>,
    spec: &DeviceSpec,
) -> Option<OutputPoint> {
    let form = match parse_address(&spec.output).ok()? {
        Address::Zigbee { name, endpoint } => OutputForm::Zigbee(ZigbeeOutput {
            name,
            endpoint,
            timer: section.or_none(
                "timer",
                word_of("timer", TIMERS),
                "as Zigbee2MQTT's list of devices says",
            ),
            power_on: spec.power_on,
        }),
        Address::Mqtt { topic } => OutputForm::Mapped(mapped_output(section, topic, spec)),
        _ => return None,
    };
    Some(OutputPoint {
        address: spec.output.clone(),
        switched: spec.switched,
        form,
    })
}

fn mapped_output(section: &mut Section<'_, '_>, command: Text, spec: &DeviceSpec) -> MappedOutput {
    let on = section.or("on", text, "ON".to_owned(), "what most take for on");
    let off = section.or("off", text, "OFF".to_owned(), "what most take for off");
    let on_for = section.or_none(
        "on_for",
        |value| template(value, &["{seconds}"]),
        "no timer of its own: it stays on if growbox dies while it is on",
    );
    let level = section.given("level", |value| {
        template(value, &["{percent}", "{level}", "{byte}"])
    });
    if !spec.switched && level.is_none() && !section.has("level") {
        let message = format!(
            "{} takes levels, and nothing says how it is told one",
            spec.id
        );
        let wrong = Wrong::new("missing_key", message);
        let cure = "level = \"{percent}\", or switched = true";
        section.report.error(&section.key("level"), wrong.but(cure));
    }
    if spec.switched && section.has("level") {
        let wrong = Wrong::new("no_effect", "level has no effect on a switched device");
        section
            .report
            .error(&section.key("level"), wrong.but("switched = false"));
    }
    let state_topic = state_topic(section, &command);
    let state_pointer = section.given("state", pointer);
    let availability_topic = section.or_none(
        "availability_topic",
        topic,
        "taken to be there while the broker is",
    );
    MappedOutput {
        topic: command,
        on,
        on_for,
        off,
        level,
        state_topic,
        state_pointer,
        availability_topic: availability_topic.map(Text::from),
    }
}

fn state_topic(section: &mut Section<'_, '_>, command: &str) -> Option<Text> {
    let state_topic = section.or_none("state_topic", topic, "none: what is ordered is believed");
    let key = section.key(if section.has("state_topic") {
        "state_topic"
    } else {
        "output"
    });
    match state_topic {
        Some(state) if state == command => {
            let message = "the topic of the commands confirms nothing: growbox would hear itself";
            section.report.error(
                &key,
                Wrong::new("own_echo", message).but("leave it out, or name the topic of its state"),
            );
            None
        }
        Some(state) => Some(state.into()),
        None => {
            if !section.has("state_topic") {
                let message = "nothing says how it is: growbox believes what it has ordered";
                section.report.warning(
                    &key,
                    Wrong::new("unconfirmed", message)
                        .but("add state_topic = \"…\" where it has one"),
                );
            }
            None
        }
    }
}

/// Text with at least one of these in it.
fn template(value: &Value, places: &[&str]) -> Read<String> {
    let template = text(value)?;
    if places.iter().any(|place| template.contains(place)) {
        return Ok(template);
    }
    let places = places.join(" or ");
    Err(Wrong::new(
        "bad_template",
        format!("{} has no {places}", quoted(&template)),
    ))
}

/// Checks what only all tables together can tell.
pub(super) fn whole(report: &mut Report<'_>, broker: Broker, room: &RoomSpec) -> Option<MqttSpec> {
    let of_sensor = |point: &SensorPoint| format!("sensor.{}.source", point.sensor);
    let mut by_topic: BTreeMap<&str, Vec<&SensorPoint>> = BTreeMap::new();
    for point in &broker.sensors {
        let earlier = by_topic.entry(&point.topic).or_default();
        if let Some(earlier) = earlier.iter().find(|earlier| earlier.form == point.form) {
            let message = format!("this is already what sensor {} measures", earlier.sensor);
            report.error(&of_sensor(point), Wrong::new("duplicate_source", message));
        }
        earlier.push(point);
    }
    if !broker.named {
        let devices = room.devices.values().filter(|device| {
            broker
                .outputs
                .iter()
                .any(|point| point.address == device.output)
        });
        let keys: Vec<String> = broker
            .sensors
            .iter()
            .map(of_sensor)
            .chain(devices.map(|device| format!("device.{}.output", device.id)))
            .collect();
        for key in keys {
            let wrong = Wrong::new(
                "missing_table",
                "this is behind an MQTT broker, and no [mqtt] names one",
            );
            report.error(&key, wrong.but("[mqtt] broker = \"192.168.1.10\""));
        }
        return None;
    }
    if room.node.clock != ClockForm::System && !broker.simulated {
        let message = "what is behind a broker is real, and needs the system clock";
        let cure =
            "[node] clock = \"system\", or [mqtt] simulated = true where nothing real hangs on it";
        report.error("mqtt", Wrong::new("wrong_clock", message).but(cure));
    }
    Some(MqttSpec {
        settings: broker.settings?,
        sensors: broker.sensors,
        outputs: broker.outputs,
    })
}
