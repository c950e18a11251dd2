//! A room for faults: devices behind a far side in this process, with limits that a second can show.

use std::collections::BTreeMap;

use growbox_tests::checker::{self, Circuit, DeviceLimits, Limits};
use growbox_tests::{Entry, Outside, Room, guest};
use serde_json::Value;

/// Devices of the room, and their limits in machine seconds.
const DEVICES: [(&str, &str, Times); 5] = [
    (
        "heater",
        "role = \"heater\", cool_down = 0, circuit = \"fuse\", watts = 300",
        Times(0.25, 0.5, Some(2.5), None),
    ),
    (
        "fan",
        "role = \"exhaust\", min_level_percent = 25",
        Times(0.1, 0.1, None, None),
    ),
    (
        "lamp",
        "role = \"other\", switched = true, circuit = \"fuse\", watts = 300, never_with = [\"valve\"]",
        Times(0.6, 0.4, Some(4.0), None),
    ),
    (
        "valve",
        "role = \"other\", switched = false",
        Times(0.0, 0.8, None, None),
    ),
    (
        "pump",
        "role = \"pump\"",
        Times(0.0, 0.3, Some(1.0), Some(6)),
    ),
];

/// The heater and the lamp hang on one fuse, which bears either.
const FUSE: f64 = 2.0;

/// From here on it is too hot, for a rule that stays until somebody resets it.
pub(super) const HOT: f64 = 36.0;
/// Here the valve must open whatever the lamp does.
pub(super) const COLD: f64 = 0.0;

/// Machine seconds that a neighbour must have been out of the way.
const SETTLE: f64 = 0.2;

/// Minimum on, minimum off, maximum on, doses a day.
#[derive(Clone, Copy)]
struct Times(f64, f64, Option<f64>, Option<usize>);

/// The room, its far side, and what binds it.
pub(super) struct Bench {
    pub(super) room: Room,
    pub(super) outside: Outside,
    pub(super) limits: Limits,
    pub(super) speed: f64,
}

impl Bench {
    /// At `speed` seconds of the room a second.
    pub(super) fn new(speed: f64) -> Self {
        let room = Room::new(&configuration(speed));
        let names = DEVICES.map(|(name, ..)| name);
        let outside = Outside::new(&room.path().join("room.sock"), &names, speed);
        Self {
            room,
            outside,
            limits: limits(speed),
            speed,
        }
    }

    /// Judges everything so far by what a running host exports.
    #[track_caller]
    pub(super) fn acquit(&self) {
        let (record, log) = self.evidence();
        checker::acquit(&self.limits, &record, &log);
    }

    /// What happened outside, and what the log says; both are kept where somebody wants them.
    #[track_caller]
    pub(super) fn evidence(&self) -> (Vec<Entry>, Vec<Value>) {
        let (record, log) = (self.outside.record(), self.export());
        if let Some(folder) = std::env::var_os("GROWBOX_EVIDENCE") {
            keep(std::path::Path::new(&folder), &record, &log);
        }
        (record, log)
    }

    /// The same, by a log that was exported otherwise.
    #[track_caller]
    pub(super) fn acquit_by(&self, log: &[Value]) {
        checker::acquit(&self.limits, &self.outside.record(), log);
    }

    /// The log, as `growbox events export` writes it.
    #[track_caller]
    pub(super) fn export(&self) -> Vec<Value> {
        self.room.export(&self.room.data())
    }
}

/// Keeps what a judgement is about, for people: `GROWBOX_EVIDENCE` names the folder.
fn keep(folder: &std::path::Path, record: &[Entry], log: &[Value]) {
    let lines = |lines: Vec<String>| lines.join("\n") + "\n";
    let entry = |entry: &Entry| format!("{:10.3} {:?}", entry.at, entry.what);
    let record = lines(record.iter().map(entry).collect());
    let log = lines(log.iter().map(Value::to_string).collect());
    std::fs::create_dir_all(folder).expect("evidence can be kept");
    std::fs::write(folder.join("record"), record).expect("evidence can be kept");
    std::fs::write(folder.join("log.jsonl"), log).expect("evidence can be kept");
}

pub(super) fn devices() -> impl Iterator<Item = &'static str> {
    DEVICES.into_iter().map(|(name, ..)| name)
}

fn limits(speed: f64) -> Limits {
    let limit = |(name, _, times): (&str, &str, Times)| {
        let Times(min_on, min_off, max_on, doses_per_day) = times;
        let limit = DeviceLimits {
            min_on: min_on * speed,
            min_off: min_off * speed,
            max_on: max_on.map(|longest| longest * speed),
            doses_per_day,
            watts: if ["heater", "lamp"].contains(&name) {
                300.0
            } else {
                0.0
            },
            safe_level: if name == "fan" { 0.25 } else { 0.0 },
            emergency_level: if name == "fan" { 1.0 } else { 0.0 },
            ..DeviceLimits::default()
        };
        (name.to_owned(), limit)
    };
    Limits {
        devices: DEVICES.into_iter().map(limit).collect::<BTreeMap<_, _>>(),
        circuits: vec![Circuit {
            max_amperes: FUSE,
            volts: 230.0,
            devices: ["heater", "lamp"].map(str::to_owned).into(),
        }],
        never_together: vec![("lamp".to_owned(), "valve".to_owned())],
        settle_time: SETTLE * speed,
        grain: 0.005 * speed,
        slack: 2.0 * speed,
        forgotten: 0.5 * speed,
        ..Limits::default()
    }
}

fn configuration(speed: f64) -> String {
    let device = |(name, words, times): (&str, &str, Times)| {
        let Times(min_on, min_off, max_on, doses) = times;
        let max_on = max_on.map_or(String::new(), |longest| {
            format!(", max_on = {}", longest * speed)
        });
        let doses = doses.map_or(String::new(), |doses| format!(", doses_per_day = {doses}"));
        format!(
            "{name} = {{ zone = \"tent\", {words}, output = \"unix:{{folder}}/room.sock#{name}\", \
             min_on = {}, min_off = {}, settle_time = {}{max_on}{doses} }}\n",
            min_on * speed,
            min_off * speed,
            SETTLE * speed
        )
    };
    let devices: String = DEVICES.into_iter().map(device).collect();
    let sensor = |name: &str| {
        format!(
            "{name} = {{ zone = \"tent\", source = \"unix:{{folder}}/room.sock#{name}\", interval = {} }}\n",
            2.0 * speed
        )
    };
    let sensors: String = ["canopy", "mark"].map(sensor).concat();
    let (toggler, puppet) = (guest("toggler"), guest("puppet"));
    format!(
        r#"
[node]
clock = "scaled"
speed = {speed}
[zone.tent]
operation = "control"
[sensor]
{sensors}
[circuit.fuse]
max_amperes = {FUSE}
[device]
{devices}
[plugin.toggler]
file = {toggler:?}
grant = {{ control = ["heater"] }}
[plugin.puppet]
file = {puppet:?}
grant = {{ control = ["pump"] }}
[safety.tent-hot]
quantity = "temperature"
above = {HOT}
clear = 30
dwell = {dwell}
latch = true
devices = {{ heater = 0, lamp = 0, fan = 1 }}
[safety.tent-cold]
quantity = "temperature"
below = {COLD}
clear = 5
dwell = 0
latch = false
devices = {{ valve = 1 }}
"#,
        dwell = 0.25 * speed,
    )
}
