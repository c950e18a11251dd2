//! Plug-ins of another configuration: grants hold at once, and who is not named any more ends.

use growbox_model::{DeviceId, PluginId, PluginSpec, Requester, RoomSpec};
use serde_json::json;

use crate::flow::Flow;
use crate::say::Saying;

impl Flow {
    /// What is no longer granted ends at once; what is granted anew is asked for with the next batch.
    pub(super) fn exchange_grants(&mut self, old: &RoomSpec) {
        for spec in self.room.plugins.values().filter(|spec| spec.enabled) {
            if let Some(mailbox) = self.plugins.boxes.get_mut(&spec.id) {
                mailbox.spec.grant = spec.grant.clone();
                mailbox.spec.deny = spec.deny.clone();
            }
            let Some(before) = old.plugins.get(&spec.id) else {
                continue;
            };
            for device in before.grant.control.iter().filter(|id| !may(spec, id)) {
                let requester = Requester::Plugin(spec.id.clone());
                let why = format!("{} is no longer granted {device}", spec.id);
                self.gate.withdraw(&requester, device, &why);
            }
        }
    }

    /// Plug-ins that are not to run any more: their claims end, their state is kept.
    pub(super) fn end_plugins(&mut self, old: &RoomSpec) {
        let runs = |room: &RoomSpec, id: &PluginId| room.plugins.get(id).is_some_and(|s| s.enabled);
        let ended: Vec<PluginId> = old
            .plugins
            .keys()
            .filter(|id| runs(old, id) && !runs(&self.room, id))
            .cloned()
            .collect();
        for id in ended {
            let named = self.room.plugins.contains_key(&id);
            let reason = if named {
                "disabled in the configuration"
            } else {
                "taken out of the configuration"
            };
            self.end_plugin(&id, reason);
        }
    }

    fn end_plugin(&mut self, id: &PluginId, reason: &str) {
        let why = format!("{id} is {reason}");
        self.gate.forget(&Requester::Plugin(id.clone()), &why);
        let Some(mailbox) = self.plugins.remove(id) else {
            return;
        };
        let data = json!({
            "plugin": id,
            "version": mailbox.manifest.version,
            "generation": mailbox.generation,
            "reason": reason,
        });
        self.announce(Saying::host("plugin.removed", &data));
        self.route_again();
    }
}

fn may(spec: &PluginSpec, device: &DeviceId) -> bool {
    spec.grant.control.contains(device) && !spec.deny.control.contains(device)
}
