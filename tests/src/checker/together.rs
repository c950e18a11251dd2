//! Several devices at once: current of a circuit, and pairs that never run together.

use std::collections::BTreeMap;

use super::moments::Moments;
use super::{Circuit, Fault, Limits};
use crate::outside::{Entry, What};

/// Amperes of rounding.
const ROUNDING: f64 = 1e-6;

pub(super) fn judge(limits: &Limits, record: &[Entry], moments: &Moments, faults: &mut Vec<Fault>) {
    let mut levels: BTreeMap<&str, f64> = BTreeMap::new();
    for entry in record {
        let What::Switched(output, level, _) = &entry.what else {
            continue;
        };
        let Some((device, _)) = limits.devices.get_key_value(output) else {
            continue;
        };
        let before = levels.insert(device, *level).unwrap_or(0.0);
        if *level <= before {
            continue;
        }
        for circuit in &limits.circuits {
            current(limits, circuit, device, &levels, entry.at, faults);
        }
        if before == 0.0 {
            pairs(limits, device, &levels, moments, entry.at, faults);
        }
    }
}

fn current(
    limits: &Limits,
    circuit: &Circuit,
    riser: &str,
    levels: &BTreeMap<&str, f64>,
    at: f64,
    faults: &mut Vec<Fault>,
) {
    if !circuit.devices.iter().any(|device| device == riser) {
        return;
    }
    let draws = circuit.devices.iter().map(|device| {
        let watts = limits.devices.get(device).map_or(0.0, |limit| limit.watts);
        watts * levels.get(device.as_str()).copied().unwrap_or(0.0) / circuit.volts
    });
    let amperes: f64 = draws.sum();
    if amperes > circuit.max_amperes + ROUNDING {
        let how = format!(
            "{riser} rose, and {amperes:.2} A flow where {} may: {levels:?}",
            circuit.max_amperes
        );
        faults.push(Fault::at(at, "current is never exceeded", how));
    }
}

/// Only safety may start a device beside one it displaced and could not reach, and says so.
fn pairs(
    limits: &Limits,
    starter: &str,
    levels: &BTreeMap<&str, f64>,
    moments: &Moments,
    at: f64,
    faults: &mut Vec<Fault>,
) {
    for (one, other) in &limits.never_together {
        let partner = match starter {
            _ if starter == one => other,
            _ if starter == other => one,
            _ => continue,
        };
        let runs = levels
            .get(partner.as_str())
            .is_some_and(|level| *level > 0.0);
        let displaced =
            |trigger: &str| trigger.contains("safety") && trigger.contains(partner.as_str());
        if runs && !moments.tells(starter, true, at, limits.slack, displaced) {
            let how = format!("{starter} started while {partner} ran");
            faults.push(Fault::at(at, "never together", how));
        }
    }
}
