//! Pausing: automation rests for a while, or for some systems only, and resumes by itself.

use growbox_model::commit::Record;
use growbox_model::ports::wall_of;
use growbox_model::{Instant, Json, Moment, Now, Objection, Operation, Role, ZoneId};
use serde_json::{Map, Value, json};

use crate::flow::Flow;
use crate::obey::length;
use crate::say::Saying;

/// A zone's automation, paused for a while or for some roles only.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Pause {
    pub until: Option<Moment>,
    /// When it ends by the wall, while that is all that is known: the log told it to a machine
    /// whose clock was not set yet.
    pub by_label: Option<Instant>,
    /// Paused systems; none means all.
    pub systems: Vec<String>,
}

impl Pause {
    pub(crate) fn concerns(&self, role: Option<Role>) -> bool {
        self.systems.is_empty()
            || role.is_some_and(|role| {
                self.systems
                    .iter()
                    .any(|system| roles_of(system).contains(&role.as_str()))
            })
    }
}

/// The roles of a system, as `control.automation.paused` names systems; a role names itself.
fn roles_of(system: &str) -> &[&str] {
    match system {
        "climate" => &[
            "exhaust",
            "intake",
            "circulation",
            "heater",
            "cooler",
            "humidifier",
            "dehumidifier",
        ],
        "irrigation" => &["pump"],
        "lighting" => &["light"],
        _ => match growbox_model::Role::new(system) {
            Ok(role) => std::slice::from_ref(&role.0.name),
            Err(_) => &[],
        },
    }
}

impl Flow {
    pub(crate) fn pause(&mut self, zone: &ZoneId, data: &Map<String, Value>) {
        let length = length(data, "estimated_duration");
        let systems = data.get("affected_systems").and_then(Value::as_array);
        let systems = systems.map(|list| {
            list.iter()
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect()
        });
        let now = self.clock.now();
        let pause = Pause {
            until: length.map(|l| now.moment + l),
            by_label: None,
            systems: systems.unwrap_or_default(),
        };
        self.keep_pause(zone, Some(pause));
    }

    /// A pause ends; a zone that is paused by its configuration goes to control.
    pub(crate) fn resume(&mut self, zone: &ZoneId) -> Result<(), Objection> {
        self.keep_pause(zone, None);
        let state = self.zones.zone(zone);
        if state.is_some_and(|state| state.spec.operation == Operation::Paused) {
            return self.override_zone(zone, "operation", &json!(Operation::Control));
        }
        Ok(())
    }

    pub(crate) fn keep_pause(&mut self, zone: &ZoneId, pause: Option<Pause>) {
        let now = self.clock.now();
        let Some(state) = self.zones.zone_mut(zone) else {
            return;
        };
        let kept = pause.as_ref().map(|pause| {
            let until = pause.until.map(|moment| wall_of(moment, now));
            Json::of(&json!({"until": until, "systems": pause.systems}))
        });
        state.pause = pause;
        self.commit
            .records
            .push(Record::Override(zone.clone(), "pause".into(), kept));
        self.commit.urgent = true;
    }

    /// Takes up a pause the log kept.
    pub(crate) fn restore_pause(&mut self, zone: &ZoneId, kept: &Json) {
        #[derive(serde::Deserialize)]
        struct Kept {
            until: Option<Instant>,
            systems: Vec<String>,
        }
        let now = self.clock.now();
        let (Some(kept), Some(state)) = (kept.read::<Kept>(), self.zones.zone_mut(zone)) else {
            return;
        };
        state.pause = Some(Pause {
            until: kept.until.map(|end| moment_of(end, now)),
            by_label: kept.until.filter(|_| !now.wall_trusted),
            systems: kept.systems,
        });
    }

    /// The wall clock has jumped: pauses and ramps last as long as they were to, and bear the new
    /// label.
    pub(crate) fn relabel_zones(&mut self) {
        let now = self.clock.now();
        let zones: Vec<ZoneId> = self.zones.ids().cloned().collect();
        for zone in zones {
            let Some(state) = self.zones.zone_mut(&zone) else {
                continue;
            };
            let ramps = !state.ramps.is_empty();
            let pause = state.pause.clone().filter(|pause| pause.until.is_some());
            if let Some(mut pause) = pause {
                if let Some(end) = pause.by_label {
                    pause.until = Some(moment_of(end, now));
                    pause.by_label = Some(end).filter(|_| !now.wall_trusted);
                }
                self.keep_pause(&zone, Some(pause));
            }
            if ramps {
                self.keep_ramps(&zone);
            }
        }
    }

    /// Pauses whose time is over resume by themselves, and say so.
    pub(crate) fn resume_due(&mut self) {
        let now = self.clock.now().moment;
        let due: Vec<ZoneId> = self
            .zones
            .all()
            .filter(|(_, zone)| {
                zone.pause
                    .as_ref()
                    .and_then(|p| p.until)
                    .is_some_and(|until| until <= now)
            })
            .map(|(id, _)| id.clone())
            .collect();
        for zone in due {
            self.keep_pause(&zone, None);
            let data = json!({"reason": "the estimated duration is over"});
            self.say(Saying::host("control.automation.resumed", &data).in_zone(Some(zone)));
        }
    }
}

/// When a wall-clock time comes, as far as the clock can tell now.
fn moment_of(wall: Instant, now: Now) -> Moment {
    now.moment + wall.since(now.wall)
}
