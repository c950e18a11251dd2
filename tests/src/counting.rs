//! What the counting guest has to have counted: the fold of its documentation, computed once more.

use serde_json::Value;

use crate::client::with_seq;

const BEGIN: u64 = 0xcbf2_9ce4_8422_2325;
const PRIME: u64 = 0x0100_0000_01b3;

/// The fold over events of the log, as 16 hexadecimal digits.
///
/// # Panics
/// Where an event has no sequence number.
pub fn fold<'a>(events: impl IntoIterator<Item = &'a Value>) -> String {
    let hash = events.into_iter().fold(BEGIN, |hash, event| {
        let value = value_bits(event);
        let bytes = [with_seq(event).to_le_bytes(), value.to_le_bytes()];
        let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(PRIME);
        bytes.as_flattened().iter().fold(hash, step)
    });
    format!("{hash:016x}")
}

/// Documents count as nothing, even one that has a value.
fn value_bits(event: &Value) -> u64 {
    let document = event["type"] == "sensor.threshold.exceeded";
    let value = event["data"]["value"].as_f64().filter(|_| !document);
    value.map_or(0, f64::to_bits)
}
