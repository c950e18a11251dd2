//! The pots and the reservoir: what the pump gives, the plants drink, and the rest drains.

/// Four pots of eleven litres of coco.
const VOLUME: f64 = 44.0;

/// What coco holds against gravity, and what it holds while water stands in it: volumetric.
const HOLDS: f64 = 0.45;
const FULL: f64 = 0.70;

/// Just watered pots run off within minutes: the time constant of what is above, in seconds.
const DRAINS: f64 = 240.0;

/// Plants drink freely down to here, and less and less until they wilt.
const EASY: f64 = 0.18;
const WILTS: f64 = 0.08;

/// A small diaphragm pump on four drippers: 1.8 l/min.
const PUMP: f64 = 0.03;

/// A bucket.
const RESERVOIR: f64 = 30.0;

/// The tent begins with pots a day after watering and a full bucket.
const AT_START: f64 = 0.38;

/// Water in the pots and in the reservoir, in litres.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Substrate {
    pots: f64,
    reservoir: f64,
}

impl Substrate {
    pub(super) fn new() -> Self {
        Self {
            pots: AT_START * VOLUME,
            reservoir: RESERVOIR,
        }
    }

    /// What a probe in a pot sees: volumetric percent.
    pub(super) fn moisture(&self) -> f64 {
        100.0 * self.pots / VOLUME
    }

    /// How full the bucket is, in percent.
    pub(super) fn level(&self) -> f64 {
        100.0 * self.reservoir / RESERVOIR
    }

    /// The bucket is filled by hand.
    pub(super) fn refill(&mut self) {
        self.reservoir = RESERVOIR;
    }

    /// The share of what they would drink that plants get, 0…1.
    pub(super) fn supply(&self) -> f64 {
        ((self.pots / VOLUME - WILTS) / (EASY - WILTS)).clamp(0.0, 1.0)
    }

    /// After `seconds` with the pump at a level, while plants drink so many grams a second.
    pub(super) fn after(self, pump: f64, grams: f64, seconds: f64) -> Self {
        let given = (PUMP * pump * seconds).min(self.reservoir);
        let drunk = grams / 1000.0 * seconds;
        let loose = (self.pots - HOLDS * VOLUME).max(0.0);
        let drained = loose * (seconds / DRAINS).min(1.0);
        let pots = (self.pots + given - drunk - drained).clamp(0.0, FULL * VOLUME);
        Self {
            pots,
            reservoir: self.reservoir - given,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(mut water: Substrate, pump: f64, grams: f64, seconds: u32) -> Substrate {
        for _ in 0..seconds {
            water = water.after(pump, grams, 1.0);
        }
        water
    }

    #[test]
    fn a_dose_wets_the_pots_and_comes_out_of_the_bucket() {
        let before = Substrate::new();
        let after = run(before, 1.0, 0.0, 20);
        assert!((after.moisture() - before.moisture() - 1.36).abs() < 0.01);
        assert!((after.reservoir - 29.4).abs() < 1e-9);
        assert_eq!(run(after, 0.0, 0.0, 3600), after, "what it holds stays");
    }

    #[test]
    fn too_much_runs_off_and_never_floods() {
        let wet = run(Substrate::new(), 1.0, 0.0, 900);
        assert!((45.0..=70.0).contains(&wet.moisture()), "{wet:?}");
        let later = run(wet, 0.0, 0.0, 3600);
        assert!((later.moisture() - 45.0).abs() < 0.1, "{later:?}");
    }

    #[test]
    fn an_empty_bucket_gives_nothing() {
        let empty = run(Substrate::new(), 1.0, 0.0, 1100);
        assert!(empty.level().abs() < 1e-9, "{empty:?}");
        let drier = run(empty, 1.0, 0.04, 3600);
        assert!(drier.moisture() < empty.moisture());
        let mut filled = drier;
        filled.refill();
        assert!(run(filled, 1.0, 0.0, 60).moisture() > drier.moisture());
    }

    #[test]
    fn dry_pots_give_less_and_less() {
        let of = |share: f64| Substrate {
            pots: share * VOLUME,
            ..Substrate::new()
        };
        assert_eq!(of(0.3).supply(), 1.0);
        assert!((0.4..0.6).contains(&of(0.13).supply()));
        assert_eq!(of(0.05).supply(), 0.0);
    }
}
