//! `[circuit.ID]`, and what devices must know of each other: fuses and interlocks that can be kept.

use std::collections::BTreeMap;

use growbox_model::{CircuitSpec, DeviceId, DeviceSpec, Text};
use toml_edit::TableLike;

use super::report::{Report, Wrong};
use super::section::{Section, entries};
use super::value::{number_in, unknown};

/// Volts of a socket in most of the world.
const VOLTS: f64 = 230.0;

/// Reads every `[circuit.ID]`.
pub(super) fn read(report: &mut Report<'_>, root: &dyn TableLike) -> BTreeMap<Text, CircuitSpec> {
    let mut circuits = BTreeMap::new();
    for (name, table) in entries(report, root, "circuit") {
        let path = format!("circuit.{name}");
        // Circuits are named as zones and devices are.
        if let Err(objection) = DeviceId::new(name) {
            let message = objection.message.replace("device id", "circuit id");
            report.error(&path, Wrong::new("bad_id", message));
        }
        let mut section = Section::new(report, &path, Some(table));
        let most = section.given("max_amperes", number_in(0.1..=1_000.0));
        section.require("max_amperes", "add max_amperes = 10: what its fuse bears");
        let why = "the mains of most of the world";
        let volts = section.or("volts", number_in(1.0..=1_000.0), VOLTS, why);
        section.finish();
        let id: Text = name.into();
        if let Some(max_amperes) = most {
            let spec = CircuitSpec {
                id: id.clone(),
                max_amperes,
                volts,
            };
            circuits.insert(id, spec);
        }
    }
    circuits
}

/// Fills in what roles must never do together, where the file does not say otherwise.
pub(super) fn derive(
    report: &mut Report<'_>,
    root: &dyn TableLike,
    devices: &mut BTreeMap<DeviceId, DeviceSpec>,
) {
    let given = |id: &DeviceId, key: &str| {
        let device = root.get("device")?.as_table_like()?.get(id.as_str())?;
        device.as_table_like()?.get(key)
    };
    let others: Vec<_> = devices
        .values()
        .map(|spec| (spec.id.clone(), spec.role, spec.zone.clone()))
        .collect();
    for spec in devices.values_mut() {
        let key = format!("device.{}", spec.id);
        if given(&spec.id, "needs_first").is_none() {
            let why = "it may go on by itself";
            report.explain_default(&format!("{key}.needs_first"), "none".into(), why);
        }
        if given(&spec.id, "never_with").is_some() {
            continue;
        }
        let apart = |(_, role, zone): &&(DeviceId, growbox_model::Role, _)| {
            spec.zone.is_some()
                && *zone == spec.zone
                && spec.role.0.never_with.contains(&role.as_str())
        };
        spec.never_with = others
            .iter()
            .filter(apart)
            .map(|(id, ..)| id.clone())
            .collect();
        let (shown, why) = if spec.never_with.is_empty() {
            ("none".to_owned(), "it is in nobody's way".to_owned())
        } else {
            let named: Vec<&str> = spec.never_with.iter().map(DeviceId::as_str).collect();
            let why = format!(
                "role {}: {}; a fan that idles at its lowest level is not in the way",
                spec.role, spec.role.0.why
            );
            (named.join(", "), why)
        };
        report.explain_default(&format!("{key}.never_with"), shown, &why);
    }
}

/// Checks what devices say about each other and about their circuits.
pub(super) fn check(
    report: &mut Report<'_>,
    devices: &BTreeMap<DeviceId, DeviceSpec>,
    circuits: &BTreeMap<Text, CircuitSpec>,
) {
    for spec in devices.values() {
        for (key, named) in [
            ("never_with", &spec.never_with),
            ("needs_first", &spec.needs_first),
        ] {
            neighbours_exist(report, spec, key, named, devices);
        }
        needs_what_it_excludes(report, spec);
        waits_for_itself(report, spec, devices);
        on_its_circuit(report, spec, circuits);
    }
    safe_levels_exclude(report, devices);
    for circuit in circuits.values() {
        safe_levels_fit(report, circuit, devices);
    }
}

fn neighbours_exist(
    report: &mut Report<'_>,
    spec: &DeviceSpec,
    key: &str,
    named: &[DeviceId],
    devices: &BTreeMap<DeviceId, DeviceSpec>,
) {
    for (at, other) in named.iter().enumerate() {
        let place = format!("device.{}.{key}.{at}", spec.id);
        if *other == spec.id {
            let message = format!("{other} names itself in {key}");
            report.error(
                &place,
                Wrong::new("own_neighbour", message).but("take it out"),
            );
        } else if !devices.contains_key(other) {
            let known = devices.keys().map(DeviceId::as_str);
            report.error(&place, unknown("device", other.as_str(), known));
        }
    }
}

fn needs_what_it_excludes(report: &mut Report<'_>, spec: &DeviceSpec) {
    let both = |other: &&DeviceId| spec.never_with.contains(other);
    if let Some(other) = spec.needs_first.iter().find(both) {
        let message = format!(
            "{} needs {other} first, and must never run with it",
            spec.id
        );
        let wrong = Wrong::new("contradiction", message).but("take it out of one of the two");
        report.error(&format!("device.{}.needs_first", spec.id), wrong);
    }
}

/// A circle of devices of which each waits for another would never start.
fn waits_for_itself(
    report: &mut Report<'_>,
    spec: &DeviceSpec,
    devices: &BTreeMap<DeviceId, DeviceSpec>,
) {
    let mut reached: Vec<&DeviceId> = Vec::new();
    let mut next: Vec<&DeviceId> = spec.needs_first.iter().collect();
    while let Some(id) = next.pop() {
        if *id == spec.id && !spec.needs_first.contains(id) {
            let message = format!(
                "{} waits for itself, by way of what it needs first",
                spec.id
            );
            let wrong = Wrong::new("circle", message).but("one of them must start by itself");
            report.error(&format!("device.{}.needs_first", spec.id), wrong);
            return;
        }
        if !reached.contains(&id) {
            reached.push(id);
            next.extend(devices.get(id).iter().flat_map(|other| &other.needs_first));
        }
    }
}

fn on_its_circuit(
    report: &mut Report<'_>,
    spec: &DeviceSpec,
    circuits: &BTreeMap<Text, CircuitSpec>,
) {
    let Some(name) = &spec.circuit else { return };
    let key = format!("device.{}", spec.id);
    let Some(circuit) = circuits.get(name) else {
        let known = circuits.keys().map(AsRef::as_ref);
        return report.error(&format!("{key}.circuit"), unknown("circuit", name, known));
    };
    let Some(watts) = spec.watts else {
        let message = format!("{} hangs on circuit {name}, and names no watts", spec.id);
        let wrong = Wrong::new("missing_key", message).but("add watts = …, as its plate says");
        return report.error(&format!("{key}.watts"), wrong);
    };
    let draw = circuit.draw(watts, spec.high);
    if draw > circuit.max_amperes {
        let message = format!(
            "{} alone draws {draw:.1} A, and circuit {name} bears {} A",
            spec.id, circuit.max_amperes
        );
        let wrong = Wrong::new("overload", message).but("hang it on a stronger circuit");
        report.error(&format!("{key}.watts"), wrong);
    }
}

/// Two that are never to run together, and both do when in doubt; one of them is only told.
fn safe_levels_exclude(report: &mut Report<'_>, devices: &BTreeMap<DeviceId, DeviceSpec>) {
    let runs = |spec: &DeviceSpec| spec.safe_level > spec.idle_level();
    for spec in devices.values() {
        for other in spec.never_with.iter().filter_map(|id| devices.get(id)) {
            let key = format!("device.{}.never_with", spec.id);
            if runs(spec) && runs(other) {
                let message = format!(
                    "{} and {} never run together, and the safe level of both runs",
                    spec.id, other.id
                );
                report.error(
                    &key,
                    Wrong::new("contradiction", message).but("safe_level = 0"),
                );
            } else if let Some(one) = [spec, other].into_iter().find(|one| runs(one)) {
                let rest = if one.id == spec.id {
                    &other.id
                } else {
                    &spec.id
                };
                let message = format!(
                    "{} runs at its safe level: while nobody asks it to stop, {rest} waits; and \
                     where safety needs {rest}, both run",
                    one.id
                );
                report.warning(
                    &key,
                    Wrong::new("safe_level_runs", message).but("safe_level = 0"),
                );
            }
        }
    }
}

/// In doubt everything goes to its safe level at once.
fn safe_levels_fit(
    report: &mut Report<'_>,
    circuit: &CircuitSpec,
    devices: &BTreeMap<DeviceId, DeviceSpec>,
) {
    let own = devices
        .values()
        .filter(|spec| spec.circuit.as_ref() == Some(&circuit.id));
    let draw: f64 = own
        .map(|spec| circuit.draw(spec.watts.unwrap_or(0.0), spec.safe_level))
        .sum();
    if draw > circuit.max_amperes {
        let message = format!(
            "the safe levels of its devices draw {draw:.1} A together, and circuit {} bears {} A",
            circuit.id, circuit.max_amperes
        );
        let wrong = Wrong::new("overload", message).but("lower a safe_level, or part the devices");
        report.error(&format!("circuit.{}.max_amperes", circuit.id), wrong);
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::{Checked, Surroundings, read};

    fn checked(device: &str) -> Checked {
        let text = format!(
            "[zone.tent]\nlights_on = \"06:00\"\nstage = \"mid-veg\"\n[circuit.mains]\nmax_amperes = 10\n[device]\n{device}"
        );
        let around = Surroundings {
            file: "growbox.toml",
            folder: Path::new("/etc/growbox"),
            time_zone: "Europe/Berlin",
            exists: &|_| false,
        };
        read(&text, &around)
    }

    /// A device of the tent with more keys.
    fn line(id: &str, role: &str, more: &str) -> String {
        format!("{id} = {{ zone = \"tent\", role = \"{role}\", output = \"null:{id}\"{more} }}\n")
    }

    #[test]
    fn every_limit_is_read() {
        let text = line(
            "fan",
            "exhaust",
            ", cool_down = \"1min\", slew_percent = 10, slew_every = 5, deadband_percent = 2, \
             starts_per_hour = 4, quiet_hours = \"22:00-07:00\", quiet_level_percent = 30, \
             circuit = \"mains\", watts = 100, settle_time = 3, emergency_level = 0.9, never_with = [], \
             needs_light = true, needs_first = [\"mixer\"]",
        ) + &line("mixer", "circulation", "");
        let room = checked(&text);
        assert_eq!(room.to_string(), "");
        let room = room.configuration.unwrap().room;
        let fan = room.devices.values().next().unwrap();
        assert_eq!(fan.cool_down.as_seconds(), 60.0);
        let slew = fan.slew.unwrap();
        assert_eq!((slew.step, slew.every.as_seconds()), (0.1, 5.0));
        assert_eq!((fan.deadband, fan.starts_per_hour), (0.02, Some(4)));
        let quiet = fan.quiet_hours.unwrap();
        assert_eq!(
            (quiet.from, quiet.to, quiet.max_level),
            (79_200, 25_200, 0.3)
        );
        assert_eq!(fan.circuit.as_deref(), Some("mains"));
        assert_eq!(
            (fan.emergency_level, fan.settle_time.as_seconds()),
            (0.9, 3.0)
        );
        assert!(fan.needs_light && fan.needs_first[0].as_str() == "mixer");
        assert_eq!(room.circuits["mains"].volts, 230.0);
    }

    #[test]
    fn a_valve_never_runs_with_the_fans_of_its_zone_unless_told_otherwise() {
        let fans = line("fan", "exhaust", "") + &line("inlet", "intake", "");
        let valve = |more| {
            let checked = checked(&format!("{fans}{}", line("valve", "co2", more)));
            assert_eq!(checked.to_string(), "");
            let why = checked
                .explanations
                .iter()
                .find(|row| row.key == "device.valve.never_with");
            let shown = why.map(|row| row.value.clone());
            let room = checked.configuration.unwrap().room;
            let valve = room.devices.values().last().unwrap();
            assert!(valve.needs_light);
            (valve.never_with.len(), shown)
        };
        assert_eq!(valve(""), (2, Some("fan, inlet".to_owned())));
        assert_eq!(valve(", never_with = []").0, 0);
    }

    #[test]
    fn what_cannot_be_kept_is_refused_by_name() {
        let heavy = ", circuit = \"mains\", watts = ";
        for (text, wanted) in [
            (
                line("a", "other", ", never_with = [\"b\"]"),
                "unknown device \"b\"",
            ),
            (
                line("a", "other", ", never_with = [\"a\"]"),
                "a names itself in never_with",
            ),
            (
                line("a", "other", ", needs_first = [\"b\"]"),
                "unknown device \"b\"",
            ),
            (
                line("a", "other", ", needs_first = [\"b\"]")
                    + &line("b", "other", ", needs_first = [\"a\"]"),
                "a waits for itself, by way of what it needs first",
            ),
            (
                line(
                    "a",
                    "other",
                    ", needs_first = [\"b\"], never_with = [\"b\"]",
                ) + &line("b", "other", ""),
                "a needs b first, and must never run with it",
            ),
            (
                line("a", "other", ", circuit = \"main\", watts = 1"),
                "unknown circuit \"main\", did you mean \"mains\"?",
            ),
            (
                line("a", "other", ", circuit = \"mains\""),
                "a hangs on circuit mains, and names no watts",
            ),
            (
                line("a", "other", &format!("{heavy}2500")),
                "a alone draws 10.9 A, and circuit mains bears 10 A",
            ),
            (
                line("a", "circulation", &format!("{heavy}1500"))
                    + &line("b", "circulation", &format!("{heavy}1500")),
                "the safe levels of its devices draw 13.0 A together",
            ),
            (
                line("a", "circulation", ", never_with = [\"b\"]") + &line("b", "circulation", ""),
                "the safe level of both runs",
            ),
            (
                line("a", "circulation", ", never_with = [\"b\"]") + &line("b", "other", ""),
                "warning: a runs at its safe level: while nobody asks it to stop, b waits",
            ),
            (
                line("a", "other", ", slew_percent = 5"),
                "slew_percent has no effect on a switched device",
            ),
            (
                line("a", "exhaust", ", slew_percent = 0"),
                "0 % is not within 0.1 … 100 %",
            ),
            (
                line("a", "exhaust", ", quiet_hours = \"22-7\""),
                "\"22-7\" are no hours",
            ),
            (
                line(
                    "a",
                    "exhaust",
                    ", quiet_hours = \"22:00-07:00\", quiet_level_percent = 5",
                ),
                "a is never off",
            ),
            (
                line("a", "exhaust", ", emergency_level = 0.1"),
                "emergency_level is 0.1",
            ),
            (
                "a = { role = \"other\", output = \"null:a\", needs_light = true }".to_owned(),
                "a needs light, and names no zone",
            ),
        ] {
            let said = checked(&text).to_string();
            assert!(said.contains(wanted), "{text}: {said}");
            assert!(said.contains("growbox.toml:"), "{said}");
        }
    }
}
