//! Why an event happened: its causes up to the root, and what came of it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use growbox_model::ports::EventFilter;
use growbox_model::{DeviceId, Event, Seq};
use serde_json::Value;

use crate::host::Host;
use crate::log::STEP;

/// How many causes are followed upward.
const DEPTH: usize = 64;
/// How many later events are looked at for consequences.
const AHEAD: usize = 10_000;
/// How many events a story tells at most.
const EVENTS: usize = 500;
/// How far back the newest request to a device is looked for, in numbers, in widening steps.
const BACK: [u64; 4] = [1 << 10, 1 << 14, 1 << 18, 1 << 22];

const REQUESTED: &str = "device.action.requested";

type Story = Vec<Arc<Event>>;

/// The causes of an event up to the root, the event, and what it or a request among its causes led to.
///
/// Other consequences of its causes are left out: a reading may have moved five devices, and
/// the story of one of them is not that of the others.
pub(crate) fn of(host: &dyn Host, event: &Arc<Event>) -> Result<Story, String> {
    let mut told = causes(host, event);
    let mut roots: BTreeSet<Seq> = told
        .values()
        .filter(|cause| cause.kind.as_str() == REQUESTED)
        .map(|cause| cause.seq)
        .collect();
    roots.insert(event.seq);
    follow(host, roots, &mut told)?;
    Ok(told.into_values().collect())
}

fn causes(host: &dyn Host, event: &Arc<Event>) -> BTreeMap<Seq, Arc<Event>> {
    let mut told = BTreeMap::from([(event.seq, Arc::clone(event))]);
    let mut cause = event.cause;
    while let Some(seq) = cause.filter(|seq| told.len() < DEPTH && !told.contains_key(seq)) {
        let Some(found) = host.find_event(&seq.to_string()) else {
            break; // aged out of the log
        };
        cause = found.cause;
        told.insert(seq, found);
    }
    told
}

/// Adds what follows from `roots`. A consequence is always younger than its cause, so one walk
/// forward finds the consequences of consequences too.
fn follow(
    host: &dyn Host,
    mut roots: BTreeSet<Seq>,
    told: &mut BTreeMap<Seq, Arc<Event>>,
) -> Result<(), String> {
    let mut filter = EventFilter {
        after: roots.first().copied(),
        limit: STEP,
        ..EventFilter::default()
    };
    let history = host.history();
    for _ in 0..AHEAD / STEP {
        let events = history.events(&filter)?;
        for event in &events {
            if told.len() < EVENTS && event.cause.is_some_and(|cause| roots.contains(&cause)) {
                roots.insert(event.seq);
                told.insert(event.seq, Arc::clone(event));
            }
        }
        if events.len() < STEP {
            break;
        }
        filter.after = events.last().map(|event| event.seq);
    }
    Ok(())
}

/// The story of the newest request to a device, and of the newest change of its state what led to it.
pub(crate) fn of_device(host: &dyn Host, device: &DeviceId) -> Result<Story, String> {
    let mut told = BTreeMap::new();
    if let Some(request) = newest(host, device, REQUESTED)? {
        told.extend(of(host, &request)?.into_iter().map(|e| (e.seq, e)));
    }
    if let Some(change) = newest(host, device, "device.state.changed")? {
        told.extend(causes(host, &change));
    }
    Ok(told.into_values().collect())
}

/// The newest event of a type about a device. The log reads forward only, hence the widening steps.
fn newest(host: &dyn Host, device: &DeviceId, kind: &str) -> Result<Option<Arc<Event>>, String> {
    let last = host.newest();
    for back in BACK {
        let after = Seq(last.0.saturating_sub(back));
        let found = last_after(host, device, kind, after)?;
        if found.is_some() || after == Seq(0) {
            return Ok(found);
        }
    }
    Ok(None)
}

fn last_after(
    host: &dyn Host,
    device: &DeviceId,
    kind: &str,
    after: Seq,
) -> Result<Option<Arc<Event>>, String> {
    let history = host.history();
    let mut filter = EventFilter {
        types: vec![kind.to_owned()],
        device: Some(device.clone()),
        after: Some(after),
        limit: STEP,
        ..EventFilter::default()
    };
    let mut last = None;
    loop {
        let mut events = history.events(&filter)?;
        let more = events.len() == STEP;
        last = events.pop().or(last);
        if !more {
            return Ok(last);
        }
        filter.after = last.as_ref().map(|event| event.seq);
    }
}

/// What correlation names, and the pattern it saw.
pub(crate) fn related(host: &dyn Host, event: &Event) -> (Story, Value) {
    let mut context = host.context(event);
    let named = context.remove("correlated_events");
    let ids = named.as_ref().and_then(Value::as_array);
    let found = ids
        .into_iter()
        .flatten()
        .filter_map(|id| host.find_event(id.as_str()?));
    let by_seq: BTreeMap<Seq, Arc<Event>> = found.map(|event| (event.seq, event)).collect();
    let pattern = context.remove("correlation_pattern");
    (by_seq.into_values().collect(), pattern.unwrap_or_default())
}
