//! Reload: the configuration file is followed; what changes there is taken over whole, or refused whole.
//!
//! ```text
//!  file touched ──quiet──▶ read ──▶ checked as `growbox check` does ──▶ Configured, with the differences
//!  HUP ────────────────────▶ │            └ any error ──────────────▶ Misconfigured; the old one goes on
//!                            └ gone, torn, or as before
//! ```
//!
//! Zones, sensors, devices, plug-ins, filters, storage and who is told change while the room runs.
//! Every other table, and the heartbeat, waits for a restart, and is named as waiting; so does how
//! the broker's sensors and devices are spoken to, since its session goes on with what it began with.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use crossbeam_channel::{Receiver, Sender, bounded};
use growbox_flow::{ConfigChange, Input, Misconfiguration, Reconfiguration};
use growbox_model::RoomSpec;
use growbox_model::room::ClockForm;
use growbox_storage::Log;
use serde_json::{Value, json};

use super::heart::Message;
use super::limits_of;
use super::outbound::Renewal;
use super::spoken::{Spoken, keeping_sources};
use super::watch::Watch;
use crate::config::{self, Checked, Configuration, Finding, Said, changes};

/// A file that is being written is looked at when it has been quiet for so long.
const QUIET: Duration = Duration::from_millis(250);
/// Tables that are taken over while the room runs.
const LIVE: [&str; 7] = [
    "zone", "sensor", "device", "plugin", "filters", "storage", "notify",
];
/// Keys of those that are not.
const FIXED: [(&str, &str); 2] = [("notify", "heartbeat"), ("notify", "heartbeat_every")];

/// The one key of its table that is: it goes with the sensor it names.
const STOP_INPUT: (&str, &str) = ("node", "stop_input");

/// Why the file is to be looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    /// Something touched it.
    Touched,
    /// Somebody wants it read as it is.
    ByHand,
}

/// Follows the file as long as it lives.
pub(super) struct Reload {
    told: Sender<Told>,
    _watch: Watch,
}

/// The thread that reads and checks.
struct Follower {
    file: PathBuf,
    /// What the room started with: only a restart takes over what differs from it elsewhere.
    started: Said,
    /// What the broker's session began with.
    session: Spoken,
    /// The clock the room runs by until it ends.
    clock: ClockForm,
    /// Places the room has reached out to since it began.
    reached: BTreeSet<String>,
    running: Configuration,
    /// The room as the flow was told it.
    told: RoomSpec,
    said: Said,
    text: String,
    inbox: Sender<Message>,
    log: Log,
    renewal: Renewal,
}

impl Reload {
    /// Begins to follow the file that said what runs.
    pub(super) fn begin(
        file: &Path,
        running: Checked,
        inbox: Sender<Message>,
        log: Log,
        renewal: Renewal,
    ) -> anyhow::Result<Self> {
        let (told, tasks) = bounded(16);
        let tell = told.clone();
        let watch = Watch::over(vec![(file.to_owned(), ())], move |()| {
            // A full list means that it is looked at anyway.
            let _ = tell.try_send(Told::Touched);
        })?;
        let configuration = running.configuration.context("a room runs by no file")?;
        let follower = Follower {
            file: file.to_owned(),
            started: running.said.clone(),
            session: Spoken::of(&configuration),
            told: configuration.room.clone(),
            clock: configuration.room.node.clock,
            reached: places(&configuration.room).collect(),
            running: configuration,
            said: running.said,
            text: running.text,
            inbox,
            log,
            renewal,
        };
        // Whatever was written between reading it and watching it.
        let _ = told.try_send(Told::Touched);
        std::thread::Builder::new()
            .name("configuration".into())
            .spawn(move || follower.follow(&tasks))?;
        Ok(Self {
            told,
            _watch: watch,
        })
    }

    /// Looks at the file anew.
    pub(super) fn by_hand(&self) -> impl Fn() + Send + 'static + use<> {
        let told = self.told.clone();
        move || {
            // A full list means that it is looked at anyway.
            let _ = told.try_send(Told::ByHand);
        }
    }
}

impl Follower {
    fn follow(mut self, tasks: &Receiver<Told>) {
        while let Ok(mut told) = tasks.recv() {
            while let Ok(more) = tasks.recv_timeout(QUIET) {
                if more == Told::ByHand {
                    told = more;
                }
            }
            self.look(told);
        }
    }

    fn look(&mut self, told: Told) {
        let checked = match config::load(&self.file) {
            Ok(checked) => checked,
            Err(error) => return self.refuse(vec![reason(&error.to_string())]),
        };
        if checked.configuration.is_none() {
            return self.refuse(checked.errors().map(told_of).collect());
        }
        if told == Told::Touched && torn(&self.text, &checked.text) {
            let why = "it is empty, or ends in the middle of a line: it is still being written, or was cut; where it is meant so, send HUP";
            return self.refuse(vec![reason(why)]);
        }
        for warning in checked.warnings() {
            tracing::warn!(key = warning.key, "configuration: {}", warning.message);
        }
        if let Some(configuration) = checked.configuration {
            self.take_over(configuration, checked.said, checked.text);
        }
    }

    fn take_over(&mut self, next: Configuration, said: Said, text: String) {
        if let Some(why) = unreachable_now(self.clock, &self.reached, &next.room) {
            return self.refuse(vec![why]);
        }
        self.reached.extend(places(&next.room));
        let differences = if next == self.running {
            Vec::new()
        } else {
            changes(&self.said, &said)
        };
        let distant = self.session.differences(&Spoken::of(&next));
        let restart_for = waiting(&changes(&self.started, &said), &distant);
        if !differences.is_empty() {
            tracing::info!(
                changes = differences.len(),
                ?restart_for,
                "another configuration is taken over"
            );
        }
        self.log.set_limits(limits_of(&next.storage));
        // Before the notifier is: its first call must find its secrets.
        self.renewal.renew(&next.notify);
        self.told = keeping_sources(next.room.clone(), &self.told, &distant);
        self.tell(Input::Configured(Box::new(Reconfiguration {
            room: self.told.clone(),
            changes: differences,
            restart_for,
        })));
        (self.running, self.said, self.text) = (next, said, text);
    }

    fn refuse(&self, reasons: Vec<Value>) {
        let sentences: Vec<String> = reasons.iter().map(sentence).collect();
        let message = sentences.join("; ");
        tracing::error!(
            file = %self.file.display(),
            "the configuration was refused, the old one goes on: {message}"
        );
        self.tell(Input::Misconfigured(Misconfiguration {
            file: self.file.display().to_string(),
            message,
            reasons,
        }));
    }

    fn tell(&self, input: Input) {
        // A heart that is gone means that the host is ending.
        let _ = self.inbox.send(Message::Input(input));
    }
}

/// Whether a file looks like the beginning of the one before.
fn torn(before: &str, now: &str) -> bool {
    let whole = now.is_empty() || now.ends_with('\n');
    let shorter = now.len() < before.len();
    now.trim().is_empty() && !before.trim().is_empty()
        || shorter && !whole && before.starts_with(now)
}

/// A new place may be a real room, and only the system clock is right for one; the clock itself
/// waits for a restart, whatever the file says of it meanwhile.
fn unreachable_now(clock: ClockForm, reached: &BTreeSet<String>, next: &RoomSpec) -> Option<Value> {
    if clock == ClockForm::System {
        return None;
    }
    let real = |address: &str| !address.starts_with("sim:") && !address.starts_with("null:");
    let (key, new) = addresses(next)
        .into_iter()
        .find(|(_, address)| real(address) && !reached.contains(place(address)))?;
    let message = format!("{new} may be real, and the room runs on a clock of its own");
    let advice = "restart for it, with [node] clock = \"system\"";
    Some(json!({"key": key, "code": "wrong_clock", "message": message, "advice": advice}))
}

/// Every address a room leads to, and the key that says so.
fn addresses(room: &RoomSpec) -> Vec<(String, &str)> {
    let devices = room.devices.values();
    let devices = devices.map(|d| (format!("device.{}.output", d.id), &*d.output));
    let sensors = room.sensors.values().filter_map(|sensor| {
        let address = sensor.source.as_ref()?.as_str().strip_prefix("driver:")?;
        Some((format!("sensor.{}.source", sensor.id), address))
    });
    devices.chain(sensors).collect()
}

/// The places a room reaches out to.
fn places(room: &RoomSpec) -> impl Iterator<Item = String> {
    let all = addresses(room).into_iter();
    all.map(|(_, address)| place(address).to_owned())
}

/// The socket of an address: what is behind one is simulated as a whole, or not at all.
fn place(address: &str) -> &str {
    address.split('#').next().unwrap_or(address)
}

/// Changed keys that only a restart takes over: those of some tables, and those of `distant`
/// sensors and devices.
fn waiting(changes: &[ConfigChange], distant: &BTreeSet<String>) -> Vec<String> {
    let table = |change: &&ConfigChange| {
        let table = change.section.split('.').next().unwrap_or_default();
        let named = if table.is_empty() {
            &change.parameter
        } else {
            table
        };
        let fixed = FIXED.contains(&(change.section.as_str(), change.parameter.as_str()));
        let live = LIVE.contains(&named) || (named, &*change.parameter) == STOP_INPUT;
        fixed || !live || distant.contains(&change.section)
    };
    changes
        .iter()
        .filter(table)
        .map(|change| format!("{}.{}", change.section, change.parameter))
        .collect()
}

fn reason(message: &str) -> Value {
    json!({"message": message})
}

/// A finding without the line's text, which might hold a secret.
fn told_of(finding: &Finding) -> Value {
    json!({
        "line": finding.place.as_ref().map(|place| place.line),
        "key": finding.key,
        "code": finding.code,
        "message": finding.shown_message(),
        "advice": finding.advice,
    })
}

fn sentence(reason: &Value) -> String {
    let text = |key: &str| reason[key].as_str().filter(|text| !text.is_empty());
    let mut out = String::new();
    if let Some(line) = reason["line"].as_u64() {
        out.push_str(&format!("line {line}: "));
    }
    if let Some(key) = text("key") {
        out.push_str(&format!("{key}: "));
    }
    out.push_str(text("message").unwrap_or_default());
    if let Some(advice) = text("advice") {
        out.push_str(&format!(" ({advice})"));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_told_changes_at_once_and_the_heartbeat_waits() {
        let change = |section: &str, parameter: &str| ConfigChange {
            section: section.into(),
            parameter: parameter.into(),
            old: Value::Null,
            new: json!("https://a.example"),
        };
        let changes = [
            change("notify", "ntfy"),
            change("notify.mail", "server"),
            change("notify", "heartbeat"),
            change("api", "listen"),
            change("", "notify"),
        ];
        let waits = waiting(&changes, &BTreeSet::new());
        assert_eq!(waits, ["notify.heartbeat", "api.listen"]);
        let node = [change("node", "stop_input"), change("node", "queue")];
        assert_eq!(waiting(&node, &BTreeSet::new()), ["node.queue"]);
        let distant = BTreeSet::from(["sensor.soil".to_owned()]);
        let changes = [
            change("sensor.soil", "source"),
            change("sensor.air", "source"),
        ];
        assert_eq!(waiting(&changes, &distant), ["sensor.soil.source"]);
    }

    #[test]
    fn a_beginning_of_the_file_is_torn_and_a_shorter_file_is_not() {
        let whole = "[zone.tent]\nstage = \"mid-veg\"\n";
        for (now, is_torn) in [
            ("", true),
            ("\n", true),
            ("[zone.tent]", true),
            ("[zone.tent]\n", false),
            ("[zone.lab]", false),
            (whole, false),
        ] {
            assert_eq!(torn(whole, now), is_torn, "{now:?}");
        }
        assert!(!torn("", ""));
    }

    fn led_to(output: &str) -> RoomSpec {
        let text = format!(
            "[zone.tent]\n[device]\nlamp = {{ zone = \"tent\", role = \"light\", output = {output:?} }}\n"
        );
        let around = config::Surroundings {
            file: "growbox.toml",
            folder: Path::new("/"),
            time_zone: "UTC",
            exists: &|_| true,
        };
        config::read(&text, &around).configuration.unwrap().room
    }

    #[test]
    fn another_clock_reaches_no_new_place_until_a_restart() {
        let reached = places(&led_to("unix:/run/tent.sock#one")).collect();
        for (clock, output, reachable) in [
            (ClockForm::Scaled(60.0), "unix:/run/tent.sock#two", true),
            (ClockForm::Scaled(60.0), "null:lamp", true),
            (ClockForm::Scaled(60.0), "unix:/run/other.sock#two", false),
            (ClockForm::System, "unix:/run/other.sock#two", true),
        ] {
            let why = unreachable_now(clock, &reached, &led_to(output));
            assert_eq!(why.is_none(), reachable, "{output} {why:?}");
        }
    }
}
