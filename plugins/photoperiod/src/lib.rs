//! Lights a zone through its day: on and off, or with a sunrise and a sunset.
//!
//! When the day begins and ends is the host's to say, since it knows `lights_on`, the stage, the
//! time zone and how far the clock can be trusted ([`decide`] is what follows from that). What
//! is asked depends on the instant alone and on nothing that fired before, so a clock that is
//! set forward or back over a switching time finds the light where it should be at the next
//! tick. While the clock cannot be trusted the day that was running is held until it would have
//! ended; after that, and where nobody ever knew, the light stays at its safe level: a night too
//! long costs growth, a lit night costs the harvest.

mod decide;

use decide::{Course, Held, Phase, Told, phase};
use growbox_sdk::prelude::*;
use growbox_sdk::{Placing, Standing, Wish, denied_device};
use serde::{Deserialize, Serialize};

/// Its own name, as the host knows it.
const ID: &str = env!("CARGO_PKG_NAME");

/// What an operator may set.
#[derive(Clone, Debug, Settings)]
pub struct Photoperiod {
    /// From dark to full, for lights that can be dimmed.
    #[setting(default = "0s", min = "0s", max = "4h")]
    pub sunrise: Span,
    /// From full to dark, for lights that can be dimmed.
    #[setting(default = "0s", min = "0s", max = "4h")]
    pub sunset: Span,
    /// How bright lights that can be dimmed are by day.
    #[setting(default = 1.0, min = 0.05, max = 1.0)]
    pub full: Level,
    /// How long a request stands unless it is renewed; at least three ticks.
    #[setting(default = "120s", min = "90s", max = "30min")]
    pub lease: Span,
}

/// What is remembered of a zone.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Memory {
    #[serde(flatten)]
    standing: Standing,
    /// The last thing the host was sure of.
    #[serde(skip_serializing_if = "Option::is_none")]
    held: Option<Held>,
}

#[growbox::plugin(
    reads(
        "control.stage.changed",
        "control.photoperiod.changed",
        "device.action.denied"
    ),
    tick = "30s",
    may_control(light = "to give plants their day and their night")
)]
impl Handler for Photoperiod {
    type State = PerZone<Memory>;

    fn handle(&self, room: &Room, memory: &mut Self::State, effects: &mut Effects) -> Outcome {
        take_denials(room, memory);
        for zone in room.zones().filter(has_light) {
            let memory = memory.of(zone);
            let phase = phase(told(room, &zone), &mut memory.held, room.now());
            let standing = &mut memory.standing;
            if zone.paused() {
                standing.forget();
                continue;
            }
            let placing = Placing {
                plugin: ID,
                now: room.now(),
                tick: room.tick(),
                lease: self.lease,
                causes: &causes(room, &zone),
            };
            let wishes =
                phase.map_or_else(Vec::new, |phase| self.wishes(room, &zone, phase, standing));
            let otherwise = "whether it is day is not known";
            standing.place(placing, &zone, &wishes, otherwise, effects);
        }
        Ok(())
    }
}

impl Photoperiod {
    /// A level for every light that may be asked.
    fn wishes(&self, room: &Room, zone: &Zone, phase: Phase, standing: &mut Standing) -> Vec<Wish> {
        let course = Course {
            sunrise: self.sunrise,
            sunset: self.sunset,
            full: self.full.0,
        };
        let wish = |light: Device| Wish {
            device: light.id.clone(),
            level: level(&light, course, phase),
            reason: in_words(
                room,
                zone,
                phase,
                course.ramp(phase).filter(|_| !light.switched),
            ),
        };
        zone.devices_of("light")
            .filter(|light| !standing.is_denied(&light.id, room.now()))
            .map(wish)
            .collect()
    }
}

fn has_light(zone: &Zone) -> bool {
    zone.devices_of("light").next().is_some()
}

/// What the host says of a zone's day.
fn told(room: &Room, zone: &Zone) -> Told {
    let clock = room.clock();
    let span = |from: u64, to: u64| Span::from_nanoseconds(to.saturating_sub(from));
    Told {
        day: zone.day,
        clock_set: clock.wall_trusted,
        elapsed: instant(zone, "day_start").map(|start| span(start, clock.wall)),
        left: instant(zone, "day_end").map(|end| span(clock.wall, end)),
    }
}

fn instant(zone: &Zone, attribute: &str) -> Option<u64> {
    zone.attribute(attribute)?.parse().ok()
}

/// The level of one light: a switch is full by day, a dimmer never darker than it can be.
fn level(light: &Device, course: Course, phase: Phase) -> f64 {
    match phase {
        Phase::Night { .. } => 0.0,
        Phase::Day { .. } if light.switched => 1.0,
        Phase::Day { .. } => course.level(phase).clamp(light.low, light.high),
    }
}

fn in_words(room: &Room, zone: &Zone, phase: Phase, ramp: Option<&str>) -> String {
    match phase {
        Phase::Night { known: true } => "night".into(),
        Phase::Night { known: false } => "the clock is not set: dark until it is".into(),
        Phase::Day { known: false, .. } => {
            "the clock is not set: the day goes on until it would have ended".into()
        }
        Phase::Day { .. } => match ramp {
            Some(ramp) => format!("{ramp} of a {}", day_in_words(room, zone)),
            None => day_in_words(room, zone),
        },
    }
}

/// `18 h day`, or `day` where nobody says how long it is.
fn day_in_words(room: &Room, zone: &Zone) -> String {
    let ends = instant(zone, "day_start").zip(instant(zone, "day_end"));
    let whole = ends.map(|(start, end)| Span::from_nanoseconds(end.saturating_sub(start)));
    match whole.filter(|_| room.clock().wall_trusted) {
        Some(whole) => format!("{} h day", (whole.as_seconds() / 360.0).round() / 10.0),
        None => "day".into(),
    }
}

/// The events of the batch that are about this zone.
fn causes(room: &Room, zone: &Zone) -> Vec<u64> {
    let about = room.events().iter().filter(|event| {
        event.type_.starts_with("control.")
            && event.zone.as_deref().is_none_or(|about| about == zone.id())
    });
    about.map(|event| event.seq).collect()
}

fn take_denials(room: &Room, memory: &mut PerZone<Memory>) {
    for device in room
        .events()
        .iter()
        .filter_map(|event| denied_device(event, ID))
    {
        let home = room
            .zones()
            .find(|zone| zone.devices().any(|known| known.id == device));
        if let Some(zone) = home {
            memory.of(zone).standing.take_denial(&device, room.now());
        }
    }
}

#[cfg(test)]
mod tests;
