//! Options: what may follow a command, each checked as it is read.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use growbox_climate::Stage;
use growbox_model::{DeviceId, Objection, Operation, Quantity, SensorId, ZoneId};
use serde_json::{Value, json};

use super::age::When;
use super::args::CONFIG;
use super::ask::who;
use crate::telemetry::LogFormat;

/// `growbox demo`.
#[derive(Debug, Clone, PartialEq, Args)]
pub struct DemoArgs {
    /// How many times as fast as life
    #[arg(long, default_value_t = 60.0, value_parser = speed)]
    pub speed: f64,
    /// End by itself after so long, with a summary
    #[arg(long, value_parser = seconds)]
    pub seconds: Option<f64>,
    /// Where to listen
    #[arg(long, value_name = "ADDR", value_parser = listen)]
    pub listen: Option<std::net::SocketAddr>,
}

/// `growbox run`.
#[derive(Debug, Clone, PartialEq, Args)]
pub struct RunArgs {
    /// The configuration
    #[arg(long, value_name = "FILE", default_value = CONFIG)]
    pub config: PathBuf,
    /// Where to listen, instead of [api] listen
    #[arg(long, value_name = "ADDR", value_parser = listen)]
    pub listen: Option<std::net::SocketAddr>,
    /// How the host's own log is written; GROWBOX_LOG says how much of it
    #[arg(long, value_enum, default_value_t)]
    pub log_format: LogFormat,
    /// The host alone, without a guardian: nobody drives devices safe when it ends badly
    #[arg(long)]
    pub bare: bool,
    /// Standard input is the guardian: how it starts its host
    #[arg(long, hide = true, requires = "bare")]
    pub guarded: bool,
}

/// `growbox safe`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct SafeArgs {
    /// The configuration, where that names the data directory
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// How many seconds devices may take, minimum off included
    #[arg(long, value_name = "SECONDS", default_value_t = 75, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub within: u64,
}

/// `growbox sim`.
#[derive(Debug, Clone, PartialEq, Args)]
pub struct SimArgs {
    /// The unix socket to serve the tent on
    #[arg(long, value_name = "PATH")]
    pub socket: PathBuf,
    /// How many times as fast as life
    #[arg(long, default_value_t = 1.0, value_parser = speed)]
    pub speed: f64,
}

/// `growbox check`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct CheckArgs {
    /// The configuration
    #[arg(long, value_name = "FILE", default_value = CONFIG)]
    pub config: PathBuf,
    /// Also every value, where it comes from, and why
    #[arg(long)]
    pub explain: bool,
    /// As JSON
    #[arg(long)]
    pub json: bool,
}

/// `growbox discover`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct DiscoverArgs {
    /// The broker: HOST, HOST:PORT or mqtts://HOST
    #[arg(long, value_name = "BROKER")]
    pub broker: Option<String>,
    /// The configuration whose [mqtt] names the broker
    #[arg(long, value_name = "FILE", default_value = CONFIG)]
    pub config: PathBuf,
    /// How long to wait for the list
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=600))]
    pub seconds: u64,
}

/// `growbox plugin inspect`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub(super) struct InspectArgs {
    /// A plug-in of the running host, or a component file (with a / or ending in .wasm)
    #[arg(value_name = "ID|FILE")]
    pub(super) target: String,
    /// As JSON
    #[arg(long)]
    pub(super) json: bool,
}

/// `growbox ingest`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct IngestArgs {
    /// Where the lines are; - is standard input
    #[arg(value_name = "FILE", default_value = "-")]
    pub file: PathBuf,
    /// Go on only when what was sent is on disk
    #[arg(long)]
    pub durable: bool,
    /// The sum as JSON
    #[arg(long)]
    pub json: bool,
}

/// `growbox zone set`.
#[derive(Debug, Clone, PartialEq, Args)]
pub struct ZoneSetArgs {
    /// Which zone
    #[arg(value_parser = id(ZoneId::new))]
    pub zone: ZoneId,
    /// What grows: brings set points and hours of light
    #[arg(long, value_parser = stage)]
    pub stage: Option<String>,
    /// The control strategy
    #[arg(long)]
    pub mode: Option<String>,
    /// control, observe (decide, drive nothing) or paused
    #[arg(long, value_parser = operation)]
    pub operation: Option<String>,
    /// When the day begins
    #[arg(long, value_name = "HH:MM")]
    pub lights_on: Option<String>,
    /// How long the day is, instead of the stage's
    #[arg(long, value_name = "HOURS", value_parser = hours)]
    pub hours_of_light: Option<f64>,
    /// Where in the stage's range to be, such as vpd=1.2; may be repeated
    #[arg(long = "target", value_name = "QUANTITY=VALUE", value_parser = target)]
    pub targets: Vec<(String, f64)>,
    /// Do not ask
    #[arg(long)]
    pub yes: bool,
    /// Why, for those who read it later
    #[arg(long)]
    pub reason: Option<String>,
    /// Who says so; else the user's name
    #[arg(long)]
    pub who: Option<String>,
    /// As JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Clone, Args)]
pub(super) struct AlertsArgs {
    /// Only alerts in this state: raised, acknowledged or cleared
    #[arg(long, value_parser = ["raised", "acknowledged", "cleared"])]
    pub(super) state: Option<String>,
    /// As JSON
    #[arg(long)]
    pub(super) json: bool,
    #[command(subcommand)]
    pub(super) word: Option<AlertsWord>,
}

#[derive(Debug, Clone, Subcommand)]
pub(super) enum AlertsWord {
    /// Say that you have seen an alert
    Acknowledge(AcknowledgeArgs),
}

/// `growbox alerts acknowledge`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct AcknowledgeArgs {
    /// Its id, as listed
    #[arg(value_name = "ID")]
    pub alert: String,
    /// What you found, for those who read it later
    #[arg(long)]
    pub reason: Option<String>,
    /// Who says so; else the user's name
    #[arg(long)]
    pub who: Option<String>,
    /// As JSON
    #[arg(long)]
    pub json: bool,
}

/// `growbox notify test`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct NotifyTestArgs {
    /// Only this channel: ntfy, webhook, telegram or mail
    #[arg(long, value_name = "NAME")]
    pub channel: Option<String>,
    /// As JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Clone, Args)]
pub(super) struct AnalyticsArgs {
    /// Over how long: 1h, 1d or 7d
    #[arg(long, default_value = "1d", value_parser = ["1h", "1d", "7d"])]
    pub(super) window: String,
    /// As JSON
    #[arg(long)]
    pub(super) json: bool,
}

/// `growbox stop` and `growbox reset`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct OrderArgs {
    /// Only this zone
    #[arg(long, value_parser = id(ZoneId::new))]
    pub zone: Option<ZoneId>,
    /// Who and why.
    #[command(flatten)]
    pub signed: SignedArgs,
}

/// Who orders something, and why.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct SignedArgs {
    /// Why, for those who read it later
    #[arg(long)]
    pub reason: Option<String>,
    /// Who says so; else the user's name
    #[arg(long)]
    pub who: Option<String>,
    /// As JSON
    #[arg(long)]
    pub json: bool,
}

impl SignedArgs {
    /// As the body of an order.
    pub(super) fn body(&self) -> Value {
        let mut body = json!({ "who": who(self.who.as_deref()) });
        if let Some(reason) = &self.reason {
            body["reason"] = json!(reason);
        }
        body
    }
}

#[derive(Debug, Clone, Args)]
pub(super) struct DoctorArgs {
    /// Release a sensor from the source it is bound to
    #[arg(long, value_name = "SENSOR", required = true, value_parser = id(SensorId::new))]
    pub(super) rebind: SensorId,
}

#[derive(Debug, Clone, Args)]
pub(super) struct Listing {
    /// As JSON
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Clone, Args)]
pub(super) struct OneEvent {
    /// Its number, such as '#88192', or its id
    pub(super) event: String,
    /// As JSON
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Clone, Args)]
pub(super) struct OneId {
    /// Which device
    #[arg(value_parser = id(DeviceId::new))]
    pub(super) device: DeviceId,
}

#[derive(Debug, Clone, Args)]
pub(super) struct OneDevice {
    #[command(flatten)]
    pub(super) which: OneId,
    /// As JSON
    #[arg(long)]
    pub(super) json: bool,
}

/// Which events.
#[derive(Debug, Clone, PartialEq, Eq, Default, Args)]
pub struct EventFilter {
    /// From this time on: RFC 3339, or an age such as 2d
    #[arg(long, value_name = "TIME")]
    pub from: Option<When>,
    /// Up to this time
    #[arg(long, value_name = "TIME")]
    pub to: Option<When>,
    /// Only this type or prefix, such as 'sensor.*'; may be repeated
    #[arg(long = "type", value_name = "TYPE")]
    pub types: Vec<String>,
    /// Only of this zone
    #[arg(long)]
    pub zone: Option<String>,
    /// Only of this sensor
    #[arg(long)]
    pub sensor: Option<String>,
    /// Only about this device
    #[arg(long)]
    pub device: Option<String>,
    /// Only after this number
    #[arg(long, value_name = "NUMBER", value_parser = number)]
    pub after: Option<u64>,
}

#[derive(Debug, Clone, Args)]
pub(super) struct TailArgs {
    #[command(flatten)]
    pub(super) filter: EventFilter,
    /// One event a line, as JSON
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Clone, Args)]
pub(super) struct QueryArgs {
    #[command(flatten)]
    pub(super) filter: EventFilter,
    /// At most so many
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(super) limit: u32,
    /// With what enrichment and correlation add
    #[arg(long)]
    pub(super) context: bool,
    /// As JSON
    #[arg(long, conflicts_with = "format")]
    pub(super) json: bool,
    /// As an export would write them
    #[arg(long, value_enum)]
    pub(super) format: Option<Format>,
}

#[derive(Debug, Clone, Args)]
pub(super) struct ExportArgs {
    #[command(flatten)]
    pub(super) filter: EventFilter,
    /// How
    #[arg(long, value_enum, default_value = "json")]
    pub(super) format: Format,
}

/// `growbox events export`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Export {
    /// Which events.
    pub filter: EventFilter,
    /// How.
    pub format: Format,
}

/// How events are exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// JSON lines
    Json,
    /// Comma-separated values with a heading
    Csv,
}

fn speed(text: &str) -> Result<f64, String> {
    let speed = text
        .parse()
        .ok()
        .filter(|speed| (0.01..=100_000.0).contains(speed));
    speed.ok_or_else(|| "not a number within 0.01 … 100000".to_owned())
}

fn seconds(text: &str) -> Result<f64, String> {
    let seconds = text
        .parse()
        .ok()
        .filter(|seconds| (0.1..=31_622_400.0).contains(seconds));
    seconds.ok_or_else(|| "not a number of seconds, at least 0.1".to_owned())
}

fn number(text: &str) -> Result<u64, String> {
    text.trim_start_matches('#')
        .parse()
        .map_err(|_| "not the number of an event".to_owned())
}

fn listen(text: &str) -> Result<std::net::SocketAddr, String> {
    crate::config::listen_address(text).map_err(|objection| objection.message)
}

fn stage(text: &str) -> Result<String, String> {
    let known = Stage::from_name(text).map(|stage| stage.name().to_owned());
    known.ok_or_else(|| Objection::unknown("unknown_stage", "stage", text, Stage::names()).message)
}

fn operation(text: &str) -> Result<String, String> {
    let operation = Operation::parse(text).map_err(|objection| objection.message)?;
    Ok(operation.as_str().to_owned())
}

fn hours(text: &str) -> Result<f64, String> {
    let hours = text
        .parse()
        .ok()
        .filter(|hours| (0.0..=24.0).contains(hours));
    hours.ok_or_else(|| "not a number of hours from 0 to 24".to_owned())
}

fn target(text: &str) -> Result<(String, f64), String> {
    let (name, value) = text
        .split_once('=')
        .ok_or("not QUANTITY=VALUE, such as vpd=1.2")?;
    let quantity = Quantity::new(name).map_err(|objection| objection.message)?;
    let value: f64 = value
        .parse()
        .map_err(|_| format!("{value:?} is no number"))?;
    if !value.is_finite() {
        return Err(format!("{value} is no number"));
    }
    Ok((quantity.as_str().to_owned(), value))
}

type ParseId<T> = fn(&str) -> Result<T, growbox_model::Objection>;

fn id<T>(new: ParseId<T>) -> impl Fn(&str) -> Result<T, String> + Clone {
    move |text| new(text).map_err(|objection| objection.message)
}
