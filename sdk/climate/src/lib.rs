//! Formulae of the air and the growth stages, shared by host and handlers; no dependencies.
//!
//! Numbers go in and out as plain `f64` with the unit in the name: °C, % relative humidity,
//! kPa, g/m³. The leaf offset is always *leaf − air*. Nothing here is clamped or checked:
//! what comes from a sensor has been judged by the host before it gets here.

mod air;
mod feasibility;
mod light;
mod range;
mod stage;

pub use air::{
    absolute_humidity, dew_point, relative_humidity_from_absolute, saturation_vapour_pressure, vpd,
};
pub use feasibility::{Infeasible, infeasible, reachable_vpd};
pub use light::{Lamp, daily_light_integral, ppfd_from_lux};
pub use range::Range;
pub use stage::{PartOfDay, Profile, Stage};
