//! The configuration: one file of keyed tables becomes a whole room, or all that is wrong with it at once.
//!
//! ```text
//!  text ──▶ tables, key by key ──▶ RoomSpec, every default filled in ──▶ do the tables agree?
//!              └ errors, warnings: file, line, mark, what would be right
//!              └ explanations: each value, from the file or by default, and why
//! ```
//!
//! [`read`] is pure: what the machine has to say comes in as [`Surroundings`]. [`load`] asks the machine.

mod agreement;
mod circuits;
mod devices;
mod difference;
mod edges;
mod explanation;
mod feedback;
mod finding;
mod limits;
mod mail;
mod mqtt;
mod node;
mod notifier;
mod notify;
mod plugins;
mod report;
mod safety;
mod section;
mod sensors;
mod text;
mod value;
mod zones;

#[cfg(test)]
mod tests;

use std::fmt;
use std::path::{Path, PathBuf};

use growbox_model::{RoomSpec, ZoneId};
use toml_edit::{Document, TableLike};

pub use difference::{Said, changes};
pub use edges::{ApiSpec, StorageSpec};
pub use explanation::{Explanation, Origin, render as render_explanations};
pub use finding::{Finding, Severity};
pub use mqtt::{MqttSpec, broker_settings};
pub use notify::NotifySpec;
pub use plugins::FIRST_PARTY;
pub use text::Place;
pub use value::listen_address;

use report::{Report, Wrong};
use section::{Section, as_table, locate};

/// The tables this build reads.
const TABLES: [&str; 12] = [
    "node", "zone", "sensor", "device", "plugin", "filters", "storage", "api", "mqtt", "notify",
    "circuit", "safety",
];

/// Everything a file says, with every default filled in.
#[derive(Debug, Clone, PartialEq)]
pub struct Configuration {
    /// The room.
    pub room: RoomSpec,
    /// `[api]`.
    pub api: ApiSpec,
    /// `[storage]`.
    pub storage: StorageSpec,
    /// `[mqtt]`, with the sensors and devices behind it; none where there is no such table.
    pub mqtt: Option<MqttSpec>,
    /// `[notify]`, as the outbound edge needs it.
    pub notify: NotifySpec,
    /// `[node] data`: where the log is to be, unless `--data` or GROWBOX_DATA say otherwise.
    pub data: Option<PathBuf>,
}

/// A configuration with all that was found out about it. `Display` lists the findings.
#[derive(Debug, Clone, PartialEq)]
pub struct Checked {
    /// The file, as it was named.
    pub file: String,
    /// The configuration; none where there is any error.
    pub configuration: Option<Configuration>,
    /// Errors before warnings, each in the order of the file.
    pub findings: Vec<Finding>,
    /// Each value, from the file or by default.
    pub explanations: Vec<Explanation>,
    /// Each value that stands in the file, by its path.
    pub said: Said,
    /// The text itself.
    pub text: String,
}

/// What a configuration depends on beside its text.
pub struct Surroundings<'a> {
    /// The file, as messages name it.
    pub file: &'a str,
    /// Its folder: paths in the file are relative to it.
    pub folder: &'a Path,
    /// The machine's time zone, by its IANA name.
    pub time_zone: &'a str,
    /// Whether there is a file.
    pub exists: &'a dyn Fn(&Path) -> bool,
}

/// A configuration that could not even be read.
#[derive(Debug, thiserror::Error)]
#[error("cannot read the configuration {}: {error}; name one with --config FILE", path.display())]
pub struct Unreadable {
    /// Which file.
    pub path: PathBuf,
    /// Why not.
    #[source]
    pub error: std::io::Error,
}

/// Reads and checks a file, with this machine around it.
///
/// # Errors
///
/// The file cannot be read. What is wrong *in* it is in [`Checked::findings`].
pub fn load(path: &Path) -> Result<Checked, Unreadable> {
    let text = std::fs::read(path).and_then(text_of);
    let text = text.map_err(|error| Unreadable {
        path: path.to_owned(),
        error,
    })?;
    let folder = path.parent().map_or_else(PathBuf::new, Path::to_owned);
    let around = Surroundings {
        file: &path.display().to_string(),
        folder: &std::path::absolute(&folder).unwrap_or(folder),
        time_zone: &system_time_zone(),
        exists: &Path::exists,
    };
    Ok(read(&text, &around))
}

/// Bytes as text, or the line that is none.
fn text_of(bytes: Vec<u8>) -> std::io::Result<String> {
    String::from_utf8(bytes).map_err(|error| {
        let (sound, _) = error.as_bytes().split_at(error.utf8_error().valid_up_to());
        let line = 1 + sound.iter().filter(|byte| **byte == b'\n').count();
        let why = format!("it is no text: line {line} is not UTF-8");
        std::io::Error::new(std::io::ErrorKind::InvalidData, why)
    })
}

/// The machine's time zone by its IANA name; UTC where it has none.
pub fn system_time_zone() -> String {
    let zone = jiff::tz::TimeZone::system();
    zone.iana_name().unwrap_or("UTC").to_owned()
}

/// Checks the text of a configuration.
pub fn read(text: &str, around: &Surroundings<'_>) -> Checked {
    let mut report = Report::new(around.file, text);
    let mut said = Said::default();
    let configuration = match Document::parse(text) {
        Ok(document) => {
            said = Said::of(document.as_table());
            Some(whole(&mut report, document.as_table(), around))
        }
        Err(error) => {
            let message = error.message().replace('\n', ", ");
            report.error_at(
                "",
                error.span(),
                Wrong::new("bad_toml", format!("this is no TOML: {message}")),
            );
            None
        }
    };
    let configuration = configuration.filter(|_| !report.has_errors());
    let (findings, explanations) = report.into_parts();
    Checked {
        file: around.file.to_owned(),
        configuration,
        findings,
        explanations,
        said,
        text: text.to_owned(),
    }
}

fn whole(
    report: &mut Report<'_>,
    root: &dyn TableLike,
    around: &Surroundings<'_>,
) -> Configuration {
    foreign_tables(report, root);
    let (node, data) = node::read(single(report, root, "node"), around);
    let mut zones = zones::read(report, root);
    let mut broker = mqtt::read(report, root, &node, around);
    let sensors = sensors::read(report, root, &mut zones, &mut broker);
    let circuits = circuits::read(report, root);
    let mut devices = devices::read(report, root, &mut broker);
    circuits::derive(report, root, &mut devices);
    circuits::check(report, &devices, &circuits);
    let safety = safety::read(report, root, &zones, &devices);
    let zone_ids: Vec<&ZoneId> = zones.keys().collect();
    let named = plugins::Named {
        devices: &devices,
        zones: &zone_ids,
    };
    let mut plugins = plugins::read(report, root, &named, around);
    let notify = notify::read(report, root, around);
    notifier::appoint(report, &notify, &mut plugins);
    let filters = edges::filters(single(report, root, "filters"));
    let storage = edges::storage(single(report, root, "storage"));
    let api = edges::api(single(report, root, "api"));
    let room = RoomSpec {
        node,
        zones,
        sensors,
        devices,
        plugins,
        circuits,
        safety,
        filters,
    };
    agreement::check(report, &room);
    let mqtt = mqtt::whole(report, broker, &room);
    Configuration {
        room,
        mqtt,
        api,
        storage,
        notify,
        data,
    }
}

/// A table that exists once.
fn single<'r, 't>(
    report: &'r mut Report<'t>,
    root: &'r dyn TableLike,
    name: &str,
) -> Section<'r, 't> {
    let table = root.get(name).and_then(|item| {
        locate(report, name, root, name);
        as_table(report, name, item)
    });
    Section::new(report, name, table)
}

/// Tables this build does not read, each refused by name.
fn foreign_tables(report: &mut Report<'_>, root: &dyn TableLike) {
    for (name, _) in root.iter().filter(|(name, _)| !TABLES.contains(name)) {
        let span = root.key(name).and_then(toml_edit::Key::span);
        let wrong = value::unknown("table", name, TABLES);
        report.error_at(name, span, wrong);
    }
}

impl Checked {
    /// Only the errors.
    pub fn errors(&self) -> impl Iterator<Item = &Finding> {
        self.findings
            .iter()
            .filter(|finding| finding.severity == Severity::Error)
    }

    /// Only the warnings.
    pub fn warnings(&self) -> impl Iterator<Item = &Finding> {
        self.findings
            .iter()
            .filter(|finding| finding.severity == Severity::Warning)
    }
}

impl fmt::Display for Checked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.findings
            .iter()
            .try_for_each(|finding| writeln!(f, "{finding}"))
    }
}
