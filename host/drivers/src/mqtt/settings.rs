//! What the MQTT driver is told: the broker, and what stands behind which topic.

use std::path::PathBuf;

use growbox_model::{PowerOn, Span, Text};
use serde::{Deserialize, Serialize};

/// The broker and how to be known to it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// Its host name or address; an IPv6 address stands in brackets.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Who may vouch for it; none means no TLS.
    pub tls: Option<Roots>,
    /// The user to log in as.
    pub user: Option<String>,
    /// The file that holds the password; read at each connection, so that it can be changed.
    pub password: Option<PathBuf>,
    /// The name of the session: the broker keeps messages for it while growbox is away.
    pub client_id: String,
    /// The topic that Zigbee2MQTT puts everything under.
    pub base: String,
    /// The topic growbox tells its own state under: `growbox/NODE`.
    pub own: String,
    /// How long the line may be silent before it counts as broken.
    pub keep_alive: Span,
    /// A message on this topic is an emergency stop: a button, another controller.
    #[serde(default)]
    pub stop_topic: Option<String>,
    /// The broker keeps nothing for it while it is away, and it is away for a few seconds at most:
    /// for who comes seldom and must not take old words for new ones.
    #[serde(default)]
    pub fleeting: bool,
}

/// Whose word counts for the broker's certificate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Roots {
    /// The authorities this system trusts.
    System,
    /// The authorities of a PEM file, and no others.
    File(PathBuf),
}

/// A sensor: one topic, and what its messages say.
#[derive(Debug, Clone, PartialEq)]
pub struct SensorPoint {
    /// The sensor's name, given back with each reading.
    pub sensor: Text,
    /// The topic.
    pub topic: Text,
    /// What its messages say.
    pub form: SensorForm,
}

/// How messages of a sensor are read.
#[derive(Debug, Clone, PartialEq)]
pub enum SensorForm {
    /// The JSON of Zigbee2MQTT: one message may carry several quantities.
    Zigbee,
    /// One value, as the configuration says.
    Mapped(MappedValue),
}

/// One value in a message.
#[derive(Debug, Clone, PartialEq)]
pub struct MappedValue {
    /// Where in the JSON (RFC 6901); none means that the payload is the value.
    pub pointer: Option<String>,
    /// What it measures.
    pub quantity: Text,
    /// In which unit; none means the canonical one.
    pub unit: Option<Text>,
    /// Multiplied first.
    pub scale: f64,
    /// Added then.
    pub offset: f64,
}

/// A device: where it is told, and how it answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OutputPoint {
    /// The driver's address of it.
    pub address: Text,
    /// Only on and off.
    pub switched: bool,
    /// How it is spoken to.
    pub form: OutputForm,
}

/// How a device is spoken to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum OutputForm {
    /// Through Zigbee2MQTT, by its friendly name.
    Zigbee(ZigbeeOutput),
    /// As the configuration says.
    Mapped(MappedOutput),
}

/// A device of Zigbee2MQTT.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ZigbeeOutput {
    /// Its friendly name.
    pub name: Text,
    /// One outlet of several, such as `l1`.
    pub endpoint: Option<Text>,
    /// Its own off timer; none is looked up in the bridge's device list.
    pub timer: Option<Timer>,
    /// What it is to do when its power returns; none: as it is.
    #[serde(default)]
    pub power_on: Option<PowerOn>,
}

/// The off timer of a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Timer {
    /// `on_time` beside `state`, in seconds.
    OnTime,
    /// `countdown` beside `state`, in seconds.
    Countdown,
    /// It has none, or none that can be relied on.
    None,
}

/// A device of any make.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MappedOutput {
    /// Where it takes commands.
    pub topic: Text,
    /// The command for on.
    pub on: String,
    /// The command for on with the device's own timer; `{seconds}` stands for its length.
    pub on_for: Option<String>,
    /// The command for off.
    pub off: String,
    /// The command for a level: `{percent}`, `{level}` (0…1) or `{byte}` (0…255) stand for it.
    pub level: Option<String>,
    /// Where it says how it is, best after each command. Of one that speaks of changes only, a
    /// command that changes nothing counts as done once the time for an answer is over. None: the
    /// broker's word is believed.
    pub state_topic: Option<Text>,
    /// Where in the JSON of the state.
    pub state_pointer: Option<String>,
    /// Where it says whether it is there.
    pub availability_topic: Option<Text>,
}
