//! What a handler may read of history: only what its manifest asks and the operator grants.

use std::sync::Arc;

use growbox_model::ports::{EventFilter, History, Sample, Window};
use growbox_model::room::Grant;
use growbox_model::{Event, EventType, Instant, Manifest, PluginSpec, SensorId, Seq, Span};

use crate::limits::HISTORY_ROWS;

/// Reads history for one plug-in, within its rights.
pub(crate) struct Reader {
    history: Arc<dyn History>,
    plugin: String,
    asks: Manifest,
    grant: Grant,
    deny: Grant,
}

/// A stretch of `at`, as the guest names it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stretch {
    pub(crate) start: Instant,
    pub(crate) end: Instant,
    pub(crate) limit: u32,
}

impl Reader {
    pub(crate) fn new(history: Arc<dyn History>, asks: &Manifest, spec: &PluginSpec) -> Self {
        Self {
            history,
            plugin: spec.id.to_string(),
            asks: asks.clone(),
            grant: spec.grant.clone(),
            deny: spec.deny.clone(),
        }
    }

    /// Values of one series, as of `view`.
    pub(crate) fn samples(
        &self,
        sensor: &str,
        quantity: &str,
        stretch: Stretch,
        step: Option<Span>,
        view: Seq,
    ) -> Result<Vec<Sample>, String> {
        self.may_read(quantity)?;
        let sensor = SensorId::new(sensor).map_err(|o| o.message)?;
        let window = Window {
            start: stretch.start,
            end: stretch.end,
            limit: stretch.limit.min(HISTORY_ROWS),
            up_to: view,
        };
        self.history.samples(&sensor, quantity, window, step)
    }

    /// Events of some types, as of `view`; what was said without the right to is left out.
    pub(crate) fn events(
        &self,
        types: Vec<String>,
        stretch: Stretch,
        view: Seq,
    ) -> Result<Vec<Arc<Event>>, String> {
        if types.is_empty() {
            self.may_read("*")?;
        }
        for pattern in &types {
            self.may_read(&scope(pattern))?;
        }
        let filter = EventFilter {
            from: Some(stretch.start),
            to: Some(stretch.end),
            types,
            up_to: Some(view),
            limit: stretch.limit.min(HISTORY_ROWS) as usize,
            ..EventFilter::default()
        };
        let mut events = self.history.events(&filter)?;
        events.retain(|event| event.effective());
        Ok(events)
    }

    fn may_read(&self, scope: &str) -> Result<(), String> {
        if !self.asks.asks_for("read-history", scope) {
            return Err(format!(
                "the manifest does not ask for \"read-history\" of \"{scope}\""
            ));
        }
        if self.deny.names("read-history", scope) {
            return Err(format!(
                "[plugin.{}] deny takes the history of \"{scope}\" away",
                self.plugin
            ));
        }
        if self.grant.names("read-history", scope) {
            return Ok(());
        }
        Err(format!(
            "not granted; the operator can allow it: [plugin.{}] grant = {{ read_history = [\"{scope}\"] }}",
            self.plugin
        ))
    }
}

/// The quantity that a type's history belongs to; anything but readings needs it all.
fn scope(pattern: &str) -> String {
    let quantity = EventType::parse(pattern).ok().and_then(|k| k.quantity());
    quantity.map_or_else(|| "*".to_owned(), |q| q.to_string())
}
