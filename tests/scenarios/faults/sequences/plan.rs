//! A room by chance: always the same devices, each time with other limits and other neighbours.

use std::fmt::Write as _;

use growbox_tests::checker::{Circuit, DeviceLimits, Limits};
use growbox_tests::{BELL, Bridge, Broker, Chance, Outside, Room, What, guest};

use super::super::bench_room::Bench;

/// Those that are switched on and off, and off in doubt.
pub(super) const SWITCHED: [&str; 5] = ["heater", "lamp", "mixer", "nozzle", "pump"];
/// Everybody.
pub(super) const DEVICES: [&str; 7] = ["fan", "heater", "lamp", "mixer", "nozzle", "pump", "valve"];
/// The lowest level the fan runs at.
pub(super) const FAN_IDLES: f64 = 0.25;
/// Hot, for the room's safety rule.
pub(super) const HOT: f64 = 36.0;

/// What each heavy device draws.
const WATTS: f64 = 300.0;
const VOLTS: f64 = 230.0;
/// One room of so many has its devices behind a broker, where the machine has one.
const ROOMS_OF_A_BROKER: u64 = 4;
/// Levels and times are compared to this.
const GRAIN: f64 = 1e-6;

/// A room, what it promises, how its devices are reached, and how long its rule waits.
pub(super) struct Plan {
    pub(super) bench: Bench,
    /// Where they are behind a broker; else behind a socket.
    pub(super) broker: Option<(Broker, Bridge)>,
    /// Seconds of heat until the rule trips.
    pub(super) dwell: f64,
}

/// A device as it was drawn.
struct Drawn {
    name: &'static str,
    words: String,
    limits: DeviceLimits,
}

impl Plan {
    pub(super) fn draw(chance: &mut Chance) -> Self {
        let settle_time = of(chance, [0.0, 1.0, 4.0]);
        let max_amperes = of(chance, [1.5, 3.0, 20.0]);
        let dwell = of(chance, [0.0, 3.0, 10.0]);
        let apart = of(chance, [true, false]);
        let drawn = chance.below(ROOMS_OF_A_BROKER) == 0;
        let broker = (drawn && Broker::is_possible()).then(Broker::start);
        let devices: Vec<Drawn> = DEVICES
            .iter()
            .map(|name| device(name, apart, broker.is_some(), chance))
            .collect();
        let reached = Reached {
            port: broker.as_ref().map(Broker::port),
        };
        let room = Room::new(&configuration(
            &devices,
            &reached,
            settle_time,
            max_amperes,
            dwell,
        ));
        let socket = room.path().join("room.sock");
        let outside = Outside::told(&socket, &[&DEVICES[..], &[BELL]].concat());
        let broker = broker.map(|broker| {
            let bridge = Bridge::build(&broker, &socket);
            (broker, bridge)
        });
        let pair = |one: &str, other: &str| (one.to_owned(), other.to_owned());
        let limits = Limits {
            circuits: vec![Circuit {
                max_amperes,
                volts: VOLTS,
                devices: heavy(&devices),
            }],
            never_together: apart.then(|| pair("lamp", "valve")).into_iter().collect(),
            needs_first: vec![pair("nozzle", "mixer")],
            settle_time,
            grain: GRAIN,
            slack: GRAIN,
            stands_still: true,
            forgotten: 0.0,
            devices: devices
                .into_iter()
                .map(|drawn| (drawn.name.to_owned(), drawn.limits))
                .collect(),
        };
        let bench = Bench {
            room,
            outside,
            limits,
            speed: 1.0,
        };
        Self {
            bench,
            broker,
            dwell,
        }
    }
}

impl Plan {
    /// What the far side cannot see, where a broker is between it and the host.
    pub(super) fn notes(&self, what: What) {
        if self.broker.is_some() {
            self.bench.outside.note(what);
        }
    }

    /// Waits until everything that a broker has taken has come to the far side.
    pub(super) fn all_is_told(&mut self) {
        if let Some((broker, bridge)) = &mut self.broker
            && broker.is_up()
        {
            bridge.flush(&self.bench.outside);
        }
    }
}

/// How the devices of a room are reached: at a broker's port, or through a socket.
struct Reached {
    port: Option<u16>,
}

impl Reached {
    fn table(&self) -> String {
        self.port.map_or_else(String::new, |port| {
            format!("[mqtt]\nbroker = \"127.0.0.1:{port}\"\nsimulated = true\n")
        })
    }

    fn output(&self, name: &str) -> String {
        if self.port.is_none() {
            return format!("output = \"unix:{{folder}}/room.sock#{name}\"");
        }
        let payloads = if SWITCHED.contains(&name) {
            "switched = true, on = \"1\", off = \"0\", on_for = \"1 {seconds}\""
        } else {
            "on = \"1\", off = \"0\", level = \"{level}\""
        };
        format!("output = \"mqtt:cmnd/{name}\", state_topic = \"stat/{name}\", {payloads}")
    }
}

/// One of these.
pub(super) fn of<T: Copy, const N: usize>(chance: &mut Chance, all: [T; N]) -> T {
    let place = chance.below(u64::try_from(N).expect("few"));
    all[usize::try_from(place).expect("one of a few")]
}

fn heavy(devices: &[Drawn]) -> Vec<String> {
    let heavy = devices.iter().filter(|drawn| drawn.limits.watts > 0.0);
    heavy.map(|drawn| drawn.name.to_owned()).collect()
}

/// `whole`: its own timer knows only whole seconds.
fn device(name: &'static str, apart: bool, whole: bool, chance: &mut Chance) -> Drawn {
    let min_on: f64 = of(chance, [0.0, 2.0, 7.5, 20.0]);
    let mut limits = DeviceLimits {
        min_on: if whole { min_on.ceil() } else { min_on },
        min_off: of(chance, [0.0, 3.0, 12.25, 30.0]),
        ..DeviceLimits::default()
    };
    let mut words = String::new();
    match name {
        "fan" => {
            words.push_str("role = \"exhaust\", min_level_percent = 25");
            let (step, every) = of(chance, [(100, 1.0), (20, 2.0)]);
            let _ = write!(words, ", slew_percent = {step}, slew_every = {every}");
            (limits.safe_level, limits.emergency_level) = (FAN_IDLES, 1.0);
            limits.runs_at = Some((FAN_IDLES, 1.0));
        }
        "heater" => {
            let cool_down = of(chance, [0, 15]);
            let _ = write!(words, "role = \"heater\", cool_down = {cool_down}");
            limits.max_on = Some(limits.min_on + of(chance, [5.0, 40.0]));
        }
        "lamp" => {
            words.push_str("role = \"other\"");
            limits.max_on = of(chance, [None, Some(60.0)]);
            if apart {
                words.push_str(", never_with = [\"valve\"]");
            }
        }
        "mixer" => words.push_str("role = \"other\""),
        "nozzle" => {
            let starts = of(chance, [2, 5]);
            words.push_str("role = \"other\", needs_first = [\"mixer\"]");
            let _ = write!(words, ", starts_per_hour = {starts}");
            limits.starts_per_hour = Some(starts);
        }
        "pump" => {
            words.push_str("role = \"pump\"");
            limits.max_on = Some(limits.min_on + 10.0);
            limits.doses_per_day = Some(of(chance, [2, 6]));
        }
        _ => {
            words.push_str("role = \"other\", switched = false, min_level_percent = 30");
            limits.runs_at = Some((0.3, 1.0));
        }
    }
    if ["heater", "lamp", "mixer"].contains(&name) {
        let _ = write!(words, ", circuit = \"fuse\", watts = {WATTS}");
        limits.watts = WATTS;
    }
    if SWITCHED.contains(&name) {
        limits.runs_at = Some((1.0, 1.0));
    }
    Drawn {
        name,
        words,
        limits,
    }
}

fn configuration(
    devices: &[Drawn],
    reached: &Reached,
    settle_time: f64,
    max_amperes: f64,
    dwell: f64,
) -> String {
    let mut lines = String::new();
    for Drawn {
        name,
        words,
        limits,
    } in devices
    {
        let _ = write!(
            lines,
            "{name} = {{ zone = \"tent\", {}, {words}, min_on = {}, min_off = {}, \
             settle_time = {settle_time}",
            reached.output(name),
            limits.min_on,
            limits.min_off
        );
        if let Some(longest) = limits.max_on {
            let _ = write!(lines, ", max_on = {longest}");
        }
        if let Some(doses) = limits.doses_per_day {
            let _ = write!(lines, ", doses_per_day = {doses}");
        }
        lines.push_str(" }\n");
    }
    let (puppet, broker) = (guest("puppet"), reached.table());
    format!(
        r#"
[node]
clock = "events"
{broker}
[zone.tent]
operation = "control"
[sensor]
canopy = {{ zone = "tent", source = "http", interval = 20 }}
[circuit.fuse]
max_amperes = {max_amperes}
[device]
{lines}
[safety.tent-hot]
quantity = "temperature"
above = {HOT}
clear = 30
dwell = {dwell}
latch = true
devices = {{ heater = 0, lamp = 0, fan = 1 }}
[safety.tent-cold]
quantity = "temperature"
below = 0
clear = 5
dwell = 0
latch = false
devices = {{ valve = 1 }}
[plugin.puppet]
file = {puppet:?}
grant = {{ control = {DEVICES:?} }}
"#
    )
}
