//! Alerts as a room sees them: raised once, cleared, kept, suppressed, stopped.

mod life;
mod recording;
mod settings;

use crate::AlertRules;
use growbox_sdk::TestRoom;
use growbox_sdk::json::{Value, json};
use growbox_sdk::wire::Draft;

/// Rules as an operator writes them.
fn rules(rules: &Value) -> AlertRules {
    let settings = json!({"rules": rules}).to_string();
    growbox_sdk::start(&settings).expect("the settings are in order")
}

fn room(with: &Value) -> TestRoom<AlertRules> {
    TestRoom::with(rules(with))
}

/// The data of what was emitted.
fn data(draft: &Draft) -> Value {
    match &draft.payload {
        growbox_sdk::wire::Payload::Document(text) => text.parse().expect("is JSON"),
        other => panic!("no document: {other:?}"),
    }
}

/// Type and rule of each alert that the last batch said.
fn said(room: &TestRoom<AlertRules>) -> Vec<(String, Value)> {
    let said = room.emitted().iter();
    said.map(|draft| (draft.type_.clone(), data(draft)["rule"].clone()))
        .collect()
}
