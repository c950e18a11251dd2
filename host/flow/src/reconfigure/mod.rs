//! Reconfiguring: another configuration is taken over between two steps, whole, while the room runs.
//!
//! ```text
//!  file ──checked completely──▶ Configured ──▶ zones, sensors   at once; what is known goes on
//!    │                                         overrides        stay, unless the file changed that key
//!    │                                         grants           at once; claims without one lapse
//!    │                                         devices          safe first, then exchanged (the gate)
//!    │                                         plug-ins         removed at once; others loaded, then exchanged
//!    └──wrong──▶ Misconfigured ──▶ the old one goes on; told once, and in health until it is right
//! ```
//!
//! `[node]` stays as it is until a restart, but for the stop input, which goes with its sensor.

mod plugins;
mod zones;

use growbox_model::commit::Restored;
use growbox_model::ports::Ports;
use growbox_model::room::NodeSpec;
use growbox_model::{RoomSpec, Text};
use serde_json::{Value, json};

use crate::flow::{Flow, Life};
use crate::input::{Misconfiguration, Reconfiguration};
use crate::say::Saying;
use crate::start::note_names;

/// How the configuration file stands to what runs.
#[derive(Debug, Clone, Default)]
pub(crate) struct Standing {
    /// Why the file as it is now was refused.
    pub refused: Option<Text>,
    /// Keys that only a restart takes over.
    pub restart_for: Vec<String>,
}

impl Flow {
    /// Takes another configuration over. The file saying the same again only ends a refusal.
    pub(crate) fn reconfigure(&mut self, next: Reconfiguration, ports: &mut impl Ports) {
        self.standing = Standing {
            refused: None,
            restart_for: next.restart_for,
        };
        if next.changes.is_empty() || self.life != Life::Running {
            return;
        }
        let room = RoomSpec {
            node: NodeSpec {
                stop_input: next.room.node.stop_input.clone(),
                ..self.room.node.clone()
            },
            ..next.room
        };
        let old = std::mem::replace(&mut self.room, room);
        note_names(&mut self.names, &self.room);
        let overrides = self.exchange_zones(&old);
        self.intake.admission.exchange(self.room.filters.clone());
        self.gate.exchange(&self.room.devices, self.clock.now());
        self.gate.circuits(&self.room.circuits);
        self.gate.safety(&self.room.safety, &Restored::default());
        self.exchange_grants(&old);
        self.heed_new_input(&old);
        let waits = |section: &str, key: &str| {
            let path = format!("{section}.{key}");
            let restart = &self.standing.restart_for;
            restart.contains(&path)
        };
        let restart = next
            .changes
            .iter()
            .any(|change| waits(&change.section, &change.parameter));
        let mut data = json!({
            "changes": next.changes,
            "applied_by": "file",
            "requires_restart": restart,
        });
        let lists = [
            ("restart_for", json!(self.standing.restart_for)),
            ("overrides_kept", overrides.kept.into()),
            ("overrides_ended", overrides.ended.into()),
        ];
        for (key, list) in lists {
            let list = Some(list).filter(|list| list.as_array().is_some_and(|l| !l.is_empty()));
            crate::judge::put(&mut data, key, list);
        }
        self.announce(Saying::host("system.config.changed", &data));
        self.end_plugins(&old);
        ports.reconfigured(&self.room);
        self.commit.urgent = true;
    }

    /// Another stop input, which is pressed already, stops everything.
    fn heed_new_input(&mut self, old: &RoomSpec) {
        let other = self.room.node.stop_input != old.node.stop_input;
        if let Some(input) = self.pressed_input().filter(|_| other)
            && !self.gate.is_stopped()
        {
            self.stop_by_input(&input, None);
        }
    }

    /// The file is wrong: the old configuration goes on. The same reasons are told once.
    pub(crate) fn keep_configuration(&mut self, refused: Misconfiguration) {
        let message: Text = refused.message.into();
        if self.standing.refused.replace(message.clone()).as_ref() == Some(&message) {
            return;
        }
        let data = json!({
            "file": refused.file,
            "message": message,
            "reasons": Value::from(refused.reasons),
        });
        self.announce(Saying::host("system.config.refused", &data));
    }
}
