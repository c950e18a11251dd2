//! Chance that can be had again: a seed is printed, and `GROWBOX_SEED` brings it back.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A sequence of random numbers (splitmix64).
#[derive(Debug)]
pub struct Chance(u64);

impl Chance {
    /// Another one each time, unless `GROWBOX_SEED` is set. The seed is printed.
    ///
    /// # Panics
    /// Where `GROWBOX_SEED` is no number.
    #[must_use]
    pub fn new() -> Self {
        let seed = match std::env::var("GROWBOX_SEED") {
            Ok(text) => text.parse().expect("GROWBOX_SEED is a number"),
            Err(_) => SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .map_or(0, |since| u64::from(since.subsec_nanos())),
        };
        println!("GROWBOX_SEED={seed} brings the same chance again");
        Self(seed)
    }

    /// Another sequence, for another thread, which the same seed brings again too.
    #[must_use]
    pub fn another(&mut self) -> Self {
        Self(self.below(u64::MAX))
    }

    /// A number below `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end.max(1)
    }

    /// Lets up to `longest` pass: a moment that nothing in the host has chosen.
    pub fn moment(&mut self, longest: Duration) {
        let longest = u64::try_from(longest.as_micros()).unwrap_or(u64::MAX);
        std::thread::sleep(Duration::from_micros(self.below(longest)));
    }
}

impl Default for Chance {
    fn default() -> Self {
        Self::new()
    }
}
