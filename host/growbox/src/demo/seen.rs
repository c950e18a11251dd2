//! What the demo has seen: the newest look at the room, and what came of all looks together.

use std::collections::VecDeque;

use growbox_model::row::{AlertRow, AlertState, DeviceRow, HealthRow, PluginRow, ZoneRow};
use growbox_model::{Event, Instant};

/// Words that are kept of what happened lately.
const LATELY: usize = 4;
/// The verdicts, as the health of the devices counts them.
const VERDICTS: [&str; 6] = [
    "granted",
    "clamped",
    "dampened",
    "outranked",
    "denied",
    "expired",
];

/// The room at one instant.
#[derive(Debug, Clone)]
pub(super) struct Shown {
    pub zones: Vec<ZoneRow>,
    pub devices: Vec<DeviceRow>,
    pub plugins: Vec<PluginRow>,
    pub alerts: Vec<AlertRow>,
    pub health: HealthRow,
    /// How many events were said so far.
    pub events: u64,
    /// When this was, by the machine's clock, in seconds since the demo began.
    pub seconds: f64,
}

impl Shown {
    /// The zone with devices, which the demo is about.
    pub(super) fn tent(&self) -> Option<&ZoneRow> {
        self.zone("tent")
    }

    /// The zone of this id.
    pub(super) fn zone(&self, id: &str) -> Option<&ZoneRow> {
        self.zones.iter().find(|zone| zone.id.as_str() == id)
    }

    /// What the room's clock shows: as late as the newest measure.
    pub(super) fn clock(&self) -> Option<Instant> {
        let climate = self.tent()?.climate.values();
        climate.map(|measure| measure.taken).max()
    }

    /// Alerts that stand.
    pub(super) fn standing(&self) -> impl Iterator<Item = &AlertRow> {
        let cleared = |alert: &&AlertRow| alert.state == AlertState::Cleared;
        self.alerts.iter().filter(move |alert| !cleared(alert))
    }

    /// A figure of the health; 0 where nobody tells it.
    pub(super) fn figure(&self, component: &str, name: &str) -> f64 {
        let component = self.health.components.get(component);
        let figure = component.and_then(|component| component.figures.get(name));
        figure.copied().unwrap_or(0.0)
    }

    /// How many requests there were, and what became of them.
    pub(super) fn requests(&self) -> String {
        let counts = VERDICTS.map(|name| (name, self.figure("devices", name) as u64));
        let all: u64 = counts.iter().map(|(_, count)| count).sum();
        let told: Vec<String> = counts
            .iter()
            .filter(|(_, count)| *count > 0)
            .map(|(name, count)| format!("{count} {name}"))
            .collect();
        match &*told {
            [] => "no requests yet".into(),
            told => format!("{all} requests: {}", told.join(", ")),
        }
    }
}

/// VPD of a zone with its range: value, low, high.
pub(super) fn vpd(zone: &ZoneRow) -> Option<(f64, f64, f64)> {
    let value = zone.climate.get("vpd")?.value;
    let range = zone.setpoints.get("vpd")?;
    Some((value, range.low, range.high))
}

/// Everything seen so far.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// The newest look.
    pub last: Option<Shown>,
    /// When the room's clock was first read.
    pub founded: Option<Instant>,
    /// Events a second between the last two looks.
    pub rate: f64,
    /// What happened lately, oldest first.
    pub lately: VecDeque<(Instant, String)>,
    in_band: u32,
    with_vpd: u32,
    alerts: u64,
}

impl Seen {
    /// Takes a look.
    pub(super) fn take(&mut self, shown: Shown) {
        if let Some((value, low, high)) = shown.tent().and_then(vpd) {
            self.with_vpd += 1;
            self.in_band += u32::from((low..=high).contains(&value));
        }
        if let Some(last) = &self.last {
            let elapsed = (shown.seconds - last.seconds).max(0.001);
            self.rate = shown.events.saturating_sub(last.events) as f64 / elapsed;
        }
        self.founded = self.founded.or(shown.clock());
        self.last = Some(shown);
    }

    /// Takes an event in, where it is worth a line.
    pub(super) fn hear(&mut self, event: &Event) {
        self.alerts += u64::from(event.kind.as_str() == "alert.raised");
        if let Some(words) = worth_a_line(event) {
            self.lately.push_back((event.at, words));
            while self.lately.len() > LATELY {
                self.lately.pop_front();
            }
        }
    }

    /// How much of the looks found VPD in its range.
    pub(super) fn band_percent(&self) -> u32 {
        (self.in_band * 100).checked_div(self.with_vpd).unwrap_or(0)
    }

    /// What came of it all, in a few lines.
    pub(super) fn summary(&self) -> String {
        let Some(shown) = &self.last else {
            return "nothing was seen".into();
        };
        format!(
            "{} events, {} lost, {} dead letters\nVPD in band {} % of the time, {} alerts\n{}",
            shown.events,
            shown.figure("queue", "lost"),
            shown.figure("queue", "dead_letters"),
            self.band_percent(),
            self.alerts,
            shown.requests(),
        )
    }

    /// Why it did not go well; empty where it did.
    pub(super) fn troubles(&self) -> Vec<String> {
        let Some(shown) = &self.last else {
            return vec!["nothing was seen".into()];
        };
        let mut troubles = Vec::new();
        if self.with_vpd == 0 {
            troubles.push("no VPD was ever known".to_owned());
        }
        if shown.figure("devices", "granted") < 1.0 {
            troubles.push("nothing was ever granted".to_owned());
        }
        for plugin in &shown.plugins {
            if &*plugin.state != "running" {
                let why = plugin.why.as_deref().unwrap_or("nobody says why");
                troubles.push(format!("plug-in {} is {}: {why}", plugin.id, plugin.state));
            }
        }
        if shown.plugins.is_empty() {
            troubles.push("no plug-in is loaded: build them with cargo xtask guests".to_owned());
        }
        if shown.figure("queue", "lost") > 0.0 {
            troubles.push("events were lost".to_owned());
        }
        troubles
    }
}

/// What an event says, where a person who watches would want to know.
fn worth_a_line(event: &Event) -> Option<String> {
    let kind = event.kind.as_str();
    let data = event.document()?.map();
    let text = |key: &str| data.get(key).and_then(|value| value.as_str());
    let about = text("device_id")
        .or(text("sensor_id"))
        .or(text("plugin"))
        .or(text("rule"))
        .or(event.zone.as_ref().map(growbox_model::ZoneId::as_str));
    let why = text("reason").or(text("message"));
    let verb = match kind {
        "device.action.clamped"
        | "device.action.dampened"
        | "device.action.denied"
        | "device.action.outranked" => kind.rsplit('.').next()?,
        "device.error" => "fails",
        "sensor.stale" => "is silent",
        "sensor.recovered" => "is heard again",
        "sensor.threshold.exceeded" => "is beyond its threshold",
        "alert.raised" => "alert",
        "alert.cleared" => "is well again",
        "analytics.anomaly" => "is unusual",
        "control.stage.changed" => "has a new stage",
        "system.emergency" | "safety.violation" => "is stopped",
        "system.config.changed" => "configuration changed",
        "plugin.swapped" => "was swapped",
        "plugin.quarantined" | "plugin.refused" => "does not run",
        _ => return None,
    };
    let about = about.unwrap_or("room");
    Some(match why {
        Some(why) => format!("{about} {verb}: {why}"),
        None => format!("{about} {verb}"),
    })
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use growbox_model::row::{ComponentRow, MeasureRow, SetpointRow};
    use growbox_model::{
        DeviceId, EventType, Json, Moment, Payload, PluginId, Seq, Source, ZoneId,
    };

    /// A tent with this VPD, one light, and one plug-in in this state.
    pub(in super::super) fn shown(vpd: f64, state: &str, granted: f64) -> Shown {
        let measure = |value: f64, unit: &str| MeasureRow {
            value,
            unit: unit.into(),
            quality: "good".into(),
            taken: Instant::parse("2026-05-01T14:07:00Z").unwrap(),
        };
        let range = SetpointRow {
            low: 0.75,
            target: 0.92,
            high: 1.1,
            unit: "kilopascal".into(),
        };
        let zone = ZoneRow {
            id: ZoneId::new("tent").unwrap(),
            stage: Some("mid-veg".into()),
            operation: "control".into(),
            mode: None,
            day: Some(true),
            setpoints: [("vpd".into(), range)].into(),
            climate: [("vpd".into(), measure(vpd, "kilopascal"))].into(),
            missing: Vec::new(),
        };
        let device = DeviceRow {
            id: DeviceId::new("light").unwrap(),
            zone: None,
            role: "light".into(),
            level: Some(0.0),
            since: None,
            owner: None,
            why: "18 h day; but it rests".into(),
            until: None,
            available: true,
            refusal: Some("it rests".into()),
            free_at: Some(Instant::parse("2026-05-01T14:10:30Z").unwrap()),
        };
        let plugin = PluginRow {
            id: PluginId::new("vpd-control").unwrap(),
            version: "0.1.0".into(),
            state: state.into(),
            generation: Some(1),
            behind: 0,
            strikes: 0,
            memory_bytes: 0,
            controls: Vec::new(),
            why: None,
        };
        let figures = [("granted".into(), granted)].into();
        let devices = ComponentRow {
            status: "healthy".into(),
            why: None,
            figures,
        };
        Shown {
            zones: vec![zone],
            devices: vec![device],
            plugins: vec![plugin],
            alerts: Vec::new(),
            health: HealthRow {
                overall: "healthy".into(),
                components: [("devices".into(), devices)].into(),
                latency: Default::default(),
            },
            events: 12,
            seconds: 0.0,
        }
    }

    fn event(kind: &'static str, data: &serde_json::Value) -> Event {
        Event {
            seq: Seq(1),
            id: None,
            kind: EventType::known(kind),
            zone: None,
            source: Source::host(),
            at: Instant(0),
            taken: Moment(0),
            taken_at: Instant(0),
            cause: None,
            generation: None,
            foreign: false,
            late: false,
            payload: Payload::Document(Json::of(data)),
            metadata: None,
        }
    }

    #[test]
    fn it_went_well_only_when_vpd_was_known_and_something_granted_and_all_run() {
        let troubles = |shown| {
            let mut seen = Seen::default();
            seen.take(shown);
            seen.troubles().len()
        };
        assert_eq!(troubles(shown(0.9, "running", 1.0)), 0);
        assert_eq!(troubles(shown(0.9, "quarantined", 1.0)), 1);
        assert_eq!(troubles(shown(0.9, "running", 0.0)), 1);
        assert_eq!(Seen::default().troubles().len(), 1);
    }

    #[test]
    fn only_what_is_worth_it_gets_a_line_and_the_oldest_goes() {
        let mut seen = Seen::default();
        let dampened = serde_json::json!({"device_id": "heater", "reason": "it rests"});
        seen.hear(&event("device.action.granted", &dampened));
        assert!(seen.lately.is_empty());
        for _ in 0..9 {
            seen.hear(&event("device.action.dampened", &dampened));
        }
        assert_eq!(seen.lately.len(), LATELY);
        assert_eq!(seen.lately[0].1, "heater dampened: it rests");
    }

    #[test]
    fn the_rate_is_of_the_last_two_looks() {
        let mut seen = Seen::default();
        seen.take(shown(0.9, "running", 1.0));
        let mut later = shown(2.0, "running", 1.0);
        (later.events, later.seconds) = (212, 0.5);
        seen.take(later);
        assert!((seen.rate - 400.0).abs() < 1e-9);
        assert_eq!(seen.band_percent(), 50);
    }
}
