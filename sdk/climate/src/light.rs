//! Light as a plant counts it: photons a second and photons a day.

/// What kind of lamp shines, for judging photons by lux; sunlight is not in the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lamp {
    /// White light-emitting diodes.
    WhiteLed,
    /// Full-spectrum grow lamps.
    FullSpectrum,
    /// Quantum boards.
    QuantumBoard,
    /// One big chip on a board.
    ChipOnBoard,
    /// Red and blue only.
    Blurple,
}

impl Lamp {
    /// Lux per µmol/(m²·s) that growers reckon with for this lamp.
    #[must_use]
    pub fn lux_per_micromole(self) -> f64 {
        match self {
            Self::WhiteLed => 54.0,
            Self::FullSpectrum => 15.0,
            Self::QuantumBoard => 16.0,
            Self::ChipOnBoard => 20.0,
            Self::Blurple => 12.0,
        }
    }
}

/// Photosynthetic photon flux density in µmol/(m²·s), judged from lux under a known lamp.
#[must_use]
pub fn ppfd_from_lux(lux: f64, lamp: Lamp) -> f64 {
    lux / lamp.lux_per_micromole()
}

/// Daily light integral in mol/(m²·d) of `hours` of light at `ppfd` µmol/(m²·s).
#[must_use]
pub fn daily_light_integral(ppfd: f64, hours: f64) -> f64 {
    ppfd * 3600.0 * hours / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lux_become_photons_by_lamp() {
        assert_eq!(ppfd_from_lux(5400.0, Lamp::WhiteLed), 100.0);
        assert_eq!(ppfd_from_lux(1200.0, Lamp::Blurple), 100.0);
    }

    #[test]
    fn eighteen_hours_of_six_hundred() {
        assert!((daily_light_integral(600.0, 18.0) - 38.88).abs() < 1e-9);
    }
}
