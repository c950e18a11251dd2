//! One rule: what all rules have in common, its condition, and how an event is shown to it.

use crate::absence::{Absence, Heard};
use crate::burst::{Burst, Count, Per};
use crate::desk::{About, Desk, Sight};
use crate::deviation::Deviation;
use crate::excursion::First;
use crate::overdue::Overdue;
use crate::rate::Rate;
use crate::series::Series;
use crate::threshold::Threshold;
use growbox_sdk::Setting;
use growbox_sdk::json::Value;
use growbox_sdk::prelude::*;
use growbox_sdk::table::{one_of, schema_of_words};

/// Subjects that one burst rule counts apart.
const MOST_SUBJECTS: usize = 256;
/// The longest subject, in characters.
const SUBJECT: usize = 64;

/// What every rule may have.
#[derive(Clone, Debug, PartialEq, Settings)]
pub(crate) struct Common {
    /// false: the rule is as if it were not there.
    #[setting(default = true)]
    pub(crate) enabled: bool,
    /// How bad it is.
    #[setting(default = "warning")]
    pub(crate) severity: Severity,
    /// While an alert of this rule stands in the zone, this one is not raised.
    pub(crate) parent: Option<String>,
    /// What is done when it is raised. emergency_stop needs the grant of that name.
    #[setting(default = json::json!(["notification"]))]
    pub(crate) actions: Vec<Action>,
    /// How far inside the limit a raised alert must be to be cleared, in the unit of the limit.
    #[setting(default = 0.0, min = 0.0)]
    pub(crate) clear_hysteresis: f64,
    /// How long a raised alert must be inside to be cleared.
    #[setting(default = "0s", max = "30d")]
    pub(crate) clear_dwell: Span,
}

/// How bad an alert is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Severity {
    Info,
    Warning,
    Critical,
}

const SEVERITIES: [(&str, Severity); 3] = [
    ("info", Severity::Info),
    ("warning", Severity::Warning),
    ("critical", Severity::Critical),
];

impl Severity {
    pub(crate) fn word(self) -> &'static str {
        word_of(&SEVERITIES, self)
    }
}

impl Setting for Severity {
    fn schema() -> Value {
        schema_of_words(&SEVERITIES)
    }
    fn read(value: &Value) -> Result<Self, String> {
        one_of(value, &SEVERITIES)
    }
}

/// What is done beside raising.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// A person is told; whoever tells people listens to `alert.raised`.
    Notification,
    /// The zone is stopped; without a zone, everything.
    EmergencyStop,
}

const ACTIONS: [(&str, Action); 2] = [
    ("notification", Action::Notification),
    ("emergency_stop", Action::EmergencyStop),
];

impl Action {
    pub(crate) fn word(self) -> &'static str {
        word_of(&ACTIONS, self)
    }
}

impl Setting for Action {
    fn schema() -> Value {
        schema_of_words(&ACTIONS)
    }
    fn read(value: &Value) -> Result<Self, String> {
        one_of(value, &ACTIONS)
    }
}

fn word_of<T: Copy + PartialEq>(words: &[(&'static str, T)], meant: T) -> &'static str {
    let found = words.iter().find(|(_, each)| *each == meant);
    found.map_or("", |(word, _)| word)
}

/// What a rule looks at.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Condition {
    Burst(Burst),
    Threshold(Series, Threshold),
    Overdue(Overdue),
    Deviation(Series, Deviation),
    Absence(Absence),
    Rate(Series, Rate),
}

/// A rule by its name.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Rule {
    pub(crate) name: String,
    pub(crate) common: Common,
    pub(crate) condition: Condition,
}

impl Rule {
    /// How long it must be outside to be raised.
    pub(crate) fn dwell(&self) -> Span {
        match &self.condition {
            Condition::Threshold(_, threshold) => threshold.dwell,
            Condition::Deviation(_, deviation) => deviation.dwell,
            Condition::Rate(_, rate) => rate.dwell,
            Condition::Burst(_) | Condition::Overdue(_) | Condition::Absence(_) => Span::ZERO,
        }
    }

    /// What the keys of its watches begin with.
    pub(crate) fn keys(&self) -> String {
        format!("{}/", self.name)
    }

    fn key(&self, about: &About) -> String {
        let part = |part: &Option<String>| part.clone().unwrap_or_default();
        format!(
            "{}{}/{}",
            self.keys(),
            part(&about.zone),
            part(&about.subject)
        )
    }

    /// Is shown an event.
    pub(crate) fn hear(&self, event: &Event, desk: &mut Desk<'_>) {
        match &self.condition {
            Condition::Burst(burst) => self.hear_burst(burst, event, desk),
            Condition::Overdue(overdue) => self.hear_overdue(overdue, event, desk),
            Condition::Absence(absence) => self.hear_absence(absence, event, desk),
            Condition::Threshold(series, _)
            | Condition::Deviation(series, _)
            | Condition::Rate(series, _) => {
                if let Some(reading) = series.reading(event) {
                    self.hear_reading(event, reading, desk);
                }
            }
        }
    }

    /// Is told that time has passed.
    pub(crate) fn tick(&self, desk: &mut Desk<'_>) {
        match &self.condition {
            Condition::Burst(burst) => self.tick_burst(burst, desk),
            Condition::Absence(absence) => self.tick_absence(absence, desk),
            _ => {}
        }
    }

    fn hear_reading(&self, event: &Event, reading: &Reading, desk: &mut Desk<'_>) {
        let about = About {
            zone: event.zone.clone(),
            subject: Some(self.series_subject(reading)),
        };
        let key = self.key(&about);
        let hysteresis = self.common.clear_hysteresis;
        let (position, words) = match &self.condition {
            Condition::Threshold(_, threshold) => (
                threshold.position(reading.value, hysteresis),
                threshold.words(reading),
            ),
            Condition::Deviation(_, deviation) => {
                let zone = event.zone.as_deref();
                let Some(target) = deviation.target(desk.room, zone, &reading.quantity) else {
                    return;
                };
                (
                    deviation.position(reading.value, target, hysteresis),
                    deviation.words(reading, target),
                )
            }
            Condition::Rate(_, rate) => {
                let samples = &mut desk.watch(&key).samples;
                let Some(change) = rate.take(samples, event.at, reading.value) else {
                    return;
                };
                (
                    rate.position(change, hysteresis),
                    rate.words(reading, change),
                )
            }
            _ => return,
        };
        desk.turn(self, &key, about, &Sight::of(event, position, words));
    }

    /// The sensor; with the quantity where the rule is about whatever it measures.
    fn series_subject(&self, reading: &Reading) -> String {
        match &self.condition {
            Condition::Threshold(series, _)
            | Condition::Deviation(series, _)
            | Condition::Rate(series, _)
                if series.quantity.is_none() =>
            {
                format!("{} {}", reading.sensor, reading.quantity)
            }
            _ => reading.sensor.clone(),
        }
    }

    fn hear_burst(&self, burst: &Burst, event: &Event, desk: &mut Desk<'_>) {
        if !event.is(&burst.r#type) || (burst.zone.is_some() && burst.zone != event.zone) {
            return;
        }
        let about = About {
            zone: event.zone.clone().filter(|_| burst.per != Per::Room),
            subject: subject(event).filter(|_| burst.per == Per::Subject),
        };
        let key = self.key(&about);
        if !desk.has_room(self, &key, MOST_SUBJECTS) {
            return;
        }
        let counts = &mut desk.watch(&key).counts;
        burst.take(counts, Count::of(event));
        let position = burst.position(counts);
        let counts = counts.clone();
        let sight = Sight::of(event, position, burst.words(position));
        let sight = sight.counted(&counts);
        desk.turn(self, &key, about, &sight);
    }

    fn tick_burst(&self, burst: &Burst, desk: &mut Desk<'_>) {
        for key in desk.standing(self) {
            let now = desk.room.now();
            let wall = desk.room.clock().wall;
            let watch = desk.watch(&key);
            let position = burst.position_at(&watch.counts, now);
            let at = wall.max(watch.excursion.last());
            let sight = Sight::at_tick(at, position, burst.words(position));
            desk.turn(self, &key, About::default(), &sight);
        }
    }

    fn hear_overdue(&self, overdue: &Overdue, event: &Event, desk: &mut Desk<'_>) {
        if !event.is(&overdue.r#type) || (overdue.zone.is_some() && overdue.zone != event.zone) {
            return;
        }
        let value = event
            .document()
            .and_then(|data| data[&overdue.field].as_f64());
        let Some(value) = value else {
            return;
        };
        let about = About {
            zone: event.zone.clone(),
            subject: subject(event),
        };
        let key = self.key(&about);
        let position = overdue.position(value, self.common.clear_hysteresis);
        let words = overdue.words(about.subject.as_deref(), value);
        if desk.has_room(self, &key, MOST_SUBJECTS) {
            desk.turn(self, &key, about, &Sight::of(event, position, words));
        }
    }

    fn hear_absence(&self, absence: &Absence, event: &Event, desk: &mut Desk<'_>) {
        if !absence.hears(event) {
            return;
        }
        let moment = growbox_sdk::Moment::from_nanoseconds(event.taken);
        let position = absence.position(moment, moment);
        let words = absence.words(position, Span::ZERO);
        let key = self.keys();
        let watch = desk.watch(&key);
        let at = event.at.max(watch.excursion.last());
        let before = watch.heard.replace(Heard {
            moment,
            at: event.at,
            seq: Some(event.seq),
            zone: event.zone.clone(),
        });
        let about = About {
            zone: before.and_then(|before| before.zone),
            subject: Some(absence.subject()),
        };
        let sight = Sight {
            at,
            ..Sight::of(event, position, words)
        };
        desk.turn(self, &key, about, &sight);
    }

    fn tick_absence(&self, absence: &Absence, desk: &mut Desk<'_>) {
        let (now, wall) = (desk.room.now(), desk.room.clock().wall);
        let key = self.keys();
        let watch = desk.watch(&key);
        let heard = watch.heard.get_or_insert(Heard {
            moment: now,
            at: wall,
            seq: None,
            zone: absence.zone.clone(),
        });
        let position = absence.position(heard.moment, now);
        let words = absence.words(position, now.since(heard.moment));
        let (first, zone) = (
            First {
                at: heard.at,
                seq: heard.seq,
            },
            heard.zone.clone(),
        );
        let at = wall.max(watch.excursion.last());
        let about = About {
            zone,
            subject: Some(absence.subject()),
        };
        let sight = Sight {
            first,
            ..Sight::at_tick(at, position, words)
        };
        desk.turn(self, &key, about, &sight);
    }
}

impl Sight {
    fn of(event: &Event, position: crate::excursion::Position, words: String) -> Self {
        Self {
            position,
            at: event.at,
            first: First {
                at: event.at,
                seq: Some(event.seq),
            },
            evidence: vec![event.seq],
            words,
        }
    }

    fn at_tick(at: u64, position: crate::excursion::Position, words: String) -> Self {
        Self {
            position,
            at,
            first: First { at, seq: None },
            evidence: Vec::new(),
            words,
        }
    }

    /// With the events that were counted, which may have come in another order.
    fn counted(mut self, counts: &[Count]) -> Self {
        if let (Some(first), Some(last)) = (Burst::first(counts), counts.last()) {
            self.first = first;
            self.at = self.at.max(last.at);
            self.evidence = counts.iter().map(|count| count.seq).collect();
        }
        self
    }
}

/// The device or sensor that a document is about.
fn subject(event: &Event) -> Option<String> {
    if let Some(reading) = event.reading() {
        return Some(reading.sensor.clone());
    }
    let data = event.document()?;
    let names = ["device_id", "sensor_id", "plugin", "subject"].into_iter();
    let named = names.filter_map(|name| data[name].as_str()).next()?;
    Some(named.chars().take(SUBJECT).collect())
}
