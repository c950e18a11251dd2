//! The gate's rules as small scenes: who asks, what time does, what is ordered and said.

mod comfort;
mod drivers;
mod exchange;
mod leases;
mod lock_out;
mod neighbours;
mod operation;
mod protection;
mod pulses;
mod rank;
mod safe;
mod safety;
mod start;
mod stop;
mod verdicts;
mod witness;

use growbox_model::commit::{Hold, Restored, Switch};
use growbox_model::ports::{DriveOrder, DriverReport};
use growbox_model::{
    Command, DeviceId, Moment, Operation, Quantity, Record, Requester, Seq, Span, Text, Verdict,
    VerdictKind,
};

use crate::bench::{Bench, device, exhaust, heater, person, plugin, request, zone};
use crate::{Ask, Settlement};

const MINUTE: Span = Span::minutes(1);

fn kind(verdict: Option<Verdict>) -> (VerdictKind, &'static str) {
    let verdict = verdict.expect("a verdict");
    (verdict.kind, verdict.policy)
}

fn id(name: &str) -> DeviceId {
    DeviceId::new(name).unwrap()
}

fn text(words: &str) -> Text {
    words.into()
}

fn temperature() -> Quantity {
    Quantity::new("temperature").unwrap()
}

/// Levels ordered since last forgotten, without what only keeps a timer armed.
fn levels(bench: &Bench) -> Vec<f64> {
    let mut levels: Vec<f64> = bench.orders.iter().map(|(_, o)| o.level).collect();
    levels.dedup();
    levels
}

fn why(bench: &Bench, name: &str) -> String {
    let rows = bench.gate.rows(bench.now);
    let row = rows.iter().find(|row| row.id.as_str() == name);
    row.map(|row| row.why.to_string()).unwrap()
}
