//! What no table can judge alone: names that must exist elsewhere, and two that want the same.

use std::collections::BTreeMap;

use growbox_drivers::{Address, parse_address};
use growbox_model::{
    DeviceId, Objection, PluginId, PluginSpec, RoomSpec, SensorId, SensorSpec, Source, ZoneId,
};

use super::report::{Report, Wrong};
use super::value::unknown;

/// Checks what the tables say about each other.
pub(super) fn check(report: &mut Report<'_>, room: &RoomSpec) {
    zones_exist(report, room);
    one_device_an_output(report, room);
    one_sensor_a_source(report, room);
    witnesses_exist(report, room);
    the_button_is_a_sensor_of_its_own(report, room);
    no_pin_is_a_contact_and_a_relay(report, room);
    controllers_exist(report, room);
    controllers_are_ordered(report, room);
}

fn zones_exist(report: &mut Report<'_>, room: &RoomSpec) {
    let ambients = room
        .zones
        .values()
        .map(|z| (format!("zone.{}.ambient", z.id), z.ambient.as_ref()));
    let sensors = room
        .sensors
        .values()
        .map(|s| (format!("sensor.{}.zone", s.id), s.zone.as_ref()));
    let devices = room
        .devices
        .values()
        .map(|d| (format!("device.{}.zone", d.id), d.zone.as_ref()));
    for (key, zone) in ambients.chain(sensors).chain(devices) {
        if let Some(zone) = zone.filter(|zone| !room.zones.contains_key(*zone)) {
            report.error(
                &key,
                unknown("zone", zone.as_str(), room.zones.keys().map(ZoneId::as_str)),
            );
        }
    }
    for zone in room
        .zones
        .values()
        .filter(|zone| zone.ambient.as_ref() == Some(&zone.id))
    {
        let wrong = Wrong::new(
            "own_ambient",
            format!("zone {} cannot draw in its own air", zone.id),
        );
        report.error(
            &format!("zone.{}.ambient", zone.id),
            wrong.but("name the zone around it"),
        );
    }
}

fn one_device_an_output(report: &mut Report<'_>, room: &RoomSpec) {
    let outputs = room
        .devices
        .values()
        .map(|d| (d.id.to_string(), d.output.to_string()));
    // What could not be read is no output.
    let outputs = outputs.filter(|(_, output)| !output.is_empty());
    only_once(report, "device", "output", outputs);
}

fn one_sensor_a_source(report: &mut Report<'_>, room: &RoomSpec) {
    let sources = room
        .sensors
        .values()
        .filter_map(|s| Some((s.id.to_string(), s.source.as_ref()?.to_string())));
    only_once(
        report,
        "sensor",
        "source",
        sources.filter(|(_, source)| source.starts_with("driver:")),
    );
}

/// The first in the file keeps what two want.
fn only_once(
    report: &mut Report<'_>,
    what: &str,
    key: &str,
    uses: impl Iterator<Item = (String, String)>,
) {
    let path = |id: &str| format!("{what}.{id}.{key}");
    let mut by_address: BTreeMap<String, Vec<(Option<usize>, String)>> = BTreeMap::new();
    for (id, address) in uses {
        // A pin is one, whatever its polarity.
        let address = address.strip_suffix("#low").unwrap_or(&address).to_owned();
        by_address
            .entry(address)
            .or_default()
            .push((report.line_of(&path(&id)), id));
    }
    for (address, mut users) in by_address {
        users.sort();
        let mut users = users.into_iter();
        let Some((first_line, first)) = users.next() else {
            continue;
        };
        for (_, id) in users {
            let shown = address.strip_prefix("driver:").unwrap_or(&address);
            let message = format!("{key} {shown:?} is already that of {what} {first}");
            let wrong = Wrong::new(&format!("duplicate_{key}"), message);
            let line = first_line.map_or(String::new(), |line| format!("in line {line}"));
            report.error(&path(&id), wrong.but(line));
        }
    }
}

fn witnesses_exist(report: &mut Report<'_>, room: &RoomSpec) {
    for device in room.devices.values() {
        if let Some(feedback) = &device.feedback {
            let key = format!("device.{}.feedback.sensor", device.id);
            sensor_exists(report, room, &key, &feedback.sensor);
        }
    }
}

/// The button that stops everything: nobody else may speak for it.
fn the_button_is_a_sensor_of_its_own(report: &mut Report<'_>, room: &RoomSpec) {
    let Some(button) = &room.node.stop_input else {
        return;
    };
    let key = "node.stop_input";
    sensor_exists(report, room, key, button);
    let open = |spec: &SensorSpec| spec.source.is_none();
    if room.sensors.get(button).is_some_and(open) {
        let message = format!("anybody may speak for {button}, and so stop everything");
        let cure = "give it a source, such as \"gpio:4\"";
        report.error(key, Wrong::new("missing_source", message).but(cure));
    }
}

fn sensor_exists(report: &mut Report<'_>, room: &RoomSpec, key: &str, sensor: &SensorId) {
    if !room.sensors.contains_key(sensor) {
        let known = room.sensors.keys().map(SensorId::as_str);
        let unknown = Objection::unknown("unknown_sensor", "sensor", sensor.as_str(), known);
        report.error(key, Wrong::from(unknown).but("name it in [sensor]"));
    }
}

fn no_pin_is_a_contact_and_a_relay(report: &mut Report<'_>, room: &RoomSpec) {
    let pin = |text: &str| match parse_address(text) {
        Ok(Address::Pin { pin, .. }) => Some(pin),
        _ => None,
    };
    for sensor in room.sensors.values() {
        let driver = |source: &Source| pin(source.as_str().strip_prefix("driver:")?);
        let Some(contact) = sensor.source.as_ref().and_then(driver) else {
            continue;
        };
        let mut devices = room.devices.values();
        if let Some(device) = devices.find(|device| pin(&device.output) == Some(contact)) {
            let message = format!("pin {contact} is that of {}", device.id);
            let key = format!("sensor.{}.source", sensor.id);
            report.error(&key, Wrong::new("pin_taken", message));
        }
    }
}

fn controllers_exist(report: &mut Report<'_>, room: &RoomSpec) {
    for device in room.devices.values() {
        for (index, plugin) in device.controllers.iter().enumerate() {
            let key = format!("device.{}.controllers.{index}", device.id);
            match room.plugins.get(plugin) {
                None => {
                    let known = room.plugins.keys().map(PluginId::as_str);
                    report.error(&key, unknown("plug-in", plugin.as_str(), known));
                }
                Some(spec) if !spec.grant.control.contains(&device.id) => {
                    let message = format!(
                        "{plugin} is a controller of {} without the grant to command it",
                        device.id
                    );
                    let cure = format!(
                        "[plugin.{plugin}] grant = {{ control = [\"{}\"] }}",
                        device.id
                    );
                    report.warning(&key, Wrong::new("not_granted", message).but(cure));
                }
                Some(_) => {}
            }
        }
    }
}

/// Two plug-ins on one device must be told who goes first.
fn controllers_are_ordered(report: &mut Report<'_>, room: &RoomSpec) {
    for device in room.devices.values() {
        let granted = granted(room, &device.id);
        let ordered = granted
            .iter()
            .all(|plugin| device.controllers.contains(plugin));
        if granted.len() < 2 || ordered {
            continue;
        }
        let names = |quote: &str| {
            let names: Vec<String> = granted
                .iter()
                .map(|id| format!("{quote}{id}{quote}"))
                .collect();
            names
        };
        let message = format!(
            "{} may all command {}, and nothing says who goes first",
            names("").join(" and "),
            device.id
        );
        let cure = format!("controllers = [{}], highest first", names("\"").join(", "));
        report.error(
            &format!("device.{}.controllers", device.id),
            Wrong::new("unordered_controllers", message).but(cure),
        );
    }
}

/// The enabled plug-ins that may command a device; those already ordered come first, in their order.
fn granted<'r>(room: &'r RoomSpec, device: &DeviceId) -> Vec<&'r PluginId> {
    let may = |spec: &&PluginSpec| {
        spec.enabled && spec.grant.control.contains(device) && !spec.deny.control.contains(device)
    };
    let mut granted: Vec<&PluginId> = room
        .plugins
        .values()
        .filter(may)
        .map(|spec| &spec.id)
        .collect();
    let order = room
        .devices
        .get(device)
        .map_or(&[][..], |device| &device.controllers);
    granted.sort_by_key(|id| {
        order
            .iter()
            .position(|ordered| ordered == *id)
            .unwrap_or(usize::MAX)
    });
    granted
}
