//! What the author of a handler in Rust uses.
//!
//! A handler is a pure function: settings, stored state and a batch of events go in, effects
//! come out. The host performs them, or says why not. A whole plug-in:
//!
//! ```
//! use growbox_sdk::prelude::*;
//!
//! #[derive(Settings)]
//! struct DewGuard {
//!     /// Leaf must stay this far above the dew point.
//!     #[setting(default = 1.0, min = 0.2, max = 5.0)]
//!     margin: CelsiusDelta,
//!     /// How long it must be too close before anything is asked.
//!     #[setting(default = "5min")]
//!     dwell: Span,
//! }
//!
//! #[growbox::plugin(
//!     reads("sensor.temperature", "sensor.humidity"), tick = "30s",
//!     controls(exhaust = "to dry the air before it condenses"),
//! )]
//! impl Handler for DewGuard {
//!     type State = PerZone<Dwell>;
//!
//!     fn handle(&self, room: &Room, wet: &mut Self::State, effects: &mut Effects) -> Outcome {
//!         for zone in room.zones() {
//!             let Some(air) = zone.air_within(minutes(5)) else { continue };
//!             let margin = air.leaf - air.dew_point;
//!             if wet.of(zone).held(margin < self.margin, room.now()) >= self.dwell {
//!                 effects.request(zone.device("exhaust")).level(percent(80)).lease(minutes(10))
//!                     .because(format!("leaf {margin:.1} above dew point"));
//!             }
//!         }
//!         Ok(())
//!     }
//! }
//!
//! let mut room = TestRoom::with(DewGuard::default()).device("exhaust").air(celsius(20.5), percent(96));
//! room.run(minutes(4)).expect_nothing();
//! room.run(minutes(2)).expect_request("exhaust", percent(80));
//! ```
//!
//! On wasm the state store and the log are the host's; natively they are a map and a list of
//! this crate's own ([`native`]), so that a handler is tested, and measured, as it stands.

pub mod bindings;
pub mod calendar;
pub mod component;
mod effects;
pub mod fault;
mod handler;
pub mod history;
mod host;
mod keyed;
pub mod log;
#[cfg(not(target_arch = "wasm32"))]
pub mod native;
mod room;
mod settings;
mod standing;
mod state;
pub mod table;
#[cfg(not(target_arch = "wasm32"))]
pub mod testing;
mod time;
mod units;
pub mod wire;
mod zone;

pub use effects::{Ask, Effects, Emitted, Outgoing};
pub use growbox_climate as climate;
pub use growbox_sdk_macros::{Settings, plugin};
pub use handler::{Handler, Outcome, Plugin, run, start};
pub use keyed::{Keyed, PerKey, PerZone, digest};
pub use room::Room;
pub use settings::{Field, Given, Setting, Settings, schema, table_schema};
pub use standing::{Placing, Standing, Wish, denied_device};
pub use state::{Dwell, State, Stored, Whole};
#[cfg(not(target_arch = "wasm32"))]
pub use testing::TestRoom;
pub use time::{Moment, Span, hours, minutes, seconds};
pub use units::{
    Celsius, CelsiusDelta, GramsPerCubicMetre, Kilopascal, Level, Percent, celsius, kilopascal,
    percent,
};
pub use zone::{Air, Device, Zone};

/// JSON, for documents.
pub use serde_json as json;

/// Everything a handler usually needs.
pub mod prelude {
    pub use crate as growbox;
    pub use crate::climate::{PartOfDay, Range, Stage};
    #[cfg(not(target_arch = "wasm32"))]
    pub use crate::testing::TestRoom;
    pub use crate::wire::{Event, Payload, Quality, Reading};
    pub use crate::{
        Air, Celsius, CelsiusDelta, Device, Dwell, Effects, GramsPerCubicMetre, Handler,
        Kilopascal, Level, Moment, Outcome, PerKey, PerZone, Percent, Plugin, Room, Settings, Span,
        Stored, Whole, Zone, celsius, fault, hours, json, kilopascal, log, minutes, percent,
        seconds,
    };
}

// The macros name this crate from outside; its own tests and documentation do too.
extern crate self as growbox_sdk;

#[doc(hidden)]
pub mod written;
