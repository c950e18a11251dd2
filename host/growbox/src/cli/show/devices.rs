//! Devices: where each is, since when, whose claim, and why.

use growbox_model::row::DeviceRow;

use super::told::Told;
use super::{none, or_nothing};
use crate::render::{Reader, Table, device_level};

/// `growbox device list`.
pub(in crate::cli) fn list(devices: &[DeviceRow], reader: &Reader) -> String {
    if devices.is_empty() {
        return none("devices are configured");
    }
    let mut table = Table::new(["DEVICE", "LEVEL", "SINCE", "OWNER", "WHY"]);
    for device in devices {
        table.row(row(device, reader));
    }
    table.to_string()
}

fn row(device: &DeviceRow, reader: &Reader) -> [String; 5] {
    let since = device.since.map(|since| reader.short(since));
    [
        device.id.to_string(),
        device_level(device),
        or_nothing(since.as_ref()),
        or_nothing(device.owner.as_ref()),
        why_of(device, reader),
    ]
}

fn why_of(device: &DeviceRow, reader: &Reader) -> String {
    let mut why = device.why.to_string();
    // A request that is told already tells what hinders it.
    let told = |refusal: &&str| !device.why.contains(*refusal);
    if let Some(refusal) = device.refusal.as_deref().filter(told) {
        why.push_str(&format!("; {refusal}"));
    }
    if let Some(free_at) = device.free_at {
        why.push_str(&format!("; free at {}", reader.second(free_at)));
    }
    if !device.available {
        why.push_str("   ! its driver does not reach it");
    }
    why
}

/// `growbox device why`.
pub(in crate::cli) fn why(device: &DeviceRow, events: &[Told], reader: &Reader) -> String {
    let mut text = list(std::slice::from_ref(device), reader);
    text.push('\n');
    text.push_str(&super::events::story(events, reader));
    text
}
