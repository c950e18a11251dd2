//! Waters zones in doses: by interval, by soil moisture, or both; never blind, never into a flood.
//!
//! ```toml
//! [plugin.irrigation]
//! grant = { control = ["pump"] }
//! [plugin.irrigation.settings.zones.tent]
//! dose = "20s"
//! soil_moisture_below = 30         # percent, what the zone's probes say
//! until = 38                       # dose, soak, dose … until here
//! water_level_below = 10           # an empty bucket, or a silent float, waters nothing
//! ```
//!
//! A dose is a pulse: the pump's own timer ends it, the gate bounds how many a day may have, and
//! what a crash interrupts is not made good. When the next one is due is remembered in room time
//! and survives restarts, swaps and a clock that is wrong ([`decide`]).

mod decide;
mod plan;

use std::collections::BTreeMap;

use growbox_sdk::prelude::*;
use growbox_sdk::{denied_device, fault, log};

pub use decide::{Decision, Memory, Pump, Sight};
pub use plan::Plan;

/// Its own name, as the host knows it.
const ID: &str = env!("CARGO_PKG_NAME");

/// A probe that has said nothing for so long is silent.
const FRESH: Span = minutes(15);

/// What an operator may set.
#[derive(Clone, Debug, Settings)]
pub struct Irrigation {
    /// A plan for each zone that is watered.
    pub zones: BTreeMap<String, Plan>,
}

#[growbox::plugin(
    reads("device.action.denied"),
    tick = "30s",
    controls(pump = "to water the plants in doses")
)]
impl Handler for Irrigation {
    type State = PerZone<Memory>;

    fn check(&self) -> Outcome {
        for (zone, plan) in &self.zones {
            let sound = plan.sound();
            sound.map_err(|(key, why)| fault::settings(format!("/zones/{zone}{key}"), why))?;
        }
        Ok(())
    }

    fn handle(&self, room: &Room, memory: &mut Self::State, effects: &mut Effects) -> Outcome {
        for zone in room.zones() {
            let Some(plan) = self.zones.get(zone.id()) else {
                continue;
            };
            let pump = pump(plan, &zone);
            let memory = memory.of(zone);
            if refused(room, pump.as_ref()) {
                memory.take_refusal(room.now());
            }
            if zone.paused() || !room.tick() {
                continue;
            }
            let decision = decide::decide(plan, memory, &sight(room, &zone, pump.as_ref()));
            if let Some(news) = memory.news(&decision) {
                log::warn(format!("{}: not watered: {news}", zone.id()));
            }
            if let Decision::Dose(why) = decision {
                effects.request(pump).pulse(plan.dose).because(why);
            }
        }
        Ok(())
    }
}

fn pump<'a>(plan: &Plan, zone: &Zone<'a>) -> Option<Device<'a>> {
    match &plan.pump {
        Some(id) => zone.devices_of("pump").find(|pump| pump.id == *id),
        None => zone.devices_of("pump").next(),
    }
}

fn refused(room: &Room, pump: Option<&Device>) -> bool {
    let denied = room
        .events()
        .iter()
        .filter_map(|event| denied_device(event, ID));
    pump.is_some_and(|pump| denied.into_iter().any(|device| device == pump.id))
}

fn sight(room: &Room, zone: &Zone, pump: Option<&Device>) -> Sight {
    Sight {
        now: room.now(),
        day: zone.day,
        moisture: zone.measure_within("soil_moisture", FRESH),
        water_level: zone.measure_within("water_level", FRESH),
        leak: zone.measure_within("leak", FRESH).map(|wet| wet > 0.0),
        pump: pump.map(|pump| Pump {
            on: pump.level > 0.0,
            available: pump.available,
            free_at: pump.free_at.map(Moment::from_nanoseconds),
        }),
    }
}

#[cfg(test)]
mod tests;
