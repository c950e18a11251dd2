//! The notifier is appointed by `[notify]`: its settings and its grants come from there.

use std::collections::BTreeMap;

use growbox_model::json::Json;
use growbox_model::{PluginId, PluginSpec};
use serde_json::Value;

use super::notify::NotifySpec;
use super::report::{Report, Wrong};

/// The plug-in that tells.
const ID: &str = "notifier";

/// Puts the notifier among the plug-ins, or gives the one that `[plugin.notifier]` names its settings.
pub(super) fn appoint(
    report: &mut Report<'_>,
    notify: &NotifySpec,
    plugins: &mut BTreeMap<PluginId, PluginSpec>,
) {
    let Ok(id) = PluginId::new(ID) else { return };
    if !notify.has_channel() {
        return;
    }
    let spec = plugins
        .entry(id.clone())
        .or_insert_with(|| PluginSpec::bare(id));
    if report.line_of("plugin.notifier.settings").is_some() {
        let wrong = Wrong::new("two_settings", "the notifier's settings come from [notify]");
        report.error(
            "plugin.notifier.settings",
            wrong.but("take one of them out; limits, deny and enabled may stay here"),
        );
        return;
    }
    spec.settings = Json::of(&Value::Object(notify.settings.clone()));
    for origin in &notify.origins {
        if !spec.grant.call.contains(origin) {
            spec.grant.call.push(origin.clone());
        }
    }
    let origins: Vec<String> = notify.origins.iter().map(|o| format!("{o:?}")).collect();
    report.explain_default(
        "plugin.notifier.grant.call",
        format!("[{}]", origins.join(", ")),
        "[notify] names them, and that is the grant",
    );
    for (key, value) in &notify.settings {
        let key = format!("plugin.notifier.settings.{key}");
        report.explain_default(&key, value.to_string(), "from [notify]; secrets by name");
    }
}
