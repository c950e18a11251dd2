//! Health: how well every part is, by its own figures; "registered" is not healthy.

use std::collections::BTreeMap;

use growbox_model::ports::BatchResult;
use growbox_model::row::{ComponentRow, HealthRow};
use growbox_model::{DeviceId, PluginId, Text, VerdictKind};

use crate::flow::Flow;
use crate::mailbox::Phase;

/// A queue fuller than this is degraded.
const QUEUE_FULL: f64 = 0.8;
/// A plug-in further behind than this is degraded.
const FAR_BEHIND: u64 = 10_000;

/// What the flow has counted since it started.
#[derive(Debug, Clone, Default)]
pub(crate) struct Stats {
    pub batches: u64,
    pub faults: u64,
    pub refused_effects: u64,
    pub verdicts: BTreeMap<&'static str, u64>,
    /// Crossings of zero, by device.
    pub switches: BTreeMap<DeviceId, u64>,
    pub faults_of: BTreeMap<PluginId, u64>,
}

impl Stats {
    pub(crate) fn handled(&mut self, result: &BatchResult) {
        self.batches += 1;
        if result.outcome.is_err() {
            self.faults += 1;
            *self.faults_of.entry(result.plugin.clone()).or_default() += 1;
        }
    }

    pub(crate) fn switched(&mut self, device: &DeviceId) {
        *self.switches.entry(device.clone()).or_default() += 1;
    }

    pub(crate) fn verdict(&mut self, kind: VerdictKind) {
        let name = kind.event_type().trim_start_matches("device.action.");
        *self.verdicts.entry(name).or_default() += 1;
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Status {
    Healthy,
    Degraded,
    Critical,
}

impl Status {
    fn text(self) -> Text {
        match self {
            Self::Healthy => "healthy",
            Self::Degraded => "degraded",
            Self::Critical => "critical",
        }
        .into()
    }
}

struct Component {
    status: Status,
    why: Option<String>,
    figures: Vec<(&'static str, f64)>,
}

impl Component {
    fn healthy(figures: Vec<(&'static str, f64)>) -> Self {
        Self {
            status: Status::Healthy,
            why: None,
            figures,
        }
    }

    fn but(self, status: Status, when: bool, why: impl FnOnce() -> String) -> Self {
        if when && status > self.status {
            Self {
                status,
                why: Some(why()),
                ..self
            }
        } else {
            self
        }
    }

    fn row(self) -> ComponentRow {
        ComponentRow {
            status: self.status.text(),
            why: self.why.map(Into::into),
            figures: self
                .figures
                .into_iter()
                .map(|(name, figure)| (name.into(), figure))
                .collect(),
        }
    }
}

impl Flow {
    pub(crate) fn health(&self, log_refusal: Option<Text>) -> HealthRow {
        let parts = [
            ("queue", self.queue_health()),
            ("plugins", self.plugin_health()),
            ("sensors", self.sensor_health()),
            ("devices", self.device_health()),
            ("storage", storage_health(log_refusal)),
            ("clock", self.clock_health()),
        ];
        let overall = parts
            .iter()
            .map(|(_, part)| part.status)
            .max()
            .unwrap_or(Status::Healthy);
        HealthRow {
            overall: overall.text(),
            components: parts
                .into_iter()
                .map(|(name, part)| (name.into(), part.row()))
                .collect(),
        }
    }

    fn queue_health(&self) -> Component {
        let used = self.intake.queue.utilisation();
        Component::healthy(vec![
            ("length", self.intake.queue.len() as f64),
            ("utilisation", used),
            ("peak", self.intake.queue.peak as f64),
            ("lost", self.intake.lost as f64),
            ("dropped", self.intake.admission.dropped as f64),
            ("coalesced", self.intake.admission.coalesced as f64),
            ("dead_letters", self.intake.dead as f64),
        ])
        .but(Status::Degraded, used >= QUEUE_FULL, || {
            format!("the queue is {:.0} % full", used * 100.0)
        })
    }

    fn plugin_health(&self) -> Component {
        let rows = self.plugin_rows();
        let bad: Vec<&str> = self
            .plugins
            .boxes
            .values()
            .filter(|mailbox| matches!(mailbox.phase, Phase::Quarantined(_) | Phase::BackingOff(_)))
            .map(|mailbox| mailbox.spec.id.as_str())
            .collect();
        let behind: Vec<&str> = rows
            .iter()
            .filter(|r| r.behind > FAR_BEHIND)
            .map(|r| r.id.as_str())
            .collect();
        let passed_over: u64 = self
            .plugins
            .boxes
            .values()
            .map(|mailbox| mailbox.passed_over)
            .sum();
        Component::healthy(vec![
            ("plugins", rows.len() as f64),
            ("batches", self.stats.batches as f64),
            ("faults", self.stats.faults as f64),
            ("refused_effects", self.stats.refused_effects as f64),
            ("passed_over", passed_over as f64),
        ])
        .but(Status::Degraded, !behind.is_empty(), || {
            format!("far behind: {}", behind.join(", "))
        })
        .but(Status::Critical, !bad.is_empty(), || {
            format!("not running: {}", bad.join(", "))
        })
    }

    fn sensor_health(&self) -> Component {
        let (stale, all) = self.zones.stale();
        Component::healthy(vec![("series", all as f64), ("stale", stale as f64)]).but(
            Status::Degraded,
            stale > 0,
            || format!("{stale} of {all} series are stale"),
        )
    }

    fn device_health(&self) -> Component {
        let rows = self.gate.rows(self.clock.now());
        let lost: Vec<&str> = rows
            .iter()
            .filter(|row| !row.available)
            .map(|row| row.id.as_str())
            .collect();
        let mut figures = vec![
            ("devices", rows.len() as f64),
            ("unavailable", lost.len() as f64),
        ];
        figures.extend(
            self.stats
                .verdicts
                .iter()
                .map(|(name, count)| (*name, *count as f64)),
        );
        Component::healthy(figures).but(Status::Critical, !lost.is_empty(), || {
            format!("out of reach: {}", lost.join(", "))
        })
    }

    fn clock_health(&self) -> Component {
        let now = self.clock.now();
        Component::healthy(vec![("trusted", f64::from(u8::from(now.wall_trusted)))]).but(
            Status::Degraded,
            !now.wall_trusted,
            || "the wall clock has not been set yet".into(),
        )
    }
}

fn storage_health(refusal: Option<Text>) -> Component {
    let part = Component::healthy(Vec::new());
    match refusal {
        Some(why) => part.but(Status::Critical, true, || why.to_string()),
        None => part,
    }
}
