//! Where alerts are raised and cleared: once each, unless a parent stands, as far as there is room.

use crate::excursion::{First, Patience, Position, Turn, between};
use crate::memory::{Alert, Book, MOST_STANDING, Watch};
use crate::rule::{Action, Rule};
use crate::rules::Rules;
use crate::words::about;
use growbox_sdk::calendar::rfc3339;
use growbox_sdk::json::{Map, Value};
use growbox_sdk::prelude::*;

/// Effects of one batch after which no alert is raised or cleared: the next reading does it. A
/// batch may have 1024 effects.
const MOST_EFFECTS: usize = 1000;
/// Events that an alert names as its evidence.
const EVIDENCE: usize = 16;

/// What an alert is about. Rule, zone and subject name it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct About {
    pub(crate) zone: Option<String>,
    pub(crate) subject: Option<String>,
}

/// What an event or a tick shows of a condition.
#[derive(Clone, Debug)]
pub(crate) struct Sight {
    pub(crate) position: Position,
    /// When that was so, in ns since the Unix epoch.
    pub(crate) at: u64,
    /// What began it, should it begin now.
    pub(crate) first: First,
    /// The newest events that show it.
    pub(crate) evidence: Vec<u64>,
    /// With figures.
    pub(crate) words: String,
}

/// A batch at work: the room, what is remembered, and what is to be done.
pub(crate) struct Desk<'a> {
    pub(crate) room: &'a Room<'a>,
    book: &'a mut Book,
    watches: &'a mut PerKey<Watch>,
    effects: &'a mut Effects,
}

impl<'a> Desk<'a> {
    pub(crate) fn new(
        room: &'a Room<'a>,
        book: &'a mut Book,
        watches: &'a mut PerKey<Watch>,
        effects: &'a mut Effects,
    ) -> Self {
        Self {
            room,
            book,
            watches,
            effects,
        }
    }

    /// How far a rule is under this key.
    pub(crate) fn watch(&mut self, key: &str) -> &mut Watch {
        self.watches.of(key)
    }

    /// Whether there is a watch under this key, or room for one more of this rule.
    pub(crate) fn has_room(&mut self, rule: &Rule, key: &str, most: usize) -> bool {
        let room = self.watches.has(key) || self.watches.stored(&rule.keys()).len() < most;
        if !room {
            log::warn(format!(
                "rule {}: more than {most} subjects; {key} is not counted",
                rule.name
            ));
        }
        room
    }

    /// The keys under which alerts of a rule stand.
    pub(crate) fn standing(&self, rule: &Rule) -> Vec<String> {
        let standing = self.book.standing.iter();
        let of_rule = standing.filter(|(_, alert)| alert.rule == rule.name);
        of_rule.map(|(key, _)| key.clone()).collect()
    }

    /// Takes the rules of the settings: what belongs to a rule that is as before is kept, the
    /// alerts of all others are cleared, and what was remembered for them is forgotten.
    pub(crate) fn take_rules(&mut self, rules: &Rules) {
        if self.book.rules == *rules.digests() {
            return;
        }
        let known = std::mem::replace(&mut self.book.rules, rules.digests().clone());
        for (name, digest) in known {
            let now = self.book.rules.get(&name);
            if now == Some(&digest) {
                continue;
            }
            let words = if now.is_some() {
                "its rule was changed"
            } else {
                "its rule is gone"
            };
            self.drop_rule(&name, words);
        }
    }

    fn drop_rule(&mut self, name: &str, words: &str) {
        let standing = self.book.standing.iter();
        let of_rule = standing.filter(|(_, alert)| alert.rule == name);
        let keys: Vec<_> = of_rule.map(|(key, _)| key.clone()).collect();
        for key in keys {
            self.clear(&key, self.room.clock().wall, &[], words);
        }
        for key in self.watches.stored(&format!("{name}/")) {
            self.watches.forget(&key);
        }
    }

    /// Somebody has seen an alert: noted, and named when it is cleared.
    pub(crate) fn acknowledge(&mut self, event: &Event) {
        if let Some(data) = event.document() {
            self.book.acknowledge(event.zone.as_deref(), &data);
        }
    }

    /// Raises or clears what a sight makes due.
    pub(crate) fn turn(&mut self, rule: &Rule, key: &str, about: About, sight: &Sight) {
        let patience = Patience {
            dwell: rule.dwell(),
            clear_dwell: rule.common.clear_dwell,
        };
        let stands = self.book.standing.contains_key(key);
        let excursion = &mut self.watches.of(key).excursion;
        let before = excursion.clone();
        let turn = excursion.step(sight.position, sight.at, sight.first, patience, stands);
        let full = self.effects.as_slice().len() >= MOST_EFFECTS;
        match turn {
            Turn::Stays => {}
            Turn::Clear if full => self.watches.of(key).excursion = before,
            Turn::Clear => self.clear(key, sight.at, &sight.evidence, &sight.words),
            Turn::Raise(_) if full => {}
            Turn::Raise(first) => self.raise(rule, key, about, first, sight),
        }
    }

    fn raise(&mut self, rule: &Rule, key: &str, about: About, first: First, sight: &Sight) {
        let mut parent = rule.common.parent.iter();
        if parent.any(|parent| self.book.concerns(parent, about.zone.as_deref())) {
            return;
        }
        if self.book.standing.len() >= MOST_STANDING {
            log::warn(format!(
                "{MOST_STANDING} alerts stand; not raised: {}",
                sight.words
            ));
            return;
        }
        let alert = Alert {
            rule: rule.name.clone(),
            zone: about.zone,
            subject: about.subject,
            severity: rule.common.severity.word().to_string(),
            since: first.at,
            who: None,
        };
        let mut evidence: Vec<u64> = first.seq.into_iter().collect();
        let more = sight.evidence.iter().filter(|seq| Some(**seq) != first.seq);
        evidence.extend(more);
        let message = message(rule, first.at, sight);
        let done = self.act(rule, &alert, &message, &evidence);
        self.say(
            "alert.raised",
            &alert,
            sight.at,
            &message,
            &evidence,
            |data| {
                if !done.is_empty() {
                    data.insert("action_taken".into(), done.join(", ").into());
                }
            },
        );
        self.book.standing.insert(key.to_string(), alert);
    }

    /// Does what the rule wants done, as far as it is granted, and tells what that was.
    fn act(
        &mut self,
        rule: &Rule,
        alert: &Alert,
        message: &str,
        evidence: &[u64],
    ) -> Vec<&'static str> {
        let mut done = Vec::new();
        for action in &rule.common.actions {
            if *action == Action::EmergencyStop {
                let zone = alert.zone.as_deref();
                if !self.room.may_stop(zone) {
                    let zone = zone.unwrap_or("*");
                    log::warn(format!(
                        "rule {}: emergency_stop is not granted for {zone}; nothing is stopped",
                        rule.name
                    ));
                    continue;
                }
                let reason = format!("{}: {message}", rule.name);
                self.effects.stop(zone, reason, evidence);
            }
            done.push(action.word());
        }
        done
    }

    fn clear(&mut self, key: &str, at: u64, evidence: &[u64], words: &str) {
        let Some(alert) = self.book.standing.remove(key) else {
            return;
        };
        let message = format!("over after {}: {words}", about(between(alert.since, at)));
        self.say("alert.cleared", &alert, at, &message, evidence, |data| {
            if let Some(who) = &alert.who {
                data.insert("who".into(), who.as_str().into());
            }
        });
    }

    fn say(
        &mut self,
        event_type: &str,
        alert: &Alert,
        at: u64,
        message: &str,
        evidence: &[u64],
        more: impl FnOnce(&mut Map<String, Value>),
    ) {
        let evidence = &evidence[..evidence.len().min(EVIDENCE)];
        let mut data = Map::new();
        data.insert("rule".into(), alert.rule.as_str().into());
        data.insert("severity".into(), alert.severity.as_str().into());
        data.insert("message".into(), message.into());
        if let Some(subject) = &alert.subject {
            data.insert("subject".into(), subject.as_str().into());
        }
        data.insert("since".into(), rfc3339(alert.since).into());
        data.insert("evidence".into(), evidence.into());
        more(&mut data);
        let emitted = self.effects.emit(event_type, &Value::Object(data));
        let emitted = emitted.at(at).caused_by(evidence);
        // A zone that is no longer there cannot be spoken about.
        let zone = alert.zone.as_deref();
        if let Some(zone) = zone.filter(|zone| self.room.zone(zone).is_some()) {
            emitted.zone(zone);
        }
    }
}

/// The words of a sight, and for how long it has been so where that was waited for.
fn message(rule: &Rule, since: u64, sight: &Sight) -> String {
    let words = &sight.words;
    if rule.dwell() == Span::ZERO {
        words.clone()
    } else {
        format!("{words}; for {}", about(between(since, sight.at)))
    }
}
