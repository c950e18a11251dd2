//! What plug-ins have stored, read from the data directory of a host that has ended.

use std::path::Path;

use growbox_model::{Instant, PluginId};
use growbox_storage::{Options, open};
use serde_json::Value;

/// One key of the newest generation of a plug-in, as JSON.
///
/// # Panics
/// Where the log cannot be opened, or there is no such plug-in or key.
#[must_use]
#[track_caller]
pub fn stored_state(data: &Path, plugin: &str, key: &str) -> Value {
    let (log, restored) =
        open(data, &Options::new(Instant(0)), |_| {}).expect("the log of an ended host opens");
    let id = PluginId::new(plugin).expect("a plug-in's id is one");
    let known = restored.plugins.iter().find(|known| known.plugin == id);
    let known = known.unwrap_or_else(|| panic!("the log knows no {plugin}"));
    let state = log.reader().state(&id, known.generation);
    let state = state.expect("the log of an ended host is read");
    let bytes = state
        .get(key)
        .unwrap_or_else(|| panic!("{plugin} has stored no {key}: {:?}", state.keys()));
    serde_json::from_slice(bytes).expect("it was stored as JSON")
}
