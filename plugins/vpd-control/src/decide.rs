//! What should be done about a zone's air: pure, no events, no store, no clock.
//!
//! Words: a *purpose* is what is kept (moisture, warmth); its *pull* is the direction in which
//! the air has to go. A pull begins where the air leaves its range and ends only a quarter of
//! the range further in (the deadband). Each pull starts with one kind of device, the most
//! frugal that helps; while it lasts longer than the patience, the next kind joins.

use crate::means::{self, Means, Role};
use growbox_sdk::climate::Range;
use growbox_sdk::{Air, Level, Moment, Span, Wish};
use serde::{Deserialize, Serialize};
use std::fmt;

/// How much of a range lies between its end and the point where a pull ends.
const DEADBAND_SHARE: f64 = 0.25;
/// The least level of a fan that is asked to exchange air at all.
const LEAST_EXCHANGE: f64 = 0.3;
/// Levels are asked in twentieths.
const LEVEL_STEPS: f64 = 20.0;

/// Where the air has to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Direction {
    /// VPD up.
    Drier,
    /// VPD down.
    Damper,
    /// Temperature up.
    Warmer,
    /// Temperature down.
    Colder,
}

impl Direction {
    /// The word in `control.vpd.action_required`.
    pub(crate) fn action(self) -> &'static str {
        match self {
            Self::Drier => "raise_vpd",
            Self::Damper => "lower_vpd",
            Self::Warmer => "warm",
            Self::Colder => "cool",
        }
    }
}

/// A pull that began earlier.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Begun {
    pub(crate) direction: Direction,
    pub(crate) since: Moment,
}

/// The side of the deadband on which each purpose is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Held {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) moisture: Option<Begun>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) warmth: Option<Begun>,
}

/// What should be, as far as it is known.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Wanted {
    /// In kPa. Where there is none (drying), humidity is kept instead.
    pub(crate) vpd: Option<Range>,
    /// In °C.
    pub(crate) temperature: Option<Range>,
    /// In %.
    pub(crate) humidity: Option<Range>,
}

/// Why there is no air to decide about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Silence(pub(crate) Vec<&'static str>);

impl fmt::Display for Silence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verb = if self.0.len() == 1 { "is" } else { "are" };
        write!(f, "{} {verb} silent", self.0.join(" and "))
    }
}

/// Everything a decision depends on.
#[derive(Clone, Debug)]
pub(crate) struct Situation<'a> {
    pub(crate) air: Result<Air, Silence>,
    /// The air that an exchange would bring in.
    pub(crate) outside: Option<Air>,
    pub(crate) wanted: Wanted,
    pub(crate) means: &'a [Means],
    pub(crate) now: Moment,
    pub(crate) patience: Span,
    /// For circulation fans.
    pub(crate) circulation: Level,
}

/// What came out.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Decision {
    pub(crate) held: Held,
    /// At most one a device. Who is not named is to be let go.
    pub(crate) wishes: Vec<Wish>,
    /// Which way VPD has to go; only while it is outside its range.
    pub(crate) off_range: Option<Direction>,
    /// Why the others are let go.
    pub(crate) otherwise: String,
}

/// A direction with its urgency, in numbers and in words.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Pull {
    pub(crate) begun: Begun,
    /// From the end of the deadband: 0; a whole range further out: 1.
    urgency: f64,
    /// Whether the value is outside its range, not only inside the deadband.
    outside: bool,
    words: String,
}

/// Decides.
pub(crate) fn decide(situation: &Situation, held: &Held) -> Decision {
    let mut wishes = circulate(situation);
    let air = match &situation.air {
        Ok(air) => air,
        Err(silence) => {
            return Decision {
                held: Held::default(),
                wishes,
                off_range: None,
                otherwise: format!("{silence}: nothing to steer by"),
            };
        }
    };
    let moisture = moisture(situation, air, held);
    let warmth = warmth(situation, air, held);
    for pull in [&moisture, &warmth].into_iter().flatten() {
        for wish in answer(pull, moisture.as_ref(), situation, air) {
            add(&mut wishes, wish);
        }
    }
    let off_vpd = |pull: &&Pull| pull.outside && situation.wanted.vpd.is_some();
    Decision {
        held: Held {
            moisture: moisture.as_ref().map(|pull| pull.begun),
            warmth: warmth.as_ref().map(|pull| pull.begun),
        },
        off_range: moisture
            .as_ref()
            .filter(off_vpd)
            .map(|pull| pull.begun.direction),
        otherwise: otherwise(situation, air, moisture.as_ref().or(warmth.as_ref())),
        wishes,
    }
}

/// Circulation runs steadily, whatever the air.
fn circulate(situation: &Situation) -> Vec<Wish> {
    let fans = situation
        .means
        .iter()
        .filter(|means| means.role == Role::Circulation);
    let wish = |fan: &Means| Wish {
        device: fan.id.clone(),
        level: fan.level(situation.circulation.0),
        reason: "evens leaf and air".into(),
    };
    fans.map(wish).filter(|wish| wish.level > 0.0).collect()
}

/// The pull on VPD; on humidity where no VPD is wanted.
fn moisture(situation: &Situation, air: &Air, held: &Held) -> Option<Pull> {
    let begun = held.moisture;
    if let Some(range) = situation.wanted.vpd {
        let kept = Kept {
            name: "VPD ",
            unit: "kPa",
            places: 2,
        };
        let ways = [Direction::Drier, Direction::Damper];
        return kept.pull(air.vpd.0, range, ways, begun, situation.now);
    }
    let range = situation.wanted.humidity?;
    let kept = Kept {
        name: "humidity ",
        unit: "%",
        places: 0,
    };
    let ways = [Direction::Damper, Direction::Drier];
    kept.pull(air.humidity.0, range, ways, begun, situation.now)
}

/// The pull on temperature.
fn warmth(situation: &Situation, air: &Air, held: &Held) -> Option<Pull> {
    let kept = Kept {
        name: "",
        unit: "°C",
        places: 1,
    };
    let ways = [Direction::Warmer, Direction::Colder];
    let range = situation.wanted.temperature?;
    kept.pull(air.temperature.0, range, ways, held.warmth, situation.now)
}

/// How a quantity that is kept in a range is written.
struct Kept {
    name: &'static str,
    unit: &'static str,
    places: usize,
}

impl Kept {
    /// The pull on a value, where there is one; `ways` are those for too low and too high.
    fn pull(
        &self,
        value: f64,
        range: Range,
        ways: [Direction; 2],
        begun: Option<Begun>,
        now: Moment,
    ) -> Option<Pull> {
        let width = range.high - range.low;
        let slack = width * DEADBAND_SHARE;
        let ends = [
            (range.low, range.low + slack),
            (range.high, range.high - slack),
        ];
        let beyond = |index: usize, point: f64| {
            if index == 0 {
                value < point
            } else {
                value > point
            }
        };
        let index = (0..2).find(|index| {
            let going_on = begun.is_some_and(|begun| begun.direction == ways[*index]);
            beyond(*index, ends[*index].0) || (going_on && beyond(*index, ends[*index].1))
        })?;
        let (edge, release) = ends[index];
        let fresh = Begun {
            direction: ways[index],
            since: now,
        };
        Some(Pull {
            begun: begun
                .filter(|begun| begun.direction == fresh.direction)
                .unwrap_or(fresh),
            urgency: ((value - release).abs() / width.max(f64::EPSILON)).min(1.0),
            outside: beyond(index, edge),
            words: self.words(value, edge, release, beyond(index, edge), index == 0),
        })
    }

    /// `VPD 0.72 < 0.75 kPa`, or where the deadband is crossed `VPD 0.78 kPa, on to 0.84`.
    fn words(&self, value: f64, edge: f64, release: f64, outside: bool, low: bool) -> String {
        let Self { name, unit, places } = self;
        let sign = if low { '<' } else { '>' };
        if outside {
            format!("{name}{value:.places$} {sign} {edge:.places$} {unit}")
        } else {
            format!("{name}{value:.places$} {unit}, on to {release:.places$}")
        }
    }
}

/// The wishes that answer a pull: the most frugal kind that helps, more kinds with time.
fn answer(pull: &Pull, moisture: Option<&Pull>, situation: &Situation, air: &Air) -> Vec<Wish> {
    let lasted = situation.now.since(pull.begun.since);
    let kinds = 1 + lasted.divided_by(situation.patience).unwrap_or(0);
    let question = means::Question {
        direction: pull.begun.direction,
        moisture: moisture.map(|pull| pull.begun.direction),
        air,
        outside: situation.outside.as_ref(),
        wanted: &situation.wanted,
    };
    let kinds = usize::try_from(kinds).unwrap_or(usize::MAX);
    means::in_order(pull.begun.direction)
        .iter()
        .map(|kind| wishes_of(kind, pull, &question, situation.means))
        .filter(|wishes| !wishes.is_empty())
        .take(kinds)
        .flatten()
        .collect()
}

/// A wish for every device of a kind that helps.
fn wishes_of(kind: &[Role], pull: &Pull, question: &means::Question, means: &[Means]) -> Vec<Wish> {
    let of_kind = means.iter().filter(|means| kind.contains(&means.role));
    let wish = |means: &Means| {
        Some(Wish {
            reason: format!("{}; {}", pull.words, question.helps(means)?),
            device: means.id.clone(),
            level: means.level(exchange_level(pull.urgency)),
        })
    };
    of_kind.filter_map(wish).collect()
}

/// The level of a fan that exchanges air, in steps; devices that only switch make 1 of it.
fn exchange_level(urgency: f64) -> f64 {
    let level = LEAST_EXCHANGE + (1.0 - LEAST_EXCHANGE) * urgency;
    (level * LEVEL_STEPS).round() / LEVEL_STEPS
}

/// Of two wishes for one device the greater one stays.
fn add(wishes: &mut Vec<Wish>, wish: Wish) {
    match wishes.iter_mut().find(|known| known.device == wish.device) {
        Some(known) if known.level >= wish.level => {}
        Some(known) => *known = wish,
        None => wishes.push(wish),
    }
}

/// Why a device is let go.
fn otherwise(situation: &Situation, air: &Air, pull: Option<&Pull>) -> String {
    let Wanted { vpd, humidity, .. } = situation.wanted;
    match (pull, vpd, humidity) {
        (Some(pull), _, _) => format!(
            "{}, but this would not help: {:.1} °C, {:.0} % RH",
            pull.words, air.temperature.0, air.humidity.0
        ),
        (None, Some(range), _) => format!("VPD {:.2} is inside {range:.2} kPa", air.vpd.0),
        (None, None, Some(range)) => format!("humidity {:.0} is inside {range} %", air.humidity.0),
        (None, None, None) => "nothing is wanted of the air here".into(),
    }
}

#[cfg(test)]
mod tests;
