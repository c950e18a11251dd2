//! A zone's plan: how much water, when, and what must be known first.

use growbox_sdk::prelude::*;

/// What an operator says of one zone. Without `every` and `soil_moisture_below` it is refused.
#[derive(Clone, Debug, Settings)]
pub struct Plan {
    /// How long the pump runs for one dose.
    #[setting(default = "20s", min = "1s", max = "30min")]
    pub dose: Span,
    /// A dose whenever so long has passed since the last one.
    pub every: Option<Span>,
    /// Doses while the probes say less than this.
    pub soil_moisture_below: Option<Percent>,
    /// Once begun, doses until the probes say this; else until the threshold.
    pub until: Option<Percent>,
    /// What a dose needs to reach the probe: the shortest time to the next one.
    #[setting(default = "15min", min = "1min", max = "24h")]
    pub soak: Span,
    /// Only while it is day in the zone.
    #[setting(default = true)]
    pub only_by_day: bool,
    /// Nothing while the bucket's `water_level` is below this, or not known.
    pub water_level_below: Option<Percent>,
    /// A leak sensor watches the floor: nothing while it is silent. A wet floor always counts.
    #[setting(default = false)]
    pub leak: bool,
    /// Which pump, where the zone has several.
    pub pump: Option<String>,
}

impl Plan {
    /// Whether the figures fit together; the key that does not, and why.
    pub fn sound(&self) -> Result<(), (&'static str, String)> {
        if self.every.is_none() && self.soil_moisture_below.is_none() {
            let why = "says neither \"every\" nor \"soil_moisture_below\": it would never water";
            return Err(("", why.into()));
        }
        if let Some(every) = self.every.filter(|every| *every <= self.dose) {
            let (every, dose) = (every.as_seconds(), self.dose.as_seconds());
            return Err((
                "/every",
                format!("{every} s is not longer than a dose of {dose} s"),
            ));
        }
        match (self.until, self.soil_moisture_below) {
            (Some(_), None) => Err(("/until", "has no use without soil_moisture_below".into())),
            (Some(until), Some(below)) if until.0 < below.0 => Err((
                "/until",
                format!("{} % lies below the threshold of {} %", until.0, below.0),
            )),
            _ => Ok(()),
        }
    }
}
