//! The start: what the log remembers becomes views, ring, bindings, clock and gate again.

use std::collections::BTreeMap;

use growbox_gate::{Change, Gate};
use growbox_model::catalogue::DOCUMENTS;
use growbox_model::commit::{Commit, Restored};
use growbox_model::ports::Written;
use growbox_model::quantity::QUANTITIES;
use growbox_model::room::ClockForm;
use growbox_model::{
    Deed, Event, Instant, Json, Quantity, RoomSpec, SensorId, Seq, Source, Span, Text, ZoneId,
};
use growbox_pipeline::correlate::Recent;
use growbox_pipeline::names::Names;
use growbox_pipeline::route::{Route, Table};
use serde_json::json;

use crate::alerts::Alerts;
use crate::calls::Calls;
use crate::clock::{Machine, RoomClock};
use crate::flow::{Flow, Life};
use crate::health::Stats;
use crate::intake::Intake;
use crate::latency::Latency;
use crate::plugins::Plugins;
use crate::ramps;
use crate::reconfigure::Standing;
use crate::reports::Reports;
use crate::ring::{Entry, Ring};
use crate::round::Round;
use crate::safety::Violations;
use crate::say::Saying;
use crate::watch::Watch;
use crate::zones::{UtcOffset, Zones};

/// After an unclean end numbering goes on at the next multiple of this.
const NUMBERING_STRIDE: u64 = 1 << 20;

/// Everything the flow starts from.
pub struct Start {
    /// The room as configured.
    pub room: RoomSpec,
    /// What the log remembers.
    pub restored: Restored,
    /// The machine's clocks.
    pub machine: Machine,
    /// Seconds east of UTC at an instant.
    pub utc_offset: UtcOffset,
    /// growbox's version.
    pub version: Text,
    /// What the guardian did before.
    pub deeds: Vec<Deed>,
}

impl Flow {
    /// The flow, ready for its first turn.
    pub fn start(start: Start) -> Self {
        let Start {
            room,
            restored,
            machine,
            utc_offset,
            version,
            deeds,
        } = start;
        let clock = RoomClock::restored(room.node.clock, &restored, machine);
        let numbering = Numbering::after(&restored);
        let evicted = restored
            .tail
            .first()
            .map_or(restored.last_seq, |oldest| Seq(oldest.seq.0 - 1));
        let mut flow = Self {
            zones: Zones::new(&room, utc_offset),
            alerts: Alerts::restored(&restored),
            reports: Reports::restored(&restored),
            calls: Calls::restored(&restored),
            names: own_names(&room, &restored),
            ring: Ring::new(room.node.ring, evicted),
            recent: Recent::default(),
            table: Table::default(),
            gate: Gate::new(room.devices.values().cloned(), &restored, clock.now()),
            gate_next: None,
            planned: None,
            intake: Intake::new(&room),
            plugins: Plugins::restored(&restored),
            driving: BTreeMap::new(),
            round: Round::default(),
            commit: Commit::default(),
            unsaid: Vec::new(),
            last_seq: numbering.last,
            durable: restored.last_seq,
            written: Written::default(),
            urged: restored.last_seq,
            first_durable: numbering.jump.map_or(Seq(0), |(_, first)| first),
            standing: Standing::default(),
            life: Life::Running,
            more: false,
            stats: Stats::default(),
            latency: Latency::default(),
            watch: Watch::new(machine.boot),
            violations: Violations::default(),
            pledges: Vec::new(),
            clock,
            machine,
            room,
        };
        flow.gate.circuits(&flow.room.circuits);
        flow.gate.safety(&flow.room.safety, &restored);
        flow.remember(&restored);
        let off_since = numbering.jump.map(|_| restored.wall);
        flow.say_started(&numbering, off_since, &version);
        flow.say_deeds(&deeds);
        flow.clear_orphans();
        flow.give_up_calls();
        flow
    }

    fn remember(&mut self, restored: &Restored) {
        for sensor in self.room.sensors.values() {
            if let Some(source) = &sensor.source {
                self.zones.bind(&sensor.id, source);
            }
        }
        for (sensor, source) in &restored.bindings {
            self.zones.bind(sensor, source);
        }
        for event in restored.tail.iter().filter(|event| event.effective()) {
            let correlation = self.recent.observe(event);
            let depth = self.ring.depth_of(event);
            self.ring.push(Entry {
                event: event.clone(),
                route: Route::default(),
                correlation,
                depth,
            });
            self.remember_event(event);
        }
        let away = !(restored.clean && restored.same_boot);
        // Under the events clock no time passes but that of events.
        if away && !self.clock.by_events() {
            self.zones.doubt();
        }
        for (source, id, seq) in &restored.ids {
            let now = self.machine.boot;
            self.intake.duplicates.remember(source, id, *seq, now);
        }
        let mut kept = Vec::new();
        for (zone, key, value) in &restored.overrides {
            match &**key {
                "pause" => self.restore_pause(zone, value),
                ramps::KEY => self.restore_ramps(zone, value),
                _ => kept.push((zone.clone(), key.clone(), value.clone())),
            }
        }
        self.restore_overrides(&kept);
    }

    fn remember_event(&mut self, event: &Event) {
        if let Some(reading) = event.reading() {
            self.zones.observe(event, reading);
        } else if event.kind.as_str() == "sensor.stale"
            && let Some((sensor, quantity)) = event.document().and_then(silent_series)
        {
            self.zones.was_silent(&sensor, &quantity);
        } else if ["safety.violation", "system.emergency"].contains(&event.kind.as_str()) {
            self.violations.remember(event);
        }
    }

    fn say_started(&mut self, numbering: &Numbering, off_since: Option<Instant>, version: &str) {
        let mut data = json!({
            "version": version,
            "startup_time": self.machine.wall,
            "configuration_loaded": true,
            "devices_initialized": self.room.devices.len(),
        });
        if let Some((from, to)) = numbering.jump {
            crate::judge::put(
                &mut data,
                "numbering",
                Some(json!({"from": from, "to": to})),
            );
        }
        crate::judge::put(&mut data, "off_since", off_since.map(|since| json!(since)));
        self.announce(Saying::host("system.lifecycle.started", &data));
    }

    /// What the guardian did while there was no host. Under the events clock that has no time.
    fn say_deeds(&mut self, deeds: &[Deed]) {
        let speed = match self.room.node.clock {
            ClockForm::System => Some(1.0),
            ClockForm::Scaled(speed) => Some(speed),
            ClockForm::Events => None,
        };
        let now = self.clock.now().wall;
        let machine = self.machine.wall;
        let ago = |deed: &Deed, speed: f64| {
            let seconds = machine.since(deed.at).as_seconds();
            Span::from_seconds(seconds * speed).unwrap_or(Span::ZERO)
        };
        for deed in deeds {
            let change = Change {
                device: deed.device.clone(),
                old: deed.from,
                new: deed.to,
                trigger: deed.why.to_string(),
                cause: None,
            };
            let at = speed.map(|speed| now.minus(ago(deed, speed)));
            self.say_change(&change, at);
        }
    }

    /// The last words: what ends the process.
    pub(crate) fn say_stopping(&mut self, reason: &Text) {
        self.announce(Saying::host(
            "system.lifecycle.stopping",
            &json!({"reason": reason}),
        ));
    }
}

/// Where numbering goes on.
struct Numbering {
    /// The number before the next.
    last: Seq,
    /// From and to, where numbers were left out.
    jump: Option<(Seq, Seq)>,
}

impl Numbering {
    fn after(restored: &Restored) -> Self {
        let last = restored.last_seq;
        if restored.clean {
            return Self { last, jump: None };
        }
        let next = Seq((last.0 / NUMBERING_STRIDE + 1) * NUMBERING_STRIDE);
        Self {
            last: Seq(next.0 - 1),
            jump: Some((last, next)),
        }
    }
}

/// What the log holds, and what is said in any case: types of the catalogue, edges, the room as
/// configured.
fn own_names(room: &RoomSpec, restored: &Restored) -> Names {
    let mut names = Names::restored(restored.texts.iter().cloned());
    names.note(DOCUMENTS.iter().map(|document| document.name));
    let readings = QUANTITIES.iter().map(|row| format!("sensor.{}", row.name));
    readings.for_each(|reading| names.note([&*reading]));
    names.note(["host", "http", "stdin"]);
    note_names(&mut names, room);
    names
}

/// The names of a room as configured.
pub(crate) fn note_names(names: &mut Names, room: &RoomSpec) {
    names.note(room.zones.keys().map(ZoneId::as_str));
    for sensor in room.sensors.values() {
        names.note([sensor.id.as_str()]);
        names.note(sensor.source.iter().map(Source::as_str));
    }
}

fn silent_series(data: &Json) -> Option<(SensorId, Quantity)> {
    let data = data.map();
    let text = |key: &str| data.get(key).and_then(|value| value.as_str());
    Some((
        SensorId::new(text("sensor_id")?).ok()?,
        Quantity::new(text("quantity")?).ok()?,
    ))
}
