//! Rings: closed minutes, hours and quarter days, so that every window is a sum of few buckets.
//!
//! ```text
//!  open minute ──closes──▶ 60 minutes   window 1h
//!                      ├─▶ 24 hours     window 1d
//!                      └─▶ 28 quarters  window 7d
//! ```

use crate::bucket::Bucket;
use growbox_sdk::PerKey;
use growbox_sdk::prelude::*;
use serde::{Deserialize, Serialize};

/// One ring: how long its buckets are, and how many it keeps.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ring {
    name: &'static str,
    pub(crate) length: Span,
    slots: u64,
}

/// The windows of the reports, with the ring that each is made of.
pub(crate) const WINDOWS: [(&str, Ring); 3] = [
    ("1h", ring("minute", minutes(1), 60)),
    ("1d", ring("hour", hours(1), 24)),
    ("7d", ring("quarter", hours(6), 28)),
];

const fn ring(name: &'static str, length: Span, slots: u64) -> Ring {
    Ring {
        name,
        length,
        slots,
    }
}

/// A bucket in its slot: which stretch of time it is of.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Kept {
    #[serde(rename = "n")]
    number: u64,
    #[serde(rename = "b")]
    bucket: Bucket,
}

impl growbox_sdk::Keyed for Kept {
    const PREFIX: &'static str = "ring/";
}

/// The number of the stretch that a moment lies in.
pub(crate) fn number(moment: Moment, length: Span) -> u64 {
    moment.as_nanoseconds() / length.as_nanoseconds()
}

/// When a stretch begins.
pub(crate) fn begin(number: u64, length: Span) -> Moment {
    Moment::from_nanoseconds(number.saturating_mul(length.as_nanoseconds()))
}

impl Ring {
    fn key(self, number: u64) -> String {
        format!("{}/{}", self.name, number % self.slots)
    }

    /// Adds a closed minute to the bucket it belongs into.
    fn close(self, kept: &mut PerKey<Kept>, minute: u64, bucket: &Bucket) {
        let number = number(begin(minute, minutes(1)), self.length);
        let slot = kept.of(&self.key(number));
        if slot.number != number {
            *slot = Kept {
                number,
                bucket: Bucket::default(),
            };
        }
        slot.bucket.add(bucket);
    }

    /// The first stretch of the window that ends now.
    pub(crate) fn first(self, now: Moment) -> u64 {
        (number(now, self.length) + 1).saturating_sub(self.slots)
    }

    /// Everything in the window that ends now, but the open minute.
    pub(crate) fn sum(self, kept: &mut PerKey<Kept>, now: Moment) -> Bucket {
        let mut whole = Bucket::default();
        for number in self.first(now)..=number(now, self.length) {
            let key = self.key(number);
            if !kept.has(&key) {
                continue;
            }
            let slot = kept.of(&key);
            if slot.number == number {
                whole.add(&slot.bucket);
            }
        }
        whole
    }
}

/// A minute is over.
pub(crate) fn close(kept: &mut PerKey<Kept>, minute: u64, bucket: &Bucket) {
    if *bucket == Bucket::default() {
        return;
    }
    for (_, ring) in WINDOWS {
        ring.close(kept, minute, bucket);
    }
}
