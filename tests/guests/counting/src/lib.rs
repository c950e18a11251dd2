//! A guest that counts what it is given, so that a test can tell lost, doubled and swapped events.
//!
//! Its state, under the key `count`, is JSON:
//!
//! ```json
//! {"total": 2, "fold": "0123456789abcdef", "last_seq": 7, "by_type": {"sensor.co2": 2}}
//! ```
//!
//! `fold` is FNV-1a of 64 bits, as 16 lower-case hexadecimal digits, over 16 bytes an event in
//! the order in which they were given: the sequence number, then the bits of the reading's value
//! as IEEE 754 double (all zero where the event is a document), each as 8 bytes, least
//! significant first. It begins at `cbf29ce484222325`; for every byte the value is xor-ed with
//! the byte, then multiplied by `100000001b3`, modulo 2^64.

use growbox_sdk::prelude::*;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Where the fold begins: the offset basis of FNV-1a, 64 bits.
pub const BEGIN: u64 = 0xcbf2_9ce4_8422_2325;
/// The prime of FNV-1a, 64 bits.
const PRIME: u64 = 0x0100_0000_01b3;

/// What has been given so far.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Count {
    /// How many events.
    pub total: u64,
    /// Which ones, in which order, as 16 hexadecimal digits.
    pub fold: String,
    /// The last one.
    pub last_seq: u64,
    /// How many of each type.
    pub by_type: BTreeMap<String, u64>,
}

impl Default for Count {
    fn default() -> Self {
        Self {
            total: 0,
            fold: hexadecimal(BEGIN),
            last_seq: 0,
            by_type: BTreeMap::new(),
        }
    }
}

impl Stored for Count {
    const KEY: &'static str = "count";
}

/// Counts everything that sensors say.
#[derive(Debug, Settings)]
pub struct Counting {}

#[growbox::plugin(id = "counting", reads("sensor.*"))]
impl Handler for Counting {
    type State = Whole<Count>;

    fn handle(&self, room: &Room, count: &mut Self::State, _: &mut Effects) -> Outcome {
        let mut hash = u64::from_str_radix(&count.fold, 16).map_err(fault::permanent)?;
        for event in room.events() {
            hash = fold(hash, event.seq, value_bits(event));
            count.total += 1;
            count.last_seq = event.seq;
            add_one(&mut count.by_type, &event.type_);
        }
        count.fold = hexadecimal(hash);
        Ok(())
    }
}

/// The fold, one event further.
#[must_use]
pub fn fold(hash: u64, seq: u64, value_bits: u64) -> u64 {
    let bytes = [seq.to_le_bytes(), value_bits.to_le_bytes()];
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(PRIME);
    bytes.as_flattened().iter().fold(hash, step)
}

fn value_bits(event: &Event) -> u64 {
    event.reading().map_or(0, |reading| reading.value.to_bits())
}

fn add_one(by_type: &mut BTreeMap<String, u64>, event_type: &str) {
    match by_type.get_mut(event_type) {
        Some(count) => *count += 1,
        None => drop(by_type.insert(event_type.to_string(), 1)),
    }
}

fn hexadecimal(hash: u64) -> String {
    format!("{hash:016x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fold_is_fnv_1a() {
        // 16 zero bytes: the offset basis times the 16th power of the prime.
        let expected = (0..16).fold(BEGIN, |hash, _| hash.wrapping_mul(PRIME));
        assert_eq!(fold(BEGIN, 0, 0), expected);
    }

    #[test]
    fn order_matters() {
        let (one, other) = ((1, 2.0_f64.to_bits()), (2, 1.0_f64.to_bits()));
        let there = fold(fold(BEGIN, one.0, one.1), other.0, other.1);
        let back = fold(fold(BEGIN, other.0, other.1), one.0, one.1);
        assert_ne!(there, back);
    }

    #[test]
    fn counts_over_batches_as_over_one() {
        let mut apart = TestRoom::with(Counting {});
        let events = [
            apart.reading("temperature", 20.5),
            apart.reading("humidity", 60.0),
        ];
        apart.send([events[0].clone()]).send([events[1].clone()]);
        let mut together = TestRoom::with(Counting {});
        together.send(events);
        let text = apart.store().text("count").map(ToString::to_string);
        assert_eq!(text.as_deref(), together.store().text("count"));
        let count: Count = json::from_str(&text.expect("is stored")).expect("is JSON");
        assert_eq!((count.total, count.last_seq), (2, 2));
        assert_eq!(count.by_type["sensor.humidity"], 1);
        let expected = fold(fold(BEGIN, 1, 20.5_f64.to_bits()), 2, 60.0_f64.to_bits());
        assert_eq!(count.fold, hexadecimal(expected));
    }
}
