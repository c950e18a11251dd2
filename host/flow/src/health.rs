//! Health: how well every part is, by its own figures; "registered" is not healthy.

use std::collections::{BTreeMap, BTreeSet};

use growbox_model::ports::{BatchResult, DriverReport, Ports};
use growbox_model::row::{ComponentRow, HealthRow};
use growbox_model::{DeviceId, PluginId, Span, Text, VerdictKind};

use crate::flow::Flow;
use crate::mailbox::{Mailbox, Phase};

/// A queue fuller than this is degraded.
const QUEUE_FULL: f64 = 0.8;
/// A plug-in further behind than this is degraded.
const FAR_BEHIND: u64 = 10_000;

/// A handler of which one call in twenty takes longer than this is slow: half of what a call may take.
const SLOW_MILLISECONDS: f64 = 50.0;
/// A jump of the wall clock is worth a look for so long, machine time.
const JUMPED: Span = Span::minutes(10);
/// Names in one sentence; beyond, how many more there are.
const NAMED: usize = 8;

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
    /// Devices whose newest order their driver could not carry out.
    pub failing: BTreeSet<DeviceId>,
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

    pub(crate) fn driven(&mut self, report: &DriverReport) {
        match report {
            DriverReport::Failed(device, _) => drop(self.failing.insert(device.clone())),
            DriverReport::Confirmed(device, _) => drop(self.failing.remove(device)),
            DriverReport::Available(..) | DriverReport::Moved(..) => {}
        }
    }

    pub(crate) fn verdict(&mut self, kind: VerdictKind) {
        let name = kind.event_type().trim_start_matches("device.action.");
        *self.verdicts.entry(name).or_default() += 1;
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Status {
    Healthy,
    Degraded,
    Critical,
}

impl Status {
    pub(crate) fn text(self) -> Text {
        match self {
            Self::Healthy => "healthy",
            Self::Degraded => "degraded",
            Self::Critical => "critical",
        }
        .into()
    }
}

pub(crate) struct Component {
    pub status: Status,
    why: Option<String>,
    figures: Vec<(&'static str, f64)>,
    /// Figures of a port.
    told: BTreeMap<Text, f64>,
}

impl Component {
    fn healthy(figures: Vec<(&'static str, f64)>) -> Self {
        Self {
            status: Status::Healthy,
            why: None,
            figures,
            told: BTreeMap::new(),
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

    /// As a port tells it.
    fn of(row: ComponentRow, own: Self) -> Self {
        let status = match &*row.status {
            "critical" => Status::Critical,
            "degraded" => Status::Degraded,
            _ => Status::Healthy,
        };
        let why = row.why.map(|why| why.to_string());
        let mut part = own.but(status, true, || why.unwrap_or_default());
        part.told = row.figures;
        part
    }

    fn row(self) -> ComponentRow {
        ComponentRow {
            status: self.status.text(),
            why: self.why.map(Into::into),
            figures: self
                .figures
                .into_iter()
                .map(|(name, figure)| (name.into(), figure))
                .chain(self.told)
                .collect(),
        }
    }
}

impl Flow {
    pub(crate) fn health(&self, ports: &impl Ports) -> HealthRow {
        let parts = self.parts(ports);
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
            latency: self.latency_rows(),
        }
    }

    /// Every part with its name.
    pub(crate) fn parts(&self, ports: &impl Ports) -> [(&'static str, Component); 7] {
        [
            ("queue", self.queue_health()),
            ("plugins", self.plugin_health()),
            ("sensors", self.sensor_health()),
            ("devices", self.device_health()),
            ("storage", storage_health(ports)),
            ("clock", self.clock_health()),
            ("configuration", self.configuration_health()),
        ]
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
        let boxes = || self.plugins.boxes.values();
        let in_phase = |wanted: fn(&Phase) -> bool| {
            let found = boxes().filter(move |mailbox| wanted(&mailbox.phase));
            found.map(|mailbox| mailbox.spec.id.as_str()).collect()
        };
        let quarantined: Vec<&str> = in_phase(|phase| matches!(phase, Phase::Quarantined(_)));
        let backing_off: Vec<&str> = in_phase(|phase| matches!(phase, Phase::BackingOff(_)));
        let refused: Vec<&str> = self.plugins.refused.iter().map(PluginId::as_str).collect();
        let far = rows.iter().filter(|row| row.behind > FAR_BEHIND);
        let behind: Vec<&str> = far.map(|row| row.id.as_str()).collect();
        let slow = boxes().filter(|mailbox| self.is_slow(mailbox));
        let slow: Vec<&str> = slow.map(|mailbox| mailbox.spec.id.as_str()).collect();
        let passed_over: u64 = boxes().map(|mailbox| mailbox.passed_over).sum();
        let furthest = rows.iter().map(|row| row.behind).max().unwrap_or(0);
        Component::healthy(vec![
            ("plugins", rows.len() as f64),
            ("batches", self.stats.batches as f64),
            ("faults", self.stats.faults as f64),
            ("refused_effects", self.stats.refused_effects as f64),
            ("passed_over", passed_over as f64),
            ("behind", furthest as f64),
        ])
        .but(Status::Critical, !quarantined.is_empty(), || {
            named("quarantined", &quarantined)
        })
        .but(Status::Degraded, !backing_off.is_empty(), || {
            named("backing off after a fault", &backing_off)
        })
        .but(Status::Degraded, !refused.is_empty(), || {
            named("refused", &refused)
        })
        .but(Status::Degraded, !behind.is_empty(), || {
            named("far behind", &behind)
        })
        .but(Status::Degraded, !slow.is_empty(), || named("slow", &slow))
    }

    /// Whether a handler takes long again and again.
    fn is_slow(&self, mailbox: &Mailbox) -> bool {
        let latency = self.latency.of_handler(mailbox.id(), self.machine.boot);
        latency.is_some_and(|row| row.p95_milliseconds > SLOW_MILLISECONDS)
    }

    fn sensor_health(&self) -> Component {
        let (stale, all) = self.zones.stale();
        let lacking = self.lacking();
        Component::healthy(vec![
            ("series", all as f64),
            ("stale", stale as f64),
            ("missing", lacking.len() as f64),
        ])
        .but(Status::Degraded, stale > 0, || {
            format!("{stale} of {all} series are stale")
        })
        .but(Status::Degraded, !lacking.is_empty(), || {
            named("missing", &lacking)
        })
    }

    /// What devices and stages need and no sensor tells: zone and quantity.
    fn lacking(&self) -> Vec<String> {
        let now = self.clock.now();
        let zones = self.zones.ids();
        let views = zones.filter_map(|zone| self.zones.view(zone, now));
        let words = |view: growbox_model::ZoneView| {
            let zone = view.zone;
            let missing = view.missing.into_iter();
            missing.map(move |quantity| format!("{quantity} in {zone}"))
        };
        views.flat_map(words).collect()
    }

    fn device_health(&self) -> Component {
        let rows = self.gate.rows(self.clock.now());
        let lost: Vec<&str> = rows
            .iter()
            .filter(|row| !row.available)
            .map(|row| row.id.as_str())
            .collect();
        let failing: Vec<&str> = self.stats.failing.iter().map(DeviceId::as_str).collect();
        let mut figures = vec![
            ("devices", rows.len() as f64),
            ("unavailable", lost.len() as f64),
            ("failing", failing.len() as f64),
        ];
        figures.extend(
            self.stats
                .verdicts
                .iter()
                .map(|(name, count)| (*name, *count as f64)),
        );
        Component::healthy(figures)
            .but(Status::Critical, !lost.is_empty(), || {
                named("out of reach", &lost)
            })
            .but(Status::Critical, !failing.is_empty(), || {
                named("not driven", &failing)
            })
    }

    fn clock_health(&self) -> Component {
        let now = self.clock.now();
        let machine = self.machine.boot;
        let jumped = self.watch.jumped;
        let jumped = jumped.is_some_and(|at| machine.since(at) < JUMPED);
        Component::healthy(vec![
            ("trusted", f64::from(u8::from(now.wall_trusted))),
            ("jumps", self.watch.jumps as f64),
        ])
        .but(Status::Degraded, !now.wall_trusted, || {
            "the wall clock has not been set yet".into()
        })
        .but(Status::Degraded, jumped, || {
            "the wall clock has jumped".into()
        })
    }
}

impl Flow {
    fn configuration_health(&self) -> Component {
        let standing = &self.standing;
        let restart = &standing.restart_for;
        let figures = vec![("waiting_for_restart", restart.len() as f64)];
        let part = Component {
            why: (!restart.is_empty())
                .then(|| format!("a restart is needed for {}", restart.join(", "))),
            ..Component::healthy(figures)
        };
        match &standing.refused {
            Some(why) => part.but(Status::Degraded, true, || {
                format!("the file was refused, the old one goes on: {why}")
            }),
            None => part,
        }
    }
}

fn storage_health(ports: &impl Ports) -> Component {
    let refusal = ports.log_refusal();
    let full = refusal.is_some();
    let own = Component::healthy(Vec::new()).but(Status::Critical, full, || {
        refusal.map_or_else(String::new, |why| why.to_string())
    });
    match ports.storage() {
        Some(row) => Component::of(row, own),
        None => own,
    }
}

/// What is wrong, with whom: the first few by name.
fn named(what: &str, names: &[impl AsRef<str>]) -> String {
    let first: Vec<&str> = names.iter().take(NAMED).map(AsRef::as_ref).collect();
    let more = names.len().saturating_sub(NAMED);
    let more = match more {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("{what}: {}{more}", first.join(", "))
}
