//! `[plugin.ID]`: which handlers run, what they are told, and what they may.

use std::collections::BTreeMap;

use growbox_model::catalogue::{DOCUMENTS, EventType};
use growbox_model::json::Json;
use growbox_model::room::Grant;
use growbox_model::{DeviceId, DeviceSpec, PluginId, PluginSpec, Quantity, Span, ZoneId};
use toml_edit::{Item, TableLike, Value};

use super::Surroundings;
use super::report::{Report, Wrong};
use super::section::{Section, entries};
use super::value::{Read, bytes_in, flag, mistaken, size, some_text, span_in, text, unknown};

/// The handlers that are inside the binary, or would be.
pub const FIRST_PARTY: [&str; 7] = [
    "alert-rules",
    "analytics",
    "irrigation",
    "notifier",
    "photoperiod",
    "sensor-watch",
    "vpd-control",
];

/// What grants may name.
pub(super) struct Named<'a> {
    pub(super) devices: &'a BTreeMap<DeviceId, DeviceSpec>,
    pub(super) zones: &'a [&'a ZoneId],
}

/// Reads every `[plugin.ID]`.
pub(super) fn read(
    report: &mut Report<'_>,
    root: &dyn TableLike,
    named: &Named<'_>,
    around: &Surroundings<'_>,
) -> BTreeMap<PluginId, PluginSpec> {
    let mut plugins = BTreeMap::new();
    for (name, table) in entries(report, root, "plugin") {
        let path = format!("plugin.{name}");
        match PluginId::new(name) {
            Ok(id) => {
                let section = Section::new(report, &path, Some(table));
                plugins.insert(id.clone(), plugin(section, id, named, around));
            }
            Err(objection) => report.error(&path, objection.into()),
        }
    }
    plugins
}

fn plugin(
    mut section: Section<'_, '_>,
    id: PluginId,
    named: &Named<'_>,
    around: &Surroundings<'_>,
) -> PluginSpec {
    let mut spec = PluginSpec::bare(id);
    file(&mut section, &mut spec, around);
    spec.enabled = section.or("enabled", flag, spec.enabled, "named here, so it runs");
    spec.grant = grant(section.table("grant"), named);
    spec.deny = grant(section.table("deny"), named);
    spec.settings = settings(&mut section);
    let deadline = span_in(Span::millis(1)..=Span::seconds(10));
    spec.deadline = section.or(
        "deadline",
        deadline,
        spec.deadline,
        "time one call may take",
    );
    let memory = bytes_in(1 << 20..=1 << 30);
    if !section.has("memory") {
        let key = section.key("memory");
        section
            .report
            .explain_default(&key, size(spec.memory_bytes), "linear memory it may use");
    }
    spec.memory_bytes = section.given("memory", memory).unwrap_or(spec.memory_bytes);
    section.finish();
    spec
}

fn file(section: &mut Section<'_, '_>, spec: &mut PluginSpec, around: &Surroundings<'_>) {
    let key = section.key("file");
    let first_party = FIRST_PARTY.contains(&spec.id.as_str());
    let file = section.given("file", some_text);
    spec.file = file.map(|file| around.folder.join(file));
    match &spec.file {
        Some(file) if !(around.exists)(file) => {
            let wrong = Wrong::new(
                "no_such_file",
                format!("there is no file {}", file.display()),
            );
            section
                .report
                .warning(&key, wrong.but("its plug-in is missing until there is one"));
        }
        Some(_) => {}
        None if section.has("file") => {}
        None if first_party => {
            section
                .report
                .explain_default(&key, "none".into(), "first-party: inside the binary");
        }
        None => {
            let wrong = unknown("first-party plug-in", spec.id.as_str(), FIRST_PARTY);
            let wrong = Wrong {
                message: format!("plug-in {} has no file, and is not first-party", spec.id),
                ..wrong
            };
            section.report.error(
                &key,
                wrong.but(format!(
                    "add file = \"….wasm\"; first-party: {}",
                    FIRST_PARTY.join(", ")
                )),
            );
        }
    }
}

fn grant(mut section: Section<'_, '_>, named: &Named<'_>) -> Grant {
    let grant = Grant {
        control: section.list("control", "a list of devices", |value| {
            super::devices::known(value, named.devices)
        }),
        emit: section.list("emit", "a list of event types", event_pattern),
        read_history: section.list(
            "read_history",
            "a list of quantities, or [\"*\"]",
            quantity_pattern,
        ),
        emergency_stop: section.list("emergency_stop", "a list of zones, or [\"*\"]", |value| {
            zone_pattern(value, named)
        }),
        call: section.list(
            "call",
            "a list of origins such as \"https://example.org\"",
            some_text,
        ),
    };
    section.finish();
    grant
}

/// A type of the catalogue, or a prefix `sensor.*` of some.
pub(super) fn event_pattern(value: &Value) -> Read<String> {
    let pattern = text(value)?;
    let Some(prefix) = pattern.strip_suffix('*') else {
        EventType::parse(&pattern)?;
        return Ok(pattern);
    };
    let open = ["", "sensor.", "sensor.x_", "x."];
    let covers_some = open
        .iter()
        .any(|own| prefix.starts_with(own) && !own.is_empty() || *own == prefix)
        || DOCUMENTS
            .iter()
            .any(|document| document.name.starts_with(prefix));
    if covers_some {
        return Ok(pattern);
    }
    let families = [
        "sensor.*",
        "device.*",
        "control.*",
        "vpd.*",
        "alert.*",
        "analytics.*",
        "plugin.*",
        "system.*",
        "storage.*",
        "safety.*",
        "x.*",
    ];
    Err(unknown("event type", &pattern, families))
}

fn quantity_pattern(value: &Value) -> Read<String> {
    let name = text(value)?;
    if name != "*" {
        Quantity::new(&name)?;
    }
    Ok(name)
}

fn zone_pattern(value: &Value, named: &Named<'_>) -> Read<String> {
    let name = text(value)?;
    if name == "*" || named.zones.iter().any(|zone| zone.as_str() == name) {
        return Ok(name);
    }
    Err(unknown(
        "zone",
        &name,
        named.zones.iter().map(|zone| zone.as_str()),
    ))
}

/// Settings are the plug-in's own; its schema judges them when it is loaded.
fn settings(section: &mut Section<'_, '_>) -> Json {
    let key = section.key("settings");
    let Some(item) = section.raw("settings") else {
        return Json::trusted("{}");
    };
    if item.as_table_like().is_none() {
        let wrong = mistaken(item.type_name(), "a table").but("settings = { name = value }");
        section.report.error(&key, wrong);
        return Json::trusted("{}");
    }
    Json::of(&json_of(item))
}

pub(super) fn json_of(item: &Item) -> serde_json::Value {
    if let Some(table) = item.as_table_like() {
        return table
            .iter()
            .map(|(key, item)| (key.to_owned(), json_of(item)))
            .collect::<serde_json::Map<_, _>>()
            .into();
    }
    if let Some(tables) = item.as_array_of_tables() {
        return tables
            .iter()
            .map(|table| json_of(&Item::Table(table.clone())))
            .collect();
    }
    item.as_value()
        .map_or(serde_json::Value::Null, json_of_value)
}

fn json_of_value(value: &Value) -> serde_json::Value {
    match value {
        Value::String(text) => text.value().as_str().into(),
        Value::Integer(whole) => (*whole.value()).into(),
        Value::Float(number) => (*number.value()).into(),
        Value::Boolean(flag) => (*flag.value()).into(),
        Value::Datetime(stamp) => stamp.value().to_string().into(),
        Value::Array(list) => list.iter().map(json_of_value).collect(),
        Value::InlineTable(table) => table
            .iter()
            .map(|(key, value)| (key.to_owned(), json_of_value(value)))
            .collect::<serde_json::Map<_, _>>()
            .into(),
    }
}
