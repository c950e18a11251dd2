//! Outbound calls: what a plug-in wants sent, from its batch to the answer.
//!
//! ```text
//!  effect ──two keys──▶ said ──commit──▶ handed over ──durable──▶ performed ──answer──▶ closed
//!     └ refused              (open: in the log until it is closed)     ▲
//!                                        a start that finds it open ───┘
//! ```
//!
//! So a call is performed at least once, and its answer is an event with the commit that closes it.

use std::collections::BTreeMap;

use growbox_model::commit::{CallId, OpenCall, Record, Restored};
use growbox_model::json::STRING_BYTES;
use growbox_model::ports::{CallAnswer, CallReply, Ports};
use growbox_model::{Call, Generation, Moment, Objection, PluginId, Text};
use serde_json::{Map, Value, json};

use crate::effects::deep_enough;
use crate::flow::{Flow, Life};
use crate::judge::put;
use crate::mailbox::Out;
use crate::permit;
use crate::say::Saying;

/// Calls of one plug-in that may wait for their answers.
const OPEN: usize = 32;
/// Calls a plug-in may save up, and gains per second.
const BUDGET: (f64, f64) = (60.0, 0.5);
/// Bytes of an answer's headers that are told.
const HEADER_BYTES: usize = 16 * 1024;
/// Why nothing is called under the events clock.
const BY_EVENTS: &str = "not performed: the room's time comes from events";

/// How far a call has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// It goes with the next commit.
    Said,
    /// It is part of this commit, or of one before.
    Handed(u64),
    /// The world was asked.
    Performed,
}

#[derive(Debug)]
struct Waiting {
    open: OpenCall,
    stage: Stage,
    /// How many plug-in events lie between its answer and something from outside.
    depth: Option<u8>,
}

/// The calls that wait for an answer.
#[derive(Debug, Default)]
pub(crate) struct Calls {
    waiting: BTreeMap<CallId, Waiting>,
    last: u64,
    /// What each plug-in has left, and since when.
    budgets: BTreeMap<PluginId, (f64, Moment)>,
}

impl Calls {
    /// Those the log knows as open: they are performed again.
    pub(crate) fn restored(restored: &Restored) -> Self {
        let waiting = restored.calls.iter().cloned().map(|open| {
            let stage = Stage::Handed(0);
            let depth = None;
            (open.id, Waiting { open, stage, depth })
        });
        let waiting: BTreeMap<CallId, Waiting> = waiting.collect();
        Self {
            last: waiting.keys().last().map_or(0, |id| id.0),
            waiting,
            budgets: BTreeMap::new(),
        }
    }

    fn has_room(&self, plugin: &PluginId) -> Result<(), Objection> {
        let own = |waiting: &&Waiting| waiting.open.plugin == *plugin;
        if self.waiting.values().filter(own).count() < OPEN {
            return Ok(());
        }
        let why = format!("{OPEN} calls of {plugin} wait for their answers already");
        Err(Objection::new("too_many_calls", why))
    }

    fn spend(&mut self, plugin: &PluginId, now: Moment) -> Result<(), Objection> {
        let (most, per_second) = BUDGET;
        let (left, since) = self.budgets.entry(plugin.clone()).or_insert((most, now));
        *left = (*left + now.since(*since).as_seconds() * per_second).min(most);
        *since = now;
        if *left < 1.0 {
            let why = format!("{plugin} calls more than {per_second} times a second");
            return Err(Objection::new("over_budget", why));
        }
        *left -= 1.0;
        Ok(())
    }

    /// Whether some go with the next commit.
    pub(crate) fn said(&self) -> bool {
        self.waiting.values().any(|call| call.stage == Stage::Said)
    }

    /// That commit has this number.
    pub(crate) fn handed(&mut self, number: u64) {
        for call in self.waiting.values_mut() {
            if call.stage == Stage::Said {
                call.stage = Stage::Handed(number);
            }
        }
    }
}

impl Flow {
    /// What a plug-in wants called: checked, and open from the commit of its batch on.
    pub(crate) fn call(
        &mut self,
        id: &PluginId,
        generation: Generation,
        out: &Out,
        call: Call,
    ) -> Result<(), Objection> {
        let depth = out.depth_below(&[]);
        deep_enough(depth)?;
        let origin = permit::origin(&call)?;
        let Some(mailbox) = self.plugins.boxes.get(id) else {
            return Err(Objection::new("gone", "the plug-in is gone"));
        };
        permit::allow(&mailbox.spec, &mailbox.manifest, &origin)?;
        self.calls.has_room(id)?;
        self.calls.spend(id, self.clock.now().moment)?;
        self.calls.last += 1;
        let open = OpenCall {
            id: CallId(self.calls.last),
            plugin: id.clone(),
            generation,
            cause: out.cause(&[]),
            call,
        };
        if self.clock.by_events() {
            self.say_answered(&open, Some(depth), Err(BY_EVENTS.to_owned()));
            return Ok(());
        }
        self.commit.records.push(Record::CallOpened(open.clone()));
        let waiting = Waiting {
            open,
            stage: Stage::Said,
            depth: Some(depth),
        };
        self.calls.waiting.insert(waiting.open.id, waiting);
        Ok(())
    }

    /// At the start: calls nobody would allow any more are answered instead of performed.
    pub(crate) fn give_up_calls(&mut self) {
        let given_up = self.calls.waiting.values().filter_map(|call| {
            let why = self.no_longer(&call.open)?;
            Some((call.open.id, why))
        });
        for (id, why) in given_up.collect::<Vec<_>>() {
            let outcome = Err(why);
            self.hear_called(CallAnswer { id, outcome });
        }
    }

    fn no_longer(&self, open: &OpenCall) -> Option<String> {
        if self.clock.by_events() {
            return Some(BY_EVENTS.to_owned());
        }
        let plugin = self.room.plugins.get(&open.plugin);
        let origin = permit::origin(&open.call).ok()?;
        if plugin.is_some_and(|spec| spec.enabled && permit::grants(spec, &origin)) {
            return None;
        }
        let plugin = &open.plugin;
        Some(format!(
            "not performed: after the restart [plugin.{plugin}] no longer grants {origin}"
        ))
    }

    /// Performs every call whose commit is durable.
    pub(crate) fn perform_calls(&mut self, ports: &mut impl Ports) {
        if self.calls.waiting.is_empty() || self.life != Life::Running || !self.start_is_durable() {
            return;
        }
        let durable = self.written.durable;
        for call in self.calls.waiting.values_mut() {
            if matches!(call.stage, Stage::Handed(number) if number <= durable) {
                call.stage = Stage::Performed;
                ports.call(call.open.clone());
            }
        }
    }

    /// What came of a call: its answer is said, and it is closed with the same commit.
    pub(crate) fn hear_called(&mut self, answer: CallAnswer) {
        let Some(waiting) = self.calls.waiting.remove(&answer.id) else {
            return;
        };
        self.commit.records.push(Record::CallClosed(answer.id));
        self.say_answered(&waiting.open, waiting.depth, answer.outcome);
    }

    fn say_answered(
        &mut self,
        open: &OpenCall,
        depth: Option<u8>,
        outcome: Result<CallReply, String>,
    ) {
        let mut data = json!({"plugin": open.plugin, "key": open.call.key});
        match outcome {
            Ok(reply) => {
                put(&mut data, "status", Some(json!(reply.status)));
                put(&mut data, "headers", Some(told(&reply.headers)));
                put(&mut data, "body", Some(json!(cut(&reply.body))));
            }
            Err(why) => put(&mut data, "error", Some(json!(cut(&why)))),
        }
        let saying = Saying {
            depth,
            generation: Some(open.generation),
            ..Saying::host("plugin.call.answered", &data)
        };
        self.announce(saying.caused_by(open.cause));
    }
}

/// As many headers as fit; those of the same name in one value.
fn told(headers: &[(Text, Text)]) -> Value {
    let mut left = HEADER_BYTES;
    let mut told: Map<String, Value> = Map::new();
    for (name, value) in headers {
        let value = cut(value);
        let Some(rest) = left.checked_sub(name.len() + value.len()) else {
            break;
        };
        left = rest;
        let joined = match told.get(&**name).and_then(Value::as_str) {
            Some(before) => format!("{before}, {value}"),
            None => value.to_owned(),
        };
        told.insert(cut(name).to_owned(), json!(cut(&joined)));
    }
    Value::Object(told)
}

/// What fits a string of an event.
fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(STRING_BYTES)]
}
