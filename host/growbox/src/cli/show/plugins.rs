//! Plug-ins: how each is, and what it says of itself.

use growbox_model::row::PluginRow;
use growbox_model::{DeviceId, Manifest, Span};
use serde::Deserialize as _;
use serde_json::Value;

use super::{NOTHING, none, or_nothing};
use crate::render::{Table, bytes, one_line};

/// How many devices are named before they are counted.
const NAMED: usize = 3;

/// Faults at which a plug-in is quarantined.
const STRIKES: u32 = 5;

/// `growbox plugin list`.
pub(in crate::cli) fn list(plugins: &[PluginRow]) -> String {
    if plugins.is_empty() {
        return none("plug-ins are configured");
    }
    let heading = [
        "PLUG-IN", "VERSION", "STATE", "GEN", "BEHIND", "STRIKES", "MEMORY", "CONTROLS",
    ];
    let mut table = Table::new(heading).right(&[3, 4, 5, 6]);
    for plugin in plugins {
        let runs = plugin.generation.is_some();
        let figure = |figure: String| if runs { figure } else { NOTHING.to_owned() };
        table.row([
            plugin.id.to_string(),
            plugin.version.to_string(),
            plugin.state.to_string(),
            or_nothing(plugin.generation.as_ref()),
            figure(plugin.behind.to_string()),
            figure(format!("{}/{STRIKES}", plugin.strikes)),
            figure(bytes(plugin.memory_bytes)),
            controls(&plugin.controls),
        ]);
        if let Some(why) = &plugin.why {
            table.note(why);
        }
    }
    table.to_string()
}

fn controls(devices: &[DeviceId]) -> String {
    let names: Vec<&str> = devices.iter().map(DeviceId::as_str).collect();
    match names.len() {
        0 => NOTHING.to_owned(),
        count if count <= NAMED => names.join(", "),
        count => format!(
            "{}, +{}",
            names[..NAMED - 1].join(", "),
            count - (NAMED - 1)
        ),
    }
}

/// `growbox plugin inspect ID`: row, manifest, grant.
pub(in crate::cli) fn inspect(answer: &Value) -> String {
    let mut text = PluginRow::deserialize(&answer["plugin"])
        .map_or_else(|_| String::new(), |row| list(&[row]));
    match Manifest::deserialize(&answer["manifest"]) {
        Ok(manifest) => text.push_str(&manifest_text(&manifest)),
        Err(_) => text.push_str(" it has not described itself yet\n"),
    }
    text.push_str(&grant_text(&answer["grant"]));
    text
}

/// What a plug-in says of itself.
pub fn manifest_text(manifest: &Manifest) -> String {
    let mut table = Table::bare();
    let mut put = |key: &str, value: String| table.row([key.to_owned(), value]);
    put("id", format!("{} {}", manifest.id, manifest.version));
    put("summary", manifest.summary.clone());
    for subscription in &manifest.subscriptions {
        let zones = if subscription.zones.is_empty() {
            String::new()
        } else {
            format!(" in {}", subscription.zones.join(", "))
        };
        let delivery = format!("{:?}", subscription.delivery).to_lowercase();
        put(
            "reads",
            format!("{}{zones}, {delivery}", subscription.types.join(", ")),
        );
    }
    put(
        "tick",
        manifest.tick.map_or_else(
            || NOTHING.to_owned(),
            |tick: Span| format!("every {}", crate::render::span(tick)),
        ),
    );
    for ask in &manifest.asks {
        let required = if ask.required { ", required" } else { "" };
        put(
            "asks",
            format!("{} {}{required}: \"{}\"", ask.ability, ask.scope, ask.why),
        );
    }
    put("state", format!("version {}", manifest.state_version));
    for (key, value) in &manifest.attributes {
        put(&one_line(key), value.clone());
    }
    table.to_string()
}

fn grant_text(grant: &Value) -> String {
    let mut table = Table::bare();
    for (ability, scopes) in grant.as_object().into_iter().flatten() {
        let scopes: Vec<&str> = scopes
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        if !scopes.is_empty() {
            table.row(["granted".into(), format!("{ability} {}", scopes.join(", "))]);
        }
    }
    let text = table.to_string();
    if text.is_empty() {
        " granted nothing\n".to_owned()
    } else {
        text
    }
}
