//! What can be typed, and the help that says so.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Parser, Subcommand};
use growbox_model::{DeviceId, SensorId};

use super::device::{ActArgs, DeviceOrder, HoldArgs, SetArgs};

use super::options::{
    AcknowledgeArgs, AlertsArgs, AlertsWord, AnalyticsArgs, CheckArgs, DemoArgs, DiscoverArgs,
    DoctorArgs, EventFilter, Export, ExportArgs, Format, IngestArgs, InspectArgs, Listing,
    NotifyTestArgs, OneDevice, OneEvent, OrderArgs, QueryArgs, RunArgs, SafeArgs, SimArgs,
    TailArgs, ZoneSetArgs,
};
use super::{Command, Task};

/// The configuration a command takes where none is named.
pub(super) const CONFIG: &str = "growbox.toml";

const EXAMPLES: &str = "\
Examples:
  growbox demo                              a simulated tent, sixty times as fast as life
  growbox check --config growbox.toml       what is wrong with a configuration
  growbox run --config growbox.toml         run a room
  growbox device list                       what is on, since when, who wants it, and why
  growbox device why exhaust                the events that brought it there
  growbox events tail --type 'device.*'     what happens, as it happens

Exit codes: 0 done, 1 failed, 2 wrong usage or configuration, 3 host not reachable.
Times are RFC 3339 (2026-01-15T10:30:00Z) or an age by this machine's clock (2d, 3h, 10min).";

#[derive(Debug, Parser)]
#[command(
    name = "growbox",
    bin_name = "growbox",
    version,
    about = "Runs a grow room: plug-ins ask, one gate decides, switches, and says why",
    after_long_help = EXAMPLES,
    after_help = "Examples and exit codes: growbox --help",
    disable_help_subcommand = true
)]
struct Line {
    /// Where the host keeps its data, and is found
    ///
    /// Else GROWBOX_DATA, else [node] data of the configuration, else /var/lib/growbox as root
    /// and $XDG_STATE_HOME/growbox otherwise.
    #[arg(long, global = true, value_name = "DIR")]
    data: Option<PathBuf>,
    #[command(subcommand)]
    word: Word,
}

#[derive(Debug, Subcommand)]
enum Word {
    /// Show a simulated tent with the first-party plug-ins at work
    #[command(
        after_long_help = "Without --data it works in a directory of its own, which it removes at the end.\n\nExamples:\n  growbox demo\n  growbox demo --seconds 20          ends by itself, with a summary\n  growbox demo --speed 600 --listen 127.0.0.1:0"
    )]
    Demo(DemoArgs),
    /// Run a room
    #[command(
        after_long_help = "TERM ends it cleanly: every device at its safe level, everything durable.\n\nExamples:\n  growbox run --config growbox.toml\n  growbox run --listen 127.0.0.1:0 --data ./state       the port is in ./state/address"
    )]
    Run(RunArgs),
    /// Drive every device to its safe level after a host that is gone
    #[command(
        after_long_help = "For ExecStopPost= of a systemd unit, or by hand. Works from safe.json in the data directory; needs no host, and refuses while one runs. What it did is in the next host's log.\nExit code 0 where everything confirmed, 1 where not.\n\nExample:\n  growbox safe --data /var/lib/growbox"
    )]
    Safe(SafeArgs),
    /// Simulate a tent as a process of its own
    #[command(
        after_long_help = "The room is reached as unix:PATH#OUTPUT and unix:PATH#SENSOR.\n\nExample:\n  growbox sim --socket /run/tent.sock --speed 60"
    )]
    Sim(SimArgs),
    /// Say all that is wrong with a configuration
    #[command(
        after_long_help = "Exit code 0 where run would take it, 2 where not.\n\nExamples:\n  growbox check\n  growbox check --config growbox.toml --explain       every default, and why"
    )]
    Check(CheckArgs),
    /// Print configuration lines for what Zigbee2MQTT has
    #[command(
        after_long_help = "Nothing is written and nothing switched. Exit code 3 where the broker is not reachable.\n\nExamples:\n  growbox discover --broker 192.168.1.10\n  growbox discover --config growbox.toml       the broker, user and password of its [mqtt]"
    )]
    Discover(DiscoverArgs),
    /// Take events in from a file or a pipe, one a line as JSON
    #[command(after_long_help = INGEST)]
    Ingest(IngestArgs),
    /// Ask what happened
    #[command(subcommand)]
    Events(EventsWord),
    /// Ask about devices, and move them
    #[command(subcommand)]
    Device(DeviceWord),
    /// Ask about zones, and change them
    #[command(subcommand)]
    Zone(ZoneWord),
    /// Ask about plug-ins
    #[command(subcommand)]
    Plugin(PluginWord),
    /// Stop a zone, or everything: every device to its safe level until reset
    Stop(OrderArgs),
    /// Take back a stop
    Reset(OrderArgs),
    /// Put right what the host cannot put right by itself
    #[command(
        after_long_help = "Example:\n  growbox doctor --rebind canopy        the next source that speaks for canopy owns it"
    )]
    Doctor(DoctorArgs),
    /// List the roles a device can have, with the limits each brings
    Roles(Listing),
    /// List what was refused after it was accepted
    DeadLetters(Listing),
    /// List alerts: those that stand, and the newest that are over
    #[command(
        args_conflicts_with_subcommands = true,
        after_long_help = "Examples:\n  growbox alerts --state raised\n  growbox alerts acknowledge e88213 --reason \"tank refilled\""
    )]
    Alerts(AlertsArgs),
    /// Show the newest report: how often, how well, how fast
    Analytics(AnalyticsArgs),
    /// Try how people are told
    #[command(subcommand)]
    Notify(NotifyWord),
    /// Ask how well everything is; exit code 0 where it is healthy, 1 where it is not
    Health(Listing),
}

#[derive(Debug, Subcommand)]
enum EventsWord {
    /// Show events as they happen
    #[command(
        after_long_help = "Examples:\n  growbox events tail\n  growbox events tail --type 'device.action.*' --from 10min"
    )]
    Tail(TailArgs),
    /// Show events of the log, oldest first
    #[command(
        after_long_help = "Examples:\n  growbox events query --from 2h --type 'device.*'\n  growbox events query --sensor canopy --limit 20 --json"
    )]
    Query(QueryArgs),
    /// Write all events that fit, for other programs
    #[command(after_long_help = EXPORT)]
    Export(ExportArgs),
    /// Show what led to an event, and what came of it
    #[command(
        after_long_help = "Examples:\n  growbox events why '#88192'\n  growbox events why my-own-id"
    )]
    Why(OneEvent),
    /// Show what happened around an event
    Related(OneEvent),
}

const INGEST: &str = "\
An event is {\"type\":\"sensor.temperature\",\"data\":{\"sensor_id\":\"canopy\",\"value\":24.5},\"metadata\":{\"zone\":\"tent\"}};
\"timestamp\" is when it happened, else now. It has the authority of whoever may read the token.
Lines that are refused are named with their number, and the rest goes on; exit code 1 where there was one.
While the log is full it waits. An event with an \"id\" is sent again after the host was away, and counts once.

Examples:
  growbox ingest readings.jsonl
  my-sensor | growbox ingest --durable";

const EXPORT: &str = "\
json: one event a line, after a first line {\"growbox_export\":1}.
csv:  seq,id,type,timestamp,taken,source,zone,sensor_id,value,unit,quality,device_id,level,reason,cause,data
      with a heading; times RFC 3339, level 0…1, data the event's whole data as JSON.

Examples:
  growbox events export --from 7d > week.jsonl
  growbox events export --type 'sensor.*' --format csv > readings.csv";

#[derive(Debug, Subcommand)]
enum DeviceWord {
    /// List devices: level, since when, whose claim, and why
    List(Listing),
    /// Show the events that brought a device where it is
    Why(OneDevice),
    /// Set a device for a while; controllers wait meanwhile
    #[command(
        after_long_help = "Examples:\n  growbox device set exhaust 60% --for 30min --reason \"smells\"\n  growbox device set light off"
    )]
    Set(SetArgs),
    /// Hold a device at a level, or where it is; controllers are refused meanwhile
    #[command(
        after_long_help = "Examples:\n  growbox device hold humidifier off --reason \"the tank is empty\"\n  growbox device hold exhaust --for 2h"
    )]
    Hold(HoldArgs),
    /// Let go of set and hold
    Release(ActArgs),
    /// Work at a device: it goes off, and nobody moves it, safety included, until it is unlocked
    LockOut(ActArgs),
    /// The work at a device is done
    Unlock(ActArgs),
}

#[derive(Debug, Subcommand)]
enum ZoneWord {
    /// List zones: stage, operation, climate, set points
    List(Listing),
    /// Change what a zone is to be, after a look at what that changes
    #[command(
        after_long_help = "Examples:\n  growbox zone set tent --stage mid-flower\n  growbox zone set tent --operation observe --yes --reason \"a hand in the tent\"\n  growbox zone set tent --target vpd=1.2 --target temperature=25"
    )]
    Set(Box<ZoneSetArgs>),
}

#[derive(Debug, Subcommand)]
enum NotifyWord {
    /// Send a message on every channel of [notify], and show what each answered
    #[command(
        after_long_help = "Exit code 1 where a channel could not be reached.\n\nExamples:\n  growbox notify test\n  growbox notify test --channel ntfy"
    )]
    Test(NotifyTestArgs),
}

#[derive(Debug, Subcommand)]
enum PluginWord {
    /// List plug-ins: state, how far behind, what they command
    List(Listing),
    /// Show what a plug-in says of itself and what it may
    #[command(
        after_long_help = "Examples:\n  growbox plugin inspect vpd-control              one that runs\n  growbox plugin inspect ./dew-guard-0.3.1.wasm   a file, before anybody trusts it"
    )]
    Inspect(InspectArgs),
}

/// What the binary does itself.
#[derive(Debug, Clone, PartialEq)]
pub enum Local {
    /// `growbox demo`.
    Demo(DemoArgs),
    /// `growbox run`.
    Run(RunArgs),
    /// `growbox safe`.
    Safe(SafeArgs),
    /// `growbox sim`.
    Sim(SimArgs),
    /// `growbox check`.
    Check(CheckArgs),
    /// `growbox discover`.
    Discover(DiscoverArgs),
    /// `growbox plugin inspect FILE.wasm`.
    InspectFile {
        /// The component.
        file: PathBuf,
        /// As JSON.
        json: bool,
    },
    /// `growbox roles`.
    Roles {
        /// As JSON.
        json: bool,
    },
}

/// What a running host is asked.
#[derive(Debug, Clone, PartialEq)]
pub enum Asking {
    /// `events tail`.
    Tail {
        /// Which events.
        filter: EventFilter,
        /// As JSON lines.
        json: bool,
    },
    /// `events query`.
    Query {
        /// Which events.
        filter: EventFilter,
        /// At most so many.
        limit: u32,
        /// With what enrichment and correlation add.
        context: bool,
        /// As JSON.
        json: bool,
        /// As an export would write them.
        format: Option<Format>,
    },
    /// `events export`.
    Export(Export),
    /// `events why`.
    Why {
        /// Which event.
        event: String,
        /// As JSON.
        json: bool,
    },
    /// `events related`.
    Related {
        /// Which event.
        event: String,
        /// As JSON.
        json: bool,
    },
    /// `device list`.
    Devices {
        /// As JSON.
        json: bool,
    },
    /// `device why`.
    DeviceWhy {
        /// Which.
        device: DeviceId,
        /// As JSON.
        json: bool,
    },
    /// `device set | hold | release | lock-out | unlock`.
    DeviceOrder(DeviceOrder),
    /// `zone list`.
    Zones {
        /// As JSON.
        json: bool,
    },
    /// `zone set`.
    ZoneSet(Box<ZoneSetArgs>),
    /// `ingest`.
    Ingest(IngestArgs),
    /// `alerts`.
    Alerts {
        /// Only in this state.
        state: Option<String>,
        /// As JSON.
        json: bool,
    },
    /// `alerts acknowledge`.
    Acknowledge(AcknowledgeArgs),
    /// `analytics`.
    Analytics {
        /// Over how long.
        window: String,
        /// As JSON.
        json: bool,
    },
    /// `notify test`.
    NotifyTest(NotifyTestArgs),
    /// `plugin list`.
    Plugins {
        /// As JSON.
        json: bool,
    },
    /// `plugin inspect ID`.
    Inspect {
        /// Which.
        plugin: String,
        /// As JSON.
        json: bool,
    },
    /// `stop`.
    Stop(OrderArgs),
    /// `reset`.
    Reset(OrderArgs),
    /// `doctor --rebind`.
    Rebind(SensorId),
    /// `dead-letters`.
    DeadLetters {
        /// As JSON.
        json: bool,
    },
    /// `health`.
    Health {
        /// As JSON.
        json: bool,
    },
}

/// Reads the words of a command line, the program's name first.
pub(super) fn read(words: impl IntoIterator<Item = OsString>) -> Result<Command, clap::Error> {
    let line = Line::try_parse_from(words)?;
    Ok(Command {
        data: line.data,
        task: task(line.word),
    })
}

fn task(word: Word) -> Task {
    match word {
        Word::Demo(args) => Task::Local(Local::Demo(args)),
        Word::Run(args) => Task::Local(Local::Run(args)),
        Word::Safe(args) => Task::Local(Local::Safe(args)),
        Word::Sim(args) => Task::Local(Local::Sim(args)),
        Word::Check(args) => Task::Local(Local::Check(args)),
        Word::Discover(args) => Task::Local(Local::Discover(args)),
        Word::Roles(Listing { json }) => Task::Local(Local::Roles { json }),
        Word::Plugin(PluginWord::Inspect(args)) => inspect(args),
        Word::Plugin(PluginWord::List(Listing { json })) => Task::Asking(Asking::Plugins { json }),
        Word::Events(word) => Task::Asking(events(word)),
        Word::Device(word) => Task::Asking(device(word)),
        Word::Zone(ZoneWord::List(Listing { json })) => Task::Asking(Asking::Zones { json }),
        Word::Zone(ZoneWord::Set(args)) => Task::Asking(Asking::ZoneSet(args)),
        Word::Ingest(args) => Task::Asking(Asking::Ingest(args)),
        Word::Alerts(args) => Task::Asking(alerts(args)),
        Word::Analytics(AnalyticsArgs { window, json }) => {
            Task::Asking(Asking::Analytics { window, json })
        }
        Word::Notify(NotifyWord::Test(args)) => Task::Asking(Asking::NotifyTest(args)),
        Word::Stop(args) => Task::Asking(Asking::Stop(args)),
        Word::Reset(args) => Task::Asking(Asking::Reset(args)),
        Word::Doctor(DoctorArgs { rebind }) => Task::Asking(Asking::Rebind(rebind)),
        Word::DeadLetters(Listing { json }) => Task::Asking(Asking::DeadLetters { json }),
        Word::Health(Listing { json }) => Task::Asking(Asking::Health { json }),
    }
}

fn alerts(args: AlertsArgs) -> Asking {
    match args.word {
        Some(AlertsWord::Acknowledge(args)) => Asking::Acknowledge(args),
        None => Asking::Alerts {
            state: args.state,
            json: args.json,
        },
    }
}

fn device(word: DeviceWord) -> Asking {
    match word {
        DeviceWord::List(Listing { json }) => Asking::Devices { json },
        DeviceWord::Why(OneDevice { which, json }) => Asking::DeviceWhy {
            device: which.device,
            json,
        },
        DeviceWord::Set(args) => Asking::DeviceOrder(args.order()),
        DeviceWord::Hold(args) => Asking::DeviceOrder(args.order()),
        DeviceWord::Release(args) => Asking::DeviceOrder(args.order("release")),
        DeviceWord::LockOut(args) => Asking::DeviceOrder(args.order("lock-out")),
        DeviceWord::Unlock(args) => Asking::DeviceOrder(args.order("unlock")),
    }
}

fn events(word: EventsWord) -> Asking {
    match word {
        EventsWord::Tail(TailArgs { filter, json }) => Asking::Tail { filter, json },
        EventsWord::Query(QueryArgs {
            filter,
            limit,
            context,
            json,
            format,
        }) => Asking::Query {
            filter,
            limit,
            context,
            json,
            format,
        },
        EventsWord::Export(ExportArgs { filter, format }) => {
            Asking::Export(Export { filter, format })
        }
        EventsWord::Why(OneEvent { event, json }) => Asking::Why { event, json },
        EventsWord::Related(OneEvent { event, json }) => Asking::Related { event, json },
    }
}

/// No plug-in id has a dot or a slash in it.
fn inspect(args: InspectArgs) -> Task {
    let InspectArgs { target, json } = args;
    if target.contains('/') || target.ends_with(".wasm") {
        return Task::Local(Local::InspectFile {
            file: target.into(),
            json,
        });
    }
    Task::Asking(Asking::Inspect {
        plugin: target,
        json,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    fn typed(line: &str) -> Result<Command, clap::Error> {
        read(
            std::iter::once("growbox")
                .chain(line.split_whitespace())
                .map(OsString::from),
        )
    }

    #[test]
    fn the_definition_is_consistent() {
        Line::command().debug_assert();
    }

    #[test]
    fn the_data_directory_may_be_named_anywhere() {
        for line in [
            "--data /x device list",
            "device --data /x list",
            "device list --data /x",
        ] {
            let command = typed(line).unwrap();
            assert_eq!(command.data, Some("/x".into()));
            assert_eq!(command.task, Task::Asking(Asking::Devices { json: false }));
        }
    }

    #[test]
    fn files_are_inspected_here_and_ids_by_the_host() {
        let file = |target: &str| {
            matches!(
                typed(&format!("plugin inspect {target}")).unwrap().task,
                Task::Local(_)
            )
        };
        assert!(file("x.wasm") && file("./x") && !file("vpd-control"));
    }

    #[test]
    fn filters_are_read() {
        let command = typed(
            "events query --from 2d --type sensor.* --type device.* --after #7 --limit 5 --json",
        )
        .unwrap();
        let Task::Asking(Asking::Query {
            filter,
            limit,
            json,
            ..
        }) = command.task
        else {
            panic!("not a query")
        };
        assert_eq!((limit, json, filter.after), (5, true, Some(7)));
        assert_eq!(filter.types, ["sensor.*", "device.*"]);
        assert_eq!(filter.from, Some("2d".parse().unwrap()));
    }

    #[test]
    fn wrong_words_are_refused_with_what_is_wrong() {
        for (line, told) in [
            ("demo --speed fast", "not a number within"),
            (
                "run --listen 0.0.0.0:80",
                "does not listen beyond this machine",
            ),
            ("events query --from yesterday", "neither a time"),
            ("events query --limit 0", "0 is not in 1..=10000"),
            ("device why Heater!", "does not fit"),
            ("doctor", "--rebind"),
            ("devise list", "similar"),
        ] {
            let error = typed(line).unwrap_err();
            assert!(
                error.use_stderr() && error.to_string().contains(told),
                "{line}: {error}"
            );
        }
    }

    #[test]
    fn help_begins_with_what_it_is_for() {
        let help = typed("--help").unwrap_err();
        assert!(!help.use_stderr());
        let help = help.to_string();
        assert!(
            help.starts_with("Runs a grow room: plug-ins ask, one gate decides"),
            "{help}"
        );
        assert!(help.contains("Exit codes: 0 done"), "{help}");
    }
}
