//! One safety rule: from a danger that is seen, over its dwell, to a trip, and out of it again.
//!
//! ```text
//!  well ──danger──▶ endangered ──for its dwell──▶ tripped ──latched: reset by a person──▶ well
//!    ▲                  │                            └──else: clear for its dwell──────────┘
//!    └──no danger───────┘
//! ```

use growbox_model::{Danger, Moment, Now, SafetySpec, Seq, Span, Trip, ZoneId};

use crate::gate::{Toward, World};

/// What a rule finds in its zone now.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Sight {
    /// What must not be, in words.
    Danger(String),
    /// Neither: it keeps a trip up and begins none.
    Between,
    /// All is well.
    Clear,
    /// Nobody can tell: what was last so is still so.
    Unknown,
}

/// A rule and how far it has come.
#[derive(Debug, Clone)]
pub(crate) struct Rule {
    /// What it watches.
    pub(crate) spec: SafetySpec,
    state: State,
}

#[derive(Debug, Clone, PartialEq)]
enum State {
    Well,
    /// Since when, what was seen last, and the newest reading that showed it.
    Endangered(Moment, String, Option<Seq>),
    /// The trip, and since when all is well again.
    Tripped(Trip, Option<Moment>),
}

/// A rule trips, or a trip is over.
#[derive(Debug, Clone, PartialEq)]
pub enum Turn {
    /// From now on its devices are where it wants them; the newest reading that showed the danger.
    Tripped(Trip, Option<Seq>),
    /// It lets go.
    Over(Trip),
}

impl Rule {
    /// All is well, until seen otherwise.
    pub(crate) fn new(spec: SafetySpec) -> Self {
        Self {
            spec,
            state: State::Well,
        }
    }

    /// It had tripped before, and a restart is no reset.
    pub(crate) fn restore(&mut self, trip: Trip) {
        self.state = State::Tripped(trip, None);
    }

    /// The same rule with other words goes on where it was: what had latched stays so.
    pub(crate) fn follow(self, spec: SafetySpec) -> Self {
        Self { spec, ..self }
    }

    /// Its trip, where it has tripped.
    pub(crate) fn trip(&self) -> Option<&Trip> {
        match &self.state {
            State::Tripped(trip, _) => Some(trip),
            _ => None,
        }
    }

    /// Whether it has tripped and only a person ends that.
    pub(crate) fn is_latched(&self) -> bool {
        self.trip().is_some_and(|trip| trip.latched)
    }

    /// Whether a person may reset it: what it watches for is over.
    pub(crate) fn is_clear(&self) -> bool {
        matches!(self.state, State::Tripped(_, Some(_)))
    }

    /// When it must be looked at though nobody says anything.
    pub(crate) fn due(&self) -> Option<Moment> {
        match &self.state {
            State::Endangered(since, ..) => Some(*since + self.spec.dwell),
            State::Tripped(trip, Some(since)) if !trip.latched => Some(*since + self.spec.dwell),
            _ => None,
        }
    }

    /// Looks at its zone, because of this reading or because it is time.
    pub(crate) fn look(
        &mut self,
        reading: Option<Seq>,
        world: &impl World,
        now: Now,
    ) -> Option<Turn> {
        self.see(sight(&self.spec, world), reading, now)
    }

    /// Takes in what is seen.
    fn see(&mut self, sight: Sight, reading: Option<Seq>, now: Now) -> Option<Turn> {
        match (&mut self.state, sight) {
            (State::Well, Sight::Danger(what)) => {
                self.state = State::Endangered(now.moment, what, reading);
            }
            (State::Endangered(_, last, shown), Sight::Danger(what)) => {
                *last = what;
                *shown = reading.or(*shown);
            }
            (State::Endangered(..), Sight::Clear | Sight::Between) => self.state = State::Well,
            (State::Tripped(_, well), Sight::Clear) => {
                well.get_or_insert(now.moment);
            }
            (State::Tripped(_, well), _) => *well = None,
            (State::Well | State::Endangered(..), _) => {}
        }
        let due = self.due().is_some_and(|due| due <= now.moment);
        match (due, std::mem::replace(&mut self.state, State::Well)) {
            (true, State::Endangered(_, what, shown)) => {
                let trip = self.tripped(&what, now);
                self.state = State::Tripped(trip.clone(), None);
                Some(Turn::Tripped(trip, shown))
            }
            (true, State::Tripped(trip, _)) => Some(Turn::Over(trip)),
            (_, state) => {
                self.state = state;
                None
            }
        }
    }

    /// A person takes the trip back.
    pub(crate) fn reset(&mut self) -> Option<Turn> {
        match std::mem::replace(&mut self.state, State::Well) {
            State::Tripped(trip, _) => Some(Turn::Over(trip)),
            other => {
                self.state = other;
                None
            }
        }
    }

    fn tripped(&self, what: &str, now: Now) -> Trip {
        let SafetySpec { message, dwell, .. } = &self.spec;
        let lasting = if *dwell == Span::ZERO {
            String::new()
        } else {
            format!(" for {dwell}")
        };
        Trip {
            rule: self.spec.id.clone(),
            zone: self.spec.zone.clone(),
            message: format!("{message}: {what}{lasting}").into(),
            since: now.wall,
            latched: self.spec.latch,
        }
    }
}

/// What a rule finds in its zone.
fn sight(spec: &SafetySpec, world: &impl World) -> Sight {
    let zone = &spec.zone;
    match &spec.when {
        Danger::Above {
            quantity,
            limit,
            clear,
        } => measured(
            world.measure(zone, quantity.as_str(), Toward::High),
            |value| {
                let danger = value >= *limit;
                (danger, value < *clear, format!("{quantity} {value:.1}"))
            },
        ),
        Danger::Below {
            quantity,
            limit,
            clear,
        } => measured(
            world.measure(zone, quantity.as_str(), Toward::Low),
            |value| {
                let danger = value <= *limit;
                (danger, value > *clear, format!("{quantity} {value:.1}"))
            },
        ),
        Danger::NearDewPoint { margin, clear } => measured(above_dew_point(zone, world), |above| {
            let told = format!("the air is {above:.1} °C above its dew point");
            (above <= *margin, above > *clear, told)
        }),
        Danger::Untrusted { quantity, troubles } => match world.trouble(zone, quantity, troubles) {
            Some(trouble) => Sight::Danger(format!("{quantity} is {trouble}")),
            None => Sight::Clear,
        },
    }
}

fn measured(value: Option<f64>, judge: impl Fn(f64) -> (bool, bool, String)) -> Sight {
    match value.map(judge) {
        None => Sight::Unknown,
        Some((true, _, what)) => Sight::Danger(what),
        Some((_, true, _)) => Sight::Clear,
        Some(_) => Sight::Between,
    }
}

fn above_dew_point(zone: &ZoneId, world: &impl World) -> Option<f64> {
    let air = world.measure(zone, super::TEMPERATURE, Toward::Low)?;
    let humidity = world.measure(zone, super::HUMIDITY, Toward::High)?;
    Some(air - growbox_climate::dew_point(air, humidity))
}

#[cfg(test)]
mod tests {
    use super::*;
    use growbox_model::{Instant, Quantity};
    use proptest::prelude::*;

    const DWELL: Span = Span::seconds(60);

    fn rule(latch: bool) -> Rule {
        Rule::new(SafetySpec {
            id: "co2".into(),
            zone: ZoneId::new("tent").unwrap(),
            when: Danger::Above {
                quantity: Quantity::new("co2").unwrap(),
                limit: 2000.0,
                clear: 1500.0,
            },
            dwell: DWELL,
            latch,
            devices: [].into(),
            message: "too much CO2".into(),
            shipped: false,
        })
    }

    fn at(seconds: u64) -> Now {
        Now {
            moment: Moment(0) + Span::seconds(seconds),
            wall: Instant(0).plus(Span::seconds(seconds)),
            wall_trusted: true,
        }
    }

    fn danger() -> Sight {
        Sight::Danger("co2 2100.0".into())
    }

    fn is_tripped(turn: Option<&Turn>) -> bool {
        matches!(turn, Some(Turn::Tripped(..)))
    }

    #[test]
    fn it_trips_once_after_its_dwell_and_says_what_it_saw_and_where() {
        let mut rule = rule(true);
        assert_eq!(rule.see(danger(), None, at(0)), None);
        assert_eq!(rule.see(danger(), Some(Seq(9)), at(59)), None);
        let Some(Turn::Tripped(trip, Some(Seq(9)))) = rule.see(danger(), None, at(60)) else {
            panic!("it does not trip");
        };
        assert_eq!(&*trip.message, "too much CO2: co2 2100.0 for 1min");
        assert_eq!(rule.see(danger(), None, at(200)), None);
    }

    #[test]
    fn a_short_peak_is_none_and_what_nobody_sees_any_more_still_is() {
        let mut rule = rule(true);
        let _ = rule.see(danger(), None, at(0));
        assert_eq!(rule.see(Sight::Between, None, at(30)), None);
        assert_eq!(rule.see(danger(), None, at(61)), None);
        assert!(is_tripped(rule.see(Sight::Unknown, None, at(121)).as_ref()));
    }

    #[test]
    fn latched_it_waits_for_a_person_and_until_all_is_well() {
        let mut rule = rule(true);
        let _ = rule.see(danger(), None, at(0));
        assert!(is_tripped(rule.see(danger(), None, at(60)).as_ref()));
        assert!(!rule.is_clear());
        assert_eq!(rule.see(Sight::Clear, None, at(61)), None);
        assert_eq!(rule.see(Sight::Clear, None, at(10_000)), None);
        assert!(rule.is_clear());
        let _ = rule.see(Sight::Between, None, at(10_001));
        assert!(!rule.is_clear());
        assert!(matches!(rule.reset(), Some(Turn::Over(_))));
        assert_eq!((rule.reset(), rule.trip()), (None, None));
    }

    #[test]
    fn without_a_latch_it_ends_once_all_has_been_well_for_its_dwell() {
        let mut rule = rule(false);
        let _ = rule.see(danger(), None, at(0));
        assert!(is_tripped(rule.see(danger(), None, at(60)).as_ref()));
        let _ = rule.see(Sight::Clear, None, at(70));
        let _ = rule.see(Sight::Between, None, at(100));
        let _ = rule.see(Sight::Clear, None, at(110));
        assert_eq!(rule.due(), Some(at(170).moment));
        assert_eq!(rule.see(Sight::Unknown, None, at(169)), None);
        let _ = rule.see(Sight::Clear, None, at(180));
        assert!(matches!(
            rule.see(Sight::Clear, None, at(240)),
            Some(Turn::Over(_))
        ));
    }

    proptest! {
        /// It trips only after a whole dwell without a word that all is well, and always then.
        #[test]
        fn a_trip_is_a_whole_dwell_of_danger(
            steps in proptest::collection::vec((0..4u8, 1..40u64), 1..60)
        ) {
            let mut rule = rule(true);
            let (mut now, mut since) = (0, None);
            for (what, later) in steps {
                now += later;
                let sight = match what {
                    0 => Sight::Clear,
                    1 => Sight::Between,
                    2 => Sight::Unknown,
                    _ => danger(),
                };
                since = match what {
                    0 | 1 => None,
                    2 => since,
                    _ => since.or(Some(now)),
                };
                let turn = rule.see(sight, None, at(now));
                let whole = since.is_some_and(|since| now - since >= 60);
                prop_assert_eq!(is_tripped(turn.as_ref()), whole);
                if whole {
                    return Ok(());
                }
            }
        }
    }
}
