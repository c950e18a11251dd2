//! What each kind of device does to the air, and whether that helps now.
//!
//! | kind | temperature | humidity | VPD |
//! |---|---|---|---|
//! | exhaust, intake | toward outside | toward outside, *absolute* | depends on outside |
//! | heater | up | relative: down | up |
//! | cooler | down | down (condenses) | down |
//! | humidifier | slightly down | up | down |
//! | dehumidifier | up | down | up |
//! | circulation | – | – | evens leaf and air |

use crate::decide::{Direction, Wanted};
use growbox_sdk::climate::{self, Range};
use growbox_sdk::{Air, Celsius, CelsiusDelta, Percent};

/// Water content differs for certain from here on, in g/m³: about what two good sensors differ by.
const WATER_MARGIN: f64 = 0.5;
/// Temperature differs for certain from here on, in °C.
const WARMTH_MARGIN: f64 = 1.0;
/// Share of outside air in the mixture that is tried out before air is exchanged to cool.
const TRIED_SHARE: f64 = 0.1;
/// VPD of the mixture must differ by so much, in kPa.
const VPD_MARGIN: f64 = 0.01;
/// A device that works against an end of a range does not start in the last quarter before it.
const START_SHARE: f64 = 0.25;

/// A device by what it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Exhaust,
    Intake,
    Circulation,
    Heater,
    Cooler,
    Humidifier,
    Dehumidifier,
}

impl Role {
    /// The role of that name, where this plug-in has a use for it.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "exhaust" => Self::Exhaust,
            "intake" => Self::Intake,
            "circulation" => Self::Circulation,
            "heater" => Self::Heater,
            "cooler" => Self::Cooler,
            "humidifier" => Self::Humidifier,
            "dehumidifier" => Self::Dehumidifier,
            _ => return None,
        })
    }

    fn is_fan(self) -> bool {
        matches!(self, Self::Exhaust | Self::Intake | Self::Circulation)
    }
}

/// A device that may be used.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Means {
    pub(crate) id: String,
    pub(crate) role: Role,
    /// Only on and off.
    pub(crate) switched: bool,
    /// Whether it has been asked to run: who runs may go on a little longer.
    pub(crate) running: bool,
}

impl Means {
    /// What to ask of it: fans follow `level`, everything else is on or off.
    pub(crate) fn level(&self, level: f64) -> f64 {
        if self.role.is_fan() && !(self.switched && level > 0.0) {
            level
        } else {
            1.0
        }
    }
}

/// Kinds that work in a direction, the most frugal first: a fan, then what adds or takes water,
/// then what heats or cools.
pub(crate) fn in_order(direction: Direction) -> &'static [&'static [Role]] {
    const EXCHANGE: &[Role] = &[Role::Exhaust, Role::Intake];
    match direction {
        Direction::Drier => &[EXCHANGE, &[Role::Dehumidifier], &[Role::Heater]],
        Direction::Damper => &[EXCHANGE, &[Role::Humidifier], &[Role::Cooler]],
        Direction::Warmer => &[EXCHANGE, &[Role::Heater]],
        Direction::Colder => &[EXCHANGE, &[Role::Cooler]],
    }
}

/// Whether something helps to move the air in a direction.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Question<'a> {
    pub(crate) direction: Direction,
    /// Where moisture has to go, so that warmth is not had at its expense.
    pub(crate) moisture: Option<Direction>,
    pub(crate) air: &'a Air,
    pub(crate) outside: Option<&'a Air>,
    pub(crate) wanted: &'a Wanted,
}

impl Question<'_> {
    /// Why this device helps now, in words; none where it does not, or may not.
    pub(crate) fn helps(&self, means: &Means) -> Option<String> {
        match means.role {
            Role::Exhaust | Role::Intake => self.exchange_helps(means),
            Role::Circulation => None,
            Role::Heater => self.heater_helps(means),
            Role::Cooler => self.cooler_helps(means),
            Role::Humidifier => self.humidifier_helps(means),
            Role::Dehumidifier => self.dehumidifier_helps(means),
        }
    }

    fn exchange_helps(&self, means: &Means) -> Option<String> {
        let outside = self.outside?;
        if self.exchange_leaves_the_box(outside, means) {
            return None;
        }
        match self.direction {
            Direction::Drier => self.is_drier(outside),
            Direction::Damper => self.is_wetter(outside).or_else(|| {
                let cooler = self.is_cooler(outside)?;
                (self.mixed_vpd(outside) < self.air.vpd.0 - VPD_MARGIN).then_some(cooler)
            }),
            Direction::Warmer if self.hurts_moisture(outside) => None,
            Direction::Colder if self.hurts_moisture(outside) => None,
            Direction::Warmer => self.is_warmer(outside),
            Direction::Colder => self.is_cooler(outside),
        }
    }

    /// Whether outside air would push temperature over the end of its range that it is close to.
    fn exchange_leaves_the_box(&self, outside: &Air, means: &Means) -> bool {
        let Some(range) = self.wanted.temperature else {
            return false;
        };
        let inside = self.air.temperature.0;
        if outside.temperature.0 < inside {
            !above_low(inside, range, means.running)
        } else {
            !below_high(inside, range, means.running)
        }
    }

    /// Whether an exchange for warmth would work against the pull of moisture.
    fn hurts_moisture(&self, outside: &Air) -> bool {
        match self.moisture {
            Some(Direction::Drier) => outside.water.0 > self.air.water.0,
            Some(Direction::Damper) => self.mixed_vpd(outside) > self.air.vpd.0,
            _ => false,
        }
    }

    fn is_drier(&self, outside: &Air) -> Option<String> {
        let (inside, outside) = (self.air.water.0, outside.water.0);
        (outside < inside - WATER_MARGIN)
            .then(|| format!("outside is drier, {outside:.1} < {inside:.1} g/m³"))
    }

    fn is_wetter(&self, outside: &Air) -> Option<String> {
        let (inside, outside) = (self.air.water.0, outside.water.0);
        (outside > inside + WATER_MARGIN)
            .then(|| format!("outside is wetter, {outside:.1} > {inside:.1} g/m³"))
    }

    fn is_warmer(&self, outside: &Air) -> Option<String> {
        let (inside, outside) = (self.air.temperature.0, outside.temperature.0);
        (outside > inside + WARMTH_MARGIN)
            .then(|| format!("outside is warmer, {outside:.1} > {inside:.1} °C"))
    }

    fn is_cooler(&self, outside: &Air) -> Option<String> {
        let (inside, outside) = (self.air.temperature.0, outside.temperature.0);
        (outside < inside - WARMTH_MARGIN)
            .then(|| format!("outside is cooler, {outside:.1} < {inside:.1} °C"))
    }

    /// VPD in kPa with a little outside air mixed in.
    fn mixed_vpd(&self, outside: &Air) -> f64 {
        let mix = |inside: f64, outside: f64| inside + TRIED_SHARE * (outside - inside);
        let celsius = mix(self.air.temperature.0, outside.temperature.0);
        let water = mix(self.air.water.0, outside.water.0);
        let humidity = climate::relative_humidity_from_absolute(celsius, water);
        let CelsiusDelta(offset) = self.air.leaf - self.air.temperature;
        Air::new(Celsius(celsius), Percent(humidity), CelsiusDelta(offset))
            .vpd
            .0
    }

    /// A heater needs an end of temperature to stop at; without one it is not used.
    fn heater_helps(&self, means: &Means) -> Option<String> {
        let range = self.wanted.temperature?;
        let celsius = self.air.temperature.0;
        below_high(celsius, range, means.running)
            .then(|| format!("{celsius:.1} °C may rise to {} °C", range.high))
    }

    /// A cooler needs an end of temperature to stop at; without one it is not used.
    fn cooler_helps(&self, means: &Means) -> Option<String> {
        let range = self.wanted.temperature?;
        let celsius = self.air.temperature.0;
        above_low(celsius, range, means.running)
            .then(|| format!("{celsius:.1} °C may fall to {} °C", range.low))
    }

    fn humidifier_helps(&self, means: &Means) -> Option<String> {
        let humidity = self.air.humidity.0;
        match self.wanted.humidity {
            Some(range) => below_high(humidity, range, means.running)
                .then(|| format!("humidity {humidity:.0} % may rise to {} %", range.high)),
            None => Some(format!("humidity {humidity:.0} % may rise")),
        }
    }

    /// It heats besides, so it is not used in air that is too warm already.
    fn dehumidifier_helps(&self, means: &Means) -> Option<String> {
        let too_warm = |range: Range| self.air.temperature.0 > range.high;
        if self.wanted.temperature.is_some_and(too_warm) {
            return None;
        }
        let humidity = self.air.humidity.0;
        match self.wanted.humidity {
            Some(range) => above_low(humidity, range, means.running)
                .then(|| format!("humidity {humidity:.0} % may fall to {} %", range.low)),
            None => Some(format!("humidity {humidity:.0} % may fall")),
        }
    }
}

/// Whether a value may be pushed up: who runs may go to the end, who starts needs room.
fn below_high(value: f64, range: Range, running: bool) -> bool {
    value < range.high - room(range, running)
}

/// Whether a value may be pushed down: who runs may go to the end, who starts needs room.
fn above_low(value: f64, range: Range, running: bool) -> bool {
    value > range.low + room(range, running)
}

fn room(range: Range, running: bool) -> f64 {
    if running {
        0.0
    } else {
        (range.high - range.low) * START_SHARE
    }
}
