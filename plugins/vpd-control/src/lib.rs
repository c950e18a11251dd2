//! Keeps vapour pressure deficit where the plants of a zone want it.
//!
//! The way of a batch: readings become pairs, pairs become `sensor.vpd` ([`pairs`]); whatever
//! changes what should be done marks its zone ([`occasion`]); each marked zone, and at a tick
//! every zone, is decided purely ([`decide`], [`means`]), and the difference to what was asked
//! before is asked and told ([`report`]).

mod decide;
mod means;
mod memory;
mod occasion;
mod pairs;
mod report;
mod strategy;
mod zone_control;

use growbox_sdk::prelude::*;
use memory::Memory;
use occasion::Occasions;

/// Its own name, as the host knows it.
const ID: &str = env!("CARGO_PKG_NAME");

/// What an operator may set.
#[derive(Clone, Debug, Settings)]
pub struct VpdControl {
    /// Mode VPD_Target: how far VPD may be off the set target.
    #[setting(default = 0.1, min = 0.01, max = 1.0)]
    pub tolerance: Kilopascal,
    /// How long a request stands unless it is renewed; at least three ticks.
    #[setting(default = "120s", min = "90s", max = "30min")]
    pub lease: Span,
    /// Readings older than this count as none.
    #[setting(default = "5min", min = "30s", max = "1h")]
    pub stale_limit: Span,
    /// How long one device is given to help before the next one joins it.
    #[setting(default = "5min", min = "30s", max = "2h")]
    pub patience: Span,
    /// Level of circulation fans that can do more than on and off.
    #[setting(default = 0.5, min = 0.0, max = 1.0)]
    pub circulation: Level,
}

#[growbox::plugin(
    reads(
        "sensor.temperature", "sensor.humidity", "sensor.stale",
        "control.target.updated", "control.stage.changed", "control.mode.changed",
        "device.action.denied",
    ),
    tick = "30s",
    may_control(
        exhaust = "to exchange air where the air outside brings VPD into its range",
        intake = "to exchange air together with the exhaust",
        circulation = "to even out leaf and air",
        heater = "to warm air that is too cold or too damp",
        cooler = "to cool air that is too warm or too dry",
        humidifier = "to lower VPD",
        dehumidifier = "to raise VPD",
    ),
    may_emit(
        "sensor.vpd" = "to tell VPD as it is computed from each pair of readings",
        "vpd.*" = "to tell that VPD is being judged anew",
        "control.vpd.*" = "to tell that VPD is out of its range",
        "x.vpd-control.*" = "to tell of a stage profile that contradicts itself",
    ),
)]
impl Handler for VpdControl {
    type State = PerZone<Memory>;

    fn handle(&self, room: &Room, memory: &mut Self::State, effects: &mut Effects) -> Outcome {
        let occasions = Occasions::take(room, memory, effects);
        for zone in room.zones() {
            let occasion = occasions.of(zone.id());
            if occasion.is_some() || room.tick() {
                self.control(room, &zone, occasion, memory.of(zone), effects);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
