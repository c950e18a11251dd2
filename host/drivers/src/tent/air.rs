//! Air as the tent computes with it: what it holds, and what follows from that.

use growbox_climate as climate;

/// The state of a body of air.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Air {
    /// Temperature in °C.
    pub celsius: f64,
    /// Water vapour in g/m³ (absolute humidity).
    pub water: f64,
    /// CO2 in ppm.
    pub co2: f64,
    /// Photosynthetic light at the canopy in µmol/(m²·s).
    pub ppfd: f64,
}

impl Air {
    /// The most water this air can hold, in g/m³.
    pub fn saturation(&self) -> f64 {
        climate::absolute_humidity(self.celsius, 100.0)
    }

    /// Relative humidity in percent, 0…100.
    pub fn humidity(&self) -> f64 {
        (100.0 * self.water / self.saturation()).clamp(0.0, 100.0)
    }

    /// Vapour pressure deficit in kPa of a leaf `leaf_offset` K warmer than the air.
    pub fn vpd(&self, leaf_offset: f64) -> f64 {
        climate::vpd(self.celsius, self.humidity(), leaf_offset)
    }
}
