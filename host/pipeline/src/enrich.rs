//! Enrichment: the specification's metadata about where and in which room an event was taken.

use growbox_model::Event;
use growbox_model::batch::Correlation;
use growbox_model::row::ZoneRow;
use serde_json::{Map, Value, json};

/// What the machine says of itself.
#[derive(Debug, Clone)]
pub struct Node {
    /// growbox's version.
    pub version: &'static str,
    /// The machine's name.
    pub name: String,
}

/// The members enrichment adds to `metadata`.
pub fn context(
    node: &Node,
    event: &Event,
    zone: Option<&ZoneRow>,
    correlation: Option<&Correlation>,
) -> Map<String, Value> {
    let mut context = Map::new();
    context.insert("system_version".into(), json!(node.version));
    context.insert("processing_node".into(), json!(node.name));
    if let Some(row) = zone.filter(|row| event.zone.as_ref() == Some(&row.id)) {
        context.insert("zone_context".into(), json!(row));
    }
    if let Some(correlation) = correlation {
        context.insert("correlated_events".into(), json!(correlation.events));
        context.insert("correlation_pattern".into(), json!(correlation.pattern));
    }
    context
}
