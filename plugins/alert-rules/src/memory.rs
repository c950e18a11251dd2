//! What is remembered: the book of alerts that stand, and for each rule and subject how far it is.

use crate::absence::Heard;
use crate::burst::Count;
use crate::excursion::Excursion;
use crate::rate::Sample;
use growbox_sdk::json::Value;
use growbox_sdk::{Keyed, Stored};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How many alerts may stand at once; what is more is not raised, and said in the log.
pub(crate) const MOST_STANDING: usize = 256;

/// Stored under `alerts`.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Book {
    /// The rules that what is remembered belongs to, each with the digest of its settings.
    pub(crate) rules: BTreeMap<String, u64>,
    /// What stands, by the key of its watch.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) standing: BTreeMap<String, Alert>,
}

impl Stored for Book {
    const KEY: &'static str = "alerts";
}

/// An alert that stands. Rule, zone and subject name it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Alert {
    pub(crate) rule: String,
    pub(crate) zone: Option<String>,
    pub(crate) subject: Option<String>,
    pub(crate) severity: String,
    /// Since when it is so, in ns since the Unix epoch.
    pub(crate) since: u64,
    /// Who has seen it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) who: Option<String>,
}

impl Book {
    /// Whether an alert of this rule stands that concerns this zone: of the same zone, or of none.
    pub(crate) fn concerns(&self, rule: &str, zone: Option<&str>) -> bool {
        self.standing.values().any(|alert| {
            let about = alert.zone.as_deref();
            alert.rule == rule && (about.is_none() || zone.is_none() || about == zone)
        })
    }

    /// Notes who has seen an alert.
    pub(crate) fn acknowledge(&mut self, zone: Option<&str>, data: &Value) {
        let text = |name: &str| data[name].as_str();
        for alert in self.standing.values_mut() {
            let meant = Some(alert.rule.as_str()) == text("rule")
                && alert.zone.as_deref() == zone
                && alert.subject.as_deref() == text("subject");
            if meant {
                alert.who = Some(text("who").unwrap_or("somebody").to_string());
            }
        }
    }
}

/// How far a rule is with one subject in one zone. Stored under `watch/RULE/ZONE/SUBJECT`.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Watch {
    pub(crate) excursion: Excursion,
    /// Of a burst: the newest events, oldest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) counts: Vec<Count>,
    /// Of a rate: values to compare with, oldest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) samples: Vec<Sample>,
    /// Of an absence: when it was heard last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) heard: Option<Heard>,
}

impl Keyed for Watch {
    const PREFIX: &'static str = "watch/";
}
