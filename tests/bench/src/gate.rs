//! The gate alone: one request decided and everything settled, in a house of 100 devices and 50 safety rules.
//!
//! Devices have the neighbours that a house brings: in each zone the valve never opens beside the
//! exhaust and the intake, and what heats hangs on one circuit.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::anyhow;
use growbox_gate::{Ask, Gate, Toward, World};
use growbox_model::commit::Restored;
use growbox_model::ports::{DriverReport, Written};
use growbox_model::{
    CircuitSpec, Command, Danger, DeviceId, DeviceSpec, Instant as Wall, Moment, Now, Objection,
    Operation, PluginId, Quantity, Request, Requester, Role, SafetySpec, Seq, Span, Text, Trouble,
    ZoneId,
};

use crate::{Plan, Row, row};

const ZONES: usize = 10;
/// Ten in each zone.
const ROLES: [&str; 10] = [
    "exhaust",
    "intake",
    "heater",
    "cooler",
    "humidifier",
    "dehumidifier",
    "light",
    "co2",
    "pump",
    "other",
];
/// What hangs on the circuit of its zone, and what it draws.
const HEAVY: [(&str, f64); 4] = [
    ("heater", 1_000.0),
    ("cooler", 900.0),
    ("dehumidifier", 400.0),
    ("light", 600.0),
];
/// Five in each zone.
const LIMITS: [(&str, f64); 5] = [
    ("temperature", 40.0),
    ("humidity", 95.0),
    ("co2", 2000.0),
    ("vpd", 3.0),
    ("soil_moisture", 90.0),
];
const REQUESTS: u64 = 200_000;

/// A house in which all is well.
struct Well;

impl World for Well {
    fn operation(&self, _: &DeviceSpec) -> Operation {
        Operation::Control
    }
    fn fresh(&self, _: Option<&ZoneId>, _: &Quantity) -> bool {
        true
    }
    fn day(&self, _: Option<&ZoneId>) -> Option<bool> {
        Some(true)
    }
    fn second_of_day(&self) -> Option<u32> {
        Some(43_200)
    }
    fn durable(&self, _: Seq) -> bool {
        true
    }
    fn written(&self) -> Written {
        Written::default()
    }
    fn measure(&self, _: &ZoneId, _: &str, _: Toward) -> Option<f64> {
        Some(24.0)
    }
    fn trouble(&self, _: &ZoneId, _: &Quantity, _: &[Trouble]) -> Option<Trouble> {
        None
    }
    fn revision(&self) -> Option<u64> {
        Some(1)
    }
}

pub(crate) fn measure(_: &Plan) -> anyhow::Result<Vec<Row>> {
    let mut times = run().map_err(|objection| anyhow!("{objection}"))?;
    times.sort_unstable();
    let at = |share: f64| {
        let index = ((times.len() - 1) as f64 * share) as usize;
        times.get(index).map_or(f64::NAN, |d| d.as_secs_f64() * 1e6)
    };
    let (devices, rules) = (ZONES * ROLES.len(), ZONES * LIMITS.len());
    Ok(vec![row(
        format!(
            "one decide and settle, {devices} devices, {rules} safety rules, {REQUESTS} requests"
        ),
        format!("median {:.2} µs, p99 {:.2} µs", at(0.5), at(0.99)),
        "median < 5 µs",
    )])
}

fn run() -> Result<Vec<Duration>, Objection> {
    let house = devices()?;
    let ids: Vec<DeviceId> = house.iter().map(|spec| spec.id.clone()).collect();
    let mut now = Now {
        moment: Moment(Span::hours(1).0),
        wall: Wall(Span::hours(500_000).0),
        wall_trusted: true,
    };
    let mut gate = Gate::new(house, &Restored::default(), now);
    gate.circuits(&circuits());
    gate.safety(&rules()?, &Restored::default());
    let requester = Requester::Plugin(PluginId::new("bench")?);
    let quantity = Quantity::new("temperature")?;
    let mut times = Vec::new();
    for number in 0..REQUESTS {
        now.moment = now.moment + Span::seconds(1);
        now.wall = now.wall.plus(Span::seconds(1));
        let place = usize::try_from(number).unwrap_or(0) % ids.len();
        let on = (usize::try_from(number).unwrap_or(0) / ids.len()).is_multiple_of(2);
        let request = Request {
            device: ids[place].clone(),
            command: Command::Level(if on { 1.0 } else { 0.0 }),
            lease: None,
            reason: "to measure".into(),
            causes: Vec::new(),
        };
        let ask = Ask {
            requester: &requester,
            granted: true,
            grant_hint: "",
            request: &request,
            caused_at: now.moment,
            cut: now.moment,
            tick: None,
        };
        let zone = ZoneId::new(&format!("zone{}", place / ROLES.len()))?;
        let begun = Instant::now();
        gate.see(&zone, &quantity, Seq(1), &Well, now);
        if !gate.renews(&ask, &Well, now) {
            gate.decide(&ask, Seq(number + 1), &Well, now);
        }
        let settled = gate.settle(&Well, now);
        times.push(begun.elapsed());
        for order in settled.orders {
            gate.report(&DriverReport::Confirmed(order.device, order.level), now);
        }
    }
    Ok(times)
}

fn devices() -> Result<Vec<DeviceSpec>, Objection> {
    let mut house = Vec::new();
    for zone in 0..ZONES {
        for role in ROLES {
            let id = DeviceId::new(&format!("{role}{zone}"))?;
            let mut spec = DeviceSpec::of_role(id, Role::new(role)?, "null:bench");
            spec.zone = Some(ZoneId::new(&format!("zone{zone}"))?);
            if role == "co2" {
                let fans = ["exhaust", "intake"].map(|fan| DeviceId::new(&format!("{fan}{zone}")));
                spec.never_with = fans.into_iter().collect::<Result<_, _>>()?;
            }
            if let Some((_, watts)) = HEAVY.iter().find(|(heavy, _)| *heavy == role) {
                (spec.circuit, spec.watts) = (Some(circuit(zone)), Some(*watts));
            }
            house.push(spec);
        }
    }
    Ok(house)
}

fn circuit(zone: usize) -> Text {
    format!("mains{zone}").into()
}

fn circuits() -> BTreeMap<Text, CircuitSpec> {
    let spec = |zone| CircuitSpec {
        id: circuit(zone),
        max_amperes: 10.0,
        volts: 230.0,
    };
    (0..ZONES).map(|zone| (circuit(zone), spec(zone))).collect()
}

fn rules() -> Result<Vec<SafetySpec>, Objection> {
    let mut rules = Vec::new();
    for zone in 0..ZONES {
        for (quantity, limit) in LIMITS {
            rules.push(SafetySpec {
                id: format!("{quantity}{zone}").into(),
                zone: ZoneId::new(&format!("zone{zone}"))?,
                when: Danger::Above {
                    quantity: Quantity::new(quantity)?,
                    limit,
                    clear: limit * 0.9,
                },
                dwell: Span::seconds(60),
                latch: true,
                devices: [(DeviceId::new(&format!("exhaust{zone}"))?, 1.0)].into(),
                message: "too much".into(),
                shipped: true,
            });
        }
    }
    Ok(rules)
}
