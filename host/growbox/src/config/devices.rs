//! `[device]`: what each output is, and the limits its role and the file give it.

use std::collections::BTreeMap;

use growbox_drivers::tent::Output;
use growbox_drivers::{Address, parse_address, parse_output};
use growbox_model::role::ROLES;
use growbox_model::{DeviceId, DeviceSpec, Objection, PluginId, PowerOn, Role, Span, Text, ZoneId};
use toml_edit::{TableLike, Value};

use super::feedback;
use super::limits;
use super::mqtt::{Broker, output_point};
use super::report::{Report, Wrong};
use super::section::{Section, entries};
use super::value::{Read, count_in, flag, number_in, percent_in, span_in, text, unknown};

/// The role that knows nothing: it stands in where the file names none, so that the rest is checked too.
const STAND_IN: &str = "other";

/// What a plug may do when its power returns.
const POWER_ON: [(&str, Option<PowerOn>); 4] = [
    ("off", Some(PowerOn::Off)),
    ("on", Some(PowerOn::On)),
    ("previous", Some(PowerOn::Previous)),
    ("unchanged", None),
];

/// Reads every line of `[device]`.
pub(super) fn read(
    report: &mut Report<'_>,
    root: &dyn TableLike,
    broker: &mut Broker,
) -> BTreeMap<DeviceId, DeviceSpec> {
    let mut devices = BTreeMap::new();
    for (name, table) in entries(report, root, "device") {
        let path = format!("device.{name}");
        let id = DeviceId::new(name).map_err(|objection| report.error(&path, objection.into()));
        let stand_in = DeviceId::new("device");
        let section = Section::new(report, &path, Some(table));
        match (id, stand_in) {
            (Ok(id), _) => {
                devices.insert(id.clone(), device(section, id, broker));
            }
            // Refused already; its keys are read all the same.
            (Err(()), Ok(stand_in)) => drop(device(section, stand_in, broker)),
            (Err(()), Err(_)) => {}
        }
    }
    devices
}

fn device(mut section: Section<'_, '_>, id: DeviceId, broker: &mut Broker) -> DeviceSpec {
    let role = role_of(&mut section);
    let output = output_of(&mut section);
    let mut spec = DeviceSpec::of_role(id, role, &output);
    spec.zone = zone(&mut section, &spec);
    kind(&mut section, &mut spec);
    levels(&mut section, &mut spec);
    spec.power_on = power_on(&mut section, &spec);
    broker.outputs.extend(output_point(&mut section, &spec));
    times(&mut section, &mut spec);
    spec.controllers = section.list("controllers", "a list of plug-ins", |value| {
        Ok(PluginId::new(&text(value)?)?)
    });
    limits::read(&mut section, &mut spec);
    feedback::read(&mut section, &mut spec);
    needs(&mut section, &spec);
    polarity(&mut section, &mut spec);
    section.finish();
    spec
}

fn role_of(section: &mut Section<'_, '_>) -> Role {
    let role = section.given("role", |value| {
        let name = text(value)?;
        Role::new(&name).map_err(|objection| Wrong::from(objection).but("all roles: growbox roles"))
    });
    section.require("role", "add role = \"…\"; all roles: growbox roles");
    role.or_else(|| Role::new(STAND_IN).ok())
        .unwrap_or(Role(&ROLES[0]))
}

/// The driver's address; empty where it cannot be read.
fn output_of(section: &mut Section<'_, '_>) -> Text {
    let output = section.given("output", |value| Ok(parse_output(&text(value)?)?));
    section.require(
        "output",
        "add output = \"KIND:NAME\", such as \"sim:heater\"",
    );
    output.map_or_else(|| "".into(), |address| address.to_string().into())
}

fn zone(section: &mut Section<'_, '_>, spec: &DeviceSpec) -> Option<ZoneId> {
    let zone = section.given("zone", |value| Ok(ZoneId::new(&text(value)?)?));
    if zone.is_none() && !section.has("zone") {
        let (key, role) = (section.key("zone"), spec.role);
        match spec.needs.first() {
            None => {
                let why = "it belongs to the whole room";
                section.report.explain_default(&key, "none".into(), why);
            }
            Some(quantity) => {
                let message = format!(
                    "a {role} needs a fresh {quantity} of its zone to run, and {} names no zone",
                    spec.id
                );
                section.report.error(
                    &key,
                    Wrong::new("missing_zone", message).but("add zone = \"…\""),
                );
            }
        }
    }
    zone
}

/// Switched or not, and whether it may be off.
fn kind(section: &mut Section<'_, '_>, spec: &mut DeviceSpec) {
    let role = format!("role {}", spec.role);
    spec.switched = section.or("switched", flag, spec.switched, &role);
    if !spec.switched && only_switches(&spec.output) {
        let message = format!("{} knows only off and on", spec.output);
        let wrong = Wrong::new("only_switched", message).but("switched = true");
        section.report.error(
            &section.key(if section.has("switched") {
                "switched"
            } else {
                "output"
            }),
            wrong,
        );
    }
    // A role that never goes off means a fan at its lowest speed; a switched one has no lowest speed.
    let (never_off, why) = match (spec.switched, spec.never_off) {
        (true, true) => (false, "switched: it has no lowest level to run at"),
        (_, never_off) => (never_off, role.as_str()),
    };
    spec.never_off = section.or("never_off", flag, never_off, why);
}

fn only_switches(output: &str) -> bool {
    match parse_address(output) {
        Ok(Address::Simulated { name }) => Output::named(&name).is_ok_and(Output::switched),
        Ok(Address::Pin { .. }) => true,
        _ => false,
    }
}

fn levels(section: &mut Section<'_, '_>, spec: &mut DeviceSpec) {
    let why = spec.role.0.why;
    if spec.switched {
        for key in ["min_level_percent", "max_level_percent"] {
            if section.given(key, percent_in(0.0..=100.0)).is_some() {
                let wrong = Wrong::new(
                    "no_effect",
                    format!("{key} has no effect on a switched device"),
                );
                section.report.warning(
                    &section.key(key),
                    wrong.but("switched = false, where the output can do more"),
                );
            }
        }
        spec.low = if spec.never_off { 1.0 } else { 0.0 };
    } else {
        spec.low = percent(section, "min_level_percent", spec.low, why);
        spec.high = percent(section, "max_level_percent", spec.high, "its full power");
        if spec.low > spec.high {
            let message = format!(
                "the lowest level, {} %, is above the highest, {} %",
                spec.low * 100.0,
                spec.high * 100.0
            );
            section.report.error(
                &section.key("min_level_percent"),
                Wrong::new("out_of_range", message),
            );
        }
    }
    let running = if spec.switched { 1.0 } else { spec.low };
    let safe = spec.role.0.safe_level.unwrap_or(running);
    let safe = if spec.never_off {
        safe.max(spec.low)
    } else {
        safe
    };
    spec.safe_level = section.or("safe_level", number_in(0.0..=1.0), safe.min(spec.high), why);
    spec.start_level = section.or(
        "start_level",
        number_in(0.0..=1.0),
        spec.safe_level,
        "as safe_level",
    );
    for (key, level) in [
        ("safe_level", spec.safe_level),
        ("start_level", spec.start_level),
    ] {
        check_level(section, spec, key, level);
    }
}

fn percent(section: &mut Section<'_, '_>, key: &'static str, default: f64, why: &str) -> f64 {
    if !section.has(key) {
        section
            .report
            .explain_default(&section.key(key), (default * 100.0).to_string(), why);
    }
    section
        .given(key, percent_in(0.0..=100.0))
        .unwrap_or(default)
}

/// A level the device could never be at.
pub(super) fn check_level(
    section: &mut Section<'_, '_>,
    spec: &DeviceSpec,
    key: &'static str,
    level: f64,
) {
    let problem = if spec.switched && level != 0.0 && level != 1.0 {
        format!("{key} is {level}, and a switched device knows only 0 and 1")
    } else if spec.never_off && level == 0.0 {
        format!("{key} is 0, and {} is never off", spec.id)
    } else if level != 0.0 && !(spec.low..=spec.high).contains(&level) {
        format!(
            "{key} is {level}, and {} runs within {} … {}",
            spec.id, spec.low, spec.high
        )
    } else {
        return;
    };
    section
        .report
        .error(&section.key(key), Wrong::new("out_of_range", problem));
}

/// What its plug does when its power returns, where growbox can tell it.
fn power_on(section: &mut Section<'_, '_>, spec: &DeviceSpec) -> Option<PowerOn> {
    let given = section.given("power_on", |value| {
        let word = text(value)?;
        let known = POWER_ON.iter().find(|(name, _)| *name == word);
        known.map(|(_, behaviour)| *behaviour).ok_or_else(|| {
            let names = POWER_ON.map(|(name, _)| name);
            Wrong::from(Objection::unknown("unknown_word", "power_on", &word, names))
        })
    });
    let settable = matches!(parse_address(&spec.output), Ok(Address::Zigbee { .. }));
    if !settable {
        if given.is_some() && !spec.output.is_empty() {
            let message = format!(
                "power_on has no effect: nobody can tell {} that",
                spec.output
            );
            let wrong = Wrong::new("no_effect", message);
            let cure = "set it at the plug itself, and leave it out here";
            section
                .report
                .warning(&section.key("power_on"), wrong.but(cure));
        }
        return None;
    }
    let (by_safe_level, word) = if spec.safe_level > 0.0 {
        (PowerOn::On, "on")
    } else {
        (PowerOn::Off, "off")
    };
    if !section.has("power_on") {
        let why = "as safe_level: a power cut is no reason to switch";
        section
            .report
            .explain_default(&section.key("power_on"), word.into(), why);
    }
    given.unwrap_or(Some(by_safe_level))
}

fn times(section: &mut Section<'_, '_>, spec: &mut DeviceSpec) {
    let why = format!("role {}: {}", spec.role, spec.role.0.why);
    let dwell = || span_in(Span::ZERO..=Span::hours(24));
    spec.min_on = section.or("min_on", dwell(), spec.min_on, &why);
    spec.min_off = section.or("min_off", dwell(), spec.min_off, &why);
    let longest = || span_in(Span::seconds(1)..=Span::hours(24 * 7));
    spec.max_on = match spec.max_on {
        Some(max_on) => Some(section.or("max_on", longest(), max_on, &why)),
        None => section.or_none("max_on", longest(), &why),
    };
    let doses = |value: &Value| Ok(u32::try_from(count_in(1..=10_000)(value)?).unwrap_or(u32::MAX));
    spec.doses_per_day = match spec.doses_per_day {
        Some(doses_per_day) => Some(section.or("doses_per_day", doses, doses_per_day, &why)),
        None => section.or_none("doses_per_day", doses, &why),
    };
    let lease = span_in(Span::seconds(1)..=Span::hours(24));
    spec.lease = section.or(
        "lease",
        lease,
        spec.lease,
        "an 'on' that nobody renews ends by itself",
    );
    if spec.max_on.is_some_and(|max_on| max_on < spec.min_on) {
        let message = format!(
            "the longest run of {} is shorter than its minimum on of {}",
            spec.id, spec.min_on
        );
        section
            .report
            .error(&section.key("max_on"), Wrong::new("out_of_range", message));
    }
}

fn needs(section: &mut Section<'_, '_>, spec: &DeviceSpec) {
    let needs: Vec<&str> = spec
        .needs
        .iter()
        .map(growbox_model::Quantity::as_str)
        .collect();
    if !needs.is_empty() {
        let why = format!(
            "role {}: it runs only while this is fresh and good",
            spec.role
        );
        section
            .report
            .explain_default(&section.key("needs"), needs.join(", "), &why);
    }
}

/// Polarity belongs to pins, and is part of their address from here on.
fn polarity(section: &mut Section<'_, '_>, spec: &mut DeviceSpec) {
    let active_low = section.given("active_low", flag) == Some(true);
    let Ok(Address::Pin {
        pin,
        active_low: low,
    }) = parse_address(&spec.output)
    else {
        if active_low && !spec.output.is_empty() {
            let message = format!("active_low has no effect: {} has no pin", spec.output);
            section.report.warning(
                &section.key("active_low"),
                Wrong::new("no_effect", message).but("leave it out"),
            );
        }
        return;
    };
    spec.active_low = active_low || low;
    let active_low = spec.active_low;
    spec.output = Address::Pin { pin, active_low }.to_string().into();
    if pulled_high_at_boot(pin) != active_low {
        let (pulled, right) = if active_low {
            ("low", "0 to 8")
        } else {
            ("high", "9 to 27")
        };
        let message = format!(
            "{} may be on while the machine boots: pin {pin} is pulled {pulled} until growbox drives it",
            spec.id
        );
        let cure = format!("use a pin of {right}, or a relay of the other polarity");
        section.report.warning(
            &section.key("output"),
            Wrong::new("on_at_boot", message).but(cure),
        );
    }
}

/// What the chip does to its pins before anybody drives them (BCM2835 peripherals, table 6-31).
fn pulled_high_at_boot(pin: u8) -> bool {
    pin <= 8
}

/// A device of this name, or what would be right.
pub(super) fn known(value: &Value, devices: &BTreeMap<DeviceId, DeviceSpec>) -> Read<DeviceId> {
    let name = text(value)?;
    devices
        .get_key_value(name.as_str())
        .map(|(id, _)| id.clone())
        .ok_or_else(|| unknown("device", &name, devices.keys().map(DeviceId::as_str)))
}
