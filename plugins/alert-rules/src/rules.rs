//! All rules: the shipped ones, what the settings say, and in which order they are asked.

use crate::absence::Absence;
use crate::burst::Burst;
use crate::deviation::Deviation;
use crate::overdue::Overdue;
use crate::rate::Rate;
use crate::rule::{Common, Condition, Rule};
use crate::series::Series;
use crate::threshold::Threshold;
use growbox_sdk::json::{Map, Value, json};
use growbox_sdk::table::one_of;
use growbox_sdk::wire::Fault;
use growbox_sdk::{Field, Given, Setting, Settings, digest, fault, table, table_schema};
use std::collections::BTreeMap;

/// How many rules there may be.
const MOST: usize = 64;
/// The longest name of a rule.
const NAME: usize = 32;
/// What event types begin with that rules are shown.
const FAMILIES: [&str; 10] = [
    "sensor.",
    "device.",
    "control.",
    "vpd.",
    "analytics.",
    "plugin.",
    "system.",
    "storage.",
    "safety.",
    "x.",
];

/// The kinds of rules.
const KINDS: [(&str, Kind); 6] = [
    ("burst", Kind::Burst),
    ("threshold", Kind::Threshold),
    ("overdue", Kind::Overdue),
    ("deviation", Kind::Deviation),
    ("absence", Kind::Absence),
    ("rate", Kind::Rate),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Burst,
    Threshold,
    Overdue,
    Deviation,
    Absence,
    Rate,
}

/// The rules that are there without being named.
fn shipped() -> Map<String, Value> {
    let rules = json!({
        "device_failure_burst": {
            "kind": "burst", "type": "device.error", "more_than": 5, "within": "10min",
            "severity": "critical", "actions": ["emergency_stop"],
        },
        "sensor_calibration_overdue": {
            "kind": "overdue", "type": "sensor.maintenance.calibration_due",
            "field": "days_overdue", "more_than": 30,
        },
        "vpd_out_of_range": {
            "kind": "deviation", "quantity": "vpd", "fraction": 0.2, "dwell": "15min",
        },
    });
    match rules {
        Value::Object(rules) => rules,
        _ => Map::new(),
    }
}

/// Every rule that is enabled, parents before children.
#[derive(Clone, Debug, PartialEq)]
pub struct Rules {
    rules: Vec<Rule>,
    digests: BTreeMap<String, u64>,
}

impl Rules {
    /// The shipped rules as they are.
    ///
    /// # Panics
    /// Never: they are in order.
    #[must_use]
    pub fn shipped() -> Self {
        Self::read_at(&json!({}), "/rules").expect("the shipped rules are in order")
    }

    pub(crate) fn in_order(&self) -> &[Rule] {
        &self.rules
    }

    /// Each rule's name with a digest of its settings.
    pub(crate) fn digests(&self) -> &BTreeMap<String, u64> {
        &self.digests
    }
}

impl Setting for Rules {
    fn schema() -> Value {
        let kinds = KINDS.iter().map(|(name, kind)| {
            let mut schema = table_schema(&kind.fields());
            schema["title"] = (*name).into();
            schema["properties"]["kind"] = json!({"const": name});
            schema
        });
        json!({
            "type": "object",
            "propertyNames": {"pattern": format!("^[a-z0-9_-]{{1,{NAME}}}$")},
            "maxProperties": MOST,
            "additionalProperties": {"anyOf": kinds.collect::<Vec<_>>()},
            "default": shipped(),
        })
    }

    fn read(value: &Value) -> Result<Self, String> {
        table::in_words(Self::read_at(value, ""))
    }

    fn read_at(value: &Value, pointer: &str) -> Result<Self, Fault> {
        let given = Given::at(value, pointer)?;
        let merged = merge(shipped(), value);
        if merged.len() > MOST {
            let why = format!("{} rules; there may be {MOST}", merged.len());
            return Err(fault::settings(pointer, why));
        }
        let (mut rules, mut digests) = (Vec::new(), BTreeMap::new());
        for (name, value) in &merged {
            let rule = read_rule(name, value, &given.pointer(name))?;
            if rule.common.enabled {
                digests.insert(name.clone(), digest(value.to_string().as_bytes()));
                rules.push(rule);
            }
        }
        let rules = parents_first(rules, &given)?;
        Ok(Self { rules, digests })
    }

    fn absent() -> Option<Self> {
        Some(Self::shipped())
    }
}

/// The shipped rules with what is given in their place. A rule of another kind keeps nothing of
/// the shipped one.
fn merge(mut rules: Map<String, Value>, given: &Value) -> Map<String, Value> {
    for (name, wanted) in given.as_object().into_iter().flatten() {
        let known = rules.get_mut(name).and_then(Value::as_object_mut);
        match (known, wanted) {
            (Some(known), Value::Object(wanted))
                if wanted
                    .get("kind")
                    .is_none_or(|kind| known.get("kind") == Some(kind)) =>
            {
                known.extend(wanted.clone());
            }
            _ => drop(rules.insert(name.clone(), wanted.clone())),
        }
    }
    rules
}

fn read_rule(name: &str, value: &Value, pointer: &str) -> Result<Rule, Fault> {
    let plain = |c: char| matches!(c, 'a'..='z' | '0'..='9' | '_' | '-');
    if !(1..=NAME).contains(&name.len()) || !name.chars().all(plain) {
        let why = format!("a rule is named with 1 to {NAME} of a-z 0-9 _ -");
        return Err(fault::settings(pointer, why));
    }
    let given = Given::at(value, pointer)?;
    let kind = given.pointer("kind");
    let words = || {
        let names: Vec<_> = KINDS.iter().map(|(name, _)| *name).collect();
        format!("is required; it is one of {}", names.join(", "))
    };
    let kind = match value.get("kind") {
        Some(word) => one_of(word, &KINDS).map_err(|why| fault::settings(kind, why))?,
        None => return Err(fault::settings(kind, words())),
    };
    given.refuse_unknown(&kind.fields())?;
    let condition = kind.read(&given)?;
    let in_order = condition.check();
    in_order.map_err(|(member, why)| fault::settings(place(&given, member), why))?;
    Ok(Rule {
        name: name.into(),
        common: given.all()?,
        condition,
    })
}

/// Where a member stands; without one, the rule itself.
fn place(given: &Given, member: &str) -> String {
    let pointer = given.pointer(member);
    pointer.trim_end_matches('/').to_string()
}

impl Kind {
    /// Everything that a rule of this kind may have.
    fn fields(self) -> Vec<Field> {
        let mut fields = vec![Field::of::<String>("kind", "The kind of rule.")];
        fields.extend(match self {
            Self::Burst => Burst::fields(),
            Self::Threshold => [Series::fields(), Threshold::fields()].concat(),
            Self::Overdue => Overdue::fields(),
            Self::Deviation => [Series::fields(), Deviation::fields()].concat(),
            Self::Absence => Absence::fields(),
            Self::Rate => [Series::fields(), Rate::fields()].concat(),
        });
        fields.extend(Common::fields());
        fields
    }

    fn read(self, given: &Given) -> Result<Condition, Fault> {
        Ok(match self {
            Self::Burst => Condition::Burst(given.all()?),
            Self::Threshold => Condition::Threshold(given.all()?, given.all()?),
            Self::Overdue => Condition::Overdue(given.all()?),
            Self::Deviation => Condition::Deviation(given.all()?, given.all()?),
            Self::Absence => Condition::Absence(given.all()?),
            Self::Rate => Condition::Rate(given.all()?, given.all()?),
        })
    }
}

impl Condition {
    /// What is wrong with it as a whole: in which member (empty: none alone), and why.
    fn check(&self) -> Result<(), (&'static str, String)> {
        let whole = |checked: Result<(), String>| checked.map_err(|why| ("", why));
        match self {
            Self::Burst(burst) => known_type(&burst.r#type),
            Self::Overdue(overdue) => known_type(&overdue.r#type),
            Self::Absence(absence) => {
                absence.r#type.as_deref().map_or(Ok(()), known_type)?;
                whole(absence.check())
            }
            Self::Threshold(series, threshold) => {
                whole(series.check())?;
                whole(threshold.check())
            }
            Self::Deviation(series, deviation) => {
                whole(series.check())?;
                deviation.check().map_err(|why| ("target", why))
            }
            Self::Rate(series, rate) => {
                whole(series.check())?;
                whole(rate.check())
            }
        }
    }
}

/// That a type can be heard at all. It is compared as a whole, never in parts.
fn known_type(name: &str) -> Result<(), (&'static str, String)> {
    if name.starts_with("alert.") {
        return Err(("type", format!("{name}: alerts raise no alerts")));
    }
    let known = FAMILIES
        .iter()
        .any(|family| name.len() > family.len() && name.starts_with(family));
    if known && !name.contains('*') {
        return Ok(());
    }
    let why = format!(
        "\"{name}\" is no event type; write a whole one that begins with {}",
        FAMILIES.join(", ")
    );
    Err(("type", why))
}

/// Sorts parents before their children, so that one event cannot raise both.
fn parents_first(mut waiting: Vec<Rule>, given: &Given) -> Result<Vec<Rule>, Fault> {
    let mut sorted: Vec<Rule> = Vec::new();
    while !waiting.is_empty() {
        let settled = |rule: &Rule| {
            let parent = rule.common.parent.as_ref();
            parent.is_none_or(|parent| sorted.iter().any(|other| other.name == *parent))
        };
        let (ready, left): (Vec<_>, Vec<_>) = waiting.into_iter().partition(settled);
        if ready.is_empty() {
            return Err(without_parent(&left, given));
        }
        sorted.extend(ready);
        waiting = left;
    }
    Ok(sorted)
}

fn without_parent(left: &[Rule], given: &Given) -> Fault {
    let parent_of = |rule: &Rule| rule.common.parent.clone().unwrap_or_default();
    let is_there = |name: &String| left.iter().any(|rule| rule.name == *name);
    let lost = left.iter().find(|rule| !is_there(&parent_of(rule)));
    let rule = lost.unwrap_or(&left[0]);
    let parent = parent_of(rule);
    let why = match lost {
        Some(_) => format!("there is no rule \"{parent}\" that is enabled"),
        None => format!("\"{parent}\" is above and below it: parents go round in a circle"),
    };
    fault::settings(format!("{}/parent", given.pointer(&rule.name)), why)
}
