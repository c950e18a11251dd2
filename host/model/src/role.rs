//! Roles: what a device does in the room, and the safe defaults that follow from it.
//!
//! The figures are those growers are used to; hardware protection (minimum on and
//! off) is set so that no compressor or lamp of its kind is hurt.

use std::fmt;

use serde::Serialize;

use crate::objection::Objection;
use crate::protection::Slew;
use crate::time::Span;

/// One row: the defaults a role brings, and why.
#[derive(Debug, PartialEq)]
pub struct RoleSpec {
    /// Its name in the configuration and in a plug-in's asks.
    pub name: &'static str,
    /// What it does, for people.
    pub summary: &'static str,
    /// Only on and off, unless the output can do more and the configuration says so.
    pub switched: bool,
    /// Where it goes when in doubt. `None`: its lowest running level.
    pub safe_level: Option<f64>,
    /// Where an emergency stop puts it while its zone is hot, full of CO2 or unknown. `None`: as safe.
    pub emergency_level: Option<f64>,
    /// Lowest running level, percent (PWM fans do not start below about 20 %).
    pub min_level_percent: f64,
    /// 0 is clamped to the lowest running level.
    pub never_off: bool,
    /// Shortest time on.
    pub min_on: Span,
    /// Shortest time off: hardware protection, never broken.
    pub min_off: Span,
    /// Comfort: shortest time between two switches, as growers are used to.
    pub cool_down: Span,
    /// How fast its level may change while it runs.
    pub slew: Option<Slew>,
    /// How often it may start in any hour, where starting wears it.
    pub starts_per_hour: Option<u32>,
    /// It is of use, or allowed, only while there is light.
    pub needs_light: bool,
    /// Roles of its zone that must be off while it is on.
    pub never_with: &'static [&'static str],
    /// Longest run, where a stuck request would do harm.
    pub max_on: Option<Span>,
    /// Pulses it may be given in any 24 hours, where one too many does harm.
    pub doses_per_day: Option<u32>,
    /// Quantities that must be fresh and good for it to run.
    pub needs: &'static [&'static str],
    /// Why these figures.
    pub why: &'static str,
}

const BASE: RoleSpec = RoleSpec {
    name: "",
    summary: "",
    switched: true,
    safe_level: Some(0.0),
    emergency_level: None,
    min_level_percent: 0.0,
    never_off: false,
    min_on: Span::seconds(10),
    min_off: Span::seconds(10),
    cool_down: Span::ZERO,
    slew: None,
    starts_per_hour: None,
    needs_light: false,
    never_with: &[],
    max_on: None,
    doses_per_day: None,
    needs: &[],
    why: "",
};

/// A fan that moves the air of the room follows its controller in small steps.
const GENTLE: Slew = Slew {
    step: 0.05,
    every: Span::seconds(10),
};

/// Every role.
pub static ROLES: &[RoleSpec] = &[
    RoleSpec {
        name: "exhaust",
        summary: "draws room air out, ambient air in",
        switched: false,
        safe_level: None,
        min_level_percent: 20.0,
        never_off: true,
        min_on: Span::seconds(30),
        min_off: Span::seconds(30),
        cool_down: Span::minutes(1),
        emergency_level: Some(1.0),
        slew: Some(GENTLE),
        why: "it also removes heat, odour and CO2, so in doubt it runs at its lowest level, and at full when it is hot; PWM fans do not start below about 20 %",
        ..BASE
    },
    RoleSpec {
        name: "intake",
        summary: "pushes ambient air in",
        switched: false,
        safe_level: None,
        min_level_percent: 20.0,
        min_on: Span::seconds(30),
        min_off: Span::seconds(30),
        cool_down: Span::minutes(1),
        emergency_level: Some(1.0),
        slew: Some(GENTLE),
        why: "as the exhaust, but it may stand still",
        ..BASE
    },
    RoleSpec {
        name: "circulation",
        summary: "evens leaf and air",
        safe_level: Some(1.0),
        emergency_level: Some(1.0),
        why: "still air harms plants sooner than a fan does",
        ..BASE
    },
    RoleSpec {
        name: "heater",
        summary: "warms, and dries relatively",
        min_on: Span::seconds(60),
        min_off: Span::seconds(120),
        max_on: Some(Span::minutes(30)),
        needs: &["temperature"],
        cool_down: Span::minutes(3),
        why: "a heater that nobody watches is the worst device in the room: it needs a fresh temperature and ends by itself",
        ..BASE
    },
    RoleSpec {
        name: "cooler",
        summary: "cools, and dries",
        min_on: Span::seconds(120),
        min_off: Span::seconds(300),
        max_on: Some(Span::hours(4)),
        needs: &["temperature"],
        cool_down: Span::minutes(3),
        starts_per_hour: Some(6),
        why: "a compressor must rest before it starts again, and not start too often",
        ..BASE
    },
    RoleSpec {
        name: "humidifier",
        summary: "adds water",
        min_on: Span::seconds(60),
        min_off: Span::seconds(120),
        max_on: Some(Span::minutes(20)),
        needs: &["humidity"],
        cool_down: Span::minutes(5),
        why: "water that nobody measures ends on the floor and in mould",
        ..BASE
    },
    RoleSpec {
        name: "dehumidifier",
        summary: "takes water out, and warms",
        min_on: Span::seconds(120),
        min_off: Span::seconds(300),
        max_on: Some(Span::hours(4)),
        needs: &["humidity"],
        cool_down: Span::minutes(3),
        starts_per_hour: Some(6),
        why: "a compressor must rest before it starts again, and not start too often",
        ..BASE
    },
    RoleSpec {
        name: "light",
        summary: "lights, warms, and drives transpiration",
        min_on: Span::minutes(15),
        min_off: Span::minutes(15),
        cool_down: Span::minutes(1),
        why: "lamps restrike hot only after a quarter of an hour, and plants need a dependable night",
        ..BASE
    },
    RoleSpec {
        name: "co2",
        summary: "opens the CO2 valve",
        min_on: Span::seconds(10),
        min_off: Span::seconds(30),
        max_on: Some(Span::minutes(10)),
        needs: &["co2"],
        cool_down: Span::minutes(2),
        needs_light: true,
        never_with: &["exhaust", "intake"],
        why: "CO2 suffocates people: it ends by itself and needs a fresh reading; in the dark plants do not take it up, and the exhaust blows it away",
        ..BASE
    },
    RoleSpec {
        name: "pump",
        summary: "waters",
        min_on: Span::seconds(1),
        min_off: Span::seconds(30),
        max_on: Some(Span::minutes(2)),
        doses_per_day: Some(24),
        why: "a pump that sticks on floods the room",
        ..BASE
    },
    RoleSpec {
        name: "other",
        summary: "anything else; growbox knows nothing of what it does to the air",
        why: "off is the safest guess",
        ..BASE
    },
];

/// A role of the table.
#[derive(Clone, Copy)]
pub struct Role(pub &'static RoleSpec);

impl Role {
    /// The role of this name.
    pub fn new(name: &str) -> Result<Self, Objection> {
        let names = ROLES.iter().map(|row| row.name);
        ROLES
            .iter()
            .find(|row| row.name == name)
            .map(Self)
            .ok_or_else(|| Objection::unknown("unknown_role", "role", name, names))
    }

    /// Its name.
    pub fn as_str(&self) -> &'static str {
        self.0.name
    }
}

impl PartialEq for Role {
    fn eq(&self, other: &Self) -> bool {
        self.0.name == other.0.name
    }
}

impl Eq for Role {}

impl fmt::Debug for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Role({})", self.0.name)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.name)
    }
}

impl Serialize for Role {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.0.name)
    }
}
