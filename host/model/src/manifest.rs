//! What a plug-in says of itself before it is given anything.

use serde::{Deserialize, Serialize};

use crate::id::PluginId;
use crate::time::Span;

/// How a subscriber that falls behind is served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Delivery {
    /// Lossless: it catches up.
    Every,
    /// Readings coalesce per series when behind; other events are always every one.
    Latest,
}

/// Which events a plug-in wants.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscription {
    /// Types, or `prefix.*`.
    pub types: Vec<String>,
    /// Zones; none means all.
    pub zones: Vec<String>,
    /// What happens when it is behind.
    pub delivery: Delivery,
}

/// One thing the plug-in wants to be allowed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ask {
    /// `control`, `emit`, `read-history`, `emergency-stop`, `call`.
    pub ability: String,
    /// A role, an event type, a quantity, a zone or an origin.
    pub scope: String,
    /// The sentence a grower reads before saying yes.
    pub why: String,
    /// Whether the plug-in waits until it is granted.
    pub required: bool,
}

/// The plug-in's description of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Its id.
    pub id: PluginId,
    /// Its version, as its author counts.
    pub version: String,
    /// One sentence.
    pub summary: String,
    /// Which events it wants.
    pub subscriptions: Vec<Subscription>,
    /// What it wants to be allowed.
    pub asks: Vec<Ask>,
    /// How often it wants to be woken without an event.
    pub tick: Option<Span>,
    /// JSON schema of its settings.
    pub settings_schema: String,
    /// The version of its stored state.
    pub state_version: u32,
    /// Author, licence, home page …
    pub attributes: Vec<(String, String)>,
}

impl Manifest {
    /// Whether it asks for `ability` in `scope`.
    pub fn asks_for(&self, ability: &str, scope: &str) -> bool {
        self.asks
            .iter()
            .any(|ask| ask.ability == ability && covers(&ask.scope, scope))
    }
}

/// Whether an asked or granted `pattern` (exact, `prefix.*` or `*`) covers `scope`.
pub fn covers(pattern: &str, scope: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(prefix) => scope.starts_with(prefix),
        None => pattern == scope,
    }
}
