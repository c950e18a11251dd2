//! Trust: what of a zone's series the gate and its safety rules go by.
//!
//! Handlers see every measured series of a zone. Devices hang on fewer: a plug-in needs no grant to
//! speak for sensors of its own, so what it says neither hides a danger nor fulfils a need, unless
//! the configuration names it as the source of that sensor.

use growbox_gate::Toward;
use growbox_model::{Moment, Quantity, SensorId, Source, Trouble, ZoneId};

use crate::climate::vote;
use crate::series::Series;
use crate::zones::Zones;

/// From so many on sensors can outvote one that is wrong.
const VOTERS: usize = 3;

impl Zones {
    /// Whether devices may hang on what a source says of a sensor.
    pub(crate) fn vouches(&self, sensor: &SensorId, source: &Source) -> bool {
        source.plugin().is_none() || self.named(sensor) == Some(source)
    }

    fn vouched(&self, zone: &ZoneId, quantity: &str) -> impl Iterator<Item = &Series> {
        self.members(zone).filter(move |series| {
            series.quantity.as_str() == quantity && self.vouches(&series.sensor, &series.source)
        })
    }

    /// Nothing that was said before the start is believed: nobody knows how long ago that was.
    pub(crate) fn doubt(&mut self) {
        for series in self.all_series() {
            series.heard = false;
        }
    }

    /// Whether a zone has a fresh, plausible value of a quantity.
    pub(crate) fn fresh(&self, zone: &ZoneId, quantity: &Quantity, now: Moment) -> bool {
        let mut series = self.vouched(zone, quantity.as_str());
        series.any(|series| self.believes(series, now))
    }

    /// What its sensors say of one quantity, by their vote. Of fewer than three none can be
    /// outvoted: who tells of the danger is believed.
    pub(crate) fn measure(
        &self,
        zone: &ZoneId,
        quantity: &str,
        toward: Toward,
        now: Moment,
    ) -> Option<f64> {
        let series = self.vouched(zone, quantity);
        let mut votes: Vec<&Series> = series.filter(|s| self.believes(s, now)).collect();
        if votes.len() >= VOTERS {
            return vote(&mut votes).map(|measure| measure.value);
        }
        let values = votes.iter().map(|series| series.value);
        values.reduce(match toward {
            Toward::High => f64::max,
            Toward::Low => f64::min,
        })
    }

    /// Which of these troubles, the first of them, keeps a sensor from being believed, while none
    /// can be.
    pub(crate) fn trouble(
        &self,
        zone: &ZoneId,
        quantity: &Quantity,
        of: &[Trouble],
        now: Moment,
    ) -> Option<Trouble> {
        let series: Vec<&Series> = self.vouched(zone, quantity.as_str()).collect();
        if series.is_empty() {
            return of.iter().copied().find(|of| *of == Trouble::Absent);
        }
        if series.iter().any(|series| self.believes(series, now)) {
            return None;
        }
        let has =
            |series: &Series, trouble| series.troubled_by(trouble, now, self.frozen_after(series));
        let mut of = of.iter().copied();
        of.find(|trouble| series.iter().any(|series| has(series, *trouble)))
    }
}
